// What a call of the client library throws.
#pragma once

#include "lazaret/error.h"

namespace lazaret::testing {

/// The class of the error that `call` throws; an empty code when it throws none.
template <class Call>
error_code error_of(Call call) {
  try {
    call();
    return {};
  } catch (const Error& error) {
    return error.code();
  }
}

}  // namespace lazaret::testing

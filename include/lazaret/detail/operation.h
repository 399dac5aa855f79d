// How an asynchronous verb takes a completion token. Not for users.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <utility>

#include "lazaret/error.h"

namespace lazaret::detail {

namespace asio = boost::asio;

/// A completion handler whose type is hidden behind the library: its executor, allocator and cancellation slot stay.
template <class R>
using Handler = asio::any_completion_handler<void(error_code, R)>;

template <class R, class Token, class Start>
auto operation(Token&& token, Start start) {
  return asio::async_initiate<Token, void(error_code, R)>(
      [](auto handler, Start begin) { begin(Handler<R>(std::move(handler))); }, token, std::move(start));
}

}  // namespace lazaret::detail

// How an asynchronous verb takes a completion token. Not for users.
#pragma once

#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/async_result.hpp>
#include <type_traits>
#include <utility>

#include "lazaret/error.h"

namespace lazaret::detail {

namespace asio = boost::asio;

/// A completion handler whose type is hidden behind the library: its executor, allocator and cancellation slot stay.
template <class R>
using Handler = asio::any_completion_handler<void(error_code, R)>;

/// Begins an operation. What it takes along is moved as seldom as its token allows: messages have many members.
template <class R>
struct Begin {
  template <class H, class Start>
  void operator()(H&& handler, Start&& start) const {
    if constexpr (std::is_lvalue_reference_v<Start>) {
      auto copy = start;  // a token that may begin it again
      copy(Handler<R>(std::forward<H>(handler)));
    } else {
      start(Handler<R>(std::forward<H>(handler)));
    }
  }
};

template <class R, class Token, class Start>
auto operation(Token&& token, Start&& start) {
  return asio::async_initiate<Token, void(error_code, R)>(Begin<R>(), token, std::forward<Start>(start));
}

}  // namespace lazaret::detail

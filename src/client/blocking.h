// How blocking verbs wait for asynchronous ones, and throw.
#pragma once

#include <future>
#include <utility>

#include "client/completion.h"
#include "lazaret/error.h"

namespace lazaret::detail {

[[noreturn]] inline void raise(const base::Status& status) { throw Error(code_of(status), *problem_of(status)); }

inline void check_may_block(bool would_deadlock) {
  if (would_deadlock) raise(base::Status(base::Code::WOULD_DEADLOCK));
}

/// Starts an operation and waits for its end.
template <class R, class Start>
R wait_for(Start start) {
  std::promise<std::pair<error_code, R>> promise;
  auto future = promise.get_future();
  start(Handler<R>([&promise](error_code code, R result) { promise.set_value({code, std::move(result)}); }));
  auto [code, result] = future.get();
  if (code) throw Error(code, result.problem ? *result.problem : Problem());
  return std::move(result);
}

}  // namespace lazaret::detail

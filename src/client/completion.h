// Completion: a user's handler and where it runs, kept until the operation is over.
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <utility>

#include "base/status.h"
#include "lazaret/detail/operation.h"

namespace lazaret::detail {

/// The error and the problem of a status; of an OK one neither.
error_code code_of(const base::Status& status);
ProblemRef problem_of(const base::Status& status);

template <class R>
class Completion {
 public:
  Completion() = default;
  /// Runs on the handler's own executor, or on `otherwise`.
  Completion(Handler<R> handler, const asio::any_io_executor& otherwise)
      : handler_(std::move(handler)),
        executor_(asio::prefer(asio::get_associated_executor(handler_, otherwise),
                               asio::execution::outstanding_work.tracked)),
        client_(otherwise) {}

  Completion(Completion&&) noexcept = default;
  /// By swapping: Boost 1.81's any_completion_handler calls itself for ever when it is move-assigned.
  Completion& operator=(Completion&& other) noexcept {
    handler_.swap(other.handler_);
    std::swap(executor_, other.executor_);
    std::swap(client_, other.client_);
    return *this;
  }

  explicit operator bool() const { return static_cast<bool>(handler_); }

  /// Ends the operation; never calls the handler before it returns.
  void done(R result) { finish({}, std::move(result)); }
  /// The same when the client's executor runs nothing any more.
  void done_without_client(R result) {
    if (!handler_) return;
    asio::any_completion_executor where = asio::get_associated_executor(handler_, asio::system_executor());
    auto call = [handler = std::move(handler_), result = std::move(result)]() mutable {
      std::move(handler)(error_code(), std::move(result));
    };
    asio::post(asio::system_executor(),
               [where = std::move(where), call = std::move(call)]() mutable { where.execute(std::move(call)); });
    Handler<R>().swap(handler_);
    executor_ = {};
  }
  void fail(const base::Status& status, R result = {}) {
    result.problem = problem_of(status);
    finish(code_of(status), std::move(result));
  }

 private:
  void finish(error_code code, R result) {
    if (!handler_) return;
    auto call = [handler = std::move(handler_), code, result = std::move(result)]() mutable {
      std::move(handler)(code, std::move(result));
    };
    Handler<R>().swap(handler_);
    // By way of the client's executor: whoever ends the operation, or starts one that fails at once, is not called back
    // on its own stack. The work ends when execute() has returned: a context that runs until it has none is not gone
    // before.
    asio::post(client_, [executor = std::exchange(executor_, {}), call = std::move(call)]() mutable {
      executor.execute(std::move(call));
    });
  }

  Handler<R> handler_;
  asio::any_completion_executor executor_;
  asio::any_io_executor client_;
};

}  // namespace lazaret::detail

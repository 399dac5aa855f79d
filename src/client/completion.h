// Completion: a user's handler, kept until its operation is over, and called where it wants to be.
//
// Handlers without an executor of their own run on the client's. So do those whose executor is the one that the user
// gave the client: the client runs on it, and always has work there. Any other executor is told that it has work until
// its handler was handed to it.
#pragma once

#include <boost/asio/any_completion_executor.hpp>
#include <boost/asio/any_completion_handler.hpp>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/associated_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/prefer.hpp>
#include <boost/asio/system_executor.hpp>
#include <iterator>
#include <memory>
#include <utility>
#include <vector>

#include "base/status.h"
#include "lazaret/detail/operation.h"

namespace lazaret::detail {

/// The error and the problem of a status; of an OK one neither.
error_code code_of(const base::Status& status);
ProblemRef problem_of(const base::Status& status);

/// Where a client runs.
struct Home {
  asio::any_io_executor client;
  /// What the user gave, which `client` is a strand of; none when the client has a thread of its own.
  asio::any_completion_executor users;
};

template <class R>
class Completion {
 public:
  Completion() = default;
  /// `home` outlives it, but for done_without_client.
  Completion(Handler<R> handler, const Home& home) : handler_(std::move(handler)), home_(&home) {
    auto executor = asio::get_associated_executor(handler_, asio::any_completion_executor());
    if (!executor || executor == home.users) return;
    auto tracked = asio::prefer(std::move(executor), asio::execution::outstanding_work.tracked);
    Handler<R>(Elsewhere{std::move(handler_), std::move(tracked)}).swap(handler_);
  }

  Completion(Completion&&) noexcept = default;
  /// By swapping: Boost 1.81's any_completion_handler calls itself for ever when it is move-assigned.
  Completion& operator=(Completion&& other) noexcept {
    handler_.swap(other.handler_);
    std::swap(home_, other.home_);
    return *this;
  }

  explicit operator bool() const { return static_cast<bool>(handler_); }

  /// Ends the operation. By way of the client's executor: whoever ends it, or starts one that fails at once, is not
  /// called back on its own stack.
  void done(R result) { finish(home_->client, {}, std::move(result)); }
  void fail(const base::Status& status, R result = {}) {
    result.problem = problem_of(status);
    finish(home_->client, code_of(status), std::move(result));
  }
  /// The same when the client's executor runs nothing any more.
  void done_without_client(R result) { finish(asio::system_executor(), {}, std::move(result)); }
  /// The same at once, in a turn of the client's executor that is there for this.
  void call(error_code code, R result) { take()(code, std::move(result)); }

 private:
  struct Elsewhere {
    Handler<R> handler;
    asio::any_completion_executor executor;
    void operator()(error_code code, R result) {
      // The work ends when execute() has returned: a context that runs until it has none is not gone before.
      const auto where = std::move(executor);
      where.execute([handler = std::move(handler), code, result = std::move(result)]() mutable {
        std::move(handler)(code, std::move(result));
      });
    }
  };

  Handler<R> take() {
    Handler<R> taken;
    taken.swap(handler_);
    return taken;
  }
  template <class Executor>
  void finish(const Executor& executor, error_code code, R result) {
    if (!handler_) return;
    asio::post(executor, [handler = take(), code, result = std::move(result)]() mutable {
      std::move(handler)(code, std::move(result));
    });
  }

  Handler<R> handler_;
  const Home* home_ = nullptr;
};

/// Completions of operations that end in one turn of the client's executor: the next turn calls them all.
///
/// Threading: the client's executor.
template <class R>
class Completions {
 public:
  explicit Completions(const Home& home) : list_(std::make_shared<List>(home.client)) {}

  void done(Completion<R> completion, R result) { list_->add({std::move(completion), {}, std::move(result)}); }
  void fail(Completion<R> completion, const base::Status& status, R result = {}) {
    result.problem = problem_of(status);
    list_->add({std::move(completion), code_of(status), std::move(result)});
  }

 private:
  struct Ended {
    Completion<R> completion;
    error_code code;
    R result;
  };
  struct List : std::enable_shared_from_this<List> {
    explicit List(asio::any_io_executor client_) : client(std::move(client_)) {}

    void add(Ended one) {
      ended.push_back(std::move(one));
      if (!std::exchange(posted, true)) asio::post(client, Turn(this->shared_from_this()));
    }
    void call_all() {
      posted = false;
      std::swap(ended, calling);
      std::size_t at = 0;
      try {
        while (at < calling.size()) {
          Ended& one = calling[at++];
          one.completion.call(one.code, std::move(one.result));
        }
      } catch (...) {
        // Those behind one that throws are called all the same, before what has ended meanwhile.
        calling.erase(calling.begin(), calling.begin() + static_cast<std::ptrdiff_t>(at));
        std::swap(ended, calling);
        for (Ended& one : std::exchange(calling, {})) ended.push_back(std::move(one));
        if (!ended.empty() && !std::exchange(posted, true)) asio::post(client, Turn(this->shared_from_this()));
        throw;
      }
      calling.clear();
    }

    const asio::any_io_executor client;
    std::vector<Ended> ended;
    std::vector<Ended> calling;
    bool posted = false;
  };
  /// One that an executor drops takes the handlers with it: they may own the client, and so the list.
  struct Turn {
    explicit Turn(std::shared_ptr<List> list_) : list(std::move(list_)) {}
    Turn(Turn&&) noexcept = default;
    Turn& operator=(Turn&&) = delete;
    ~Turn() {
      if (list == nullptr) return;
      list->posted = false;
      std::exchange(list->ended, {}).clear();
    }
    void operator()() { std::exchange(list, nullptr)->call_all(); }
    std::shared_ptr<List> list;
  };

  std::shared_ptr<List> list_;
};

}  // namespace lazaret::detail

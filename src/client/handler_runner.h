// HandlerRunner: where a consumer's handlers run: plain functions on threads of its own or on the user's executor,
// coroutines on the user's executor or the client's.
//
// Threading: any thread; `finished` is called on the thread of the handler.
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <stop_token>
#include <vector>

#include "lazaret/consumer.h"

namespace lazaret::detail {

/// One delivery on its way through a handler.
struct Work {
  Work(std::uint64_t delivery_, Message message, int attempt, bool redelivered, bool isolated,
       std::shared_ptr<const DeliveredBy> by, Delivery::SteadyTime deadline)
      : number(delivery_),
        delivery(std::move(message), attempt, redelivered, isolated, stop.get_token(), std::move(by), deadline) {}
  const std::uint64_t number;  // the delivery sequence
  std::stop_source stop;
  Delivery delivery;
  /// Steady time in nanoseconds at which the handler began; 0 before. At which it ended.
  std::atomic<std::int64_t> began_ns{0};
  std::int64_t ended_ns = 0;
};
using WorkRef = std::shared_ptr<Work>;

/// Whose handlers they are.
struct HandlersOf {
  const void* client = nullptr;
  const void* consumer = nullptr;
};
/// Whether the calling thread is in a handler of that client or consumer, a coroutine that it resumed included: waiting
/// there for their end would be waiting for itself.
bool is_inside_handler_of(const void* owner);

class HandlerRunner {
 public:
  /// `more`: the same thread begins on the next one now.
  using Finished = std::function<void(const WorkRef&, Verdict, bool more)>;
  virtual ~HandlerRunner() = default;

  virtual void submit(std::vector<WorkRef> works) = 0;
  /// Takes back what no handler has begun on.
  virtual std::vector<WorkRef> take_back() = 0;
  /// Starts nothing more. Handlers that still run go on, and are not waited for.
  virtual void stop() = 0;
};

/// `run_on` is what the user wants, or empty; `own` the client's executor.
std::shared_ptr<HandlerRunner> make_runner(const AnyHandler& handler, int concurrency,
                                           const asio::any_io_executor& run_on, const asio::any_io_executor& own,
                                           HandlersOf owner, HandlerRunner::Finished finished);

}  // namespace lazaret::detail

// HandlerRunner: where a consumer's handlers run: plain functions on threads of its own or on the user's executor,
// coroutines on the user's executor or the client's.
//
// Threading: any thread; reports come from the thread of the handler.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "client/finished_works.h"
#include "client/work.h"
#include "lazaret/consumer.h"

namespace lazaret::detail {

/// Whose handlers they are.
struct HandlersOf {
  const void* client = nullptr;
  const void* consumer = nullptr;
};
/// Whether the calling thread is in a handler of that client or consumer, a coroutine that it resumed included: waiting
/// there for their end would be waiting for itself.
bool is_inside_handler_of(const void* owner);

/// Where handlers' ends are told, and who is woken then: it may be long after the consumer and its client have gone.
struct Reports {
  std::shared_ptr<FinishedWorks> to;
  std::function<void()> wake;

  void tell(WorkRef work, Verdict verdict, bool more) const {
    if (to->add(std::move(work), std::move(verdict), more)) wake();
  }
};

class HandlerRunner {
 public:
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
                                           HandlersOf owner, Reports reports);

}  // namespace lazaret::detail

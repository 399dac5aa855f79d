// Consuming: takes messages off a queue until it is told to stop, and hands each to a worker: a command, or standard
// output.
#pragma once

#include <atomic>
#include <functional>
#include <future>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>

#include "lazaret/lazaret.h"

namespace lazaret::cli {

struct ConsumingOptions {
  /// How a refusal is told while it goes on: as JSON, or as a line.
  bool json = false;
  std::uint64_t count = 0;  // 0: no end
  std::optional<milliseconds> idle_exit;
  int concurrency = 1;
  int prefetch = 32;
  milliseconds drain = std::chrono::seconds(25);
  std::vector<std::string> accepts = {};
};

/// Threading: run by one thread, which sees to signals, the idle time and the end; workers by the consumer's threads.
class Consuming {
 public:
  /// What a worker says of a message; a problem ends the consuming.
  struct Outcome {
    Verdict verdict = Verdict::done();
    std::optional<Problem> problem;
  };
  using Worker = std::function<Outcome(const Delivery&)>;
  struct Totals {
    std::uint64_t done = 0, declined = 0, failed = 0, rejected = 0, released = 0;
    std::size_t abandoned = 0;       // workers that were still busy when the time to finish was over
    bool still_busy = false;         // they are even now
    std::optional<Problem> problem;  // why it ended, when that was not asked for
  };

  Consuming(Client client, const ConsumingOptions& options, Worker worker);
  /// Throws Error when the broker does not take the consumer.
  Totals run(const std::string& queue);

 private:
  Verdict handle(const Delivery& delivery);
  Verdict work(const Delivery& delivery);
  void count(Verdict::Kind kind);
  void count_refused(error_code code, const Problem& problem, Verdict::Kind meant);
  void tell_refusals();
  void close(milliseconds drain);
  void await_signal();
  void await_idle();
  void end_with(const Problem& problem);

  Client client_;
  const ConsumingOptions options_;
  const Worker worker_;
  boost::asio::io_context io_{1};
  // The running thread's.
  boost::asio::signal_set signals_{io_};
  boost::asio::steady_timer idle_{io_};
  boost::asio::steady_timer patience_{io_};
  Consumer consumer_;
  bool closing_ = false;
  Closed closed_;
  // Anyone's.
  std::promise<void> close_begun_;
  const std::shared_future<void> close_has_begun_{close_begun_.get_future().share()};
  std::atomic<std::uint64_t> begun_{0};
  std::atomic<std::uint64_t> in_hand_{0};
  std::atomic<std::chrono::steady_clock::time_point> last_activity_;
  std::atomic<bool> over_{false};
  std::mutex mutex_;
  Totals totals_;                // GUARDED_BY(mutex_)
  std::string last_refusal_;     // GUARDED_BY(mutex_)
  std::vector<Problem> untold_;  // GUARDED_BY(mutex_): refusals to be reported, at most kMostUntold
};

}  // namespace lazaret::cli

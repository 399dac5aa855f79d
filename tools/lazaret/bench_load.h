// The load of a bench: publishers that keep a window of unconfirmed publishes, consumers that take and ack.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "bench_measure.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

struct LoadOptions {
  std::string url;
  std::vector<std::string> queues;  // messages go to them in turn
  int size = 256;
  int producers = 1;
  int consumers = 1;
  int window = 256;         // unconfirmed publishes of a producer; prefetch of a consumer
  std::uint64_t count = 0;  // messages in all; 0: by time
  double seconds = 3;
  std::string durability;  // of the run's queue; "" for the broker's default
};

/// A connection of the run. Its calls have a deadline that no broker under load misses.
Client bench_client(asio::any_io_executor executor, const std::string& url, const std::string& name);

/// Threads that the connections of a load are spread over: as many as there are cores, at most four.
class LoadThreads {
 public:
  LoadThreads();
  ~LoadThreads();
  LoadThreads(const LoadThreads&) = delete;
  /// The next thread's, in turn.
  asio::any_io_executor next();

 private:
  struct Loop;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::size_t next_ = 0;
};

/// Publishes until `count` are confirmed or `seconds` are over, then waits for the last confirms.
class PublishLoad {
 public:
  explicit PublishLoad(const LoadOptions& options);
  ~PublishLoad();
  void run();
  std::uint64_t confirmed() const;
  SteadyTime first_send() const { return first_send_; }
  SteadyTime last_confirm() const;

 private:
  struct Producer;
  LoadOptions options_;
  LoadThreads threads_;
  std::vector<std::unique_ptr<Producer>> producers_;
  SteadyTime first_send_;
};

/// What becomes of each message; any of the load's threads.
using Treatment = std::function<Verdict(Delivery&)>;

/// Takes and acks, or does as `treatment` says; a verdict counts when the broker has confirmed it as durable. Every
/// queue has a consumer, and every connection.
class ConsumeLoad {
 public:
  explicit ConsumeLoad(const LoadOptions& options, Treatment treatment = {});
  ~ConsumeLoad();
  /// Waits until so many are settled; throws std::runtime_error when nothing moves for 20 seconds.
  void wait_for(std::uint64_t count) const;
  std::uint64_t settled() const { return settled_.load(); }
  SteadyTime last_ack() const { return SteadyTime(SteadyTime::duration(last_ack_ns_.load())); }
  void close();

 private:
  void add_consumer(Client& client, const asio::any_io_executor& executor, const std::string& queue, int prefetch);

  const Treatment treatment_;
  std::atomic<std::uint64_t> settled_{0};
  std::atomic<std::int64_t> last_ack_ns_{0};
  LoadThreads threads_;
  std::vector<Client> clients_;
  std::vector<Consumer> consumers_;
};

}  // namespace lazaret::cli

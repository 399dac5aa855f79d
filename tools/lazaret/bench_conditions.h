// What there is beside the load of a bench, and should cost it nothing: a backlog, other queues, subscriptions,
// connections that say nothing, messages that are never settled, consumers that are slow or dead.
#pragma once

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "bench_load.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

struct Conditions {
  std::string queue;               // one that is there, and stays; "": queues of the run's own
  int queues = 1;                  // of the run's own
  int subscriptions = 0;           // of a topic of the run's own, in place of queues; 0: queues
  std::uint64_t backlog = 0;       // ready messages before it begins
  int idle = 0;                    // connections that only answer heartbeats
  std::uint64_t holes = 0;         // messages that stay unsettled,
  std::uint64_t hole_every = 100;  // each the last of so many
  int slow = 0;                    // consumers that take a second for each message
  int dead = 0;                    // consumers that stop reading their socket
};

/// A thread with an executor. When it is stopped, what lives on it is silent, and its sockets are still open.
class BesideThread {
 public:
  ~BesideThread();
  asio::any_io_executor executor() { return io_.get_executor(); }
  /// Any thread.
  void stop() { io_.stop(); }

 private:
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> work_{io_.get_executor()};
  std::thread thread_{[this] { io_.run(); }};
};

class IdleConnections {
 public:
  /// Returns when all of them are connected.
  IdleConnections(const std::string& url, int count);

 private:
  BesideThread thread_;
  std::vector<Client> clients_;
};

/// Consumers that ack what they are given but for one message in so many, which their handlers keep. When all holes are
/// there they have no credit left, and take nothing more.
class HoleKeepers {
 public:
  /// Returns when all holes are there. The queue has `holes * hole_every` messages, has never had others, and has no
  /// other consumers.
  HoleKeepers(const std::string& url, const std::string& queue, const Conditions& conditions);

 private:
  void add(const std::string& url, const std::string& queue, std::uint64_t holes, std::uint64_t every);

  BesideThread thread_;
  std::atomic<std::uint64_t> kept_{0};
  std::atomic<std::uint64_t> settled_{0};
  std::vector<Client> clients_;
  std::vector<Consumer> consumers_;
};

/// Consumers that are slow, and consumers that die. Each may have as much as any consumer of the load; a dead one as
/// much as its credit allows, so that its socket fills up.
class LaggingConsumers {
 public:
  LaggingConsumers(const LoadOptions& load, const Conditions& conditions);
  /// Messages that they may have at the end: nobody else gets those while they live.
  std::uint64_t may_hold() const { return may_hold_; }

 private:
  void add_slow(const LoadOptions& load);
  void add_dead(const LoadOptions& load);

  std::uint64_t may_hold_ = 0;
  BesideThread slow_;
  std::vector<std::unique_ptr<BesideThread>> dead_;
  std::vector<Client> clients_;
  std::vector<Consumer> consumers_;
};

}  // namespace lazaret::cli

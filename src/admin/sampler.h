// Sampler: takes an overview every second while anybody watches, and one every minute for the history otherwise.
//
// A thread of its own: it waits for shards, and the two workers are for requests.
//
// Threading: `start`, `begin_stop` and `join` from one thread, `watch` from any.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

#include "admin/broker.h"
#include "admin/overview.h"

namespace lazaret::admin {

class Sampler {
 public:
  static constexpr std::chrono::seconds kSecond{1};
  static constexpr std::chrono::seconds kMinute{60};

  /// `publish` gets what was sampled while somebody watches, on the sampler's thread.
  Sampler(Broker& broker, std::function<void(std::shared_ptr<const Overview>)> publish);

  void start();
  void watch(bool watched);
  /// It may still wait for a shard: close the desk, which answers, before `join`.
  void begin_stop();
  void join();

 private:
  using Time = std::chrono::steady_clock::time_point;
  void run();
  /// False: it is time to stop.
  bool wait_until(Time due_for_history, Time due_for_watchers);
  void take(bool for_history);

  Broker& broker_;
  const std::function<void(std::shared_ptr<const Overview>)> publish_;
  std::uint64_t taken_ = 0;  // of the thread alone
  std::mutex mutex_;
  std::condition_variable changed_;
  bool watched_ = false;   // GUARDED_BY(mutex_)
  bool stopping_ = false;  // GUARDED_BY(mutex_)
  std::thread thread_;
};

}  // namespace lazaret::admin

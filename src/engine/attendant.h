// Attendant: the engine's own small clockwork. A thread that ticks the instance registry, watches the disk and the
// memtables, and nothing else.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "base/time.h"

namespace lazaret::engine {

class Attendant {
 public:
  /// `tick` is called about every `period` on the attendant's thread.
  Attendant(base::Duration period, std::function<void()> tick) : period_(period), tick_(std::move(tick)) {}
  ~Attendant() { stop(); }

  void start();
  void stop();

 private:
  void run();

  const base::Duration period_;
  const std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;  // GUARDED_BY(mutex_)
  std::thread thread_;
};

}  // namespace lazaret::engine

// Inbox: what a handler of a test was given. Gate: where it waits until the test lets it go on.
//
// Threading: any thread.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "integration/support/process.h"
#include "lazaret/consumer.h"

namespace lazaret::testing {

struct Received {
  Message message;
  int attempt = 0;
  bool redelivered = false;
  bool isolated = false;
  std::chrono::steady_clock::time_point at;
};

class Inbox {
 public:
  void add(const Delivery& delivery) {
    const std::lock_guard lock(mutex_);
    received_.push_back({delivery.message(), delivery.attempt(), delivery.redelivered(), delivery.isolated(),
                         std::chrono::steady_clock::now()});
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return received_.size();
  }
  std::vector<Received> all() const {
    const std::lock_guard lock(mutex_);
    return received_;
  }
  Received at(std::size_t i) const {
    const std::lock_guard lock(mutex_);
    return received_.at(i);
  }
  /// How often each body came.
  std::map<std::string, int> counts() const {
    const std::lock_guard lock(mutex_);
    std::map<std::string, int> counts;
    for (const Received& one : received_) ++counts[one.message.body.str()];
    return counts;
  }
  bool reaches(std::size_t count, milliseconds limit = std::chrono::seconds(30)) const {
    return eventually([&] { return size() >= count; }, limit);
  }

 private:
  mutable std::mutex mutex_;
  std::vector<Received> received_;
};

class Gate {
 public:
  ~Gate() { open(); }
  void open() {
    const std::lock_guard lock(mutex_);
    open_ = true;
    changed_.notify_all();
  }
  /// Waits for open(), but not for ever.
  void pass() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(60), [this] { return open_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool open_ = false;
};

}  // namespace lazaret::testing

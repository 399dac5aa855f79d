// Mailbox: what other threads hand to the thread of ReplayJobs, to be run there. It outlives both, so that an answer
// that comes late finds it.
//
// Threading: any thread.
#pragma once

#include <condition_variable>
#include <functional>
#include <mutex>
#include <utility>
#include <vector>

#include "base/time.h"

namespace lazaret::hospital {

class Mailbox {
 public:
  using Letter = std::function<void()>;

  /// False: it is closed, and nobody may come to take the letter.
  bool post(Letter letter) {
    const std::lock_guard lock(mutex_);
    letters_.push_back(std::move(letter));
    wake_.notify_one();
    return !closed_;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    wake_.notify_one();
  }
  bool closed() {
    const std::lock_guard lock(mutex_);
    return closed_;
  }
  /// Waits for letters, at most so long.
  std::vector<Letter> take(base::Duration patience) {
    std::unique_lock lock(mutex_);
    wake_.wait_for(lock, patience, [this] { return closed_ || !letters_.empty(); });
    return std::exchange(letters_, {});
  }

 private:
  std::mutex mutex_;
  std::condition_variable wake_;
  bool closed_ = false;          // GUARDED_BY(mutex_)
  std::vector<Letter> letters_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::hospital

// Mailbox: what waits for a shard's thread. Many threads put, one takes everything at once.
//
// Bound: the engine counts the bytes of all commands in all mailboxes and makes sessions stop reading (kIngestBytes),
// so a mailbox holds at most that and one frame of every session. What the engine's own parts put is few: an event for
// each session that comes or goes, one page for each subscription that waits for it.
#pragma once

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <optional>
#include <vector>

namespace lazaret::engine {

template <class T>
class Mailbox {
 public:
  void put(T item) {
    bool wake;
    {
      const std::lock_guard lock(mutex_);
      items_.push_back(std::move(item));
      wake = items_.size() == 1;
    }
    if (wake) not_empty_.notify_one();
  }

  bool empty() {
    const std::lock_guard lock(mutex_);
    return items_.empty();
  }

  /// Waits until there is something, or until `deadline`, and moves everything into `taken`, which it clears first.
  void take_all(std::vector<T>& taken, std::optional<std::chrono::steady_clock::time_point> deadline) {
    taken.clear();
    std::unique_lock lock(mutex_);
    const auto filled = [this] { return !items_.empty(); };
    if (deadline) {
      not_empty_.wait_until(lock, *deadline, filled);
    } else {
      not_empty_.wait(lock, filled);
    }
    std::swap(taken, items_);
  }

 private:
  std::mutex mutex_;
  std::condition_variable not_empty_;
  std::vector<T> items_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::engine

// VirtualClock: engine time that stands still until it is moved, and the ledger of what the engine still has to do at
// the time that it shows.
//
// Threading: any thread, but `move_to` and `look` from one at a time.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>

#include "engine/watching_clock.h"

namespace lazaret::testing {

class VirtualClock final : public engine::WatchingClock {
 public:
  using Deadline = std::chrono::steady_clock::time_point;
  /// A state of the ledger: whatever happens makes another.
  using Page = std::uint64_t;

  explicit VirtualClock(base::Instant start) : now_us_(start.us) {}
  base::Instant now() const override { return {now_us_.load(std::memory_order_acquire)}; }

  void work_begins() const override;
  void work_ends(std::size_t count) const override;
  void shard_waits(model::ShardId shard, base::Instant next, bool idle) const override;
  void look_with(Look look) const override;

  /// Shows this time, which is not before the one that it shows, and has the engine look at it.
  void move_to(base::Instant time);
  /// Has the engine look at the time that it shows.
  void look();
  /// When the engine wants to look next, as far as it has said.
  base::Instant next() const;

  /// Waits until nothing is under way, and says since when; nullopt at the deadline.
  std::optional<Page> wait_for_rest(Deadline deadline) const;
  /// Waits until something has happened since; false at the deadline.
  bool wait_for_change(Page since, Deadline deadline) const;
  /// Whether nothing has happened since.
  bool is_at(Page page) const;
  /// The engine is gone; another may come.
  void forget_engine();

 private:
  struct Shard {
    bool idle = false;
    base::Instant next = base::Instant::never();
  };
  bool rests() const;

  std::atomic<std::int64_t> now_us_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  mutable std::size_t work_ = 0;                         // GUARDED_BY(mutex_)
  mutable Page page_ = 0;                                // GUARDED_BY(mutex_)
  mutable std::map<model::ShardId, Shard> shards_;       // GUARDED_BY(mutex_)
  mutable Look look_;                                    // GUARDED_BY(mutex_)
  base::Instant records_next_ = base::Instant::never();  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::testing

// Committer: group commit. Takes the groups of all shards that are ready, writes them as one batch with one sync, and
// tells each shard up to which group everything is durable. What arrives meanwhile is the next batch: load makes
// batches, no timer does.
//
// Two may write, one at a time: the committer's thread, and a shard that has nothing else to do. The second saves a
// quiet broker two switches of threads a commit; under load the first lets shards go on while the disk works.
//
// Invariants:
//   1. Groups are written in the order in which they were submitted.
//   2. `persisted` is called only after the sync that covers the group returned OK, or, when nothing of the batch asks
//      for one (durability "relaxed"), after the write did; a sync follows within relaxed_sync_max.
//   3. After a failed write nothing is written or confirmed any more: on_fatal ends the process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/mutation.h"
#include "model/store.h"

namespace lazaret::engine {

class Committer {
 public:
  /// Called by whoever wrote, with the last group of each shard that became durable.
  using Persisted = std::function<void(model::ShardId, model::GroupNumber)>;
  using Fatal = std::function<void(const base::Status&)>;

  Committer(model::Store& store, base::Duration relaxed_sync_max, Persisted persisted, Fatal fatal);
  ~Committer();

  void start();
  /// Takes a group; any thread. `write_here`: if nobody is writing, the caller does, before this returns.
  void submit(model::MutationGroup group, model::GroupNumber number, bool write_here);
  /// Asks for a flush of the memtables; any thread.
  void flush_soon();
  /// Writes what is there and joins the thread.
  void stop();

  std::uint64_t commits() const { return commits_.load(std::memory_order_relaxed); }
  std::uint64_t groups() const { return groups_.load(std::memory_order_relaxed); }
  base::Duration last() const { return base::Duration(last_us_.load(std::memory_order_relaxed)); }
  base::Duration longest() const { return base::Duration(longest_us_.load(std::memory_order_relaxed)); }

 private:
  void run();
  bool write_waiting(std::unique_lock<std::mutex>& lock);
  bool write(const std::vector<model::MutationGroup>& groups, bool sync);
  bool sync_is_due() const;
  bool flush(std::unique_lock<std::mutex>& lock);
  void tell(const std::vector<model::MutationGroup>& groups, const std::vector<model::GroupNumber>& numbers);

  using Clock = std::chrono::steady_clock;
  using Moment = Clock::time_point;

  model::Store& store_;
  const base::Duration relaxed_sync_max_;
  Persisted persisted_;
  Fatal fatal_;

  std::mutex mutex_;
  std::condition_variable ready_;
  std::vector<model::MutationGroup> groups_waiting_;  // GUARDED_BY(mutex_)
  std::vector<model::GroupNumber> numbers_waiting_;   // GUARDED_BY(mutex_), parallel to groups_waiting_
  bool writing_ = false;                              // GUARDED_BY(mutex_)
  bool failed_ = false;                               // GUARDED_BY(mutex_)
  bool flush_wanted_ = false;                         // GUARDED_BY(mutex_)
  bool stopping_ = false;                             // GUARDED_BY(mutex_)
  /// When the first write began that no sync has followed yet.
  std::optional<Moment> unsynced_since_;  // GUARDED_BY(mutex_)

  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> groups_{0};
  std::atomic<std::int64_t> last_us_{0};
  std::atomic<std::int64_t> longest_us_{0};
  std::thread thread_;
};

}  // namespace lazaret::engine

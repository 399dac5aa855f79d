#include "engine/committer.h"

#include <algorithm>
#include <chrono>

#include "engine/thread_name.h"

namespace lazaret::engine {

Committer::Committer(model::Store& store, base::Duration relaxed_sync_max, Persisted persisted, Fatal fatal)
    : store_(store), relaxed_sync_max_(relaxed_sync_max), persisted_(std::move(persisted)), fatal_(std::move(fatal)) {}

Committer::~Committer() { stop(); }

void Committer::start() {
  thread_ = std::thread([this] { run(); });
}

void Committer::submit(model::MutationGroup group, model::GroupNumber number, bool write_here) {
  std::unique_lock lock(mutex_);
  groups_waiting_.push_back(std::move(group));
  numbers_waiting_.push_back(number);
  if (writing_) return;  // it goes with the next batch
  if (write_here) {
    const bool unsynced = unsynced_since_.has_value();
    write_waiting(lock);
    const bool sync_later = unsynced_since_ && !unsynced;
    if (groups_waiting_.empty() && !flush_wanted_ && !stopping_ && !sync_later) return;
  }
  lock.unlock();
  ready_.notify_one();
}

void Committer::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  if (thread_.joinable()) thread_.join();
}

void Committer::run() {
  name_thread("committer");
  std::unique_lock lock(mutex_);
  const auto anything = [this] {
    return !writing_ && (!groups_waiting_.empty() || flush_wanted_ || stopping_ || sync_is_due());
  };
  for (;;) {
    // Whoever writes without a sync while this waits for nothing else wakes it: then there is a time to wait for.
    while (!anything()) {
      if (!unsynced_since_) {
        ready_.wait(lock);
      } else {
        ready_.wait_until(lock, (writing_ ? Clock::now() : *unsynced_since_) + relaxed_sync_max_);
      }
    }
    const bool over = stopping_ && groups_waiting_.empty() && !flush_wanted_;
    const bool write = !groups_waiting_.empty() || sync_is_due() || (over && unsynced_since_);
    if (write && !write_waiting(lock)) return;
    if (over) return;
    if (flush_wanted_ && !flush(lock)) return;
  }
}

bool Committer::sync_is_due() const {
  return unsynced_since_ && (stopping_ || Clock::now() >= *unsynced_since_ + relaxed_sync_max_);
}

/// Writes what waits, without the lock, or, when nothing does, syncs what was written. False: no write may follow.
bool Committer::write_waiting(std::unique_lock<std::mutex>& lock) {
  if (failed_) return false;
  writing_ = true;
  const std::vector<model::MutationGroup> groups = std::exchange(groups_waiting_, {});
  const std::vector<model::GroupNumber> numbers = std::exchange(numbers_waiting_, {});
  const bool relaxed = std::all_of(groups.begin(), groups.end(), [](const auto& group) { return group.relaxed; });
  const bool sync = !relaxed || sync_is_due();
  lock.unlock();
  const Moment begin = Clock::now();
  const bool done = write(groups, sync);
  if (done) tell(groups, numbers);
  lock.lock();
  writing_ = false;
  failed_ = failed_ || !done;  // a flush may have failed meanwhile
  if (sync) {
    unsynced_since_.reset();
  } else if (!unsynced_since_) {
    unsynced_since_ = begin;
  }
  return done;
}

/// Each shard once, of its last group.
void Committer::tell(const std::vector<model::MutationGroup>& groups, const std::vector<model::GroupNumber>& numbers) {
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const auto same = [&](const model::MutationGroup& group) { return group.shard == groups[i].shard; };
    const bool last = std::none_of(groups.begin() + static_cast<std::ptrdiff_t>(i) + 1, groups.end(), same);
    if (last) persisted_(groups[i].shard, numbers[i]);
  }
}

bool Committer::write(const std::vector<model::MutationGroup>& groups, bool sync) {
  const Moment begin = Clock::now();
  if (const base::Status status = store_.commit(groups, sync); !status.ok()) {
    fatal_(status);
    return false;
  }
  const auto took = std::chrono::duration_cast<base::Duration>(Clock::now() - begin).count();
  last_us_.store(took, std::memory_order_relaxed);
  longest_us_.store(std::max(longest_us_.load(std::memory_order_relaxed), took), std::memory_order_relaxed);
  commits_.fetch_add(1, std::memory_order_relaxed);
  groups_.fetch_add(groups.size(), std::memory_order_relaxed);
  return true;
}

void Committer::flush_soon() {
  {
    const std::lock_guard lock(mutex_);
    flush_wanted_ = true;
  }
  ready_.notify_one();
}

/// Begins it: RocksDB flushes in a thread of its own.
bool Committer::flush(std::unique_lock<std::mutex>& lock) {
  flush_wanted_ = false;
  lock.unlock();
  const base::Status status = store_.flush();
  if (!status.ok()) fatal_(status);
  lock.lock();
  failed_ = failed_ || !status.ok();
  return status.ok();
}

}  // namespace lazaret::engine

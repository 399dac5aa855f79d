#include "engine/committer.h"

#include <algorithm>
#include <chrono>

#include "engine/thread_name.h"

namespace lazaret::engine {

Committer::Committer(model::Store& store, Persisted persisted, Fatal fatal)
    : store_(store), persisted_(std::move(persisted)), fatal_(std::move(fatal)) {}

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
    write_waiting(lock);
    if (groups_waiting_.empty() && !flush_wanted_ && !stopping_) return;
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
  for (;;) {
    ready_.wait(lock, [this] { return !writing_ && (!groups_waiting_.empty() || flush_wanted_ || stopping_); });
    if (groups_waiting_.empty() && !flush_wanted_) return;
    if (!groups_waiting_.empty() && !write_waiting(lock)) return;
    if (flush_wanted_ && !flush(lock)) return;
  }
}

/// Writes what waits, without the lock; false when nothing may be written any more.
bool Committer::write_waiting(std::unique_lock<std::mutex>& lock) {
  if (failed_) return false;
  writing_ = true;
  const std::vector<model::MutationGroup> groups = std::exchange(groups_waiting_, {});
  const std::vector<model::GroupNumber> numbers = std::exchange(numbers_waiting_, {});
  lock.unlock();
  const bool done = write(groups);
  if (done) tell(groups, numbers);
  lock.lock();
  writing_ = false;
  failed_ = failed_ || !done;  // a flush may have failed meanwhile
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

bool Committer::write(const std::vector<model::MutationGroup>& groups) {
  const auto begin = std::chrono::steady_clock::now();
  if (const base::Status status = store_.commit(groups, true); !status.ok()) {
    fatal_(status);
    return false;
  }
  const auto took = std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now() - begin).count();
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

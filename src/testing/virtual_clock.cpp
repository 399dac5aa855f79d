#include "testing/virtual_clock.h"

#include <algorithm>

#include "base/assert.h"

namespace lazaret::testing {

void VirtualClock::work_begins() const {
  const std::lock_guard lock(mutex_);
  ++work_;
  ++page_;
  changed_.notify_all();
}

void VirtualClock::work_ends(std::size_t count) const {
  const std::lock_guard lock(mutex_);
  LZ_ASSERT(work_ >= count);
  work_ -= count;
  ++page_;
  changed_.notify_all();
}

void VirtualClock::shard_waits(model::ShardId shard, base::Instant next, bool idle) const {
  const std::lock_guard lock(mutex_);
  shards_[shard] = {idle, next};
  ++page_;
  changed_.notify_all();
}

void VirtualClock::look_with(Look look) const {
  const std::lock_guard lock(mutex_);
  look_ = std::move(look);
}

void VirtualClock::move_to(base::Instant time) {
  LZ_ASSERT(time >= now());
  now_us_.store(time.us, std::memory_order_release);
  look();
}

void VirtualClock::look() {
  Look look;
  {
    const std::lock_guard lock(mutex_);
    look = look_;
  }
  if (!look) return;
  // It tells us of work: not under our mutex.
  const base::Instant next = look();
  const std::lock_guard lock(mutex_);
  records_next_ = next;
}

base::Instant VirtualClock::next() const {
  const std::lock_guard lock(mutex_);
  base::Instant next = records_next_;
  for (const auto& [id, shard] : shards_) next = std::min(next, shard.next);
  return next;
}

bool VirtualClock::rests() const {
  return work_ == 0 && std::all_of(shards_.begin(), shards_.end(), [](const auto& shard) { return shard.second.idle; });
}

std::optional<VirtualClock::Page> VirtualClock::wait_for_rest(Deadline deadline) const {
  std::unique_lock lock(mutex_);
  if (!changed_.wait_until(lock, deadline, [this] { return rests(); })) return std::nullopt;
  return page_;
}

bool VirtualClock::wait_for_change(Page since, Deadline deadline) const {
  std::unique_lock lock(mutex_);
  return changed_.wait_until(lock, deadline, [&] { return page_ != since; });
}

bool VirtualClock::is_at(Page page) const {
  const std::lock_guard lock(mutex_);
  return page_ == page;
}

void VirtualClock::forget_engine() {
  const std::lock_guard lock(mutex_);
  // Its reader dropped what waited when it stopped.
  work_ = 0;
  shards_.clear();
  records_next_ = base::Instant::never();
}

}  // namespace lazaret::testing

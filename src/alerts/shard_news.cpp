#include "alerts/shard_news.h"

#include <utility>

namespace lazaret::alerts {

void ShardNews::note(BreakerChange change) {
  const std::lock_guard lock(mutex_);
  if (breakers_.size() < kMost) breakers_.push_back(std::move(change));
}

void ShardNews::note(HospitalChange change) {
  const std::lock_guard lock(mutex_);
  const model::SubscriptionId whose = change.queue->subscription;
  hospitals_.insert_or_assign(whose, std::move(change));
}

std::vector<BreakerChange> ShardNews::take_breakers() {
  const std::lock_guard lock(mutex_);
  return std::exchange(breakers_, {});
}

std::vector<HospitalChange> ShardNews::take_hospitals() {
  const auto taken = [this] {
    const std::lock_guard lock(mutex_);
    return std::exchange(hospitals_, {});
  }();
  std::vector<HospitalChange> newest;
  newest.reserve(taken.size());
  for (const auto& [whose, change] : taken) newest.push_back(change);
  return newest;
}

}  // namespace lazaret::alerts

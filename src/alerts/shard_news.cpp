#include "alerts/shard_news.h"

#include <utility>

namespace lazaret::alerts {

void ShardNews::note(BreakerChange change) {
  const std::lock_guard lock(mutex_);
  if (breakers_.size() < kMost) breakers_.push_back(std::move(change));
}

void ShardNews::note(HospitalChange change) {
  const std::lock_guard lock(mutex_);
  if (hospitals_.size() < kMost) hospitals_.push_back(std::move(change));
}

std::vector<BreakerChange> ShardNews::take_breakers() {
  const std::lock_guard lock(mutex_);
  return std::exchange(breakers_, {});
}

std::vector<HospitalChange> ShardNews::take_hospitals() {
  const std::lock_guard lock(mutex_);
  return std::exchange(hospitals_, {});
}

}  // namespace lazaret::alerts

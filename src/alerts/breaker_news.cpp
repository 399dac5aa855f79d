#include "alerts/breaker_news.h"

#include <utility>

namespace lazaret::alerts {

void BreakerNews::note(BreakerChange change) {
  const std::lock_guard lock(mutex_);
  if (changes_.size() < kMost) changes_.push_back(std::move(change));
}

std::vector<BreakerChange> BreakerNews::take() {
  const std::lock_guard lock(mutex_);
  return std::exchange(changes_, {});
}

}  // namespace lazaret::alerts

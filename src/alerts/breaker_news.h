// BreakerNews: what circuit breakers have said since somebody looked. It is there before the engine, whose shards write
// to it.
//
// Threading: `note` from shards' threads, `take` from any.
#pragma once

#include <mutex>
#include <vector>

#include "model/breaker.h"
#include "model/records.h"

namespace lazaret::alerts {

struct BreakerChange {
  model::QueueRef queue;
  model::BreakerState before = model::BreakerState::closed;
  model::BreakerStats breaker;
};

class BreakerNews {
 public:
  /// What is more than nobody takes is left out: the state of each can be asked for.
  static constexpr std::size_t kMost = 1000;

  void note(BreakerChange change);
  std::vector<BreakerChange> take();

 private:
  std::mutex mutex_;
  std::vector<BreakerChange> changes_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::alerts

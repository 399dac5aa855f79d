// ShardNews: what shards have said since somebody looked, of circuit breakers and of hospitals that fill. It is there
// before the engine, whose shards write to it.
//
// Threading: `note` from shards' threads, what takes from any.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

#include "model/breaker.h"
#include "model/hospital_budget.h"
#include "model/records.h"

namespace lazaret::alerts {

struct BreakerChange {
  model::QueueRef queue;
  model::BreakerState before = model::BreakerState::closed;
  model::BreakerStats breaker;
};
struct HospitalChange {
  model::QueueRef queue;
  model::HospitalLevel level = model::HospitalLevel::below;
  std::uint64_t bytes = 0;  // that its cases keep
};

class ShardNews {
 public:
  /// Of breakers. What is more than nobody takes is left out: the state of each queue can be asked for.
  static constexpr std::size_t kMost = 1000;

  void note(BreakerChange change);
  /// In place of what was said of that queue before: at its limit one goes to and fro with each case, and only where it
  /// is matters. So nothing is left out either.
  void note(HospitalChange change);
  std::vector<BreakerChange> take_breakers();
  /// The newest of each queue.
  std::vector<HospitalChange> take_hospitals();

 private:
  std::mutex mutex_;
  std::vector<BreakerChange> breakers_;                        // GUARDED_BY(mutex_)
  std::map<model::SubscriptionId, HospitalChange> hospitals_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::alerts

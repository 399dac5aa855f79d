// HospitalLines: which changes of a hospital's level get a line of the log. At its budget a hospital goes to and fro
// with each case, hundreds of times a second while a job replays: of each queue and level there is one line a minute.
// What was held back and is still so gets its line when the minute is over, so that the last line says where it is.
//
// Threading: any.
#pragma once

#include <array>
#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "alerts/shard_news.h"

namespace lazaret::daemon {

class HospitalLines {
 public:
  using Time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::minutes kPause{1};

  /// Whether this change has its line now.
  bool note(const alerts::HospitalChange& change, Time now);
  /// What was held back, and has its line now.
  std::vector<alerts::HospitalChange> due(Time now);

 private:
  struct Lines {
    model::HospitalLevel last = model::HospitalLevel::below;  // that the log says
    std::array<std::optional<Time>, 3> at;                    // by level
    std::optional<alerts::HospitalChange> held;               // where it is, if the log does not say so
    bool may_say(model::HospitalLevel level, Time now) const;
    void said(model::HospitalLevel level, Time now);
    bool is_forgotten(Time now) const;
  };
  std::mutex mutex_;
  std::map<model::SubscriptionId, Lines> lines_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::daemon

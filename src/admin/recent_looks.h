// RecentLooks: which looks at messages were noted in the audit trail lately. A page that is open reads its case again
// and again; one entry says for a while that somebody has it before them.
//
// Threading: any worker.
#pragma once

#include <chrono>
#include <deque>
#include <mutex>
#include <string>
#include <unordered_map>

#include "model/audit_entry.h"

namespace lazaret::admin {

class RecentLooks {
 public:
  using Time = std::chrono::steady_clock::time_point;
  /// The same look by the same actor from the same place is noted once in so long.
  static constexpr std::chrono::minutes kOnceIn{5};
  /// Looks that are remembered; what is forgotten is noted again.
  static constexpr std::size_t kRemembered = 4096;

  /// Whether this look, with all that was asked, was noted less than kOnceIn ago.
  bool is_known(const model::AuditCall& call, Time now) const;
  /// It is on the disk.
  void noted(const model::AuditCall& call, Time now);

 private:
  static std::string key_of(const model::AuditCall& call);

  mutable std::mutex mutex_;
  std::unordered_map<std::string, Time> noted_;       // GUARDED_BY(mutex_)
  std::deque<std::pair<Time, std::string>> by_time_;  // GUARDED_BY(mutex_): oldest first
};

}  // namespace lazaret::admin

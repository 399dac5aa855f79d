// Surge: how many cases came of one group, or to one subscription, in the last minute, and in the hour before it.
//
// Threading: none of its own.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "base/time.h"
#include "model/group_record.h"

namespace lazaret::alerts {

class Surge {
 public:
  /// It is one with at least so many in a minute, and so many times the mean of the minutes of the hour before.
  static constexpr std::uint64_t kLeast = 20;
  static constexpr std::uint64_t kTimes = 10;

  /// So many came since the last call, whose `now` was not later.
  void add(base::Instant now, std::uint64_t count);
  /// What came before anybody looked, spread evenly over the hour before `now`.
  void seed(base::Instant now, std::uint64_t in_the_last_hour);

  std::uint64_t last_minute(base::Instant now);
  /// Of the hour before the last minute.
  double mean_before(base::Instant now);
  bool is_surge(base::Instant now);
  /// Nothing came for so long that nothing is known any more.
  bool is_idle(base::Instant now) const;

 private:
  static constexpr std::size_t kMinutes = 61;
  void move_to(base::Instant now);

  std::array<std::uint32_t, kMinutes> minutes_{};  // by the minute since the epoch, modulo
  std::int64_t minute_ = 0;                        // the newest
  struct Came {
    base::Instant at;
    std::uint64_t count;
  };
  std::vector<Came> last_;  // of the last minute
};

/// About how many admissions of the group lie in the hour before `now`, as far as its counts by hour tell.
std::uint64_t in_the_hour_before(const model::GroupRecord& group, base::Instant now);

}  // namespace lazaret::alerts

// When an alert is sent again that a receiver has not taken: after a second, then twice as long each time, at most an
// hour, each wait spread by a fifth; 14 tries over about two hours, then it is given up.
//
// Threading: a pure function.
#pragma once

#include <cstdint>
#include <optional>

#include "base/time.h"

namespace lazaret::alerts {

inline constexpr std::uint32_t kTries = 14;
inline constexpr base::Duration kRetryFirst = std::chrono::seconds(1);
inline constexpr base::Duration kRetryMost = std::chrono::hours(1);
inline constexpr double kRetryJitter = 0.2;

/// How long to wait after so many tries have failed; nullopt: that was the last one. `spread`: in [0, 1).
std::optional<base::Duration> wait_after(std::uint32_t failed, double spread);

}  // namespace lazaret::alerts

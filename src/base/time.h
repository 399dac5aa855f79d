// Engine time. The core never reads a clock: an Instant arrives with every event (design, "Time").
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <limits>

namespace lazaret::base {

using Duration = std::chrono::microseconds;

/// A point in engine time: microseconds since the Unix epoch. It never goes back while a broker lives, and
/// after a restart it begins at the larger of the persisted and the wall clock.
struct Instant {
  std::int64_t us = 0;

  constexpr auto operator<=>(const Instant&) const = default;
  constexpr Instant operator+(Duration d) const { return {us + d.count()}; }
  constexpr Instant operator-(Duration d) const { return {us - d.count()}; }
  constexpr Duration operator-(Instant other) const { return Duration(us - other.us); }
  static constexpr Instant never() { return {std::numeric_limits<std::int64_t>::max()}; }
};

}  // namespace lazaret::base

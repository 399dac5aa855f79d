// Deadline: when an operation that may take so long is over.
#pragma once

#include <algorithm>
#include <chrono>

namespace lazaret::detail {

using SteadyTime = std::chrono::steady_clock::time_point;

/// Whoever says "for ever" gets a hundred years: beyond the clock's range there would be no deadline, but the past.
inline SteadyTime deadline_in(std::chrono::milliseconds timeout) {
  constexpr std::chrono::milliseconds kForEver = std::chrono::hours(24 * 365 * 100);
  return std::chrono::steady_clock::now() + std::clamp(timeout, std::chrono::milliseconds(0), kForEver);
}

}  // namespace lazaret::detail

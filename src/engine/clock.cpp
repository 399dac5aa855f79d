#include "engine/clock.h"

#include <algorithm>

namespace lazaret::engine {

SystemClock::SystemClock(base::Instant not_before) : steady_start_(std::chrono::steady_clock::now()) {
  const auto wall = std::chrono::system_clock::now().time_since_epoch();
  const base::Instant wall_now{std::chrono::duration_cast<std::chrono::microseconds>(wall).count()};
  start_ = std::max(wall_now, not_before);
  ahead_ = start_ - wall_now;
}

base::Instant SystemClock::now() const {
  const auto passed = std::chrono::steady_clock::now() - steady_start_;
  return start_ + std::chrono::duration_cast<base::Duration>(passed);
}

}  // namespace lazaret::engine

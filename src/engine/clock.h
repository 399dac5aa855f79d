// Clock: where the engine gets time from. Injected, so that tests and the simulator state it.
#pragma once

#include "base/time.h"

namespace lazaret::engine {

class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back. Callable from any thread.
  virtual base::Instant now() const = 0;
};

/// The wall clock at the start (or what was persisted, when that is later), advanced by the monotonic clock.
class SystemClock final : public Clock {
 public:
  /// `not_before`: the latest engine time on record.
  explicit SystemClock(base::Instant not_before);
  base::Instant now() const override;
  /// How far engine time was ahead of the wall clock at the start; zero when it was not.
  base::Duration ahead_at_start() const { return ahead_; }

 private:
  base::Instant start_;
  std::chrono::steady_clock::time_point steady_start_;
  base::Duration ahead_{};
};

}  // namespace lazaret::engine

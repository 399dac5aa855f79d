// What a circuit breaker says of itself (core/breaker.h).
#pragma once

#include <cstdint>
#include <string_view>

#include "base/time.h"

namespace lazaret::model {

enum class BreakerState : std::uint8_t {
  closed = 0,     // messages are granted
  half_open = 1,  // one at a time
  open = 2,       // none
};
/// "closed", "half_open" or "open".
constexpr std::string_view name_of(BreakerState state) {
  switch (state) {
    case BreakerState::closed: break;
    case BreakerState::half_open: return "half_open";
    case BreakerState::open: return "open";
  }
  return "closed";
}

struct BreakerStats {
  BreakerState state = BreakerState::closed;
  base::Instant since;  // 0: it has never been anything else since the broker started
  base::Instant until;  // while it is open: when the next message is tried
  /// Of the window; while it is not closed, of the one that opened it.
  std::uint64_t failures = 0;
  std::uint64_t samples = 0;
  std::uint64_t opened = 0;  // how often, since the broker started; probes that fail are not counted
};

}  // namespace lazaret::model

// Backoff: how long a message waits after a failed attempt.
#pragma once

#include <cstdint>

#include "base/random.h"
#include "base/time.h"
#include "model/options.h"

namespace lazaret::core {

/// The wait after the `failures`-th failed attempt (from 1): backoff_initial × backoff_multiplier^(failures-1), at
/// most backoff_max, ± backoff_jitter, and again not above backoff_max: what the jitter would add beyond it is taken
/// off instead, so that waits at the maximum spread too. Draws exactly one number.
base::Duration backoff_delay(const model::QueueOptions& options, std::uint32_t failures,
                             base::Random& random);

}  // namespace lazaret::core

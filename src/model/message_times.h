// When a message may be delivered first, and until when: what a publisher asks for, and what comes of it.
#pragma once

#include "base/status.h"
#include "base/time.h"
#include "model/message.h"

namespace lazaret::model {

/// As a publisher says it, in whichever protocol. 0 where nothing is asked for.
struct AskedTimes {
  base::Duration delay{};      // not delivered before: from now
  base::Instant deliver_at{};  // the same as a time; not both
  base::Duration ttl{};        // not delivered any more: from now, or from when it may be delivered first
  base::Instant expires_at{};  // the same as a time; not both
  bool operator==(const AskedTimes&) const = default;
};

/// BAD_REQUEST naming what is wrong, as far as that can be told without a clock: two of a pair, or less than nothing.
base::Status check_times(const AskedTimes& asked);

/// Fills in `due` and `expires_at` of `message`; BAD_REQUEST naming what is wrong. What lies in the past is no mistake:
/// a message is then due at once, or past its time from the beginning.
base::Status set_times(const AskedTimes& asked, base::Instant now, Message& message);

}  // namespace lazaret::model

// CaseBook: what a subscription knows of its cases beside which of them are open: the versions of those that were
// edited, whose messages are kept though they are closed, and when the next has been closed for long enough.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <map>

#include "base/time.h"
#include "core/interval_set.h"
#include "model/ids.h"
#include "model/store.h"

namespace lazaret::core {

struct CaseBook {
  /// The newest version of each case whose message was edited.
  std::map<model::Offset, std::uint32_t> versions;
  /// Discarded ones, which keep their messages until their time is over.
  IntervalSet discarded;
  /// Entries of the lane whose messages are being copied there, and in which group: they are read when that is durable.
  std::map<model::Offset, model::GroupNumber> copying;

  // --- Closed ones, whose time comes
  base::Instant first_closed = base::Instant::never();  // no case has been closed longer, as far as it is known
  base::Instant last_closed;
  model::ClosedCase looked_to;  // what had been closed longer is gone
  bool looking = false;         // the store has been asked
  bool again = false;           // some were opened since: what it says may not be true any more

  std::uint32_t version_of(model::Offset offset) const {
    const auto it = versions.find(offset);
    return it == versions.end() ? 0 : it->second;
  }
  void closed(base::Instant now) {
    last_closed = now;
    if (first_closed == base::Instant::never()) first_closed = now;
  }
};

}  // namespace lazaret::core

// CaseBook: what a subscription that ever had a case knows of its cases beside which of them are open: the versions of
// those that were edited, whose messages are kept though they are closed, when the next has been closed for long
// enough, and how many bytes of messages all of them keep.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <map>
#include <utility>

#include "base/fifo.h"
#include "base/time.h"
#include "core/interval_set.h"
#include "model/hospital_budget.h"
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

  // --- The budget (core/hospital_budget.cpp)
  std::uint64_t bytes = 0;        // as the store counted last
  model::GroupNumber changed_in;  // the last group with which that became something else
  model::GroupNumber counted_to;  // the last one that was on the disk when the store was asked last
  bool counting = false;          // it has been asked
  /// What came since, by the groups that it came with: what is known of it here.
  base::Fifo<std::pair<model::GroupNumber, std::uint64_t>> uncounted;
  std::uint64_t uncounted_bytes = 0;
  model::HospitalLevel level = model::HospitalLevel::below;  // as was told last
  /// It has become full: keys that replays wait for are to be asked for, once a second at most.
  bool asks_for_keys = false;
  base::Instant asked_for_keys;

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

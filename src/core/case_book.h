// CaseBook: what a subscription that ever had a case knows of its cases beside which of them are open: the versions of
// those that were edited, whose messages are kept though they are closed, when the next has been closed for long
// enough, how many are closed, and how many bytes of messages all of them keep.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <map>

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

  // --- Closed ones, whose time comes (core/case_retention.cpp)
  base::Instant first_closed = base::Instant::never();  // no case has been closed longer, as far as it is known
  base::Instant last_closed;
  model::GroupNumber closed_in;  // the last group with which some were closed
  model::GroupNumber opened_in;  // the last one with which some were opened, or went since they enter again
  model::ClosedCase looked_to;   // what had been closed longer is gone
  bool looking = false;          // the store has been asked
  model::GroupNumber looked_at;  // the last group that was on the disk then

  // --- What the store counts (core/hospital_budget.cpp)
  std::uint64_t bytes = 0;        // as it counted last: what all of them keep
  std::uint64_t closed = 0;       // and how many are closed
  model::GroupNumber changed_in;  // the last group with which that became something else
  model::GroupNumber counted_to;  // the last one that was on the disk when the store was asked last
  bool counting = false;          // it has been asked
  /// What came since, by the groups that it came with: what is known of it here.
  struct Uncounted {
    model::GroupNumber group;
    std::uint64_t more_bytes = 0;
    std::uint64_t fewer_closed = 0;
  };
  base::Fifo<Uncounted> uncounted;
  std::uint64_t uncounted_bytes = 0;                         // the sum of those
  std::uint64_t uncounted_fewer_closed = 0;                  // the same
  model::HospitalLevel level = model::HospitalLevel::below;  // as was told last
  /// It has become full: keys that replays wait for are to be asked for, once a second at most.
  bool asks_for_keys = false;
  base::Instant asked_for_keys;

  std::uint32_t version_of(model::Offset offset) const {
    const auto it = versions.find(offset);
    return it == versions.end() ? 0 : it->second;
  }
  void close(base::Instant now, model::GroupNumber group) {
    last_closed = now;
    closed_in = group;
    if (first_closed == base::Instant::never()) first_closed = now;
  }
};

}  // namespace lazaret::core

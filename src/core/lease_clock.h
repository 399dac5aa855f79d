// LeaseClock: the deadlines of begun leases. Extending or ending a lease is O(1); its old place in the heap is
// passed over when it comes up.
//
// Threading: none of its own. Deterministic: what expires does so in the order of deadline, log, offset.
//
// Invariants:
// 1. Every running lease has exactly one live place in the heap, at or before its deadline.
// 2. The heap has at most 2 × leases + 64 places.
#pragma once

#include <compare>
#include <cstdint>
#include <vector>

#include <boost/unordered/unordered_flat_map.hpp>

#include "base/time.h"
#include "model/ids.h"

namespace lazaret::core {

class LeaseClock {
 public:
  struct Key {
    model::LogId log;
    model::Offset offset;
    model::SubscriptionId subscription;
    auto operator<=>(const Key&) const = default;
  };

  /// Starts the clock of a lease, or sets its deadline anew (earlier or later).
  void set(const Key& key, base::Instant deadline);
  /// False when no clock was running for it.
  bool remove(const Key& key);
  bool running(const Key& key) const { return deadlines_.contains(key); }
  /// Instant::never() when no clock is running for it.
  base::Instant deadline(const Key& key) const;
  std::size_t size() const { return deadlines_.size(); }

  /// The earliest deadline; Instant::never() when there is none. Not const: it clears away what is out of date.
  base::Instant next();
  /// Appends the leases whose deadline is at or before `now`, in order, and stops their clocks.
  void expire(base::Instant now, std::vector<Key>& expired);

 private:
  struct Place {
    base::Instant at;
    Key key;
    auto operator<=>(const Place&) const = default;
  };
  struct Deadline {
    base::Instant at;
    base::Instant place;  // where its live place in the heap is
  };
  struct KeyHash {
    std::size_t operator()(const Key& key) const;
  };

  void push(const Place& place);
  Place pop();
  /// Until the first place of the heap is live and at its lease's deadline.
  void settle_front();
  void compact();

  std::vector<Place> heap_;  // the earliest first
  boost::unordered_flat_map<Key, Deadline, KeyHash> deadlines_;  // looked up, never iterated
};

}  // namespace lazaret::core

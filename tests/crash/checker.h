// The checker: whether a history and what is left at the end can be told by a broker that keeps its promises. It knows
// nothing of brokers but these invariants, numbered as in the design:
//
//   1  what was confirmed was delivered and acked, or is a case
//   2  a publish that was sent several times is stored once
//   3  what was acked, and that confirmed, is not delivered again
//   4  what was delivered does not vanish, and no offset has two messages
//   5  a verdict counts only for the last grant
//   6  failures stay within the limit, and those that were confirmed are in the history of the case
//   7  first deliveries are in the order of offsets (of polite workers: what another has never begun comes again, with
//      nothing to tell it from a first delivery)
//   10 everything that entered is somewhere
//   11 what never began is not blamed
//
// and these of times and limits:
//
//   T  nothing is delivered before its time
//   L  what was turned away is not stored; what is gone had an end to its life, or a queue that drops what is oldest
//
// and this of a subscription that is moved back:
//
//   M  what it had done from there on comes again, and is done again; nothing else enters anew
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "crash/history.h"

namespace lazaret::crash {

/// An open case as the broker shows it at the end.
struct FinalCase {
  std::string body;
  std::uint64_t offset = 0;
  std::vector<std::string> outcomes;  // of its attempts, in order
  std::uint64_t replays = 0;
};
/// A queue at the end: nothing is ready, leased or waiting any more.
struct FinalQueue {
  std::uint64_t limit = 0;  // max_attempts
  std::uint64_t entered = 0;
  std::uint64_t acked = 0;
  std::uint64_t in_hospital = 0;
  std::vector<FinalCase> cases;  // those in state admitted
  std::uint64_t expired = 0;
  std::uint64_t dropped = 0;
  std::uint64_t again = 0;  // entered anew when it was moved back, as the broker said
};

/// What is wrong, in words; empty when all is well.
std::vector<std::string> check(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues,
                               bool polite = false);

}  // namespace lazaret::crash

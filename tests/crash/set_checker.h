// The set checker: whether what is published together, by itself or along with an ack, was stored together, as what was
// delivered shows it at the end, when everything is worked off. Its rules:
//
//   W  of a set all is stored, or nothing: whether somebody was told or not, and on whatever shards it is
//   A  of the sets that the verdicts on a message would have published, one is stored if the message is acked, and none
//      if it is a case: of an ack and what goes along with it, both happen or neither
//
// That each copy is stored once is for the checker of each queue (2).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "crash/checker.h"
#include "crash/history.h"

namespace lazaret::crash {

/// What is wrong, in words.
std::vector<std::string> check_sets(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues);

}  // namespace lazaret::crash

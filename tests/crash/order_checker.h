// The order checker: whether a history keeps the order of publishers, and of ordering keys, as the consumers' own
// record shows it. Its rules:
//
//   - what one publisher publishes to one place has rising offsets, in the order in which it was published
//   - a message begins when nothing else of its key runs, and all before it of its key are done, rejected, or cases
//   - what comes before it of its key is never delivered again, but for a replay
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "crash/checker.h"
#include "crash/history.h"

namespace lazaret::crash {

/// What is wrong, in words. `keyed`: the queues and subscriptions with `order_by_key`.
std::vector<std::string> check_order(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues,
                                     const std::set<std::string>& keyed);

}  // namespace lazaret::crash

// Position: where a message stands.
#pragma once

#include <compare>
#include <set>

#include "base/on_demand.h"
#include "model/ids.h"

namespace lazaret::core {

/// In the queue's log, or as an entry of its replay lane.
struct Position {
  model::LogId log;
  model::Offset offset;
  auto operator<=>(const Position&) const = default;
};
/// Messages that may go, in the order in which they do.
using ReadyLine = base::OnDemand<std::set<Position>>;

}  // namespace lazaret::core

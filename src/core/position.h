// Position: where a message stands.
#pragma once

#include <compare>

#include "model/ids.h"

namespace lazaret::core {

/// In the queue's log, or as an entry of its replay lane.
struct Position {
  model::LogId log;
  model::Offset offset;
  auto operator<=>(const Position&) const = default;
};

}  // namespace lazaret::core

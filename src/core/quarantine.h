// Quarantine: the rules of one subscription that has any (core/quarantine.cpp).
#pragma once

#include <cstdint>
#include <map>
#include <optional>

#include "model/filter.h"
#include "model/ids.h"
#include "model/quarantine.h"

namespace lazaret::core {

struct QuarantineRule {
  model::QuarantineRecord record;
  model::Filter filter;
  bool changed = false;  // its record goes into this group
};

struct Quarantine {
  std::map<std::uint64_t, QuarantineRule> rules;  // by number; at least one
  /// The last message that none of them takes: it may wait for room, and be met again.
  std::optional<model::Offset> passed;

  /// When the first of them ends by itself; never() for none.
  base::Instant next_end() const;
};

}  // namespace lazaret::core

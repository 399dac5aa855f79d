// PriorityLevels: what one subscription has of messages that were published with a priority, 1 to 9. Those with none
// are not here: they are what Subscription holds by itself.
//
// A level is to its priority what a subscription is to the rest: lines of what is ready, and a window over what nobody
// has had, which is read from the log's index of messages with that priority (core/priority.cpp).
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <array>
#include <cstdint>
#include <set>

#include "base/assert.h"
#include "base/fifo.h"
#include "core/position.h"
#include "model/message.h"
#include "model/store.h"

namespace lazaret::core {

struct PriorityLevel {
  ReadyLine returned;  // as Subscription::returned
  ReadyLine retries;   // as Subscription::retries
  /// Fresh ones, in order. What comes behind them begins at `next`, and is on the disk.
  base::Fifo<model::PagedMessage> window;
  model::Offset next;
  bool loading = false;  // what is at `next`
};

class PriorityLevels {
 public:
  /// REQUIRES a priority from 1 to kHighestPriority.
  PriorityLevel& at(std::uint8_t priority) {
    LZ_ASSERT(priority > 0 && priority <= model::kHighestPriority);
    return levels_[priority - 1u];
  }
  std::array<PriorityLevel, model::kHighestPriority>& all() { return levels_; }
  const std::array<PriorityLevel, model::kHighestPriority>& all() const { return levels_; }

  /// Of all windows.
  std::uint64_t window_bytes = 0;
  /// Behind the last that was granted for the first time.
  model::Offset granted_to;

 private:
  std::array<PriorityLevel, model::kHighestPriority> levels_;
};

}  // namespace lazaret::core

// What flow control knows of who takes, and of who waits. Its rule is in flow_control.cpp.
#pragma once

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/answer.h"
#include "model/ids.h"
#include "model/limits.h"

namespace lazaret::core {

/// How fast a subscription takes what is fresh, as was seen last.
class TakingRate {
 public:
  /// Where it is now. Of looks that are close to each other only the first counts.
  void look(model::Offset frontier, base::Instant now) {
    const base::Duration since = now - looked_at_;
    if (since < model::limits::kTakingRateEvery) return;
    // Not seen for long: what it took meanwhile says little of what it takes now.
    const bool lately = since < 4 * model::limits::kTakingRateEvery;
    taken_ = lately && frontier > frontier_ ? frontier.value - frontier_.value : 0;
    in_ = since;
    frontier_ = frontier;
    looked_at_ = now;
  }
  /// Whether at that rate so many messages are taken in kCatchUp.
  bool takes_soon(std::uint64_t messages) const {
    const auto most = static_cast<std::uint64_t>(model::limits::kCatchUp.count());
    return taken_ > 0 && messages < taken_ * most / static_cast<std::uint64_t>(in_.count());
  }

 private:
  base::Instant looked_at_;
  base::Duration in_{};
  model::Offset frontier_;
  std::uint64_t taken_ = 0;
};

/// Of one log, in the order in which they are told.
struct HeldConfirms {
  base::Instant since;      // of the first
  base::Instant looked_at;  // whether they still have to wait
  /// Where its readers were together when one of them was seen to take something, and when that was.
  std::uint64_t taken_to = 0;
  base::Instant taken_at;
  std::size_t waited = 0;  // so many of the first have waited, and are counted
  std::vector<std::pair<model::SessionId, model::Published>> confirms;
};

/// Of one log: when confirms are held again after consumers took nothing while some were held. They may be publishers
/// themselves, who take nothing until they are confirmed.
class HoldingRest {
 public:
  bool is_over(base::Instant now) const { return now >= until_; }
  /// Twice as long each time.
  void begin(base::Instant now) {
    length_ = std::clamp(2 * length_, model::limits::kHoldRestLeast, model::limits::kHoldRestMost);
    until_ = now + length_;
  }
  /// They caught up.
  void forget() { length_ = {}; }

 private:
  base::Duration length_{};
  base::Instant until_;
};

}  // namespace lazaret::core

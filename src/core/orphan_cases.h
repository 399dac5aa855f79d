// OrphanCases: what was done lately to cases of deleted queues and subscriptions, and to others before theirs went.
//
// Of those the core knows no cases; whoever asks has read in the store what one is. Between that look and the command
// somebody else may have closed it, opened it or edited its message, and a message must not be published elsewhere
// twice, nor one edit take the place of another. The queue may have been deleted in between too.
//
// Threading: none of its own; one owner calls everything.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "base/time.h"
#include "core/case_book.h"
#include "model/ids.h"
#include "model/limits.h"

namespace lazaret::core {

/// Bounded to kSettledTokens: nobody acts on a look that is so many cases old. After a restart whoever asks has to look
/// again anyway.
class OrphanCases {
 public:
  enum class State : std::uint8_t { unknown, admitted, discarded, discharged };  // unknown: as whoever asks has read

  State state_of(const model::CaseId& id) const {
    const auto it = known_.find(id);
    return it == known_.end() ? State::unknown : it->second.state;
  }
  /// The newest of its message; nullopt: as whoever asks has read.
  std::optional<std::uint32_t> version_of(const model::CaseId& id) const {
    const auto it = known_.find(id);
    return it == known_.end() ? std::nullopt : it->second.version;
  }
  /// It is admitted as a new one, by a queue that is there.
  void forget(const model::CaseId& id) { known_.erase(id); }
  void remember(const model::CaseId& id, State state) { touch(id).state = state; }
  void remember(const model::CaseId& id, std::uint32_t version) { touch(id).version = version; }

 private:
  struct Known {
    State state = State::unknown;
    std::optional<std::uint32_t> version;
    std::uint64_t touched = 0;
  };
  Known& touch(const model::CaseId& id) {
    Known& known = known_[id];
    known.touched = ++touches_;
    order_.emplace_back(id, touches_);
    if (order_.size() > model::limits::kSettledTokens) {
      const auto oldest = known_.find(order_.front().first);
      if (oldest != known_.end() && oldest->second.touched == order_.front().second) known_.erase(oldest);
      order_.pop_front();
    }
    return known;
  }

  std::map<model::CaseId, Known> known_;
  std::deque<std::pair<model::CaseId, std::uint64_t>> order_;
  std::uint64_t touches_ = 0;
};

/// Of a deleted subscription that has closed cases: when they are to go, as a CaseBook knows it.
struct OrphanBook : CaseBook {
  base::Instant alarm = base::Instant::never();
};

}  // namespace lazaret::core

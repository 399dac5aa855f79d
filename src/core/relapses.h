// Relapses: how long the histories of cases are that came back to the hospital lately.
//
// Whoever asks for a replay has read the length of the history from the store. Between that look and the replay the
// case may have been replayed and failed again by somebody else's doing; numbers that go on from the old length would
// overwrite what was tried since. The core keeps no cases in memory, but it knows those that it has just admitted
// again.
#pragma once

#include <algorithm>
#include <cstdint>
#include <deque>
#include <map>

#include "model/ids.h"
#include "model/limits.h"

namespace lazaret::core {

/// Bounded to kSettledTokens: nobody acts on a look that is so many relapses old. After a restart whoever asks has to
/// look again anyway.
class Relapses {
 public:
  void remember(const model::CaseId& id, std::uint32_t attempts) {
    attempts_[id] = attempts;
    order_.push_back({id, attempts});
    if (order_.size() <= model::limits::kSettledTokens) return;
    const auto oldest = attempts_.find(order_.front().first);
    if (oldest != attempts_.end() && oldest->second == order_.front().second) attempts_.erase(oldest);
    order_.pop_front();
  }
  /// It is admitted as a new one: its history begins anew.
  void forget(const model::CaseId& id) { attempts_.erase(id); }
  /// The length of the history, when the case relapsed after whoever says `read` looked.
  std::uint32_t length(const model::CaseId& id, std::uint32_t read) const {
    const auto it = attempts_.find(id);
    return it == attempts_.end() ? read : std::max(read, it->second);
  }

 private:
  std::map<model::CaseId, std::uint32_t> attempts_;
  std::deque<std::pair<model::CaseId, std::uint32_t>> order_;
};

}  // namespace lazaret::core

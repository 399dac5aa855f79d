// ClosedOrphans: cases of deleted queues that were closed lately.
//
// Of a deleted queue the core knows no cases; whoever asks has read in the store that one is open. Between that look
// and the command somebody else may have closed it, and a message must not be published elsewhere twice.
#pragma once

#include <deque>
#include <set>

#include "model/ids.h"
#include "model/limits.h"

namespace lazaret::core {

/// Bounded to kSettledTokens: nobody acts on a look that is so many cases old. After a restart whoever asks has to look
/// again anyway.
class ClosedOrphans {
 public:
  /// False: it was closed before.
  bool close(const model::CaseId& id) {
    if (!known_.insert(id).second) return false;
    order_.push_back(id);
    if (order_.size() > model::limits::kSettledTokens) {
      known_.erase(order_.front());
      order_.pop_front();
    }
    return true;
  }
  bool contains(const model::CaseId& id) const { return known_.contains(id); }

 private:
  std::set<model::CaseId> known_;
  std::deque<model::CaseId> order_;
};

}  // namespace lazaret::core

// ImportedLately: cases that were imported lately, by what they were where they came from.
//
// Whoever imports has looked in the store whether a case is there already. Between that look and the command somebody
// else may have imported it, or the same file is sent again before the first time is on the disk.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <utility>

#include "model/case_record.h"
#include "model/limits.h"

namespace lazaret::core {

/// Bounded to kSettledTokens: nobody acts on a look that is so many cases old. After a restart whoever asks has to look
/// again anyway.
class ImportedLately {
 public:
  std::optional<model::Offset> find(model::SubscriptionId subscription, const model::CaseOrigin& origin) const {
    const auto it = known_.find({subscription, origin});
    return it == known_.end() ? std::nullopt : std::optional(it->second);
  }
  /// REQUIRES that it is not known.
  void remember(model::SubscriptionId subscription, const model::CaseOrigin& origin, model::Offset offset) {
    known_.emplace(Name(subscription, origin), offset);
    order_.emplace_back(subscription, origin);
    if (order_.size() <= model::limits::kSettledTokens) return;
    known_.erase(order_.front());
    order_.pop_front();
  }

 private:
  using Name = std::pair<model::SubscriptionId, model::CaseOrigin>;
  std::map<Name, model::Offset> known_;
  std::deque<Name> order_;
};

}  // namespace lazaret::core

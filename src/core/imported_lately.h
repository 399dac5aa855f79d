// ImportedLately: cases that were imported lately, by what they were where they came from.
//
// Whoever imports has looked in the store whether a case is there already. Between that look and the command somebody
// else may have imported it, or the same file is sent again before the first time is on the disk.
#pragma once

#include <deque>
#include <iterator>
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
    const auto at = known_.emplace(Name(subscription, origin), offset).first;
    by_case_.emplace(Case(subscription, offset), at);
    order_.emplace_back(subscription, offset);
    if (order_.size() <= model::limits::kSettledTokens) return;
    const Case oldest = order_.front();
    order_.pop_front();
    forget(oldest.first, oldest.second);
  }
  /// The case is not kept any more: it may be brought again.
  void forget(model::SubscriptionId subscription, model::Offset offset) {
    const auto found = by_case_.find(Case(subscription, offset));
    if (found == by_case_.end()) return;
    known_.erase(found->second);
    by_case_.erase(found);
  }
  /// The same of those in `range` that `is_open` does not say to be open.
  template <class IsOpen>
  void forget_closed(model::SubscriptionId subscription, model::OffsetRange range, IsOpen is_open) {
    auto it = by_case_.lower_bound(Case(subscription, range.begin));
    while (it != by_case_.end() && it->first < Case(subscription, range.end)) {
      const auto next = std::next(it);
      if (!is_open(it->first.second)) forget(subscription, it->first.second);
      it = next;
    }
  }

 private:
  using Name = std::pair<model::SubscriptionId, model::CaseOrigin>;
  using Case = std::pair<model::SubscriptionId, model::Offset>;
  std::map<Name, model::Offset> known_;
  std::map<Case, std::map<Name, model::Offset>::iterator> by_case_;
  std::deque<Case> order_;  // those that were forgotten too
};

}  // namespace lazaret::core

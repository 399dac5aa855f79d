// SettledTokens: what was said of the last tokens, so that a verdict that is sent again is answered as the first time.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <vector>

#include "model/answer.h"
#include "model/limits.h"

namespace lazaret::core {

/// Bounded to kSettledTokens: the oldest is forgotten. Grants are unique in a shard, so a grant names its token.
class SettledTokens {
 public:
  void remember(model::Grant grant, const model::VerdictResult& result) {
    if (!results_.insert_or_assign(grant.value, result).second) return;
    if (ring_.size() < model::limits::kSettledTokens) {
      ring_.push_back(grant.value);
      return;
    }
    results_.erase(ring_[next_]);
    ring_[next_] = grant.value;
    next_ = (next_ + 1) % ring_.size();
  }
  /// nullptr when it is not remembered.
  const model::VerdictResult* find(model::Grant grant) const {
    const auto it = results_.find(grant.value);
    return it == results_.end() ? nullptr : &it->second;
  }

 private:
  boost::unordered_flat_map<std::uint64_t, model::VerdictResult> results_;
  std::vector<std::uint64_t> ring_;
  std::size_t next_ = 0;
};

}  // namespace lazaret::core

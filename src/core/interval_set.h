// IntervalSet: a set of offsets, kept as stretches. Dense sets cost a few nodes, however many offsets they have.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/on_demand.h"
#include "model/ids.h"

namespace lazaret::core {

class IntervalSet {
 public:
  /// False if it was there.
  bool insert(model::Offset offset);
  /// Returns how many were new.
  std::uint64_t insert(model::OffsetRange range);
  /// False if it was not there.
  bool erase(model::Offset offset);
  /// Everything below `offset` goes.
  void erase_below(model::Offset offset);
  void clear();

  bool contains(model::Offset offset) const;
  /// The first offset at or after `from` that is not in the set.
  model::Offset next_missing(model::Offset from) const;
  /// How many of the set lie in [begin, end). Costs the stretches in between.
  std::uint64_t count_in(model::OffsetRange range) const;
  std::uint64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  std::size_t stretches() const { return stretches_.size(); }

  /// Calls `visit(OffsetRange)` for each part of a stretch in `range`, ascending.
  template <class Visit>
  void for_each_in(model::OffsetRange range, Visit visit) const {
    auto it = stretches_.upper_bound(range.begin.value);
    if (it != stretches_.begin() && std::prev(it)->second > range.begin.value) --it;
    for (; it != stretches_.end() && it->first < range.end.value; ++it) {
      visit(model::OffsetRange{model::Offset(std::max(it->first, range.begin.value)),
                               model::Offset(std::min(it->second, range.end.value))});
    }
  }
  /// All stretches, ascending.
  std::vector<model::OffsetRange> ranges() const;

 private:
  base::OnDemand<std::map<std::uint64_t, std::uint64_t>> stretches_;  // begin → end, neither touching nor overlapping
  std::uint64_t size_ = 0;
};

}  // namespace lazaret::core

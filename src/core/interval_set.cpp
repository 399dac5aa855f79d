#include "core/interval_set.h"

#include <algorithm>
#include <iterator>

namespace lazaret::core {

using model::Offset;
using model::OffsetRange;

bool IntervalSet::insert(Offset offset) { return insert(OffsetRange{offset, offset.next()}) == 1; }

std::uint64_t IntervalSet::insert(OffsetRange range) {
  std::uint64_t begin = range.begin.value;
  std::uint64_t end = range.end.value;
  if (begin >= end) return 0;
  const std::uint64_t asked = end - begin;
  std::uint64_t had = 0;
  // The stretch that the new one grows out of, if one ends at or beyond its begin.
  auto it = stretches_.upper_bound(begin);
  if (it != stretches_.begin() && std::prev(it)->second >= begin) --it;
  const auto first = it;
  std::uint64_t merged_begin = begin;
  std::uint64_t merged_end = end;
  for (; it != stretches_.end() && it->first <= end; ++it) {
    had += std::min(it->second, end) > std::max(it->first, begin)
               ? std::min(it->second, end) - std::max(it->first, begin)
               : 0;
    merged_begin = std::min(merged_begin, it->first);
    merged_end = std::max(merged_end, it->second);
  }
  // In-order growth, the common case, only moves an end.
  if (first != it && std::next(first) == it && first->first == merged_begin) {
    first->second = merged_end;
  } else {
    const auto hint = stretches_.erase(first, it);
    stretches_.emplace_hint(hint, merged_begin, merged_end);
  }
  size_ += asked - had;
  return asked - had;
}

bool IntervalSet::erase(Offset offset) {
  auto it = stretches_.upper_bound(offset.value);
  if (it == stretches_.begin()) return false;
  --it;
  const std::uint64_t begin = it->first;
  const std::uint64_t end = it->second;
  if (offset.value >= end) return false;
  --size_;
  const std::uint64_t behind = offset.value + 1;
  if (begin < offset.value) {
    it->second = offset.value;
    if (behind < end) stretches_.emplace_hint(std::next(it), behind, end);
  } else if (behind < end) {
    auto rest = stretches_.extract(it++);  // no allocation: sets are eaten away from their begin
    rest.key() = behind;
    stretches_.insert(it, std::move(rest));
  } else {
    stretches_.erase(it);
  }
  return true;
}

void IntervalSet::erase_below(Offset offset) {
  auto it = stretches_.begin();
  while (it != stretches_.end() && it->first < offset.value) {
    const std::uint64_t end = it->second;
    size_ -= std::min(end, offset.value) - it->first;
    it = stretches_.erase(it);
    if (end > offset.value) {
      stretches_.emplace(offset.value, end);
      return;
    }
  }
}

void IntervalSet::clear() {
  stretches_.release();
  size_ = 0;
}

bool IntervalSet::contains(Offset offset) const {
  const auto it = stretches_.upper_bound(offset.value);
  return it != stretches_.begin() && std::prev(it)->second > offset.value;
}

Offset IntervalSet::next_missing(Offset from) const {
  const auto it = stretches_.upper_bound(from.value);
  if (it == stretches_.begin() || std::prev(it)->second <= from.value) return from;
  return Offset(std::prev(it)->second);
}

std::uint64_t IntervalSet::count_in(OffsetRange range) const {
  std::uint64_t count = 0;
  for_each_in(range, [&count](OffsetRange part) { count += part.size(); });
  return count;
}

std::vector<OffsetRange> IntervalSet::ranges() const {
  std::vector<OffsetRange> all;
  all.reserve(stretches_.size());
  for (const auto& [begin, end] : stretches_) all.push_back({Offset(begin), Offset(end)});
  return all;
}

}  // namespace lazaret::core

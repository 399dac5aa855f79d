#include "daemon/hospital_lines.h"

#include <algorithm>
#include <utility>

namespace lazaret::daemon {

using alerts::HospitalChange;
using model::HospitalLevel;

bool HospitalLines::Lines::may_say(HospitalLevel level, Time now) const {
  const auto& before = at[static_cast<std::size_t>(level)];
  return !before || now - *before >= kPause;
}

void HospitalLines::Lines::said(HospitalLevel level, Time now) {
  last = level;
  at[static_cast<std::size_t>(level)] = now;
}

/// As if nothing had been said of it.
bool HospitalLines::Lines::is_forgotten(Time now) const {
  if (held || last != HospitalLevel::below) return false;
  return std::ranges::all_of(at, [&](const auto& one) { return !one || now - *one >= kPause; });
}

bool HospitalLines::note(const HospitalChange& change, Time now) {
  const std::lock_guard lock(mutex_);
  Lines& lines = lines_[change.queue->subscription];
  lines.held.reset();
  if (change.level == lines.last) return false;  // it is back where the log says
  if (!lines.may_say(change.level, now)) {
    lines.held = change;
    return false;
  }
  lines.said(change.level, now);
  return true;
}

std::vector<HospitalChange> HospitalLines::due(Time now) {
  std::vector<HospitalChange> due;
  const std::lock_guard lock(mutex_);
  for (auto& [whose, lines] : lines_) {
    if (!lines.held || !lines.may_say(lines.held->level, now)) continue;
    lines.said(lines.held->level, now);
    due.push_back(*std::exchange(lines.held, std::nullopt));
  }
  std::erase_if(lines_, [&](const auto& one) { return one.second.is_forgotten(now); });
  return due;
}

}  // namespace lazaret::daemon

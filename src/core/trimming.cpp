// Trimming: what no subscription and no case needs of a log any more goes, in big steps; what little is still needed of
// such a stretch is copied out.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {
namespace {

using model::Offset;
using model::OffsetRange;

/// A trim is worth a record when it frees so much, or when nothing is left behind it.
constexpr std::uint64_t kTrimMessages = 16'384;
constexpr std::uint64_t kTrimBytes = 4u << 20;
/// Stretches that are looked at one by one when something in them is still needed. The small ones are for a memtable
/// that is nearly full: what is large is few.
constexpr std::uint64_t kStretch = 8192;
constexpr std::uint64_t kSmallStretch = 256;

}  // namespace

void Shard::State::on(TrimNow&) {
  for (auto& [id, log] : logs) trim(log, true);
}

/// Removes what nobody needs any more. `all`: also little.
void Shard::State::trim(Log& log, bool all) {
  if (log.deleting) return;
  Offset cursor = kept_from(log);
  Offset frontier = log.readers.empty() ? log.persisted_end : Offset(~0ull);
  std::uint64_t beyond = 0;  // settled stretches behind a hole, of the reader that has most
  for (const Subscription* sub : log.readers) {
    if (sub->deleting) return;  // its cases are being copied out
    cursor = std::min(cursor, sub->acked.cursor());
    frontier = std::min(frontier, std::max(sub->frontier, sub->levels == nullptr ? Offset() : sub->levels->granted_to));
    beyond = std::max(beyond, sub->acked.beyond().size());
  }
  const Offset begin = log.begin();
  const bool drained = cursor == log.state.next && now - log.last_trim >= std::chrono::seconds(1);
  const Offset looked_to = all ? begin : std::max(begin, log.head_looked_to);
  const std::uint64_t settled_count = cursor > looked_to ? cursor.value - looked_to.value : 0;
  const std::uint64_t stretch_size = all ? kSmallStretch : kStretch;
  const std::uint64_t worth_holes = all ? kSmallStretch : kTrimMessages;
  const bool holes = beyond >= worth_holes && (all || frontier.value >= log.trim_looked_to.value + kTrimMessages);
  const bool worth = settled_count >= kTrimMessages || log.bytes_since_trim >= kTrimBytes || holes || drained || all;
  if (drained && settled_count == 0) log.drained_at = cursor;
  if (!worth || (settled_count == 0 && !holes)) return;
  log.bytes_since_trim = 0;
  log.last_trim = now;
  log.head_looked_to = cursor;
  if (cursor == log.state.next) {
    log.drained_at = cursor;
    log.state.expires = false;
  }
  // Before the cursor, stretch by stretch; neighbours that can go go together.
  OffsetRange going{begin, begin};
  for (Offset at = begin; at < cursor;) {
    const OffsetRange stretch{at, std::min(Offset((at.value / stretch_size + 1) * stretch_size), cursor)};
    at = std::max(stretch.end, log.trimmed.next_missing(stretch.end));
    if (!may_trim(log, stretch)) {
      trim_stretch(log, going);
      going = {at, at};
    } else {
      going.end = at;
    }
  }
  trim_stretch(log, {going.begin, std::min(going.end, cursor)});
  if (log.begin() == log.state.next && log.evacuated.empty()) forget_priorities(log);
  if (!holes) return;
  // Beyond the cursor: whole stretches of which less than a tenth is still needed.
  const Offset end = std::min(kept_from(log), frontier);
  log.trim_looked_to = frontier;
  const std::uint64_t first = (cursor.value / stretch_size + 1) * stretch_size;
  for (std::uint64_t at = first; at + stretch_size <= end.value;) {
    const OffsetRange stretch{Offset(at), Offset(at + stretch_size)};
    const Offset missing = log.trimmed.next_missing(stretch.begin);
    if (missing == stretch.begin && may_trim(log, stretch)) trim_stretch(log, stretch);
    // Behind what was trimmed before, in one step.
    at = std::max(stretch.end.value, (missing.value + stretch_size - 1) / stretch_size * stretch_size);
  }
}

/// Whether less than a tenth of the stretch is needed, or few messages at all: so many are worth to be copied out.
bool Shard::State::may_trim(const Log& log, OffsetRange range) const {
  std::uint64_t needed = 0;
  for (const Subscription* sub : log.readers) {
    needed += sub->admitted.count_in(range) + sub->acked.unsettled_in(range);
    if (sub->book != nullptr) needed += sub->book->discarded.count_in(range);
    for (auto it = sub->lane.lower_bound(range.begin); it != sub->lane.end() && it->first < range.end; ++it) ++needed;
    if (needed * 10 >= range.size() && needed > 16) return false;
  }
  return true;
}

bool Shard::State::is_drained(const Log& log) const {
  return kept_from(log) == log.state.next &&
         std::all_of(log.readers.begin(), log.readers.end(),
                     [&](const Subscription* sub) { return sub->acked.cursor() == log.state.next; });
}

/// Whether a subscription or a case needs the message.
bool Shard::State::is_needed(const Log& log, Offset offset) {
  const auto needs = [offset](const Subscription* sub) {
    return !sub->acked.is_settled(offset) || sub->has_case_of(offset);
  };
  return log.kept.contains(offset) || std::any_of(log.readers.begin(), log.readers.end(), needs);
}

/// The stretch goes; what is needed of it is copied out.
void Shard::State::trim_stretch(Log& log, OffsetRange range) {
  if (range.begin >= range.end) return;
  model::TrimLog trim;
  trim.range = range;
  const auto need = [&](Offset offset) {
    if (!log.evacuated.contains(offset) && !log.trimmed.contains(offset)) trim.evacuate.push_back(offset);
  };
  for (const Subscription* sub : log.readers) {
    const auto need_all = [&](OffsetRange part) {
      for (Offset offset = part.begin; offset < part.end; offset = offset.next()) need(offset);
    };
    sub->admitted.for_each_in(range, need_all);
    if (sub->book != nullptr) sub->book->discarded.for_each_in(range, need_all);
    for (auto it = sub->lane.lower_bound(range.begin); it != sub->lane.end() && it->first < range.end; ++it)
      need(it->first);
    for (Offset offset = sub->acked.next_unsettled(range.begin); offset < range.end;
         offset = sub->acked.next_unsettled(offset.next())) {
      need(offset);
    }
  }
  std::sort(trim.evacuate.begin(), trim.evacuate.end());
  trim.evacuate.erase(std::unique(trim.evacuate.begin(), trim.evacuate.end()), trim.evacuate.end());
  for (const Offset offset : trim.evacuate) log.evacuated.insert(offset);
  log.trimmed.insert(range);
  if (log.state.prioritised) {
    log.evacuated.for_each_in(range, [&](OffsetRange part) { trim.copied.push_back(part); });
  }
  trim.state = log_state(log);
  mutate(std::move(trim), false);
}

}  // namespace lazaret::core

// Flow control: whoever publishes faster than hungry consumers take is confirmed as fast as they take.
//
// What consumers are a little behind with is in memory; what they fall further behind with is flushed and read again,
// which both sides pay for. So when they are about to fall behind, confirms are held until there is room again: that
// halts publishers, which have so many unconfirmed at most.
//
//   - Only where that is soon: at the rate that they were seen to take at, what waits is taken in kCatchUp. Slow
//     consumers, those that work off a backlog, and those that are away hold nobody up.
//   - Of a topic the fastest subscription counts: one that keeps up is not to wait for another.
//   - A confirm is confirm_hold_max late at most, and is told at the stop, or when its queue is deleted.
//
// Nothing else is delayed: the message is stored, and delivered, as ever.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

namespace limits = model::limits;

/// Whether it may come to have to read again what is published now.
bool Shard::State::falls_behind(const Subscription& sub) {
  return sub.window_next < sub.log->state.next || sub.window.size() >= limits::kTailMessages / 2 ||
         sub.window_bytes >= limits::kTailBytes / 2;
}

bool Shard::State::is_outrun(const Log& log) const {
  if (draining || config.confirm_hold_max.count() == 0) return false;
  bool outrun = false;
  for (Subscription* sub : log.readers) {
    if (sub->feeder != nullptr) return false;  // who takes is on another shard
    if (sub->consumers.empty()) continue;
    sub->taking.look(sub->frontier, now);
    if (!falls_behind(*sub)) return false;
    outrun = outrun || sub->taking.takes_soon(log.state.next.value - sub->frontier.value);
  }
  return outrun && !log.deleting;
}

/// Now, or when consumers have caught up; behind those of the same log that wait.
void Shard::State::confirm(const Log& log, model::SessionId session, model::Published published) {
  const auto held = held_confirms.find(log.state.log);
  if (held == held_confirms.end() && !is_outrun(log)) return tell(session, std::move(published));
  HeldConfirms& waiting = held == held_confirms.end() ? held_confirms[log.state.log] : held->second;
  if (waiting.confirms.empty()) waiting.since = now;
  waiting.confirms.emplace_back(session, std::move(published));
  ++confirms_held;
}

/// Those that need not wait any more.
void Shard::State::release_confirms() {
  for (auto it = held_confirms.begin(); it != held_confirms.end();) {
    const Log* log = find(it->first);
    const bool waits = log != nullptr && now < it->second.since + config.confirm_hold_max && is_outrun(*log);
    if (waits) {
      ++it;
      continue;
    }
    for (auto& [session, published] : it->second.confirms) tell(session, std::move(published));
    it = held_confirms.erase(it);
  }
}

base::Instant Shard::State::releases_confirms_at() const {
  base::Instant next = base::Instant::never();
  for (const auto& [id, held] : held_confirms) next = std::min(next, held.since + config.confirm_hold_max);
  return next;
}

}  // namespace lazaret::core

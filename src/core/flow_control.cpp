// Flow control: whoever publishes faster than hungry consumers take is confirmed as fast as they take.
//
// What consumers are a little behind with is in memory; what they fall further behind with is flushed and read again,
// which both sides pay for. So when they are about to fall behind, confirms are held until there is room again: that
// halts publishers, which have so many unconfirmed at most.
//
//   - Only where that is soon: at the rate that they were seen to take at, what waits is taken in kCatchUp. Slow
//     consumers, those that work off a backlog, and those that are away hold nobody up.
//   - Of a topic the fastest subscription counts: one that keeps up is not to wait for another.
//   - Only as long as they take: where they took nothing for a moment, nothing is held for a while. Their handlers may
//     publish there themselves, and wait for the confirm.
//   - A confirm is confirm_hold_max late at most, and is told at the stop, or when its queue is deleted.
//
// Nothing else is delayed: the message is stored, and delivered, as ever.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

namespace limits = model::limits;

/// Whether it may come to have to read again what is published now.
bool Shard::State::falls_behind(const Subscription& sub) const {
  return sub.window_next < sub.log->state.next || sub.window.size() >= config.hold_above_messages ||
         sub.window_bytes >= limits::kTailBytes / 2;
}

bool Shard::State::is_outrun(const Log& log) const {
  if (draining || config.confirm_hold_max.count() == 0 || !log.holding_rest.is_over(now)) return false;
  bool outrun = false;
  for (Subscription* sub : log.readers) {
    if (sub->feeder != nullptr) return false;  // who takes is on another shard
    if (sub->consumers.empty()) continue;
    sub->taking.look(sub->frontier, now);
    if (!falls_behind(*sub)) return false;
    outrun = outrun || sub->taking.takes_soon(log.state.next.value - sub->frontier.value);
  }
  return outrun;
}

/// Now, or when consumers have caught up; behind those of the same log that wait. Whether it has to wait at all is seen
/// at the end of the step, when what was published has gone to whoever had room for it.
void Shard::State::confirm(const Log& log, model::SessionId session, model::Published published) {
  auto held = held_confirms.find(log.state.log);
  if (held == held_confirms.end()) {
    if (!is_outrun(log)) return tell(session, std::move(published));
    held = held_confirms.try_emplace(log.state.log).first;
    held->second.since = held->second.taken_at = now;
  }
  held->second.confirms.emplace_back(session, std::move(published));
}

/// Tells those that need not wait any more.
void Shard::State::release_confirms() {
  for (auto it = held_confirms.begin(); it != held_confirms.end();) {
    HeldConfirms& held = it->second;
    Log* log = find(it->first);
    if (log != nullptr && must_wait(*log, held)) {
      confirms_held += held.confirms.size() - std::exchange(held.waited, held.confirms.size());
      ++it;
      continue;
    }
    for (auto& [session, published] : held.confirms) tell(session, std::move(published));
    it = held_confirms.erase(it);
  }
}

bool Shard::State::must_wait(Log& log, HeldConfirms& held) const {
  if (draining || log.deleting || now >= held.since + config.confirm_hold_max) return false;
  if (held.waited > 0 && now < held.looked_at + limits::kHeldLookEvery) return true;
  held.looked_at = now;
  if (!is_outrun(log)) {
    if (held.waited > 0) log.holding_rest.forget();
    return false;
  }
  std::uint64_t taken_to = 0;
  for (const Subscription* sub : log.readers) taken_to += sub->frontier.value;
  if (std::exchange(held.taken_to, taken_to) != taken_to) held.taken_at = now;
  if (now < held.taken_at + limits::kTakingRateEvery) return true;
  log.holding_rest.begin(now);
  return false;
}

base::Instant Shard::State::looks_at_confirms_at() const {
  base::Instant next = base::Instant::never();
  for (const auto& [id, held] : held_confirms) {
    next = std::min({next, held.since + config.confirm_hold_max, held.looked_at + limits::kHeldLookEvery});
  }
  return next;
}

}  // namespace lazaret::core

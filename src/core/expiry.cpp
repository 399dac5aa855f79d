// Times to live: a message that is past its time is not delivered any more (semantics, "Expiry"). It goes where it is
// met on its way to a consumer. Where nobody consumes, a sweep looks at what is first in line, at most once in
// kSweepEvery. What an operator replays has no end: it was a case, and somebody wants it delivered all the same.
#include <algorithm>
#include <deque>
#include <utility>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

namespace limits = model::limits;
using base::Instant;
using model::Offset;

/// Ready messages of each kind (given back, retries, suspects) that one sweep reads.
constexpr std::size_t kSweepReady = 64;
/// Of each type that nobody accepts, as long as there are not so many in all.
constexpr std::size_t kSweepAside = 8;
constexpr std::size_t kSweepMost = 512;

model::ErrorReport past_its_time() { return {"lazaret.expired", "its time to live was over before it was acked", ""}; }

}  // namespace

/// From when on it is not delivered; never() for a message without an end.
Instant Shard::State::end_of(const Subscription& sub, const model::Message& message) {
  const Instant own = message.expires_at.us == 0 ? Instant::never() : message.expires_at;
  const base::Duration ttl = sub.queue->options.ttl;
  return ttl.count() == 0 ? own : std::min(own, std::max(message.published_at, message.due) + ttl);
}

bool Shard::State::is_past(const Subscription& sub, const model::Message& message) const {
  return (message.expires_at.us != 0 || sub.queue->options.ttl.count() != 0) && end_of(sub, message) <= now;
}

/// Whether a message that nobody has had may be delivered now.
bool Shard::State::is_offered(Subscription& sub, Offset offset, const model::Message& message) {
  return message.due <= now && !is_past(sub, message) &&
         (sub.filter == nullptr ? !message.imported : is_wanted(sub, offset, message)) &&
         (sub.quarantine == nullptr || !is_quarantined(sub, offset, message));
}

/// A message that nobody has had is met at the wrong time, or is damaged. Too early are those of a subscription that
/// began before them in its topic: whoever was there when they came has scheduled them then.
void Shard::State::turn_away(Subscription& sub, const model::PagedMessage& gone) {
  if (gone.message == nullptr) return gone.imported ? filter_out(sub, gone.offset) : admit_damaged(sub, gone.offset);
  if (!is_wanted(sub, gone.offset, *gone.message)) return filter_out(sub, gone.offset);
  if (is_past(sub, *gone.message)) return drop_expired(sub, gone.offset, *gone.message);
  if (gone.message->due > now) return schedule(sub, gone.offset, *gone.message);
  quarantine(sub, gone.offset, gone.message);
}

/// Messages come, some of them with a time of their own, or all with the subscription's time to live.
void Shard::State::arrive(Subscription& sub, Offset first, const Arrivals& arrivals) {
  Instant end = Instant::never();
  for (std::size_t i = 0; i < arrivals.messages.size(); ++i) {
    const model::Message& message = *arrivals.messages[i];
    const Offset offset(first.value + i);
    if (message.due > now && !is_wanted(sub, offset, message)) {
      filter_out(sub, offset);
    } else if (message.due > now) {
      schedule(sub, offset, message);
    } else {
      end = std::min(end, end_of(sub, message));
    }
  }
  sweep_by(sub, end);
}

/// The entry is gone after this; the reference too. REQUIRES that nobody has it.
void Shard::State::drop_expired(Subscription& sub, Entry& entry) {
  if (is_unwanted(sub, entry)) return filter_out(sub, entry);
  take_back(sub, entry);
  if (sub.queue->options.on_expiry == model::OnExpiry::hospital) {
    return admit(sub, entry, model::CaseReason::expired, past_its_time());
  }
  const Offset offset = entry.position.offset;
  forget_history(sub, entry);
  if (entry.grant) {
    const model::VerdictResult lost{base::Code::LEASE_LOST, model::Whereabouts::expired, std::nullopt, false};
    expired_tokens.remember(entry.grant, model::VerdictKind::ack, lost);
  }
  settled(sub, offset);
  left(sub, entry.bytes);
  ++sub.counters.expired;
  forget_entry(sub, entry);
}

/// A message that nobody has had.
void Shard::State::drop_expired(Subscription& sub, Offset offset, const model::Message& message) {
  if (!is_wanted(sub, offset, message)) return filter_out(sub, offset);
  if (sub.queue->options.on_expiry == model::OnExpiry::hospital) {
    const Position position{sub.queue->log, offset};
    Entry& entry = sub.entries[position];
    entry.position = position;
    entry.key = sub.keys == nullptr ? model::KeyHash() : key_of(message);
    entry.key_known = true;
    return admit(sub, entry, model::CaseReason::expired, past_its_time());
  }
  settled(sub, offset);
  left_unread(sub, 1);
  ++sub.counters.expired;
  if (sub.keys != nullptr) hold_effects(sub);  // the next of its key leaves when this is durable
}

// --- Where nobody consumes ------------------------------------------------------------------------------------------

void Shard::State::sweep_by(Subscription& sub, Instant at) {
  at = std::max(at, sub.swept_at + limits::kSweepEvery);
  if (at >= sub.sweep_at) return;
  sub.sweep_at = at;
  pumped_later.insert(sub.queue->subscription);
}

/// Goes on when what it needs has been read.
void Shard::State::sweep(Subscription& sub) {
  if (!sub.sweeping && sub.sweep_at > now) return;
  sub.sweep_at = Instant::never();
  sub.sweeping = sub.expires();
  if (!sub.sweeping) return;
  Instant next = Instant::never();
  const bool ready = sweep_ready(sub, next);
  const bool fresh = sweep_fresh(sub, next);
  if (!ready || !fresh) return;
  sub.sweeping = false;
  sub.swept_at = now;
  if (sub.consumers.empty()) {
    auto lines = ready_lines(sub);
    lines.push_back(&sub.suspects);
    begin_window_at(sub, sub.frontier);
    forget_aside_messages(sub);
    for (const ReadyLine* line : lines) {
      std::size_t looked_at = 0;
      for (auto it = line->begin(); it != line->end() && looked_at < kSweepReady; ++it, ++looked_at) {
        sub.entries.at(*it).message = nullptr;
      }
    }
  }
  sweep_by(sub, next);
}

/// What was delivered before, has waited, or was set aside. False: some of it is being read.
bool Shard::State::sweep_ready(Subscription& sub, Instant& next) {
  std::vector<Position> first;
  const auto add = [&first](const ReadyLine& line, std::size_t most) {
    for (auto it = line.begin(); it != line.end() && most > 0; ++it, --most) first.push_back(*it);
  };
  for (const ReadyLine* line : ready_lines(sub)) add(*line, kSweepReady);
  add(sub.suspects, kSweepReady);
  if (sub.aside != nullptr) {
    for (const auto& [name, line] : sub.aside->lines()) {
      if (first.size() < kSweepMost) add(line.positions, kSweepAside);
    }
  }
  bool all_here = true;
  for (const Position& position : first) {
    Entry& entry = sub.entries.at(position);
    if (entry.replays) continue;
    if (entry.message == nullptr) load_one(sub, entry);
    if (entry.message != nullptr && is_past(sub, *entry.message)) {
      drop_expired(sub, entry);
    } else if (entry.message != nullptr) {
      next = std::min(next, end_of(sub, *entry.message));
    } else {
      all_here = all_here && !entry.loading;
      next = std::min(next, now + limits::kSweepEvery);
    }
  }
  return all_here;
}

/// What nobody has had: all of it that is in memory. Where all of that goes, a page behind it. False: it is being read.
bool Shard::State::sweep_fresh(Subscription& sub, Instant& next) {
  if (sub.loading_window) return false;
  sweep_window(sub, sub.window, sub.window_bytes, next);
  if (sub.levels != nullptr) {
    for (PriorityLevel& level : sub.levels->all()) sweep_window(sub, level.window, sub.levels->window_bytes, next);
  }
  if (!sub.window.empty()) return true;
  if (load_window(sub, limits::kPageMessages, limits::kPageBytes)) return false;
  // The last ones are not on the disk yet.
  if (sub.log->persisted_end < sub.log->state.next) next = std::min(next, now + limits::kSweepEvery);
  return true;
}

/// `bytes`: of what is in the window.
void Shard::State::sweep_window(Subscription& sub, base::Fifo<model::PagedMessage>& window, std::uint64_t& bytes,
                                Instant& next) {
  base::Fifo<model::PagedMessage> kept;
  for (model::PagedMessage& one : std::exchange(window, {})) {
    const std::size_t size = one.message == nullptr ? 0 : one.message->size();
    const bool taken = sub.acked.is_settled(one.offset) || sub.entries.contains({sub.queue->log, one.offset}) ||
                       sub.is_parked(one.offset);
    const bool past = !taken && one.message != nullptr && is_past(sub, *one.message);
    if (past) drop_expired(sub, one.offset, *one.message);
    if (taken || past) {
      bytes -= size;
      window_bytes -= size;
      continue;
    }
    if (one.message != nullptr) next = std::min(next, end_of(sub, *one.message));
    kept.push_back(std::move(one));
  }
  window = std::move(kept);
}

}  // namespace lazaret::core

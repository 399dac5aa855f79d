// Order by key: at most one message of a key is out, the first that is not settled; what is behind it is passed over
// until it is its turn (core/key_locks.h).
//
// After a restart nothing is granted before everybody has come back or is given up, so that each key's first is known:
// whoever waits or was granted again has a record with its key, what lies below the mark without one is met in order
// from the cursor, and what an instance holds on to is read for its key first.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using model::KeyHash;
using model::Offset;
namespace limits = model::limits;

/// Messages read at a time, as for retries.
constexpr std::uint32_t kReadsAhead = 64;

}  // namespace

Offset Shard::State::origin_of(const Entry& entry) {
  return entry.replays ? entry.replays->offset : entry.position.offset;
}

/// What was published with a delay has no place in the order: its time may come before or after that of any other.
KeyHash Shard::State::key_of(const model::Message& message) const {
  return config.key_of == nullptr || message.due.us != 0 ? KeyHash() : config.key_of(message);
}

// --- Fresh messages -------------------------------------------------------------------------------------------------

/// Brings a message whose key is free to the front of the window. REQUIRES that there is one at the front.
bool Shard::State::pass_locked(Subscription& sub) {
  if (undecided(sub)) return false;
  KeyLocks& keys = *sub.keys;
  do {
    keys.front = key_of(*sub.window.front().message);
    if (!keys.front || !keys.is_locked(keys.front)) return true;
    if (!may_pass_over(sub)) return false;
    pass_over(sub);
  } while (prepare_window(sub));
  return false;
}

bool Shard::State::may_pass_over(const Subscription& sub) const {
  const std::size_t most = held_messages < limits::kHeldPerShard ? limits::kHeldMessages : limits::kHeldLeast;
  return sub.keys->held().size() < most;
}

void Shard::State::pass_over(Subscription& sub) {
  KeyLocks& keys = *sub.keys;
  model::PagedMessage front = std::move(sub.window.front());
  sub.window.pop_front();
  sub.frontier = front.offset.next();
  const std::size_t bytes = front.message->size();
  sub.window_bytes -= bytes;
  KeyLocks::Passed passed;
  passed.key = keys.front;
  // Behind a message that was published before it, it was never granted. A replay, or a case, came later.
  const Position* holder = keys.holder(keys.front);
  const bool never_granted = (holder != nullptr && !sub.is_lane(holder->log)) || keys.has_before(keys.front);
  passed.may_have_begun = front.offset < sub.recovered_mark && !never_granted;
  const bool kept = keys.bytes() + bytes <= limits::kTailBytes && window_bytes <= limits::kTailBytesPerShard;
  if (kept) {
    passed.message = std::move(front.message);
  } else {
    window_bytes -= bytes;
  }
  ++held_messages;
  keys.pass_over(front.offset, std::move(passed));
}

/// The first that were passed over and have their keys now.
Granted Shard::State::grant_freed(Subscription& sub) {
  KeyLocks& keys = *sub.keys;
  if (undecided(sub)) return Granted::nothing;
  read_freed(sub);
  if (keys.in_memory().empty()) return Granted::nothing;
  const Offset offset = *keys.in_memory().begin();
  const bool overdue = !sub.requests.empty() && is_overdue(sub, {sub.queue->log, offset});
  const model::Message& message = *keys.freed().at(offset).message;
  if (overdue || is_past(sub, message) || !is_wanted(sub, offset, message) || is_quarantined(sub, offset, message)) {
    drop_freed(sub, offset);
    return Granted::yes;  // as good as: on to the next
  }
  const Taker taker = taker_of(sub, message);
  if (taker.granted == Granted::no_room) return Granted::no_room;
  if (taker.granted == Granted::nothing) {
    set_freed_aside(sub, offset);
    return Granted::yes;
  }
  const KeyLocks::Passed freed = keys.take_freed(offset);
  window_bytes -= freed.message->size();
  Entry& entry = first_entry(sub, offset, *freed.message, freed.may_have_begun);
  entry.key = freed.key;
  entry.key_known = true;
  grant(sub, entry, *taker.consumer, freed.message);
  return Granted::yes;
}

/// One that was freed goes on as an entry, and has its key.
Entry& Shard::State::entry_of_freed(Subscription& sub, Offset offset, KeyHash key) {
  Entry& entry = sub.entries[{sub.queue->log, offset}];
  entry.position = {sub.queue->log, offset};
  entry.key = key;
  entry.key_known = true;
  return entry;
}

/// Its time is over, or the subscription does not take it.
void Shard::State::drop_freed(Subscription& sub, Offset offset) {
  const KeyLocks::Passed freed = sub.keys->take_freed(offset);
  window_bytes -= freed.message->size();
  Entry& entry = entry_of_freed(sub, offset, freed.key);
  if (!sub.requests.empty() && is_overdue(sub, entry.position)) return drop_overdue(sub, entry);
  if (!is_wanted(sub, offset, *freed.message)) return filter_out(sub, entry);
  if (!is_past(sub, *freed.message)) {
    entry.message = freed.message;
    return quarantine(sub, entry);
  }
  drop_expired(sub, entry);
}

void Shard::State::read_freed(Subscription& sub) {
  KeyLocks& keys = *sub.keys;
  const bool room = keys.bytes() < limits::kTailBytes || keys.in_memory().empty();
  while (room && !keys.to_be_read().empty() && sub.loads_under_way < kReadsAhead) {
    const Offset offset = *keys.to_be_read().begin();
    if (offset >= sub.log->persisted_end) return;
    keys.loading(offset);
    ++sub.loads_under_way;
    out->effects.emplace_back(LoadOne{sub.queue->subscription, 0, sub.queue->log, offset, sub.queue->log, offset});
  }
}

/// True if that is what was read.
bool Shard::State::freed_loaded(Subscription& sub, const OneLoaded& event) {
  KeyLocks& keys = *sub.keys;
  const auto freed = event.log == sub.queue->log ? keys.freed().find(event.offset) : keys.freed().end();
  if (freed == keys.freed().end() || !freed->second.loading) return false;
  pumped_later.insert(sub.queue->subscription);
  if (event.message != nullptr) {
    window_bytes += event.message->size();
    keys.loaded(event.offset, event.message);
    return true;
  }
  Entry& entry = entry_of_freed(sub, event.offset, keys.take_freed(event.offset).key);
  admit(sub, entry, model::CaseReason::damaged,
        {"lazaret.damaged", "the stored message does not match its checksum", ""});
  return true;
}

/// Nobody reads.
void Shard::State::forget_passed_messages(Subscription& sub) {
  window_bytes -= sub.keys->bytes();
  sub.keys->forget_messages();
}

/// The broker stops: by the mark alone the next start would take for begun what was never granted.
void Shard::State::keep_freed(Subscription& sub) {
  KeyLocks& keys = *sub.keys;
  forget_passed_messages(sub);
  while (!keys.freed().empty()) {
    const Offset offset = keys.freed().begin()->first;
    const KeyLocks::Passed freed = keys.take_freed(offset);
    Entry& entry = entry_of_freed(sub, offset, freed.key);
    entry.interrupted = entry.redelivered = freed.may_have_begun;
    make_ready(sub, entry);
  }
}

// --- The key goes from one to the next ------------------------------------------------------------------------------

/// Whether the entry, which is ready, has its key; if not, it waits for it.
bool Shard::State::takes_key(Subscription& sub, Entry& entry) {
  KeyLocks& keys = *sub.keys;
  if (!entry.key) return true;
  const bool has = keys.has(entry.key, entry.position);
  const bool gives_up = must_wait_for_case(sub, entry) || (has && gives_way(sub, entry.key, entry.position));
  if (!keys.beside(entry.key) && !gives_up) {
    if (has) return true;
    if (!undecided(sub) && keys.holder(entry.key) == nullptr) {
      keys.take(entry.key, entry.position);
      return true;
    }
  }
  entry.waits_for_key = true;
  keys.wait(entry.key, origin_of(entry), entry.position);
  if (has && gives_up) {
    keys.give_up(entry.key);
    give_on(sub, entry.key);
  } else if (entry.replays) {
    ask_for_key(sub, entry.key);
  }
  return false;
}

/// While the hospital is full nothing but replays is granted: whoever has the key, and is not out, would keep it from
/// the replay of a message that was published before it.
bool Shard::State::gives_way(const Subscription& sub, KeyHash key, const Position& holder) {
  if (!is_for_replays(sub) || sub.is_lane(holder.log)) return false;
  const auto first = sub.keys->first_waiting(key, [&](const Position& one) { return sub.is_lane(one.log); });
  return first && origin_of(sub.entries.at(*first)) < holder.offset;
}

/// For a replay that waits for it. What waits for its next attempt is asked when that is due.
void Shard::State::ask_for_key(Subscription& sub, KeyHash key) {
  KeyLocks& keys = *sub.keys;
  const Position* holder = keys.holder(key);
  if (holder == nullptr || keys.beside(key) || !gives_way(sub, key, *holder)) return;
  have_holder_wait(sub, key, Position(*holder));
}

/// Whoever has the key, a message of the log, waits for it again if it is not out.
void Shard::State::have_holder_wait(Subscription& sub, KeyHash key, const Position& holder) {
  if (!sub.keys->freed().contains(holder.offset)) return wait_for_key_again(sub, holder);
  sub.keys->hold_again(key);
  ++held_messages;
  give_on(sub, key);
}

/// A case that was discarded, and is restored, holds its key again: what a consumer has meanwhile, or has begun before,
/// goes on, and nothing else.
bool Shard::State::must_wait_for_case(const Subscription& sub, const Entry& entry) {
  const bool began = entry.attempts > 0 || entry.interrupted || entry.redelivered || entry.replays;
  return !began && sub.keys->is_held_before(entry.key, entry.position.offset);
}

/// A case holds the key from now on.
void Shard::State::hold_key(Subscription& sub, KeyHash key) {
  KeyLocks& keys = *sub.keys;
  const Position* holder = keys.holder(key);
  if (holder == nullptr || sub.is_lane(holder->log)) return;
  const auto freed = keys.freed().find(holder->offset);
  const bool is_freed = freed != keys.freed().end();
  if (is_freed && (freed->second.may_have_begun || !keys.is_held_before(key, holder->offset))) return;
  have_holder_wait(sub, key, Position(*holder));
}

/// It is settled, or a case. One whose key is not known is still asked for when it is a case: that may hold its key.
void Shard::State::leave_key(Subscription& sub, const Entry& entry) {
  KeyLocks& keys = *sub.keys;
  if (entry.waits_for_key) {
    keys.wait_no_more(entry.key, origin_of(entry), entry.position);
    if (!keys.has(entry.key, entry.position)) return;
  }
  if (!entry.key_known && keys.unknown.contains(entry.position)) {
    keys.unknown_left_in = group;
    if (sub.admitted.contains(origin_of(entry))) return;
    keys.unknown.erase(entry.position);
    return decide_keys(sub);
  }
  if (entry.key && keys.leave(entry.key, entry.position, group)) give_on(sub, entry.key);
}

void Shard::State::give_on(Subscription& sub, KeyHash key) {
  KeyLocks& keys = *sub.keys;
  if (undecided(sub)) {
    keys.postponed.insert(key);
    return;
  }
  if (keys.beside(key)) return;
  if (const Position* holder = keys.holder(key)) return holder_goes_on(sub, *holder);
  pumped_later.insert(sub.queue->subscription);
  const auto may_go = [&](const Position& one) { return !must_wait_for_case(sub, sub.entries.at(one)); };
  if (const auto next = keys.first_waiting(key, may_go)) {
    Entry& entry = sub.entries.at(*next);
    keys.wait_no_more(key, origin_of(entry), *next);
    entry.waits_for_key = false;
    keys.take(key, *next);
    return make_ready(sub, entry);
  }
  if (!keys.is_locked(key) && keys.free_next(key, sub.queue->log)) --held_messages;
}

/// Nobody is out beside it any more.
void Shard::State::holder_goes_on(Subscription& sub, const Position& holder) {
  const auto found = sub.entries.find(holder);
  if (found == sub.entries.end() || !found->second.waits_for_key) return;
  Entry& entry = found->second;
  sub.keys->wait_no_more(entry.key, origin_of(entry), holder);
  entry.waits_for_key = false;
  pumped_later.insert(sub.queue->subscription);
  make_ready(sub, entry);
}

/// Whoever holds it has come back, and its key may be another's: what a power loss took is in front of it again.
void Shard::State::keep_key(Subscription& sub, Entry& entry) {
  KeyLocks& keys = *sub.keys;
  if (!entry.key || keys.has(entry.key, entry.position)) return;
  const Position* holder = keys.holder(entry.key);
  if (holder == nullptr && !keys.beside(entry.key)) return keys.take(entry.key, entry.position);
  keys.go_beside(entry.key, entry.position);
  if (holder != nullptr) wait_for_key_again(sub, *holder);
}

/// After a restart, of one that is not out. A power loss may have left two of a key that have begun: the first has it.
void Shard::State::take_key_if_first(Subscription& sub, KeyHash key, const Position& position) {
  KeyLocks& keys = *sub.keys;
  if (!key) return;
  const Position* holder = keys.holder(key);
  if (holder == nullptr) return keys.take(key, position);
  const bool is_first = holder->log == position.log && position.offset < holder->offset;
  const auto after = sub.entries.find(*holder);
  if (!is_first || (after != sub.entries.end() && after->second.consumer != nullptr)) return;
  const Position former = *holder;
  keys.give_way(key, position);
  wait_for_key_again(sub, former);
}

/// If it is ready: it has not its key any more, or has to wait with it.
void Shard::State::wait_for_key_again(Subscription& sub, const Position& position) {
  const auto found = sub.entries.find(position);
  if (found == sub.entries.end()) return;
  Entry& entry = found->second;
  if (entry.state != model::DeliveryState::ready || entry.waits_for_key) return;
  take_back(sub, entry);
  make_ready(sub, entry);
}

/// All keys are known: those that were left meanwhile, or are waited for, are given on.
void Shard::State::decide_keys(Subscription& sub) {
  if (undecided(sub)) return;
  std::set<KeyHash> keys = std::exchange(sub.keys->postponed, {});
  keys.merge(sub.keys->keys_waited_for());
  for (const KeyHash key : keys) give_on(sub, key);
}

/// What is granted leaves when the end of the one before it of its key is durable: a restart must not begin that again.
void Shard::State::follow(Subscription& sub, const Entry& entry) {
  const KeyLocks& keys = *sub.keys;
  if (keys.unknown_left_in > persisted || (entry.key && keys.left_in(entry.key) > persisted)) hold_effects(sub);
}

void Shard::State::close_case_of_key(Subscription& sub, Offset origin) {
  KeyLocks& keys = *sub.keys;
  if (keys.unknown.erase({sub.queue->log, origin}) > 0) return decide_keys(sub);
  const KeyHash key = keys.close_case(origin);
  if (!key) return;
  keys.left(key, group);
  give_on(sub, key);
}

void Shard::State::change_key_failure(Subscription& sub) {
  const bool hold = sub.queue->options.on_key_failure == model::KeyFailure::hold;
  for (const KeyHash key : sub.keys->set_hold(hold)) hold ? hold_key(sub, key) : give_on(sub, key);
}

/// Where the message was published that has the key, or whose case holds it.
std::optional<Offset> Shard::State::held_by(Subscription& sub, KeyHash key) const {
  const Position* holder = sub.keys->holder(key);
  if (const auto beside = sub.keys->beside(key)) return beside->offset;
  if (holder == nullptr) return sub.keys->case_of(key);
  return sub.is_lane(holder->log) ? origin_of(sub.entries.at(*holder)) : holder->offset;
}

// --- Keys that are not known ----------------------------------------------------------------------------------------

void Shard::State::read_unknown(Subscription& sub) {
  for (auto& [position, loading] : sub.keys->unknown) {
    if (sub.loads_under_way >= kReadsAhead) return;
    if (std::exchange(loading, true)) continue;
    ++sub.loads_under_way;
    out->effects.emplace_back(
        LoadOne{sub.queue->subscription, 0, position.log, position.offset, sub.queue->log, position.offset});
  }
}

/// `entry`: nullptr when it is a case, or waits on the disk only.
void Shard::State::learn_key(Subscription& sub, Entry* entry, const OneLoaded& event) {
  KeyLocks& keys = *sub.keys;
  const Position position{event.log, event.offset};
  if (keys.unknown.erase(position) == 0) return;
  const KeyHash key = event.message != nullptr ? key_of(*event.message) : KeyHash();  // a damaged one has none
  if (entry != nullptr) {
    entry->key = key;
    entry->key_known = true;
    if (entry->has_record) put_record(sub, *entry);
  }
  const bool is_out = entry != nullptr && entry->consumer != nullptr;
  if (entry == nullptr && sub.admitted.contains(event.offset)) {
    keys.open_case(event.offset, key);
    hold_key(sub, key);
  } else if (is_out) {
    keep_key(sub, *entry);
  } else {
    take_key_if_first(sub, key, position);
    if (key && !keys.has(key, position)) wait_for_key_again(sub, position);
  }
  pumped_later.insert(sub.queue->subscription);
  decide_keys(sub);
}

/// Those that were granted before have their keys again; replays that were not wait.
void Shard::State::recover_keys(Subscription& sub, const model::RecoveredSubscription& recovered) {
  KeyLocks& keys = *sub.keys;
  for (const model::RecoveredKey& one : recovered.case_keys) keys.open_case(one.offset, one.key, one.holds);
  for (auto& [position, entry] : sub.entries) {
    if (entry.replays) {
      entry.key = keys.key_of_case(entry.replays->offset);
      entry.key_known = true;
    }
    if (!entry.has_record) continue;
    if (entry.key_known) {
      take_key_if_first(sub, entry.key, position);
    } else {
      keys.unknown.emplace(position, false);
    }
  }
  std::map<Offset, KeyHash> parked;
  for (const model::RecoveredKey& one : recovered.parked_keys) parked.emplace(one.offset, one.key);
  for (const Offset offset : recovered.parked) {
    const Position position{sub.queue->log, offset};
    if (const auto known = parked.find(offset); known != parked.end()) {
      take_key_if_first(sub, known->second, position);
    } else {
      keys.unknown.emplace(position, false);
    }
  }
}

// --- Purge, seek, retention -----------------------------------------------------------------------------------------

/// Those that were passed over below `end`; whoever takes them settles them.
void Shard::State::forget_passed(Subscription& sub, Offset end) {
  KeyLocks& keys = *sub.keys;
  held_messages -= keys.held().size();
  window_bytes -= keys.bytes();
  const std::set<KeyHash> left = keys.forget_before(end);
  held_messages += keys.held().size();
  window_bytes += keys.bytes();
  for (const KeyHash key : left) give_on(sub, key);
}

std::uint64_t Shard::State::purge_passed(Subscription& sub) {
  std::vector<Offset> passed;
  for (const auto* some : {&sub.keys->held(), &sub.keys->freed()}) {
    for (const auto& [offset, one] : *some) passed.push_back(offset);
  }
  forget_passed(sub, sub.log->state.next);
  std::uint64_t purged = 0;
  for (const Offset offset : passed) {
    purged += sub.acked.settle(offset) ? 1 : 0;
    drop_copies(sub, {offset, offset.next()});
  }
  return purged;
}

/// Those of `range` that wait on the disk only.
void Shard::State::leave_parked(Subscription& sub, model::OffsetRange range) {
  KeyLocks& keys = *sub.keys;
  const auto parked = [&](const Position& position) {
    const bool in_range = range.begin <= position.offset && position.offset < range.end;
    return position.log == sub.queue->log && in_range && sub.parked.contains(position.offset);
  };
  std::erase_if(keys.unknown, [&](const auto& one) { return parked(one.first); });
  const std::set<KeyHash> left = keys.leave_if(parked, group);
  for (const KeyHash key : left) give_on(sub, key);
  decide_keys(sub);
}

}  // namespace lazaret::core

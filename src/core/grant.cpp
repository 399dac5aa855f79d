// Who gets what next. What has a priority goes before all else (core/priority.cpp). Then returned messages, then due
// retries (at most half of the leases while new ones wait), then fresh ones in the order of their offsets; each to the
// consumer with the fewest out that has credit.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

namespace limits = model::limits;
using model::DeliveryState;

/// Retries looked at, and loaded, ahead of their grant.
constexpr std::size_t kRetriesAhead = 64;
/// Of them, those that are loaded while nobody has credit.
constexpr std::size_t kPreload = 4;
/// Messages that a frame of deliveries has room for from the beginning: it does not grow from one on.
constexpr std::size_t kLetterMessages = 32;

/// Stretches of scheduled messages that are stepped over at once; of more, some are read.
constexpr int kStretchesSkipped = 1024;

bool is_retry(const Entry& entry) { return entry.failures > 0 || entry.replays.has_value(); }

}  // namespace

void Shard::State::pump(Subscription& sub) {
  if (sub.deleting || draining) return;
  if (sub.feeder != nullptr) return feed(sub);
  note_level(sub);
  if (sub.quarantine != nullptr) end_quarantines(sub);
  if (!sub.seeking && (sub.sweeping || sub.sweep_at <= now)) sweep(sub);
  const bool cut_off = sub.breaker != nullptr && is_cut_off(sub);
  if (cut_off || sub.queue->options.paused || sub.seeking) {
    if (!sub.isolation.out) end_isolation(sub);
    if (cut_off) preload(sub);  // what is to be tried first is there then
    return;
  }
  if (sub.keys != nullptr) {
    read_unknown(sub);
    if (resuming) return;  // whoever may have something of a key out comes back first
  }
  isolate(sub);
  while (grant_next(sub)) {
  }
  load_waiting(sub);
}

bool Shard::State::grant_next(Subscription& sub) {
  if (next_consumer(sub, kAnything) == nullptr) {
    preload(sub);
    return false;
  }
  if (is_for_replays(sub)) return grant_replay(sub);
  if (sub.levels != nullptr || sub.log->priority_ends != nullptr) {
    const Granted prioritised = grant_prioritised(sub);
    if (prioritised != Granted::nothing) return prioritised == Granted::yes;
  }
  // A message for which nobody has room is not overtaken: it would never find any.
  const Granted returned = grant_loaded(sub, sub.returned, true);
  if (returned != Granted::nothing) return returned == Granted::yes;
  if (!sub.returned.empty()) return false;  // they are being read, and stay first in line
  if (sub.aside != nullptr) {
    const Granted aside = grant_aside(sub, 0);
    if (aside != Granted::nothing) return aside == Granted::yes;
  }
  const bool first = retries_first(sub);
  if (first) {
    const Granted retry = grant_loaded(sub, sub.retries);
    if (retry != Granted::nothing) return retry == Granted::yes;
  }
  if (sub.keys != nullptr) {
    const Granted freed = grant_freed(sub);
    if (freed != Granted::nothing) return freed == Granted::yes;
  }
  if (prepare_window(sub) && (sub.keys == nullptr || pass_locked(sub))) return grant_fresh(sub);
  return !first && grant_loaded(sub, sub.retries) == Granted::yes;
}

/// The consumer with the fewest out that has room for so many bytes, and accepts that, if it is said.
Consumer* Shard::State::next_consumer(Subscription& sub, std::size_t bytes, const MessageType* kind) {
  if (is_full(sub)) return nullptr;
  Consumer* best = nullptr;
  for (Consumer* consumer : sub.consumers) {
    if (is_standby(sub, *consumer)) break;
    if (!may_take(*consumer, bytes)) continue;
    if (consumer->instance->reserved || consumer->instance->held_back) continue;
    if (kind != nullptr && !accepts(*consumer, *kind)) continue;
    if (best == nullptr || consumer->out.size() < best->out.size()) best = consumer;
  }
  return best;
}

/// Retries hold at most half of the leases while new ones wait.
bool Shard::State::retries_first(const Subscription& sub) {
  const std::optional<bool> probe = sub.breaker == nullptr ? std::nullopt : sub.breaker->retries_first();
  return probe.value_or(sub.leased_retries * 2 <= sub.leased);
}

bool Shard::State::is_full(const Subscription& sub) {
  if (sub.breaker != nullptr && sub.breaker->is_full()) return true;
  return sub.queue->options.max_in_flight != 0 && sub.leased >= sub.queue->options.max_in_flight;
}

/// It waits for the first to go, which is there as long as it has something out.
bool Shard::State::is_standby(const Subscription& sub, const Consumer& consumer) {
  return sub.queue->options.single_active_consumer && &consumer != sub.consumers.front();
}

/// Attached, there, with credit, and with room in its session's outbox, which the last one may overfill: so a message
/// of any size finds room there some time. One larger than all of the byte credit goes to an idle consumer.
bool Shard::State::may_take(const Consumer& consumer, std::size_t bytes) const {
  if (!consumer.session || consumer.ended || consumer.room->full()) return false;
  if (consumer.used_messages >= consumer.credit_messages) return false;
  if (consumer.used_bytes + bytes > consumer.credit_bytes && consumer.used_messages > 0) return false;
  return !consumer.instance->away;
}

/// What is next in line is there when somebody has credit again: new messages, which are in memory, do not overtake it.
void Shard::State::preload(Subscription& sub) {
  if (sub.consumers.empty()) return;
  for (const ReadyLine* ready : ready_lines(sub)) {
    std::size_t ahead = 0;
    for (const Position& position : *ready) {
      if (++ahead > kPreload) break;
      Entry& entry = sub.entries.at(position);
      if (entry.message == nullptr) load_one(sub, entry);
    }
  }
  if (sub.keys != nullptr) read_freed(sub);
}

/// The first of these that is in memory; those before it are loaded, and `in_order` waited for. What nobody with room
/// accepts is set aside.
Granted Shard::State::grant_loaded(Subscription& sub, const ReadyLine& ready, bool in_order) {
  std::size_t looked_at = 0;
  const auto first = sub.breaker == nullptr ? ready.begin() : sub.breaker->first_of(ready);
  const std::optional<Position> stop = first == ready.begin() ? std::nullopt : std::optional(*first);
  std::optional<Granted> granted = grant_from(sub, ready, first, std::nullopt, looked_at, in_order);
  // Those before it as well, or what is there might never be looked at again.
  if (!granted && stop) granted = grant_from(sub, ready, ready.begin(), stop, looked_at, in_order);
  return granted.value_or(Granted::nothing);
}

/// From one of these on, as far as `stop`. nullopt: nothing there can be granted now.
std::optional<Granted> Shard::State::grant_from(Subscription& sub, const ReadyLine& ready, ReadyLine::const_iterator it,
                                                const std::optional<Position>& stop, std::size_t& looked_at,
                                                bool in_order) {
  bool waits = false;
  while (it != ready.end() && (!stop || *it < *stop)) {
    if (++looked_at > kRetriesAhead) return Granted::nothing;
    Entry& entry = sub.entries.at(*it++);
    if (waits && entry.message != nullptr) continue;
    if (drop_if_over(sub, entry)) return Granted::yes;  // as good as: on to the next
    if (entry.message == nullptr) {
      load_one(sub, entry);
      if (is_untouched(entry)) return Granted::nothing;  // first deliveries are in order, so nothing goes before it
      waits = in_order;
      continue;
    }
    const Taker taker = taker_of(sub, *entry.message, entry.only_for);
    if (taker.granted == Granted::nothing || is_behind_aside(sub, entry)) {
      set_aside(sub, entry);
      --looked_at;
      continue;
    }
    if (taker.granted == Granted::yes) grant(sub, entry, *taker.consumer, entry.message);
    return taker.granted;
  }
  return std::nullopt;
}

/// What is ready and not to be delivered any more goes: the entry too, then.
bool Shard::State::drop_if_over(Subscription& sub, Entry& entry) {
  if (!sub.requests.empty() && is_overdue(sub, entry.position)) {
    take_back(sub, entry);
    drop_overdue(sub, entry);
  } else if (entry.message == nullptr) {
    return false;
  } else if (!entry.replays && is_past(sub, *entry.message)) {
    drop_expired(sub, entry);
  } else if (is_unwanted(sub, entry)) {
    filter_out(sub, entry);
  } else if (is_quarantined(sub, entry)) {
    quarantine(sub, entry);
  } else {
    return false;
  }
  return true;
}

/// Whether it has an entry, is settled, or waits on the disk. A request that is too late is settled here.
bool Shard::State::is_taken(Subscription& sub, model::Offset offset) {
  const Position position{sub.queue->log, offset};
  if (sub.acked.is_settled(offset) || sub.entries.contains(position) || sub.is_parked(offset)) return true;
  if (sub.requests.empty() || !is_overdue(sub, position)) return false;
  expire_request(sub, offset);
  return true;
}

/// Brings the next fresh message to the front of the window; false when there is none, or it has to be read first, or
/// what a rule has made cases of on the way there has filled the hospital.
bool Shard::State::prepare_window(Subscription& sub) {
  while (!sub.window.empty()) {
    if (is_for_replays(sub)) return false;
    const model::PagedMessage& front = sub.window.front();
    const bool taken = is_taken(sub, front.offset);
    if (!taken && front.message != nullptr && is_offered(sub, front.offset, *front.message)) break;
    const model::PagedMessage gone = pop_front(sub);
    if (!taken) turn_away(sub, gone);
  }
  read_ahead(sub);
  return !sub.window.empty();
}

/// REQUIRES that the window is not empty.
model::PagedMessage Shard::State::pop_front(Subscription& sub) {
  model::PagedMessage front = std::move(sub.window.front());
  sub.window.pop_front();
  const std::size_t bytes = front.message == nullptr ? 0 : front.message->size();
  sub.window_bytes -= bytes;
  window_bytes -= bytes;
  sub.frontier = std::max(sub.frontier, front.offset.next());
  return front;
}

/// Asks for the next page when little is left of the one before: as much as what all windows hold leaves room for.
void Shard::State::read_ahead(Subscription& sub) {
  const std::uint64_t left = limits::kTailBytesPerShard - std::min(window_bytes, limits::kTailBytesPerShard);
  const std::size_t most = std::clamp<std::uint64_t>(left / 4, limits::kPageBytes / 4, limits::kAheadBytes);
  const bool enough = sub.window.size() > limits::kAheadMessages / 2 || sub.window_bytes > most / 2;
  if (!enough && !sub.loading_window) load_window(sub, limits::kAheadMessages, most);
}

/// False: there is nothing behind the window. REQUIRES that nothing is on its way.
bool Shard::State::load_window(Subscription& sub, std::size_t max_messages, std::size_t max_bytes) {
  sub.window_next = next_fresh(sub, sub.window_next);
  if (sub.window_next >= sub.log->persisted_end) return false;
  sub.loading_window = true;
  out->effects.emplace_back(LoadMessages{sub.queue->subscription, sub.generation, sub.queue->log, sub.window_next,
                                         sub.log->persisted_end, max_messages, max_bytes});
  return true;
}

/// The first offset from `from` on that is neither settled nor scheduled, or at least one behind some of those.
model::Offset Shard::State::next_fresh(const Subscription& sub, model::Offset from) const {
  model::Offset at = sub.acked.next_unsettled(from);
  for (int stretches = 0; stretches < kStretchesSkipped && sub.parked_scheduled.contains(at); ++stretches) {
    at = sub.acked.next_unsettled(sub.parked_scheduled.next_missing(at));
  }
  return at;
}

bool Shard::State::grant_fresh(Subscription& sub) {
  const Taker taker = taker_of(sub, *sub.window.front().message);
  if (taker.granted == Granted::nothing) return set_front_aside(sub);
  if (taker.consumer == nullptr) return false;
  const model::PagedMessage fresh = pop_front(sub);
  Entry& entry = first_entry(sub, fresh.offset, *fresh.message, fresh.offset < sub.recovered_mark);
  if (sub.keys != nullptr) {
    entry.key = sub.keys->front;
    entry.key_known = true;
    if (entry.key) sub.keys->take(entry.key, entry.position);
  }
  grant(sub, entry, *taker.consumer, fresh.message);
  return true;
}

/// Of a message that is granted for the first time, or may have been before the restart, and nobody came back for it.
Entry& Shard::State::first_entry(Subscription& sub, model::Offset offset, const model::Message& message,
                                 bool may_have_begun) {
  const Position position{sub.queue->log, offset};
  Entry& entry = sub.entries.emplace_hint(sub.entries.end(), position, Entry())->second;
  entry.position = position;
  entry.priority = message.priority;
  if (entry.priority > 0 && has_level(sub, message)) return entry;  // its record says whether it has begun
  if (may_have_begun) {
    entry.interrupted = true;
    entry.redelivered = true;
  } else {
    raise_mark(sub, offset);
  }
  return entry;
}

/// A first grant must lie below the mark on the disk: then a restart knows that it may have begun.
void Shard::State::raise_mark(Subscription& sub, model::Offset granted) {
  const std::uint64_t ahead = sub.mark.value > granted.value ? sub.mark.value - granted.value : 0;
  if (ahead <= limits::kMarkAhead / 2 && sub.mark < sub.log->state.next) {
    sub.mark = model::Offset(std::min(granted.value + limits::kMarkAhead, sub.log->state.next.value));
    touch(sub);
  }
  if (granted >= sub.durable_mark && granted < sub.frontier) hold_effects(sub);
}

void Shard::State::grant(Subscription& sub, Entry& entry, Consumer& consumer, const model::MessageRef& message) {
  leave_ready(sub, entry);
  if (entry.line != nullptr) leave_line(sub, entry);
  // A lane and a level have no mark: their entries are on record from their first grant.
  const bool again = bool(entry.grant) || entry.interrupted || entry.has_record || entry.replays.has_value() ||
                     (entry.priority > 0 && has_level(entry));
  entry.state = DeliveryState::granted;
  entry.grant = model::Grant(static_cast<std::uint64_t>(config.epoch) << 40 | ++last_grant);
  entry.consumer = &consumer;
  entry.holder = consumer.key;
  entry.delivery = ++consumer.last_delivery;
  entry.bytes = static_cast<std::uint32_t>(message->size());
  entry.begun = false;
  entry.started_at = {};
  entry.last_attempt.reset();
  consumer.out.emplace_hint(consumer.out.end(), entry.delivery, entry.position);
  consumer.used_messages += 1;
  consumer.used_bytes += entry.bytes;
  consumer.room->bytes_used += entry.bytes;
  sub.leased += 1;
  if (is_retry(entry)) sub.leased_retries += 1;
  if (sub.breaker != nullptr) sub.breaker->granted(entry.grant, entry.position, entry.attempts > 0);
  load_changed(consumer.key.instance, consumer.speaks_started ? 0 : 1, 1);
  if (again) record_grant(sub, entry);
  if (sub.keys != nullptr) follow(sub, entry);
  if (!consumer.speaks_started) start_clock(sub, entry);
  PendingRequest* request = sub.requests.empty() || entry.replays ? nullptr : request_at(sub, entry.position.offset);
  if (request != nullptr && !consumer.speaks_started) ++request->begun;

  auto letter = std::find_if(deliveries.begin(), deliveries.end(), [&](const auto& d) { return d.first == &consumer; });
  if (letter == deliveries.end()) {
    letter =
        deliveries.insert(deliveries.end(), {&consumer, {consumer.key, sub.queue->subscription, config.shard, {}}});
    letter->second.messages.reserve(kLetterMessages);
  }
  letter->second.messages.push_back({entry.delivery, entry.position.log, entry.position.offset, entry.grant,
                                     entry.attempts + 1, entry.redelivered || entry.attempts > 0, entry.isolated,
                                     entry.replays ? entry.replays->offset : entry.position.offset, message,
                                     request == nullptr ? base::Instant{} : request->record.deadline});
  entry.message = nullptr;
}

/// Every grant but the first is on the disk before the delivery leaves: with it, what a restart did not see end.
void Shard::State::record_grant(Subscription& sub, Entry& entry) {
  if (entry.interrupted) {
    entry.interrupted = false;
    model::Attempt attempt;
    attempt.number = ++entry.attempts;
    attempt.outcome = model::AttemptOutcome::interrupted;
    attempt.ended_at = now;
    const model::Offset origin = entry.replays ? entry.replays->offset : entry.position.offset;
    mutate(model::PutAttempt{sub.queue->subscription, sub.queue->log, origin, std::move(attempt)}, true);
  }
  put_record(sub, entry);
}

/// A handler has started on it: the clock of its lease runs from here.
void Shard::State::begin(Subscription& sub, Entry& entry) {
  entry.begun = true;
  if (!sub.requests.empty() && !entry.replays) request_begun(sub, entry.position.offset);
  start_clock(sub, entry);
  if (entry.consumer->speaks_started) load_changed(entry.consumer->key.instance, 1, 0);
}

void Shard::State::start_clock(Subscription& sub, Entry& entry) {
  entry.started_at = now;
  end_at(sub, entry, now + sub.queue->options.lease_duration);
}

/// The lease ends at `deadline`; never() for no lease. Mostly the latest of all, for which the hint costs nothing.
void Shard::State::end_at(Subscription& sub, Entry& entry, base::Instant deadline) {
  if (entry.deadline != base::Instant::never()) sub.deadlines.erase(entry.deadline_at);
  entry.deadline = deadline;
  if (deadline == base::Instant::never()) return;
  entry.deadline_at = sub.deadlines.emplace_hint(sub.deadlines.end(), deadline, entry.position);
}

void Shard::State::load_one(Subscription& sub, Entry& entry) {
  if (entry.loading || sub.loads_under_way >= kRetriesAhead) return;
  const bool own = entry.edited;  // in its place in the lane, when that is durable
  if (own && sub.book != nullptr && sub.book->copying.contains(entry.position.offset)) return;
  const model::Offset source = entry.replays && !own ? entry.replays->offset : entry.position.offset;
  // Given back before it was written: read when that is durable.
  if (!own && source >= sub.log->persisted_end) return;
  entry.loading = true;
  ++sub.loads_under_way;
  out->effects.emplace_back(LoadOne{sub.queue->subscription, 0, entry.position.log, entry.position.offset,
                                    own ? sub.queue->lane : sub.queue->log, source});
}

void Shard::State::flush_deliveries() {
  for (auto& [consumer, deliver] : deliveries) {
    if (consumer->session) tell(consumer->session, std::move(deliver));
  }
  deliveries.clear();
}

void Shard::State::on(MessagesLoaded& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr || event.generation != sub->generation) return;
  pumped_later.insert(event.subscription);
  if (event.priority > 0) return take_in(*sub, levels_of(*sub).at(event.priority), event);
  sub->loading_window = false;
  // A page always goes on, so that a log that ends unexplained cannot make us ask for ever.
  sub->window_next = std::max(event.page.next, event.from.next());
  for (model::PagedMessage& paged : event.page.messages) {
    const std::size_t bytes = paged.message == nullptr ? 0 : paged.message->size();
    sub->window_bytes += bytes;
    window_bytes += bytes;
    sub->window.push_back(std::move(paged));
  }
}

void Shard::State::on(OneLoaded& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr) return;
  if (sub->loads_under_way > 0) --sub->loads_under_way;
  const auto it = sub->entries.find({event.log, event.offset});
  if (sub->keys != nullptr) {
    learn_key(*sub, it == sub->entries.end() ? nullptr : &it->second, event);
    if (freed_loaded(*sub, event)) return;
  }
  if (it == sub->entries.end() || !it->second.loading) return;
  Entry& entry = it->second;
  entry.loading = false;
  if (entry.state != DeliveryState::ready) return;
  if (event.message == nullptr) {
    leave_ready(*sub, entry);
    pumped_later.insert(event.subscription);
    return admit(*sub, entry, model::CaseReason::damaged,
                 {"lazaret.damaged", "the stored message does not match its checksum", ""});
  }
  entry.message = event.message;
  if (!entry.replays) learn_priority(*sub, entry, event.message->priority);  // of a replay its case says it
  pumped_later.insert(event.subscription);
}

}  // namespace lazaret::core

// The ends of leases, attempts in the history, and waiting for the next try.
#include <algorithm>
#include <cmath>

#include "core/shard_state.h"
#include "model/fingerprint.h"
#include "model/limits.h"

namespace lazaret::core {

using model::AttemptOutcome;
using model::DeliveryState;

namespace {

/// If there was little to forget, so many more come before it is tried again.
constexpr std::uint64_t kSpillStep = 1024;

}  // namespace

/// It is in none of the lines of what is ready.
void Shard::State::leave_ready(Subscription& sub, const Entry& entry) {
  if (entry.priority > 0) {
    returned_of(sub, entry).erase(entry.position);
    retries_of(sub, entry).erase(entry.position);
  } else {
    sub.returned.erase(entry.position);
    sub.retries.erase(entry.position);
  }
  sub.suspects.erase(entry.position);
}

/// Takes a message out of wherever it is: from its consumer, or from what is ready or waiting.
void Shard::State::take_back(Subscription& sub, Entry& entry) {
  if (entry.state != DeliveryState::granted) {
    leave_ready(sub, entry);
    leave_line(sub, entry);
    if (sub.waiting.erase({entry.due, entry.position}) > 0) --waiting_in_memory;
    if (std::exchange(entry.scheduled, false)) --sub.scheduled_in_memory;
    return;
  }
  end_at(sub, entry, base::Instant::never());
  --sub.leased;
  if (entry.failures > 0 || entry.replays) --sub.leased_retries;
  isolation_settled(sub, entry);
  if (sub.breaker != nullptr) sub.breaker->taken_back(entry.grant);
  if (Consumer* consumer = std::exchange(entry.consumer, nullptr)) {
    const bool begun = entry.begun || !consumer->speaks_started;
    load_changed(consumer->key.instance, begun ? -1 : 0, -1);
    consumer->out.erase(entry.delivery);
    if (consumer->returns.empty() || consumer->returns.back().group != group) {
      consumer->returns.push_back({group, 0, 0});
      returning.emplace_back(group, consumer->key);
    }
    consumer->returns.back().messages += 1;
    consumer->returns.back().bytes += entry.bytes;
    out->hurry = out->hurry || !may_take(*consumer, kAnything);
    if (!consumer->session && consumer->out.empty()) forget_if_idle(consumer->key);
  }
  entry.begun = false;
  entry.isolated = false;
  touch(sub);
  if (sub.keys != nullptr && sub.keys->leave_beside(entry.key, entry.position, group)) give_on(sub, entry.key);
}

/// One more attempt in the history. REQUIRES that the entry still knows its consumer.
void Shard::State::end_attempt(Subscription& sub, Entry& entry, AttemptOutcome outcome, model::ErrorReport error) {
  auto attempt = std::make_unique<EndedAttempt>();
  attempt->number = ++entry.attempts;
  if (entry.consumer != nullptr) attempt->consumer = entry.consumer->info;
  attempt->started_at = entry.started_at.us == 0 ? now : entry.started_at;
  attempt->ended_at = now;
  attempt->outcome = outcome;
  attempt->error = std::move(error);
  if (model::is_failure(outcome)) {
    ++sub.failed_attempts;
    note_failure(sub, entry, *attempt);
  }
  const model::Offset origin = entry.replays ? entry.replays->offset : entry.position.offset;
  mutate(model::PutAttempt{sub.queue->subscription, sub.queue->log, origin, *attempt}, false);
  // Its error may still be amended by a late fail; the long part need not stay in memory.
  attempt->frames = model::top_frames(attempt->error.details);
  attempt->error.details.clear();
  attempt->error.details.shrink_to_fit();
  entry.last_attempt = std::move(attempt);
}

/// A verdict came after the attempt had ended.
void Shard::State::amend_attempt(Subscription& sub, Entry& entry) {
  entry.last_attempt->late = true;
  const model::Offset origin = entry.replays ? entry.replays->offset : entry.position.offset;
  mutate(model::PutAttempt{sub.queue->subscription, sub.queue->log, origin, *entry.last_attempt}, false);
}

/// A failed attempt has been taken back: wait for the next, or into the hospital.
void Shard::State::failed(Subscription& sub, Entry& entry, std::optional<base::Duration> delay) {
  const bool counts = !entry.last_attempt->uncounted;
  if (!counts && !entry.single_attempt) {
    return put_back(sub, entry, delay.value_or(backoff(sub.queue->options, entry.failures + 1)));
  }
  if (counts) ++entry.failures;
  const std::optional<std::uint32_t> limit = sub.queue->options.max_attempts;
  if (entry.single_attempt || (limit && entry.failures + entry.failures_before >= *limit)) {
    return admit(sub, entry, model::CaseReason::attempts_exhausted, entry.last_attempt->error);
  }
  put_back(sub, entry, delay.value_or(backoff(sub.queue->options, entry.failures)));
}

void Shard::State::put_back(Subscription& sub, Entry& entry, std::optional<base::Duration> delay) {
  if (!sub.requests.empty() && is_overdue(sub, entry.position)) return drop_overdue(sub, entry);
  if (delay && delay->count() > 0) return make_waiting(sub, entry, now + *delay);
  make_ready(sub, entry);
  // While the broker stops also what never began: by the mark alone the next start would take it for begun.
  if (entry.has_record || entry.attempts > 0 || draining) put_record(sub, entry);
}

void Shard::State::make_ready(Subscription& sub, Entry& entry) {
  entry.state = DeliveryState::ready;
  if (sub.keys != nullptr && !takes_key(sub, entry)) return touch(sub);
  join_ready(sub, entry);
  touch(sub);
  if (sub.expires()) sweep_by(sub, now + model::limits::kSweepEvery);
}

/// The line that it stands in.
void Shard::State::join_ready(Subscription& sub, const Entry& entry) {
  if (entry.suspect) {
    sub.suspects.insert(entry.position);
  } else if (entry.failures > 0 || entry.replays || (sub.breaker != nullptr && entry.attempts > 0)) {
    retries_of(sub, entry).insert(entry.position);
  } else {
    returned_of(sub, entry).insert(entry.position);
  }
}

void Shard::State::make_waiting(Subscription& sub, Entry& entry, base::Instant due) {
  entry.state = DeliveryState::waiting;
  entry.due = due;
  sub.waiting.emplace(due, entry.position);
  ++waiting_in_memory;
  put_record(sub, entry);
  touch(sub);
  const bool beyond_parked = due >= sub.parked_from && !entry.replays;
  if (beyond_parked) return park(sub, entry.position);
  if (waiting_in_memory > spill_above) spill_waiting(sub);
}

/// Forgets a waiting message here; it stands on the disk.
void Shard::State::park(Subscription& sub, Position position) {
  const auto it = sub.entries.find(position);
  const Entry& entry = it->second;
  note_parked(sub, position.offset, entry.due, entry.scheduled);
  sub.waiting.erase({entry.due, position});
  --waiting_in_memory;
  if (entry.scheduled) --sub.scheduled_in_memory;
  sub.entries.erase(it);
}

void Shard::State::note_parked(Subscription& sub, model::Offset offset, base::Instant due, bool scheduled) {
  sub.parked_from = std::min(sub.parked_from, due);
  if (sub.parked_lately.empty() || sub.parked_lately.back().group != group) {
    sub.parked_lately.push_back({group, due, {}});
  }
  ParkedLately& lately = sub.parked_lately.back();
  lately.earliest = std::min(lately.earliest, due);
  lately.offsets.insert(offset);
  (scheduled ? sub.parked_scheduled : sub.parked).insert(offset);
}

/// What is on the disk now is in the next page. REQUIRES that none is under way. False if there was nothing.
bool Shard::State::forget_parked_lately(Subscription& sub) {
  const std::size_t before = sub.parked_lately.size();
  while (!sub.parked_lately.empty() && sub.parked_lately.front().group <= persisted) sub.parked_lately.pop_front();
  return sub.parked_lately.size() < before;
}

void Shard::State::put_record(Subscription& sub, Entry& entry) {
  const bool waiting = entry.state == DeliveryState::waiting;
  model::DeliveryRecord record;
  record.offset = entry.position.offset;
  record.state = entry.state;
  record.grant = entry.grant;
  record.consumer = entry.holder;
  record.attempts = entry.attempts;
  record.failures = entry.failures;
  record.convictions = entry.convictions;
  record.suspect = entry.suspect;
  record.due = waiting ? entry.due : base::Instant{};
  record.started_at = entry.started_at;
  if (entry.key_known) record.key = entry.key;
  record.priority = entry.priority;
  const bool granted = entry.state == DeliveryState::granted;
  mutate(model::PutDelivery{sub.queue->subscription, entry.position.log, record, entry.recorded_due}, granted);
  entry.recorded_due = record.due;
  entry.has_record = true;
}

void Shard::State::drop_record(Subscription& sub, Entry& entry) {
  if (!entry.has_record) return;
  mutate(model::DropDelivery{sub.queue->subscription, entry.position.log, entry.position.offset, entry.recorded_due},
         false);
  entry.has_record = false;
  entry.recorded_due = {};
}

/// Before attempt n+1: initial × multiplier^(n-1), at most max, ± jitter.
base::Duration Shard::State::backoff(const model::QueueOptions& options, std::uint32_t failures) {
  const double most = static_cast<double>(options.backoff_max.count());
  const double factor = std::pow(options.backoff_multiplier, static_cast<double>(failures) - 1);
  const double plain = std::min(static_cast<double>(options.backoff_initial.count()) * factor, most);
  const double jitter = 1 + options.backoff_jitter * (2 * random.unit() - 1);
  return base::Duration(static_cast<std::int64_t>(plain * jitter));
}

// --- Time -----------------------------------------------------------------------------------------------------------

void Shard::State::on(WakeUp&) {
  while (!alarms.empty() && alarms.begin()->first <= now) {
    const model::SubscriptionId id = alarms.begin()->second;
    Subscription& sub = *find(id);
    alarms.erase(alarms.begin());
    sub.alarm = base::Instant::never();
    if (sub.seeking && !sub.finding) find_time(sub);
    expire_due(sub);
    while (!sub.waiting.empty() && sub.waiting.begin()->first <= now) {
      Entry& entry = sub.entries.at(sub.waiting.begin()->second);
      sub.waiting.erase(sub.waiting.begin());
      --waiting_in_memory;
      if (std::exchange(entry.scheduled, false)) --sub.scheduled_in_memory;
      make_ready(sub, entry);
    }
    look_for_closed(sub);
    trim(*sub.log, false);
    pumped_later.insert(id);
    end_if_unused(sub);
  }
  look_for_orphans();
  while (!log_alarms.empty() && log_alarms.begin()->first <= now) {
    Log& log = *find(log_alarms.begin()->second);
    log_alarms.erase(log_alarms.begin());
    log.alarm = base::Instant::never();
    retain(log);
  }
  wake_requests();
  load_outboxes();
  wake_fan_ins();
}

void Shard::State::expire_due(Subscription& sub) {
  // Who is to blame is decided for all of them first: the end of one must not make another the only one held.
  std::vector<std::pair<Position, bool>> due;
  for (auto it = sub.deadlines.begin(); it != sub.deadlines.end() && it->first <= now; ++it) {
    const Entry& entry = sub.entries.at(it->second);
    // A client that never says started may have this one merely prefetched.
    const bool blamed = entry.consumer == nullptr || entry.consumer->speaks_started || entry.isolated ||
                        entry.consumer->out.size() == 1;
    due.emplace_back(it->second, blamed);
  }
  for (const auto& [position, blamed] : due) expire(sub, sub.entries.at(position), blamed);
}

void Shard::State::expire(Subscription& sub, Entry& entry, bool blamed) {
  const auto instance = entry.consumer == nullptr ? instances.end() : instances.find(entry.consumer->key.instance);
  const bool away = instance != instances.end() && instance->second.away;
  if (away || entry.consumer == nullptr) {
    // Its lease ends by the rules for lost consumers; look again later.
    return end_at(sub, entry, now + std::chrono::seconds(1));
  }
  const model::ErrorReport error{"lazaret.lease_expired", "the lease ended without a verdict", ""};
  tell_lease_ended(sub, entry);
  end_attempt(sub, entry, blamed ? AttemptOutcome::lease_expired : AttemptOutcome::interrupted,
              blamed ? error : model::ErrorReport{});
  take_back(sub, entry);
  if (blamed) {
    entry.suspect = false;
    return failed(sub, entry, std::nullopt);
  }
  entry.suspect = true;
  make_ready(sub, entry);
  put_record(sub, entry);
}

/// To whoever has it, without its doing.
void Shard::State::tell_lease_ended(const Subscription& sub, const Entry& entry) {
  if (entry.consumer == nullptr || !entry.consumer->listener) return;
  const model::LeaseToken token{config.shard, sub.queue->subscription, entry.position.log, entry.position.offset,
                                entry.grant};
  tell(entry.consumer->listener, model::LeaseEnded{entry.consumer->key, {token}});
}

/// The latest that wait are forgotten here; they stand on the disk and are read again when their time comes near.
void Shard::State::spill_waiting(Subscription& sub) {
  const std::size_t spill = sub.waiting.size() / 4;
  std::vector<Position> latest;
  for (auto it = sub.waiting.rbegin(); it != sub.waiting.rend() && latest.size() < spill; ++it) {
    if (!sub.is_lane(it->second.log)) latest.push_back(it->second);  // those of the lane stay: they are few
  }
  for (const Position& position : latest) park(sub, position);
  spill_above = std::max<std::uint64_t>(model::limits::kWaitingInMemory, waiting_in_memory + kSpillStep);
}

void Shard::State::load_waiting(Subscription& sub) {
  if (!sub.has_parked() || sub.loading_waiting) return;
  // Enough are here; but one of those on the disk may be due before them.
  if (sub.waiting.size() > model::limits::kPageMessages && sub.parked_from > now) return;
  std::size_t ready = sub.aside == nullptr ? 0 : sub.aside->size();
  for (const ReadyLine* line : ready_lines(sub)) ready += line->size();
  if (ready > model::limits::kReadyInMemory) return;
  forget_parked_lately(sub);
  sub.loading_waiting = true;
  out->effects.emplace_back(
      LoadWaiting{sub.queue->subscription, sub.generation, sub.parked_from - base::Duration(1), sub.parked_page});
}

void Shard::State::on(WaitingLoaded& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr) return;
  sub->loading_waiting = false;
  bool progress = false;
  for (const model::RecoveredDelivery& loaded : event.records) {
    sub->parked_from = loaded.record.due;
    progress = unpark(*sub, loaded) || progress;
  }
  const bool at_end = event.records.size() < sub->parked_page;
  if (!sub->has_parked()) {
    sub->parked_from = base::Instant::never();
  } else if (at_end) {
    // Some were not on the disk yet when the page was asked for.
    sub->parked_from = sub->parked_lately.empty() ? base::Instant{1} : base::Instant::never();
  }
  for (const ParkedLately& lately : sub->parked_lately) sub->parked_from = std::min(sub->parked_from, lately.earliest);
  // A page full of what is here already, all due at one instant, must not be asked for again and again.
  sub->parked_page = progress || at_end ? kParkedPage : sub->parked_page * 2;
  const bool more_is_there = forget_parked_lately(*sub);
  if (progress || !at_end || more_is_there) pumped_later.insert(event.subscription);
}

/// False if it is not parked, or was only after the page had been asked for: then it is read again.
bool Shard::State::unpark(Subscription& sub, const model::RecoveredDelivery& loaded) {
  const model::Offset offset = loaded.record.offset;
  const bool lately = std::any_of(sub.parked_lately.begin(), sub.parked_lately.end(),
                                  [offset](const ParkedLately& some) { return some.offsets.contains(offset); });
  IntervalSet& parked = loaded.record.scheduled ? sub.parked_scheduled : sub.parked;
  if (lately || loaded.log != sub.queue->log || !parked.erase(offset)) return false;
  const Position position{loaded.log, offset};
  Entry& entry = sub.entries[position];
  entry.position = position;
  entry.state = DeliveryState::waiting;
  entry.grant = loaded.record.grant;
  entry.attempts = loaded.record.attempts;
  entry.failures = loaded.record.failures;
  entry.convictions = loaded.record.convictions;
  entry.suspect = loaded.record.suspect;
  entry.scheduled = loaded.record.scheduled;
  entry.priority = loaded.record.priority;
  entry.has_record = true;
  entry.due = entry.recorded_due = loaded.record.due;
  if (entry.scheduled) ++sub.scheduled_in_memory;
  entry.key = loaded.record.key.value_or(model::KeyHash());
  entry.key_known = loaded.record.key.has_value() || entry.scheduled;
  if (sub.keys != nullptr && !entry.key_known) sub.keys->unknown.emplace(position, false);
  sub.waiting.emplace(entry.due, position);
  ++waiting_in_memory;
  return true;
}

void Shard::State::set_alarm(Subscription& sub) {
  base::Instant next = base::Instant::never();
  if (!sub.deadlines.empty()) next = std::min(next, sub.deadlines.begin()->first);
  if (!sub.waiting.empty()) next = std::min(next, sub.waiting.begin()->first);
  if (sub.has_parked() && sub.parked_from > now) next = std::min(next, sub.parked_from);
  if (sub.seeking && !sub.finding) next = now;
  if (!sub.deleting && !draining && !sub.seeking) next = std::min(next, sub.sweep_at);
  if (!sub.deleting && !draining) {
    next = std::min({next, sub.unused_until, retention_ends(sub), asks_for_keys_at(sub)});
  }
  if (sub.quarantine != nullptr && !sub.deleting && !draining) next = std::min(next, sub.quarantine->next_end());
  if (sub.breaker != nullptr && !sub.deleting && !draining) next = std::min(next, sub.breaker->alarm());
  const bool drained = sub.log->drained_at != sub.log->state.next && is_drained(*sub.log);
  if (drained) next = std::min(next, std::max(now, sub.log->last_trim) + std::chrono::seconds(1));
  if (next == sub.alarm) return;
  alarms.erase({sub.alarm, sub.queue->subscription});
  sub.alarm = next;
  if (next != base::Instant::never()) alarms.emplace(next, sub.queue->subscription);
}

}  // namespace lazaret::core

// What keeps a shard in order: durability as an event, records once a group, purge, what is shown.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

/// Places that a look for the oldest that is ready steps over: it is asked often, on the shard's thread.
constexpr int kOldestLooked = 1024;

}  // namespace

using base::Code;
using base::Status;
using model::DeliveryState;
using model::Offset;
using model::OffsetRange;

void Shard::State::on(Persisted& event) {
  persisted = event.group;
  std::vector<model::SubscriptionId> written;
  std::vector<model::LogId> logs_written;
  for (; !sealed.empty() && sealed.front().group <= event.group; sealed.pop_front()) {
    const Sealed& durable = sealed.front();
    written.insert(written.end(), durable.subscriptions.begin(), durable.subscriptions.end());
    for (const model::LogId id : durable.logs) {
      if (Log* log = find(id)) persisted_up_to(*log, event.group);
    }
    logs_written.insert(logs_written.end(), durable.logs.begin(), durable.logs.end());
  }
  for (const model::SubscriptionId id : written) {
    Subscription* found = find(id);
    if (found == nullptr) continue;
    auto& marks = found->marks;
    for (; !marks.empty() && marks.front().first <= event.group; marks.pop_front()) {
      found->durable_mark = marks.front().second;
    }
    if (!found->loading_waiting) forget_parked_lately(*found);
    if (found->book != nullptr) {
      std::erase_if(found->book->copying, [&](const auto& one) { return one.second <= event.group; });
      count_hospital(*found);
    }
    if (found->keys != nullptr) found->keys->persisted(event.group);
    pumped_later.insert(id);
  }
  for (; !returning.empty() && returning.front().first <= event.group; returning.pop_front()) {
    Consumer* consumer = find(returning.front().second);
    if (consumer == nullptr) continue;
    for (; !consumer->returns.empty() && consumer->returns.front().group <= event.group;
         consumer->returns.pop_front()) {
      consumer->used_messages -= consumer->returns.front().messages;
      consumer->used_bytes -= consumer->returns.front().bytes;
    }
    pumped_later.insert(consumer->subscription);
  }
  for (const model::SubscriptionId id : written) {
    Subscription* sub = find(id);
    if (sub != nullptr && sub->deleting) continue_deletion(*sub);
  }
  for (const model::LogId id : logs_written) {
    const Log* log = find(id);
    const bool ends = log != nullptr && log->is_topic && log->deleting && log->readers.empty();
    if (!ends || log->persisted_end < log->state.next) continue;
    if (Topic* topic = topic_of(*log)) finish_deletion(*topic);
  }
  load_outboxes();
}

/// What is on the disk can be read from there by whoever consumes.
void Shard::State::persisted_up_to(Log& log, model::GroupNumber durable) {
  for (; !log.ends.empty() && log.ends.front().first <= durable; log.ends.pop_front()) {
    log.persisted_end = log.ends.front().second;
  }
  if (log.retains && log.kept_before < log.lost_to) retained_later.insert(log.state.log);  // it can be trimmed only now
  for (const Subscription* sub : log.readers) {
    const bool reads = !sub->consumers.empty() || sub->feeder != nullptr || sub->deleting;
    if (reads) pumped_later.insert(sub->queue->subscription);
  }
}

void Shard::State::seal() {
  std::set<model::LogId> read;  // what was settled may have freed a part of them
  for (const model::SubscriptionId id : dirty) {
    if (const Subscription* sub = find(id)) read.insert(sub->log->state.log);
  }
  read.insert(dirty_logs.begin(), dirty_logs.end());
  for (const model::LogId id : read) {
    if (Log* log = find(id)) trim(*log, false);
  }
  for (const model::LogId id : dirty_logs) {
    if (Log* log = find(id)) save(*log);
  }
  for (const model::SubscriptionId id : dirty) {
    if (Subscription* sub = find(id)) save(*sub);
  }
  if (!noted.empty()) put_notes();
  if (!dirty.empty() || !dirty_logs.empty()) {
    sealed.push_back({group, {dirty.begin(), dirty.end()}, {dirty_logs.begin(), dirty_logs.end()}});
  }
  dirty.clear();
  dirty_logs.clear();
}

void Shard::State::save(Subscription& sub) {
  sub.dirty = false;
  out->sync = out->sync || !sub.is_relaxed();
  count_entered(sub);
  if (sub.quarantine != nullptr) save_quarantine(sub);
  model::SubscriptionState state;
  state.subscription = sub.queue->subscription;
  state.lane = sub.queue->lane;
  state.lane_next = sub.lane_next;
  state.counters = sub.counters;
  state.deleting = sub.deleting;
  state.void_grants = sub.void_grants;
  state.bytes = sub.bytes;
  state.seeking = sub.seeking.value_or(base::Instant{});
  model::SourceState& source = state.sources.emplace_back();
  source.log = sub.queue->log;
  source.mark = sub.mark;
  source.entered_to = sub.entered_to;
  if (sub.fan_in != nullptr) {
    for (const auto& [log, taken] : sub.fan_in->taken) state.taken.push_back(taken);
  }
  sub.acked.save(sub.queue->subscription, source, out->mutations);
  out->mutations.emplace_back(model::PutSubscription{std::move(state)});
  if (sub.mark > sub.durable_mark) sub.marks.emplace_back(group, sub.mark);
}

void Shard::State::save(Log& log) {
  out->sync = out->sync || !log.relaxed;
  put_changed_log(log);
  if (std::exchange(log.marks_changed, false)) mutate(model::PutLog{log_state(log)}, false);
  for (const model::ProducerId& producer : log.changed_producers) {
    log.producers.at(producer).save(log.state.log, producer, out->mutations);
  }
  log.changed_producers.clear();
  if (log.ids != nullptr && log.ids->changed()) log.ids->save(log.state.log, out->mutations);
}

/// Messages that came since it was counted last.
void Shard::State::count_entered(Subscription& sub) {
  const Offset end = sub.log->state.next;
  if (sub.entered_to >= end) return;
  sub.counters.entered += end.value - sub.entered_to.value;
  sub.entered_to = end;
}

/// The message at `offset` needs nothing more on this subscription.
void Shard::State::settled(Subscription& sub, Offset offset) {
  sub.acked.settle(offset);
  if (drop_copy(*sub.log, offset))
    mutate(model::DropEvacuated{sub.queue->log, offset, sub.log->state.prioritised}, false);
  touch(sub);
}

/// Whether the copy of a message that was evacuated goes: nobody needs it any more.
bool Shard::State::drop_copy(Log& log, Offset offset) {
  return log.evacuated.contains(offset) && !is_needed(log, offset) && log.evacuated.erase(offset);
}

// --- Purge ----------------------------------------------------------------------------------------------------------

void Shard::State::on(model::PurgeQueue& command) {
  Subscription* found = find(command.subscription);
  if (found == nullptr || found->deleting)
    return done(command.origin, Status(Code::NOT_FOUND, "there is no such queue"));
  Subscription& sub = *found;
  const OffsetRange all{Offset(0), sub.log->state.next};
  std::uint64_t purged = sub.keys == nullptr ? 0 : purge_passed(sub);
  purged += purge_entries(sub, command.scheduled);
  if (command.scheduled) purged += purge_schedule(sub);
  purged += drop_parked(sub, all, false);
  // Fresh ones: everything from the frontier that nobody holds.
  purged += drop_unheld(sub, {sub.frontier, all.end}, false);
  begin_window_at(sub, all.end);
  sub.counters.purged += purged;
  left_unread(sub, purged);
  touch(sub);
  out->urgent = out->sync = true;
  done(command.origin, {}, purged);
}

/// Messages with an entry: those that are ready or waiting. A replaying case goes back to the hospital.
std::uint64_t Shard::State::purge_entries(Subscription& sub, bool scheduled) {
  std::uint64_t purged = 0;
  std::vector<Position> entries;
  for (const auto& [position, entry] : sub.entries) {
    if (entry.state != DeliveryState::granted && (scheduled || !entry.scheduled)) entries.push_back(position);
  }
  for (const Position& position : entries) {
    Entry& entry = sub.entries.at(position);
    if (entry.replays) {
      return_to_case(sub, entry, "the queue was purged");
      continue;
    }
    take_back(sub, entry);
    forget_history(sub, entry);
    settled(sub, position.offset);
    ++purged;
    forget_entry(sub, entry);
  }
  return purged;
}

/// What waits on the disk for its first delivery. REQUIRES that all else that waits goes in this step too.
std::uint64_t Shard::State::purge_schedule(Subscription& sub) {
  if (sub.parked_scheduled.empty()) return 0;
  mutate(model::DropSchedule{sub.queue->subscription}, true);
  std::uint64_t purged = 0;
  for (const OffsetRange& range : sub.parked_scheduled.ranges()) {
    purged += sub.acked.settle(range);
    drop_copies(sub, range);
  }
  sub.parked_scheduled.clear();
  return purged;
}

/// Settles what of `range` nobody has; what waits for its first delivery only if it is `scheduled` that is meant too.
/// Returns how many that were.
std::uint64_t Shard::State::drop_unheld(Subscription& sub, OffsetRange range, bool scheduled) {
  std::vector<Position> idle;
  std::vector<OffsetRange> free;
  Offset at = range.begin;
  for (auto it = sub.entries.lower_bound({sub.queue->log, at}); at < range.end; ++it) {
    const bool entry = it != sub.entries.end() && it->first.log == sub.queue->log && it->first.offset < range.end;
    const Offset until = entry ? it->first.offset : range.end;
    if (at < until) free.push_back({at, until});
    if (!entry) break;
    const bool stays = it->second.state == DeliveryState::granted || (it->second.scheduled && !scheduled);
    if (!stays) idle.push_back(it->first);
    at = until.next();
  }
  std::uint64_t dropped = drop_parked(sub, range, scheduled);
  for (const Position& position : idle) {
    Entry& entry = sub.entries.at(position);
    take_back(sub, entry);
    forget_history(sub, entry);
    settled(sub, position.offset);
    forget_entry(sub, entry);
    ++dropped;
  }
  for (const OffsetRange& part : free) dropped += drop_fresh(sub, part);
  return dropped;
}

/// What waits on the disk only.
std::uint64_t Shard::State::drop_parked(Subscription& sub, OffsetRange range, bool scheduled) {
  if (sub.keys != nullptr && !sub.parked.empty()) leave_parked(sub, range);
  std::uint64_t dropped = 0;
  for (IntervalSet* parked : {&sub.parked, &sub.parked_scheduled}) {
    const bool is_schedule = parked == &sub.parked_scheduled;
    if (is_schedule && !scheduled) continue;
    std::vector<Offset> offsets;
    parked->for_each_in(range, [&](OffsetRange part) {
      for (Offset offset = part.begin; offset < part.end; offset = offset.next()) offsets.push_back(offset);
    });
    for (const Offset offset : offsets) {
      mutate(model::DropDelivery{sub.queue->subscription, sub.queue->log, offset, {}, true}, true);
      if (!is_schedule) mutate(model::DropAttempts{sub.queue->subscription, sub.queue->log, offset, 0}, true);
      parked->erase(offset);
      for (ParkedLately& lately : sub.parked_lately) lately.offsets.erase(offset);
      settled(sub, offset);
    }
    dropped += offsets.size();
  }
  if (!sub.has_parked()) forget_parked(sub, Offset(0));
  return dropped;
}

/// What waits on the disk only is waited for no more, but for what is scheduled at or behind `target`.
void Shard::State::forget_parked(Subscription& sub, Offset target) {
  if (sub.keys != nullptr && !sub.parked.empty()) leave_parked(sub, {Offset(0), sub.log->state.next});
  for (const OffsetRange& range : sub.parked.ranges()) {
    for (Offset offset = range.begin; offset < range.end; offset = offset.next()) {
      mutate(model::DropDelivery{sub.queue->subscription, sub.queue->log, offset, {}, true}, true);
      mutate(model::DropAttempts{sub.queue->subscription, sub.queue->log, offset, 0}, true);
    }
  }
  sub.parked.clear();
  std::vector<OffsetRange> before;
  sub.parked_scheduled.for_each_in({Offset(0), target}, [&](OffsetRange part) { before.push_back(part); });
  for (const OffsetRange& range : before) {
    for (Offset offset = range.begin; offset < range.end; offset = offset.next()) {
      mutate(model::DropDelivery{sub.queue->subscription, sub.queue->log, offset, {}, true}, true);
      sub.parked_scheduled.erase(offset);
    }
  }
  if (sub.has_parked()) return;
  sub.parked_lately.clear();
  sub.parked_from = base::Instant::never();
}

/// Settles fresh messages, but for what is scheduled between them.
std::uint64_t Shard::State::drop_fresh(Subscription& sub, OffsetRange range) {
  std::vector<OffsetRange> fresh;
  Offset at = range.begin;
  sub.parked_scheduled.for_each_in(range, [&](OffsetRange part) {
    if (at < part.begin) fresh.push_back({at, part.begin});
    at = part.end;
  });
  if (at < range.end) fresh.push_back({at, range.end});
  std::uint64_t dropped = 0;
  for (const OffsetRange& part : fresh) {
    dropped += sub.acked.settle(part);
    drop_copies(sub, part);
  }
  return dropped;
}

/// What was copied out of the log for messages that are settled now goes too, but not what was for a case.
void Shard::State::drop_copies(Subscription& sub, OffsetRange range) {
  std::vector<Offset> copies;
  sub.log->evacuated.for_each_in(range, [&](OffsetRange part) {
    for (Offset offset = part.begin; offset < part.end; offset = offset.next()) copies.push_back(offset);
  });
  for (const Offset offset : copies) {
    if (drop_copy(*sub.log, offset))
      mutate(model::DropEvacuated{sub.queue->log, offset, sub.log->state.prioritised}, true);
  }
}

/// What a start left out goes before whatever comes behind it.
void Shard::State::put_changed_log(Log& log) {
  if (!std::exchange(log.changed, false)) return;
  log.ends.emplace_back(group, log.state.next);
  mutate(model::PutLog{log_state(log)}, false);
}

/// As it is written.
model::LogState Shard::State::log_state(const Log& log) {
  model::LogState state = log.state;
  state.trimmed = log.trimmed.ranges();
  state.kept = log.kept.ranges();
  return state;
}

// --- What is shown --------------------------------------------------------------------------------------------------

void Shard::State::on(model::ShowQueue& command) {
  if (const Topic* topic = find_topic(command.subscription)) return show_topic(*topic, command);
  model::QueueStats stats;
  stats.request = command.origin.request;
  Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) {
    stats.status = Status(Code::NOT_FOUND, "there is no such queue");
    return tell(command.origin.session, std::move(stats));
  }
  std::uint64_t reserved = 0;
  if (resuming && sub->feeder == nullptr) {
    const OffsetRange range{sub->acked.cursor(), sub->recovered_mark};
    reserved = sub->acked.unsettled_in(range) - sub->parked.count_in(range) - sub->parked_scheduled.count_in(range);
    for (const auto& [position, entry] : sub->entries) {
      if (position.log == sub->queue->log && position.offset < sub->recovered_mark) --reserved;
    }
  }
  stats.queue = *sub->queue;
  stats.leased = sub->leased + reserved;
  stats.scheduled = sub->scheduled();
  stats.waiting = sub->waiting.size() - sub->scheduled_in_memory + sub->parked.size();
  if (sub->keys != nullptr) {
    stats.held = sub->keys->held().size() + sub->keys->waiting();
    stats.held_full = !may_pass_over(*sub);
  }
  stats.ready = sub->unsettled() - stats.leased - stats.waiting - stats.scheduled - stats.held;
  stats.suspects = sub->suspects.size();
  stats.failed_attempts = sub->failed_attempts;
  count_entered(*sub);
  stats.counters = sub->counters;
  stats.log_end = sub->log->state.next;
  stats.log_begin = sub->log->begin();
  stats.cursor = sub->acked.cursor();
  stats.retention_used = retention_used(*sub);
  stats.seeking = sub->seeking.has_value();
  show_prevention(*sub, stats);
  stats.bytes = sub->bytes;
  if (!sub->waiting.empty()) stats.next_due = sub->waiting.begin()->first;
  for (const OffsetRange& gap : sub->log->state.gaps) stats.offsets_left_out += gap.size();
  stats.oldest_ready = stats.ready == 0 ? sub->log->state.next : oldest_fresh(*sub);
  if (sub->keys != nullptr && !sub->keys->freed().empty()) {
    stats.oldest_ready = std::min(stats.oldest_ready, sub->keys->freed().begin()->first);
  }
  show_unaccepted(*sub, stats);
  for (const auto* line : ready_lines(*sub)) {
    const bool its = !line->empty() && line != &sub->retries && !sub->is_lane(line->begin()->log);
    if (its) stats.oldest_ready = std::min(stats.oldest_ready, line->begin()->offset);
  }
  if (stats.ready > 0 && stats.oldest_ready < stats.log_end && !sub->window.empty() &&
      sub->window.front().offset == stats.oldest_ready && sub->window.front().message != nullptr &&
      !sub->window.front().message->imported && sub->window.front().message->due <= now) {
    stats.oldest_ready_at = sub->window.front().message->published_at;
  }
  stats.pending_requests = static_cast<std::uint64_t>(
      std::count_if(sub->requests.begin(), sub->requests.end(), [](const auto& one) { return one.second->is_open(); }));
  for (const Consumer* consumer : sub->consumers) {
    if (!consumer->session) continue;
    std::uint64_t begun = 0;
    for (const auto& [delivery, position] : consumer->out) begun += sub->entries.at(position).begun ? 1 : 0;
    const InstanceView& instance = *consumer->instance;
    stats.consumers.push_back({consumer->info, consumer->out.size(), begun, consumer->credit_messages,
                               consumer->credit_bytes, consumer->used_messages, consumer->used_bytes,
                               consumer->room->full(), instance.away, instance.reserved || instance.held_back,
                               is_standby(*sub, *consumer)});
    if (consumer->accepts != nullptr) stats.consumers.back().accepts = consumer->accepts->words();
  }
  tell(command.origin.session, std::move(stats));
}

/// What keeps messages from consumers, or from the hospital.
void Shard::State::show_prevention(const Subscription& sub, model::QueueStats& stats) {
  if (sub.quarantine != nullptr) {
    stats.quarantines = sub.quarantine->rules.size();
    for (const auto& [number, rule] : sub.quarantine->rules) stats.caught_by_quarantines += rule.record.caught;
  }
  if (sub.breaker != nullptr) stats.breaker = sub.breaker->stats();
  if (sub.book != nullptr) {
    stats.hospital_bytes = sub.book->bytes;
    stats.closed_cases = sub.book->closed;
    // Those are known at once, and all of them only when the store has counted.
    stats.discarded_cases = std::min(sub.book->discarded.size(), sub.book->closed);
  }
  stats.hospital_level = level_of(sub);
}

/// What is scheduled, was granted for its priority, or waits for its next attempt stands beyond the frontier too. Where
/// that is very much, the answer is one of those.
Offset Shard::State::oldest_fresh(const Subscription& sub) const {
  Offset at = next_fresh(sub, std::max(sub.acked.cursor(), sub.frontier));
  auto it = sub.entries.lower_bound({sub.queue->log, at});
  for (int steps = 0; steps < kOldestLooked; ++steps) {
    while (it != sub.entries.end() && it->first < Position{sub.queue->log, at}) ++it;
    const bool has_entry = it != sub.entries.end() && it->first == Position{sub.queue->log, at};
    if (!has_entry && !sub.parked.contains(at)) return at;
    at = next_fresh(sub, has_entry ? at.next() : sub.parked.next_missing(at));
  }
  return at;
}

void Shard::State::show_topic(const Topic& topic, const model::ShowQueue& command) {
  model::QueueStats stats;
  stats.request = command.origin.request;
  if (topic.log->deleting) {
    stats.status = Status(Code::NOT_FOUND, "there is no such topic");
    return tell(command.origin.session, std::move(stats));
  }
  stats.queue = *topic.record;
  stats.log_end = topic.log->state.next;
  stats.log_begin = topic.log->begin();
  stats.subscriptions = topic.log->readers.size();
  for (const OffsetRange& gap : topic.log->state.gaps) stats.offsets_left_out += gap.size();
  stats.counters.entered = stats.log_end.value - stats.offsets_left_out;
  tell(command.origin.session, std::move(stats));
}

void Shard::State::on(model::ShowStates& command) {
  model::MessageStates answer;
  answer.request = command.origin.request;
  Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) {
    answer.status = Status(Code::NOT_FOUND, "there is no such queue");
    return tell(command.origin.session, std::move(answer));
  }
  answer.first_unsettled = sub->acked.next_unsettled(sub->acked.cursor());
  answer.log_end = sub->log->state.next;
  const std::size_t count = std::min(command.count, model::limits::kPageItems);
  for (Offset offset = command.from.value_or(answer.first_unsettled);
       offset < sub->log->state.next && answer.items.size() < count; offset = offset.next()) {
    answer.items.push_back(state_of(*sub, offset));
  }
  tell(command.origin.session, std::move(answer));
}

model::MessageStates::Item Shard::State::state_of(Subscription& sub, Offset offset) {
  model::MessageStates::Item item;
  item.offset = offset;
  Position position{sub.queue->log, offset};
  if (const auto lane = sub.lane.find(offset); lane != sub.lane.end()) {
    position = {sub.queue->lane, lane->second};
    item.state = model::MessageState::replaying;
  } else if (sub.admitted.contains(offset)) {
    item.state = model::MessageState::in_hospital;
    return item;
  } else if (sub.acked.is_settled(offset)) {
    item.state = model::MessageState::settled;
    return item;
  }
  const auto it = sub.entries.find(position);
  if (it == sub.entries.end()) {
    const bool reserved = resuming && offset < sub.recovered_mark;
    if (position.log == sub.queue->log && sub.parked.contains(offset)) {
      item.state = model::MessageState::waiting;  // until when stands on the disk
    } else if (position.log == sub.queue->log && sub.parked_scheduled.contains(offset)) {
      item.state = model::MessageState::scheduled;
    } else if (reserved) {
      item.state = model::MessageState::leased;
    } else if (sub.keys != nullptr) {
      const auto held = sub.keys->held().find(offset);
      if (held == sub.keys->held().end()) return item;
      item.state = model::MessageState::held;
      item.held_by = held_by(sub, held->second.key);
    }
    return item;
  }
  const Entry& entry = it->second;
  item.unaccepted = entry.line != nullptr && !is_accepted(sub, entry.line->kind());
  if (entry.waits_for_key) {
    item.held_by = held_by(sub, entry.key);
    if (!entry.replays) item.state = model::MessageState::held;
  }
  item.redelivered = entry.redelivered || entry.attempts > 0;
  item.attempt = entry.attempts;
  if (entry.state == DeliveryState::granted) {
    item.attempt = entry.attempts + 1;
    if (!entry.replays) item.state = model::MessageState::leased;
    if (entry.deadline != base::Instant::never()) item.until = entry.deadline;
    if (entry.consumer != nullptr) item.consumer = entry.consumer->info;
  } else if (entry.state == DeliveryState::waiting) {
    if (!entry.replays) item.state = model::MessageState::waiting;
    if (entry.scheduled) item.state = model::MessageState::scheduled;
    item.until = entry.due;
  }
  return item;
}

}  // namespace lazaret::core

// What a shard knows after a start: exactly what was on the disk.
#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {

using model::DeliveryState;
using model::Offset;

Shard::State::State(ShardConfig config_, model::RecoveredShard recovered, base::Instant now_)
    : config(std::move(config_)), random(config.seed), now(now_), producers_checked(now_) {
  next_id = recovered.meta.next_id;
  resuming = config.awaiting_instances;
  audit_head = recovered.audit_head;
  audit_oldest = recovered.audit_oldest;
  for (model::QueueRef& queue : config.catalog) catalog.emplace(queue->name, std::move(queue));
  config.catalog.clear();
  for (const model::InstanceRecord& instance : recovered.instances) {
    InstanceView& known = view(instance);
    known.recorded = true;
    known.away = true;
  }
  for (model::RecoveredQueue& queue : recovered.queues) recover(queue);
  for (const model::OrphanedCases& cases : recovered.orphaned_cases) {
    keep_orphans_from(cases.subscription, cases.first_closed);
  }
  recover_outboxes(recovered);
  for (auto& [id, log] : logs) leave_out_reserve(log);
  // A topic whose record is gone was deleted with all its subscriptions; what is left of them goes as well.
  std::set<const Log*> known;
  for (const auto& [id, topic] : topics) known.insert(topic.log);
  for (auto& [id, sub] : subscriptions) {
    if (!sub.log->is_topic || known.contains(sub.log)) continue;
    sub.deleting = sub.log->deleting = true;
    touch(sub);
  }
}

void Shard::State::recover(model::RecoveredQueue& recovered) {
  const model::QueueRecord& record = *recovered.queue;
  Log& log = log_of(record);
  if (!record.reads_topic()) {
    change_deduplication(log, record.options);
    recover(recovered.log, log);
  }
  if (record.kind == model::Kind::topic) {
    topics[record.subscription] = {recovered.queue, &log, {}};
    log.deleting = recovered.subscription && recovered.subscription->state.deleting;
    if (log.deleting) touch(log);  // only the catalog still knows it
    recover_retention(log, record.options);
    return;
  }
  Subscription& sub = adopt(recovered.queue);
  if (recovered.subscription) {
    recover(sub, *recovered.subscription);
  } else {
    // Its shard had not written it yet. That it begins here goes with whatever is written next: another start would
    // take what is published meanwhile for older than it is.
    begin_at(sub, record.start);
    touch(sub);
  }
  if (sub.deleting) touch(sub);  // the deletion goes on when this group is durable
  if (sub.expires()) sub.sweep_at = now + model::limits::kSweepEvery;
  watch_use(sub);
}

void Shard::State::recover(model::RecoveredLog& recovered, Log& log) {
  const model::LogId id = log.state.log;
  log.state = recovered.state;
  log.state.log = id;
  log.persisted_end = recovered.state.next;
  for (const model::OffsetRange& range : recovered.state.trimmed) log.trimmed.insert(range);
  for (const model::OffsetRange& range : recovered.state.kept) log.kept.insert(range);
  for (const Offset offset : recovered.evacuated) log.evacuated.insert(offset);
  if (log.state.prioritised) {
    log.priority_ends = std::make_unique<PriorityEnds>();
    log.priority_ends->fill(log.state.next);
  }
  for (const model::RecoveredProducer& producer : recovered.producers) {
    log.producers.emplace(producer.state.producer, ProducerWindow(producer));
  }
  if (log.ids == nullptr) return;
  for (const model::StoredIds& stored : recovered.ids) log.ids->recover(stored);
}

/// What has become too old meanwhile goes with the first WakeUp.
void Shard::State::recover_retention(Log& log, const model::QueueOptions& options) {
  log.retention = Retention::of(options);
  log.retains = log.retention != Retention{};
  if (!log.retains) return;
  if (!log.state.marks.empty()) log.bytes = log.state.marks.back().bytes;
  log.alarm = now;
  log_alarms.emplace(now, log.state.log);
}

/// What was reserved and is not there may have been given out and lost: those offsets are nobody's. Nothing behind them
/// is read before that is on the disk.
void Shard::State::leave_out_reserve(Log& log) {
  model::LogState& state = log.state;
  if (state.reserved <= state.next) return;
  for (Subscription* sub : log.readers) count_entered(*sub);
  const model::OffsetRange gap{state.next, state.reserved};
  state.gaps.push_back(gap);
  state.next = gap.end;
  log.changed = true;
  if (log.is_topic) {
    state.uncounted += gap.size();
    log.marks_changed = true;
  }
  touch(log);
  for (Subscription* sub : log.readers) {
    sub->acked.settle(gap);
    sub->entered_to = gap.end;
    touch(*sub);
  }
}

void Shard::State::recover(Subscription& sub, const model::RecoveredDelivery& delivery) {
  const Position position{delivery.log, delivery.record.offset};
  if (sub.is_lane(delivery.log) && !sub.entries.contains(position)) return;
  Entry& entry = sub.entries[position];
  entry.position = position;
  entry.state = delivery.record.state;
  entry.grant = delivery.record.grant;
  entry.holder = delivery.record.consumer;
  entry.attempts = delivery.record.attempts;
  entry.failures = delivery.record.failures;
  entry.convictions = delivery.record.convictions;
  entry.suspect = delivery.record.suspect;
  entry.due = entry.recorded_due = delivery.record.due;
  entry.has_record = true;
  entry.scheduled = delivery.record.scheduled;
  entry.priority = delivery.record.priority;
  // One that was merely set aside, or held by its key, when the broker stopped has never been out.
  entry.redelivered = entry.redelivered || bool(entry.grant) || entry.attempts > 0;
  entry.key = delivery.record.key.value_or(model::KeyHash());
  entry.key_known = delivery.record.key.has_value() || entry.scheduled;
}

void Shard::State::recover(Subscription& sub, model::RecoveredSubscription& recovered) {
  const model::SubscriptionState& state = recovered.state;
  sub.counters = state.counters;
  sub.lane_next = state.lane_next;
  sub.deleting = state.deleting;
  sub.deletes_to = sub.log->state.next;
  sub.void_grants = state.void_grants;
  sub.bytes = state.bytes;
  if (state.seeking.us != 0) sub.seeking = state.seeking;
  if (!sub.log->is_topic) sub.log->deleting = sub.deleting;
  for (const model::TakenSource& taken : state.taken) sub.fan_in->taken.emplace(taken.log, taken);
  if (!state.sources.empty()) {
    const model::SourceState& source = state.sources.front();
    sub.acked = AckSet(source, recovered.chunks);
    sub.mark = sub.durable_mark = sub.recovered_mark = source.mark;
    // Of a queue every publish is counted with its own record.
    sub.entered_to = sub.log->is_topic ? source.entered_to : sub.log->state.next;
  }
  for (const Offset offset : recovered.admitted) sub.admitted.insert(offset);
  recover_book(sub, recovered);
  for (const model::LaneEntry& lane : recovered.lane) {
    sub.lane.emplace(lane.target.offset, lane.offset);
    Entry& entry = sub.entries[{sub.queue->lane, lane.offset}];
    entry.position = {sub.queue->lane, lane.offset};
    entry.replays = lane.target;
    entry.redelivered = true;
    entry.attempts = lane.attempts;
    entry.priority = lane.priority;
    entry.edited = lane.edited;
    entry.failures_before = lane.failures_before;
    entry.single_attempt = lane.single_attempt;
    entry.only_for = range_of(sub, lane.only_for);
  }
  for (const model::RecoveredDelivery& delivery : recovered.deliveries) recover(sub, delivery);
  for (const Offset offset : recovered.parked) sub.parked.insert(offset);
  for (const Offset offset : recovered.parked_scheduled) sub.parked_scheduled.insert(offset);
  if (sub.keys != nullptr) recover_keys(sub, recovered);
  put_in_place(sub);
  if (sub.has_parked()) {
    // Behind the last that is here. Those of the lane are all here, and say nothing about it.
    sub.parked_from = base::Instant{1};
    for (const auto& [due, position] : sub.waiting) {
      if (!sub.is_lane(position.log)) sub.parked_from = due;
    }
  }
  // While somebody is awaited, what may have begun is left to them: fresh ones begin at the mark.
  sub.frontier = resuming ? std::max(sub.acked.cursor(), sub.recovered_mark) : sub.acked.cursor();
  sub.window_next = sub.frontier;
  if (!sub.deleting) recover_requests(sub, recovered.requests);
  if (!sub.deleting) recover_quarantine(sub, recovered.quarantines);
}

/// What is in flight, by its state.
void Shard::State::put_in_place(Subscription& sub) {
  for (auto& [position, entry] : sub.entries) {
    switch (entry.state) {
      case DeliveryState::granted: {
        // Its holder may come back with the token; until then it is reserved.
        const bool awaited = resuming && instances.contains(entry.holder.instance);
        if (awaited) {
          ++sub.leased;
          if (entry.failures > 0 || entry.replays) ++sub.leased_retries;
        } else {
          entry.interrupted = true;
          make_ready(sub, entry);
        }
        break;
      }
      case DeliveryState::waiting:
        sub.waiting.emplace(entry.due, position);
        ++waiting_in_memory;
        if (entry.scheduled) ++sub.scheduled_in_memory;
        break;
      case DeliveryState::ready: make_ready(sub, entry); break;
    }
  }
}

}  // namespace lazaret::core

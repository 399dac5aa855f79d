// What a shard knows after a start: exactly what was on the disk.
#include "core/shard_state.h"

namespace lazaret::core {

using model::DeliveryState;
using model::Offset;

Shard::State::State(ShardConfig config_, model::RecoveredShard recovered, base::Instant now_)
    : config(std::move(config_)), random(config.seed), now(now_), producers_checked(now_) {
  next_id = recovered.meta.next_id;
  resuming = config.awaiting_instances;
  for (model::QueueRecord& queue : config.catalog) catalog.emplace(queue.name, queue);
  config.catalog.clear();
  for (const model::InstanceRecord& instance : recovered.instances) {
    InstanceView& known = view(instance);
    known.recorded = true;
    known.away = true;
  }
  for (model::RecoveredQueue& queue : recovered.queues) recover(queue);
}

/// A queue that has nothing yet.
Subscription& Shard::State::adopt(const model::QueueRecord& queue) {
  Subscription& sub = subscriptions[queue.subscription];
  sub.queue = queue;
  sub.log.state.log = queue.log;
  sub.log.last_trim = now;
  return sub;
}

void Shard::State::recover(model::RecoveredQueue& recovered) {
  Subscription& sub = adopt(recovered.queue);
  sub.log.state = recovered.log.state;
  sub.log.persisted_end = recovered.log.state.next;
  for (const model::OffsetRange& range : recovered.log.state.trimmed) sub.log.trimmed.insert(range);
  for (const Offset offset : recovered.log.evacuated) sub.log.evacuated.insert(offset);
  for (const model::RecoveredProducer& producer : recovered.log.producers) {
    sub.log.producers.emplace(producer.state.producer, ProducerWindow(producer));
  }
  if (recovered.subscription) recover(sub, *recovered.subscription);
  leave_out_reserve(sub);
  if (sub.deleting) touch(sub);  // the deletion goes on when this group is durable
  set_alarm(sub);
}

/// What was reserved and is not there may have been given out and lost: those offsets are nobody's. Nothing behind them
/// is read before that is on the disk.
void Shard::State::leave_out_reserve(Subscription& sub) {
  model::LogState& state = sub.log.state;
  if (state.reserved <= state.next || sub.deleting) return;
  const model::OffsetRange gap{state.next, state.reserved};
  state.gaps.push_back(gap);
  state.next = gap.end;
  sub.acked.settle(gap);
  sub.log.changed = true;
  touch(sub);
}

void Shard::State::recover(Subscription& sub, model::RecoveredSubscription& recovered) {
  const model::SubscriptionState& state = recovered.state;
  sub.counters = state.counters;
  sub.lane_next = state.lane_next;
  sub.deleting = state.deleting;
  if (!state.sources.empty()) {
    const model::SourceState& source = state.sources.front();
    sub.acked = AckSet(source, recovered.chunks);
    sub.mark = sub.durable_mark = sub.recovered_mark = source.mark;
  }
  for (const Offset offset : recovered.admitted) sub.admitted.insert(offset);
  for (const model::LaneEntry& lane : recovered.lane) {
    sub.lane.emplace(lane.target.offset, lane.offset);
    Entry& entry = sub.entries[{sub.queue.lane, lane.offset}];
    entry.position = {sub.queue.lane, lane.offset};
    entry.replays = lane.target;
    entry.redelivered = true;
    entry.attempts = lane.attempts;
  }
  for (const model::RecoveredDelivery& delivery : recovered.deliveries) {
    const Position position{delivery.log, delivery.record.offset};
    if (sub.is_lane(delivery.log) && !sub.entries.contains(position)) continue;
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
    entry.redelivered = true;
  }
  for (const Offset offset : recovered.parked) sub.parked.insert(offset);
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
        break;
      case DeliveryState::ready: make_ready(sub, entry); break;
    }
  }
  if (!sub.parked.empty()) {
    // Behind the last that is here. Those of the lane are all here, and say nothing about it.
    sub.parked_from = base::Instant{1};
    for (const auto& [due, position] : sub.waiting) {
      if (!sub.is_lane(position.log)) sub.parked_from = due;
    }
  }
  // While somebody is awaited, what may have begun is left to them: fresh ones begin at the mark.
  sub.frontier = resuming ? std::max(sub.acked.cursor(), sub.recovered_mark) : sub.acked.cursor();
  sub.window_next = sub.frontier;
}

}  // namespace lazaret::core

// Where a subscription of a topic begins, and how it is moved. To begin at a time needs a look into the log: until the
// answer is there, nothing is granted.
#include <algorithm>
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::DeliveryState;
using model::Offset;
using model::OffsetRange;
using model::Start;

// --- The beginning --------------------------------------------------------------------------------------------------

/// What lies before the start, and what the topic does not have any more, is nothing to it.
void Shard::State::begin_at(Subscription& sub, const model::StartPoint& start) {
  const Log& log = *sub.log;
  sub.entered_to = log.state.next;
  sub.acked.settle(OffsetRange{Offset(0), start_offset(log, start)});
  settle_what_is_gone(sub);
  sub.counters.entered = sub.acked.unsettled_below(log.state.next);
  sub.frontier = sub.window_next = sub.acked.cursor();
  if (start.kind == Start::time && log.is_topic) seek_time(sub, start.time);
}

/// The first offset that is wanted; of a time, the earliest that it could be.
Offset Shard::State::start_offset(const Log& log, const model::StartPoint& start) {
  if (!log.is_topic) return Offset(0);
  switch (start.kind) {
    case Start::latest: return log.state.next;
    case Start::earliest:
    case Start::time: return log.first_kept();
    case Start::offset: return std::clamp(start.offset, log.first_kept(), log.state.next);
  }
  return log.state.next;
}

/// Of what was trimmed it gets what was copied out, for whomever that was.
void Shard::State::settle_what_is_gone(Subscription& sub) {
  const Log& log = *sub.log;
  for (const OffsetRange& range : log.state.gaps) sub.acked.settle(range);
  for (const OffsetRange& range : log.trimmed.ranges()) {
    Offset at = range.begin;
    log.evacuated.for_each_in(range, [&](OffsetRange part) {
      sub.acked.settle(OffsetRange{at, part.begin});
      at = part.end;
    });
    sub.acked.settle(OffsetRange{at, range.end});
  }
}

// --- Moving it ------------------------------------------------------------------------------------------------------

void Shard::State::on(model::SeekSubscription& command) {
  const auto refuse = [&](Status status) {
    tell(command.origin.session, model::SeekDone{command.origin.request, std::move(status), {}, 0, 0});
  };
  Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) return refuse(Status(Code::NOT_FOUND, "there is no such subscription"));
  if (sub->fan_in != nullptr) {
    return refuse(Status(Code::BAD_REQUEST,
                         sub->queue->name + " has several topics: it has taken their messages over, and is not moved"));
  }
  if (!sub->log->is_topic) {
    return refuse(Status(Code::BAD_REQUEST, sub->queue->name + " is a queue: only subscriptions of topics are moved"));
  }
  if (sub->seeking) {
    return refuse(Status(Code::IN_USE, sub->queue->name + " is being moved already").with_retry_after_ms(100));
  }
  if (Status beyond = model::start_problem(command.to, sub->log->state.next, now); !beyond.ok()) return refuse(beyond);
  command.to = model::meant_at(command.to, now);
  if (command.to.kind == Start::time) {
    sub->seek_origin = command.origin;
    return seek_time(*sub, command.to.time);
  }
  move_to(*sub, start_offset(*sub->log, command.to), command.origin);
}

/// Nothing is granted until the store has said which message that is. It is asked at the next WakeUp, which is at once;
/// also the first after a restart. On the disk the beginning of 1970 says that nothing is looked up; a microsecond
/// later the same messages follow.
void Shard::State::seek_time(Subscription& sub, base::Instant time) {
  sub.seeking = time.us == 0 ? base::Instant{1} : time;
  sub.finding = false;
  touch(sub);
}

/// What is not on the disk yet was published later than whatever is.
void Shard::State::find_time(Subscription& sub) {
  const Log& log = *sub.log;
  sub.finding = true;
  out->effects.emplace_back(FindTime{sub.queue->subscription, sub.queue->log, log.begin(),
                                     std::max(log.begin(), log.persisted_end), *sub.seeking});
}

void Shard::State::on(TimeFound& event) {
  Subscription* sub = find(event.subscription);
  if (sub == nullptr || sub->deleting || !sub->seeking) return;
  // Purged meanwhile, or its log trimmed: what was found is as good, clipped to what is there.
  const Offset offset = std::clamp(event.offset, sub->log->first_kept(), sub->log->state.next);
  sub->seeking.reset();
  sub->finding = false;
  move_to(*sub, offset, std::exchange(sub->seek_origin, {}));
}

/// Everything before `target` is settled, everything else that the topic has and that is no open case is fresh again.
void Shard::State::move_to(Subscription& sub, Offset target, const model::Origin& origin) {
  Log& log = *sub.log;
  count_entered(sub);
  // A start at a time was looked up: it has not begun before, and what lies before it has not entered.
  const bool begins = sub.queue->start.kind == Start::time && !sub.void_grants;
  model::SeekDone answer{origin.request, {}, target, 0, 0};
  answer.purged = sub.acked.unsettled_in({Offset(0), target});
  const std::uint64_t before = sub.acked.unsettled_below(log.state.next);
  if (sub.keys != nullptr) forget_passed(sub, log.state.next);
  take_all_back(sub, target);
  forget_parked(sub, target);
  const Offset was_read_to = sub.acked.cursor();
  sub.acked.begin_again(target);
  settle_what_is_gone(sub);
  sub.admitted.for_each_in({target, log.state.next}, [&](OffsetRange part) { sub.acked.settle(part); });
  for (const auto& [origin_offset, lane_offset] : sub.lane) sub.acked.settle(origin_offset);
  answer.entered = sub.acked.unsettled_below(log.state.next) + answer.purged - before;
  sub.counters.entered += answer.entered;
  if (begins) {
    sub.counters.entered -= std::exchange(answer.purged, 0);
  } else {
    sub.counters.purged += answer.purged;
  }
  if (answer.entered > 0) {
    forget_closed(sub, {target, log.state.next});
    mutate(model::DropClosedCases{sub.queue->subscription, sub.queue->log, {target, log.state.next}}, true);
  }
  drop_copies(sub, {std::min(was_read_to, target), target});

  // Nothing of it has been granted since: the mark begins anew, and tokens from before are no claim after a restart.
  sub.mark = sub.durable_mark = target;
  sub.marks.clear();
  sub.recovered_mark = Offset();
  sub.void_grants = model::Grant(static_cast<std::uint64_t>(config.epoch) << 40 | last_grant);
  log.head_looked_to = log.trim_looked_to = Offset();
  begin_window_at(sub, target);
  begin_levels_at(sub, target);
  touch(sub);
  out->urgent = out->sync = true;
  if (origin.request != 0) tell(origin.session, std::move(answer));
}

/// Whatever is in flight, but for the replay lane: leases end, retries are forgotten, with their histories. What is
/// scheduled at or behind `target` goes on waiting.
void Shard::State::take_all_back(Subscription& sub, Offset target) {
  std::vector<Position> positions;
  for (const auto& [position, entry] : sub.entries) {
    const bool waits = entry.scheduled && position.offset >= target;
    if (!sub.is_lane(position.log) && !waits) positions.push_back(position);
  }
  for (const Position& position : positions) {
    Entry& entry = sub.entries.at(position);
    if (entry.state == DeliveryState::granted) tell_lease_ended(sub, entry);
    take_back(sub, entry);
    forget_history(sub, entry);
    forget_entry(sub, entry);
  }
}

/// Nobody needs what is said of it on the disk any more.
void Shard::State::forget_history(Subscription& sub, Entry& entry) {
  drop_record(sub, entry);
  if (entry.attempts == 0) return;
  mutate(model::DropAttempts{sub.queue->subscription, sub.queue->log, entry.position.offset, entry.attempts}, true);
}

/// What was read ahead is not what comes next.
void Shard::State::begin_window_at(Subscription& sub, Offset offset) {
  sub.frontier = sub.window_next = offset;
  window_bytes -= sub.window_bytes;
  sub.window.clear();
  sub.window_bytes = 0;
  sub.loading_window = false;
  ++sub.generation;
  forget_levels_ahead(sub);
}

}  // namespace lazaret::core

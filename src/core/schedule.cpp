// Messages that were published with a delay. In the log they are like any other; on each subscription one waits for its
// first delivery as others wait for their next, and millions of them wait on the disk (retry.cpp, park and unpark).
#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::DeliveryState;
using model::Offset;

/// It waits from now on. That it has not begun is on the disk, whatever the high-water mark says.
void Shard::State::schedule(Subscription& sub, Offset offset, const model::Message& message) {
  const base::Instant due = message.due;
  model::DeliveryRecord record;
  record.offset = offset;
  record.state = DeliveryState::waiting;
  record.due = due;
  record.scheduled = true;
  record.priority = message.priority;
  mutate(model::PutDelivery{sub.queue->subscription, sub.queue->log, record, {}}, false);
  touch(sub);
  if (due >= sub.parked_from) return note_parked(sub, offset, due, true);
  const Position position{sub.queue->log, offset};
  Entry& entry = sub.entries[position];
  entry.position = position;
  entry.state = DeliveryState::waiting;
  entry.scheduled = true;
  entry.priority = message.priority;
  entry.key_known = true;  // none
  entry.has_record = true;
  entry.due = entry.recorded_due = due;
  sub.waiting.emplace(due, position);
  ++sub.scheduled_in_memory;
  ++waiting_in_memory;
  if (waiting_in_memory > spill_above) spill_waiting(sub);
}

void Shard::State::on(model::CancelScheduled& command) {
  std::uint64_t cancelled = 0;
  if (const Topic* topic = find_topic(command.subscription)) {
    for (Subscription* sub : topic->log->readers) cancelled += cancel(*sub, command.offset) ? 1 : 0;
  } else if (Subscription* sub = find(command.subscription)) {
    cancelled += cancel(*sub, command.offset) ? 1 : 0;
  }
  if (cancelled > 0) return done(command.origin, {}, cancelled);
  done(command.origin, Status(Code::NOT_FOUND, "message " + std::to_string(command.offset.value) +
                                                   " is not scheduled, or not any more"));
}

/// False: it is not scheduled here.
bool Shard::State::cancel(Subscription& sub, Offset offset) {
  if (sub.deleting) return false;
  const auto it = sub.entries.find({sub.queue->log, offset});
  if (it != sub.entries.end()) {
    Entry& entry = it->second;
    if (!entry.scheduled) return false;
    take_back(sub, entry);
    drop_record(sub, entry);
    forget_entry(sub, entry);
  } else {
    if (!sub.parked_scheduled.erase(offset)) return false;
    mutate(model::DropDelivery{sub.queue->subscription, sub.queue->log, offset, {}, true}, true);
  }
  settled(sub, offset);
  left_unread(sub, 1);
  ++sub.counters.purged;
  out->urgent = out->sync = true;
  return true;
}

}  // namespace lazaret::core

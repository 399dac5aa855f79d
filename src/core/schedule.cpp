// Messages that were published with a delay. In the log they are like any other; on each subscription one waits for its
// first delivery as others wait for their next, and millions of them wait on the disk (retry.cpp, park and unpark).
//
// Whoever is there when they come schedules them then. A subscription that begins in the past of its topic, or is moved
// there, looks for them first, page by page, and is granted nothing before: so what is said of it is true from then on.
// Only a topic that had some is looked through, from where the subscription goes on to the last of them.
#include <algorithm>
#include <utility>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::DeliveryState;
using model::Offset;
namespace limits = model::limits;

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
    if (cancelled > 0) note_cancelled(*topic->log, command.offset);
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

/// For those that come later, or are moved back.
void Shard::State::note_cancelled(Log& log, Offset offset) {
  log.cancelled.erase_below(log.begin());
  log.cancelled.insert(offset);
  while (log.cancelled.stretches() > limits::kCancelledStretches) {
    log.cancelled.erase_below(log.cancelled.ranges().front().end);
  }
  mutate(model::PutLog{log_state(log)}, true);
}

// --- Looking for them -----------------------------------------------------------------------------------------------

/// Messages came to a topic, some of them perhaps with a delay. True: the log's record has to say so from now on.
bool Shard::State::note_scheduled(Log& log, const std::vector<model::MessageRef>& messages) {
  base::Instant last;
  for (const model::MessageRef& message : messages) last = std::max(last, message->due);
  if (last <= now) return false;
  log.last_due = std::max(log.last_due, last);
  log.scheduled_to = log.state.next;
  return !std::exchange(log.state.scheduled, true);
}

/// Where it goes on from was just decided.
void Shard::State::look_if_scheduled(Subscription& sub) {
  const Log& log = *sub.log;
  const bool some = log.is_topic && sub.feeder == nullptr && log.state.scheduled && log.last_due > now;
  sub.looks_to.reset();
  if (some && sub.acked.cursor() < log.scheduled_to) sub.looks_to = log.scheduled_to;
}

/// A page of its window at a time, of which nothing is kept. Goes on when the next is here.
void Shard::State::look_for_scheduled(Subscription& sub) {
  if (sub.loading_window) return;
  for (const model::PagedMessage& one : std::exchange(sub.window, {})) {
    const bool taken = sub.acked.is_settled(one.offset) || sub.entries.contains({sub.queue->log, one.offset}) ||
                       sub.is_parked(one.offset);
    if (taken || one.message == nullptr || one.message->due <= now) continue;
    if (is_wanted(sub, one.offset, *one.message)) {
      schedule(sub, one.offset, *one.message);
    } else {
      filter_out(sub, one.offset);
    }
  }
  window_bytes -= std::exchange(sub.window_bytes, 0);
  if (sub.window_next < *sub.looks_to) {
    const bool reads = load_window(sub, limits::kPageMessages, limits::kPageBytes);
    if (reads || sub.window_next < *sub.looks_to) return;  // else the last of them are not on the disk yet
  }
  sub.looks_to.reset();
  begin_window_at(sub, sub.frontier);
  touch(sub);
}

}  // namespace lazaret::core

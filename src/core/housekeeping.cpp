// What keeps a shard in order: durability as an event, records once a group, purge, trimming, what is shown.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;
using model::DeliveryState;
using model::Offset;
using model::OffsetRange;

/// A trim is worth a record when it frees so much, or when nothing is left behind it.
constexpr std::uint64_t kTrimMessages = 16'384;
constexpr std::uint64_t kTrimBytes = 4u << 20;
/// Stretches that are looked at one by one when something in them is still needed. The small ones are for a memtable
/// that is nearly full: what is large is few.
constexpr std::uint64_t kStretch = 8192;
constexpr std::uint64_t kSmallStretch = 256;

}  // namespace

void Shard::State::on(Persisted& event) {
  persisted = event.group;
  std::vector<model::SubscriptionId> written;
  for (; !sealed.empty() && sealed.front().first <= event.group; sealed.pop_front()) {
    written.insert(written.end(), sealed.front().second.begin(), sealed.front().second.end());
  }
  for (const model::SubscriptionId id : written) {
    Subscription* found = find(id);
    if (found == nullptr) continue;
    Subscription& sub = *found;
    auto& ends = sub.log.ends;
    auto& marks = sub.marks;
    for (; !ends.empty() && ends.front().first <= event.group; ends.pop_front()) {
      sub.log.persisted_end = ends.front().second;
    }
    for (; !marks.empty() && marks.front().first <= event.group; marks.pop_front()) {
      sub.durable_mark = marks.front().second;
    }
    if (!sub.loading_waiting) forget_parked_lately(sub);
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
}

void Shard::State::seal() {
  if (!dirty.empty()) sealed.emplace_back(group, std::vector<model::SubscriptionId>(dirty.begin(), dirty.end()));
  for (const model::SubscriptionId id : dirty) {
    if (Subscription* sub = find(id)) save(*sub);
  }
  dirty.clear();
}

void Shard::State::save(Subscription& sub) {
  sub.dirty = false;
  trim(sub, false);
  model::SubscriptionState state;
  state.subscription = sub.queue.subscription;
  state.lane = sub.queue.lane;
  state.lane_next = sub.lane_next;
  state.counters = sub.counters;
  state.deleting = sub.deleting;
  model::SourceState& source = state.sources.emplace_back();
  source.log = sub.queue.log;
  source.mark = sub.mark;
  sub.acked.save(sub.queue.subscription, source, out->mutations);
  out->mutations.emplace_back(model::PutSubscription{std::move(state)});
  if (sub.mark > sub.durable_mark) sub.marks.emplace_back(group, sub.mark);
  for (const model::ProducerId& producer : sub.log.changed_producers) {
    sub.log.producers.at(producer).save(sub.queue.log, producer, out->mutations);
  }
  sub.log.changed_producers.clear();
}

/// The message at `offset` needs nothing more on this subscription.
void Shard::State::settled(Subscription& sub, Offset offset) {
  sub.acked.settle(offset);
  if (sub.log.evacuated.erase(offset)) mutate(model::DropEvacuated{sub.queue.log, offset}, false);
  touch(sub);
}

// --- Purge ----------------------------------------------------------------------------------------------------------

void Shard::State::on(model::PurgeQueue& command) {
  Subscription* found = find(command.subscription);
  if (found == nullptr || found->deleting)
    return done(command.origin, Status(Code::NOT_FOUND, "there is no such queue"));
  Subscription& sub = *found;
  std::uint64_t purged = 0;
  // Messages with an entry: those that are ready or waiting. A replaying case goes back to the hospital.
  std::vector<Position> entries;
  for (const auto& [position, entry] : sub.entries) {
    if (entry.state != DeliveryState::granted) entries.push_back(position);
  }
  for (const Position& position : entries) {
    Entry& entry = sub.entries.at(position);
    take_back(sub, entry);
    drop_record(sub, entry);
    if (entry.replays) {
      recall(sub, entry, entry.replays->offset);
      sub.lane.erase(entry.replays->offset);
      sub.admitted.insert(entry.replays->offset);
      ++sub.counters.in_hospital;
    } else {
      if (entry.attempts > 0) {
        mutate(model::DropAttempts{sub.queue.subscription, sub.queue.log, position.offset, entry.attempts}, true);
      }
      settled(sub, position.offset);
      ++purged;
    }
    forget_entry(sub, entry);
  }
  purged += purge_parked(sub);
  // Fresh ones: everything from the frontier that nobody holds.
  Offset at = sub.frontier;
  for (auto it = sub.entries.lower_bound({sub.queue.log, at}); at < sub.log.state.next;) {
    const bool held = it != sub.entries.end() && it->first.log == sub.queue.log;
    const Offset until = held ? it->first.offset : sub.log.state.next;
    if (at < until) purged += purge_range(sub, {at, until});
    if (!held) break;
    at = until.next();
    ++it;
  }
  sub.frontier = sub.log.state.next;
  window_bytes -= sub.window_bytes;
  sub.window.clear();
  sub.window_bytes = 0;
  sub.window_next = sub.frontier;
  sub.loading_window = false;
  ++sub.generation;
  sub.counters.purged += purged;
  touch(sub);
  out->urgent = true;
  done(command.origin, {}, purged);
}

/// What waits on the disk only.
std::uint64_t Shard::State::purge_parked(Subscription& sub) {
  const std::uint64_t count = sub.parked.size();
  for (const OffsetRange& range : sub.parked.ranges()) {
    for (Offset offset = range.begin; offset < range.end; offset = offset.next()) {
      mutate(model::DropDelivery{sub.queue.subscription, sub.queue.log, offset, {}, true}, true);
      mutate(model::DropAttempts{sub.queue.subscription, sub.queue.log, offset, 0}, true);
      settled(sub, offset);
    }
  }
  sub.parked.clear();
  sub.parked_lately.clear();
  sub.parked_from = base::Instant::never();
  return count;
}

/// Fresh messages. What was copied out of the log for them goes too, but not what was for a case.
std::uint64_t Shard::State::purge_range(Subscription& sub, OffsetRange range) {
  std::vector<Offset> copies;
  sub.log.evacuated.for_each_in(range, [&](OffsetRange part) {
    for (Offset offset = part.begin; offset < part.end; offset = offset.next()) {
      if (!sub.admitted.contains(offset) && !sub.lane.contains(offset)) copies.push_back(offset);
    }
  });
  for (const Offset offset : copies) {
    sub.log.evacuated.erase(offset);
    mutate(model::DropEvacuated{sub.queue.log, offset}, true);
  }
  return sub.acked.settle(range);
}

// --- Trimming -------------------------------------------------------------------------------------------------------

void Shard::State::on(TrimNow&) {
  for (auto& [id, sub] : subscriptions) trim(sub, true);
}

/// Removes what nobody needs any more. `all`: also little.
void Shard::State::trim(Subscription& sub, bool all) {
  Log& log = sub.log;
  if (sub.deleting) return;
  const Offset cursor = std::min(sub.acked.cursor(), log.persisted_end);
  const Offset begin = log.trimmed.next_missing(Offset(0));
  const bool drained = cursor == log.state.next && now - log.last_trim >= std::chrono::seconds(1);
  const Offset looked_to = all ? begin : std::max(begin, log.head_looked_to);
  const std::uint64_t settled_count = cursor > looked_to ? cursor.value - looked_to.value : 0;
  const std::uint64_t stretch_size = all ? kSmallStretch : kStretch;
  const std::uint64_t worth_holes = all ? kSmallStretch : kTrimMessages;
  const bool holes = sub.acked.beyond().size() >= worth_holes &&
                     (all || sub.frontier.value >= log.trim_looked_to.value + kTrimMessages);
  const bool worth = settled_count >= kTrimMessages || log.bytes_since_trim >= kTrimBytes || holes || drained || all;
  if (drained && settled_count == 0) log.drained_at = cursor;
  if (!worth || (settled_count == 0 && !holes)) return;
  log.bytes_since_trim = 0;
  log.last_trim = now;
  log.head_looked_to = cursor;
  if (cursor == log.state.next) log.drained_at = cursor;
  // Before the cursor, stretch by stretch; neighbours that can go go together.
  OffsetRange going{begin, begin};
  for (Offset at = begin; at < cursor;) {
    const OffsetRange stretch{at, std::min(Offset((at.value / stretch_size + 1) * stretch_size), cursor)};
    at = std::max(stretch.end, log.trimmed.next_missing(stretch.end));
    if (!may_trim(sub, stretch)) {
      trim_stretch(sub, going);
      going = {at, at};
    } else {
      going.end = at;
    }
  }
  trim_stretch(sub, {going.begin, std::min(going.end, cursor)});
  if (!holes) return;
  // Beyond the cursor: whole stretches of which less than a tenth is still needed.
  const Offset end = std::min(log.persisted_end, sub.frontier);
  log.trim_looked_to = sub.frontier;
  const std::uint64_t first = (cursor.value / stretch_size + 1) * stretch_size;
  for (std::uint64_t at = first; at + stretch_size <= end.value;) {
    const OffsetRange stretch{Offset(at), Offset(at + stretch_size)};
    const Offset missing = log.trimmed.next_missing(stretch.begin);
    if (missing == stretch.begin && may_trim(sub, stretch)) trim_stretch(sub, stretch);
    // Behind what was trimmed before, in one step.
    at = std::max(stretch.end.value, (missing.value + stretch_size - 1) / stretch_size * stretch_size);
  }
}

/// Whether less than a tenth of the stretch is needed, or few messages at all: so many are worth to be copied out.
bool Shard::State::may_trim(const Subscription& sub, OffsetRange range) const {
  std::uint64_t needed = sub.admitted.count_in(range) + sub.acked.unsettled_in(range);
  for (auto it = sub.lane.lower_bound(range.begin); it != sub.lane.end() && it->first < range.end; ++it) ++needed;
  return needed * 10 < range.size() || needed <= 16;
}

/// The stretch goes; what is needed of it is copied out.
void Shard::State::trim_stretch(Subscription& sub, OffsetRange range) {
  if (range.begin >= range.end) return;
  Log& log = sub.log;
  model::TrimLog trim;
  trim.range = range;
  const auto need = [&](Offset offset) {
    if (!log.evacuated.contains(offset) && !log.trimmed.contains(offset)) trim.evacuate.push_back(offset);
  };
  sub.admitted.for_each_in(range, [&](OffsetRange part) {
    for (Offset offset = part.begin; offset < part.end; offset = offset.next()) need(offset);
  });
  for (auto it = sub.lane.lower_bound(range.begin); it != sub.lane.end() && it->first < range.end; ++it)
    need(it->first);
  for (Offset offset = sub.acked.next_unsettled(range.begin); offset < range.end;
       offset = sub.acked.next_unsettled(offset.next())) {
    need(offset);
  }
  std::sort(trim.evacuate.begin(), trim.evacuate.end());
  for (const Offset offset : trim.evacuate) log.evacuated.insert(offset);
  log.trimmed.insert(range);
  trim.state = log.state;
  trim.state.log = sub.queue.log;
  trim.state.trimmed = log.trimmed.ranges();
  mutate(std::move(trim), false);
}

// --- What is shown --------------------------------------------------------------------------------------------------

void Shard::State::on(model::ShowQueue& command) {
  model::QueueStats stats;
  stats.request = command.origin.request;
  const Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) {
    stats.status = Status(Code::NOT_FOUND, "there is no such queue");
    return tell(command.origin.session, std::move(stats));
  }
  std::uint64_t reserved = 0;
  if (resuming) {
    const OffsetRange range{sub->acked.cursor(), sub->recovered_mark};
    reserved = sub->acked.unsettled_in(range) - sub->parked.count_in(range);
    for (const auto& [position, entry] : sub->entries) {
      if (position.log == sub->queue.log && position.offset < sub->recovered_mark) --reserved;
    }
  }
  stats.queue = sub->queue;
  stats.leased = sub->leased + reserved;
  stats.waiting = sub->waiting.size() + sub->parked.size();
  stats.ready = sub->unsettled() - stats.leased - stats.waiting;
  stats.suspects = sub->suspects.size();
  stats.counters = sub->counters;
  stats.log_end = sub->log.state.next;
  stats.oldest_ready = std::max(sub->acked.cursor(), sub->frontier);
  if (!sub->returned.empty()) stats.oldest_ready = std::min(stats.oldest_ready, sub->returned.begin()->offset);
  if (stats.ready > 0 && stats.oldest_ready < stats.log_end && !sub->window.empty() &&
      sub->window.front().offset == stats.oldest_ready && sub->window.front().message != nullptr) {
    stats.oldest_ready_at = sub->window.front().message->published_at;
  }
  for (const Consumer* consumer : sub->consumers) {
    if (!consumer->session) continue;
    std::uint64_t begun = 0;
    for (const auto& [delivery, position] : consumer->out) begun += sub->entries.at(position).begun ? 1 : 0;
    stats.consumers.push_back({consumer->info, consumer->out.size(), begun});
  }
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
  answer.log_end = sub->log.state.next;
  const std::size_t count = std::min(command.count, model::limits::kPageItems);
  for (Offset offset = command.from.value_or(answer.first_unsettled);
       offset < sub->log.state.next && answer.items.size() < count; offset = offset.next()) {
    answer.items.push_back(state_of(*sub, offset));
  }
  tell(command.origin.session, std::move(answer));
}

model::MessageStates::Item Shard::State::state_of(Subscription& sub, Offset offset) {
  model::MessageStates::Item item;
  item.offset = offset;
  Position position{sub.queue.log, offset};
  if (const auto lane = sub.lane.find(offset); lane != sub.lane.end()) {
    position = {sub.queue.lane, lane->second};
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
    if (position.log == sub.queue.log && sub.parked.contains(offset)) {
      item.state = model::MessageState::waiting;  // until when stands on the disk
    } else if (reserved) {
      item.state = model::MessageState::leased;
    }
    return item;
  }
  const Entry& entry = it->second;
  item.redelivered = entry.redelivered || entry.attempts > 0;
  item.attempt = entry.attempts;
  if (entry.state == DeliveryState::granted) {
    item.attempt = entry.attempts + 1;
    if (!entry.replays) item.state = model::MessageState::leased;
    if (entry.deadline != base::Instant::never()) item.until = entry.deadline;
    if (entry.consumer != nullptr) item.consumer = entry.consumer->info;
  } else if (entry.state == DeliveryState::waiting) {
    if (!entry.replays) item.state = model::MessageState::waiting;
    item.until = entry.due;
  }
  return item;
}

}  // namespace lazaret::core

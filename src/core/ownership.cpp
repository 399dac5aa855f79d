// How queues, topics and subscriptions come to their own shard and leave it again.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;
using model::Offset;
using model::OffsetRange;

/// Bodies copied per step of a deletion: a step must fit into one group.
constexpr std::size_t kEvacuateStep = 256;

std::string title(const model::QueueRecord& record) {
  return std::string(model::name_of(record.kind)) + " " + record.name;
}

}  // namespace

// --- They come ------------------------------------------------------------------------------------------------------

/// It is ours, or its options changed.
void Shard::State::on(QueueAssigned& event) {
  const model::QueueRecord& record = *event.queue;
  const bool relaxed = record.options.durability == model::Durability::relaxed;
  if (Subscription* sub = find(record.subscription)) {
    if (event.ends) return sub->deleting ? void() : begin_deletion(*sub, {});
    const bool other_filter = sub->queue->options.filter != record.options.filter;
    sub->queue = event.queue;
    if (other_filter) change_filter(*sub);
    change_breaker(*sub);
    if (sub->expires()) sweep_by(*sub, now);  // its time to live may be shorter
    if (!sub->log->is_topic) change_durability(*sub->log, relaxed);
    change_limits(*sub->log, record.options);
    if (!sub->log->is_topic) change_deduplication(*sub->log, record.options);
    pumped_later.insert(record.subscription);  // it may have been paused
    if (sub->keys != nullptr) change_key_failure(*sub);
    watch_use(*sub);
    return touch(*sub);
  }
  if (Topic* topic = find_topic(record.subscription)) {
    topic->record = event.queue;
    change_durability(*topic->log, relaxed);
    change_deduplication(*topic->log, record.options);
    return change_retention(*topic->log, record.options);
  }
  if (!event.created) return;
  if (record.kind == model::Kind::topic) {
    Log& log = log_of(record);
    topics[record.subscription] = {event.queue, &log, {}};
    change_deduplication(log, record.options);
    return change_retention(log, record.options);
  }
  const Log* log = find(record.log);
  if (record.reads_topic() && (log == nullptr || log->deleting)) {
    out->effects.emplace_back(ForgetQueue{record.name, record.subscription});  // its topic was deleted meanwhile
    return;
  }
  Subscription& sub = adopt(event.queue);
  if (!sub.log->is_topic) change_deduplication(*sub.log, record.options);
  begin_at(sub, record.start);
  watch_use(sub);
  touch(sub);
  if (sub.expires()) sweep_by(sub, now);
}

void Shard::State::change_durability(Log& log, bool relaxed) {
  log.relaxed = relaxed;
  if (!relaxed) give_up_reserve(log);
}

/// Its own, or its topic's.
Log& Shard::State::log_of(const model::QueueRecord& record) {
  const auto [it, fresh] = logs.try_emplace(record.log);
  Log& log = it->second;
  if (!fresh) return log;
  log.state.log = record.log;
  log.last_trim = now;
  log.is_topic = !record.owns_log();
  log.relaxed = record.options.durability == model::Durability::relaxed;
  change_limits(log, record.options);
  return log;
}

/// A subscription that has nothing yet.
Subscription& Shard::State::adopt(const model::QueueRef& queue) {
  const model::QueueRecord& record = *queue;
  Subscription& sub = subscriptions[record.subscription];
  sub.queue = queue;
  sub.log = &log_of(record);
  sub.log->readers.push_back(&sub);
  change_filter(sub);
  if (record.is_fan_in()) sub.fan_in = std::make_unique<FanIn>();
  if (record.kind == model::Kind::feeder) sub.feeder = std::make_unique<Feeder>();
  if (record.options.order_by_key) {
    sub.keys = std::make_unique<KeyLocks>(record.options.on_key_failure == model::KeyFailure::hold);
  }
  return sub;
}

// --- They go --------------------------------------------------------------------------------------------------------

void Shard::State::on(model::DeleteQueue& command) {
  if (Topic* topic = find_topic(command.subscription); topic != nullptr && !topic->log->deleting) {
    return delete_topic(*topic, command);
  }
  Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) return done(command.origin, Status(Code::NOT_FOUND, "there is no such queue"));
  const auto attached = static_cast<std::uint64_t>(
      std::count_if(sub->consumers.begin(), sub->consumers.end(), [](const Consumer* c) { return bool(c->session); }));
  if (!command.force && attached > 0) {
    return done(command.origin, Status(Code::IN_USE, title(*sub->queue) + " has " + std::to_string(attached) +
                                                         " consumers; delete with force to end them"));
  }
  if (!command.force && sub->unsettled() > 0) {
    return done(command.origin,
                Status(Code::NOT_EMPTY, title(*sub->queue) + " holds " + std::to_string(sub->unsettled()) +
                                            " messages; delete with force to drop them"));
  }
  begin_deletion(*sub, command.origin);
}

void Shard::State::delete_topic(Topic& topic, const model::DeleteQueue& command) {
  const std::size_t readers = topic.log->readers.size();
  if (!command.force && readers > 0) {
    return done(command.origin, Status(Code::NOT_EMPTY,
                                       title(*topic.record) + " has " + std::to_string(readers) +
                                           " subscriptions; delete with force to drop those that have no other topic"));
  }
  topic.delete_origin = command.origin;
  topic.log->deleting = true;
  touch(*topic.log);  // with nobody left it goes when everything of it is on the disk
  out->urgent = out->sync = true;
  const std::vector<Subscription*> ending = topic.log->readers;
  for (Subscription* sub : ending) {
    if (!sub->deleting) begin_deletion(*sub, {});
  }
}

void Shard::State::begin_deletion(Subscription& sub, const model::Origin& origin) {
  const Status gone(Code::NOT_FOUND, title(*sub.queue) + " was deleted");
  for (Consumer* consumer : sub.consumers) {
    consumer->ended = true;
    if (consumer->session) tell(consumer->session, model::ConsumerEnded{consumer->key, gone});
  }
  sub.deleting = true;
  sub.deletes_to = sub.log->state.next;
  sub.delete_origin = origin;
  if (!sub.log->is_topic) sub.log->deleting = true;
  end_isolation(sub);
  end_requests_of(sub);
  touch(sub);
  out->urgent = out->sync = true;
  continue_deletion(sub);
}

/// An ephemeral subscription is in use, or begins to wait for whoever uses it.
void Shard::State::watch_use(Subscription& sub) {
  const bool waits = sub.queue->options.ephemeral && sub.consumers.empty();
  sub.unused_until = waits ? now + model::limits::kEphemeralWaits : base::Instant::never();
  set_alarm(sub);
}

/// Nobody has come.
void Shard::State::end_if_unused(Subscription& sub) {
  if (sub.unused_until <= now && !sub.deleting && !draining) begin_deletion(sub, {});
}

/// Cases keep their messages: what of them still stands in the log is copied out, step by step, then all else goes. A
/// topic may be published to all the while, without a lull.
void Shard::State::continue_deletion(Subscription& sub) {
  Log& log = *sub.log;
  if (log.persisted_end < sub.deletes_to) return;
  model::TrimLog trim;
  trim.range = {model::Offset(0), model::Offset(0)};
  const auto keep = [&](model::Offset offset) {
    if (trim.evacuate.size() < kEvacuateStep && !log.evacuated.contains(offset)) trim.evacuate.push_back(offset);
  };
  const auto keep_all = [&](model::OffsetRange part) {
    for (model::Offset offset = part.begin; offset < part.end && trim.evacuate.size() < kEvacuateStep;
         offset = offset.next()) {
      keep(offset);
    }
  };
  const model::OffsetRange all{model::Offset(0), sub.deletes_to};
  sub.admitted.for_each_in(all, keep_all);
  if (sub.book != nullptr) sub.book->discarded.for_each_in(all, keep_all);
  for (const auto& [origin, lane_offset] : sub.lane) keep(origin);
  if (trim.evacuate.empty()) return finish_deletion(sub);
  for (const model::Offset offset : trim.evacuate) log.evacuated.insert(offset);
  trim.state = log_state(log);
  mutate(std::move(trim), true);
  touch(sub);  // its Persisted is the next step
}

void Shard::State::finish_deletion(Subscription& sub) {
  const std::uint64_t open_cases = sub.counters.in_hospital + sub.lane.size();
  for (const auto& [origin, lane_offset] : sub.lane) {
    recall(sub, sub.entries.at({sub.queue->lane, lane_offset}), origin, "the queue was deleted");
  }
  leave_orphans(sub);
  const bool keep_log = sub.log->is_topic;
  drop_copies(sub, {model::Offset(0), sub.log->state.next});
  if (keep_log) leave_log(sub);
  mutate(model::DropSubscription{sub.queue->subscription, sub.queue->log, sub.queue->lane, keep_log}, true);
  out->effects.emplace_back(ForgetQueue{sub.queue->name, sub.queue->subscription});
  done(sub.delete_origin, {}, open_cases);

  for (auto& [position, entry] : sub.entries) {
    if (entry.consumer == nullptr) continue;
    load_changed(entry.consumer->key.instance, counts_as_begun(entry) ? -1 : 0, -1);
    entry.consumer->out.erase(entry.delivery);
  }
  waiting_in_memory -= sub.waiting.size();
  window_bytes -= sub.window_bytes + (sub.levels == nullptr ? 0 : sub.levels->window_bytes);
  if (sub.aside != nullptr) {
    window_bytes -= sub.aside->bytes;
    set_aside_messages -= sub.aside->size();
  }
  if (sub.keys != nullptr) {
    window_bytes -= sub.keys->bytes();
    held_messages -= sub.keys->held().size();
  }
  const std::vector<Consumer*> ending = sub.consumers;
  for (Consumer* consumer : ending) {
    if (const auto session = sessions.find(consumer->session); session != sessions.end()) {
      session->second.erase(consumer->key);
    }
    if (const auto it = instances.find(consumer->key.instance); it != instances.end()) {
      it->second.consumers.erase(consumer->key.number);
    }
    const auto same = [&](const auto& delivery) { return delivery.first == consumer; };
    deliveries.erase(std::remove_if(deliveries.begin(), deliveries.end(), same), deliveries.end());
    consumers.erase(consumer->key);
  }
  const model::SubscriptionId id = sub.queue->subscription;
  if (sub.feeder != nullptr) {
    feeding_bytes -= sub.feeder->bytes;
    pumped_later.merge(feeders_held_up);
  }
  alarms.erase({sub.alarm, id});
  dirty.erase(id);
  pumped_later.erase(id);
  Log& log = *sub.log;
  std::erase(log.readers, &sub);
  drop_breaker(sub);
  leave_level(sub);
  quarantined.erase(id);
  subscriptions.erase(id);
  if (!keep_log) {
    dirty_logs.erase(log.state.log);
    logs.erase(model::LogId(log.state.log));
  } else if (log.readers.empty()) {
    if (log.deleting) touch(log);
  }
}

/// Copies that only this subscription needed go; those of its cases stay as long as the topic does.
void Shard::State::leave_log(Subscription& sub) {
  Log& log = *sub.log;
  const auto keep = [&log](OffsetRange part) { log.kept.insert(part); };
  sub.admitted.for_each_in({Offset(0), log.state.next}, keep);
  if (sub.book != nullptr) sub.book->discarded.for_each_in({Offset(0), log.state.next}, keep);
  for (const auto& [origin, lane_offset] : sub.lane) log.kept.insert(origin);
  std::vector<Offset> copies;
  log.evacuated.for_each_in({Offset(0), log.state.next}, [&](OffsetRange part) {
    for (Offset offset = part.begin; offset < part.end; offset = offset.next()) copies.push_back(offset);
  });
  std::erase(log.readers, &sub);
  for (const Offset offset : copies) {
    if (drop_copy(log, offset)) mutate(model::DropEvacuated{log.state.log, offset, log.state.prioritised}, true);
  }
  mutate(model::PutLog{log_state(log)}, true);
}

/// REQUIRES that nobody reads it.
void Shard::State::finish_deletion(Topic& topic) {
  const model::QueueRef queue = topic.record;
  const model::QueueRecord& record = *queue;
  mutate(model::DropLog{record.subscription, record.log, topic.log->kept.ranges()}, true);
  out->effects.emplace_back(ForgetQueue{record.name, record.subscription});
  done(topic.delete_origin, {});
  dirty_logs.erase(record.log);
  log_alarms.erase({topic.log->alarm, record.log});
  logs.erase(record.log);
  topics.erase(record.subscription);
}

}  // namespace lazaret::core

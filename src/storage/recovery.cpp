#include "storage/recovery.h"

#include <algorithm>
#include <map>

#include "model/key_hold.h"
#include "model/limits.h"
#include "storage/audit_trail.h"
#include "storage/case_history.h"
#include "storage/message_reader.h"
#include "storage/outbox.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;
using keys::Kind;
using model::LogId;
using model::Offset;
using model::ShardId;

Status damaged(std::string what) { return {Code::STORAGE_DAMAGED, std::move(what) + " cannot be decoded"}; }

/// Scans a prefix; `take(key, value)` gives false for a record that cannot be decoded.
template <class Take>
Status scan(Database& database, Family family, const std::string& prefix, const std::string& what, Take take) {
  bool good = true;
  LZ_RETURN_IF_ERROR(database.scan(family, prefix, [&](std::string_view key, std::string_view value) {
    good = take(key, value);
    return good;
  }));
  return good ? Status() : damaged(what);
}

/// What the schedule says of a message: all that there is of one that waits for its first delivery.
model::RecoveredDelivery scheduled_at(std::string_view key, std::string_view value, std::size_t prefix) {
  model::RecoveredDelivery delivery;
  delivery.log = LogId(keys::number_at(key, prefix + 8));
  delivery.record.offset = Offset(keys::last_number(key));
  delivery.record.state = model::DeliveryState::waiting;
  delivery.record.due.us = static_cast<std::int64_t>(keys::number_at(key, prefix));
  delivery.record.scheduled = keys::is_scheduled(value);
  if (delivery.record.scheduled) delivery.record.priority = keys::scheduled_priority(value);
  return delivery;
}

Status recover_producers(Database& database, ShardId shard, model::RecoveredLog& log) {
  const std::string prefix = keys::log_prefix(shard, log.state.log);
  Status status =
      scan(database, Family::dedup, prefix, "a producer's record", [&](std::string_view key, std::string_view value) {
        const bool is_state = key[prefix.size() + 16] == 0;
        if (!is_state) return !log.producers.empty() && decode(value, log.producers.back().window);
        model::RecoveredProducer& producer = log.producers.emplace_back();
        const auto id = base::Uuid::from_raw(key.substr(prefix.size(), 16));
        producer.state.producer = *id;
        return decode(value, producer.state);
      });
  for (model::RecoveredProducer& producer : log.producers) {
    auto& window = producer.window;
    std::sort(window.begin(), window.end(), [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
    const std::uint64_t highest = producer.state.highest;
    std::erase_if(window, [&](const auto& entry) {
      return entry.sequence < highest && highest - entry.sequence >= model::limits::kDedupWindow;
    });
  }
  return status;
}

Status recover_log(Database& database, ShardId shard, LogId id, std::uint64_t entered, model::RecoveredLog& log) {
  const auto bytes = database.get(Family::state, keys::log_state(shard, id));
  if (!bytes.ok()) return bytes.status();
  if (*bytes && !decode(**bytes, log.state)) return damaged("the state of log " + std::to_string(id.value));
  log.state.log = id;
  const auto end = MessageReader(database, nullptr).end_of(shard, id, log.state.next, entered);
  if (!end.ok()) return end.status();
  log.state.next = *end;
  LZ_RETURN_IF_ERROR(
      database.scan(Family::evacuated, keys::log_prefix(shard, id), [&](std::string_view key, std::string_view) {
        log.evacuated.push_back(Offset(keys::last_number(key)));
        return true;
      }));
  LZ_RETURN_IF_ERROR(recover_producers(database, shard, log));
  return scan(database, Family::dedup, keys::ids_prefix(shard, id), "the ids of messages",
              [&](std::string_view, std::string_view value) { return decode(value, log.ids.emplace_back()); });
}

/// What waits for its first delivery: the schedule is all that there is of it. Beyond the earliest, which come to
/// `waiting`, only their offsets.
Status recover_schedule(Database& database, ShardId shard, const model::QueueRecord& queue,
                        model::RecoveredSubscription& sub, std::vector<model::RecoveredDelivery>& waiting) {
  std::size_t earliest = 0;
  const std::string prefix = keys::schedule_prefix(shard, queue.subscription);
  return database.scan(Family::schedule, prefix, [&](std::string_view key, std::string_view value) {
    if (!keys::is_scheduled(value)) return true;
    if (earliest < model::limits::kWaitingInMemory) {
      ++earliest;
      waiting.push_back(scheduled_at(key, value, prefix.size()));
    } else {
      sub.parked_scheduled.push_back(Offset(keys::last_number(key)));
    }
    return true;
  });
}

Status recover_deliveries(Database& database, ShardId shard, const model::QueueRecord& queue,
                          model::RecoveredSubscription& sub) {
  const std::string prefix = keys::Key(shard, Kind::delivery).add(queue.subscription.value).str();
  std::vector<model::RecoveredDelivery> waiting;
  LZ_RETURN_IF_ERROR(
      scan(database, Family::state, prefix, "a delivery record", [&](std::string_view key, std::string_view value) {
        model::RecoveredDelivery delivery;
        delivery.log = LogId(keys::number_at(key, prefix.size()));
        delivery.record.offset = Offset(keys::last_number(key));
        if (!decode(value, delivery.record)) return false;
        const bool waits = delivery.record.state == model::DeliveryState::waiting;
        (waits ? waiting : sub.deliveries).push_back(delivery);
        return true;
      }));
  LZ_RETURN_IF_ERROR(recover_schedule(database, shard, queue, sub, waiting));
  std::stable_sort(waiting.begin(), waiting.end(),
                   [](const auto& a, const auto& b) { return a.record.due < b.record.due; });
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const bool in_memory = i < model::limits::kWaitingInMemory || waiting[i].log == queue.lane;
    if (in_memory) {
      sub.deliveries.push_back(waiting[i]);
    } else {
      (waiting[i].record.scheduled ? sub.parked_scheduled : sub.parked).push_back(waiting[i].record.offset);
      if (const auto& key = waiting[i].record.key) sub.parked_keys.push_back({waiting[i].record.offset, *key});
    }
  }
  std::sort(sub.parked.begin(), sub.parked.end());
  std::sort(sub.parked_scheduled.begin(), sub.parked_scheduled.end());
  return {};
}

/// The cases are read themselves: the indexes say nothing of keys.
Status recover_keys_of_cases(Database& database, ShardId shard, const model::QueueRecord& queue,
                             model::RecoveredSubscription& sub) {
  std::vector<Offset> open = sub.admitted;
  for (const model::LaneEntry& entry : sub.lane) open.push_back(entry.target.offset);
  std::sort(open.begin(), open.end());
  for (const Offset offset : open) {
    const model::CaseId id{shard, queue.subscription, queue.log, offset};
    const auto bytes = database.get(Family::hospital, keys::case_record(id));
    if (!bytes.ok()) return bytes.status();
    model::CaseRecord record;
    if (!*bytes || !decode(**bytes, record)) return damaged("case " + id.to_string());
    if (record.key) sub.case_keys.push_back({offset, record.key, model::holds_key(record)});
  }
  return {};
}

Status recover_cases(Database& database, ShardId shard, const model::QueueRecord& queue,
                     model::RecoveredSubscription& sub) {
  const std::string by_subscription = keys::Key(shard).add(std::uint8_t{2}).add(queue.subscription.value).str();
  LZ_RETURN_IF_ERROR(
      database.scan(Family::hospital_index, by_subscription, [&](std::string_view key, std::string_view value) {
        const auto state = value.size() == 1 ? static_cast<model::CaseState>(value[0]) : model::CaseState::discharged;
        if (state == model::CaseState::admitted) sub.admitted.push_back(Offset(keys::last_number(key)));
        if (state == model::CaseState::discarded) sub.discarded.push_back(Offset(keys::last_number(key)));
        return true;
      }));
  std::sort(sub.admitted.begin(), sub.admitted.end());
  std::sort(sub.discarded.begin(), sub.discarded.end());
  LZ_RETURN_IF_ERROR(recover_case_history(database, shard, queue.subscription, sub));
  const std::string lane = keys::Key(shard, Kind::lane_entry).add(queue.subscription.value).str();
  LZ_RETURN_IF_ERROR(
      scan(database, Family::state, lane, "a lane entry", [&](std::string_view key, std::string_view value) {
        model::LaneEntry entry;
        if (!decode(value, entry)) return false;
        entry.offset = Offset(keys::last_number(key));
        entry.target.shard = shard;
        entry.target.subscription = queue.subscription;
        sub.lane.push_back(entry);
        return true;
      }));
  return queue.options.order_by_key ? recover_keys_of_cases(database, shard, queue, sub) : Status();
}

Status recover_requests(Database& database, ShardId shard, const model::QueueRecord& queue,
                        model::RecoveredSubscription& sub) {
  const std::string prefix = keys::Key(shard, Kind::request).add(queue.subscription.value).str();
  return scan(database, Family::state, prefix, "a request", [&](std::string_view key, std::string_view value) {
    const auto id = base::Uuid::from_raw(key.substr(prefix.size()));
    if (!id) return false;
    model::RequestRecord& record = sub.requests.emplace_back();
    record.id = *id;
    return decode(value, record);
  });
}

Status recover_quarantines(Database& database, ShardId shard, const model::QueueRecord& queue,
                           model::RecoveredSubscription& sub) {
  const std::string prefix = keys::Key(shard, Kind::quarantine).add(queue.subscription.value).str();
  return scan(database, Family::state, prefix, "a quarantine rule", [&](std::string_view key, std::string_view value) {
    model::QuarantineRecord& record = sub.quarantines.emplace_back();
    record.subscription = queue.subscription;
    record.number = keys::last_number(key);
    return decode(value, record);
  });
}

Status recover_subscription(Database& database, ShardId shard, const model::QueueRecord& queue,
                            std::optional<model::RecoveredSubscription>& found) {
  const auto bytes = database.get(Family::state, keys::subscription(shard, queue.subscription));
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return {};
  model::RecoveredSubscription sub;
  if (!decode(**bytes, sub.state)) return damaged("the state of queue " + queue.name);
  sub.state.subscription = queue.subscription;
  const std::string chunks = keys::Key(shard, Kind::ack_chunk).add(queue.subscription.value).add(queue.log.value).str();
  LZ_RETURN_IF_ERROR(
      scan(database, Family::state, chunks, "an ack chunk", [&](std::string_view key, std::string_view value) {
        model::AckChunk& chunk = sub.chunks.emplace_back();
        chunk.number = keys::last_number(key);
        return decode(value, chunk);
      }));
  LZ_RETURN_IF_ERROR(recover_deliveries(database, shard, queue, sub));
  LZ_RETURN_IF_ERROR(recover_cases(database, shard, queue, sub));
  LZ_RETURN_IF_ERROR(recover_requests(database, shard, queue, sub));
  LZ_RETURN_IF_ERROR(recover_quarantines(database, shard, queue, sub));
  found = std::move(sub);
  return {};
}

/// Subscriptions first: they say how far a log must reach whose last run is damaged.
Status recover_queues(Database& database, ShardId shard, std::vector<model::RecoveredQueue>& queues) {
  std::map<LogId, std::uint64_t> entered;
  for (model::RecoveredQueue& queue : queues) {
    LZ_RETURN_IF_ERROR(recover_subscription(database, shard, *queue.queue, queue.subscription));
    if (!queue.subscription) continue;
    std::uint64_t& to = entered[queue.queue->log];
    for (const model::SourceState& source : queue.subscription->state.sources) {
      to = std::max(to, source.entered_to.value);
    }
    // As long as nobody has written it since, every message of a queue has entered once.
    const bool by_count = to == 0 && queue.queue->kind == model::Kind::queue;
    if (by_count) to = queue.subscription->state.counters.entered;
  }
  for (model::RecoveredQueue& queue : queues) {
    if (queue.queue->reads_topic()) continue;  // its log is its topic's
    LZ_RETURN_IF_ERROR(recover_log(database, shard, queue.queue->log, entered[queue.queue->log], queue.log));
  }
  return {};
}

/// REQUIRES the queues, ascending.
Status recover_orphaned(Database& database, ShardId shard, model::RecoveredShard& recovered) {
  const auto& queues = recovered.queues;
  const auto named = [&queues](model::SubscriptionId id) {
    const auto at =
        std::lower_bound(queues.begin(), queues.end(), id,
                         [](const auto& queue, model::SubscriptionId one) { return queue.queue->subscription < one; });
    return at != queues.end() && at->queue->subscription == id;
  };
  auto orphaned = read_orphaned(database, shard, named);
  if (!orphaned.ok()) return orphaned.status();
  recovered.orphaned_cases = std::move(*orphaned);
  return {};
}

Status recover_shard(Database& database, ShardId shard, model::RecoveredShard& recovered) {
  const auto meta = database.get(Family::state, keys::shard_meta(shard));
  if (!meta.ok()) return meta.status();
  if (*meta && !decode(**meta, recovered.meta)) return damaged("the record of shard " + std::to_string(shard.value));
  const std::string instances = keys::Key(shard, Kind::instance).str();
  return scan(database, Family::state, instances, "an instance record",
              [&](std::string_view key, std::string_view value) {
                model::InstanceRecord& instance = recovered.instances.emplace_back();
                const auto id = base::Uuid::from_raw(key.substr(instances.size()));
                if (!id) return false;
                instance.id = *id;
                return decode(value, instance);
              });
}

}  // namespace

base::Result<std::vector<model::RecoveredShard>> recover(Database& database, std::uint16_t shards) {
  std::vector<model::RecoveredShard> recovered(shards);
  for (std::uint16_t i = 0; i < shards; ++i) {
    if (Status status = recover_shard(database, ShardId(i), recovered[i]); !status.ok()) return status;
    if (Status status = recover_outboxes(database, shards, ShardId(i), recovered[i]); !status.ok()) return status;
  }
  if (Status status = recover_audit(database, recovered[0]); !status.ok()) return status;
  Status status = scan(database, Family::catalog, keys::queue(""), "a queue's record",
                       [&](std::string_view, std::string_view value) {
                         model::QueueRecord queue;
                         if (!decode(value, queue) || queue.shard.value >= shards) return false;
                         auto& queues = recovered[queue.shard.value].queues;
                         queues.push_back({std::make_shared<const model::QueueRecord>(std::move(queue)), {}, {}});
                         return true;
                       });
  if (!status.ok()) return status;
  for (std::uint16_t i = 0; i < shards; ++i) {
    auto& queues = recovered[i].queues;
    std::sort(queues.begin(), queues.end(),
              [](const auto& a, const auto& b) { return a.queue->subscription < b.queue->subscription; });
    if (status = recover_queues(database, ShardId(i), queues); !status.ok()) return status;
    if (status = recover_orphaned(database, ShardId(i), recovered[i]); !status.ok()) return status;
  }
  return recovered;
}

base::Result<std::vector<model::RecoveredDelivery>> read_waiting(Database& database, ShardId shard,
                                                                 model::SubscriptionId subscription,
                                                                 model::WaitingPlace after, std::size_t max,
                                                                 const rocksdb::Snapshot* snapshot) {
  std::vector<model::RecoveredDelivery> records;
  const std::string prefix = keys::schedule_prefix(shard, subscription);
  // The first key behind: one that is longer.
  const std::string from = keys::scheduled(shard, subscription, after.due, after.log, after.offset) + '\0';
  Status status = database.scan_range(
      Family::schedule, from, keys::behind(prefix),
      [&](std::string_view key, std::string_view value) {
        records.push_back(scheduled_at(key, value, prefix.size()));
        return records.size() < max;
      },
      snapshot);
  if (!status.ok()) return status;
  for (model::RecoveredDelivery& delivery : records) {
    if (delivery.record.scheduled) continue;
    const Offset offset = delivery.record.offset;
    const auto bytes = database.get(Family::state, keys::delivery(shard, subscription, delivery.log, offset), snapshot);
    if (!bytes.ok()) return bytes.status();
    if (!*bytes || !decode(**bytes, delivery.record)) return damaged("a delivery record");
    delivery.record.offset = offset;
  }
  return records;
}

}  // namespace lazaret::storage

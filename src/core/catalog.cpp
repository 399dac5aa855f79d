// Queues by name (shard 0 owns the catalog), and how a queue comes to its own shard and leaves it again.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;

/// Bodies copied per step of a deletion: a step must fit into one group.
constexpr std::size_t kEvacuateStep = 256;

model::QueueAnswer refusal(const model::Origin& origin, Status status) {
  return {origin.request, std::move(status), std::nullopt, false};
}

}  // namespace

void Shard::State::on(model::CreateQueue& command) {
  const auto refuse = [&](Status status) { tell(command.origin.session, refusal(command.origin, std::move(status))); };
  if (Status status = model::validate_name(command.name); !status.ok()) return refuse(status);
  if (Status status = model::validate(command.options); !status.ok()) return refuse(status);
  if (const auto it = catalog.find(command.name); it != catalog.end()) {
    if (!command.ensure) return refuse(Status(Code::ALREADY_EXISTS, "there is a queue " + command.name + " already"));
    const std::string difference = model::difference(it->second.options, command.options);
    if (!difference.empty()) {
      return refuse(Status(Code::OPTIONS_MISMATCH, "queue " + command.name + " exists: " + difference));
    }
    return tell(command.origin.session, model::QueueAnswer{command.origin.request, {}, it->second, false});
  }
  model::QueueRecord queue;
  queue.name = command.name;
  queue.options = command.options;
  queue.created_at = now;
  if (!command.colocate_with.empty()) {
    const auto neighbour = catalog.find(command.colocate_with);
    if (neighbour == catalog.end()) {
      return refuse(Status(Code::NOT_FOUND, "there is no queue " + command.colocate_with + " to be beside"));
    }
    queue.shard = neighbour->second.shard;
  } else {
    queue.shard = model::ShardId(static_cast<std::uint16_t>(catalog.size() % config.shards));
  }
  queue.subscription = model::SubscriptionId(next_id++);
  queue.log = model::LogId(next_id++);
  queue.lane = model::LogId(next_id++);
  catalog.emplace(queue.name, queue);
  mutate(model::PutQueue{queue}, true);
  out->effects.emplace_back(AssignQueue{queue, true});
  tell(command.origin.session, model::QueueAnswer{command.origin.request, {}, queue, true});
}

void Shard::State::on(model::UpdateQueue& command) {
  const auto refuse = [&](Status status) { tell(command.origin.session, refusal(command.origin, std::move(status))); };
  const auto it = catalog.find(command.name);
  if (it == catalog.end()) return refuse(Status(Code::NOT_FOUND, "there is no queue " + command.name));
  const auto options = command.options.apply_to(it->second.options);
  if (!options.ok()) return refuse(options.status());
  if (Status status = model::validate(*options); !status.ok()) return refuse(status);
  it->second.options = *options;
  mutate(model::PutQueue{it->second}, true);
  out->effects.emplace_back(AssignQueue{it->second, false});
  tell(command.origin.session, model::QueueAnswer{command.origin.request, {}, it->second, false});
}

/// The queue is ours, or its options changed.
void Shard::State::on(QueueAssigned& event) {
  if (Subscription* sub = find(event.queue.subscription)) {
    sub->queue.options = event.queue.options;
    if (!sub->is_relaxed()) give_up_reserve(*sub);
    touch(*sub);
    return;
  }
  if (event.created) touch(adopt(event.queue));
}

void Shard::State::on(QueueRemoved& event) {
  const auto it = catalog.find(event.name);
  if (it == catalog.end() || it->second.subscription != event.subscription) return;
  catalog.erase(it);
  mutate(model::DropQueue{event.name}, true);
}

void Shard::State::on(model::DeleteQueue& command) {
  Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) return done(command.origin, Status(Code::NOT_FOUND, "there is no such queue"));
  const auto attached = static_cast<std::uint64_t>(
      std::count_if(sub->consumers.begin(), sub->consumers.end(), [](const Consumer* c) { return bool(c->session); }));
  if (!command.force && attached > 0) {
    return done(command.origin, Status(Code::IN_USE, "queue " + sub->queue.name + " has " + std::to_string(attached) +
                                                         " consumers; delete with force to end them"));
  }
  if (!command.force && sub->unsettled() > 0) {
    return done(command.origin,
                Status(Code::NOT_EMPTY, "queue " + sub->queue.name + " holds " + std::to_string(sub->unsettled()) +
                                            " messages; delete with force to drop them"));
  }
  const Status gone(Code::NOT_FOUND, "queue " + sub->queue.name + " was deleted");
  for (Consumer* consumer : sub->consumers) {
    consumer->ended = true;
    if (consumer->session) tell(consumer->session, model::ConsumerEnded{consumer->key, gone});
  }
  sub->deleting = true;
  sub->delete_origin = command.origin;
  end_isolation(*sub);
  touch(*sub);
  out->urgent = out->sync = true;
  continue_deletion(*sub);
}

/// Cases keep their messages: what of them still stands in the log is copied out, step by step, then all else goes.
void Shard::State::continue_deletion(Subscription& sub) {
  Log& log = sub.log;
  if (log.persisted_end < log.state.next) return;  // go on when everything is on the disk
  model::TrimLog trim;
  trim.range = {model::Offset(0), model::Offset(0)};
  const auto keep = [&](model::Offset offset) {
    if (trim.evacuate.size() < kEvacuateStep && !log.evacuated.contains(offset)) trim.evacuate.push_back(offset);
  };
  sub.admitted.for_each_in({model::Offset(0), log.state.next}, [&](model::OffsetRange part) {
    for (model::Offset offset = part.begin; offset < part.end && trim.evacuate.size() < kEvacuateStep;
         offset = offset.next()) {
      keep(offset);
    }
  });
  for (const auto& [origin, lane_offset] : sub.lane) keep(origin);
  if (trim.evacuate.empty()) return finish_deletion(sub);
  for (const model::Offset offset : trim.evacuate) log.evacuated.insert(offset);
  trim.state = log_state(sub);
  mutate(std::move(trim), true);
  touch(sub);  // its Persisted is the next step
}

void Shard::State::finish_deletion(Subscription& sub) {
  for (const auto& [origin, lane_offset] : sub.lane) {
    recall(sub, sub.entries.at({sub.queue.lane, lane_offset}), origin);
  }
  mutate(model::DropSubscription{sub.queue.subscription, sub.queue.log, sub.queue.lane}, true);
  out->effects.emplace_back(ForgetQueue{sub.queue.name, sub.queue.subscription});
  done(sub.delete_origin, {});

  for (auto& [position, entry] : sub.entries) {
    if (entry.consumer == nullptr) continue;
    load_changed(entry.consumer->key.instance, counts_as_begun(entry) ? -1 : 0, -1);
    entry.consumer->out.erase(entry.delivery);
  }
  waiting_in_memory -= sub.waiting.size();
  window_bytes -= sub.window_bytes;
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
  const model::SubscriptionId id = sub.queue.subscription;
  alarms.erase({sub.alarm, id});
  dirty.erase(id);
  pumped_later.erase(id);
  subscriptions.erase(id);
}

}  // namespace lazaret::core

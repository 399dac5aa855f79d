// Queues, topics and subscriptions by name: the catalog, which shard 0 owns.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Status;

model::QueueAnswer refusal(const model::Origin& origin, Status status) {
  return {origin.request, std::move(status), nullptr, false};
}

}  // namespace

void Shard::State::on(model::CreateQueue& command) {
  const auto refuse = [&](Status status) { tell(command.origin.session, refusal(command.origin, std::move(status))); };
  if (Status status = model::validate_name(command.name); !status.ok()) return refuse(status);
  if (Status status = model::validate(command.options); !status.ok()) return refuse(status);
  if (command.topics.size() == 1) command.topic = command.topics.front();
  if (const auto it = catalog.find(command.name); it != catalog.end()) {
    const std::string what = std::string(model::name_of(it->second->kind)) + " " + command.name;
    if (!command.ensure || it->second->kind != command.kind) {
      return refuse(Status(Code::ALREADY_EXISTS, "there is a " + what + " already"));
    }
    if (command.kind == model::Kind::subscription) command.options.durability = it->second->options.durability;
    std::string difference = model::difference(it->second->options, command.options);
    if (command.topics.empty() && !command.topic.empty()) command.topics = {command.topic};
    if (std::string other = model::other_topics(*it->second, command.topics); !other.empty()) difference = other;
    if (!difference.empty()) return refuse(Status(Code::OPTIONS_MISMATCH, what + " exists: " + difference));
    return tell(command.origin.session, model::QueueAnswer{command.origin.request, {}, it->second, false});
  }
  model::QueueRecord record;
  record.name = command.name;
  record.kind = command.kind;
  record.options = command.options;
  record.created_at = now;
  // Where its topic ends another shard knows.
  const Status future = model::start_problem(command.start, model::Offset(~std::uint64_t{0}), now);
  if (!future.ok()) return refuse(future);
  command.start = model::meant_at(command.start, now);
  if (Status status = place(command, record); !status.ok()) return refuse(status);
  mutate(model::PutQueue{record}, true);
  const auto queue = std::make_shared<const model::QueueRecord>(std::move(record));
  catalog.emplace(queue->name, queue);
  out->effects.emplace_back(AssignQueue{queue, true});
  create_feeders(*queue);
  tell(command.origin.session, model::QueueAnswer{command.origin.request, {}, queue, true});
}

/// Where it is, and its ids. A subscription is where its topic is, reads its log, and is as durable.
Status Shard::State::place(const model::CreateQueue& command, model::QueueRecord& record) {
  if (command.topics.size() > 1) return place_fan_in(command, record);
  const bool subscribes = command.kind == model::Kind::subscription;
  const std::string& beside = subscribes ? command.topic : command.colocate_with;
  const auto neighbour = catalog.find(beside);
  if (subscribes && (neighbour == catalog.end() || neighbour->second->kind != model::Kind::topic)) {
    return Status(Code::NOT_FOUND, "there is no topic " + beside);
  }
  if (!beside.empty() && neighbour == catalog.end()) {
    return Status(Code::NOT_FOUND, "there is no queue " + beside + " to be beside");
  }
  record.shard = neighbour != catalog.end()
                     ? neighbour->second->shard
                     : model::ShardId(static_cast<std::uint16_t>(catalog.size() % config.shards));
  record.subscription = model::SubscriptionId(next_id++);
  record.log = subscribes ? neighbour->second->log : model::LogId(next_id++);
  record.lane = model::LogId(next_id++);
  if (subscribes) {
    record.topic = command.topic;
    record.start = command.start;
    record.options.durability = neighbour->second->options.durability;
  }
  return {};
}

void Shard::State::on(model::UpdateQueue& command) {
  const auto refuse = [&](Status status) { tell(command.origin.session, refusal(command.origin, std::move(status))); };
  const auto it = catalog.find(command.name);
  if (it == catalog.end() || it->second->kind == model::Kind::feeder) {
    return refuse(Status(Code::NOT_FOUND, "there is no queue " + command.name));
  }
  if (Status status = command.options->validate_for(it->second->kind); !status.ok()) return refuse(status);
  const auto options = command.options->apply_to(it->second->options);
  if (!options.ok()) return refuse(options.status());
  if (Status status = model::validate(*options); !status.ok()) return refuse(status);
  if (options->order_by_key != it->second->options.order_by_key) {
    return refuse(Status(Code::INVALID_OPTION, "order_by_key cannot be changed: it is fixed at creation"));
  }
  change_options(it->second, *options);
  if (it->second->kind == model::Kind::topic) change_readers(*it->second);
  change_feeders(*it->second);
  tell(command.origin.session, model::QueueAnswer{command.origin.request, {}, it->second, false});
}

void Shard::State::change_options(model::QueueRef& record, const model::QueueOptions& options) {
  auto other = std::make_shared<model::QueueRecord>(*record);
  other->options = options;
  mutate(model::PutQueue{*other}, true);
  record = std::move(other);
  out->effects.emplace_back(AssignQueue{record, false});
}

void Shard::State::on(QueueRemoved& event) {
  const auto it = catalog.find(event.name);
  if (it == catalog.end() || it->second->subscription != event.subscription) return;
  const model::QueueRef gone = std::move(it->second);
  catalog.erase(it);
  mutate(model::DropQueue{event.name}, true);
  part_of_fan_in_removed(*gone);
}

}  // namespace lazaret::core

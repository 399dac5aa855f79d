#include "admin/broker.h"

#include <algorithm>
#include <tuple>

#include "admin/desk_wait.h"
#include "engine/audit_trail.h"

namespace lazaret::admin {

using base::Code;
using base::Result;
using base::Status;

Result<engine::QueueRef> find_named(const Broker& broker, const std::string& name, model::Kind kind) {
  if (auto found = broker.engine.directory().find(name); found != nullptr && found->kind == kind) return found;
  return Status(Code::NOT_FOUND, "there is no " + std::string(model::name_of(kind)) + " " + name);
}

Result<engine::QueueRef> find_or_create_queue(const Broker& broker, const Request& request, const std::string& name) {
  auto queue = find_named(broker, name, model::Kind::queue);
  if (queue.ok() || !broker.config.auto_create) return queue;
  model::CreateQueue create;
  create.name = name;
  create.options = broker.config.defaults;
  // Publishes are not noted in the audit trail; that one has made a queue is.
  model::AuditCall call{request.actor.empty() ? request.peer : request.actor,
                        request.peer,
                        engine::operation_on("put", model::Kind::queue),
                        name,
                        {{"auto_create", "true"}}};
  engine::AuditTrail& trail = broker.engine.audit();
  auto begun = trail.begin(std::move(call), request.deadline);
  if (!begun.ok()) return begun.status();
  const auto created = ask<model::QueueAnswer>(broker.desk, model::ShardId(0), create, request.deadline);
  model::AuditChange change;
  if (created.ok()) change = engine::change_of(nullptr, created->queue->options);
  const auto outcome = engine::AuditOutcome::of(created.ok() ? Status() : created.status(), std::move(change));
  LZ_RETURN_IF_ERROR(trail.end(std::move(*begun), outcome, std::chrono::steady_clock::now() + kAskDeadline));
  // Somebody else may have been faster.
  if (!created.ok() && created.code() != Code::ALREADY_EXISTS) return created.status();
  return find_named(broker, name, model::Kind::queue);
}

Result<engine::QueueRef> find_or_create_destination(const Broker& broker, const Request& request,
                                                    const std::string& name) {
  auto found = broker.engine.directory().destination(name);
  if (found.code() != Code::NOT_FOUND || !broker.config.auto_create) return found;
  return find_or_create_queue(broker, request, name);
}

namespace {

/// What the feeders of subscriptions of several topics say, asked together.
Status add_sources(Broker& broker, std::vector<model::QueueStats>& all, Deadline deadline) {
  std::vector<std::tuple<model::QueueStats*, std::string, Pending<model::QueueStats>>> asked;
  for (model::QueueStats& stats : all) {
    for (const model::FanInSource& source : stats.queue.sources) {
      if (source.gone) continue;
      asked.emplace_back(&stats, source.topic,
                         send<model::QueueStats>(broker.desk, source.shard, model::ShowQueue{{}, source.feeder}));
    }
  }
  for (auto& [stats, topic, pending] : asked) {
    const auto feeder = wait(pending, deadline);
    if (feeder.code() == Code::NOT_FOUND) continue;  // it comes, or goes, with its topic
    if (!feeder.ok()) return feeder.status();
    const model::Counters& sums = feeder->counters;
    stats->sources.push_back(
        {topic, feeder->ready, sums.lost_to_retention, sums.filtered, sums.in_hospital, feeder->retention_used});
    stats->retention_used = std::max(stats->retention_used, feeder->retention_used);
  }
  return {};
}

}  // namespace

Result<std::vector<model::QueueStats>> show_queues(Broker& broker, const std::vector<engine::QueueRef>& queues,
                                                   Deadline deadline) {
  std::vector<Pending<model::QueueStats>> asked;
  asked.reserve(queues.size());
  for (const auto& queue : queues) {
    asked.push_back(send<model::QueueStats>(broker.desk, queue->shard, model::ShowQueue{{}, queue->subscription}));
  }
  std::vector<model::QueueStats> all;
  for (auto& pending : asked) {
    auto stats = wait(pending, deadline);
    if (stats.code() == Code::NOT_FOUND) continue;  // deleted since it was listed
    if (!stats.ok()) return stats.status();
    all.push_back(std::move(stats).value());
  }
  LZ_RETURN_IF_ERROR(add_sources(broker, all, deadline));
  for (model::QueueStats& stats : all) {
    if (stats.oldest_ready_at || stats.ready == 0 || stats.oldest_ready >= stats.log_end) continue;
    const auto oldest = read_message(broker, stats.queue.shard, stats.queue.log, stats.oldest_ready);
    if (oldest.ok() && *oldest != nullptr) stats.oldest_ready_at = (*oldest)->published_at;
  }
  return all;
}

Result<model::QueueStats> show_queue(Broker& broker, const model::QueueRecord& queue, Deadline deadline) {
  auto stats = show_queues(broker, {std::make_shared<const model::QueueRecord>(queue)}, deadline);
  if (!stats.ok()) return stats.status();
  if (stats->empty()) return Status(Code::NOT_FOUND, "there is no queue " + queue.name);
  return std::move(stats->front());
}

Result<model::MessageRef> read_message(Broker& broker, model::ShardId shard, model::LogId log, model::Offset offset) {
  auto page = broker.engine.store().read_messages(shard, log, offset, offset.next(), 1, 1);
  if (!page.ok()) return page.status();
  for (const model::PagedMessage& one : page->messages) {
    if (one.offset == offset) return one.message;
  }
  return Status(Code::NOT_FOUND, "the message is no longer kept");
}

}  // namespace lazaret::admin

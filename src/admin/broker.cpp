#include "admin/broker.h"

#include <algorithm>
#include <tuple>

#include "admin/desk_wait.h"
#include "model/limits.h"

namespace lazaret::admin {

using base::Code;
using base::Result;
using base::Status;

Result<engine::QueueRef> find_named(const Broker& broker, const std::string& name, model::Kind kind) {
  if (auto found = broker.engine.directory().find(name); found != nullptr && found->kind == kind) return found;
  return Status(Code::NOT_FOUND, "there is no " + std::string(model::name_of(kind)) + " " + name);
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

/// How far behind what was imported, or is scheduled, it is looked for what is ready: a run or two, since the page asks
/// once a second.
constexpr std::size_t kPassedOver = model::limits::kRunMessages;
constexpr std::size_t kPassedOverBytes = 64u << 10;

/// When the oldest message that is ready was published, if it can be read. What was imported for another subscription
/// of the topic waits for nobody here, and its time is that of another broker. Only a subscription that came later and
/// began in the past, or was moved back, has it still before it: the others settled it when it came. What is scheduled,
/// and was not met yet, is not ready.
std::optional<base::Instant> oldest_ready_at(Broker& broker, const model::QueueStats& stats) {
  const auto first = read_message(broker, stats.queue.shard, stats.queue.log, stats.oldest_ready);
  if (!first.ok() || *first == nullptr) return std::nullopt;
  const auto is_ready = [now = broker.engine.now()](const model::Message& message) {
    return !message.imported && message.due <= now;
  };
  if (is_ready(**first)) return (*first)->published_at;
  const auto page = broker.engine.store().read_messages(stats.queue.shard, stats.queue.log, stats.oldest_ready,
                                                        stats.log_end, kPassedOver, kPassedOverBytes);
  if (!page.ok()) return std::nullopt;
  for (const model::PagedMessage& one : page->messages) {
    if (one.message != nullptr && is_ready(*one.message)) return one.message->published_at;
  }
  return std::nullopt;
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
    stats.oldest_ready_at = oldest_ready_at(broker, stats);
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

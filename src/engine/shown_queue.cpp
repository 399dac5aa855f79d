#include "engine/shown_queue.h"

#include <algorithm>

#include "model/limits.h"

namespace lazaret::engine {
namespace {

/// How far behind what is not ready it is looked for what is: a run or two, since the page asks once a second.
constexpr std::size_t kPassedOver = model::limits::kRunMessages;
constexpr std::size_t kPassedOverBytes = 64u << 10;

/// What is scheduled, and was not met yet, is not ready; what was imported for another subscription of the topic waits
/// for nobody here, and its time is that of another broker. Only a subscription that came later and began in the past,
/// or was moved back, has such a message still before it: the others settled it when it came.
bool is_ready(const model::Message& message, base::Instant now) { return !message.imported && message.due <= now; }

/// When the first from there on that is ready was published.
std::optional<base::Instant> published_at(model::Store& store, const model::QueueStats& stats, base::Instant now) {
  const auto page = store.read_messages(stats.queue.shard, stats.queue.log, stats.oldest_ready, stats.log_end,
                                        kPassedOver, kPassedOverBytes);
  if (!page.ok()) return std::nullopt;
  for (const model::PagedMessage& one : page->messages) {
    if (one.message != nullptr && is_ready(*one.message, now)) return one.message->published_at;
  }
  return std::nullopt;
}

}  // namespace

void add_source(model::QueueStats& stats, const std::string& topic, const model::QueueStats& feeder) {
  const model::Counters& sums = feeder.counters;
  stats.sources.push_back(
      {topic, feeder.ready, sums.lost_to_retention, sums.filtered, sums.in_hospital, feeder.retention_used});
  stats.retention_used = std::max(stats.retention_used, feeder.retention_used);
}

std::uint64_t lag_of(const model::QueueStats& stats) {
  std::uint64_t lag = stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held;
  for (const model::SourceStats& source : stats.sources) lag += source.lag;
  return lag;
}

bool lacks_oldest_ready(const model::QueueStats& stats) {
  return !stats.oldest_ready_at && stats.ready > 0 && stats.oldest_ready < stats.log_end;
}

void add_oldest_ready(model::Store& store, base::Instant now, model::QueueStats& stats) {
  if (!lacks_oldest_ready(stats)) return;
  // Nearly always it is the first: the page behind it is only read where it is not.
  const auto first =
      store.read_messages(stats.queue.shard, stats.queue.log, stats.oldest_ready, stats.oldest_ready.next(), 1, 1);
  if (!first.ok() || first->messages.empty() || first->messages.front().offset != stats.oldest_ready) return;
  const model::MessageRef& message = first->messages.front().message;
  if (message == nullptr) return;
  stats.oldest_ready_at = is_ready(*message, now) ? message->published_at : published_at(store, stats, now);
}

}  // namespace lazaret::engine

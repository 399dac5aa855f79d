#include "engine/shown_queue.h"

#include <algorithm>

#include "model/limits.h"

namespace lazaret::engine {
namespace {

/// How far behind what was imported it is looked for what waits.
constexpr std::size_t kPassedOver = 256;

/// When the first from there on was published that was published here.
std::optional<base::Instant> published_at(model::Store& store, const model::QueueStats& stats) {
  const auto page = store.read_messages(stats.queue.shard, stats.queue.log, stats.oldest_ready, stats.log_end,
                                        kPassedOver, model::limits::kPageBytes);
  if (!page.ok()) return std::nullopt;
  for (const model::PagedMessage& one : page->messages) {
    if (one.message != nullptr && !one.message->imported) return one.message->published_at;
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

void add_oldest_ready(model::Store& store, model::QueueStats& stats) {
  if (!lacks_oldest_ready(stats)) return;
  // Nearly always it is the first: the page behind it is only read where it is not.
  const auto first =
      store.read_messages(stats.queue.shard, stats.queue.log, stats.oldest_ready, stats.oldest_ready.next(), 1, 1);
  if (!first.ok() || first->messages.empty() || first->messages.front().offset != stats.oldest_ready) return;
  const model::MessageRef& message = first->messages.front().message;
  if (message == nullptr) return;
  stats.oldest_ready_at = message->imported ? published_at(store, stats) : message->published_at;
}

}  // namespace lazaret::engine

#include "admin/overview.h"

#include <algorithm>

#include "admin/broker.h"
#include "admin/handlers.h"
#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

using base::Result;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

/// A total goes back when its queue was deleted and made anew.
std::uint64_t grown(std::uint64_t before, std::uint64_t now) { return now > before ? now - before : 0; }

/// Queues and subscriptions together, by name, no more than there may be rows.
std::vector<engine::QueueRef> those_with_rows(const engine::Directory& directory, bool& more) {
  auto named = directory.list("", Overview::kRows + 1, model::Kind::queue);
  const auto subscriptions = directory.list("", Overview::kRows + 1, model::Kind::subscription);
  named.insert(named.end(), subscriptions.begin(), subscriptions.end());
  std::sort(named.begin(), named.end(), [](const auto& a, const auto& b) { return a->name < b->name; });
  more = named.size() > Overview::kRows;
  if (more) named.resize(Overview::kRows);
  return named;
}

}  // namespace

OverviewRow overview_row(const model::QueueStats& stats) {
  OverviewRow row;
  row.name = stats.queue.name;
  row.kind = stats.queue.kind;
  if (row.kind == model::Kind::subscription) row.topic = joined(stats.queue.topics());
  row.ready = stats.ready;
  for (const model::SourceStats& source : stats.sources) row.ready += source.lag;
  row.leased = stats.leased;
  row.waiting = stats.waiting;
  row.scheduled = stats.scheduled;
  row.held = stats.held;
  row.suspects = stats.suspects;
  row.in_hospital = stats.counters.in_hospital;
  row.entered_total = stats.counters.entered;
  row.acked_total = stats.counters.acked;
  row.consumer_count = stats.consumers.size();
  row.oldest_ready_at = stats.oldest_ready_at.value_or(base::Instant{});
  row.paused = stats.queue.options.paused;
  row.breaker = stats.breaker.state;
  return row;
}

Result<Overview> take_overview(Broker& broker, std::chrono::steady_clock::time_point deadline) {
  Overview overview;
  const auto named = those_with_rows(broker.engine.directory(), overview.more);
  const auto all = show_queues(broker, named, deadline);
  if (!all.ok()) return all.status();
  overview.at = broker.engine.now();
  overview.rows.reserve(all->size());
  for (const model::QueueStats& stats : *all) overview.rows.push_back(overview_row(stats));
  return overview;
}

json::object row_json(const OverviewRow& row) {
  return {{"name", row.name},
          {"kind", model::name_of(row.kind)},
          {"topic", text_or_null(row.topic)},
          {"ready", row.ready},
          {"leased", row.leased},
          {"waiting", row.waiting},
          {"scheduled", row.scheduled},
          {"held", row.held},
          {"suspects", row.suspects},
          {"in_hospital", row.in_hospital},
          {"entered_total", row.entered_total},
          {"acked_total", row.acked_total},
          {"consumer_count", row.consumer_count},
          {"oldest_ready_at", time_or_null(row.oldest_ready_at)},
          {"paused", row.paused},
          {"breaker", model::name_of(row.breaker)}};
}

void MinuteHistory::add(Ring& ring, const OverviewRow& row) {
  const Point point{grown(ring.entered_before, row.entered_total), grown(ring.acked_before, row.acked_total),
                    row.ready + row.leased + row.waiting + row.held, row.in_hospital};
  ring.entered_before = row.entered_total;
  ring.acked_before = row.acked_total;
  if (ring.points.size() < kMinutes) {
    ring.points.push_back(point);
  } else {
    ring.points[ring.next] = point;
    ring.next = (ring.next + 1) % kMinutes;
  }
}

void MinuteHistory::add(const Overview& overview) {
  const std::lock_guard lock(mutex_);
  ++minutes_;
  until_ = overview.at;
  for (const OverviewRow& row : overview.rows) {
    const auto [place, is_new] = rings_.try_emplace(row.name);
    if (is_new) {
      // What it has counted before was not in this minute.
      place->second.entered_before = row.entered_total;
      place->second.acked_before = row.acked_total;
    } else {
      add(place->second, row);
    }
    place->second.last = minutes_;
  }
  std::erase_if(rings_, [this](const auto& one) { return one.second.last != minutes_; });
}

json::object MinuteHistory::of(const std::string& name) const {
  json::array entered, acked, unsettled, in_hospital;
  const std::lock_guard lock(mutex_);
  if (const auto found = rings_.find(name); found != rings_.end()) {
    const Ring& ring = found->second;
    for (std::size_t i = 0; i < ring.points.size(); ++i) {
      const Point& point = ring.points[(ring.next + i) % ring.points.size()];
      entered.emplace_back(point.entered);
      acked.emplace_back(point.acked);
      unsettled.emplace_back(point.unsettled);
      in_hospital.emplace_back(point.in_hospital);
    }
  }
  return {{"entered", std::move(entered)},
          {"acked", std::move(acked)},
          {"unsettled", std::move(unsettled)},
          {"in_hospital", std::move(in_hospital)}};
}

base::Instant MinuteHistory::until() const {
  const std::lock_guard lock(mutex_);
  return until_;
}

Result<Response> get_overview(Broker& broker, const Request& request) {
  const auto overview = take_overview(broker, request.deadline);
  if (!overview.ok()) return overview.status();
  json::array items;
  for (const OverviewRow& row : overview->rows) {
    json::object item = row_json(row);
    item["history"] = broker.history.of(row.name);
    items.push_back(std::move(item));
  }
  return json_response(200, json::object{{"at", time_or_null(overview->at)},
                                         {"items", std::move(items)},
                                         {"more", overview->more},
                                         {"history_until", time_or_null(broker.history.until())}});
}

}  // namespace lazaret::admin

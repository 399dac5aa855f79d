#include "admin/overview.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "admin/broker.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using base::Result;

std::string joined(const std::vector<std::string>& names) {
  std::string out;
  for (const std::string& name : names) out += (out.empty() ? "" : ", ") + name;
  return out;
}

std::vector<std::string> versions_of(const std::vector<model::ConsumerStats>& consumers) {
  std::set<std::string> versions;
  for (const model::ConsumerStats& one : consumers) {
    if (one.info.version.empty()) continue;
    versions.insert(base::to_utf8(one.info.name + " " + one.info.version));
    if (versions.size() > OverviewRow::kVersions) versions.erase(std::prev(versions.end()));
  }
  return {versions.begin(), versions.end()};
}

const char* mark_of(model::BreakerState state) {
  switch (state) {
    case model::BreakerState::closed: return "breaker_closed";
    case model::BreakerState::half_open: return "breaker_half_open";
    case model::BreakerState::open: return "breaker_open";
  }
  return "breaker_closed";
}

const char* mark_of(model::HospitalLevel level) {
  switch (level) {
    case model::HospitalLevel::below: return "hospital_below";
    case model::HospitalLevel::filling: return "hospital_filling";
    case model::HospitalLevel::full: return "hospital_full";
  }
  return "hospital_below";
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
  row.owner = stats.queue.options.owner;
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
  row.failed_attempts_total = stats.failed_attempts;
  row.consumer_count = stats.consumers.size();
  row.versions = versions_of(stats.consumers);
  row.oldest_ready_at = stats.oldest_ready_at.value_or(base::Instant{});
  row.paused = stats.queue.options.paused;
  row.breaker = stats.breaker.state;
  row.hospital_level = stats.hospital_level;
  row.hospital_bytes = stats.hospital_bytes;
  row.hospital_max_bytes = stats.queue.options.hospital_max_bytes;
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
          {"owner", text_or_null(row.owner)},
          {"ready", row.ready},
          {"leased", row.leased},
          {"waiting", row.waiting},
          {"scheduled", row.scheduled},
          {"held", row.held},
          {"suspects", row.suspects},
          {"in_hospital", row.in_hospital},
          {"entered_total", row.entered_total},
          {"acked_total", row.acked_total},
          {"failed_attempts_total", row.failed_attempts_total},
          {"consumer_count", row.consumer_count},
          {"oldest_ready_at", time_or_null(row.oldest_ready_at)},
          {"paused", row.paused},
          {"breaker", model::name_of(row.breaker)},
          {"hospital_level", model::name_of(row.hospital_level)},
          {"hospital_bytes", row.hospital_bytes},
          {"hospital_max_bytes", row.hospital_max_bytes}};
}

void MinuteHistory::remember(Ring& ring, const OverviewRow& row) {
  ring.entered_before = row.entered_total;
  ring.acked_before = row.acked_total;
  ring.failed_before = row.failed_attempts_total;
  ring.versions_before = row.versions;
  ring.paused_before = row.paused;
  ring.breaker_before = row.breaker;
  ring.hospital_before = row.hospital_level;
}

void MinuteHistory::add(Ring& ring, const OverviewRow& row) {
  const Point point{grown(ring.entered_before, row.entered_total), grown(ring.acked_before, row.acked_total),
                    grown(ring.failed_before, row.failed_attempts_total),
                    row.ready + row.leased + row.waiting + row.held, row.in_hospital};
  if (ring.points.size() < kMinutes) {
    ring.points.push_back(point);
  } else {
    ring.points[ring.next] = point;
    ring.next = (ring.next + 1) % kMinutes;
  }
}

void MinuteHistory::mark_changes(Ring& ring, const OverviewRow& row) const {
  while (!ring.marks.empty() && ring.marks.front().minute + kMinutes <= minutes_) ring.marks.pop_front();
  const auto mark = [&](const char* what, std::string who = {}) {
    if (ring.marks.size() == kMarks) ring.marks.pop_front();
    ring.marks.push_back({until_, minutes_, what, std::move(who)});
  };
  const auto difference = [](const auto& of, const auto& without) {
    std::vector<std::string> out;
    std::set_difference(of.begin(), of.end(), without.begin(), without.end(), std::back_inserter(out));
    return out;
  };
  // Of more than are listed it is not known who came and went.
  const bool all_listed = std::max(row.versions.size(), ring.versions_before.size()) < OverviewRow::kVersions;
  if (all_listed) {
    for (std::string& who : difference(row.versions, ring.versions_before)) mark("joined", std::move(who));
    for (std::string& who : difference(ring.versions_before, row.versions)) mark("left", std::move(who));
  }
  if (row.paused != ring.paused_before) mark(row.paused ? "paused" : "resumed");
  if (row.breaker != ring.breaker_before) mark(mark_of(row.breaker));
  if (row.hospital_level != ring.hospital_before) mark(mark_of(row.hospital_level));
}

void MinuteHistory::add(const Overview& overview) {
  const std::lock_guard lock(mutex_);
  ++minutes_;
  until_ = overview.at;
  for (const OverviewRow& row : overview.rows) {
    const auto [place, is_new] = rings_.try_emplace(row.name);
    Ring& ring = place->second;
    // What a new one has counted before was not in this minute.
    if (!is_new) {
      add(ring, row);
      mark_changes(ring, row);
    }
    remember(ring, row);
    ring.last = minutes_;
  }
  std::erase_if(rings_, [this](const auto& one) { return one.second.last != minutes_; });
}

json::object MinuteHistory::of(const std::string& name) const {
  json::array entered, acked, failed, unsettled, in_hospital, marks;
  const std::lock_guard lock(mutex_);
  if (const auto found = rings_.find(name); found != rings_.end()) {
    const Ring& ring = found->second;
    for (std::size_t i = 0; i < ring.points.size(); ++i) {
      const Point& point = ring.points[(ring.next + i) % ring.points.size()];
      entered.emplace_back(point.entered);
      acked.emplace_back(point.acked);
      failed.emplace_back(point.failed);
      unsettled.emplace_back(point.unsettled);
      in_hospital.emplace_back(point.in_hospital);
    }
    for (const Mark& mark : ring.marks) {
      marks.push_back(
          json::object{{"at", time_or_null(mark.at)}, {"what", mark.what}, {"who", text_or_null(mark.who)}});
    }
  }
  return {{"entered", std::move(entered)},         {"acked", std::move(acked)},
          {"failed", std::move(failed)},           {"unsettled", std::move(unsettled)},
          {"in_hospital", std::move(in_hospital)}, {"marks", std::move(marks)}};
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

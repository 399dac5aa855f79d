#include "admin/group_json.h"

#include <algorithm>
#include <cmath>

#include "admin/json_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

json::value consumer_or_null(const model::GroupConsumer& consumer) {
  if (consumer.name.empty() && consumer.version.empty()) return nullptr;
  return json::object{{"name", base::to_utf8(consumer.name)}, {"version", base::to_utf8(consumer.version)}};
}

json::array lines_of(std::string_view text) {
  json::array out;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    out.push_back(json::string(base::to_utf8(text.substr(0, end))));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

template <class Counts>
json::array numbers_of(const Counts& counts) {
  json::array out;
  for (const auto count : counts) out.push_back(count);
  return out;
}

/// An estimate: what is behind a thousandth says nothing.
double rounded(double rate) { return std::round(rate * 1000) / 1000; }

}  // namespace

json::object group_json(const model::GroupRecord& group, base::Instant now) {
  json::object counts;
  for (const auto state : {model::CaseState::admitted, model::CaseState::replaying, model::CaseState::discharged,
                           model::CaseState::discarded}) {
    counts[model::to_string(state)] = group.count(state);
  }
  const model::GroupTrend trend = group.trend.at(now);
  const auto woken = model::woken(group.snooze, now);
  return {
      {"id", group.id.to_string()},
      {"subscription", group.subscription},
      {"type", text_or_null(group.type)},
      {"error_type", text_or_null(group.error_type)},
      {"error_text", text_or_null(group.error_text)},
      {"error_frames", lines_of(group.error_frames)},
      {"count", group.open()},
      {"counts", std::move(counts)},
      {"admissions_total", group.admissions},
      {"first_seen_at", time_or_null(group.first_seen)},
      {"last_seen_at", time_or_null(group.last_seen)},
      {"returned_at", time_or_null(group.returned_at)},
      {"relapses_total", group.relapses},
      {"relapsed_at", time_or_null(group.relapsed_at)},
      {"first_seen_with", consumer_or_null(group.first_consumer)},
      {"last_seen_with", consumer_or_null(group.last_consumer)},
      {"rate", rounded(group.trend.per_minute(now))},
      {"trend", json::object{{"hours", numbers_of(trend.hours)}, {"days", numbers_of(trend.days)}}},
      {"note", text_or_null(group.note)},
      {"owner", text_or_null(group.owner)},
      {"ticket", text_or_null(group.ticket)},
      {"snoozed", model::is_snoozed(group.snooze, now)},
      {"snoozed_until", time_or_null(group.snooze.until)},
      {"snoozed_until_version", text_or_null(group.snooze.until_version)},
      {"snoozed_until_rate", text_or_null(group.snooze.until_rate.text())},
      {"woken_at", time_or_null(woken ? woken->at : base::Instant{})},
      {"woken_by", text_or_null(woken ? woken->by : "")},
      {"noted_at", time_or_null(group.noted_at)},
  };
}

}  // namespace lazaret::admin

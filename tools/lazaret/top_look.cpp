#include "top_look.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "base/duration_text.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;
using base::Duration;
using base::Instant;

// A broker of another version may have a field less.

const json::value* field_of(const json::object& object, std::string_view name) { return object.if_contains(name); }

std::uint64_t number_of(const json::object& object, std::string_view name) {
  const json::value* value = field_of(object, name);
  boost::system::error_code error;
  const auto number = value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
  return error ? 0 : number;
}

std::string text_of(const json::object& object, std::string_view name) {
  const json::value* value = field_of(object, name);
  return value != nullptr && value->is_string() ? std::string(value->get_string()) : std::string();
}

const json::object& object_of(const json::object& object, std::string_view name) {
  static const json::object kNone;
  const json::value* value = field_of(object, name);
  return value != nullptr && value->is_object() ? value->get_object() : kNone;
}

const json::array& array_of(const json::object& object, std::string_view name) {
  static const json::array kNone;
  const json::value* value = field_of(object, name);
  return value != nullptr && value->is_array() ? value->get_array() : kNone;
}

std::optional<Instant> time_of(const json::object& object, std::string_view name) {
  const auto time = base::parse_rfc3339(text_of(object, name));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

/// A total that goes back has begun anew.
double per_second(std::uint64_t before, std::uint64_t now, Duration over) {
  return now > before ? static_cast<double>(now - before) * 1e6 / static_cast<double>(over.count()) : 0;
}

TopRates rates_of(const TopRow& before, const TopRow& now, Duration over) {
  return {per_second(before.entered_total, now.entered_total, over),
          per_second(before.acked_total, now.acked_total, over),
          per_second(before.failed_attempts_total, now.failed_attempts_total, over)};
}

TopState state_of(const TopRow& row, Instant at) {
  if (row.breaker == "open") return {6, "breaker open"};
  if (row.hospital_level == "full") return {6, "hospital full"};
  const bool nobody = row.ready > 0 && row.consumer_count == 0;
  if (row.breaker == "half_open" && !row.paused && !nobody) return {5, "breaker trying"};
  if (row.paused) return {row.ready + row.held > 0 ? 4 : 1, "paused"};
  if (nobody) return {5, "nobody consuming"};
  if (row.hospital_level == "filling") return {4, "hospital fills"};
  if (row.oldest_ready_at && at - *row.oldest_ready_at > kAgeing) return {4, "ageing"};
  if (row.suspects > 0) return {3, "isolating"};
  if (row.waiting > 0) return {3, "retrying"};
  if (row.in_hospital > 0) return {2, "open cases"};
  return {};
}

json::value rate_json(bool known, double rate) { return known ? json::value(rate) : json::value(nullptr); }

json::object row_json(const TopRow& row) {
  const TopRates rates = row.rates.value_or(TopRates());
  return {{"name", row.name},
          {"kind", row.subscription ? "subscription" : "queue"},
          {"ready", row.ready},
          {"leased", row.leased},
          {"waiting", row.waiting},
          {"scheduled", row.scheduled},
          {"held", row.held},
          {"in_hospital", row.in_hospital},
          {"entered_per_second", rate_json(row.rates.has_value(), rates.entered)},
          {"acked_per_second", rate_json(row.rates.has_value(), rates.acked)},
          {"failed_per_second", rate_json(row.rates.has_value(), rates.failed)},
          {"consumer_count", row.consumer_count},
          {"oldest_ready_at", row.oldest_ready_at ? json::value(base::format_rfc3339(*row.oldest_ready_at)) : nullptr},
          {"paused", row.paused},
          {"breaker", row.breaker},
          {"hospital_level", row.hospital_level},
          {"state", row.state.word}};
}

}  // namespace

TopRow top_row(const json::object& one, bool subscription) {
  TopRow row;
  row.name = text_of(one, "name");
  row.subscription = subscription;
  row.created_at = text_of(one, "created_at");
  row.ready = number_of(one, "ready");
  // What a subscription of several topics has not taken over yet is as ready as the rest.
  for (const json::value& source : array_of(one, "sources")) {
    if (source.is_object()) row.ready += number_of(source.get_object(), "lag");
  }
  row.leased = number_of(one, "leased");
  row.waiting = number_of(one, "waiting");
  row.scheduled = number_of(one, "scheduled");
  row.held = number_of(one, "held");
  row.in_hospital = number_of(one, "in_hospital");
  row.suspects = number_of(one, "suspects");
  row.entered_total = number_of(one, "entered_total") + number_of(one, "filtered_total");
  row.acked_total = number_of(one, "acked_total");
  row.failed_attempts_total = number_of(one, "failed_attempts_total");
  row.consumer_count = array_of(one, "consumers").size();
  row.oldest_ready_at = time_of(one, "oldest_ready_at");
  const json::value* paused = field_of(one, "paused");
  row.paused = paused != nullptr && paused->is_bool() && paused->get_bool();
  row.breaker = text_of(object_of(one, "breaker_status"), "state");
  row.hospital_level = text_of(one, "hospital_level");
  return row;
}

void note_status(TopLook& look, const json::object& status) {
  const auto at = time_of(status, "time");
  if (!at) fail(Code::BAD_FRAME, "the broker does not say what time it is");
  look.at = *at;
  look.version = text_of(status, "version");
  look.instance = text_of(status, "instance");
  look.commits_total = number_of(status, "commits_total");
  look.last_commit = text_of(status, "last_commit");
  look.sessions = number_of(status, "sessions");
  const json::object& process = object_of(status, "process");
  if (const json::value* cpu = field_of(process, "cpu_seconds_total"); cpu != nullptr && cpu->is_number()) {
    look.cpu_seconds_total = cpu->to_number<double>();
  }
  look.resident_bytes = number_of(process, "resident_bytes");
  const json::object& store = object_of(status, "store");
  look.disk_free_bytes = number_of(store, "disk_free_bytes");
  look.disk_total_bytes = number_of(store, "disk_total_bytes");
  look.data_bytes = number_of(store, "data_bytes");
  look.written_bytes_total = number_of(store, "written_bytes_total");
  for (const json::value& warning : array_of(status, "warnings")) {
    if (warning.is_string()) look.warnings.emplace_back(warning.get_string());
  }
}

TopLook take_look(HttpClient& http) {
  TopLook look;
  const json::value status = http.get(target({"status"}));
  if (!status.is_object()) fail(Code::BAD_FRAME, "the broker's status is no object");
  note_status(look, status.get_object());
  const Query most{{"limit", "1000"}};
  http.each_item({"queues"}, most, [&look](const json::object& one) {
    look.rows.push_back(top_row(one, false));
    look.published_total += look.rows.back().entered_total;
  });
  http.each_item({"subscriptions"}, most,
                 [&look](const json::object& one) { look.rows.push_back(top_row(one, true)); });
  http.each_item({"topics"}, most,
                 [&look](const json::object& one) { look.published_total += number_of(one, "published_total"); });
  return look;
}

void compare(TopLook& look, const TopLook* before) {
  const bool comparable = before != nullptr && before->instance == look.instance && before->at < look.at;
  if (comparable) {
    const Duration over = look.at - before->at;
    std::map<std::pair<std::string_view, bool>, const TopRow*> then;
    for (const TopRow& row : before->rows) then[{row.name, row.subscription}] = &row;
    look.rates = TopLook::Rates{
        .over = over,
        .published = per_second(before->published_total, look.published_total, over),
        .commits = per_second(before->commits_total, look.commits_total, over),
        .written_bytes = per_second(before->written_bytes_total, look.written_bytes_total, over),
        .cores = std::max(0.0, look.cpu_seconds_total - before->cpu_seconds_total) * 1e6 / double(over.count())};
    for (TopRow& row : look.rows) {
      const auto found = then.find({row.name, row.subscription});
      if (found == then.end() || found->second->created_at != row.created_at) continue;
      row.rates = rates_of(*found->second, row, over);
      look.rates->acked += row.rates->acked;
      look.rates->failed += row.rates->failed;
    }
  }
  for (TopRow& row : look.rows) row.state = state_of(row, look.at);
}

void sort_rows(std::vector<TopRow>& rows, std::string_view order) {
  const auto sort = [&rows](auto key) {
    std::stable_sort(rows.begin(), rows.end(), [&key](const TopRow& a, const TopRow& b) { return key(a) > key(b); });
  };
  // From the past: what is older is more.
  const auto age = [](const TopRow& row) { return -row.oldest_ready_at.value_or(Instant::never()).us; };
  const auto rates = [](const TopRow& row) { return row.rates.value_or(TopRates{-1, -1, -1}); };
  std::sort(rows.begin(), rows.end(), [](const TopRow& a, const TopRow& b) {
    return std::tie(a.name, a.subscription) < std::tie(b.name, b.subscription);
  });
  if (order == "ready") return sort([](const TopRow& row) { return row.ready; });
  if (order == "hospital") return sort([](const TopRow& row) { return row.in_hospital; });
  if (order == "entered") return sort([&](const TopRow& row) { return rates(row).entered; });
  if (order == "acked") return sort([&](const TopRow& row) { return rates(row).acked; });
  if (order == "failed") return sort([&](const TopRow& row) { return rates(row).failed; });
  if (order == "oldest") return sort(age);
  if (order != "state") return;
  sort([&](const TopRow& row) {
    return std::tuple(row.state.rank, rates(row).failed, age(row), row.in_hospital, row.ready);
  });
}

json::object top_json(const TopLook& look) {
  json::array items, warnings;
  for (const TopRow& row : look.rows) items.push_back(row_json(row));
  for (const std::string& warning : look.warnings) warnings.push_back(json::string(warning));
  const bool known = look.rates.has_value();
  const TopLook::Rates rates = look.rates.value_or(TopLook::Rates());
  return {{"at", base::format_rfc3339(look.at)},
          {"version", look.version},
          {"instance", look.instance},
          {"seconds", rate_json(known, static_cast<double>(rates.over.count()) / 1e6)},
          {"published_per_second", rate_json(known, rates.published)},
          {"acked_per_second", rate_json(known, rates.acked)},
          {"failed_per_second", rate_json(known, rates.failed)},
          {"commits_per_second", rate_json(known, rates.commits)},
          {"written_bytes_per_second", rate_json(known, rates.written_bytes)},
          {"cpu_cores", rate_json(known, rates.cores)},
          {"last_commit", look.last_commit},
          {"resident_bytes", look.resident_bytes},
          {"sessions", look.sessions},
          {"disk_free_bytes", look.disk_free_bytes},
          {"disk_total_bytes", look.disk_total_bytes},
          {"data_bytes", look.data_bytes},
          {"warnings", std::move(warnings)},
          {"items", std::move(items)}};
}

}  // namespace lazaret::cli

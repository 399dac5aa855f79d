// Replay jobs: create one (or see what it would be for), look at them, and say how they go on.
#include <charconv>
#include <limits>

#include "admin/case_filter.h"
#include "admin/case_json.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/replay_json.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

/// How long a dry run counts; beyond, it says "at least".
constexpr std::chrono::seconds kCountFor{5};

Result<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) {
    return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  }
  return number;
}

Result<model::ReplayJobRecord> find_job(const Broker& broker, const Request& request) {
  const auto number = number_of(request.arguments[0]);
  if (!number.ok()) return Status(Code::NOT_FOUND, "there is no replay job " + request.arguments[0]);
  return broker.replays.find(model::ReplayJobId(*number));
}

/// Of a body whose mistakes somebody else says; null when it is not there.
json::value field_of(const Request& request, std::string_view name) {
  constexpr std::size_t kDepth = 4;  // of a list of ids, and a little
  const auto body = parse_json(request.body, kDepth);
  const json::object* object = body.ok() ? body->if_object() : nullptr;
  const json::value* field = object == nullptr ? nullptr : object->if_contains(name);
  return field == nullptr ? json::value() : *field;
}

json::object counted_json(const hospital::Counted& counted) {
  return {{"count", counted.count}, {"at_least", counted.more}};
}

}  // namespace

Result<Response> create_replay(Broker& broker, const Request& request) {
  const auto body = parse_object(
      request.body, {"filter", "ids", "rate", "concurrency", "canary", "canary_needed", "stop_at_failure_ratio",
                     "after_version", "keep_attempts", "to", "force", "by", "dry_run"});
  if (!body.ok()) return body.status();
  auto asked = asked_replay(*body, broker.engine.shard_count());
  if (!asked.ok()) return asked.status();
  auto by = actor_of(*body, request);
  if (!by.ok()) return by.status();
  asked->job.created_by = std::move(*by);
  if (const auto query = read_case_filter(broker, asked->job.filter); !query.ok()) return query.status();
  if (asked->dry_run) {
    const auto counted = broker.replays.count(asked->job, std::chrono::steady_clock::now() + kCountFor);
    if (!counted.ok()) return counted.status();
    const std::uint64_t total = counted->more ? std::numeric_limits<std::uint64_t>::max() : counted->count;
    return json_response(200, json::object{{"total", counted->count},
                                           {"at_least", counted->more},
                                           {"rate", asked->job.options.rate},
                                           {"canary", hospital::canary_of(asked->job.options, total)}});
  }
  const auto job = broker.replays.create(std::move(asked->job), request.deadline);
  if (!job.ok()) return job.status();
  Response response = json_response(202, replay_job_json(*job));
  response.headers.emplace_back("Location", "/api/v1/hospital/replays/" + std::to_string(job->id.value));
  response.change.after = {{"job", std::to_string(job->id.value)}};
  return response;
}

Result<Response> list_replays(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  std::optional<model::ReplayJobId> before;
  if (const auto cursor = request.parameter("cursor")) {
    const auto number = number_of(*cursor);
    if (!number.ok()) return number.status();
    before = model::ReplayJobId(*number);
  }
  const auto jobs = broker.replays.list(before, *limit + 1);
  json::array items;
  for (std::size_t i = 0; i < jobs.size() && i < *limit; ++i) items.push_back(replay_job_json(jobs[i]));
  const std::string cursor = jobs.size() > *limit ? std::to_string(jobs[*limit - 1].id.value) : "";
  return json_response(200, list_of(std::move(items), cursor));
}

Result<Response> get_replay(Broker& broker, const Request& request) {
  const auto job = find_job(broker, request);
  if (!job.ok()) return job.status();
  const auto newer = broker.replays.newer(*job);
  if (!newer.ok()) return newer.status();
  json::object out = replay_job_json(*job);
  out["newer"] = counted_json(*newer);
  return json_response(200, out);
}

std::optional<std::string> asked_by_job(const Broker& broker, const Request& request) {
  const auto job = find_job(broker, request);
  if (!job.ok() || job->by_ids) return std::nullopt;
  const auto query = model::parse_case_query(job->filter, job->created_at);
  return query.ok() ? asked_of_bodies(*query) : std::nullopt;
}

bool asks_for_dry_run_in_body(const Request& request) {
  const json::value dry_run = field_of(request, "dry_run");
  return dry_run.is_bool() && dry_run.get_bool();
}

std::optional<std::string> asked_by_filter_in_body(const Broker& broker, const Request& request) {
  const json::value filter = field_of(request, "filter");
  if (!filter.is_string()) return std::nullopt;
  const auto query = read_case_filter(broker, filter.get_string());
  return query.ok() ? asked_of_bodies(*query) : std::nullopt;
}

Result<Response> list_replayed_cases(Broker& broker, const Request& request) {
  const auto job = find_job(broker, request);
  if (!job.ok()) return job.status();
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  hospital::ReplayedQuery query;
  if (const auto text = request.parameter("outcome")) {
    query.outcome = model::parse_replay_outcome(*text);
    if (!query.outcome) return Status(Code::BAD_REQUEST, "there is no outcome \"" + std::string(*text) + "\"");
  }
  if (const auto name = request.parameter("subscription")) {
    const auto queue = find_consumed(broker, std::string(*name));
    if (!queue.ok()) return queue.status();
    query.subscription = {(*queue)->shard, (*queue)->subscription};
  }
  std::uint64_t from = 0;
  if (const auto cursor = request.parameter("cursor")) {
    const auto number = number_of(*cursor);
    if (!number.ok()) return number.status();
    from = *number;
  }
  const auto page = broker.replays.cases(job->id, query, from, *limit);
  if (!page.ok()) return page.status();
  json::array items;
  for (const hospital::ReplayedCase& one : page->cases) {
    json::object item = replayed_json(one);
    const auto record = broker.engine.store().read_case(one.id);
    if (!record.ok() && record.code() != Code::NOT_FOUND) return record.status();
    item["case"] = record.ok() ? json::value(case_json(*record)) : json::value(nullptr);
    items.push_back(std::move(item));
  }
  return json_response(200, list_of(std::move(items), page->next ? std::to_string(*page->next) : ""));
}

Result<Response> change_replay(Broker& broker, const Request& request, hospital::ReplayVerb verb) {
  if (const auto body = parse_object(request.body, {}); !body.ok()) return body.status();
  const auto job = find_job(broker, request);
  if (!job.ok()) return job.status();
  const auto changed = broker.replays.change(job->id, verb, request.deadline);
  if (!changed.ok()) return changed.status();
  return json_response(200, replay_job_json(*changed));
}

}  // namespace lazaret::admin

// Quarantine rules: list, add, look at one, lift one and release what it has caught.
#include <charconv>
#include <limits>

#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/problem.h"
#include "admin/quarantine_json.h"
#include "admin/replay_json.h"
#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "model/limits.h"
#include "model/quarantine.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::QuarantineId;
namespace limits = model::limits;

constexpr std::string_view kHeader = "header.";

/// How long what a release is for is counted; beyond, "at least" so many are said.
constexpr std::chrono::seconds kCountFor{5};

Result<QuarantineId> read_id(const Broker& broker, const std::string& text) {
  const auto id = QuarantineId::parse(text);
  if (id && id->shard.value < broker.engine.shard_count()) return *id;
  return Status(Code::NOT_FOUND, "there is no quarantine rule " + text);
}

std::string name_of(const Broker& broker, const model::QuarantineRecord& record) {
  const auto queue = broker.engine.directory().find(record.subscription);
  return queue == nullptr ? "" : queue->name;
}

/// A time, or how long from now.
Result<base::Instant> read_until(const std::string& text, base::Instant now) {
  if (text.empty()) return base::Instant{};
  if (const auto time = base::parse_rfc3339(text); time.ok()) return time;
  const auto duration = base::parse_duration(text);
  if (duration.ok()) return now + *duration;
  return Status(Code::BAD_REQUEST, "until must be a time such as 2026-11-23T20:04:48Z, or a duration such as 2h");
}

/// `field="value"`, as a term of a filter.
std::string term_of(std::string_view field, std::string_view value) {
  std::string term(field);
  term += "=\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') term += '\\';
    term += c;
  }
  return term + "\"";
}

struct Wanted {
  std::string subscription;
  std::string filter;
  std::string reason;
  std::string until;
};

/// What is said of type, key and headers becomes terms beside those of `filter`.
Result<Wanted> read_wanted(const std::string& body) {
  const auto object = parse_object(body);
  if (!object.ok()) return object.status();
  Wanted wanted;
  std::string terms;
  for (const auto& [key, value] : *object) {
    const std::string name(key);
    auto text = text_field(*object, name);
    if (!text.ok()) return text.status();
    if (name == "subscription") {
      wanted.subscription = std::move(*text);
    } else if (name == "filter") {
      wanted.filter = std::move(*text);
    } else if (name == "reason") {
      wanted.reason = std::move(*text);
    } else if (name == "until") {
      wanted.until = std::move(*text);
    } else if (name == "type" || name == "key" || (name.starts_with(kHeader) && name.size() > kHeader.size())) {
      if (!text->empty()) terms += (terms.empty() ? "" : " ") + term_of(name, *text);
    } else {
      return Status(Code::BAD_REQUEST, "there is no field \"" + name + "\"");
    }
  }
  if (!terms.empty()) wanted.filter += (wanted.filter.empty() ? "" : " ") + terms;
  LZ_RETURN_IF_ERROR(check_bytes("reason", wanted.reason, limits::kQuarantineReasonBytes));
  return wanted;
}

model::AuditFields fields_of(const QuarantineId& id, const model::QuarantineRecord& rule) {
  model::AuditFields fields{{"filter", rule.filter}, {"id", id.to_string()}};
  if (!rule.reason.empty()) fields.emplace_back("reason", rule.reason);
  if (rule.until.us != 0) fields.emplace_back("until", base::format_rfc3339(rule.until));
  return fields;
}

/// What the rule has caught and nothing else has happened to; of whom is said for those who read it.
std::string filter_of(const Broker& broker, const QuarantineId& id) {
  const auto queue = broker.engine.directory().find(id.subscription);
  std::string filter = queue == nullptr ? "" : model::case_term("subscription", queue->name) + " ";
  filter += model::case_term("quarantine", id.to_string()) + " ";
  return filter + model::case_term("reason", model::to_string(model::CaseReason::quarantined));
}

/// How the job is to go that releases them: as in the body of a new job, and nothing when no job is wanted.
Result<json::object> manner_of(const Request& request, bool release) {
  json::object manner;
  for (const std::string_view name : {"rate", "concurrency", "canary", "canary_needed"}) {
    if (!request.parameter(name)) continue;
    const auto number = number_parameter(request, name, 0, 0, std::numeric_limits<std::uint32_t>::max());
    if (!number.ok()) return number.status();
    manner[name] = *number;
  }
  if (const auto text = request.parameter("stop_at_failure_ratio")) {
    auto& ratio = manner["stop_at_failure_ratio"].emplace_double();
    const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), ratio);
    if (error != std::errc() || end != text->data() + text->size()) {
      return Status(Code::BAD_REQUEST, "stop_at_failure_ratio must be a number");
    }
  }
  if (const auto text = request.parameter("after_version")) manner["after_version"] = *text;
  const auto force = flag_parameter(request, "force");
  if (!force.ok()) return force.status();
  if (*force) manner["force"] = true;
  if (release || manner.empty()) return manner;
  return Status(Code::BAD_REQUEST, std::string(manner.begin()->key()) + " is about a release: say release=true");
}

/// A job that releases the same, and goes on: whoever asks again gets that.
std::optional<model::ReplayJobRecord> find_release(const Broker& broker, const std::string& filter) {
  for (model::ReplayJobRecord& job : broker.replays.list(std::nullopt, limits::kReplayJobsKept)) {
    if (!job.by_ids && job.filter == filter && !model::has_ended(job.state)) return std::move(job);
  }
  return std::nullopt;
}

struct Release {
  std::optional<model::ReplayJobRecord> job;  // none: nothing is left of what the rule has caught, or it failed
  hospital::Counted cases{};
  Status status{};  // of a rule that is lifted: why nothing is released
};

Result<Release> release(Broker& broker, hospital::NewReplayJob wanted, Deadline deadline) {
  if (auto job = find_release(broker, wanted.filter)) {
    return Release{job, {job->total, job->state == model::ReplayJobState::choosing}};
  }
  const auto cases = broker.replays.count(wanted, std::chrono::steady_clock::now() + kCountFor);
  if (!cases.ok()) return cases.status();
  if (cases->count == 0 && !cases->more) return Release{};
  auto job = broker.replays.create(std::move(wanted), deadline);
  if (!job.ok()) return job.status();
  return Release{std::move(*job), *cases};
}

/// `rule`: what was lifted, or nullptr.
Response lifted_response(const Broker& broker, const QuarantineId& id, const model::QuarantineRecord* rule,
                         const Release& released) {
  const std::string job = released.job ? std::to_string(released.job->id.value) : "";
  const bool failed = !released.status.ok();
  Response response =
      json_response(200, json::object{{"id", id.to_string()},
                                      {"lifted", rule != nullptr},
                                      {"job", text_or_null(job)},
                                      {"released", released.cases.count},
                                      {"at_least", released.cases.more},
                                      {"problem", failed ? json::value(problem_json(released.status)) : nullptr}});
  if (rule != nullptr) {
    response.change.before = fields_of(id, *rule);
    // The target is the rule: whoever asks what was changed on a queue finds it by this.
    response.change.before.emplace_back("subscription", name_of(broker, *rule));
  }
  if (released.job) response.change.after = {{"job", job}};
  if (failed) response.change.after = {{"problem", std::string(base::error_info(released.status.code()).name)}};
  return response;
}

}  // namespace

Result<engine::QueueRef> find_consumed(const Broker& broker, const std::string& name) {
  auto queue = broker.engine.directory().find(name);
  if (queue == nullptr) return Status(Code::NOT_FOUND, "there is no queue or subscription \"" + name + "\"");
  if (queue->kind != model::Kind::topic) return queue;
  return Status(Code::BAD_REQUEST, name + " is a topic: name one of its subscriptions");
}

json::object quarantine_json(model::ShardId shard, const model::QuarantineRecord& record, const std::string& name) {
  return {{"id", QuarantineId{shard, record.subscription, record.number}.to_string()},
          {"subscription", name},
          {"filter", base::to_utf8(record.filter)},
          {"reason", text_or_null(record.reason)},
          {"until", time_or_null(record.until)},
          {"created_at", time_or_null(record.created_at)},
          {"caught_total", record.caught}};
}

Result<Response> add_quarantine(Broker& broker, const Request& request) {
  const auto wanted = read_wanted(request.body);
  if (!wanted.ok()) return wanted.status();
  const auto filter = model::Filter::parse(wanted->filter);
  if (!filter.ok()) return filter.status();
  // What it catches would tell whose header has this value.
  LZ_RETURN_IF_ERROR(broker.config.mask.check(*filter));
  const auto queue = find_consumed(broker, wanted->subscription);
  if (!queue.ok()) return queue.status();
  const auto until = read_until(wanted->until, broker.engine.now());
  if (!until.ok()) return until.status();
  const model::AddQuarantine command{{}, (*queue)->subscription, wanted->filter, wanted->reason, *until};
  const auto answer = ask<model::QuarantineAnswer>(broker.desk, (*queue)->shard, command, request.deadline);
  if (!answer.ok()) return answer.status();
  Response response = json_response(201, quarantine_json((*queue)->shard, answer->rules.at(0), (*queue)->name));
  const QuarantineId id{(*queue)->shard, (*queue)->subscription, answer->rules.at(0).number};
  response.headers.emplace_back("Location", "/api/v1/hospital/quarantines/" + id.to_string());
  response.change.after = fields_of(id, answer->rules.at(0));
  return response;
}

/// Shard by shard, in the order of their ids.
Result<Response> list_quarantines(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  QuarantineId after{};
  if (const auto cursor = request.parameter("cursor"); cursor && !cursor->empty()) {
    const auto id = QuarantineId::parse(*cursor);
    if (!id) return Status(Code::BAD_REQUEST, "cursor is none of this list");
    after = *id;
  }
  model::SubscriptionId only;
  if (const auto name = request.parameter("subscription")) {
    const auto queue = find_consumed(broker, std::string(*name));
    if (!queue.ok()) return queue.status();
    only = (*queue)->subscription;
    if (after.shard < (*queue)->shard) after = {(*queue)->shard, {}, 0};
  }
  json::array items;
  while (items.size() < *limit && after.shard.value < broker.engine.shard_count()) {
    const model::ListQuarantines list{{}, only, {after.subscription, after.number}, *limit - items.size()};
    const auto page = ask<model::QuarantineAnswer>(broker.desk, after.shard, list, request.deadline);
    if (!page.ok()) return page.status();
    for (const model::QuarantineRecord& record : page->rules) {
      items.push_back(quarantine_json(after.shard, record, name_of(broker, record)));
      after = {after.shard, record.subscription, record.number};
    }
    if (page->rules.empty()) after = {model::ShardId(static_cast<std::uint16_t>(after.shard.value + 1)), {}, 0};
  }
  const bool full = items.size() >= *limit;
  return json_response(200, list_of(std::move(items), full ? after.to_string() : ""));
}

Result<Response> get_quarantine(Broker& broker, const Request& request) {
  const auto id = read_id(broker, request.arguments[0]);
  if (!id.ok()) return id.status();
  const std::uint64_t before = id->number == 0 ? 0 : id->number - 1;
  const model::ListQuarantines list{{}, id->subscription, {id->subscription, before}, 1};
  const auto found = ask<model::QuarantineAnswer>(broker.desk, id->shard, list, request.deadline);
  if (!found.ok()) return found.status();
  if (found->rules.empty() || found->rules[0].number != id->number) {
    return Status(Code::NOT_FOUND, "there is no quarantine rule " + request.arguments[0]);
  }
  return json_response(200, quarantine_json(id->shard, found->rules[0], name_of(broker, found->rules[0])));
}

/// One that is over or was lifted can still be asked to release what it has caught. A mistake in how is said before
/// anything is lifted; what goes wrong afterwards is no error of the call, since the rule is gone.
Result<Response> lift_quarantine(Broker& broker, const Request& request) {
  const auto releases = flag_parameter(request, "release");
  if (!releases.ok()) return releases.status();
  const auto id = read_id(broker, request.arguments[0]);
  if (!id.ok()) return id.status();
  auto manner = manner_of(request, *releases);
  if (!manner.ok()) return manner.status();
  (*manner)["filter"] = filter_of(broker, *id);
  auto wanted = asked_replay(*manner, broker.engine.shard_count());
  if (!wanted.ok()) return wanted.status();
  auto by = actor_of({}, request);
  if (!by.ok()) return by.status();
  wanted->job.created_by = std::move(*by);
  const auto lifted = ask<model::QuarantineAnswer>(
      broker.desk, id->shard, model::LiftQuarantine{{}, id->subscription, id->number}, request.deadline);
  const bool gone = lifted.code() == Code::NOT_FOUND;
  if (!lifted.ok() && !(gone && *releases)) return lifted.status();
  Release released;
  if (*releases) {
    auto done = release(broker, std::move(wanted->job), request.deadline);
    if (gone && !done.ok()) return done.status();
    released = done.ok() ? std::move(*done) : Release{{}, {}, done.status()};
    if (gone && !released.job) return lifted.status();
  }
  return lifted_response(broker, *id, gone ? nullptr : &lifted->rules.at(0), released);
}

}  // namespace lazaret::admin

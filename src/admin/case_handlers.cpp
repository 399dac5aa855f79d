// The hospital: list cases, look at one, replay it, give it up, take that back.
#include "admin/case_filter.h"
#include "admin/case_json.h"
#include "admin/case_message.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/text_encoding.h"
#include "hospital/redirection.h"
#include "model/key_hold.h"
#include "model/limits.h"
#include "model/version_range.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

/// What the audit trail has of a case before and after.
model::AuditFields fields_of(const model::CaseRecord& record) {
  model::AuditFields fields{{"state", std::string(model::to_string(record.state))},
                            {"version", std::to_string(record.version)}};
  if (!record.discard_reason.empty()) fields.emplace_back("discard_reason", record.discard_reason);
  if (record.replay_job) fields.emplace_back("replay_job", std::to_string(record.replay_job.value));
  if (!record.redirected_to.empty()) fields.emplace_back("redirected_to", record.redirected_to);
  return fields;
}

/// As its history says it, by whoever asks.
template <class Command>
Result<Response> act(Broker& broker, const Request& request, const model::CaseRecord& before, Command command) {
  auto by = actor_of({}, request);
  if (!by.ok()) return by.status();
  command.by = std::move(*by);
  const auto done = ask<model::CaseDone>(broker.desk, before.id.shard, std::move(command), request.deadline);
  if (!done.ok()) return done.status();
  auto response = case_response(broker, before.id);
  const auto now = broker.engine.store().read_case(before.id);
  if (response.ok() && now.ok()) response->change = {fields_of(before), fields_of(*now)};
  return response;
}

/// A JSON body is for programs, text for people, and nothing is ever run by a browser: the session adds nosniff.
std::string_view content_type_of(const MaskedMessage& seen) {
  if (!seen.envelope.content_encoding.empty()) return "application/octet-stream";
  if (seen.envelope.content_type == "application/json") return "application/json";
  return base::is_utf8(seen.body()) ? "text/plain; charset=utf-8" : "application/octet-stream";
}

Result<Response> redirect(Broker& broker, const Request& request, const model::CaseRecord& record,
                          const std::string& to, bool force) {
  auto command = hospital::redirection_of(broker.engine, record, to, force);
  if (!command.ok()) return command.status();
  return act(broker, request, record, std::move(*command));
}

}  // namespace

Result<model::CaseRecord> find_case(Broker& broker, const Request& request) {
  return find_case(broker, request.arguments[0]);
}

Result<model::CaseRecord> find_case(Broker& broker, const std::string& text) {
  const auto id = model::CaseId::parse(text);
  if (!id || id->shard.value >= broker.engine.shard_count()) return Status(Code::NOT_FOUND, "there is no case " + text);
  return broker.engine.store().read_case(*id);
}

Result<std::uint64_t> body_limit_of(const Request& request) {
  return number_parameter(request, "body_limit", kWholeBody, 0, limits::kMessageBytesMost);
}

/// Only an open case can be acted upon; the shard knows those, the store also the others.
Status check_open(const model::CaseRecord& record) {
  if (record.state == model::CaseState::admitted || record.state == model::CaseState::replaying) return {};
  return Status(Code::CASE_BUSY,
                "case " + record.id.to_string() + " is " + std::string(model::to_string(record.state)) + " already");
}

Status check_discarded(const model::CaseRecord& record) {
  if (record.state == model::CaseState::discarded) return {};
  return Status(Code::CASE_BUSY, "case " + record.id.to_string() + " is " +
                                     std::string(model::to_string(record.state)) +
                                     ": only what was discarded is restored");
}

Status check_message_kept(Broker& broker, const model::CaseRecord& record) {
  const auto message = read_version(broker, record, 0);
  if (!message.ok()) return message.status();
  if (*message != nullptr || record.reason == model::CaseReason::damaged) return {};
  return Status(Code::MESSAGE_GONE, "the message of case " + record.id.to_string() + " is not kept any more");
}

Result<Response> case_response(Broker& broker, const model::CaseId& id) {
  const auto record = broker.engine.store().read_case(id);
  if (!record.ok()) return record.status();
  Response response = json_response(200, case_json(*record));
  response.headers.emplace_back("ETag", etag_of(record->version));
  return response;
}

Result<Response> list_cases(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  const auto wanted = case_filter(broker, request);
  if (!wanted.ok()) return wanted.status();
  const std::string cursor(request.parameter("cursor").value_or(""));
  const auto page = broker.engine.store().list_cases(*wanted, cursor, *limit);
  if (!page.ok()) return page.status();
  json::array items;
  for (const model::CaseRecord& record : page->cases) items.push_back(case_json(record));
  return json_response(200, list_of(std::move(items), page->cursor));
}

Result<Response> get_case(Broker& broker, const Request& request) {
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto body_limit = body_limit_of(request);
  if (!body_limit.ok()) return body_limit.status();
  const auto whole = whole_case_json(broker, *record, Compressed::opened, *body_limit);
  if (!whole.ok()) return whole.status();
  Response response = json_response(200, *whole);
  response.headers.emplace_back("ETag", etag_of(record->version));
  response.change.after = {{"version", std::to_string(record->version)}};
  return response;
}

Result<Response> count_cases(Broker& broker, const Request& request) {
  const auto wanted = case_filter(broker, request);
  if (!wanted.ok()) return wanted.status();
  const std::string cursor(request.parameter("cursor").value_or(""));
  const auto counted = broker.engine.store().count_cases(*wanted, cursor);
  if (!counted.ok()) return counted.status();
  return json_response(200, json::object{{"count", counted->count}, {"cursor", text_or_null(counted->cursor)}});
}

Result<Response> get_case_body(Broker& broker, const Request& request) {
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto message = read_version(broker, *record, record->version);
  if (!message.ok()) return message.status();
  if (*message == nullptr) return Status(Code::MESSAGE_DAMAGED);
  const auto seen = broker.config.mask.shown(**message, Compressed::opened);
  if (!seen.ok()) return seen.status();
  if (!seen->withheld.empty()) return Status(Code::MASKED, "the body is not shown: " + seen->withheld);
  if (!seen->unopened.ok()) return seen->unopened;
  Response response{200, std::string(content_type_of(*seen)), "", {}};
  const bool as_stored = !seen->stored.empty() && accepts_encoding(request.accept_encoding, seen->compressed);
  response.body = as_stored ? seen->stored : seen->body();
  if (as_stored) response.headers.emplace_back("Content-Encoding", seen->compressed);
  if (!seen->stored.empty()) response.headers.emplace_back("Vary", "Accept-Encoding");
  if (seen->covered) response.headers.emplace_back("X-Lazaret-Masked", "true");
  response.change.after = {{"version", std::to_string(record->version)}};
  return response;
}

Result<Response> replay_case(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {"force", "keep_attempts", "after_version", "to"});
  if (!body.ok()) return body.status();
  const auto force = flag_field(*body, "force");
  if (!force.ok()) return force.status();
  const auto keep_attempts = flag_field(*body, "keep_attempts");
  if (!keep_attempts.ok()) return keep_attempts.status();
  auto after_version = text_field(*body, "after_version");
  if (!after_version.ok()) return after_version.status();
  if (!after_version->empty()) {
    const Status range = model::VersionRange::check(*after_version);
    if (!range.ok()) return Status(range.code(), "after_version: " + range.text());
  }
  const auto to = text_field(*body, "to");
  if (!to.ok()) return to.status();
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  LZ_RETURN_IF_ERROR(check_open(*record));
  if (!to->empty()) {
    if (*keep_attempts || !after_version->empty()) {
      return Status(Code::BAD_REQUEST, "keep_attempts and after_version are of a replay to the case's own queue");
    }
    return redirect(broker, request, *record, *to, *force);
  }
  model::ReplayCaseCommand command{{}, record->id, record->attempt_count, record->summary.priority, *force};
  if (*keep_attempts) command.failures_before = record->failure_count;
  command.only_for = std::move(*after_version);
  return act(broker, request, *record, std::move(command));
}

Result<Response> restore_case(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {});
  if (!body.ok()) return body.status();
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  LZ_RETURN_IF_ERROR(check_discarded(*record));
  LZ_RETURN_IF_ERROR(check_message_kept(broker, *record));
  const bool waits = model::holds_key(*record);
  return act(broker, request, *record,
             model::RestoreCaseCommand{{}, record->id, record->key, waits, record->closed_at});
}

Result<Response> discard_case(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {"reason"});
  if (!body.ok()) return body.status();
  auto reason = text_field(*body, "reason");
  if (!reason.ok()) return reason.status();
  LZ_RETURN_IF_ERROR(check_bytes("reason", *reason, limits::kDiscardReasonBytes));
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  LZ_RETURN_IF_ERROR(check_open(*record));
  return act(broker, request, *record, model::DiscardCaseCommand{{}, record->id, std::move(*reason)});
}

}  // namespace lazaret::admin

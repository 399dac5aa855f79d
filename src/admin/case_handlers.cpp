// The hospital: list cases, look at one, replay it, give it up, take that back.
#include "admin/case_filter.h"
#include "admin/case_json.h"
#include "admin/case_message.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/text_encoding.h"
#include "model/key_hold.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

constexpr std::size_t kDiscardReasonBytes = 1024;

/// What the audit trail has of a case before and after.
model::AuditFields fields_of(const model::CaseRecord& record) {
  model::AuditFields fields{{"state", std::string(model::to_string(record.state))},
                            {"version", std::to_string(record.version)}};
  if (!record.discard_reason.empty()) fields.emplace_back("discard_reason", record.discard_reason);
  if (record.replay_job) fields.emplace_back("replay_job", std::to_string(record.replay_job.value));
  if (!record.redirected_to.empty()) fields.emplace_back("redirected_to", record.redirected_to);
  return fields;
}

template <class Command>
Result<Response> act(Broker& broker, const Request& request, const model::CaseRecord& before, Command command) {
  const auto done = ask<model::CaseDone>(broker.desk, before.id.shard, std::move(command), request.deadline);
  if (!done.ok()) return done.status();
  auto response = case_response(broker, before.id);
  const auto now = broker.engine.store().read_case(before.id);
  if (response.ok() && now.ok()) response->change = {fields_of(before), fields_of(*now)};
  return response;
}

/// A JSON body is for programs, text for people, and nothing is ever run by a browser: the session adds nosniff.
std::string_view content_type_of(const MaskedMessage& seen) {
  if (seen.envelope.content_type == "application/json") return "application/json";
  return base::is_utf8(seen.body()) ? "text/plain; charset=utf-8" : "application/octet-stream";
}

/// Where the message of a case goes in place of its own queue.
Result<model::OutgoingRef> outgoing_to(Broker& broker, const std::string& name, const model::Message& message) {
  const auto destination = broker.engine.directory().destination(name);
  if (!destination.ok()) return destination.status();
  auto copy = std::make_shared<model::Message>(message);
  // It is an operator's wish: no time that it once had is waited for, or over. Where it goes it is at home, and for
  // everybody, also one that was imported.
  copy->due = copy->expires_at = {};
  copy->source = {};
  copy->imported = false;
  copy->imported_at = {};
  auto outgoing = std::make_shared<model::Outgoing>();
  outgoing->repeats = true;
  outgoing->to.push_back({(*destination)->shard, (*destination)->log, {std::move(copy)}});
  return model::OutgoingRef(std::move(outgoing));
}

Result<Response> redirect(Broker& broker, const Request& request, const model::CaseRecord& record,
                          const std::string& to, bool force) {
  const auto message = read_version(broker, record, record.version);
  if (!message.ok()) return message.status();
  if (*message == nullptr) return Status(Code::MESSAGE_DAMAGED);
  auto outgoing = outgoing_to(broker, to, **message);
  if (!outgoing.ok()) return outgoing.status();
  return act(broker, request, record,
             model::RedirectCaseCommand{{}, record.id, record.version, to, std::move(*outgoing), force});
}

Result<bool> flag_of(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return Status(Code::BAD_REQUEST, std::string(name) + " must be true or false");
  return value->get_bool();
}

}  // namespace

Result<model::CaseRecord> find_case(Broker& broker, const Request& request) {
  const std::string& text = request.arguments[0];
  const auto id = model::CaseId::parse(text);
  if (!id || id->shard.value >= broker.engine.shard_count()) return Status(Code::NOT_FOUND, "there is no case " + text);
  return broker.engine.store().read_case(*id);
}

/// Only an open case can be acted upon; the shard knows those, the store also the others.
Status check_open(const model::CaseRecord& record) {
  if (record.state == model::CaseState::admitted || record.state == model::CaseState::replaying) return {};
  return Status(Code::CASE_BUSY,
                "case " + record.id.to_string() + " is " + std::string(model::to_string(record.state)) + " already");
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
  const std::string* queue = model::equal_to(*wanted, model::CaseTerm::Field::subscription);
  const bool is_nobodys = items.empty() && cursor.empty() && page->cursor.empty() && queue != nullptr;
  if (is_nobodys && broker.engine.directory().find(*queue) == nullptr) {
    return Status(Code::NOT_FOUND, "there is no queue " + *queue + " and no case of one");
  }
  return json_response(200, list_of(std::move(items), page->cursor));
}

Result<Response> get_case(Broker& broker, const Request& request) {
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  const auto whole = whole_case_json(broker, *record);
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
  const auto seen = broker.config.mask.shown(**message);
  if (!seen.ok()) return seen.status();
  if (!seen->withheld.empty()) return Status(Code::MASKED, "the body is not shown: " + seen->withheld);
  Response response{200, std::string(content_type_of(*seen)), std::string(seen->body()), {}};
  if (seen->covered) response.headers.emplace_back("X-Lazaret-Masked", "true");
  response.change.after = {{"version", std::to_string(record->version)}};
  return response;
}

Result<Response> replay_case(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {"force", "keep_attempts", "after_version", "to"});
  if (!body.ok()) return body.status();
  const auto force = flag_of(*body, "force");
  if (!force.ok()) return force.status();
  const auto keep_attempts = flag_of(*body, "keep_attempts");
  if (!keep_attempts.ok()) return keep_attempts.status();
  auto after_version = text_field(*body, "after_version");
  if (!after_version.ok()) return after_version.status();
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
  if (record->state != model::CaseState::discarded) {
    return Status(Code::CASE_BUSY, "case " + record->id.to_string() + " is " +
                                       std::string(model::to_string(record->state)) +
                                       ": only what was discarded is restored");
  }
  // By a version before format 8 its message may have been dropped with it.
  const auto message = read_version(broker, *record, 0);
  if (!message.ok()) return message.status();
  const bool waits = model::holds_key(*record);
  return act(broker, request, *record, model::RestoreCaseCommand{{}, record->id, record->key, waits});
}

Result<Response> discard_case(Broker& broker, const Request& request) {
  const auto body = parse_object(request.body, {"reason"});
  if (!body.ok()) return body.status();
  auto reason = text_field(*body, "reason");
  if (!reason.ok()) return reason.status();
  LZ_RETURN_IF_ERROR(check_bytes("reason", *reason, kDiscardReasonBytes));
  const auto record = find_case(broker, request);
  if (!record.ok()) return record.status();
  LZ_RETURN_IF_ERROR(check_open(*record));
  return act(broker, request, *record, model::DiscardCaseCommand{{}, record->id, std::move(*reason)});
}

}  // namespace lazaret::admin

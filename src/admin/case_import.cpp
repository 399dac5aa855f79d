#include "admin/case_import.h"

#include <algorithm>
#include <array>

#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/crc32c.h"
#include "base/duration_text.h"
#include "model/fingerprint.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

/// What is the message's own of what is shown of it. The rest is the broker's that shows it, or came with a newer one:
/// it is passed over.
constexpr std::array<std::string_view, 14> kOwn = {
    "id",       "key",      "type",      "content_type",     "headers",     "correlation_id", "causation_id",
    "reply_to", "priority", "schema_id", "content_encoding", "traceparent", "body",           "body_base64"};
constexpr std::array kOutcomes = {
    model::AttemptOutcome::running,       model::AttemptOutcome::acked,           model::AttemptOutcome::nacked,
    model::AttemptOutcome::lease_expired, model::AttemptOutcome::handler_timeout, model::AttemptOutcome::consumer_lost,
    model::AttemptOutcome::rejected,      model::AttemptOutcome::released,        model::AttemptOutcome::interrupted,
};

Status wrong(std::string_view field, std::string_view expected) {
  return Status(Code::BAD_REQUEST, std::string(field) + " must be " + std::string(expected));
}

Status read_text(const json::object& object, std::string_view name, std::size_t most, std::string& into) {
  auto text = text_field(object, name);
  if (!text.ok()) return text.status();
  LZ_RETURN_IF_ERROR(check_bytes(name, *text, most));
  into = std::move(*text);
  return {};
}

Status read_flag(const json::object& object, std::string_view name, bool& into) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_bool()) return wrong(name, "true or false");
  into = value->get_bool();
  return {};
}

Status read_error(const json::object& object, model::ErrorReport& error) {
  LZ_RETURN_IF_ERROR(read_text(object, "error_type", limits::kErrorTypeBytes, error.type));
  LZ_RETURN_IF_ERROR(read_text(object, "error_message", limits::kErrorMessageBytes, error.message));
  return read_text(object, "error_details", limits::kErrorDetailsBytes, error.details);
}

/// null stays empty.
Status read_consumer(const json::object& object, model::ConsumerInfo& consumer) {
  const json::value* value = object.if_contains("consumer");
  if (value == nullptr || value->is_null()) return {};
  if (!value->is_object()) return wrong("consumer", "an object");
  const json::object& given = value->get_object();
  LZ_RETURN_IF_ERROR(read_text(given, "name", limits::kEnvelopeFieldBytes, consumer.name));
  LZ_RETURN_IF_ERROR(read_text(given, "host", limits::kEnvelopeFieldBytes, consumer.host));
  LZ_RETURN_IF_ERROR(read_text(given, "version", limits::kEnvelopeFieldBytes, consumer.version));
  std::string instance;
  LZ_RETURN_IF_ERROR(read_text(given, "instance", limits::kEnvelopeFieldBytes, instance));
  if (instance.empty()) return {};
  const auto id = model::InstanceId::parse(instance);
  if (!id) return wrong("consumer.instance", "a UUID");
  consumer.instance = *id;
  return {};
}

Status read_attempt(const json::value& value, model::Attempt& attempt) {
  if (!value.is_object()) return wrong("attempts", "a list of objects");
  const json::object& object = value.get_object();
  LZ_RETURN_IF_ERROR(read_consumer(object, attempt.consumer));
  LZ_RETURN_IF_ERROR(read_time_field(object, "started_at", attempt.started_at));
  LZ_RETURN_IF_ERROR(read_time_field(object, "ended_at", attempt.ended_at));
  LZ_RETURN_IF_ERROR(read_error(object, attempt.error));
  LZ_RETURN_IF_ERROR(read_flag(object, "late", attempt.late));
  bool counted = true;
  LZ_RETURN_IF_ERROR(read_flag(object, "counted", counted));
  attempt.uncounted = !counted;
  std::string outcome;
  LZ_RETURN_IF_ERROR(read_text(object, "outcome", limits::kErrorTypeBytes, outcome));
  const auto known = std::find_if(kOutcomes.begin(), kOutcomes.end(),
                                  [&](model::AttemptOutcome one) { return model::to_string(one) == outcome; });
  if (known == kOutcomes.end()) return wrong("attempts", "a list in which each has an outcome that is known");
  attempt.outcome = *known;
  return {};
}

Status read_attempts(const json::object& line, std::vector<model::Attempt>& attempts) {
  const json::value* list = line.if_contains("attempts");
  if (list == nullptr || !list->is_array()) return wrong("attempts", "a list");
  if (list->get_array().size() > limits::kImportedAttempts) {
    return Status(Code::BAD_REQUEST, "attempts has more than " + std::to_string(limits::kImportedAttempts) + " items")
        .with_limit("attempts", static_cast<std::int64_t>(limits::kImportedAttempts));
  }
  for (const json::value& one : list->get_array()) {
    model::Attempt& attempt = attempts.emplace_back();
    attempt.number = static_cast<std::uint32_t>(attempts.size());
    LZ_RETURN_IF_ERROR(read_attempt(one, attempt));
  }
  return {};
}

/// Its job was another broker's: who it was says `by`.
Status read_event(const json::value& value, model::CaseEvent& event) {
  if (!value.is_object()) return wrong("history", "a list of objects");
  const json::object& object = value.get_object();
  LZ_RETURN_IF_ERROR(read_time_field(object, "at", event.at));
  LZ_RETURN_IF_ERROR(read_text(object, "by", limits::kActorBytes, event.by));
  LZ_RETURN_IF_ERROR(read_text(object, "reason", limits::kDiscardReasonBytes, event.reason));
  LZ_RETURN_IF_ERROR(read_text(object, "to", limits::kEnvelopeFieldBytes, event.to));
  const auto what = text_field(object, "what");
  if (!what.ok()) return what.status();
  const auto known = model::parse_case_change(*what);
  if (!known) return wrong("history", "a list in which each says what was done, in a word that is known");
  event.what = *known;
  return {};
}

/// A file of before there was a history has none.
Status read_history(const json::object& line, model::ImportedCase& what) {
  const json::value* list = line.if_contains("history");
  if (list == nullptr) return {};
  if (!list->is_array()) return wrong("history", "a list");
  if (list->get_array().size() > limits::kCaseHistory) {
    return Status(Code::BAD_REQUEST, "history has more than " + std::to_string(limits::kCaseHistory) + " items")
        .with_limit("history", static_cast<std::int64_t>(limits::kCaseHistory));
  }
  for (const json::value& one : list->get_array()) LZ_RETURN_IF_ERROR(read_event(one, what.history.emplace_back()));
  const json::value* left_out = line.if_contains("history_left_out");
  if (left_out == nullptr) return {};
  boost::system::error_code error;
  what.history_left_out = left_out->to_number<std::uint64_t>(error);
  return error ? wrong("history_left_out", "a number") : Status();
}

/// Why the message of this line is not the message; "": it is.
std::string_view problem_of(const json::object& line) {
  const auto is_true = [](const json::object& object, std::string_view name) {
    const json::value* value = object.if_contains(name);
    return value != nullptr && value->is_bool() && value->get_bool();
  };
  const json::value* message = line.if_contains("message");
  if (message == nullptr || !message->is_object()) return "it comes without its message";
  const json::object& object = message->get_object();
  if (is_true(line, "masked") || is_true(object, "masked")) return "something of its message is masked";
  if (is_true(object, "damaged")) return "its message is damaged";
  if (object.contains("withheld")) return "the body of its message is not shown";
  if (object.contains("body_bytes")) return "only the beginning of its body is there";
  if (object.contains("request")) return "its message is the reply to a request of the broker that it comes from";
  return {};
}

Result<model::MessageRef> read_message(const json::object& shown, const ServerConfig& config,
                                       model::MessageId& message_id) {
  base::Instant published_at;
  base::Instant deadline;
  base::Instant expires_at;
  LZ_RETURN_IF_ERROR(read_time_field(shown, "published_at", published_at));
  LZ_RETURN_IF_ERROR(read_time_field(shown, "deadline", deadline));
  LZ_RETURN_IF_ERROR(read_time_field(shown, "expires_at", expires_at));
  json::object own;  // not in what the request may take of memory
  for (const std::string_view name : kOwn) {
    if (const json::value* value = shown.if_contains(name)) own[name] = *value;
  }
  const bool has_body = own.contains("body") || own.contains("body_base64");
  if (!has_body) return wrong("message", "one with body or body_base64");
  auto given = read_message_object(own);
  if (!given.ok()) return given.status();
  message_id = given->envelope.id;
  if (message_id.is_nil()) return wrong("message.id", "a UUID");
  given->envelope.deadline_us = deadline.us;
  given->envelope.expires_at_us = expires_at.us;
  if (given->body.size() > config.max_message_bytes) {
    return Status(Code::MESSAGE_TOO_LARGE, "the body has " + std::to_string(given->body.size()) + " bytes, at most " +
                                               std::to_string(config.max_message_bytes) + " are allowed")
        .with_limit("max_message_bytes", static_cast<std::int64_t>(config.max_message_bytes));
  }
  auto message = std::make_shared<model::Message>();
  std::string envelope = wire::encode_envelope(given->envelope);
  wire::EnvelopeFacts facts;
  LZ_RETURN_IF_ERROR(wire::check_envelope(envelope, config.max_header_bytes, facts));
  message->priority = facts.priority;
  message->published_at = published_at;
  message->envelope = base::SharedBytes::of(std::move(envelope));
  message->body_crc = base::crc32c(given->body);
  message->body = base::SharedBytes::of(std::move(given->body));
  return model::MessageRef(std::move(message));
}

Status read_origin(const json::object& line, model::CaseOrigin& origin) {
  const auto id = text_field(line, "id");
  if (!id.ok()) return id.status();
  const auto parsed = model::CaseId::parse(*id);
  if (!parsed) return wrong("id", "that of a case");
  origin.id = *parsed;
  LZ_RETURN_IF_ERROR(read_time_field(line, "first_admitted_at", origin.admitted_at));
  return origin.admitted_at.us > 0 ? Status() : wrong("first_admitted_at", "a time");
}

Status read_what(const json::object& line, const ServerConfig& config, model::ImportedCase& what) {
  LZ_RETURN_IF_ERROR(read_origin(line, what.origin));
  if (const std::string_view problem = problem_of(line); !problem.empty()) {
    return Status(Code::BAD_REQUEST, "case " + what.origin.id.to_string() + " is not whole: " + std::string(problem));
  }
  const auto reason = text_field(line, "reason");
  if (!reason.ok()) return reason.status();
  const auto known = model::parse_case_reason(*reason);
  if (!known || known == model::CaseReason::damaged) return wrong("reason", "one that a case has");
  what.reason = *known;
  LZ_RETURN_IF_ERROR(read_error(line, what.last_error));
  model::ConsumerInfo consumer;
  LZ_RETURN_IF_ERROR(read_consumer(line, consumer));
  what.consumer_name = std::move(consumer.name);
  what.consumer_version = std::move(consumer.version);
  LZ_RETURN_IF_ERROR(read_attempts(line, what.attempts));
  LZ_RETURN_IF_ERROR(read_history(line, what));
  // As when it was admitted: who had it when it failed, and where.
  const bool by_consumer = !what.consumer_name.empty() && !what.attempts.empty();
  if (by_consumer) what.error_frames = model::top_frames(what.attempts.back().error.details);
  auto message = read_message(line.at("message").get_object(), config, what.origin.message_id);
  if (!message.ok()) return message.status();
  what.message = std::move(*message);
  return {};
}

}  // namespace

Result<ExportedCase> read_exported_case(const json::object& line, const ServerConfig& config) {
  ExportedCase out;
  const auto state = text_field(line, "state");
  if (!state.ok()) return state.status();
  const auto known = model::parse_case_state(*state);
  if (!known) return wrong("state", "one that a case has");
  out.state = *known;
  LZ_RETURN_IF_ERROR(read_text(line, "subscription", limits::kEnvelopeFieldBytes, out.subscription));
  if (out.state != model::CaseState::admitted) return out;
  out.what = std::make_shared<model::ImportedCase>();
  LZ_RETURN_IF_ERROR(read_what(line, config, *out.what));
  return out;
}

}  // namespace lazaret::admin

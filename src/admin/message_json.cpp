#include "admin/message_json.h"

#include "admin/json_text.h"
#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "model/limits.h"
#include "model/message.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;

/// A header that is given several times is a list.
json::object headers_json(const std::vector<std::pair<std::string, std::string>>& given) {
  json::object headers;
  for (const auto& [name, value] : given) {
    json::value& slot = headers[base::to_utf8(name)];
    if (slot.is_string()) slot = json::array{slot};
    if (slot.is_array()) {
      slot.get_array().emplace_back(base::to_utf8(value));
    } else {
      slot = base::to_utf8(value);
    }
  }
  return headers;
}

Status read_headers(const json::object& object, wire::Envelope& envelope) {
  auto headers = texts_field(object, "headers");
  if (!headers.ok()) return headers.status();
  if (headers->size() > model::limits::kHeaderCount) {
    return Status(Code::HEADERS_TOO_LARGE, "the message has " + std::to_string(headers->size()) + " headers, at most " +
                                               std::to_string(model::limits::kHeaderCount) + " are allowed")
        .with_limit("headers", static_cast<std::int64_t>(model::limits::kHeaderCount));
  }
  envelope.headers = std::move(*headers);
  return {};
}

Status read_id(const json::object& object, wire::Envelope& envelope) {
  auto text = text_field(object, "id");
  if (!text.ok()) return text.status();
  if (text->empty()) return {};
  const auto id = model::MessageId::parse(*text);
  if (!id || id->is_nil()) return Status(Code::BAD_REQUEST, "id must be a UUID");
  envelope.id = *id;
  return {};
}

/// Taken and not acted upon, it would be a broken promise. A message as a peek shows it has it as null.
Status check_no_deadline(const json::object& object) {
  const json::value* value = object.if_contains("deadline");
  if (value == nullptr || value->is_null()) return {};
  return Status(Code::BAD_REQUEST,
                "deadline: is of a request, which is asked with POST …/queues/{name}/requests, or with a "
                "reply_queue in POST …/transactions");
}

Status read_priority(const json::object& object, wire::Envelope& envelope) {
  const json::value* value = object.if_contains("priority");
  if (value == nullptr || value->is_null()) return {};
  const bool good = value->is_int64() && value->get_int64() >= 0 && value->get_int64() <= model::kHighestPriority;
  if (!good) return Status(Code::BAD_REQUEST, "priority must be a whole number, 0 to 9");
  envelope.priority = static_cast<std::uint32_t>(value->get_int64());
  return {};
}

Status read_duration(const json::object& object, std::string_view name, base::Duration& into) {
  auto text = text_field(object, name);
  if (!text.ok()) return text.status();
  if (text->empty()) return {};
  const auto duration = base::parse_duration(*text);
  if (!duration.ok()) return Status(Code::BAD_REQUEST, std::string(name) + ": " + duration.status().text());
  into = *duration;
  return {};
}

Status read_times(const json::object& object, model::AskedTimes& times) {
  LZ_RETURN_IF_ERROR(read_duration(object, "delay", times.delay));
  LZ_RETURN_IF_ERROR(read_time_field(object, "deliver_at", times.deliver_at));
  LZ_RETURN_IF_ERROR(read_duration(object, "ttl", times.ttl));
  return read_time_field(object, "expires_at", times.expires_at);
}

Status read_body(const json::object& object, std::string& body) {
  auto text = text_field(object, "body");
  if (!text.ok()) return text.status();
  auto encoded = text_field(object, "body_base64");
  if (!encoded.ok()) return encoded.status();
  if (object.contains("body") && object.contains("body_base64")) {
    return Status(Code::BAD_REQUEST, "a message has body or body_base64, not both");
  }
  body = std::move(*text);
  if (encoded->empty()) return {};
  auto bytes = base::from_base64(*encoded);
  if (!bytes) return Status(Code::BAD_REQUEST, "body_base64 is not base64");
  body = std::move(*bytes);
  return {};
}

/// Of a message on a reply queue: what became of which request.
void add_reply(json::object& out, const wire::ReplyInfo& reply) {
  const bool timed_out = reply.outcome == model::RequestOutcome::timed_out;
  out["request"] = reply.request.to_string();
  out["status"] = model::name_of(reply.outcome);
  out["reached"] = timed_out ? json::value(model::name_of(reply.reached)) : json::value();
  out["late"] = reply.late;
  out["final"] = reply.final;
  out["reason"] = text_or_null(reply.reason);
  out["case_id"] = text_or_null(reply.case_id);
  out["context"] = headers_json(reply.context);
}

void add_envelope(json::object& out, const wire::Envelope& envelope) {
  out["id"] = envelope.id.to_string();
  out["key"] = text_or_null(envelope.key);
  out["type"] = text_or_null(envelope.type);
  out["content_type"] = text_or_null(envelope.content_type);
  out["headers"] = headers_json(envelope.headers);
  out["correlation_id"] = text_or_null(envelope.correlation_id);
  out["causation_id"] = text_or_null(envelope.causation_id);
  out["reply_to"] = text_or_null(envelope.reply_to);
  out["deadline"] = time_or_null({envelope.deadline_us});
  out["expires_at"] = time_or_null({envelope.expires_at_us});
  out["priority"] = envelope.priority;
  // Not in every message and of interest to few: only where they are used.
  if (!envelope.schema_id.empty()) out["schema_id"] = text_or_null(envelope.schema_id);
  if (!envelope.content_encoding.empty()) out["content_encoding"] = text_or_null(envelope.content_encoding);
  if (!envelope.traceparent.empty()) out["traceparent"] = text_or_null(envelope.traceparent);
  if (envelope.reply) add_reply(out, *envelope.reply);
}

void add_body(json::object& out, std::string_view body, std::uint64_t limit) {
  const bool is_text = base::is_utf8(body);
  std::string_view given = body.substr(0, limit);
  if (given.size() < body.size()) {
    out["body_bytes"] = body.size();
    // Not within a character: what is left would be no text.
    const auto continues = [body](std::size_t at) { return (static_cast<unsigned char>(body[at]) & 0xc0) == 0x80; };
    while (is_text && !given.empty() && continues(given.size())) given.remove_suffix(1);
  }
  if (is_text) {
    out["body"] = given;
  } else {
    out["body_base64"] = base::to_base64(given);
  }
}

}  // namespace

json::object protobuf_json(const ProtobufBody& body) {
  return {
      {"type", text_or_null(body.type)}, {"json", text_or_null(body.json)}, {"undecoded", text_or_null(body.why())}};
}

json::object message_json(const ShownMessage& shown, const Mask& mask, Compressed compressed) {
  json::object out{{"id", nullptr},
                   {"source", shown.source},
                   {"offset", shown.offset.value},
                   {"attempt", shown.attempt},
                   {"redelivered", shown.redelivered}};
  if (shown.message != nullptr) {
    const model::Message& message = *shown.message;
    if (const auto seen = mask.shown(message, compressed); seen.ok()) {
      add_envelope(out, seen->envelope);
      out["published_at"] = time_or_null(message.published_at);
      if (seen->masked) out["masked"] = true;
      if (!seen->compressed.empty()) out["compressed"] = seen->compressed;
      if (!seen->unopened.ok()) out["unopened"] = seen->unopened.text();
      if (!seen->withheld.empty()) {
        out["body"] = nullptr;
        out["withheld"] = seen->withheld;
      } else {
        add_body(out, seen->body(), shown.body_limit);
      }
      if (seen->protobuf) out["body_protobuf"] = protobuf_json(*seen->protobuf);
      return out;
    }
  }
  out["damaged"] = true;
  return out;
}

base::Result<Texts> texts_field(const json::object& object, std::string_view name) {
  Texts texts;
  const json::value* field = object.if_contains(name);
  if (field == nullptr || field->is_null()) return texts;
  const Status wrong(Code::BAD_REQUEST, std::string(name) + " must be an object of texts, or of lists of texts");
  if (!field->is_object()) return wrong;
  for (const auto& [key, value] : field->get_object()) {
    const json::array values = value.is_array() ? value.get_array() : json::array{value};
    for (const json::value& one : values) {
      if (!one.is_string()) return wrong;
      texts.emplace_back(std::string(key), std::string(one.get_string()));
    }
  }
  return texts;
}

base::Result<json::object> parse_message_object(std::string_view text) {
  auto object = parse_object(text);
  if (object.ok() || object.status().limit() != kJsonMemory) return object;
  // Of what a message may have only headers can be so many.
  return Status(Code::HEADERS_TOO_LARGE, "the message has too many values: of headers at most " +
                                             std::to_string(model::limits::kHeaderCount) + " are allowed")
      .with_limit("headers", static_cast<std::int64_t>(model::limits::kHeaderCount));
}

base::Result<NewMessage> read_message_json(std::string_view text) {
  if (text.empty()) return Status(Code::BAD_REQUEST, "the body must be a message object");
  const auto object = parse_message_object(text);
  if (!object.ok()) return object.status();
  return read_message_object(*object);
}

base::Result<NewMessage> read_message_object(const json::object& object) {
  LZ_RETURN_IF_ERROR(
      check_known(object, {"id", "key", "type", "content_type", "headers", "correlation_id", "causation_id", "reply_to",
                           "deadline", "expires_at", "priority", "schema_id", "content_encoding", "traceparent", "body",
                           "body_base64", "delay", "deliver_at", "ttl"}));
  NewMessage message;
  wire::Envelope& envelope = message.envelope;
  const std::pair<std::string_view, std::string*> texts[] = {
      {"key", &envelope.key},
      {"type", &envelope.type},
      {"content_type", &envelope.content_type},
      {"correlation_id", &envelope.correlation_id},
      {"causation_id", &envelope.causation_id},
      {"reply_to", &envelope.reply_to},
      {"schema_id", &envelope.schema_id},
      {"content_encoding", &envelope.content_encoding},
      {"traceparent", &envelope.traceparent},
  };
  for (const auto& [name, into] : texts) {
    auto value = text_field(object, name);
    if (!value.ok()) return value.status();
    *into = std::move(*value);
  }
  for (Status status :
       {read_id(object, envelope), read_headers(object, envelope), check_no_deadline(object),
        read_priority(object, envelope), read_times(object, message.times), read_body(object, message.body)}) {
    if (!status.ok()) return status;
  }
  return message;
}

}  // namespace lazaret::admin

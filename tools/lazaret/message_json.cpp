#include "message_json.h"

#include <algorithm>
#include <array>

#include <boost/json/parse.hpp>

#include "base/duration_text.h"
#include "base/text_encoding.h"

namespace lazaret::cli {
namespace {

namespace json = boost::json;
using base::Code;
using base::Status;

constexpr std::array<std::pair<std::string_view, std::string Message::*>, 9> kTexts = {{
    {"key", &Message::key},
    {"type", &Message::type},
    {"content_type", &Message::content_type},
    {"correlation_id", &Message::correlation_id},
    {"causation_id", &Message::causation_id},
    {"reply_to", &Message::reply_to},
    {"schema_id", &Message::schema_id},
    {"traceparent", &Message::traceparent},
    {"content_encoding", &Message::content_encoding},
}};
constexpr std::array<std::string_view, 8> kOthers = {"id",    "headers",    "body", "body_base64",
                                                     "delay", "deliver_at", "ttl",  "expires_at"};
/// Added by the broker when it shows a message.
constexpr std::array<std::string_view, 21> kPassedOver = {
    "source",   "offset",  "published_at", "attempt", "state",         "redelivered", "until",
    "consumer", "held_by", "unaccepted",   "request", "status",        "reached",     "late",
    "final",    "reason",  "case_id",      "context", "body_protobuf", "compressed",  "unopened"};
/// In the contract of a message, but not to be set by this version.
constexpr std::string_view kNotYet = "deadline";

template <class List>
bool is_in(const List& list, std::string_view name) {
  return std::find(list.begin(), list.end(), name) != list.end();
}

json::value text_or_null(std::string_view text) {
  if (text.empty()) return nullptr;
  return json::string(base::to_utf8(text));
}

json::value time_or_null(std::chrono::system_clock::time_point time) {
  const auto exact = std::chrono::time_point_cast<std::chrono::microseconds>(time).time_since_epoch();
  return exact.count() == 0 ? json::value() : json::value(json::string(base::format_rfc3339({exact.count()})));
}

/// A header that is given several times is a list.
json::object headers_json(const Headers& headers) {
  json::object out;
  for (const auto& [name, value] : headers) {
    json::value& slot = out[base::to_utf8(name)];
    if (slot.is_string()) slot = json::array{slot};
    if (slot.is_array()) {
      slot.get_array().emplace_back(base::to_utf8(value));
    } else {
      slot = base::to_utf8(value);
    }
  }
  return out;
}

Status wrong(std::string text) { return {Code::BAD_REQUEST, std::move(text)}; }

/// {"name": "value"}, {"name": ["value", …]}, or [["name", "value"], …].
Status read_headers(const json::value& value, Headers& headers) {
  const Status bad = wrong("headers must be an object of texts or lists of texts, or a list of [name, value]");
  headers.clear();
  if (value.is_object()) {
    for (const auto& [name, given] : value.get_object()) {
      const json::array values = given.is_array() ? given.get_array() : json::array{given};
      for (const json::value& one : values) {
        if (!one.is_string()) return bad;
        headers.emplace_back(std::string(name), std::string(one.get_string()));
      }
    }
    return {};
  }
  if (!value.is_array()) return bad;
  for (const json::value& pair : value.get_array()) {
    const auto* both = pair.if_array();
    if (both == nullptr || both->size() != 2 || !both->at(0).is_string() || !both->at(1).is_string()) return bad;
    headers.emplace_back(std::string(both->at(0).get_string()), std::string(both->at(1).get_string()));
  }
  return {};
}

Status read_duration(std::string_view name, const std::string& text, milliseconds& into) {
  const auto duration = base::parse_duration(text);
  if (!duration.ok()) return wrong(std::string(name) + ": " + duration.status().text());
  into = std::chrono::duration_cast<milliseconds>(*duration);
  return {};
}

Status read_time(std::string_view name, const std::string& text, std::chrono::system_clock::time_point& into) {
  const auto time = base::parse_rfc3339(text);
  if (!time.ok()) return wrong(std::string(name) + ": " + time.status().text());
  into = std::chrono::system_clock::time_point(std::chrono::microseconds(time->us));
  return {};
}

/// Each stands for what the command line says of all messages, whichever of the two ways it says it.
Status read_when(std::string_view name, const std::string& text, Message& message) {
  if (name == "delay" || name == "deliver_at") {
    message.delay = {};
    message.deliver_at = {};
    return name == "delay" ? read_duration(name, text, message.delay) : read_time(name, text, message.deliver_at);
  }
  message.ttl = {};
  message.expires_at = {};
  return name == "ttl" ? read_duration(name, text, message.ttl) : read_time(name, text, message.expires_at);
}

Status read_priority(const json::value& value, int& priority) {
  if (value.is_null()) return {};
  const bool good = value.is_int64() && value.get_int64() >= 0 && value.get_int64() <= 9;
  if (!good) return wrong("priority must be a whole number, 0 to 9");
  priority = static_cast<int>(value.get_int64());
  return {};
}

Status read_field(std::string_view name, const json::value& value, Message& message) {
  const auto text = std::find_if(kTexts.begin(), kTexts.end(), [name](const auto& one) { return one.first == name; });
  if (text == kTexts.end() && !is_in(kOthers, name)) {
    if (is_in(kPassedOver, name)) return {};
    if (name == kNotYet) return value.is_null() ? Status() : wrong(std::string(name) + " cannot be set yet");
    if (name == "priority") return read_priority(value, message.priority);
    return wrong("the field \"" + std::string(name) + "\" is not known here");
  }
  if (value.is_null()) return {};
  if (name == "headers") return read_headers(value, message.headers);
  if (!value.is_string()) return wrong(std::string(name) + " must be a text");
  const std::string given(value.get_string());
  if (text != kTexts.end()) {
    message.*(text->second) = given;
  } else if (name == "id") {
    const auto id = MessageId::parse(given);
    if (!id || id->is_nil()) return wrong("id must be a UUID");
    message.id = *id;
  } else if (name == "body") {
    message.body = Body(given);
  } else if (name != "body_base64") {
    return read_when(name, given, message);
  } else {
    auto bytes = base::from_base64(given);
    if (!bytes) return wrong("body_base64 is not base64");
    message.body = Body(std::move(*bytes));
  }
  return {};
}

void add_body(json::object& out, const Message& message) {
  if (!message.schema_id.empty()) out["schema_id"] = text_or_null(message.schema_id);
  if (!message.content_encoding.empty()) out["content_encoding"] = text_or_null(message.content_encoding);
  if (!message.traceparent.empty()) out["traceparent"] = text_or_null(message.traceparent);
  if (base::is_utf8(message.body.view())) {
    out["body"] = message.body.view();
  } else {
    out["body_base64"] = base::to_base64(message.body.view());
  }
}

/// How a request ended; of a note: it has not.
void add_outcome(json::object& out, const Reply& reply) {
  const bool timed_out = reply.final && reply.outcome == Outcome::timed_out;
  out["status"] = reply.final ? name_of(reply.outcome) : "open";
  out["reached"] = timed_out ? json::value(name_of(reply.reached)) : json::value();
  out["late"] = reply.late;
  out["reason"] = text_or_null(reply.reason);
  out["case_id"] = text_or_null(reply.case_id);
}

}  // namespace

json::object reply_json(const Reply& reply) {
  json::object out;
  add_outcome(out, reply);
  if (reply.outcome != Outcome::answered) return out;
  const Message& message = reply.message;
  out["id"] = message.id.to_string();
  out["key"] = text_or_null(message.key);
  out["type"] = text_or_null(message.type);
  out["content_type"] = text_or_null(message.content_type);
  out["headers"] = headers_json(message.headers);
  out["correlation_id"] = text_or_null(message.correlation_id);
  out["causation_id"] = text_or_null(message.causation_id);
  out["published_at"] = time_or_null(message.published_at);
  add_body(out, message);
  return out;
}

json::object message_json(const Delivery& delivery) {
  const Message& message = delivery.message();
  json::object out{{"id", message.id.to_string()},
                   {"source", message.source},
                   {"offset", message.offset},
                   {"attempt", delivery.attempt()},
                   {"redelivered", delivery.redelivered()},
                   {"key", text_or_null(message.key)},
                   {"type", text_or_null(message.type)},
                   {"content_type", text_or_null(message.content_type)},
                   {"headers", headers_json(message.headers)},
                   {"correlation_id", text_or_null(message.correlation_id)},
                   {"causation_id", text_or_null(message.causation_id)},
                   {"reply_to", text_or_null(message.reply_to)},
                   {"deadline", time_or_null(message.deadline)},
                   {"expires_at", time_or_null(message.expires_at)},
                   {"priority", message.priority},
                   {"published_at", time_or_null(message.published_at)}};
  if (message.reply != nullptr) {
    out["request"] = message.reply->request.to_string();
    add_outcome(out, *message.reply);
    out["final"] = message.reply->final;
    out["context"] = headers_json(message.reply->context);
  }
  add_body(out, message);
  return out;
}

base::Result<Message> read_message_json(std::string_view line, const Message& defaults) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error) return wrong("the line is not JSON: " + error.message());
  if (!value.is_object()) return wrong("the line must be a JSON object");
  if (value.get_object().contains("body") && value.get_object().contains("body_base64")) {
    return wrong("a message has body or body_base64, not both");
  }
  for (const auto& [one, other] : {std::pair("delay", "deliver_at"), std::pair("ttl", "expires_at")}) {
    const json::object& object = value.get_object();
    const bool both =
        object.contains(one) && object.contains(other) && !object.at(one).is_null() && !object.at(other).is_null();
    if (both) return wrong(std::string(one) + " and " + other + " say the same: give one of them");
  }
  Message message = defaults;
  for (const auto& [name, field] : value.get_object()) LZ_RETURN_IF_ERROR(read_field(name, field, message));
  return message;
}

std::optional<std::string> decoded_protobuf(const json::object& message) {
  const json::value* protobuf = message.if_contains("body_protobuf");
  if (protobuf == nullptr || !protobuf->is_object()) return std::nullopt;
  const json::value* text = protobuf->get_object().if_contains("json");
  if (text == nullptr || !text->is_string()) return std::nullopt;
  return std::string(text->get_string());
}

}  // namespace lazaret::cli

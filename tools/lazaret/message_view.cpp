#include "message_view.h"

#include <algorithm>

#include "base/text_encoding.h"
#include "body_text.h"
#include "message_json.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

std::string_view text_in(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  return value != nullptr && value->is_string() ? std::string_view(value->get_string()) : std::string_view();
}

/// `all`: so many bytes the body has.
void print_body(const BodyText& body, std::size_t shown, std::uint64_t all) {
  print_line("body (" + std::string(body.kind) + ", " + counted(all, "byte") + "):");
  if (!body.text.empty()) print_line(body.text);
  if (shown < all) print_line("… the first " + std::to_string(shown) + " bytes; --body writes all of it");
}

void print_decoded(const json::object& protobuf, std::string_view decoded) {
  print_line("body (protobuf " + cell(protobuf, "type") + "):");
  const std::string_view shown = beginning_of(decoded, kBodyShown);
  print_line(text_body(shown, "application/json", shown.size() == decoded.size()).text);
  if (shown.size() < decoded.size()) {
    print_line("… the first " + std::to_string(shown.size()) + " of " + counted(decoded.size(), "byte") +
               " of JSON; --json has all of it");
  }
}

}  // namespace

Query of_what_is_shown() { return {{"body_limit", std::to_string(kBodyShown)}}; }
Query without_body() { return {{"body_limit", "0"}}; }

void print_message(const json::object& message) {
  json::object envelope = message;
  for (const char* body : {"body", "body_base64", "body_bytes", "body_protobuf"}) envelope.erase(body);
  print_line("\nmessage");
  print_fields(envelope);
  const json::value* protobuf = message.if_contains("body_protobuf");
  if (const auto decoded = decoded_protobuf(message)) return print_decoded(protobuf->as_object(), *decoded);
  if (protobuf != nullptr) print_line("body is not decoded: " + cell(protobuf->as_object(), "undecoded"));
  const json::value* told = message.if_contains("body_bytes");
  const std::uint64_t told_bytes = told == nullptr ? 0 : told->to_number<std::uint64_t>();
  if (const json::value* text = message.if_contains("body"); text != nullptr && text->is_string()) {
    const std::string_view given = text->get_string();
    const std::string_view shown = beginning_of(given, kBodyShown);
    const std::uint64_t all = std::max<std::uint64_t>(given.size(), told_bytes);
    print_body(text_body(shown, text_in(message, "content_type"), shown.size() == all), shown.size(), all);
  } else if (message.contains("body_base64")) {
    const std::string given = base::from_base64(text_in(message, "body_base64")).value_or("");
    const std::string_view shown = std::string_view(given).substr(0, kBodyShown);
    print_body(binary_body(shown), shown.size(), std::max<std::uint64_t>(given.size(), told_bytes));
  }
}

std::string body_of(const json::value& message) {
  const json::object* object = message.if_object();
  if (object == nullptr) fail(Code::MESSAGE_GONE, "the message is not kept any more");
  if (object->contains("damaged")) fail(Code::MESSAGE_DAMAGED, "the message is damaged");
  if (object->contains("withheld")) fail(Code::MASKED, "the body is not shown: " + cell(*object, "withheld"));
  if (!object->contains("body_base64")) return std::string(text_in(*object, "body"));
  auto bytes = base::from_base64(text_in(*object, "body_base64"));
  if (!bytes) fail(Code::BAD_FRAME, "the broker answered something that is not base64");
  return std::move(*bytes);
}

}  // namespace lazaret::cli

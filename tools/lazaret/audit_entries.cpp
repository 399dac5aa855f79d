#include "audit_entries.h"

#include <charconv>

#include "base/duration_text.h"

namespace lazaret::cli {
namespace {

using base::Code;

[[noreturn]] void wrong(std::string_view field) {
  fail(Code::BAD_REQUEST, "this is no entry of an audit trail: " + std::string(field));
}

const json::value& field_of(const json::object& object, std::string_view name) {
  const json::value* field = object.if_contains(name);
  if (field == nullptr) wrong("it has no " + std::string(name));
  return *field;
}

std::string text_in(const json::object& object, std::string_view name) {
  const json::value& field = field_of(object, name);
  if (field.is_null()) return "";
  if (!field.is_string()) wrong(std::string(name) + " is no text");
  return std::string(field.get_string());
}

std::uint64_t number_in(const json::object& object, std::string_view name) {
  const json::value& field = field_of(object, name);
  if (field.is_null()) return 0;
  boost::system::error_code error;
  const auto number = field.is_number() ? field.to_number<std::uint64_t>(error) : 0;
  if (!field.is_number() || error) wrong(std::string(name) + " is no number");
  return number;
}

base::Instant time_in(const json::object& object, std::string_view name) {
  const auto time = base::parse_rfc3339(text_in(object, name));
  if (!time.ok()) wrong(std::string(name) + " is no time");
  return *time;
}

base::Sha256 hash_in(const json::object& object, std::string_view name) {
  const auto hash = base::sha256_from_hex(text_in(object, name));
  if (!hash) wrong(std::string(name) + " is no SHA-256");
  return *hash;
}

/// In the order of their names, whatever that of the text is.
model::AuditFields fields_in(const json::object& object, std::string_view name) {
  const json::value& field = field_of(object, name);
  if (!field.is_object()) wrong(std::string(name) + " is no object");
  model::AuditFields fields;
  for (const auto& [key, value] : field.get_object()) {
    if (!value.is_string()) wrong(std::string(name) + " has something that is no text");
    fields.emplace_back(key, value.get_string());
  }
  std::sort(fields.begin(), fields.end());
  return fields;
}

}  // namespace

model::AuditEntry audit_entry_of(const json::value& value) {
  if (!value.is_object()) wrong("it is no object");
  const json::object& object = value.get_object();
  model::AuditEntry entry;
  entry.number = number_in(object, "number");
  entry.at = time_in(object, "at");
  const auto phase = model::audit_phase_of(text_in(object, "phase"));
  if (!phase) wrong("phase is neither began nor ended");
  entry.phase = *phase;
  entry.began = number_in(object, "began");
  entry.called_at = time_in(object, "called_at");
  entry.call = {text_in(object, "actor"), text_in(object, "peer"), text_in(object, "operation"),
                text_in(object, "target"), fields_in(object, "details")};
  entry.status = static_cast<std::uint32_t>(number_in(object, "status"));
  entry.code = text_in(object, "code");
  entry.change = {fields_in(object, "before"), fields_in(object, "after")};
  entry.previous = hash_in(object, "previous");
  entry.hash = hash_in(object, "hash");
  return entry;
}

model::AuditPoint audit_point_of(const json::value& value) {
  if (!value.is_object()) fail(Code::BAD_FRAME, "the broker did not say where its audit trail begins and ends");
  return {number_in(value.get_object(), "number"), hash_in(value.get_object(), "hash")};
}

model::AuditPoint read_audit_point(const std::string& text) {
  model::AuditPoint point;
  const std::size_t colon = std::min(text.find(':'), text.size());
  const auto [end, error] = std::from_chars(text.data(), text.data() + colon, point.number);
  const bool number = error == std::errc() && end == text.data() + colon && colon > 0;
  const auto hash = base::sha256_from_hex(std::string_view(text).substr(std::min(colon + 1, text.size())));
  if (!number || !hash) fail(Code::USAGE, "\"" + text + "\" must be NUMBER:HASH, as audit verify prints it");
  point.hash = *hash;
  return point;
}

std::string text_of(const model::AuditPoint& point) {
  return std::to_string(point.number) + ":" + base::to_hex(point.hash);
}

}  // namespace lazaret::cli

#include "audit_entries.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>
#include <vector>

#include <boost/json/basic_parser_impl.hpp>
#include <boost/json/parse.hpp>

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
  const std::string text = text_in(object, name);
  const auto time = base::parse_rfc3339(text);
  // Written otherwise, with more digits, say, it would say something that is not hashed.
  if (!time.ok() || base::format_rfc3339(*time) != text) wrong(std::string(name) + " is no time as an export has it");
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

constexpr std::array<std::string_view, 16> kMembers = {
    "number", "at",      "phase",  "began", "called_at", "actor", "peer",     "operation",
    "target", "details", "status", "code",  "before",    "after", "previous", "hash"};

/// Names that stand twice in one object, which a parsed object does not show any more: the first such.
class RepeatedMember {
 public:
  /// REQUIRES JSON.
  static std::optional<std::string> of(std::string_view text) {
    json::basic_parser<Handler> parser{json::parse_options()};
    boost::system::error_code error;
    parser.write_some(false, text.data(), text.size(), error);
    return parser.handler().found;
  }

 private:
  /// What Boost.JSON tells of a text while it reads it, of which only names are of interest.
  struct Handler {
    using Error = boost::system::error_code;
    static constexpr std::size_t max_object_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_array_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_key_size = static_cast<std::size_t>(-1);
    static constexpr std::size_t max_string_size = static_cast<std::size_t>(-1);

    bool on_document_begin(Error&) { return true; }
    bool on_document_end(Error&) { return true; }
    bool on_object_begin(Error&) {
      names.emplace_back();
      return true;
    }
    bool on_object_end(std::size_t, Error&) {
      names.pop_back();
      return true;
    }
    bool on_array_begin(Error&) { return true; }
    bool on_array_end(std::size_t, Error&) { return true; }
    bool on_key_part(json::string_view part, std::size_t, Error&) {
      name.append(part.data(), part.size());
      return true;
    }
    bool on_key(json::string_view part, std::size_t, Error&) {
      name.append(part.data(), part.size());
      if (!names.back().insert(name).second && !found) found = name;
      name.clear();
      return true;
    }
    bool on_string_part(json::string_view, std::size_t, Error&) { return true; }
    bool on_string(json::string_view, std::size_t, Error&) { return true; }
    bool on_number_part(json::string_view, Error&) { return true; }
    bool on_int64(std::int64_t, json::string_view, Error&) { return true; }
    bool on_uint64(std::uint64_t, json::string_view, Error&) { return true; }
    bool on_double(double, json::string_view, Error&) { return true; }
    bool on_bool(bool, Error&) { return true; }
    bool on_null(Error&) { return true; }
    bool on_comment_part(json::string_view, Error&) { return true; }
    bool on_comment(json::string_view, Error&) { return true; }

    std::vector<std::set<std::string>> names;  // of the objects that are open
    std::string name;
    std::optional<std::string> found;
  };
};

}  // namespace

model::AuditEntry audit_entry_of_line(std::string_view line) {
  boost::system::error_code error;
  const json::value value = json::parse(line, error);
  if (error) wrong("it is no JSON");
  if (const auto name = RepeatedMember::of(line)) wrong("\"" + *name + "\" stands there twice");
  if (value.is_object()) {
    for (const auto& member : value.get_object()) {
      const std::string_view name = member.key();
      if (std::find(kMembers.begin(), kMembers.end(), name) != kMembers.end()) continue;
      wrong("\"" + std::string(name) + "\" is nothing that one has");
    }
  }
  return audit_entry_of(value);
}

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
  const std::uint64_t status = number_in(object, "status");
  entry.status = static_cast<std::uint32_t>(status);
  if (entry.status != status) wrong("status is none");
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

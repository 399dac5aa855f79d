// JSON as this broker writes and reads it. A field that has nothing to say is null, never left out, so that readers
// need not ask whether it is there.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/value.hpp>

#include "admin/request.h"
#include "base/status.h"
#include "base/time.h"

namespace lazaret::admin {

namespace json = boost::json;

/// Compact, with numbers as people write them: 0.2, not 2E-1 as the library would have it.
std::string to_text(const json::value& value);
/// The same, behind what is there.
void append_text(std::string& text, const json::value& value);
Response json_response(int status, const json::value& value);
/// {"items": …, "cursor": …}
json::object list_of(json::array items, const std::string& cursor);

/// null for "". Bytes that are not UTF-8 become U+FFFD.
json::value text_or_null(std::string_view text);
/// RFC 3339; null for 0 and never.
json::value time_or_null(base::Instant instant);

/// The limit that what needs too much memory names.
inline constexpr std::string_view kJsonMemory = "json_memory_bytes";
/// BAD_REQUEST for what is none, is nested deeper, or needs many times its own size of memory (kJsonMemory).
base::Result<json::value> parse_json(std::string_view text, std::size_t depth);
/// The same, but for what needs more than `memory` bytes, however large it is.
base::Result<json::value> parse_json(std::string_view text, std::size_t depth, std::size_t memory);
/// The object that `body` must be; nothing at all is {}. BAD_REQUEST otherwise, also for what is nested deeper than
/// anything that is asked for here, and for what needs many times its own size of memory.
base::Result<json::object> parse_object(std::string_view body);
/// The same; BAD_REQUEST also for a field that is not among `known`.
base::Result<json::object> parse_object(std::string_view body, std::initializer_list<std::string_view> known);
base::Result<json::object> parse_object(std::string_view body, std::initializer_list<std::string_view> known,
                                        std::size_t depth);
/// BAD_REQUEST naming a field that is not among `known`.
base::Status check_known(const json::object& object, std::initializer_list<std::string_view> known);
/// The text in this field, "" when it is not there or null; BAD_REQUEST naming the field.
base::Result<std::string> text_field(const json::object& object, std::string_view name);
/// True or false, false when it is not there; BAD_REQUEST naming the field.
base::Result<bool> flag_field(const json::object& object, std::string_view name);
/// The RFC 3339 time in this field comes to `into`, which stays when it is not there, null or "".
base::Status read_time_field(const json::object& object, std::string_view name, base::Instant& into);
/// BAD_REQUEST naming the field and its limit when its text is longer than that.
base::Status check_bytes(std::string_view name, std::string_view text, std::size_t most);

}  // namespace lazaret::admin

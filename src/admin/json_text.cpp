#include "admin/json_text.h"

#include <algorithm>
#include <charconv>
#include <new>

#include <boost/json/memory_resource.hpp>
#include <boost/json/parser.hpp>
#include <boost/json/serialize.hpp>
#include <boost/json/serializer.hpp>

#include "base/duration_text.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;

void append(std::string& text, const json::value& value);

/// A text may be large, and escaped be six times as large: it is never held twice.
void append_string(std::string& text, const json::string& value) {
  json::serializer serializer;
  serializer.reset(&value);
  char part[4096];
  while (!serializer.done()) text += serializer.read(part);
}

void append(std::string& text, const json::object& object) {
  text += '{';
  for (const auto& [name, value] : object) {
    if (text.back() != '{') text += ',';
    text += json::serialize(json::value(name));
    text += ':';
    append(text, value);
  }
  text += '}';
}

void append(std::string& text, const json::array& array) {
  text += '[';
  bool first = true;
  for (const json::value& value : array) {
    if (!first) text += ',';
    first = false;
    append(text, value);
  }
  text += ']';
}

void append(std::string& text, const json::value& value) {
  if (const auto* object = value.if_object()) return append(text, *object);
  if (const auto* array = value.if_array()) return append(text, *array);
  if (const auto* number = value.if_double()) {
    char digits[32];
    const auto [end, error] = std::to_chars(std::begin(digits), std::end(digits), *number);
    text.append(digits, end);
    return;
  }
  if (const auto* string = value.if_string()) return append_string(text, *string);
  text += json::serialize(value);
}

/// "[]," is three bytes, and eight times as much in memory: a large request of nothing but such must not fill it.
/// The factor leaves room for a text that is held twice while it grows.
constexpr std::size_t kMemoryFactor = 4;
constexpr std::size_t kMemoryLeast = 64u << 10;
/// A message has headers, which are lists of texts.
constexpr std::size_t kDepth = 8;

/// Throws bad_alloc when more than so many bytes are in use.
class BoundedMemory : public json::memory_resource {
 public:
  explicit BoundedMemory(std::size_t most) : left_(most) {}

 private:
  /// Boost 1.81 gives some memory back with another alignment than it asked for; none asks for more than the usual.
  void* do_allocate(std::size_t bytes, std::size_t) override {
    if (bytes > left_) throw std::bad_alloc();
    left_ -= bytes;
    return ::operator new(bytes);
  }
  void do_deallocate(void* at, std::size_t bytes, std::size_t) override {
    left_ += bytes;
    ::operator delete(at);
  }
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  std::size_t left_;
};

}  // namespace

std::string to_text(const json::value& value) {
  std::string text;
  append(text, value);
  return text;
}

void append_text(std::string& text, const json::value& value) { append(text, value); }

Response json_response(int status, const json::value& value) {
  return {status, "application/json", to_text(value) + "\n", {}};
}

json::object list_of(json::array items, const std::string& cursor) {
  return {{"items", std::move(items)}, {"cursor", text_or_null(cursor)}};
}

json::value text_or_null(std::string_view text) {
  if (text.empty()) return nullptr;
  return json::string(base::to_utf8(text));
}

json::value time_or_null(base::Instant instant) {
  if (instant == base::Instant{} || instant == base::Instant::never()) return nullptr;
  return json::string(base::format_rfc3339(instant));
}

base::Result<json::value> parse_json(std::string_view text, std::size_t depth) {
  return parse_json(text, depth, kMemoryFactor * text.size() + kMemoryLeast);
}

base::Result<json::value> parse_json(std::string_view text, std::size_t depth, std::size_t memory) {
  json::parse_options options;
  options.max_depth = depth;
  const json::storage_ptr bounded = json::make_shared_resource<BoundedMemory>(memory);
  boost::system::error_code error;
  try {
    json::parser parser(bounded, options);
    parser.reset(bounded);
    parser.write(text.data(), text.size(), error);
    if (error) return Status(Code::BAD_REQUEST, "the body is not JSON: " + error.message());
    return parser.release();
  } catch (const std::bad_alloc&) {
    return Status(Code::BAD_REQUEST,
                  "the body has too many values: they need more than " + std::to_string(memory) + " bytes")
        .with_limit(std::string(kJsonMemory), static_cast<std::int64_t>(memory));
  }
}

namespace {

base::Result<json::object> object_of(std::string_view body, std::size_t depth) {
  if (body.empty()) return json::object();
  auto value = parse_json(body, depth);
  if (!value.ok()) return value.status();
  if (!value->is_object()) return Status(Code::BAD_REQUEST, "the body must be a JSON object");
  return std::move(value->get_object());
}

}  // namespace

base::Result<json::object> parse_object(std::string_view body) { return object_of(body, kDepth); }

base::Result<json::object> parse_object(std::string_view body, std::initializer_list<std::string_view> known) {
  return parse_object(body, known, kDepth);
}

base::Result<json::object> parse_object(std::string_view body, std::initializer_list<std::string_view> known,
                                        std::size_t depth) {
  auto object = object_of(body, depth);
  if (object.ok()) LZ_RETURN_IF_ERROR(check_known(*object, known));
  return object;
}

Status check_known(const json::object& object, std::initializer_list<std::string_view> known) {
  for (const auto& field : object) {
    const std::string_view name = field.key();
    if (std::find(known.begin(), known.end(), name) == known.end()) {
      return Status(Code::BAD_REQUEST, "the field \"" + std::string(name) + "\" is not known here");
    }
  }
  return {};
}

base::Result<std::string> text_field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return Status(Code::BAD_REQUEST, std::string(name) + " must be a text");
  return std::string(value->get_string());
}

base::Result<bool> flag_field(const json::object& object, std::string_view name) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return false;
  if (!value->is_bool()) return Status(Code::BAD_REQUEST, std::string(name) + " must be true or false");
  return value->get_bool();
}

Status read_time_field(const json::object& object, std::string_view name, base::Instant& into) {
  const auto text = text_field(object, name);
  if (!text.ok()) return text.status();
  if (text->empty()) return {};
  const auto time = base::parse_rfc3339(*text);
  if (!time.ok()) return Status(Code::BAD_REQUEST, std::string(name) + ": " + time.status().text());
  into = *time;
  return {};
}

Status check_bytes(std::string_view name, std::string_view text, std::size_t most) {
  if (text.size() <= most) return {};
  return Status(Code::BAD_REQUEST, std::string(name) + " has more than " + std::to_string(most) + " bytes")
      .with_limit(std::string(name), static_cast<std::int64_t>(most));
}

}  // namespace lazaret::admin

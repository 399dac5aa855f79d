#include "admin/protobuf_json.h"

#include <google/protobuf/util/json_util.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <utility>

#include "admin/json_text.h"
#include "admin/protobuf_types.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

namespace pb = google::protobuf;
using base::Code;
using base::Status;
using Field = pb::FieldDescriptor;

/// What a value takes while bytes are made of it, about, for each Any that it stands in, which keeps it until its type
/// is known.
constexpr std::size_t kValueCost = 160;
/// The first that is not rounded to the largest float, which is written with nine digits, and so as a larger number.
constexpr double kBeyondFloats = 0x1.ffffffp127;
/// Names in it are whoever's.
constexpr std::size_t kPlaceBytes = 1000;

/// As which JSON a type is written; `fields` is an object with its fields, as of all types but the well known.
enum class Shape : std::uint8_t { fields, any, wrapper, text, structure, list, whatever };

Shape shape_of(const pb::Descriptor& type) {
  constexpr std::string_view kWellKnown = "google.protobuf.";
  static const std::map<std::string_view, Shape> kShapes = {
      {"Any", Shape::any},
      {"Timestamp", Shape::text},
      {"Duration", Shape::text},
      {"FieldMask", Shape::text},
      {"Struct", Shape::structure},
      {"ListValue", Shape::list},
      {"Value", Shape::whatever},
      {"DoubleValue", Shape::wrapper},
      {"FloatValue", Shape::wrapper},
      {"Int64Value", Shape::wrapper},
      {"UInt64Value", Shape::wrapper},
      {"Int32Value", Shape::wrapper},
      {"UInt32Value", Shape::wrapper},
      {"BoolValue", Shape::wrapper},
      {"StringValue", Shape::wrapper},
      {"BytesValue", Shape::wrapper},
  };
  std::string_view name = type.full_name();
  if (!name.starts_with(kWellKnown)) return Shape::fields;
  name.remove_prefix(kWellKnown.size());
  const auto known = kShapes.find(name);
  if (known == kShapes.end()) return Shape::fields;
  // A descriptor may say what it likes.
  return known->second == Shape::wrapper && type.FindFieldByNumber(1) == nullptr ? Shape::fields : known->second;
}

/// Null is a value of it, and not that there is none.
bool takes_null(const Field& field) {
  if (field.type() == Field::TYPE_ENUM) return field.enum_type()->full_name() == "google.protobuf.NullValue";
  return field.type() == Field::TYPE_MESSAGE && shape_of(*field.message_type()) == Shape::whatever;
}

/// How a whole number went.
enum class Whole : std::uint8_t { good, none, out_of_range };

template <class T>
Whole read_whole(std::string_view text) {
  T number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error == std::errc::result_out_of_range && end == text.data() + text.size()) return Whole::out_of_range;
  return error == std::errc() && end == text.data() + text.size() ? Whole::good : Whole::none;
}

/// A number, or the text of one, as those of 64 bits are written.
template <class T>
Whole read_whole(const json::value& value) {
  if (const auto* number = value.if_int64()) return std::in_range<T>(*number) ? Whole::good : Whole::out_of_range;
  if (const auto* number = value.if_uint64()) return std::in_range<T>(*number) ? Whole::good : Whole::out_of_range;
  if (const auto* text = value.if_string()) return read_whole<T>(std::string_view(*text));
  const auto* number = value.if_double();
  return number != nullptr && std::abs(*number) >= 9e18 ? Whole::out_of_range : Whole::none;
}

/// As it is written: "7" of "007" and of 7; "" of what is no whole number.
std::string whole_text(const json::value& value) {
  if (const auto* number = value.if_int64()) return std::to_string(*number);
  if (const auto* number = value.if_uint64()) return std::to_string(*number);
  const auto* text = value.if_string();
  if (text == nullptr) return {};
  const char* end = text->data() + text->size();
  std::int64_t number = 0;
  std::uint64_t positive = 0;
  if (const auto read = std::from_chars(text->data(), end, number); read.ec == std::errc() && read.ptr == end) {
    return std::to_string(number);
  }
  const auto read = std::from_chars(text->data(), end, positive);
  return read.ec == std::errc() && read.ptr == end ? std::to_string(positive) : "";
}

/// Whether a whole number is one that a double can be; beyond 2^53 not each is.
bool is_double(const json::value& value) {
  constexpr double kBeyond = 0x1p64;  // and all that is smaller fits, whatever its sign
  if (const auto* number = value.if_uint64()) {
    const auto near = static_cast<double>(*number);
    return near < kBeyond && static_cast<std::uint64_t>(near) == *number;
  }
  if (const auto* number = value.if_int64()) {
    const auto near = static_cast<double>(*number);
    return near < kBeyond / 2 && static_cast<std::int64_t>(near) == *number;
  }
  return true;
}

/// A type of what follows kAnyUrls.
const pb::Descriptor* any_type(const pb::DescriptorPool& pool, const json::value* url) {
  if (url == nullptr || !url->is_string()) return nullptr;
  const std::string_view named = url->get_string();
  return named.starts_with(kAnyUrls) ? pool.FindMessageTypeByName(std::string(named.substr(kAnyUrls.size()))) : nullptr;
}

/// Of a type that is a text as JSON, and whose rules protobuf knows; nullopt for what is none.
std::optional<std::string> bytes_of_text(pb::util::TypeResolver& resolver, const pb::Descriptor& type,
                                         const json::value& value) {
  std::string bytes;
  const std::string url = std::string(kAnyUrls) + type.full_name();
  if (!value.is_string() || !pb::util::JsonToBinaryString(&resolver, url, to_text(value), &bytes).ok()) return {};
  return bytes;
}

class Check {
 public:
  Check(const pb::DescriptorPool& pool, pb::util::TypeResolver& resolver) : pool_(pool), resolver_(resolver) {}

  Status message(const pb::Descriptor& type, const json::value& value);

 private:
  /// One step further down, for as long as it is there.
  class Step {
   public:
    Step(Check& check, std::string_view name) : at_(check.at_), before_(at_.size()) {
      at_ += '/';
      for (const char c : name) {
        if (c == '~' || c == '/') {
          at_ += c == '~' ? "~0" : "~1";
        } else {
          at_ += c;
        }
      }
    }
    ~Step() { at_.resize(before_); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

   private:
    std::string& at_;
    const std::size_t before_;
  };

  Status wrong(const std::string& why) const {
    const std::string place = at_.empty() ? "its beginning" : base::to_utf8(at_.substr(0, kPlaceBytes));
    return Status(Code::BAD_REQUEST, "the body, at " + place + ": " + why);
  }
  Status spend(std::size_t bytes);

  Status members(const pb::Descriptor& type, const json::object& object, std::string_view but);
  Status any(const json::value& value);
  Status text(const pb::Descriptor& type, const json::value& value);
  Status structure(const json::value& value);
  Status field(const Field& field, const json::value& value);
  Status map(const Field& field, const json::value& value);
  Status key(const Field& field, std::string_view name);
  Status single(const Field& field, const json::value& value);
  Status whole(Whole read, const Field& field);
  Status number(const Field& field, const json::value& value);
  Status enumerated(const pb::EnumDescriptor& type, const json::value& value);

  const pb::DescriptorPool& pool_;
  pb::util::TypeResolver& resolver_;
  std::string at_;        // a JSON pointer
  std::size_t anys_ = 0;  // around it
  std::size_t spent_ = 0;
};

Status Check::spend(std::size_t bytes) {
  spent_ += (1 + anys_) * bytes;
  return spent_ > kProtobufBuiltBytes ? wrong("there are too many values in it") : Status();
}

Status Check::message(const pb::Descriptor& type, const json::value& value) {
  LZ_RETURN_IF_ERROR(spend(built_bytes(type)));
  switch (shape_of(type)) {
    case Shape::any: return any(value);
    case Shape::wrapper: return single(*type.FindFieldByNumber(1), value);
    case Shape::text: return text(type, value);
    case Shape::structure:
      if (!value.is_object()) return wrong("must be an object");
      return structure(value);
    case Shape::list:
      if (!value.is_array()) return wrong("must be a list");
      return structure(value);
    case Shape::whatever: return structure(value);
    case Shape::fields: break;
  }
  if (!value.is_object()) return wrong("must be an object, a " + type.full_name());
  return members(type, value.get_object(), "");
}

Status Check::members(const pb::Descriptor& type, const json::object& object, std::string_view but) {
  std::map<const pb::OneofDescriptor*, std::string> given;
  for (const auto& member : object) {
    const std::string name(member.key());
    if (name == but) continue;
    const Step step(*this, name);
    const Field* known = type.FindFieldByName(name);
    if (known == nullptr) {
      const Field* meant = type.FindFieldByCamelcaseName(name);
      return wrong(type.full_name() + " has no such field" +
                   (meant == nullptr ? "" : ": it is named " + meant->name() + " here"));
    }
    if (member.value().is_null() && !takes_null(*known)) continue;  // it is not set
    if (const pb::OneofDescriptor* one_of = known->containing_oneof()) {
      const auto [other, is_first] = given.try_emplace(one_of, name);
      if (!is_first) return wrong("of " + one_of->name() + " there is " + other->second + " already: one must be null");
    }
    LZ_RETURN_IF_ERROR(field(*known, member.value()));
  }
  for (int i = 0; i < type.field_count(); ++i) {
    const Field& needed = *type.field(i);
    if (!needed.is_required()) continue;
    const json::value* value = object.if_contains(needed.name());
    if (value == nullptr || value->is_null()) return wrong("it lacks " + needed.name() + ", which it needs");
  }
  return {};
}

Status Check::any(const json::value& value) {
  if (!value.is_object()) return wrong("must be an object, with its type in @type");
  const json::object& object = value.get_object();
  if (object.empty()) return {};
  const json::value* url = object.if_contains("@type");
  const pb::Descriptor* type = nullptr;
  {
    const Step step(*this, "@type");
    if (url == nullptr || !url->is_string()) return wrong("must be the type, as " + std::string(kAnyUrls) + "NAME");
    type = any_type(pool_, url);
    if (type == nullptr) return wrong("no descriptor is given of this type");
  }
  ++anys_;
  Status good;
  if (shape_of(*type) == Shape::fields) {
    good = spend(built_bytes(*type));
    if (good.ok()) good = members(*type, object, "@type");
  } else {
    for (const auto& member : object) {
      const Step step(*this, member.key());
      if (member.key() == "value") good = message(*type, member.value());
      if (member.key() != "value" && member.key() != "@type") good = wrong("there are @type and value here");
      if (!good.ok()) break;
    }
  }
  --anys_;
  return good;
}

/// A time for instance.
Status Check::text(const pb::Descriptor& type, const json::value& value) {
  return bytes_of_text(resolver_, type, value) ? Status() : wrong("is no " + type.full_name());
}

/// What has the shape of JSON itself; its numbers are doubles.
Status Check::structure(const json::value& value) {
  LZ_RETURN_IF_ERROR(spend(kValueCost));
  if (const auto* object = value.if_object()) {
    for (const auto& member : *object) {
      const Step step(*this, member.key());
      LZ_RETURN_IF_ERROR(structure(member.value()));
    }
  } else if (const auto* array = value.if_array()) {
    for (std::size_t i = 0; i < array->size(); ++i) {
      const Step step(*this, std::to_string(i));
      LZ_RETURN_IF_ERROR(structure((*array)[i]));
    }
  } else if (!is_double(value)) {
    return wrong("is no double, which numbers are here");
  } else if (value.is_double() && std::isinf(value.get_double())) {
    return wrong("is out of range");
  }
  return {};
}

Status Check::field(const Field& field, const json::value& value) {
  if (field.is_map()) return map(field, value);
  if (!field.is_repeated()) return single(field, value);
  if (!value.is_array()) return wrong("must be a list");
  const json::array& list = value.get_array();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Step step(*this, std::to_string(i));
    if (list[i].is_null() && !takes_null(field)) return wrong("is null, which no member of a list is");
    LZ_RETURN_IF_ERROR(single(field, list[i]));
  }
  return {};
}

Status Check::map(const Field& field, const json::value& value) {
  if (!value.is_object()) return wrong("must be an object, of which each name is a key");
  const Field& keys = *field.message_type()->map_key();
  const Field& values = *field.message_type()->map_value();
  for (const auto& member : value.get_object()) {
    const Step step(*this, member.key());
    LZ_RETURN_IF_ERROR(spend(kValueCost));
    LZ_RETURN_IF_ERROR(key(keys, member.key()));
    if (member.value().is_null() && !takes_null(values)) return wrong("is null, which no value of a map is");
    LZ_RETURN_IF_ERROR(single(values, member.value()));
  }
  return {};
}

/// Each in one spelling only, or two of them would be one key.
Status Check::key(const Field& field, std::string_view name) {
  Status good;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32: good = whole(read_whole<std::int32_t>(name), field); break;
    case Field::CPPTYPE_INT64: good = whole(read_whole<std::int64_t>(name), field); break;
    case Field::CPPTYPE_UINT32: good = whole(read_whole<std::uint32_t>(name), field); break;
    case Field::CPPTYPE_UINT64: good = whole(read_whole<std::uint64_t>(name), field); break;
    case Field::CPPTYPE_BOOL: return name == "true" || name == "false" ? Status() : wrong("the key is no bool");
    default: return {};
  }
  if (!good.ok()) return good;
  const std::string written = whole_text(json::string(name));
  return written == name ? Status() : wrong("the key is written " + written + " here");
}

Status Check::single(const Field& field, const json::value& value) {
  LZ_RETURN_IF_ERROR(spend(kValueCost));
  if (field.type() == Field::TYPE_GROUP) return wrong("is a group, of which there is no JSON");
  switch (field.cpp_type()) {
    case Field::CPPTYPE_INT32: return whole(read_whole<std::int32_t>(value), field);
    case Field::CPPTYPE_INT64: return whole(read_whole<std::int64_t>(value), field);
    case Field::CPPTYPE_UINT32: return whole(read_whole<std::uint32_t>(value), field);
    case Field::CPPTYPE_UINT64: return whole(read_whole<std::uint64_t>(value), field);
    case Field::CPPTYPE_FLOAT:
    case Field::CPPTYPE_DOUBLE: return number(field, value);
    case Field::CPPTYPE_BOOL: return value.is_bool() ? Status() : wrong("must be true or false");
    case Field::CPPTYPE_ENUM: return enumerated(*field.enum_type(), value);
    case Field::CPPTYPE_MESSAGE: return message(*field.message_type(), value);
    case Field::CPPTYPE_STRING: break;
  }
  if (!value.is_string()) return wrong("must be a text");
  const bool is_base64 = base::from_base64(std::string_view(value.get_string())).has_value();
  return field.type() != Field::TYPE_BYTES || is_base64 ? Status() : wrong("must be bytes, as base64");
}

Status Check::whole(Whole read, const Field& field) {
  switch (read) {
    case Whole::good: break;
    case Whole::none: return wrong("must be a whole number (" + std::string(field.type_name()) + ")");
    case Whole::out_of_range: return wrong("is out of range of " + std::string(field.type_name()));
  }
  return {};
}

Status Check::number(const Field& field, const json::value& value) {
  if (const auto* text = value.if_string()) {
    const std::string_view word = *text;
    const bool is_one = word == "NaN" || word == "Infinity" || word == "-Infinity";
    return is_one ? Status() : wrong("must be a number, or NaN, Infinity or -Infinity as a text");
  }
  if (!value.is_number()) return wrong("must be a number");
  const double size = std::abs(value.to_number<double>());
  const bool is_good = field.cpp_type() == Field::CPPTYPE_FLOAT ? size < kBeyondFloats : !std::isinf(size);
  return is_good ? Status() : wrong("is out of range of " + std::string(field.type_name()));
}

Status Check::enumerated(const pb::EnumDescriptor& type, const json::value& value) {
  if (const auto* text = value.if_string()) {
    const bool is_one = type.FindValueByName(std::string(*text)) != nullptr;
    return is_one ? Status() : wrong("is no value of " + type.full_name());
  }
  if (value.is_null()) return {};
  if (read_whole<std::int32_t>(value) != Whole::good) return wrong("must be a value of " + type.full_name());
  // Older ones are closed.
  const bool is_open = type.file()->syntax() == pb::FileDescriptor::SYNTAX_PROTO3;
  const bool is_one = is_open || type.FindValueByNumber(static_cast<int>(value.get_int64())) != nullptr;
  return is_one ? Status() : wrong("is no value of " + type.full_name());
}

/// Two that say the same, `asked` as people may write it, `shown` as it is written of bytes.
class Same {
 public:
  Same(const pb::DescriptorPool& pool, pb::util::TypeResolver& resolver) : pool_(pool), resolver_(resolver) {}

  bool message(const pb::Descriptor& type, const json::value& asked, const json::value& shown) const;

 private:
  bool members(const pb::Descriptor& type, const json::object& asked, const json::object& shown) const;
  bool any(const json::object& asked, const json::object& shown) const;
  bool is_nothing(const pb::Descriptor& type, const json::value& value) const;
  bool field(const Field& field, const json::value& asked, const json::value& shown) const;
  bool single(const Field& field, const json::value& asked, const json::value& shown) const;

  const pb::DescriptorPool& pool_;
  pb::util::TypeResolver& resolver_;
};

/// What has the shape of JSON itself.
bool same_structure(const json::value& asked, const json::value& shown) {
  if (asked.is_number() && shown.is_number()) return asked.to_number<double>() == shown.to_number<double>();
  if (asked.kind() != shown.kind()) return false;
  if (const auto* list = asked.if_array()) {
    const json::array& other = shown.get_array();
    return std::equal(list->begin(), list->end(), other.begin(), other.end(), same_structure);
  }
  const auto* object = asked.if_object();
  if (object == nullptr) return asked == shown;
  if (object->size() != shown.get_object().size()) return false;
  return std::all_of(object->begin(), object->end(), [&](const auto& member) {
    const json::value* other = shown.get_object().if_contains(member.key());
    return other != nullptr && same_structure(member.value(), *other);
  });
}

bool same_number(const Field& field, const json::value& asked, const json::value& shown) {
  if (!asked.is_number() || !shown.is_number()) return asked == shown;  // NaN, and what has no end
  const auto one = asked.to_number<double>();
  const auto other = shown.to_number<double>();
  return field.cpp_type() == Field::CPPTYPE_FLOAT ? static_cast<float>(one) == static_cast<float>(other) : one == other;
}

/// "" for none.
std::string enum_number(const pb::EnumDescriptor& type, const json::value& value) {
  if (value.is_null()) return "0";
  if (!value.is_string()) return whole_text(value);
  const pb::EnumValueDescriptor* named = type.FindValueByName(std::string(value.get_string()));
  return named == nullptr ? "" : std::to_string(named->number());
}

/// What a field is by itself, and is then not shown.
bool is_unset(const Field& field, const json::value& value) {
  if (field.is_map()) return value.is_object() && value.get_object().empty();
  if (field.is_repeated()) return value.is_array() && value.get_array().empty();
  if (field.has_presence()) return false;
  switch (field.cpp_type()) {
    case Field::CPPTYPE_FLOAT:
    case Field::CPPTYPE_DOUBLE: return same_number(field, value, 0);
    case Field::CPPTYPE_BOOL: return value == false;
    case Field::CPPTYPE_ENUM: return enum_number(*field.enum_type(), value) == "0";
    case Field::CPPTYPE_STRING: return value.is_string() && value.get_string().empty();
    default: return whole_text(value) == "0";
  }
}

bool Same::message(const pb::Descriptor& type, const json::value& asked, const json::value& shown) const {
  const Shape shape = shape_of(type);
  switch (shape) {
    case Shape::wrapper: return single(*type.FindFieldByNumber(1), asked, shown);
    case Shape::text: {
      const auto bytes = bytes_of_text(resolver_, type, asked);
      return bytes && bytes == bytes_of_text(resolver_, type, shown);
    }
    case Shape::structure:
    case Shape::list:
    case Shape::whatever: return same_structure(asked, shown);
    case Shape::any:
    case Shape::fields: break;
  }
  if (!asked.is_object() || !shown.is_object()) return false;
  if (shape == Shape::any) return any(asked.get_object(), shown.get_object());
  return members(type, asked.get_object(), shown.get_object());
}

bool Same::members(const pb::Descriptor& type, const json::object& asked, const json::object& shown) const {
  for (int i = 0; i < type.field_count(); ++i) {
    const Field& one = *type.field(i);
    const auto value_in = [&one](const json::object& object) {
      const json::value* value = object.if_contains(one.name());
      return value != nullptr && value->is_null() && !takes_null(one) ? nullptr : value;
    };
    const json::value* wanted = value_in(asked);
    const json::value* found = value_in(shown);
    if (found == nullptr && (wanted == nullptr || is_unset(one, *wanted))) continue;
    if (wanted == nullptr || found == nullptr || !field(one, *wanted, *found)) return false;
  }
  return true;
}

bool Same::any(const json::object& asked, const json::object& shown) const {
  if (asked.empty() || shown.empty()) return asked.empty() && shown.empty();
  const pb::Descriptor* type = any_type(pool_, asked.if_contains("@type"));
  if (type == nullptr || type != any_type(pool_, shown.if_contains("@type"))) return false;
  if (shape_of(*type) == Shape::fields) return members(*type, asked, shown);
  const json::value* wanted = asked.if_contains("value");
  const json::value* found = shown.if_contains("value");
  if (found == nullptr) return wanted == nullptr || is_nothing(*type, *wanted);
  return wanted != nullptr && message(*type, *wanted, *found);
}

/// Of no bytes, which is then not shown in an Any.
bool Same::is_nothing(const pb::Descriptor& type, const json::value& value) const {
  switch (shape_of(type)) {
    case Shape::wrapper: return is_unset(*type.FindFieldByNumber(1), value);
    case Shape::text: return bytes_of_text(resolver_, type, value) == "";
    case Shape::list: return value.is_array() && value.get_array().empty();
    case Shape::whatever: return false;
    case Shape::any:
    case Shape::structure:
    case Shape::fields: break;
  }
  return value.is_object() && value.get_object().empty();
}

bool Same::field(const Field& field, const json::value& asked, const json::value& shown) const {
  if (!field.is_repeated()) return single(field, asked, shown);
  const Field* values = field.is_map() ? field.message_type()->map_value() : nullptr;
  if (values == nullptr) {
    return asked.is_array() && shown.is_array() &&
           std::equal(asked.get_array().begin(), asked.get_array().end(), shown.get_array().begin(),
                      shown.get_array().end(),
                      [&](const json::value& one, const json::value& other) { return single(field, one, other); });
  }
  if (!asked.is_object() || !shown.is_object() || asked.get_object().size() != shown.get_object().size()) return false;
  return std::all_of(asked.get_object().begin(), asked.get_object().end(), [&](const auto& member) {
    const json::value* other = shown.get_object().if_contains(member.key());
    return other != nullptr && single(*values, member.value(), *other);
  });
}

bool Same::single(const Field& field, const json::value& asked, const json::value& shown) const {
  switch (field.cpp_type()) {
    case Field::CPPTYPE_FLOAT:
    case Field::CPPTYPE_DOUBLE: return same_number(field, asked, shown);
    case Field::CPPTYPE_BOOL: return asked == shown;
    case Field::CPPTYPE_ENUM: return enum_number(*field.enum_type(), asked) == enum_number(*field.enum_type(), shown);
    case Field::CPPTYPE_MESSAGE: return message(*field.message_type(), asked, shown);
    case Field::CPPTYPE_STRING: break;
    default: return !whole_text(asked).empty() && whole_text(asked) == whole_text(shown);
  }
  if (!asked.is_string() || !shown.is_string()) return false;
  if (field.type() != Field::TYPE_BYTES) return asked == shown;
  return base::from_base64(std::string_view(asked.get_string())) ==
         base::from_base64(std::string_view(shown.get_string()));
}

}  // namespace

std::size_t built_bytes(const pb::Descriptor& type) {
  constexpr std::size_t kMessage = 256;
  constexpr std::size_t kField = 16;
  return kMessage + kField * static_cast<std::size_t>(type.field_count());
}

Status check_protobuf_json(const pb::DescriptorPool& pool, pb::util::TypeResolver& resolver, const pb::Descriptor& type,
                           const json::value& says) {
  return Check(pool, resolver).message(type, says);
}

bool says_the_same(const pb::DescriptorPool& pool, pb::util::TypeResolver& resolver, const pb::Descriptor& type,
                   const json::value& asked, const json::value& shown) {
  return Same(pool, resolver).message(type, asked, shown);
}

}  // namespace lazaret::admin

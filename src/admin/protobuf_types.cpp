#include "admin/protobuf_types.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <cerrno>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <limits>
#include <map>
#include <system_error>
#include <tuple>
#include <utility>

#include "admin/json_body.h"
#include "admin/json_text.h"
#include "admin/protobuf_json.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

namespace pb = google::protobuf;
using base::Code;
using base::Result;
using base::Status;

/// Of a name that somebody else has chosen.
constexpr std::size_t kNameBytes = 200;

// --- What the content type says --------------------------------------------------------------------------------------

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

std::string_view trimmed(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

/// "" when it has none. Names of types need no quotes, but may stand in them.
std::string parameter_of(std::string_view content_type, std::string_view wanted) {
  for (std::size_t at = content_type.find(';'); at != std::string_view::npos; at = content_type.find(';')) {
    content_type.remove_prefix(at + 1);
    const std::string_view one = content_type.substr(0, content_type.find(';'));
    const std::size_t equals = one.find('=');
    if (equals == std::string_view::npos || lower(trimmed(one.substr(0, equals))) != wanted) continue;
    std::string_view value = trimmed(one.substr(equals + 1));
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return std::string(value);
  }
  return {};
}

std::string type_name_of(const wire::Envelope& envelope) {
  for (const char* name : {"messagetype", "proto"}) {
    if (std::string given = parameter_of(envelope.content_type, name); !given.empty()) return given;
  }
  return envelope.type;
}

// --- Going through a body --------------------------------------------------------------------------------------------

/// The numbers of wire types, as the encoding has them.
enum class Wire : std::uint8_t { varint = 0, fixed64 = 1, bytes = 2, fixed32 = 5 };

bool take_varint(std::string_view& from, std::uint64_t& value) {
  value = 0;
  for (int shift = 0; shift < 64 && !from.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(from.front());
    from.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7f) << shift;
    if (byte < 0x80) return true;
  }
  return false;
}

/// A field as it stands in a body.
struct Found {
  int number = 0;
  Wire wire = Wire::varint;
  std::string_view bytes;  // only of Wire::bytes
};

/// False: it ends in the middle, or is none.
bool take_field(std::string_view& from, Found& found) {
  std::uint64_t tag = 0;
  if (!take_varint(from, tag) || tag > std::numeric_limits<std::uint32_t>::max() || tag >> 3 == 0) return false;
  found = {static_cast<int>(tag >> 3), static_cast<Wire>(tag & 7), {}};
  std::uint64_t size = 0;
  switch (found.wire) {
    case Wire::varint: return take_varint(from, size);
    case Wire::fixed64: size = 8; break;
    case Wire::fixed32: size = 4; break;
    case Wire::bytes:
      if (!take_varint(from, size)) return false;
      break;
    default: return false;  // groups, which have no JSON
  }
  if (size > from.size()) return false;
  if (found.wire == Wire::bytes) found.bytes = from.substr(0, size);
  from.remove_prefix(size);
  return true;
}

Wire wire_of(const pb::FieldDescriptor& field) {
  switch (field.type()) {
    case pb::FieldDescriptor::TYPE_DOUBLE:
    case pb::FieldDescriptor::TYPE_FIXED64:
    case pb::FieldDescriptor::TYPE_SFIXED64: return Wire::fixed64;
    case pb::FieldDescriptor::TYPE_FLOAT:
    case pb::FieldDescriptor::TYPE_FIXED32:
    case pb::FieldDescriptor::TYPE_SFIXED32: return Wire::fixed32;
    case pb::FieldDescriptor::TYPE_STRING:
    case pb::FieldDescriptor::TYPE_BYTES:
    case pb::FieldDescriptor::TYPE_MESSAGE:
    case pb::FieldDescriptor::TYPE_GROUP: return Wire::bytes;
    default: return Wire::varint;
  }
}

bool fits(const pb::FieldDescriptor& field, Wire wire) {
  if (field.type() == pb::FieldDescriptor::TYPE_GROUP) return false;
  return wire == wire_of(field) || (wire == Wire::bytes && field.is_packable());
}

/// One body, or what was made of it: whether it is what its type says, and how much it would take.
class Walk {
 public:
  /// `in_order`: each field once, and lower numbers first, as what was encoded once has them. What becomes JSON must be
  /// so, since nobody puts together there what stands in two places.
  Walk(const pb::DescriptorPool& pool, bool in_order) : pool_(pool), in_order_(in_order) {}

  /// "", or what is wrong. The depth is what bounds the recursion, here and where it becomes JSON.
  std::string through(const pb::Descriptor& type, std::string_view bytes, int depth = 0) {
    if (depth > kProtobufDepth) return "it nests deeper than " + std::to_string(kProtobufDepth);
    spent_ += built_bytes(type);
    int last = 0;
    std::string_view any_type;
    std::string_view any_value;
    while (!bytes.empty()) {
      Found found;
      if (!take_field(bytes, found)) return "a field of " + type.full_name() + " has no end, or is none";
      const pb::FieldDescriptor* field = type.FindFieldByNumber(found.number);
      const std::string named = "field " + std::to_string(found.number) + " of " + type.full_name();
      if (field == nullptr) return named + " is not in its descriptor";
      if (!fits(*field, found.wire)) return named + " (" + field->name() + ") is encoded as another type";
      const bool again = found.number == last && !field->is_repeated();
      if (in_order_ && (found.number < last || again)) return named + " stands where it cannot be put together";
      last = found.number;
      spent_ += field->name().size();
      if (spent_ > kProtobufBuiltBytes) return "it has too many messages in it";
      // Older descriptors allow it, and what writes JSON would leave out what is none.
      const bool is_text = field->type() == pb::FieldDescriptor::TYPE_STRING;
      if (is_text && !base::is_utf8(found.bytes)) return named + " (" + field->name() + ") is not UTF-8";
      if (field->type() == pb::FieldDescriptor::TYPE_MESSAGE) {
        if (std::string wrong = through(*field->message_type(), found.bytes, depth + 1); !wrong.empty()) return wrong;
      }
      if (found.number == 1) any_type = found.bytes;
      if (found.number == 2) any_value = found.bytes;
    }
    return type.full_name() == "google.protobuf.Any" ? into_any(any_type, any_value, depth) : "";
  }

 private:
  std::string into_any(std::string_view url, std::string_view value, int depth) {
    if (url.empty() && value.empty()) return {};
    const pb::Descriptor* type = nullptr;
    if (url.starts_with(kAnyUrls)) type = pool_.FindMessageTypeByName(std::string(url.substr(kAnyUrls.size())));
    if (type == nullptr) return "a google.protobuf.Any in it is of a type that no descriptor is given of";
    return through(*type, value, depth + 1);
  }

  const pb::DescriptorPool& pool_;
  const bool in_order_;
  std::size_t spent_ = 0;
};

// --- Making bytes of what it is to say -------------------------------------------------------------------------------

/// A key of a map, as one of them comes before another.
using MapKey = std::tuple<std::int64_t, std::uint64_t, std::string>;

MapKey key_of(const pb::Message& entry, const pb::FieldDescriptor& key) {
  const pb::Reflection& look = *entry.GetReflection();
  switch (key.cpp_type()) {
    case pb::FieldDescriptor::CPPTYPE_INT32: return {look.GetInt32(entry, &key), 0, ""};
    case pb::FieldDescriptor::CPPTYPE_INT64: return {look.GetInt64(entry, &key), 0, ""};
    case pb::FieldDescriptor::CPPTYPE_UINT32: return {0, look.GetUInt32(entry, &key), ""};
    case pb::FieldDescriptor::CPPTYPE_UINT64: return {0, look.GetUInt64(entry, &key), ""};
    case pb::FieldDescriptor::CPPTYPE_BOOL: return {look.GetBool(entry, &key) ? 1 : 0, 0, ""};
    default: return {0, 0, look.GetString(entry, &key)};
  }
}

/// Of each key the last entry, which is what consumers see, in the order of the keys.
void settle_map(pb::Message& message, const pb::FieldDescriptor& field) {
  const pb::Reflection& look = *message.GetReflection();
  const pb::FieldDescriptor& key = *field.message_type()->map_key();
  std::map<MapKey, std::unique_ptr<pb::Message>> last;
  while (look.FieldSize(message, &field) > 0) {
    std::unique_ptr<pb::Message> entry(look.ReleaseLast(&message, &field));
    last.try_emplace(key_of(*entry, key), std::move(entry));
  }
  for (auto& [at, entry] : last) look.AddAllocatedMessage(&message, &field, entry.release());
}

/// Calls `visit` for the message and for every one in it, those inside first.
void for_each_message(pb::Message& message, const std::function<void(pb::Message&)>& visit) {
  const pb::Reflection& look = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  look.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->cpp_type() != pb::FieldDescriptor::CPPTYPE_MESSAGE) continue;
    if (!field->is_repeated()) for_each_message(*look.MutableMessage(&message, field), visit);
    const int count = field->is_repeated() ? look.FieldSize(message, field) : 0;
    for (int i = 0; i < count; ++i) for_each_message(*look.MutableRepeatedMessage(&message, field, i), visit);
  }
  visit(message);
}

void settle_maps(pb::Message& message) {
  std::vector<const pb::FieldDescriptor*> fields;
  message.GetReflection()->ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    if (field->is_map()) settle_map(message, *field);
  }
}

/// To JSON there is one NaN, of all that are.
void settle_nans(pb::Message& message) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const pb::Reflection& look = *message.GetReflection();
  std::vector<const pb::FieldDescriptor*> fields;
  look.ListFields(message, &fields);
  for (const pb::FieldDescriptor* field : fields) {
    const bool is_double = field->cpp_type() == pb::FieldDescriptor::CPPTYPE_DOUBLE;
    if (!is_double && field->cpp_type() != pb::FieldDescriptor::CPPTYPE_FLOAT) continue;
    if (!field->is_repeated()) {
      const double number = is_double ? look.GetDouble(message, field) : look.GetFloat(message, field);
      if (std::isnan(number) && is_double) look.SetDouble(&message, field, kNan);
      if (std::isnan(number) && !is_double) look.SetFloat(&message, field, static_cast<float>(kNan));
      continue;
    }
    for (int i = 0; i < look.FieldSize(message, field); ++i) {
      const double number =
          is_double ? look.GetRepeatedDouble(message, field, i) : look.GetRepeatedFloat(message, field, i);
      if (std::isnan(number) && is_double) look.SetRepeatedDouble(&message, field, i, kNan);
      if (std::isnan(number) && !is_double) look.SetRepeatedFloat(&message, field, i, static_cast<float>(kNan));
    }
  }
}

std::size_t names_in(const json::value& value) {
  std::size_t count = 0;
  if (const auto* object = value.if_object()) {
    count += object->size();
    for (const auto& member : *object) count += names_in(member.value());
  } else if (const auto* array = value.if_array()) {
    for (const json::value& one : *array) count += names_in(one);
  }
  return count;
}

/// `value` is what was read of the text, in which the last of two members of one name is there: then what was looked at
/// is not all that bytes are made of.
bool has_names_twice(std::string_view text, const json::value& value) { return members_in(text) != names_in(value); }

/// Knows types by names of their source alone. What makes bytes of JSON looks a name up among json_names first, and in
/// those, which anybody may choose, the name of one field can be that of another.
class SourceNames : public pb::util::TypeResolver {
 public:
  explicit SourceNames(const pb::DescriptorPool& pool)
      : types_(
            pb::util::NewTypeResolverForDescriptorPool(std::string(kAnyUrls.substr(0, kAnyUrls.size() - 1)), &pool)) {}

  pb::util::Status ResolveMessageType(const std::string& url, pb::Type* type) override {
    pb::util::Status found = types_->ResolveMessageType(url, type);
    for (pb::Field& field : *type->mutable_fields()) field.set_json_name(field.name());
    return found;
  }
  pb::util::Status ResolveEnumType(const std::string& url, pb::Enum* type) override {
    return types_->ResolveEnumType(url, type);
  }

 private:
  const std::unique_ptr<pb::util::TypeResolver> types_;
};

// --- Descriptors -----------------------------------------------------------------------------------------------------

Status wrong_file(const std::string& file, const std::string& why) {
  return Status(Code::BAD_CONFIGURATION, file + ": " + why);
}

Result<std::string> bytes_of(const std::string& file) {
  std::error_code error;
  const auto size = std::filesystem::file_size(file, error);
  if (error) return wrong_file(file, error.message());
  if (size > kDescriptorBytes) {
    return wrong_file(file, "is larger than " + std::to_string(kDescriptorBytes) + " bytes");
  }
  std::string bytes(size, '\0');
  errno = 0;
  std::ifstream in(file, std::ios::binary);
  if (!in || !in.read(bytes.data(), static_cast<std::streamsize>(size))) {
    return wrong_file(file, errno != 0 ? std::generic_category().message(errno) : "it cannot be read");
  }
  return bytes;
}

/// What each .proto file says, and which of our files it is from.
struct ProtoFile {
  pb::FileDescriptorProto says;
  std::string from;
};
using ProtoFiles = std::map<std::string, ProtoFile, std::less<>>;

Status add_set(const std::string& file, ProtoFiles& all) {
  const auto bytes = bytes_of(file);
  if (!bytes.ok()) return bytes.status();
  pb::FileDescriptorSet set;
  if (!set.ParsePartialFromString(*bytes) || !set.IsInitialized() || set.file().empty()) {
    return wrong_file(file, "is no descriptor set, as protoc --descriptor_set_out --include_imports writes it");
  }
  for (pb::FileDescriptorProto& one : *set.mutable_file()) {
    const auto [known, is_new] = all.try_emplace(one.name());
    if (is_new) {
      known->second = {std::move(one), file};
    } else if (known->second.says.SerializeAsString() != one.SerializeAsString()) {
      return wrong_file(file, one.name() + " says something else than in " + known->second.from);
    }
  }
  return {};
}

class FirstError : public pb::DescriptorPool::ErrorCollector {
 public:
  void AddError(const std::string& proto, const std::string& element, const pb::Message*, ErrorLocation,
                const std::string& message) override {
    if (text.empty()) text = proto + ": " + element + ": " + message;
  }
  std::string text;
};

/// Those first that others import, in whatever order they were given.
Status build(ProtoFiles left, pb::DescriptorPool& pool) {
  const auto missing = [&pool](const pb::FileDescriptorProto& one) {
    for (const std::string& import : one.dependency()) {
      if (pool.FindFileByName(import) == nullptr) return import;
    }
    return std::string();
  };
  while (!left.empty()) {
    const std::size_t before = left.size();
    for (auto at = left.begin(); at != left.end();) {
      if (!missing(at->second.says).empty()) {
        ++at;
        continue;
      }
      FirstError error;
      if (pool.BuildFileCollectingErrors(at->second.says, &error) == nullptr) {
        return wrong_file(at->second.from, error.text);
      }
      at = left.erase(at);
    }
    if (left.size() < before) continue;
    const ProtoFile& one = left.begin()->second;
    return wrong_file(one.from, one.says.name() + " imports " + missing(one.says) +
                                    ", which is not in it: protoc --include_imports writes what is imported too");
  }
  return {};
}

}  // namespace

struct ProtobufTypes::Known {
  pb::DescriptorPool pool;
  pb::DynamicMessageFactory factory{&pool};
  std::unique_ptr<pb::util::TypeResolver> resolver;

  /// What can be said before its body is looked at: why it is not decoded, if it is not.
  ProtobufBody named_by(const wire::Envelope& envelope) const;
  void decode(ProtobufBody& out, std::string_view body);
  Result<std::string> encode(const std::string& type_name, std::string_view says);
  /// BAD_REQUEST with what protobuf says of it.
  Result<std::string> bytes_of(const pb::Descriptor& type, std::string_view says);
  std::unique_ptr<pb::Message> built(const pb::Descriptor& type, std::string_view bytes);
  void put_in_order(pb::Message& message);
};

ProtobufBody ProtobufTypes::Known::named_by(const wire::Envelope& envelope) const {
  ProtobufBody out;
  out.type = base::to_utf8(type_name_of(envelope).substr(0, kNameBytes));
  const std::string encoding = parameter_of(envelope.content_type, "encoding");
  if (!envelope.content_encoding.empty()) {
    out.undecoded = "it is encoded (" + base::to_utf8(envelope.content_encoding) + ")";
  } else if (!encoding.empty() && lower(encoding) != "binary") {
    out.undecoded = "its content type says that its encoding is not binary";
  } else if (out.type.empty()) {
    out.undecoded = "nothing says of which type it is: messageType of its content type, or the type of the message";
  } else if (pool.FindMessageTypeByName(out.type) == nullptr) {
    out.undecoded = "no descriptor is given of " + out.type;
  }
  return out;
}

/// The type is known. Wherever it returns early, the body is none of it.
void ProtobufTypes::Known::decode(ProtobufBody& out, std::string_view body) {
  if (body.size() > kProtobufBytes) {
    out.undecoded = "it is larger than " + std::to_string(kProtobufBytes) + " bytes";
    return;
  }
  const pb::Descriptor& type = *pool.FindMessageTypeByName(out.type);
  out.undecoded = "it is not what the descriptor of " + out.type + " says";
  out.detail = Walk(pool, false).through(type, body);
  if (!out.detail.empty()) return;
  const std::unique_ptr<pb::Message> message = built(type, body);
  if (message == nullptr) return;
  if (!message->IsInitialized()) {
    out.detail = "it lacks " + message->InitializationErrorString();
    return;
  }
  for_each_message(*message, settle_maps);
  const std::string again = message->SerializeAsString();
  message->DiscardUnknownFields();
  if (message->ByteSizeLong() != again.size()) {
    out.detail = "it has a value of an enum that is not in the descriptor";
    return;
  }
  // What was in two places is in one now; what an Any has in it comes only now to stand beside the name of its type.
  out.detail = Walk(pool, true).through(type, again);
  if (!out.detail.empty()) return;
  pb::util::JsonPrintOptions options;
  options.preserve_proto_field_names = true;
  std::string json;
  const std::string url = std::string(kAnyUrls) + out.type;
  // Not the reason that it gives, which may have values in it.
  const bool written = pb::util::BinaryToJsonString(resolver.get(), url, again, &json, options).ok();
  if (!written || !is_json_text(json)) {
    out.undecoded = "it has values that JSON cannot have";
  } else if (json.size() > kProtobufJsonBytes) {
    out.undecoded = "as JSON it would be larger than " + std::to_string(kProtobufJsonBytes) + " bytes";
  } else {
    // Some of what JSON can have means something else there: a NaN in a google.protobuf.Value is a text.
    put_in_order(*message);
    const auto back = bytes_of(type, json);
    const bool is_exact = back.ok() && *back == message->SerializePartialAsString();
    out.undecoded = is_exact ? "" : "as JSON it would say something else";
    if (is_exact) out.json = std::move(json);
  }
}

/// Null: the bytes are none of it.
std::unique_ptr<pb::Message> ProtobufTypes::Known::built(const pb::Descriptor& type, std::string_view bytes) {
  std::unique_ptr<pb::Message> message(factory.GetPrototype(&type)->New());
  const bool good = message->ParsePartialFromArray(bytes.data(), static_cast<int>(bytes.size()));
  return good ? std::move(message) : nullptr;
}

/// What an Any holds is bytes to protobuf, and has its fields as the JSON had them. It can be looked into again when
/// they are in the order of their numbers. Messages that say the same then have the same bytes.
void ProtobufTypes::Known::put_in_order(pb::Message& message) {
  for_each_message(message, [this](pb::Message& one) {
    settle_maps(one);
    settle_nans(one);
    const pb::Descriptor& any = *one.GetDescriptor();
    if (any.full_name() != "google.protobuf.Any") return;
    const pb::Reflection& look = *one.GetReflection();
    const pb::FieldDescriptor* named = any.FindFieldByNumber(1);
    const pb::FieldDescriptor* value = any.FindFieldByNumber(2);
    if (named == nullptr || value == nullptr) return;
    const std::string url = look.GetString(one, named);
    if (!url.starts_with(kAnyUrls)) return;
    const pb::Descriptor* type = pool.FindMessageTypeByName(url.substr(kAnyUrls.size()));
    const auto inside = type == nullptr ? nullptr : built(*type, look.GetString(one, value));
    if (inside == nullptr) return;
    put_in_order(*inside);
    look.SetString(&one, value, inside->SerializePartialAsString());
  });
}

Result<std::string> ProtobufTypes::Known::bytes_of(const pb::Descriptor& type, std::string_view says) {
  std::string bytes;
  const std::string url = std::string(kAnyUrls) + type.full_name();
  const auto written = pb::util::JsonToBinaryString(resolver.get(), url, with_signed_zeros(says), &bytes);
  if (!written.ok()) return Status(Code::BAD_REQUEST, "the body: " + std::string(written.message()));
  const auto message = built(type, bytes);
  if (message == nullptr) return Status(Code::BAD_REQUEST, "the body is nothing that " + type.full_name() + " can say");
  put_in_order(*message);
  return message->SerializePartialAsString();
}

/// The type is known.
Result<std::string> ProtobufTypes::Known::encode(const std::string& type_name, std::string_view says) {
  if (says.size() > kProtobufJsonBytes) {
    return Status(Code::BAD_REQUEST,
                  "the body has more than " + std::to_string(kProtobufJsonBytes) + " bytes as JSON: send it as bytes");
  }
  const auto value = parse_json(says, kBodyDepth, kProtobufBuiltBytes);
  if (!value.ok()) return value.status();
  if (has_names_twice(says, *value)) return Status(Code::BAD_REQUEST, "the body has a name twice in one object");
  const pb::Descriptor& type = *pool.FindMessageTypeByName(type_name);
  LZ_RETURN_IF_ERROR(check_protobuf_json(pool, *resolver, type, *value));
  auto bytes = bytes_of(type, says);
  if (!bytes.ok()) return bytes.status();
  ProtobufBody again;
  again.type = type_name;
  decode(again, *bytes);
  if (!again.decoded()) {
    return Status(Code::BAD_REQUEST, "the body could not be decoded as protobuf any more: " + again.why());
  }
  const auto shown = parse_json(again.json, kBodyDepth, kProtobufBuiltBytes);
  if (shown.ok() && says_the_same(pool, *resolver, type, *value, *shown)) return bytes;
  return Status(Code::BAD_REQUEST, "the body as protobuf " + type_name + " would say something else than this");
}

bool is_protobuf_type(std::string_view content_type) {
  const std::string type = lower(trimmed(content_type.substr(0, content_type.find(';'))));
  return type == "application/protobuf" || type == "application/x-protobuf" || type == "application/x-protobuffer" ||
         type == "application/vnd.google.protobuf";
}

Result<ProtobufTypes> ProtobufTypes::read(const std::vector<std::string>& files) {
  ProtobufTypes types;
  if (files.empty()) return types;
  ProtoFiles all;
  for (const std::string& file : files) LZ_RETURN_IF_ERROR(add_set(file, all));
  types.known_ = std::make_shared<Known>();
  LZ_RETURN_IF_ERROR(build(std::move(all), types.known_->pool));
  types.known_->resolver = std::make_unique<SourceNames>(types.known_->pool);
  return types;
}

std::optional<ProtobufBody> ProtobufTypes::look_into(const wire::Envelope& envelope, std::string_view body) const {
  if (known_ == nullptr || !is_protobuf_type(envelope.content_type)) return std::nullopt;
  ProtobufBody out = known_->named_by(envelope);
  if (!out.decoded()) return out;
  try {
    known_->decode(out, body);
  } catch (const pb::FatalException&) {
    // It has checks of its own, which throw. Nothing is kept of this body, so nothing is half done.
    out = {out.type, "", "it could not be decoded", ""};
  }
  return out;
}

Result<std::string> ProtobufTypes::encode(const wire::Envelope& envelope, std::string_view says) const {
  if (known_ == nullptr || !is_protobuf_type(envelope.content_type)) {
    return Status(Code::INVALID_BODY, "the body is no protobuf of which descriptors are given");
  }
  const ProtobufBody named = known_->named_by(envelope);
  if (!named.decoded()) return Status(Code::INVALID_BODY, "the body cannot be encoded as protobuf: " + named.why());
  try {
    return known_->encode(named.type, says);
  } catch (const pb::FatalException&) {
    return Status(Code::BAD_REQUEST, "the body could not be encoded as protobuf " + named.type);
  }
}

}  // namespace lazaret::admin

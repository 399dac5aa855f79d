#include "admin/protobuf_types.h"

#include <google/protobuf/descriptor.h>
#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>
#include <google/protobuf/util/json_util.h>
#include <google/protobuf/util/type_resolver.h>
#include <google/protobuf/util/type_resolver_util.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <system_error>

#include "admin/json_body.h"
#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

namespace pb = google::protobuf;
using base::Code;
using base::Result;
using base::Status;

constexpr std::string_view kAnyUrls = "type.googleapis.com/";
/// What a built message takes, about: itself and its place, and each field that it could have.
constexpr std::size_t kMessageCost = 256;
constexpr std::size_t kFieldCost = 16;
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
    spent_ += kMessageCost + kFieldCost * static_cast<std::size_t>(type.field_count());
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

  void decode(ProtobufBody& out, std::string_view body);
};

/// The type is known. Wherever it returns early, the body is none of it.
void ProtobufTypes::Known::decode(ProtobufBody& out, std::string_view body) {
  const pb::Descriptor& type = *pool.FindMessageTypeByName(out.type);
  out.undecoded = "it is not what the descriptor of " + out.type + " says";
  out.detail = Walk(pool, false).through(type, body);
  if (!out.detail.empty()) return;
  const std::unique_ptr<pb::Message> message(factory.GetPrototype(&type)->New());
  if (!message->ParsePartialFromArray(body.data(), static_cast<int>(body.size()))) return;
  if (!message->IsInitialized()) {
    out.detail = "it lacks " + message->InitializationErrorString();
    return;
  }
  std::string again = message->SerializeAsString();
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
    out.undecoded.clear();
    out.json = std::move(json);
  }
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
  const std::string urls(kAnyUrls.substr(0, kAnyUrls.size() - 1));
  types.known_->resolver.reset(pb::util::NewTypeResolverForDescriptorPool(urls, &types.known_->pool));
  return types;
}

std::optional<ProtobufBody> ProtobufTypes::look_into(const wire::Envelope& envelope, std::string_view body) const {
  if (known_ == nullptr || !is_protobuf_type(envelope.content_type)) return std::nullopt;
  ProtobufBody out;
  out.type = base::to_utf8(type_name_of(envelope).substr(0, kNameBytes));
  const std::string encoding = parameter_of(envelope.content_type, "encoding");
  if (!envelope.content_encoding.empty()) {
    out.undecoded = "it is encoded (" + base::to_utf8(envelope.content_encoding) + ")";
  } else if (!encoding.empty() && lower(encoding) != "binary") {
    out.undecoded = "its content type says that its encoding is not binary";
  } else if (out.type.empty()) {
    out.undecoded = "nothing says of which type it is: messageType of its content type, or the type of the message";
  } else if (known_->pool.FindMessageTypeByName(out.type) == nullptr) {
    out.undecoded = "no descriptor is given of " + out.type;
  } else if (body.size() > kProtobufBytes) {
    out.undecoded = "it is larger than " + std::to_string(kProtobufBytes) + " bytes";
  } else {
    try {
      known_->decode(out, body);
    } catch (const pb::FatalException&) {
      // It has checks of its own, which throw. Nothing is kept of this body, so nothing is half done.
      out = {out.type, "", "it could not be decoded", ""};
    }
  }
  return out;
}

}  // namespace lazaret::admin

// ProtobufTypes: types of protobuf messages that the operator has given descriptors of (hospital.protobuf_descriptors),
// so that bodies of these types can be looked into: they become JSON text, and what people have made of that becomes
// bytes again. A body is anybody's: before anything is built of it, it is gone through, so that what it takes is
// bounded, and whatever its type does not know of is found. What cannot be told exactly is not told: what is shown as
// JSON makes the same message again, whatever else is changed in it.
//
// Threading: immutable to those who use it; any thread, at the same time.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "wire/envelope.h"

namespace lazaret::admin {

/// Larger bodies are not decoded.
inline constexpr std::size_t kProtobufBytes = 1u << 20;
/// What they say as JSON is shown up to here, which is what the page lays out of JSON.
inline constexpr std::size_t kProtobufJsonBytes = 2u << 20;
/// Messages in messages, those in a google.protobuf.Any included.
inline constexpr int kProtobufDepth = 64;
/// Of memory that one body may take, as it is reckoned before it is built. A message in it may be two bytes.
inline constexpr std::size_t kProtobufBuiltBytes = 32u << 20;
/// Of one file with descriptors.
inline constexpr std::size_t kDescriptorBytes = 64u << 20;

/// A body of which its content type says that it is protobuf.
struct ProtobufBody {
  /// The full name of its type: of the content type's parameter `messageType` or `proto`, else the message's type. "":
  /// nothing names one.
  std::string type;
  /// What it says, with names as in the source of the type; fields that are not set are left out. "": not decoded.
  std::string json;
  /// Why it was not; "": it was. Tells nothing of what is in it.
  std::string undecoded;
  /// Where in it that was found; "" where there is no such place. Tells something of what is in it.
  std::string detail;

  bool decoded() const { return undecoded.empty(); }
  /// With the place: only for who may see the body.
  std::string why() const { return undecoded + (detail.empty() ? "" : ": " + detail); }
};

/// "application/protobuf" or one of the names that were used before that was registered, whatever parameters
/// follow.
bool is_protobuf_type(std::string_view content_type);

class ProtobufTypes {
 public:
  /// Knows none: no body is protobuf.
  ProtobufTypes() = default;
  /// Of files as `protoc --descriptor_set_out --include_imports` writes them. BAD_CONFIGURATION naming the file and
  /// what is wrong: it cannot be read, is no descriptor set, or lacks an import that no other file has.
  static base::Result<ProtobufTypes> read(const std::vector<std::string>& files);

  bool is_empty() const { return known_ == nullptr; }
  /// nullopt: nothing says that it is protobuf, or there are no descriptors at all.
  std::optional<ProtobufBody> look_into(const wire::Envelope& envelope, std::string_view body) const;
  /// The body that says this JSON, as look_into shows it: of the type that the envelope names, and of no other. It can
  /// be looked into again, and what it says there is what was asked for. BAD_REQUEST naming the place, a JSON pointer,
  /// of a name that the type has not, or of a value of another kind or out of range; and for what would take too much,
  /// or lack what it needs. INVALID_BODY: the envelope names no type whose descriptor is given.
  base::Result<std::string> encode(const wire::Envelope& envelope, std::string_view says) const;

 private:
  struct Known;
  std::shared_ptr<Known> known_;
};

}  // namespace lazaret::admin

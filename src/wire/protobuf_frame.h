// Between protobuf and frames: what every codec of this room needs. Included by .cpp files of `wire` only.
#pragma once

#include <string>

#include "base/status.h"
#include "lazaret/wire/v1/frames.pb.h"
#include "wire/frames.h"

namespace lazaret::wire {

template <class Proto>
OutFrame to_frame(FrameType type, const Proto& header, std::size_t body_bytes = 0) {
  // Serialised once, behind room for the prefix: no second copy of a large header.
  thread_local std::string bytes;
  header.SerializeToString(&bytes);
  return {frame_head(static_cast<std::uint8_t>(type), 0, bytes, body_bytes), {}};
}

/// The header, in a message that this thread reuses: parsing into what is already there allocates little.
/// nullptr when the bytes are not such a message.
template <class Proto>
Proto* parse_header(const Frame& frame) {
  thread_local Proto header;
  return header.ParseFromArray(frame.header.data(), static_cast<int>(frame.header.size())) ? &header : nullptr;
}

inline base::Status bad_frame(std::string text) { return {base::Code::BAD_FRAME, std::move(text)}; }

void fill(v1::Problem* problem, const base::Status& status);
base::Status status_of(const v1::Problem& problem);

inline void fill(v1::Token* out, const Token& token) {
  out->set_log(token.log.value);
  out->set_offset(token.offset.value);
  out->set_grant(token.grant.value);
}
inline Token token_of(const v1::Token& in) {
  return {model::LogId(in.log()), model::Offset(in.offset()), model::Grant(in.grant())};
}

/// Cuts a frame's body into the bodies of its items, and says so when the lengths do not add up.
class BodyCutter {
 public:
  explicit BodyCutter(const base::SharedBytes& body) : body_(body) {}
  base::SharedBytes take(std::size_t bytes) {
    if (bytes > body_.size() - at_) {
      ok_ = false;
      return {};
    }
    at_ += bytes;
    return body_.slice(at_ - bytes, bytes);
  }
  /// Whether every item had its bytes and none is left over.
  bool exact() const { return ok_ && at_ == body_.size(); }

 private:
  const base::SharedBytes& body_;
  std::size_t at_ = 0;
  bool ok_ = true;
};

/// Bytes that protobuf holds, as bytes of their own.
inline base::SharedBytes copied(const std::string& bytes) { return base::SharedBytes::of(bytes); }

}  // namespace lazaret::wire

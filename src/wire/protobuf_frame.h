// Between protobuf and frames: what every codec of this room needs. Included by .cpp files of `wire` only.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "base/status.h"
#include "lazaret/wire/v1/frames.pb.h"
#include "model/limits.h"
#include "wire/frames.h"

namespace lazaret::wire {

template <class Proto>
OutFrame to_frame(FrameType type, const Proto& header, std::size_t body_bytes = 0) {
  // Serialised once, behind room for the prefix: no second copy of a large header.
  thread_local std::string bytes;
  header.SerializeToString(&bytes);
  OutFrame frame{frame_head(static_cast<std::uint8_t>(type), 0, bytes, body_bytes), {}};
  if (bytes.capacity() > model::limits::kHeaderBytesKept) bytes = {};
  return frame;
}

/// Whether a protobuf message has at most `most` fields on its own level. What is no message has not.
bool has_fields_at_most(std::string_view message, std::size_t most);

/// A message that its thread keeps for the next of its kind, to be decoded into or filled: what is already there need
/// not be allocated. One that much went through goes: it never gives back what it once needed. Null when there is none.
template <class Proto>
class Reused {
 public:
  Reused() = default;
  Reused(Reused&&) noexcept = default;
  Reused& operator=(Reused&&) = delete;
  ~Reused() {
    if (message_ != nullptr && through_ < model::limits::kHeaderBytesKept) spare() = {std::move(message_), through_};
  }

  static Reused parse(std::string_view bytes, std::size_t most_fields) {
    Reused parsed;
    if (!has_fields_at_most(bytes, most_fields)) return parsed;
    std::tie(parsed.message_, parsed.through_) = std::exchange(spare(), {});
    if (parsed.message_ == nullptr) parsed.message_ = std::make_unique<Proto>();
    parsed.through_ += bytes.size();
    if (!parsed.message_->ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) parsed.message_.reset();
    return parsed;
  }

  /// Empty, to be filled.
  static Reused blank() {
    Reused taken;
    std::tie(taken.message_, taken.through_) = std::exchange(spare(), {});
    if (taken.message_ == nullptr) {
      taken.message_ = std::make_unique<Proto>();
    } else {
      taken.message_->Clear();
    }
    return taken;
  }
  /// It was encoded, into so many bytes.
  void went_through(std::size_t bytes) { through_ += bytes; }

  Proto* operator->() { return message_.get(); }
  const Proto* operator->() const { return message_.get(); }
  const Proto& operator*() const { return *message_; }
  bool operator==(std::nullptr_t) const { return message_ == nullptr; }

 private:
  /// With the bytes that went through it since it was made.
  using Spare = std::pair<std::unique_ptr<Proto>, std::size_t>;
  static Spare& spare() {
    thread_local Spare one;
    return one;
  }

  std::unique_ptr<Proto> message_;
  std::size_t through_ = 0;
};

template <class Proto>
OutFrame to_frame(FrameType type, Reused<Proto>& header, std::size_t body_bytes = 0) {
  OutFrame frame = to_frame(type, *header, body_bytes);
  header.went_through(frame.head.size());
  return frame;
}

/// The header of a frame; null when its bytes are not such a message, or have more fields than any honest one.
template <class Proto>
Reused<Proto> parse_header(const Frame& frame) {
  return Reused<Proto>::parse(frame.header, model::limits::kHeaderFields);
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

/// Times above a century would overflow sums with the present; validation refuses them long before.
inline base::Duration microseconds(std::uint64_t us) {
  constexpr std::uint64_t kCentury = 100ull * 365 * 86'400'000'000;
  return base::Duration(static_cast<std::int64_t>(us < kCentury ? us : kCentury));
}

/// Cuts to `most` bytes, not inside a UTF-8 sequence, and says so.
std::string cut(const std::string& text, std::size_t most);
/// What a client reports of an error, as text of at most so many bytes.
std::string text_of(const std::string& bytes, std::size_t most);

void fill(v1::PublishItem* out, const PublishItem& item);
PublishItem take(const v1::PublishItem& in, BodyCutter& bodies);
/// Null where there is nothing.
AddressedItems take(const google::protobuf::RepeatedPtrField<v1::AddressedItem>& in, BodyCutter& bodies);
void fill(v1::AddressedItem* out, const AddressedItem& item);
void fill(v1::AskTerms* out, const AskTerms& ask);
AskTermsRef take(const v1::AskTerms& in);
void fill(google::protobuf::RepeatedPtrField<v1::ContextEntry>* out, const Context& context);
/// One entry more than allowed says that there are too many.
Context context_of(const google::protobuf::RepeatedPtrField<v1::ContextEntry>& in);
void fill(v1::ResponderReply* out, const ResponderReply& reply);
/// False when it is neither answered nor declined, or is declined with a body.
bool take(const v1::ResponderReply& in, BodyCutter& bodies, ResponderReply& reply);

/// Bytes that protobuf holds, as bytes of their own.
inline base::SharedBytes copied(const std::string& bytes) { return base::SharedBytes::copy(bytes); }

}  // namespace lazaret::wire

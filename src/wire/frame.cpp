#include "wire/frame.h"

#include <algorithm>
#include <cstring>

#include "base/fixed_int.h"
#include "model/limits.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

/// What a connection that says little reads into: heartbeats, and the first bytes of more.
constexpr std::size_t kBlockBytesLeast = 512;
constexpr std::size_t kBlockBytesMost = 256u << 10;
/// Less room than this at the end of a block is not worth a read.
constexpr std::size_t kReadBytesLeast = 256;
/// A read that leaves so much of its block empty was of a connection that has got quieter.
constexpr std::size_t kQuietPart = 8;

base::Status too_large(std::string_view what, std::size_t bytes, std::string_view limit, std::size_t most) {
  return base::Status(base::Code::FRAME_TOO_LARGE, std::string(what) + " of " + std::to_string(bytes) +
                                                       " bytes, at most " + std::to_string(most) + " are allowed")
      .with_limit(std::string(limit), static_cast<std::int64_t>(most));
}

}  // namespace

std::size_t header_bytes_most(std::uint8_t type) {
  switch (static_cast<FrameType>(type)) {
    case FrameType::hello:
    case FrameType::open_producer:
    case FrameType::close_producer:
    case FrameType::add_credit:
    case FrameType::started:
    case FrameType::close_consumer:
    case FrameType::queue_request:
    case FrameType::peek:
    case FrameType::goodbye:
    case FrameType::ping:
    case FrameType::pong:
    case FrameType::welcome:
    case FrameType::producer_opened:
    case FrameType::recall:
    case FrameType::consumer_ended:
    case FrameType::error:
    case FrameType::cancel_request:
    case FrameType::answered:
    case FrameType::asked:
    case FrameType::closing: return model::limits::kPlainHeaderBytes;
    case FrameType::publish:
    case FrameType::open_consumer:
    case FrameType::settle:
    case FrameType::published:
    case FrameType::consumer_opened:
    case FrameType::deliver:
    case FrameType::settled:
    case FrameType::lease_ended:
    case FrameType::queue_response:
    case FrameType::peeked:
    case FrameType::request:
    case FrameType::reply:
    case FrameType::ask:
    case FrameType::answer: break;
  }
  return model::limits::kBatchHeaderBytes;
}

std::string frame_head(std::uint8_t type, std::uint8_t flags, std::string_view header, std::size_t body_bytes) {
  std::string head;
  head.reserve(kFramePrefixBytes + header.size());
  base::append_le(head, static_cast<std::uint32_t>(kFramePrefixBytes - 4 + header.size() + body_bytes));
  head.push_back(static_cast<char>(type));
  head.push_back(static_cast<char>(flags));
  base::append_le(head, std::uint16_t{0});
  base::append_le(head, static_cast<std::uint32_t>(header.size()));
  head.append(header);
  return head;
}

/// A large frame gets its memory as its bytes come: a length alone is only a promise.
std::span<char> FrameReader::prepare() {
  // What was read into while it was busy does not wait with it for the next byte.
  const bool quieter = unread() == 0 && block_bytes_ > kBlockBytesLeast && last_read_ < block_bytes_ / kQuietPart;
  if (quieter) {
    next_block_bytes_ = std::max(block_bytes_ / 2, kBlockBytesLeast);
    block_ = nullptr;
    block_bytes_ = taken_ = filled_ = 0;
  }
  const std::size_t left = block_ == nullptr ? 0 : block_bytes_ - filled_;
  const std::size_t missing = wanted_ > 0 ? wanted_ - unread() : kReadBytesLeast;
  if (left < std::min(missing, kReadBytesLeast)) {
    const std::size_t more = std::max(2 * unread(), unread() + kReadBytesLeast);
    make_room(wanted_ > 0 ? std::min(wanted_, more) : unread() + kReadBytesLeast);
  }
  return {block_.get() + filled_, block_bytes_ - filled_};
}

std::optional<std::string> FrameReader::take_raw(std::size_t count) {
  if (unread() < count) return std::nullopt;
  std::string raw(block_.get() + taken_, count);
  taken_ += count;
  return raw;
}

base::Result<std::optional<Frame>> FrameReader::next() {
  if (unread() < kFramePrefixBytes) return std::optional<Frame>();
  const char* at = block_.get() + taken_;
  const std::size_t length = base::load_le<std::uint32_t>(at);
  if (length > max_frame_bytes_) return too_large("a frame", length, "max_frame_bytes", max_frame_bytes_);
  const std::size_t header_bytes = base::load_le<std::uint32_t>(at + 8);
  if (length < kFramePrefixBytes - 4 || header_bytes > length - (kFramePrefixBytes - 4)) {
    return base::Status(base::Code::BAD_FRAME, "the lengths in the prefix of a frame contradict each other");
  }
  const std::size_t header_most = header_bytes_most(static_cast<std::uint8_t>(at[4]));
  if (header_bytes > header_most) return too_large("a frame's header", header_bytes, "frame_header_bytes", header_most);
  const bool reserved = (static_cast<std::uint8_t>(at[5]) & ~kMustUnderstand) != 0 || at[6] != 0 || at[7] != 0;
  if (reserved) return base::Status(base::Code::BAD_FRAME, "a reserved bit in the prefix of a frame is set");
  const std::size_t whole = 4 + length;
  if (unread() < whole) {
    wanted_ = whole;
    return std::optional<Frame>();
  }
  wanted_ = 0;
  Frame frame;
  frame.type = static_cast<std::uint8_t>(at[4]);
  frame.flags = static_cast<std::uint8_t>(at[5]);
  frame.header = {at + kFramePrefixBytes, header_bytes};
  frame.body =
      base::SharedBytes(block_, {at + kFramePrefixBytes + header_bytes, whole - kFramePrefixBytes - header_bytes});
  taken_ += whole;
  return std::optional<Frame>(std::move(frame));
}

/// A new block that begins with what is not taken yet. A connection that fills its blocks gets larger ones, so that
/// a quiet one costs little and a busy one few reads.
void FrameReader::make_room(std::size_t bytes) {
  const bool filled_up = block_ != nullptr && filled_ == block_bytes_;
  next_block_bytes_ = filled_up ? std::min(next_block_bytes_ * 2, kBlockBytesMost) : next_block_bytes_;
  const std::size_t block_bytes = std::max(bytes, next_block_bytes_);
  auto block = std::make_shared_for_overwrite<char[]>(block_bytes);  // what is read goes over it
  const std::size_t rest = unread();
  if (rest > 0) std::memcpy(block.get(), block_.get() + taken_, rest);
  block_ = std::move(block);
  block_bytes_ = block_bytes;
  taken_ = 0;
  filled_ = rest;
}

}  // namespace lazaret::wire

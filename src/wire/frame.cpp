#include "wire/frame.h"

#include <algorithm>
#include <cstring>

#include "base/fixed_int.h"

namespace lazaret::wire {
namespace {

constexpr std::size_t kBlockBytesLeast = 4096;
constexpr std::size_t kBlockBytesMost = 256u << 10;
/// Less room than this at the end of a block is not worth a read.
constexpr std::size_t kReadBytesLeast = 1024;

}  // namespace

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

std::span<char> FrameReader::prepare() {
  const bool at_end = block_ == nullptr || filled_ == block_->size();
  if (wanted_ > kBlockBytesMost && !at_end) return {block_->data() + filled_, block_->size() - filled_};
  if (wanted_ > kBlockBytesMost) {
    // A large frame gets its memory as its bytes come: a length alone is only a promise.
    make_room(std::min(wanted_, std::max(kBlockBytesMost, 2 * unread())));
  } else if (at_end || block_->size() - filled_ < kReadBytesLeast) {
    make_room(unread() + kReadBytesLeast);
  }
  return {block_->data() + filled_, block_->size() - filled_};
}

std::optional<std::string> FrameReader::take_raw(std::size_t count) {
  if (unread() < count) return std::nullopt;
  std::string raw(block_->data() + taken_, count);
  taken_ += count;
  return raw;
}

base::Result<std::optional<Frame>> FrameReader::next() {
  if (unread() < kFramePrefixBytes) return std::optional<Frame>();
  const char* at = block_->data() + taken_;
  const std::size_t length = base::load_le<std::uint32_t>(at);
  if (length > max_frame_bytes_) {
    return base::Status(base::Code::FRAME_TOO_LARGE, "a frame of " + std::to_string(length) + " bytes, at most " +
                                                         std::to_string(max_frame_bytes_) + " are allowed")
        .with_limit("max_frame_bytes", static_cast<std::int64_t>(max_frame_bytes_));
  }
  const std::size_t header_bytes = base::load_le<std::uint32_t>(at + 8);
  if (length < kFramePrefixBytes - 4 || header_bytes > length - (kFramePrefixBytes - 4)) {
    return base::Status(base::Code::BAD_FRAME, "the lengths in the prefix of a frame contradict each other");
  }
  const bool reserved = (static_cast<std::uint8_t>(at[5]) & ~kMustUnderstand) != 0 || at[6] != 0 || at[7] != 0;
  if (reserved) return base::Status(base::Code::BAD_FRAME, "a reserved bit in the prefix of a frame is set");
  const std::size_t whole = 4 + length;
  if (unread() < whole) {
    wanted_ = whole;
    if (whole <= kBlockBytesMost && block_->size() - taken_ < whole) make_room(whole);
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
  const bool filled_up = block_ != nullptr && filled_ == block_->size();
  next_block_bytes_ = filled_up ? std::min(next_block_bytes_ * 2, kBlockBytesMost) : next_block_bytes_;
  if (block_ != nullptr && filled_ < block_->size() / 4) {
    next_block_bytes_ = std::max(next_block_bytes_ / 2, kBlockBytesLeast);
  }
  auto block = std::make_shared<std::vector<char>>(std::max(bytes, next_block_bytes_));
  const std::size_t rest = unread();
  if (rest > 0) std::memcpy(block->data(), block_->data() + taken_, rest);
  block_ = std::move(block);
  taken_ = 0;
  filled_ = rest;
}

}  // namespace lazaret::wire

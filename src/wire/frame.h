// Frames: how the protocol cuts a stream of bytes into messages of its own.
//
//   0        4      5       6          8               12             12+h          4+length
//   ├────────┼──────┼───────┼──────────┼───────────────┼──────────────┼─────────────┤
//   │ length │ type │ flags │ reserved │ header length │ header       │ body        │
//   │ u32    │ u8   │ u8    │ u16 = 0  │ u32           │ protobuf     │ raw bytes   │
//   └────────┴──────┴───────┴──────────┴───────────────┴──────────────┴─────────────┘
//
// Little-endian. `length` counts what follows it. Flag 1 (must understand): an unknown type closes the connection
// instead of being answered with UNKNOWN_FRAME and skipped.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/status.h"

namespace lazaret::wire {

/// First bytes of a client's connection.
inline constexpr std::string_view kMagic = "LAZARET1";
inline constexpr std::size_t kFramePrefixBytes = 12;
inline constexpr std::uint8_t kMustUnderstand = 1;

/// A received frame. `body` keeps the read buffer alive; `header` is valid as long as `body`'s owner.
struct Frame {
  std::uint8_t type = 0;
  std::uint8_t flags = 0;
  std::string_view header;
  base::SharedBytes body;
};

/// A frame to be written: the prefix and header as bytes, then the bodies, which are not copied.
struct OutFrame {
  std::string head;
  std::vector<base::SharedBytes> bodies;
  std::size_t size() const {
    std::size_t bytes = head.size();
    for (const base::SharedBytes& body : bodies) bytes += body.size();
    return bytes;
  }
};

/// `header` as a frame of that type; `body_bytes` will follow it.
std::string frame_head(std::uint8_t type, std::uint8_t flags, std::string_view header, std::size_t body_bytes);

/// Most bytes that the header of a frame of this type may have. A type that is not known here may need as many as any.
std::size_t header_bytes_most(std::uint8_t type);

/// Cuts what was read into frames without copying bodies. One for each connection.
class FrameReader {
 public:
  /// `max_frame_bytes`: length of a frame beyond which it is refused before memory is taken for it.
  explicit FrameReader(std::size_t max_frame_bytes) : max_frame_bytes_(max_frame_bytes) {}
  void set_max_frame_bytes(std::size_t bytes) { max_frame_bytes_ = bytes; }

  /// Where to read to; never empty.
  std::span<char> prepare();
  /// So many bytes were read there.
  void commit(std::size_t bytes) {
    filled_ += bytes;
    last_read_ = bytes;
  }
  /// Takes `count` raw bytes (the magic); nullopt when they are not there yet.
  std::optional<std::string> take_raw(std::size_t count);
  /// The next whole frame, nullopt when more must be read, FRAME_TOO_LARGE or BAD_FRAME.
  base::Result<std::optional<Frame>> next();

 private:
  void make_room(std::size_t bytes);
  std::size_t unread() const { return filled_ - taken_; }

  std::size_t max_frame_bytes_;
  std::shared_ptr<char[]> block_;
  std::size_t block_bytes_ = 0;
  std::size_t taken_ = 0;   // bytes of the block that were handed out
  std::size_t filled_ = 0;  // bytes of the block that were read
  std::size_t wanted_ = 0;  // the whole of the frame that has begun to come, 0 for none
  std::size_t next_block_bytes_ = 512;
  std::size_t last_read_ = 0;
};

}  // namespace lazaret::wire

// A frame as it is on the wire, and as a session reads it from there.
#pragma once

#include <algorithm>
#include <string>

#include "base/assert.h"
#include "wire/frames.h"

namespace lazaret::bench {

inline std::string bytes_of(const wire::OutFrame& frame) {
  std::string bytes = frame.head;
  for (const base::SharedBytes& body : frame.bodies) bytes += body.view();
  return bytes;
}

template <class T>
T read(const std::string& bytes) {
  wire::FrameReader reader(64u << 20);
  for (std::size_t at = 0; at < bytes.size();) {
    const auto room = reader.prepare();
    const std::size_t part = std::min(room.size(), bytes.size() - at);
    std::copy_n(bytes.data() + at, part, room.data());
    reader.commit(part);
    at += part;
  }
  auto frame = reader.next();
  LZ_ASSERT(frame.ok() && frame->has_value());
  auto decoded = wire::decode<T>(**frame);
  LZ_ASSERT(decoded.ok());
  return std::move(*decoded);
}

}  // namespace lazaret::bench

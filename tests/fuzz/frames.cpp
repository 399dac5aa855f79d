// Cutting a stream into frames: the same frames however the bytes arrive, and nothing beyond the limit.
#include <algorithm>

#include "fuzz/target.h"
#include "wire/frames.h"

namespace lazaret::fuzz {
namespace {

constexpr std::size_t kMost = 4096;

/// Type, header and body of each frame, up to the end or the error.
std::vector<std::string> cut(std::string_view bytes, std::size_t step) {
  std::vector<std::string> frames;
  wire::FrameReader reader(kMost);
  for (;;) {
    auto frame = reader.next();
    if (!frame.ok()) {
      frames.emplace_back(base::error_info(frame.status().code()).name);
      return frames;
    }
    if (frame->has_value()) {
      const wire::Frame& one = **frame;
      LZ_ASSERT(one.header.size() + one.body.size() <= kMost);
      frames.push_back(std::string(1, static_cast<char>(one.type)) + std::string(one.header) + "|" +
                       std::string(one.body.view()));
      continue;
    }
    if (bytes.empty()) return frames;
    const auto room = reader.prepare();
    LZ_ASSERT(!room.empty());
    const std::size_t count = std::min({step, room.size(), bytes.size()});
    std::copy_n(bytes.begin(), count, room.begin());
    reader.commit(count);
    bytes.remove_prefix(count);
  }
}

}  // namespace

std::vector<std::string> seeds() {
  const auto bytes_of = [](const wire::OutFrame& frame) {
    std::string bytes = frame.head;
    for (const base::SharedBytes& body : frame.bodies) bytes.append(body.view());
    return bytes;
  };
  wire::Publish publish;
  publish.request = 3;
  publish.items.push_back({1, base::SharedBytes::of("envelope"), base::SharedBytes::of("a body"), 7, {}, {}, {}});
  const std::string ping = bytes_of(wire::encode(wire::Ping{7}));
  return {"", ping, ping + bytes_of(wire::encode(publish)) + ping, wire::frame_head(200, 1, "header", 5) + "bodys"};
}

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto whole = lazaret::fuzz::cut(bytes, size + 1);
  LZ_ASSERT(whole == lazaret::fuzz::cut(bytes, 1));
  LZ_ASSERT(whole == lazaret::fuzz::cut(bytes, 13));
  return 0;
}

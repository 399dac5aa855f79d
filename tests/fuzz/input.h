// Input: the bytes of a fuzz target as decisions, taken one after the other. At their end every decision is 0.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>
#include <string>

namespace lazaret::fuzz {

class Input {
 public:
  explicit Input(std::span<const std::uint8_t> bytes) : bytes_(bytes) {}

  bool is_over() const { return bytes_.empty(); }
  std::uint8_t byte() {
    if (bytes_.empty()) return 0;
    const std::uint8_t one = bytes_.front();
    bytes_ = bytes_.subspan(1);
    return one;
  }
  bool flag() { return (byte() & 1) != 0; }
  /// Mostly small; from 0xe0 on one of those at which code goes wrong, from 0xf0 on any, of eight further bytes.
  std::uint64_t number() {
    const std::uint8_t one = byte();
    if (one < 0xe0) return one;
    if (one < 0xf0) return kTelling[one & 0xf];
    std::uint64_t any = 0;
    for (int i = 0; i < 8; ++i) any = any << 8 | byte();
    return any;
  }
  std::string text(std::size_t most) {
    const std::size_t size = std::min({static_cast<std::size_t>(byte()), most, bytes_.size()});
    std::string text(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(size));
    bytes_ = bytes_.subspan(size);
    return text;
  }

 private:
  static constexpr std::uint64_t kMost = std::numeric_limits<std::uint64_t>::max();
  static constexpr std::uint64_t kTelling[16] = {kMost,    kMost - 1,   kMost >> 1,   (kMost >> 1) + 1,
                                                 1u << 31, 0x7fff'ffff, 0xffff'ffffu, 1ull << 32,
                                                 255,      256,         1024,         1025,
                                                 4096,     65535,       65536,        1ull << 40};
  std::span<const std::uint8_t> bytes_;
};

}  // namespace lazaret::fuzz

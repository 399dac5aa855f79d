// Bounds of resident memory, in whatever build the tests are of.
#pragma once

#include <cstdint>

namespace lazaret::faults {

/// A bound of resident memory, in this build: a sanitizer keeps something around, and behind, each block of memory.
constexpr std::uint64_t of_this_build(std::uint64_t bytes) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return 3 * bytes;
#elif defined(__has_feature)
  return __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ? 3 * bytes : bytes;
#else
  return bytes;
#endif
}

}  // namespace lazaret::faults

// Bodies compressed with zstd (RFC 8878): by whoever publishes them, opened by whoever is given them and by whoever
// looks at them in the broker.
//
// Threading: any thread; each keeps what zstd works with.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace lazaret::base {

/// The name of this encoding, in the envelope's `content_encoding`.
inline constexpr std::string_view kZstd = "zstd";

/// One frame, with a checksum; nullopt when it would not be smaller than the body.
std::optional<std::string> zstd_compressed(std::string_view body);

/// What is in it, of one frame or more. BAD_REQUEST when it is damaged, MESSAGE_TOO_LARGE (limit max_message_bytes)
/// when that has more than `most` bytes: no more memory than that is taken, whatever the frame promises.
Result<std::string> zstd_opened(std::string_view body, std::size_t most);

}  // namespace lazaret::base

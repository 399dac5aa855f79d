// How a receiver knows that an alert comes from this broker, and when: HMAC-SHA256 (RFC 2104) with a secret of both.
//
// Threading: a pure function.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lazaret::alerts {

/// "v1=" and, in lower-case hexadecimal digits, the code of `timestamp`, a dot and `body`.
std::string signature(std::string_view secret, std::int64_t timestamp, std::string_view body);
/// HMAC-SHA256 in hexadecimal digits.
std::string hmac_sha256_hex(std::string_view key, std::string_view data);

}  // namespace lazaret::alerts

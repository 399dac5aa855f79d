// Durations and times as people write them: `250ms`, `30s`, `5m`, `1h`, `7d`, and RFC 3339.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"

namespace lazaret::base {

/// A whole number and a unit of us, ms, s, m, h, d; INVALID_OPTION otherwise, or when it exceeds 100 years.
Result<Duration> parse_duration(std::string_view text);
/// The shortest such text: the largest unit that leaves no rest ("90s", not "1.5m"); "0s" for none.
std::string format_duration(Duration duration);
/// "2026-11-23T20:04:48.123456Z": UTC, microseconds.
std::string format_rfc3339(Instant instant);
/// RFC 3339 with any offset and up to nine digits of a second (cut to microseconds); BAD_REQUEST otherwise.
Result<Instant> parse_rfc3339(std::string_view text);

}  // namespace lazaret::base

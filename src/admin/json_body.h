// JSON that is a message's body: it is anybody's, and may be large. A change of it must leave the rest as it was.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/value.hpp>

#include "base/status.h"

namespace lazaret::admin {

/// "application/json" or "…+json", whatever parameters follow.
bool is_json_type(std::string_view content_type);
/// Builds nothing in memory. Nested deeper than kBodyDepth it counts as none.
bool is_json_text(std::string_view text);

/// How many members all objects in it have together, also those whose names stand twice. REQUIRES JSON.
std::size_t members_in(std::string_view text);

/// With -0.0 in place of each number -0, whose sign is lost to who reads it as a whole one. REQUIRES JSON.
std::string with_signed_zeros(std::string_view text);

inline constexpr std::size_t kBodyDepth = 256;
inline constexpr std::size_t kMergeDepth = 64;
inline constexpr std::size_t kMergeBytes = 1u << 20;
/// That a body may take while it is merged: of numbers of one digit more than twelve times its size.
inline constexpr std::size_t kMergeMemory = 32u << 20;

/// The body with a merge patch applied (RFC 7396), to the byte as it is where that changes nothing. INVALID_BODY when
/// it is no JSON, has more than `most` bytes, takes more than kMergeMemory, or has, in what the merge leaves, numbers
/// that would not come out as they went in or an object in which a name stands twice, of which one would go.
base::Result<std::string> merged(std::string_view body, const boost::json::value& patch,
                                 std::size_t most = kMergeBytes);

}  // namespace lazaret::admin

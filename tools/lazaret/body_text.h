// The body of a message as people read it: JSON and XML laid out, text as it is, anything else in hexadecimal.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lazaret::cli {

/// So much of a body is shown; of a larger one the beginning.
inline constexpr std::size_t kBodyShown = 64u << 10;

struct BodyText {
  std::string_view kind;  // "JSON", "XML", "text" or "bytes"
  std::string text;       // printable, with its lines
};

/// Of a body that is UTF-8. `whole`: false is the beginning of one, which is taken for JSON only if its type says so.
BodyText text_body(std::string_view body, std::string_view content_type, bool whole);
/// Offset, sixteen bytes and what of them is ASCII, a line each.
BodyText binary_body(std::string_view body);

/// The first bytes, at most so many, and of a text whole characters.
std::string_view beginning_of(std::string_view text, std::size_t most);

}  // namespace lazaret::cli

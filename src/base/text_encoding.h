// Bytes as text: UTF-8 (RFC 3629) and base64 (RFC 4648, section 4). What JSON needs of bodies,
// headers and the error texts of strangers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lazaret::base {

/// Well-formed UTF-8: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool is_utf8(std::string_view bytes);
/// The same text with each byte that is not part of well-formed UTF-8 replaced by U+FFFD.
std::string to_utf8(std::string_view bytes);

/// With padding.
std::string to_base64(std::string_view bytes);
/// nullopt for anything but whole groups of the standard alphabet with their padding.
std::optional<std::string> from_base64(std::string_view text);

}  // namespace lazaret::base

// SHA-256 (FIPS 180-4), as OpenSSL computes it.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace lazaret::base {

using Sha256 = std::array<unsigned char, 32>;

Sha256 sha256(std::string_view bytes);
/// 64 lower-case digits.
std::string to_hex(const Sha256& hash);
/// nullopt for anything but 64 hexadecimal digits, in lower case.
std::optional<Sha256> sha256_from_hex(std::string_view text);

}  // namespace lazaret::base

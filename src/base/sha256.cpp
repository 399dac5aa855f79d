#include "base/sha256.h"

#include <openssl/evp.h>

#include "base/assert.h"

namespace lazaret::base {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

}  // namespace

Sha256 sha256(std::string_view bytes) {
  Sha256 hash{};
  unsigned int size = 0;
  // It fails only where there is no memory left, or no SHA-256 in the library.
  LZ_ASSERT(EVP_Digest(bytes.data(), bytes.size(), hash.data(), &size, EVP_sha256(), nullptr) == 1 &&
            size == hash.size());
  return hash;
}

std::string to_hex(const Sha256& hash) {
  std::string text;
  text.reserve(2 * hash.size());
  for (const unsigned char byte : hash) {
    text += kDigits[byte >> 4];
    text += kDigits[byte & 15];
  }
  return text;
}

std::optional<Sha256> sha256_from_hex(std::string_view text) {
  Sha256 hash{};
  if (text.size() != 2 * hash.size()) return std::nullopt;
  for (std::size_t i = 0; i < hash.size(); ++i) {
    const std::size_t high = kDigits.find(text[2 * i]);
    const std::size_t low = kDigits.find(text[2 * i + 1]);
    if (high == std::string_view::npos || low == std::string_view::npos) return std::nullopt;
    hash[i] = static_cast<unsigned char>(high << 4 | low);
  }
  return hash;
}

}  // namespace lazaret::base

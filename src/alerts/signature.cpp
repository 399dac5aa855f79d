#include "alerts/signature.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "base/assert.h"

namespace lazaret::alerts {

std::string hmac_sha256_hex(std::string_view key, std::string_view data) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> code{};
  unsigned int size = 0;
  const unsigned char* made =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(data.data()),
           data.size(), code.data(), &size);
  LZ_ASSERT(made != nullptr && size == 32);
  static constexpr std::string_view kDigits = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < size; ++i) {
    text += kDigits[code[i] >> 4];
    text += kDigits[code[i] & 15];
  }
  return text;
}

std::string signature(std::string_view secret, std::int64_t timestamp, std::string_view body) {
  return "v1=" + hmac_sha256_hex(secret, std::to_string(timestamp) + "." + std::string(body));
}

}  // namespace lazaret::alerts

#include "storage/wal_file.h"

#include <algorithm>
#include <charconv>

#include "base/crc32c.h"
#include "base/fixed_int.h"

namespace lazaret::storage {
namespace {

constexpr std::string_view kMagic = "LZTWAL02";
constexpr std::size_t kMagicAndNumber = 16;

constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kRecordHeadBytes = 7;
constexpr std::size_t kChecksumBytes = 4;
constexpr std::size_t kLengthAt = 4;

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): numbers that follow one another become unlike.
std::uint64_t mixed(std::uint64_t number) {
  std::uint64_t z = number + 0x9e3779b97f4a7c15;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

std::string_view name_of(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Digits and nothing else.
std::optional<std::uint64_t> number_of(std::string_view digits) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return number;
}

std::array<char, 4> key_of(std::uint64_t log_number) {
  std::string bytes;
  base::append_le(bytes, static_cast<std::uint32_t>(mixed(log_number)));
  return {bytes[0], bytes[1], bytes[2], bytes[3]};
}

}  // namespace

WalChecksums::WalChecksums(std::uint64_t log_number) : key_(key_of(log_number)) {}

void WalChecksums::turn(std::span<char> bytes) {
  for (std::size_t i = 0; i < bytes.size();) {
    const std::size_t block_left = kBlockBytes - at_ % kBlockBytes;
    std::size_t step = 1;
    if (payload_bytes_ > 0) {
      step = std::min(payload_bytes_, bytes.size() - i);
      payload_bytes_ -= step;
    } else if (head_bytes_ == 0 && block_left < kRecordHeadBytes) {
      step = std::min(block_left, bytes.size() - i);  // too short for a record: filled up
    } else {
      if (head_bytes_ < kChecksumBytes) {
        bytes[i] = static_cast<char>(bytes[i] ^ key_[head_bytes_]);
      } else if (head_bytes_ == kLengthAt) {
        length_ = static_cast<unsigned char>(bytes[i]);
      } else if (head_bytes_ == kLengthAt + 1) {
        length_ |= static_cast<std::size_t>(static_cast<unsigned char>(bytes[i])) << 8;
      }
      if (++head_bytes_ == kRecordHeadBytes) {
        head_bytes_ = 0;
        payload_bytes_ = std::min(length_, block_left - 1);  // more than the block has is no record
      }
    }
    i += step;
    at_ += step;
  }
}

std::string encode_wal_head(std::uint64_t log_number) {
  std::string head(kMagic);
  base::append_le(head, log_number);
  base::append_le(head, base::crc32c(head));
  head.resize(kWalHeadBytes, '\0');
  return head;
}

std::optional<std::uint64_t> wal_head_number(std::string_view bytes) {
  if (bytes.size() < kWalHeadBytes || !bytes.starts_with(kMagic)) return std::nullopt;
  const auto crc = base::load_le<std::uint32_t>(bytes.data() + kMagicAndNumber);
  if (crc != base::crc32c(bytes.substr(0, kMagicAndNumber))) return std::nullopt;
  return base::load_le<std::uint64_t>(bytes.data() + kMagic.size());
}

std::optional<std::uint64_t> log_number_of(std::string_view path) {
  constexpr std::string_view kEnding = ".log";
  if (!path.ends_with(kEnding)) return std::nullopt;
  std::string_view name = name_of(path);
  name.remove_suffix(kEnding.size());
  return number_of(name);
}

std::optional<std::uint64_t> manifest_number_of(std::string_view path) {
  constexpr std::string_view kPrefix = "MANIFEST-";
  std::string_view name = name_of(path);
  if (!name.starts_with(kPrefix)) return std::nullopt;
  name.remove_prefix(kPrefix.size());
  return number_of(name);
}

}  // namespace lazaret::storage

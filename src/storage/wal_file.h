// The form of a write-ahead log file on the disk, which lets the space of an old one be written over.
//
// Overwriting a file that has all its blocks is half the cost of growing one: there is no metadata for the sync to
// write. But behind the end of what was written stands what the file held before. So the checksum of each record is
// turned by a key that is made of the log's number: of what an older log left no checksum fits, and recovery ends there
// as it does at a torn write.
//
//   ├ "LZTWAL02" ┼ log number u64 ┼ CRC-32C of both u32 ┼ zeros to 4,096 ┼ RocksDB's log ─▶
//
// RocksDB's log consists of blocks of 32,768 bytes, and these of records, none of which crosses the end of a block:
// checksum u32, length u16, type u8, payload (db/log_format.h in its source). A file without our head is a log as
// RocksDB writes it (format 1), and is read as it is.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace lazaret::storage {

inline constexpr std::size_t kWalHeadBytes = 4096;

/// Turns the checksums in the bytes of one log, and turns them back: call it with all of them, in their order.
class WalChecksums {
 public:
  explicit WalChecksums(std::uint64_t log_number);
  void turn(std::span<char> bytes);

 private:
  const std::array<char, 4> key_;
  std::uint64_t at_ = 0;
  std::size_t head_bytes_ = 0;     // of the record head that has begun
  std::size_t length_ = 0;         // as that head says
  std::size_t payload_bytes_ = 0;  // that are still to come
};

std::string encode_wal_head(std::uint64_t log_number);
/// The log number, when the bytes begin with a head.
std::optional<std::uint64_t> wal_head_number(std::string_view bytes);
/// Of ".../000123.log"; nullopt when the name is another.
std::optional<std::uint64_t> log_number_of(std::string_view path);
/// Of ".../MANIFEST-000005".
std::optional<std::uint64_t> manifest_number_of(std::string_view path);

}  // namespace lazaret::storage

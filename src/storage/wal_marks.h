// Marks: what we write into every batch, so that a log that RocksDB cuts short is found out.
//
// RocksDB's point-in-time recovery ends at the first damaged record and calls that a success: everything behind it,
// though synced and confirmed, would be gone without a word. So each batch carries a blob that says which commit it is
// and which one was known to be synced when it was written. Before the database is opened, the marks are looked for in
// the raw WAL files; if any names a synced commit later than the one that was recovered, the start is refused.
//
//   ├ "LZTMARK1" ┼ commit u64 ┼ synced u64 ┼ CRC-32C of what precedes, seeded with the database's identity u32 ┤
//
// The identity (RocksDB's IDENTITY file) is nobody's but the directory's: a message whose body looks like a mark is not
// taken for one. A mark that is cut by the edge of a WAL block is overlooked; its neighbours say the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lazaret::storage {

std::string encode_mark(std::uint64_t commit, std::uint64_t synced, std::uint32_t identity);

struct HighestMark {
  std::uint64_t synced = 0;  // the latest commit that is known to have been synced
  std::string file;          // where that is said
};
/// Looks through the WAL files of the directory.
HighestMark find_marks(const std::string& data_dir, std::uint32_t identity);
/// The seed: a checksum of the directory's IDENTITY file; 0 when there is none (a new directory).
std::uint32_t identity_of(const std::string& data_dir);

}  // namespace lazaret::storage

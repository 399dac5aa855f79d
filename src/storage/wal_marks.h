// Marks: what we write into every batch, so that a log that RocksDB cuts short is found out.
//
// RocksDB's point-in-time recovery ends at the first damaged record and calls that a success: everything behind it,
// though synced and confirmed, would be gone without a word. So each batch carries a blob that says which commit it is
// and which one was known to be synced when it was written. Before the database is opened, the marks are looked for in
// the raw WAL files; if any names a synced commit later than the one that was recovered, the start is refused.
//
// It says as well how long RocksDB's catalog (the manifest) was, as far as it was synced: RocksDB takes a manifest that
// was cut off for one that ends there, and deletes the tables that the rest has named.
//
//   ├ "LZTMARK2" ┼ commit u64 ┼ synced u64 ┼ manifest u64 ┼ its bytes u64 ┼ CRC-32C u32 ┤
//
// The checksum is of what precedes it, seeded with the database's identity. "LZTMARK1", of format 1, is without the
// manifest.
//
// The identity (RocksDB's IDENTITY file) is nobody's but the directory's: a message whose body looks like a mark is not
// taken for one. A mark that is cut by the edge of a WAL block is overlooked; its neighbours say the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace lazaret::storage {

/// A manifest, and so much of it as is certain to be on the disk.
struct SyncedManifest {
  std::uint64_t number = 0;  // 0: none is known
  std::uint64_t bytes = 0;
};

std::string encode_mark(std::uint64_t commit, std::uint64_t synced, const SyncedManifest& manifest,
                        std::uint32_t identity);

struct HighestMark {
  std::uint64_t synced = 0;  // the latest commit that is known to have been synced
  std::string file;          // where that is said
  SyncedManifest manifest;   // the longest of the newest that any mark names
};
/// Looks through the WAL files of the directory.
HighestMark find_marks(const std::string& data_dir, std::uint32_t identity);
/// The seed: a checksum of the directory's IDENTITY file; 0 when there is none (a new directory).
std::uint32_t identity_of(const std::string& data_dir);

}  // namespace lazaret::storage

// Opens a data directory. Behind it stands RocksDB; nobody outside this room knows.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/status.h"
#include "model/limits.h"
#include "model/store.h"

namespace rocksdb {
class Env;
}

namespace lazaret::storage {

struct StoreOptions {
  std::string data_dir;
  /// Shards of a new directory. With `shards_given`, a directory with another number is refused.
  std::uint16_t shards = 2;
  bool shards_given = false;
  /// All memtables together; bounds the WAL that a start has to read.
  std::uint64_t memtable_bytes = 64u << 20;
  std::uint64_t block_cache_bytes = 32u << 20;
  /// What is looked for in bodies that are compressed is looked for in so much of them at most, as what a body may be
  /// that is not: those that would have more when they are opened are looked at as they are stored.
  std::size_t max_message_bytes = model::limits::kMessageBytesDefault;
  /// Open although synced writes are missing (STORAGE_DAMAGED otherwise).
  bool accept_loss = false;
  /// For looking at the directory of a stopped broker: nothing is written, commit is refused.
  bool read_only = false;
  /// Where files live; nullptr for the machine's file system. For tests that lose power.
  rocksdb::Env* env = nullptr;
};

/// The store, or DIRECTORY_LOCKED, FORMAT_TOO_NEW, STORAGE_DAMAGED (which file, how much), STORAGE_FAILED.
/// Afterwards the directory has its format record, and `recover` gives as many shards as it has.
base::Result<std::unique_ptr<model::Store>> open_store(const StoreOptions& options);

}  // namespace lazaret::storage

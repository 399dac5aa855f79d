// Backups: copies of a store, beside each other in one directory, made while the broker runs, by RocksDB's backup
// engine.
//
//   DIRECTORY/
//     meta/N                what belongs to backup N, with a checksum for each file; it comes last
//     private/N/            its catalog
//     shared_checksum/      tables and blobs, each once, however many backups have it
//     LOCK                  held while one is made
//
// A backup has tables and blobs and no write-ahead log: it begins with a flush of all families together, so the tables
// have all that was committed before. What is in the log is newer, its space is written over (wal_recycler.h), and its
// marks speak of a manifest that goes on.
#pragma once

#include <rocksdb/db.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/backup.h"
#include "model/store.h"

namespace lazaret::storage {

/// Bytes done so far. False ends it with CANCELLED.
using BackupProgress = std::function<bool(std::uint64_t)>;

/// The file system that a directory is on: what is free for us, and what there is.
struct DiskSpace {
  std::uint64_t free_bytes = 0;
  std::uint64_t total_bytes = 0;
};
/// Nothing when it cannot be said.
std::optional<DiskSpace> look_at_disk(const std::string& directory);
using LookAtDisk = std::function<std::optional<DiskSpace>(const std::string& directory)>;

/// As model::Store says. `look` is asked for the store's disk and for that of the backups, again and again.
base::Result<std::vector<model::BackupRecord>> list_backups(const std::string& directory);
base::Result<model::BackupRecord> back_up(rocksdb::DB& db, const model::BackupPlan& plan,
                                          const BackupProgress& progress, const LookAtDisk& look = look_at_disk);

struct VerifiedBackup {
  model::BackupRecord backup;
  model::CheckReport report;
};
/// Reads all files of a backup for their checksums, then all that is in it as the integrity check does. Writes nothing.
/// `number`: 0 is the newest. NOT_FOUND, STORAGE_DAMAGED, FORMAT_TOO_NEW, CANCELLED; findings are in the report.
base::Result<VerifiedBackup> verify_backup(const std::string& directory, std::uint64_t number,
                                           const BackupProgress& progress);

/// Makes `data_dir` what the store was. It must be missing or empty (NOT_EMPTY). All files of the backup are read for
/// their checksums before one is copied. When this returns OK, all of it is on the disk, private (0600, and 0700 where
/// it was missing); when it fails, nothing is left of it. What a kill left in the middle, from its beginning on, is
/// refused by a start (restored_directory.h).
///
/// The epoch of all shards goes on by a leap that is drawn: the broker that was copied has gone on, and no token or
/// session that it has given since may be taken for one of this broker's.
base::Result<model::BackupRecord> restore_backup(const std::string& directory, std::uint64_t number,
                                                 const std::string& data_dir);

}  // namespace lazaret::storage

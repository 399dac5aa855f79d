// WalRecycler: a file system for RocksDB whose write-ahead logs are written over old ones (wal_file.h says why). All
// other files go by.
//
//   deleted log ─▶ spare-N.wal ─▶ new log
//
// A directory without a spare gets a small one before it is opened, so that a quiet broker has the fast sync from its
// first commit. What a log needs beyond its spare is appended, as it would be without one.
//
// Logs are also read while they are written: RocksDB lists them, and reads the first record of each, for whoever copies
// a database (backup.h). Recovery ends at what an older log left; a list would fail there. So a log of this run ends
// where it was written to when it was opened.
//
// It also knows how much of the manifest is synced, for the marks (wal_marks.h).
//
// Threading: any thread, like every file system.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "storage/wal_marks.h"

namespace lazaret::storage {

/// As RocksDB calls it.
std::string manifest_name(std::uint64_t number);

class WalRecycler final : public rocksdb::FileSystemWrapper {
 public:
  /// Spares stand in `folder`. `read_only`: nothing is written, and none is made.
  WalRecycler(std::shared_ptr<rocksdb::FileSystem> target, std::string folder, bool read_only);
  const char* Name() const override { return "WalRecycler"; }

  /// Finds the spares that an earlier run left; without any, makes one of `bytes` zeros. What cannot be made is not
  /// missed: logs are then appended to.
  void prepare(std::uint64_t bytes);

  /// The manifest that is being written, as far as it is synced.
  SyncedManifest synced_manifest() const;

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewSequentialFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSSequentialFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  /// How many bytes RocksDB has written to a log.
  using LogLength = std::shared_ptr<std::atomic<std::uint64_t>>;

  rocksdb::IOStatus new_other_file(const std::string& path, const rocksdb::FileOptions& options,
                                   std::unique_ptr<rocksdb::FSWritableFile>* file, rocksdb::IODebugContext* debug);
  rocksdb::IOStatus new_log(const std::string& path, std::uint64_t number, const LogLength& written,
                            const rocksdb::FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* file,
                            rocksdb::IODebugContext* debug);
  LogLength begin_log(std::uint64_t number);
  void forget_log(std::uint64_t number);
  /// As far as RocksDB has written it by now; of an earlier run, kEndOfFile.
  std::uint64_t end_of_log(std::uint64_t number);
  /// "" when there is none.
  std::string take_spare();
  bool keep_as_spare(const std::string& path);
  bool has_space_for(std::uint64_t bytes);
  std::string spare_path(std::uint64_t number) const;
  rocksdb::IOStatus write_zeros(const std::string& path, std::uint64_t bytes);

  class ManifestWriter;

  const std::string folder_;
  const bool read_only_;
  mutable std::mutex manifest_mutex_;
  SyncedManifest manifest_;  // GUARDED_BY(manifest_mutex_)
  std::mutex mutex_;
  std::vector<std::string> spares_;  // GUARDED_BY(mutex_)
  std::uint64_t last_spare_ = 0;     // GUARDED_BY(mutex_)
  /// Those that were begun in this run and are not deleted.
  std::map<std::uint64_t, LogLength> logs_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::storage

// FaultyFiles: a file system for RocksDB that tells a DiskModel what happens, fails on demand, and says where a commit
// stands on its way to the disk.
//
// Threading: any thread, like every file system.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "faults/disk_model.h"

namespace lazaret::faults {

/// What a file is for, by its name.
enum class FileKind { wal, spare, table, manifest, other };
FileKind kind_of(const std::string& path);

enum class Operation { create, append, sync, rename, remove };

class FaultyFiles : public rocksdb::FileSystemWrapper {
 public:
  /// Files below `folder` are looked at; the rest goes by.
  explicit FaultyFiles(std::string folder);
  const char* Name() const override { return "FaultyFiles"; }

  /// An error in place of the operation, or OK to let it happen. Before the tests' threads start only.
  using Fault = std::function<rocksdb::IOStatus(Operation, FileKind)>;
  void set_fault(Fault fault) { fault_ = std::move(fault); }
  /// Called when an operation is done, outside all locks. Before the tests' threads start only.
  using Watch = std::function<void(Operation, FileKind)>;
  void set_watch(Watch watch) { watch_ = std::move(watch); }
  /// Says OK to every sync of this kind of file, and does nothing: a disk that lies.
  void lie_about(FileKind kind) { lied_about_ = kind; }

  DiskModel& disk() { return disk_; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& path, const std::string& old_path,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus Truncate(const std::string& path, std::size_t size, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug) override;

  // --- For the files that it hands out
  rocksdb::IOStatus fault(Operation operation, const std::string& path);
  void done(Operation operation, const std::string& path);
  bool lies_about(const std::string& path) const { return lied_about_ && *lied_about_ == kind_of(path); }

 private:
  bool is_ours(const std::string& path) const { return path.starts_with(folder_); }

  const std::string folder_;
  DiskModel disk_;
  Fault fault_;
  Watch watch_;
  std::optional<FileKind> lied_about_;
};

}  // namespace lazaret::faults

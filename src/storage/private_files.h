// PrivateFiles: a file system whose new files and directories are their owner's alone (0600, 0700), whatever the umask:
// a backup is as secret as the messages in it, and often lies where others pass.
//
// Threading: any thread, like every file system.
#pragma once

#include <rocksdb/file_system.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

namespace lazaret::storage {

class PrivateFiles final : public rocksdb::FileSystemWrapper {
 public:
  /// `target`: of this machine.
  explicit PrivateFiles(std::shared_ptr<rocksdb::FileSystem> target);
  const char* Name() const override { return "PrivateFiles"; }

  rocksdb::IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  /// To all files that were opened through it.
  std::uint64_t written_bytes() const { return *written_; }
  rocksdb::IOStatus CreateDir(const std::string& path, const rocksdb::IOOptions& options,
                              rocksdb::IODebugContext* debug) override;
  /// One that is there stays as it is: somebody has decided who may see it.
  rocksdb::IOStatus CreateDirIfMissing(const std::string& path, const rocksdb::IOOptions& options,
                                       rocksdb::IODebugContext* debug) override;

 private:
  const std::shared_ptr<std::atomic<std::uint64_t>> written_ = std::make_shared<std::atomic<std::uint64_t>>(0);
};

}  // namespace lazaret::storage

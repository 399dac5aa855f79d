#include "storage/private_files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <utility>

namespace lazaret::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

constexpr mode_t kFileMode = 0600;
constexpr mode_t kDirectoryMode = 0700;

IOStatus failed(const std::string& path, int error) {
  const std::string text = path + ": " + std::strerror(error);
  return error == ENOSPC ? IOStatus::NoSpace(text) : IOStatus::IOError(text);
}

/// Counts what is written to it.
class CountedFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  CountedFile(std::unique_ptr<rocksdb::FSWritableFile> target, std::shared_ptr<std::atomic<std::uint64_t>> written)
      : FSWritableFileOwnerWrapper(std::move(target)), written_(std::move(written)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return counted(data, FSWritableFileOwnerWrapper::Append(data, options, debug));
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& verification, IODebugContext* debug) override {
    return counted(data, FSWritableFileOwnerWrapper::Append(data, options, verification, debug));
  }

 private:
  IOStatus counted(const rocksdb::Slice& data, IOStatus status) {
    if (status.ok()) *written_ += data.size();
    return status;
  }

  const std::shared_ptr<std::atomic<std::uint64_t>> written_;
};

}  // namespace

PrivateFiles::PrivateFiles(std::shared_ptr<rocksdb::FileSystem> target) : FileSystemWrapper(std::move(target)) {}

IOStatus PrivateFiles::NewWritableFile(const std::string& path, const FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  // It is there, empty and private, before anything is written to it.
  const int made = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kFileMode);
  if (made < 0) return failed(path, errno);
  const int error = ::fchmod(made, kFileMode) == 0 ? 0 : errno;
  ::close(made);
  if (error != 0) return failed(path, error);
  std::unique_ptr<rocksdb::FSWritableFile> opened;
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &opened, debug);
  if (status.ok()) *file = std::make_unique<CountedFile>(std::move(opened), written_);
  return status;
}

IOStatus PrivateFiles::CreateDir(const std::string& path, const IOOptions&, IODebugContext*) {
  // The umask can only take away.
  return ::mkdir(path.c_str(), kDirectoryMode) == 0 ? IOStatus::OK() : failed(path, errno);
}

IOStatus PrivateFiles::CreateDirIfMissing(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0 && S_ISDIR(there.st_mode)) return IOStatus::OK();
  return CreateDir(path, options, debug);
}

}  // namespace lazaret::storage

#include "faults/faulty_files.h"

#include <utility>

namespace lazaret::faults {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

class File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultyFiles& files, std::string path, std::unique_ptr<rocksdb::FSWritableFile> inner, std::uint64_t size)
      : FSWritableFileOwnerWrapper(std::move(inner)), files_(files), path_(std::move(path)), size_(size) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    return append(data, [&] { return FSWritableFileOwnerWrapper::Append(data, options, debug); });
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    return append(data, [&] { return FSWritableFileOwnerWrapper::Append(data, options, info, debug); });
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const auto held = files_.disk().lock();
    const IOStatus status = FSWritableFileOwnerWrapper::Truncate(size, options, debug);
    if (status.ok()) {
      size_ = size;
      files_.disk().resized(path_, size);
    }
    return status;
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return sync([&] { return FSWritableFileOwnerWrapper::Sync(options, debug); });
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return sync([&] { return FSWritableFileOwnerWrapper::Fsync(options, debug); });
  }

 private:
  template <class Write>
  IOStatus append(const Slice& data, Write write) {
    if (IOStatus status = files_.fault(Operation::append, path_); !status.ok()) return status;
    {
      const auto held = files_.disk().lock();
      if (IOStatus status = write(); !status.ok()) return status;
      size_ += data.size();
    }
    files_.done(Operation::append, path_);
    return IOStatus::OK();
  }
  template <class Write>
  IOStatus sync(Write write) {
    if (IOStatus status = files_.fault(Operation::sync, path_); !status.ok()) return status;
    if (files_.lies_about(path_)) return IOStatus::OK();
    {
      // The image has the whole sync, or nothing of it.
      const auto held = files_.disk().lock();
      if (IOStatus status = write(); !status.ok()) return status;
      files_.disk().synced(path_, size_);
    }
    files_.done(Operation::sync, path_);
    return IOStatus::OK();
  }

  FaultyFiles& files_;
  const std::string path_;
  std::uint64_t size_;
};

class Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultyFiles& files, std::unique_ptr<rocksdb::FSDirectory> inner)
      : FSDirectoryWrapper(std::move(inner)), files_(files) {}

  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return sync([&] { return FSDirectoryWrapper::Fsync(options, debug); });
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& what) override {
    return sync([&] { return FSDirectoryWrapper::FsyncWithDirOptions(options, debug, what); });
  }

 private:
  template <class Write>
  IOStatus sync(Write write) {
    const auto held = files_.disk().lock();
    IOStatus status = write();
    if (status.ok()) files_.disk().directory_synced();
    return status;
  }

  FaultyFiles& files_;
};

}  // namespace

FileKind kind_of(const std::string& path) {
  if (path.ends_with(".log")) return FileKind::wal;
  if (path.ends_with(".wal")) return FileKind::spare;
  if (path.ends_with(".sst") || path.ends_with(".blob")) return FileKind::table;
  return path.find("MANIFEST") == std::string::npos ? FileKind::other : FileKind::manifest;
}

FaultyFiles::FaultyFiles(std::string folder)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), folder_(std::move(folder)), disk_(folder_) {}

IOStatus FaultyFiles::fault(Operation operation, const std::string& path) {
  return fault_ ? fault_(operation, kind_of(path)) : IOStatus::OK();
}
void FaultyFiles::done(Operation operation, const std::string& path) {
  if (watch_) watch_(operation, kind_of(path));
}

IOStatus FaultyFiles::NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (!is_ours(path)) return FileSystemWrapper::NewWritableFile(path, options, file, debug);
  if (IOStatus status = fault(Operation::create, path); !status.ok()) return status;
  {
    const auto held = disk_.lock();
    std::unique_ptr<rocksdb::FSWritableFile> inner;
    if (IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &inner, debug); !status.ok()) return status;
    disk_.created(path);
    *file = std::make_unique<File>(*this, path, std::move(inner), 0);
  }
  done(Operation::create, path);
  return IOStatus::OK();
}

IOStatus FaultyFiles::ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                                         std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (!is_ours(path)) return FileSystemWrapper::ReopenWritableFile(path, options, file, debug);
  return IOStatus::NotSupported("reopening " + path);
}
IOStatus FaultyFiles::ReuseWritableFile(const std::string& path, const std::string& old_path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  if (!is_ours(path)) return FileSystemWrapper::ReuseWritableFile(path, old_path, options, file, debug);
  if (IOStatus status = fault(Operation::create, path); !status.ok()) return status;
  {
    const auto held = disk_.lock();
    disk_.renaming(old_path, path);
    std::unique_ptr<rocksdb::FSWritableFile> inner;
    IOStatus status = FileSystemWrapper::ReuseWritableFile(path, old_path, options, &inner, debug);
    if (!status.ok()) return status;
    disk_.reused(path);
    *file = std::make_unique<File>(*this, path, std::move(inner), 0);
  }
  done(Operation::create, path);
  return IOStatus::OK();
}

IOStatus FaultyFiles::NewDirectory(const std::string& path, const IOOptions& options,
                                   std::unique_ptr<rocksdb::FSDirectory>* directory, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> inner;
  if (IOStatus status = FileSystemWrapper::NewDirectory(path, options, &inner, debug); !status.ok()) return status;
  if (is_ours(path)) {
    *directory = std::make_unique<Directory>(*this, std::move(inner));
  } else {
    *directory = std::move(inner);
  }
  return IOStatus::OK();
}

IOStatus FaultyFiles::RenameFile(const std::string& from, const std::string& to, const IOOptions& options,
                                 IODebugContext* debug) {
  if (!is_ours(from)) return FileSystemWrapper::RenameFile(from, to, options, debug);
  if (IOStatus status = fault(Operation::rename, to); !status.ok()) return status;
  {
    const auto held = disk_.lock();
    disk_.renaming(from, to);
    if (IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug); !status.ok()) return status;
  }
  done(Operation::rename, to);
  return IOStatus::OK();
}

IOStatus FaultyFiles::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  if (!is_ours(path)) return FileSystemWrapper::DeleteFile(path, options, debug);
  if (IOStatus status = fault(Operation::remove, path); !status.ok()) return status;
  {
    const auto held = disk_.lock();
    disk_.deleting(path);
    if (IOStatus status = FileSystemWrapper::DeleteFile(path, options, debug); !status.ok()) return status;
  }
  done(Operation::remove, path);
  return IOStatus::OK();
}

IOStatus FaultyFiles::Truncate(const std::string& path, std::size_t size, const IOOptions& options,
                               IODebugContext* debug) {
  const auto held = disk_.lock();
  IOStatus status = FileSystemWrapper::Truncate(path, size, options, debug);
  if (status.ok() && is_ours(path)) disk_.resized(path, size);
  return status;
}

}  // namespace lazaret::faults

#include "storage/wal_recycler.h"

#include <algorithm>
#include <charconv>
#include <limits>
#include <optional>
#include <utility>

#include "storage/wal_file.h"

namespace lazaret::storage {
namespace {

using rocksdb::FileOptions;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

constexpr std::string_view kSparePrefix = "spare-";
constexpr std::string_view kSpareEnding = ".wal";
/// One for the next log while the last one is still needed, and one more.
constexpr std::size_t kSpares = 2;
/// A file is kept only on a disk with so many times its size free: a spare must never be what is missing.
constexpr std::uint64_t kSpaceTimes = 16;
constexpr std::uint64_t kSmallestSpare = 64u << 10;

/// A file grows page by page: the kernel keeps what was written at once in one piece, and what is written over a part
/// of such a piece later dirties all of it.
constexpr std::uint64_t kPageBytes = 4096;

/// Of a log of an earlier run it is not known where it ends; its checksums say so.
constexpr std::uint64_t kEndOfFile = std::numeric_limits<std::uint64_t>::max();

/// RocksDB's log behind a head, with its checksums turned.
class WalWriter final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  /// `there`: so many bytes the file has already. `written`: so many RocksDB's log has, which this one counts.
  WalWriter(std::unique_ptr<rocksdb::FSWritableFile> target, std::uint64_t log_number, std::uint64_t there,
            std::shared_ptr<std::atomic<std::uint64_t>> written)
      : FSWritableFileOwnerWrapper(std::move(target)),
        checksums_(log_number),
        there_(there),
        written_(std::move(written)) {}

  IOStatus write_head(std::uint64_t log_number) {
    return FSWritableFileOwnerWrapper::Append(encode_wal_head(log_number), IOOptions(), nullptr);
  }

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    encoded_.assign(data.data(), data.size());
    checksums_.turn(encoded_);
    std::string_view left(encoded_);
    std::uint64_t at = kWalHeadBytes + *written_;
    IOStatus status;
    while (status.ok() && !left.empty()) {
      const std::uint64_t most = at < there_ ? there_ - at : kPageBytes - at % kPageBytes;
      const std::string_view part = left.substr(0, most);
      status = FSWritableFileOwnerWrapper::Append(Slice(part.data(), part.size()), options, debug);
      left.remove_prefix(part.size());
      at += part.size();
    }
    if (status.ok()) *written_ += data.size();
    return status;
  }
  /// The checksum is of what RocksDB gave us, not of what we write; nothing below asks for one.
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Truncate(std::uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    if (size != *written_) return IOStatus::NotSupported("a write-ahead log only grows");
    return FSWritableFileOwnerWrapper::Truncate(size + kWalHeadBytes, options, debug);
  }
  std::uint64_t GetFileSize(const IOOptions&, IODebugContext*) override { return *written_; }
  IOStatus RangeSync(std::uint64_t offset, std::uint64_t bytes, const IOOptions& options,
                     IODebugContext* debug) override {
    return FSWritableFileOwnerWrapper::RangeSync(offset + kWalHeadBytes, bytes, options, debug);
  }
  IOStatus InvalidateCache(std::size_t offset, std::size_t length) override {
    return FSWritableFileOwnerWrapper::InvalidateCache(offset + kWalHeadBytes, length);
  }
  // The blocks are there. With any that were allocated beforehand the file would be cut to what was written when it is
  // closed, and the next log would have to grow again.
  void PrepareWrite(std::size_t, std::size_t, const IOOptions&, IODebugContext*) override {}
  void SetPreallocationBlockSize(std::size_t) override {}
  IOStatus Allocate(std::uint64_t, std::uint64_t, const IOOptions&, IODebugContext*) override { return IOStatus::OK(); }

 private:
  WalChecksums checksums_;
  const std::uint64_t there_;
  const std::shared_ptr<std::atomic<std::uint64_t>> written_;
  std::string encoded_;
};

/// The same, read from its beginning to its end.
class WalReader final : public rocksdb::FSSequentialFileOwnerWrapper {
 public:
  /// `end`: of RocksDB's log, or kEndOfFile. It stays where it is while more is written: the file below reads ahead,
  /// and would have old bytes for what comes.
  WalReader(std::unique_ptr<rocksdb::FSSequentialFile> target, std::uint64_t log_number, std::uint64_t end)
      : FSSequentialFileOwnerWrapper(std::move(target)), checksums_(log_number), left_(end) {}

  IOStatus Read(std::size_t bytes, const IOOptions& options, Slice* result, char* scratch,
                IODebugContext* debug) override {
    const std::size_t most = std::min<std::uint64_t>(bytes, left_);
    const IOStatus status = FSSequentialFileOwnerWrapper::Read(most, options, result, scratch, debug);
    if (!status.ok()) return status;
    left_ -= result->size();
    if (result->data() != scratch) std::copy_n(result->data(), result->size(), scratch);
    checksums_.turn({scratch, result->size()});
    *result = Slice(scratch, result->size());
    return status;
  }
  IOStatus Skip(std::uint64_t) override { return unsupported(); }
  IOStatus PositionedRead(std::uint64_t, std::size_t, const IOOptions&, Slice*, char*, IODebugContext*) override {
    return unsupported();
  }
  IOStatus InvalidateCache(std::size_t offset, std::size_t length) override {
    return FSSequentialFileOwnerWrapper::InvalidateCache(offset + kWalHeadBytes, length);
  }

 private:
  static IOStatus unsupported() { return IOStatus::NotSupported("a write-ahead log is read from its beginning"); }

  WalChecksums checksums_;
  std::uint64_t left_;
};

/// A log that got its name and nothing else yet: of an earlier run, one whose head is not its own.
class NothingToRead final : public rocksdb::FSSequentialFile {
 public:
  IOStatus Read(std::size_t, const IOOptions&, Slice* result, char*, IODebugContext*) override {
    *result = Slice();
    return IOStatus::OK();
  }
  IOStatus Skip(std::uint64_t) override { return IOStatus::OK(); }
};

}  // namespace

class WalRecycler::ManifestWriter final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  ManifestWriter(std::unique_ptr<rocksdb::FSWritableFile> target, WalRecycler& files, std::uint64_t number)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files), number_(number) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    bytes_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, debug);
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo& info,
                  IODebugContext* debug) override {
    bytes_ += data.size();
    return FSWritableFileOwnerWrapper::Append(data, options, info, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return synced(FSWritableFileOwnerWrapper::Sync(options, debug));
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return synced(FSWritableFileOwnerWrapper::Fsync(options, debug));
  }

 private:
  IOStatus synced(IOStatus status) {
    if (!status.ok()) return status;
    const std::lock_guard lock(files_.manifest_mutex_);
    files_.manifest_ = {number_, bytes_};
    return status;
  }

  WalRecycler& files_;
  const std::uint64_t number_;
  std::uint64_t bytes_ = 0;
};

std::string manifest_name(std::uint64_t number) {
  constexpr std::size_t kDigits = 6;
  const std::string digits = std::to_string(number);
  return "MANIFEST-" + std::string(kDigits - std::min(kDigits, digits.size()), '0') + digits;
}

SyncedManifest WalRecycler::synced_manifest() const {
  const std::lock_guard lock(manifest_mutex_);
  return manifest_;
}

WalRecycler::WalRecycler(std::shared_ptr<rocksdb::FileSystem> target, std::string folder, bool read_only)
    : FileSystemWrapper(std::move(target)), folder_(std::move(folder)), read_only_(read_only) {}

void WalRecycler::prepare(std::uint64_t bytes) {
  if (read_only_) return;
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  GetChildren(folder_, IOOptions(), &names, nullptr).PermitUncheckedError();
  for (const std::string& name : names) {
    if (!name.starts_with(kSparePrefix) || !name.ends_with(kSpareEnding)) continue;
    const std::string path = folder_ + "/" + name;
    std::from_chars(name.data() + kSparePrefix.size(), name.data() + name.size(), last_spare_);
    if (spares_.size() < kSpares) {
      spares_.push_back(path);
    } else {
      FileSystemWrapper::DeleteFile(path, IOOptions(), nullptr).PermitUncheckedError();
    }
  }
  if (!spares_.empty() || !has_space_for(bytes)) return;
  const std::string path = spare_path(++last_spare_);
  if (write_zeros(path, bytes).ok()) {
    spares_.push_back(path);
  } else {
    FileSystemWrapper::DeleteFile(path, IOOptions(), nullptr).PermitUncheckedError();
  }
}

IOStatus WalRecycler::write_zeros(const std::string& path, std::uint64_t bytes) {
  std::unique_ptr<rocksdb::FSWritableFile> file;
  IOStatus status = FileSystemWrapper::NewWritableFile(path, FileOptions(), &file, nullptr);
  const std::string zeros(kPageBytes, '\0');
  for (std::uint64_t at = 0; status.ok() && at < bytes; at += zeros.size()) {
    status = file->Append(zeros, IOOptions(), nullptr);
  }
  if (status.ok()) status = file->Sync(IOOptions(), nullptr);
  if (status.ok()) status = file->Close(IOOptions(), nullptr);
  return status;
}

std::string WalRecycler::spare_path(std::uint64_t number) const {
  return folder_ + "/" + std::string(kSparePrefix) + std::to_string(number) + std::string(kSpareEnding);
}

bool WalRecycler::has_space_for(std::uint64_t bytes) {
  std::uint64_t free = 0;
  const bool known = GetFreeSpace(folder_, IOOptions(), &free, nullptr).ok();
  return known && free / kSpaceTimes >= bytes;
}

std::string WalRecycler::take_spare() {
  const std::lock_guard lock(mutex_);
  if (spares_.empty()) return "";
  std::string path = std::move(spares_.back());
  spares_.pop_back();
  return path;
}

IOStatus WalRecycler::NewWritableFile(const std::string& path, const FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  const auto number = log_number_of(path);
  if (!number) return new_other_file(path, options, file, debug);
  // Before it has its name: whoever lists logs reads it from then on.
  const auto written = begin_log(*number);
  IOStatus status = new_log(path, *number, written, options, file, debug);
  if (!status.ok()) forget_log(*number);
  return status;
}

IOStatus WalRecycler::new_log(const std::string& path, std::uint64_t number, const LogLength& written,
                              const FileOptions& options, std::unique_ptr<rocksdb::FSWritableFile>* file,
                              IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> target;
  std::uint64_t there = 0;
  const std::string spare = take_spare();
  IOStatus status = spare.empty() ? IOStatus::NotFound() : GetFileSize(spare, IOOptions(), &there, debug);
  if (status.ok()) status = ReuseWritableFile(path, spare, options, &target, debug);
  if (!status.ok()) {
    there = 0;
    status = FileSystemWrapper::NewWritableFile(path, options, &target, debug);
  }
  if (!status.ok()) return status;
  auto writer = std::make_unique<WalWriter>(std::move(target), number, there, written);
  status = writer->write_head(number);
  if (status.ok()) *file = std::move(writer);
  return status;
}

WalRecycler::LogLength WalRecycler::begin_log(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  return logs_[number] = std::make_shared<std::atomic<std::uint64_t>>(0);
}

void WalRecycler::forget_log(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  logs_.erase(number);
}

std::uint64_t WalRecycler::end_of_log(std::uint64_t number) {
  const std::lock_guard lock(mutex_);
  const auto log = logs_.find(number);
  return log == logs_.end() ? kEndOfFile : log->second->load();
}

IOStatus WalRecycler::new_other_file(const std::string& path, const FileOptions& options,
                                     std::unique_ptr<rocksdb::FSWritableFile>* file, IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSWritableFile> target;
  const IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &target, debug);
  if (!status.ok()) return status;
  const auto manifest = manifest_number_of(path);
  if (manifest) {
    *file = std::make_unique<ManifestWriter>(std::move(target), *this, *manifest);
  } else {
    *file = std::move(target);
  }
  return status;
}

IOStatus WalRecycler::NewSequentialFile(const std::string& path, const FileOptions& options,
                                        std::unique_ptr<rocksdb::FSSequentialFile>* file, IODebugContext* debug) {
  const auto number = log_number_of(path);
  if (!number) return FileSystemWrapper::NewSequentialFile(path, options, file, debug);
  std::unique_ptr<rocksdb::FSSequentialFile> target;
  IOStatus status = FileSystemWrapper::NewSequentialFile(path, options, &target, debug);
  if (!status.ok()) return status;
  const std::uint64_t end = end_of_log(*number);
  if (end == 0) {  // and it may have no head yet
    *file = std::make_unique<NothingToRead>();
    return status;
  }
  std::string scratch(kWalHeadBytes, '\0');
  Slice head;
  status = target->Read(scratch.size(), IOOptions(), &head, scratch.data(), debug);
  if (!status.ok()) return status;
  const auto written = wal_head_number({head.data(), head.size()});
  // Without a head: read from its beginning.
  if (!written) return FileSystemWrapper::NewSequentialFile(path, options, file, debug);
  if (*written == *number) {
    *file = std::make_unique<WalReader>(std::move(target), *number, end);
  } else {
    *file = std::make_unique<NothingToRead>();
  }
  return status;
}

IOStatus WalRecycler::DeleteFile(const std::string& path, const IOOptions& options, IODebugContext* debug) {
  const auto number = log_number_of(path);
  const bool kept = number && keep_as_spare(path);
  const IOStatus status = kept ? IOStatus::OK() : FileSystemWrapper::DeleteFile(path, options, debug);
  if (number && status.ok()) forget_log(*number);
  return status;
}

bool WalRecycler::keep_as_spare(const std::string& path) {
  if (read_only_) return false;
  std::uint64_t bytes = 0;
  if (!GetFileSize(path, IOOptions(), &bytes, nullptr).ok() || bytes < kSmallestSpare) return false;
  const std::lock_guard lock(mutex_);
  if (spares_.size() >= kSpares || !has_space_for(bytes)) return false;
  const std::string spare = spare_path(++last_spare_);
  if (!RenameFile(path, spare, IOOptions(), nullptr).ok()) return false;
  spares_.push_back(spare);
  return true;
}

}  // namespace lazaret::storage

#include "storage/restored_directory.h"

#include <fcntl.h>
#include <rocksdb/env.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <random>
#include <vector>

#include "storage/database.h"
#include "storage/directory_path.h"
#include "storage/private_files.h"
#include "storage/records.h"

namespace lazaret::storage {
namespace {

namespace fs = std::filesystem;
using base::Code;
using base::Status;

/// An epoch has 24 bits in a grant (model::Grant).
constexpr std::uint32_t kEpochs = 1u << 24;
/// The broker that was copied may have been restarted so often since, and a backup may be restored more than once.
constexpr std::uint32_t kLeastLeap = 1000, kMostLeap = 65'000;

Status failed(const std::string& doing, const fs::path& path, int error) {
  const std::string text = doing + " " + path.string() + ": " + std::strerror(error);
  return {error == ENOSPC ? Code::RESOURCE_EXHAUSTED : Code::STORAGE_FAILED, text};
}

/// A new file system has it, and it is nobody's.
bool is_nothing(const fs::path& entry) { return entry.filename() == "lost+found"; }

Status make(const fs::path& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  return failed("creating", path, errno);
}

/// To the disk. `mode`: what it gets, 0 to keep its own, as a directory does that was there before.
Status sync(const fs::path& path, mode_t mode) {
  const int file = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return failed("opening", path, errno);
  int error = 0;
  if (mode != 0 && ::fchmod(file, mode) != 0) error = errno;
  if (error == 0 && ::fsync(file) != 0) error = errno;
  ::close(file);
  return error == 0 ? Status() : failed("syncing", path, error);
}

/// That a directory is there, to the disk. Who may make directories in one may not be allowed to read it, and cannot
/// sync it then.
Status sync_name(const fs::path& directory) {
  const fs::path parent = directory.parent_path();
  const int file = ::open(parent.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return errno == EACCES ? Status() : failed("opening", parent, errno);
  const int error = ::fsync(file) == 0 ? 0 : errno;
  ::close(file);
  return error == 0 ? Status() : failed("syncing", parent, error);
}

Status move(const fs::path& from, const fs::path& to) {
  return ::rename(from.c_str(), to.c_str()) == 0 ? Status() : failed("renaming", from, errno);
}

std::uint32_t leap_from(std::uint32_t epoch) {
  std::random_device device;
  const std::uint32_t leap = std::uniform_int_distribution(kLeastLeap, kMostLeap)(device);
  // Whoever has restored hundreds of times, each from a backup of the one before, leaps less.
  const std::uint32_t left = epoch < kEpochs ? kEpochs - epoch : 0;
  return std::min(leap, left / 2);
}

}  // namespace

RestoredDirectory::RestoredDirectory(const std::string& data_dir) : data_dir_(directory_path(data_dir)) {}

RestoredDirectory::~RestoredDirectory() {
  std::error_code ignored;
  for (const fs::path& file : moved_) fs::remove(file, ignored);
  if (begun_) fs::remove_all(inside(), ignored);
  for (auto made = made_.rbegin(); made != made_.rend(); ++made) fs::remove(*made, ignored);
}

Status RestoredDirectory::check_empty() const {
  std::error_code error;
  if (!fs::exists(data_dir_, error)) return {};
  if (!fs::is_directory(data_dir_, error)) return {Code::NOT_EMPTY, data_dir_ + " is no directory"};
  for (const auto& entry : fs::directory_iterator(data_dir_, error)) {
    if (is_nothing(entry.path())) continue;
    return {Code::NOT_EMPTY,
            data_dir_ + " is not empty: a backup is restored into a directory that is, or is not there"};
  }
  if (error) return {Code::STORAGE_FAILED, "reading " + data_dir_ + ": " + error.message()};
  return {};
}

Status RestoredDirectory::begin() {
  LZ_RETURN_IF_ERROR(check_empty());
  LZ_RETURN_IF_ERROR(make_directories());
  LZ_RETURN_IF_ERROR(make(inside(), 0700));
  begun_ = true;
  // So that a directory that a power loss leaves behind says what it is.
  return sync(data_dir_, made_.empty() ? 0 : 0700);
}

/// Those above it get what the umask leaves them.
Status RestoredDirectory::make_directories() {
  std::vector<fs::path> missing;
  std::error_code ignored;
  for (fs::path path = data_dir_; !fs::exists(path, ignored) && path.has_relative_path(); path = path.parent_path()) {
    missing.push_back(path);
  }
  for (auto path = missing.rbegin(); path != missing.rend(); ++path) {
    LZ_RETURN_IF_ERROR(make(*path, *path == data_dir_ ? 0700 : 0777));
    made_.push_back(*path);
  }
  return {};
}

Status RestoredDirectory::finish() {
  LZ_RETURN_IF_ERROR(leap_epochs());
  LZ_RETURN_IF_ERROR(move_files());
  moved_.clear();
  begun_ = false;
  made_.clear();
  return {};
}

Status RestoredDirectory::leap_epochs() {
  const auto env = rocksdb::NewCompositeEnv(std::make_shared<PrivateFiles>(rocksdb::FileSystem::Default()));
  StoreOptions options;
  options.data_dir = inside();
  options.env = env.get();
  const auto opened = Database::open(options);
  if (!opened.ok()) return opened.status();
  Database& database = **opened;
  const auto bytes = database.get(Family::catalog, keys::directory());
  if (!bytes.ok()) return bytes.status();
  DirectoryRecord directory;
  if (!*bytes || !decode(**bytes, directory)) return {Code::STORAGE_DAMAGED, "the record of the data directory"};

  rocksdb::WriteBatch batch;
  std::uint32_t leap = 0;
  for (std::uint16_t i = 0; i < directory.shards; ++i) {
    const std::string key = keys::shard_meta(model::ShardId(i));
    const auto stored = database.get(Family::state, key);
    if (!stored.ok()) return stored.status();
    if (!*stored) continue;  // it was copied before its first start was through
    model::ShardMeta meta;
    if (!decode(**stored, meta)) return {Code::STORAGE_DAMAGED, "the record of shard " + std::to_string(i)};
    if (leap == 0) leap = leap_from(meta.epoch);
    meta.epoch += leap;
    LZ_RETURN_IF_ERROR(status_of(batch.Put(database.family(Family::state), key, encode(meta)), "writing"));
  }
  LZ_RETURN_IF_ERROR(status_of(database.db().Write(rocksdb::WriteOptions(), &batch), "writing"));
  rocksdb::FlushOptions flush;
  flush.allow_write_stall = true;
  return status_of(database.db().Flush(flush, database.families()), "flushing");
}

/// The catalog's name comes last: until then there is no broker to start.
Status RestoredDirectory::move_files() {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(inside(), error)) files.push_back(entry.path());
  if (error) return {Code::STORAGE_FAILED, "reading " + inside() + ": " + error.message()};
  for (const fs::path& file : files) LZ_RETURN_IF_ERROR(sync(file, 0600));
  const auto move_up = [this](const fs::path& name) {
    moved_.push_back(data_dir_ / name);
    return move(inside() / name, moved_.back());
  };
  for (const fs::path& file : files) {
    if (file.filename() != "CURRENT") LZ_RETURN_IF_ERROR(move_up(file.filename()));
  }
  LZ_RETURN_IF_ERROR(sync(data_dir_, 0));
  LZ_RETURN_IF_ERROR(move_up("CURRENT"));
  fs::remove(inside(), error);
  LZ_RETURN_IF_ERROR(sync(data_dir_, 0));
  for (const fs::path& made : made_) LZ_RETURN_IF_ERROR(sync_name(made));
  return sync_name(data_dir_);
}

}  // namespace lazaret::storage

#include "storage/backup.h"

#include <rocksdb/env.h>
#include <rocksdb/utilities/backup_engine.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <memory>
#include <mutex>
#include <system_error>

#include "storage/database.h"
#include "storage/directory_path.h"
#include "storage/private_files.h"
#include "storage/restored_directory.h"
#include "storage/rocks_store.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Result;
using base::Status;
using model::BackupRecord;

/// How often a backup is looked at: its progress, and the space that it leaves.
constexpr std::uint64_t kLookEveryBytes = 256u << 10;
constexpr int kTries = 5;
constexpr std::string_view kMetadata = "lazaret 1\n";

Status status_of_backup(const rocksdb::Status& status, const std::string& doing) {
  if (status.ok()) return {};
  const std::string text = doing + ": " + status.ToString();
  if (status.IsIncomplete()) return {Code::CANCELLED, doing + " was ended before it was through"};
  if (status.IsNoSpace()) return {Code::RESOURCE_EXHAUSTED, text};
  if (status.IsNotFound()) return {Code::STORAGE_DAMAGED, text};  // of what a record names
  return status_of(status, doing);
}

std::string title(std::uint64_t number, const std::string& directory) {
  return "backup " + std::to_string(number) + " in " + directory;
}

/// What the backup engine keeps for us: the time, the version of the broker and the note, a line each.
std::string metadata_of(const model::BackupPlan& plan) {
  return std::string(kMetadata) + std::to_string(plan.created_at.us) + "\n" + plan.version + "\n" + plan.note;
}

BackupRecord record_of(const rocksdb::BackupInfo& info) {
  BackupRecord record;
  record.number = info.backup_id;
  record.created_at = base::Instant{info.timestamp * 1'000'000};
  record.bytes = info.size;
  record.files = info.number_files;
  std::string_view rest = info.app_metadata;
  if (!rest.starts_with(kMetadata)) return record;
  rest.remove_prefix(kMetadata.size());
  const auto line = [&rest] {
    const std::string_view one = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(rest.size(), one.size() + 1));
    return one;
  };
  const std::string_view time = line();
  std::from_chars(time.data(), time.data() + time.size(), record.created_at.us);
  record.version = line();
  record.note = rest;
  return record;
}

/// The backup engine on a directory, for reading.
class Shelf {
 public:
  static Result<std::unique_ptr<Shelf>> open(const std::string& directory) {
    auto shelf = std::make_unique<Shelf>();
    shelf->directory_ = directory_path(directory);
    rocksdb::BackupEngineOptions options(shelf->directory_);
    rocksdb::BackupEngineReadOnly* engine = nullptr;
    // Restored files are written through it.
    const rocksdb::Status status = rocksdb::BackupEngineReadOnly::Open(options, shelf->env_.get(), &engine);
    if (status.IsNotFound()) return Status(Code::NOT_FOUND, "there are no backups in " + shelf->directory_);
    if (!status.ok()) return status_of_backup(status, "opening the backups in " + shelf->directory_);
    shelf->engine_.reset(engine);
    return shelf;
  }

  rocksdb::BackupEngineReadOnly& engine() { return *engine_; }
  rocksdb::Env* env() { return env_.get(); }
  const std::string& directory() const { return directory_; }

  /// The newest first.
  std::vector<BackupRecord> list() const {
    std::vector<rocksdb::BackupInfo> whole;
    std::vector<rocksdb::BackupID> damaged;
    engine_->GetBackupInfo(&whole);
    engine_->GetCorruptedBackups(&damaged);
    std::vector<BackupRecord> records;
    for (const rocksdb::BackupInfo& info : whole) records.push_back(record_of(info));
    for (const rocksdb::BackupID number : damaged) {
      records.emplace_back();
      records.back().number = number;
      records.back().damaged = true;
    }
    std::sort(records.begin(), records.end(), [](const auto& a, const auto& b) { return a.number > b.number; });
    return records;
  }

  /// NOT_FOUND, or STORAGE_DAMAGED: a newest one that is damaged is not passed over for an older one.
  Result<rocksdb::BackupInfo> find(std::uint64_t number) const {
    for (const BackupRecord& record : list()) {
      if (number != 0 && record.number != number) continue;
      if (record.damaged) {
        return Status(Code::STORAGE_DAMAGED,
                      title(record.number, directory_) + ": its record is damaged, or a file of it is missing or cut");
      }
      rocksdb::BackupInfo info;
      const auto id = static_cast<rocksdb::BackupID>(record.number);
      LZ_RETURN_IF_ERROR(status_of_backup(engine_->GetBackupInfo(id, &info, true), title(id, directory_)));
      return info;
    }
    if (number == 0) return Status(Code::NOT_FOUND, "there are no backups in " + directory_);
    return Status(Code::NOT_FOUND, "there is no " + title(number, directory_));
  }

  /// Reads all files of a backup.
  Status check_files(rocksdb::BackupID number) const {
    return status_of_backup(engine_->VerifyBackup(number, true), title(number, directory_));
  }

 private:
  const std::unique_ptr<rocksdb::Env> env_ =
      rocksdb::NewCompositeEnv(std::make_shared<PrivateFiles>(rocksdb::FileSystem::Default()));
  std::unique_ptr<rocksdb::BackupEngineReadOnly> engine_;
  std::string directory_;
};

/// As a stopped broker's, where it lies.
Result<std::unique_ptr<model::Store>> open_backup(const rocksdb::BackupInfo& info) {
  return open_store({.data_dir = info.name_for_open, .read_only = true, .env = info.env_for_open.get()});
}

// --- Making one -----------------------------------------------------------------------------------------------------

Status make_directory(const std::string& directory) {
  std::error_code error;
  const std::filesystem::path path(directory);
  if (std::filesystem::is_directory(path, error)) return {};
  std::filesystem::create_directories(path.parent_path(), error);
  if (error) {
    return {error == std::errc::no_space_on_device ? Code::RESOURCE_EXHAUSTED : Code::STORAGE_FAILED,
            "creating " + path.parent_path().string() + ": " + error.message()};
  }
  PrivateFiles files(rocksdb::FileSystem::Default());
  return status_of_backup(files.CreateDirIfMissing(directory, rocksdb::IOOptions(), nullptr), "creating the directory");
}

/// One backup at a time is made in a directory, whoever makes it.
class DirectoryLock {
 public:
  Status take(const std::string& directory) {
    const std::string path = directory + "/LOCK";
    const rocksdb::Status status = env_->LockFile(path, &lock_);
    if (status.ok()) {
      std::error_code ignored;
      using std::filesystem::perms;
      std::filesystem::permissions(path, perms::owner_read | perms::owner_write, ignored);
      return {};
    }
    // Of this process, or of another one.
    const std::string text = status.ToString();
    const bool held = text.find("lock hold by") != std::string::npos || text.find("lock file") != std::string::npos;
    if (held) return {Code::IN_USE, "another backup is being made in " + directory};
    return {Code::STORAGE_FAILED, text};
  }
  ~DirectoryLock() {
    if (lock_ != nullptr) env_->UnlockFile(lock_).PermitUncheckedError();
  }
  DirectoryLock() = default;
  DirectoryLock(const DirectoryLock&) = delete;
  DirectoryLock& operator=(const DirectoryLock&) = delete;

 private:
  rocksdb::Env* const env_ = rocksdb::Env::Default();
  rocksdb::FileLock* lock_ = nullptr;
};

Status enough_space(const std::string& directory, const model::BackupPlan& plan, const LookAtDisk& look) {
  const std::optional<DiskSpace> disk = look(directory);
  if (!disk) return {};
  const double percent = static_cast<double>(disk->total_bytes) * plan.reserve_percent / 100;
  const std::uint64_t reserve = std::max(plan.reserve_bytes, static_cast<std::uint64_t>(percent));
  if (disk->free_bytes / 2 >= reserve) return {};
  return Status(Code::RESOURCE_EXHAUSTED, "the disk of " + directory + " has " + std::to_string(disk->free_bytes) +
                                              " bytes free; a backup leaves twice the reserve of " +
                                              std::to_string(reserve))
      .with_limit("disk_reserve", static_cast<std::int64_t>(reserve))
      .with_retry_after_ms(60'000);
}

/// Where the copy goes is filled by it. Where the store is nothing is deleted while it is copied, so all that is
/// written and freed meanwhile stays there.
Status enough_space(rocksdb::DB& db, const model::BackupPlan& plan, const LookAtDisk& look) {
  LZ_RETURN_IF_ERROR(enough_space(db.GetName(), plan, look));
  return enough_space(plan.directory, plan, look);
}

/// Of those that are damaged the engine keeps no count: what is older than all that are kept goes with the others.
Status drop_older(rocksdb::BackupEngine& engine, const model::BackupPlan& plan) {
  const std::string doing = "dropping older backups in " + plan.directory;
  LZ_RETURN_IF_ERROR(status_of_backup(engine.PurgeOldBackups(static_cast<std::uint32_t>(plan.keep)), doing));
  std::vector<rocksdb::BackupInfo> whole;
  std::vector<rocksdb::BackupID> damaged;
  engine.GetBackupInfo(&whole);
  engine.GetCorruptedBackups(&damaged);
  if (whole.size() < plan.keep) return {};
  for (const rocksdb::BackupID number : damaged) {
    const bool is_older =
        std::all_of(whole.begin(), whole.end(), [&](const auto& one) { return one.backup_id > number; });
    if (is_older) LZ_RETURN_IF_ERROR(status_of_backup(engine.DeleteBackup(number), doing));
  }
  return {};
}

}  // namespace

std::optional<DiskSpace> look_at_disk(const std::string& directory) {
  struct statvfs disk {};
  if (::statvfs(directory.c_str(), &disk) != 0) return std::nullopt;
  return DiskSpace{std::uint64_t{disk.f_bavail} * disk.f_frsize, std::uint64_t{disk.f_blocks} * disk.f_frsize};
}

Result<std::vector<BackupRecord>> list_backups(const std::string& directory) {
  // A broker may be dropping old ones just now; what went while it was read is not there the next time.
  auto shelf = Shelf::open(directory);
  for (int tries = 1; tries < kTries && shelf.code() == Code::STORAGE_DAMAGED; ++tries) shelf = Shelf::open(directory);
  if (shelf.code() == Code::NOT_FOUND) return std::vector<BackupRecord>();
  if (!shelf.ok()) return shelf.status();
  return (*shelf)->list();
}

Result<BackupRecord> back_up(rocksdb::DB& db, const model::BackupPlan& given, const BackupProgress& progress,
                             const LookAtDisk& look) {
  model::BackupPlan plan = given;
  plan.directory = directory_path(given.directory);
  LZ_RETURN_IF_ERROR(make_directory(plan.directory));
  DirectoryLock directory_lock;
  LZ_RETURN_IF_ERROR(directory_lock.take(plan.directory));
  LZ_RETURN_IF_ERROR(enough_space(db, plan, look));

  const auto files = std::make_shared<PrivateFiles>(rocksdb::FileSystem::Default());
  const auto env = rocksdb::NewCompositeEnv(files);
  rocksdb::BackupEngineOptions options(plan.directory, env.get());
  options.backup_log_files = false;
  options.backup_rate_limit = plan.bytes_per_second;
  options.callback_trigger_interval_size = kLookEveryBytes;
  rocksdb::BackupEngine* opened = nullptr;
  LZ_RETURN_IF_ERROR(status_of_backup(rocksdb::BackupEngine::Open(options, db.GetEnv(), &opened),
                                      "opening the backups in " + plan.directory));
  const std::unique_ptr<rocksdb::BackupEngine> engine(opened);

  std::mutex mutex;  // the engine copies on a thread of its own
  Status refused;
  rocksdb::CreateBackupOptions create;
  create.flush_before_backup = true;
  create.progress_callback = [&] {
    const std::lock_guard lock(mutex);
    if (refused.ok()) refused = enough_space(db, plan, look);
    if (!refused.ok() || !progress(files->written_bytes())) engine->StopBackup();
  };
  rocksdb::BackupID number = 0;
  const Status made = status_of_backup(engine->CreateNewBackupWithMetadata(create, &db, metadata_of(plan), &number),
                                       "making a backup in " + plan.directory);
  if (!made.ok()) {
    const std::lock_guard lock(mutex);
    return refused.ok() ? made : refused;
  }
  progress(files->written_bytes());  // it is whole, and nothing ends it any more
  rocksdb::BackupInfo info;
  LZ_RETURN_IF_ERROR(status_of_backup(engine->GetBackupInfo(number, &info), title(number, plan.directory)));
  BackupRecord record = record_of(info);
  if (plan.keep > 0) record.not_dropped = drop_older(*engine, plan);
  return record;
}

Result<VerifiedBackup> verify_backup(const std::string& directory, std::uint64_t number,
                                     const BackupProgress& progress) {
  const auto shelf = Shelf::open(directory);
  if (!shelf.ok()) return shelf.status();
  const auto info = (*shelf)->find(number);
  if (!info.ok()) return info.status();
  LZ_RETURN_IF_ERROR((*shelf)->check_files(info->backup_id));
  const auto store = open_backup(*info);
  if (!store.ok()) return store.status();
  auto report = (*store)->check(progress);
  if (!report.ok()) return report.status();
  return VerifiedBackup{record_of(*info), std::move(*report)};
}

// --- Restoring ------------------------------------------------------------------------------------------------------

Result<BackupRecord> restore_backup(const std::string& directory, std::uint64_t number, const std::string& data_dir) {
  RestoredDirectory restored(data_dir);
  LZ_RETURN_IF_ERROR(restored.begin());
  const auto shelf = Shelf::open(directory);
  if (!shelf.ok()) return shelf.status();
  const auto info = (*shelf)->find(number);
  if (!info.ok()) return info.status();
  LZ_RETURN_IF_ERROR((*shelf)->check_files(info->backup_id));
  // Of a format that this version does not know nothing is copied either.
  if (const auto store = open_backup(*info); !store.ok()) return store.status();
  LZ_RETURN_IF_ERROR(status_of_backup((*shelf)->engine().RestoreDBFromBackup(rocksdb::RestoreOptions(), info->backup_id,
                                                                             restored.inside(), restored.inside()),
                                      "restoring " + title(info->backup_id, (*shelf)->directory())));
  LZ_RETURN_IF_ERROR(restored.finish());
  return record_of(*info);
}

}  // namespace lazaret::storage

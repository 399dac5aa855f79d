#include "storage/rocks_store.h"
#include "storage/alerts.h"

#include <rocksdb/env.h>
#include <sys/statvfs.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <fstream>
#include <mutex>

#include "base/duration_text.h"
#include "model/limits.h"
#include "storage/audit_trail.h"
#include "storage/backup.h"
#include "storage/batch_writer.h"
#include "storage/case_history.h"
#include "storage/case_indexes.h"
#include "storage/case_list.h"
#include "storage/database.h"
#include "storage/group_list.h"
#include "storage/integrity.h"
#include "storage/message_reader.h"
#include "storage/outbox.h"
#include "storage/priorities.h"
#include "storage/records.h"
#include "storage/recovery.h"
#include "storage/replay_jobs.h"
#include "storage/restored_directory.h"
#include "storage/wal_marks.h"
#include "storage/wal_recycler.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// Holds RocksDB's snapshot for the length of one read.
class SnapshotHolder {
 public:
  explicit SnapshotHolder(Database& database) : database_(database), snapshot_(database.db().GetSnapshot()) {}
  ~SnapshotHolder() { database_.db().ReleaseSnapshot(snapshot_); }
  SnapshotHolder(const SnapshotHolder&) = delete;
  const rocksdb::Snapshot* get() const { return snapshot_; }

 private:
  Database& database_;
  const rocksdb::Snapshot* snapshot_;
};

class RocksStore final : public model::Store {
 public:
  RocksStore(std::unique_ptr<Database> database, StoreOptions options, std::uint16_t shards, std::uint64_t committed)
      : database_(std::move(database)),
        options_(std::move(options)),
        identity_(identity_of(options_.data_dir)),
        shards_(shards),
        committed_(committed),
        synced_(committed) {}

  /// Leaves everything in tables: the next start has no log to read, and none whose end could be missed. What cannot be
  /// written now is still in the log. The mark behind it says how far the tables must reach, so it must not come with
  /// the number of the commit: that is for the tables to tell.
  ~RocksStore() override {
    if (options_.read_only) return;
    rocksdb::FlushOptions flush;
    flush.allow_write_stall = true;
    if (!database_->db().Flush(flush, database_->families()).ok()) return;
    batch_.Clear();
    batch_.PutLogData(encode_mark(committed_, synced_, database_->files().synced_manifest(), identity_));
    batch_.Put(database_->family(Family::catalog), keys::directory(), encode(DirectoryRecord{kFormat, shards_}));
    rocksdb::WriteOptions write;
    write.sync = true;
    database_->db().Write(write, &batch_).PermitUncheckedError();
  }

  Result<std::vector<model::RecoveredShard>> recover() override { return storage::recover(*database_, shards_); }

  Status commit(std::span<const model::MutationGroup> groups, bool sync) override {
    if (options_.read_only) return {Code::STORAGE_FAILED, "the data directory is open for reading only"};
    batch_.Clear();
    const std::uint64_t number = committed_ + 1;
    batch_.PutLogData(encode_mark(number, synced_, database_->files().synced_manifest(), identity_));
    BatchWriter writer(*database_, batch_);
    for (const model::MutationGroup& group : groups) LZ_RETURN_IF_ERROR(writer.write(group));
    trimmed_unflushed_.fetch_add(writer.trimmed(), std::memory_order_relaxed);
    std::string number_bytes;
    base::append_le(number_bytes, number);
    batch_.Put(database_->family(Family::state), keys::commit_number(), number_bytes);
    rocksdb::WriteOptions write;
    write.sync = sync;
    LZ_RETURN_IF_ERROR(status_of(database_->db().Write(write, &batch_), "writing"));
    committed_ = number;
    if (sync) synced_ = number;
    commits_.fetch_add(1, std::memory_order_relaxed);
    syncs_.fetch_add(sync ? 1 : 0, std::memory_order_relaxed);
    written_bytes_.fetch_add(batch_.GetDataSize(), std::memory_order_relaxed);
    return {};
  }

  Result<model::MessagePage> read_messages(model::ShardId shard, model::LogId log, model::Offset from,
                                           model::Offset until, std::size_t max_messages,
                                           std::size_t max_bytes) override {
    const SnapshotHolder snapshot(*database_);
    return MessageReader(*database_, snapshot.get()).read(shard, log, from, until, max_messages, max_bytes);
  }

  Result<model::MessagePage> read_prioritised(model::ShardId shard, model::LogId log, std::uint8_t priority,
                                              model::Offset from, model::Offset until, std::size_t max_messages,
                                              std::size_t max_bytes) override {
    const SnapshotHolder snapshot(*database_);
    return storage::read_prioritised(*database_, shard, log, priority, {from, until}, max_messages, max_bytes,
                                     snapshot.get());
  }

  Result<std::vector<model::RecoveredDelivery>> read_waiting(model::ShardId shard, model::SubscriptionId subscription,
                                                             model::WaitingPlace after, std::size_t max) override {
    const SnapshotHolder snapshot(*database_);
    return storage::read_waiting(*database_, shard, subscription, after, max, snapshot.get());
  }

  Result<std::vector<model::OutboxEntryRef>> read_outbox(model::ShardId shard, model::ShardId to, std::uint64_t from,
                                                         std::size_t max_entries, std::size_t max_bytes) override {
    return storage::read_outbox(*database_, shard, to, from, max_entries, max_bytes, options_.accept_loss);
  }

  Result<model::CasePage> list_cases(const model::CaseQuery& query, const std::string& cursor,
                                     std::size_t max) override {
    const SnapshotHolder snapshot(*database_);
    return storage::list_cases(*database_, shards_, query, cursor, max, snapshot.get());
  }
  Result<model::CaseCount> count_cases(const model::CaseQuery& query, const std::string& cursor) override {
    const SnapshotHolder snapshot(*database_);
    return storage::count_cases(*database_, shards_, query, cursor, snapshot.get());
  }
  Result<model::GroupPage> list_groups(const model::CaseQuery& query, model::GroupSort sort, const std::string& cursor,
                                       std::size_t max) override {
    const SnapshotHolder snapshot(*database_);
    return storage::list_groups(*database_, shards_, query, sort, cursor, max, snapshot.get());
  }
  Result<model::GroupRecord> read_group(model::GroupId id) override {
    const SnapshotHolder snapshot(*database_);
    return storage::read_group(*database_, shards_, id, snapshot.get());
  }
  Result<model::CaseRecord> read_case(const model::CaseId& id) override { return storage::read_case(*database_, id); }
  Result<std::vector<model::Attempt>> read_attempts(const model::CaseId& id) override {
    return storage::read_attempts(*database_, id);
  }
  Result<std::optional<model::CaseId>> find_imported(model::ShardId shard, model::SubscriptionId subscription,
                                                     const model::CaseOrigin& origin) override {
    return storage::find_imported(*database_, shard, subscription, origin);
  }
  Result<std::vector<model::CaseEdit>> read_edits(const model::CaseId& id) override {
    return storage::read_edits(*database_, id);
  }
  Result<model::MessageRef> read_version(const model::CaseId& id, std::uint32_t version) override {
    return storage::read_version(*database_, id, version);
  }
  Result<std::vector<model::ClosedCase>> read_closed(model::ShardId shard, model::SubscriptionId subscription,
                                                     const model::ClosedCase& after, std::size_t max) override {
    return storage::read_closed(*database_, shard, subscription, after, max);
  }

  Result<model::CaseSums> case_sums(model::ShardId shard, model::SubscriptionId subscription) override {
    return read_case_sums(*database_, shard, subscription);
  }

  Result<std::vector<model::ReplayJobRecord>> read_replay_jobs() override {
    return storage::read_replay_jobs(*database_);
  }
  Result<model::ReplayChunk> read_replay_chunk(model::ReplayJobId job, std::uint32_t number) override {
    return storage::read_replay_chunk(*database_, job, number);
  }
  Result<model::AuditPage> read_audit(const model::AuditQuery& query, std::uint64_t before, std::size_t max) override {
    const SnapshotHolder snapshot(*database_);
    return storage::read_audit(*database_, query, before, max, snapshot.get());
  }

  Result<model::KeptAlerts> read_alerts() override { return storage::read_alerts(*database_); }
  Result<std::vector<model::GroupRecord>> recent_groups(base::Instant since, std::size_t max) override {
    const SnapshotHolder snapshot(*database_);
    return storage::recent_groups(*database_, shards_, since, max, snapshot.get());
  }
  Result<std::vector<model::CaseRecord>> oldest_open_cases(std::size_t max) override {
    const SnapshotHolder snapshot(*database_);
    return storage::oldest_open_cases(*database_, shards_, max, snapshot.get());
  }

  model::StoreUsage usage() override {
    model::StoreUsage usage;
    struct statvfs disk {};
    if (::statvfs(options_.data_dir.c_str(), &disk) == 0) {
      usage.disk_free_bytes = std::uint64_t{disk.f_bavail} * disk.f_frsize;
      usage.disk_total_bytes = std::uint64_t{disk.f_blocks} * disk.f_frsize;
    }
    std::uint64_t files = 0;
    std::uint64_t blobs = 0;
    database_->db().GetAggregatedIntProperty("rocksdb.cur-size-active-mem-table", &usage.memtable_bytes);
    database_->db().GetAggregatedIntProperty("rocksdb.total-sst-files-size", &files);
    database_->db().GetAggregatedIntProperty("rocksdb.total-blob-file-size", &blobs);
    usage.data_bytes = files + blobs;
    usage.trimmed_unflushed = trimmed_unflushed_.load(std::memory_order_relaxed);
    usage.commits = commits_.load(std::memory_order_relaxed);
    usage.syncs = syncs_.load(std::memory_order_relaxed);
    usage.written_bytes = written_bytes_.load(std::memory_order_relaxed);
    return usage;
  }

  Status flush() override {
    rocksdb::FlushOptions flush;
    flush.wait = false;
    flush.allow_write_stall = true;
    const rocksdb::Status status = database_->db().Flush(flush, database_->families());
    if (status.IsTryAgain()) return {};  // earlier flushes have to end first: whoever asked will ask again
    trimmed_unflushed_.store(0, std::memory_order_relaxed);
    return status_of(status, "flushing");
  }

  Result<std::vector<model::BackupRecord>> list_backups(const std::string& directory) override {
    return storage::list_backups(directory);
  }
  Result<model::BackupRecord> back_up(const model::BackupPlan& plan,
                                      const std::function<bool(std::uint64_t)>& progress) override {
    if (options_.read_only) return Status(Code::STORAGE_FAILED, "the data directory is open for reading only");
    return storage::back_up(database_->db(), plan, progress);
  }

  Result<model::CheckReport> check(const std::function<bool(std::uint64_t)>& progress) override {
    const SnapshotHolder snapshot(*database_);
    return check_integrity(*database_, shards_, snapshot.get(), progress);
  }

 private:
  std::unique_ptr<Database> database_;
  const StoreOptions options_;
  const std::uint32_t identity_;
  const std::uint16_t shards_;
  rocksdb::WriteBatch batch_;  // the committer's
  std::uint64_t committed_;    // the committer's: the last commit that was written
  std::uint64_t synced_;       // the committer's: the last one that is on the disk
  std::atomic<std::uint64_t> commits_{0};
  std::atomic<std::uint64_t> syncs_{0};
  std::atomic<std::uint64_t> written_bytes_{0};
  std::atomic<std::uint64_t> trimmed_unflushed_{0};
};

Status write_record(Database& database, const DirectoryRecord& record) {
  rocksdb::WriteOptions write;
  write.sync = true;
  return status_of(database.db().Put(write, database.family(Family::catalog), keys::directory(), encode(record)),
                   "writing the record of the data directory");
}

Result<DirectoryRecord> directory_record(Database& database, const StoreOptions& options) {
  const auto bytes = database.get(Family::catalog, keys::directory());
  if (!bytes.ok()) return bytes.status();
  DirectoryRecord record;
  if (*bytes) {
    if (!decode(**bytes, record)) return Status(Code::STORAGE_DAMAGED, "the record of the data directory");
    if (record.format > kFormat) {
      return Status(Code::FORMAT_TOO_NEW, options.data_dir + " has format " + std::to_string(record.format) +
                                              ", this version knows " + std::to_string(kFormat));
    }
    if (options.shards_given && options.shards != record.shards) {
      return Status(Code::BAD_CONFIGURATION, options.data_dir +
                                                 " was created with storage.shards = " + std::to_string(record.shards) +
                                                 ", which cannot be changed to " + std::to_string(options.shards));
    }
    if (record.format == kFormat || options.read_only) return record;
    if (record.format < kCaseIndexesFormat) {
      if (Status status = build_case_indexes(database, record.shards); !status.ok()) return status;
      if (Status status = list_closed_cases(database, record.shards); !status.ok()) return status;
    } else if (record.format < kCaseSumsFormat) {
      if (Status status = count_case_sums(database, record.shards); !status.ok()) return status;
    }
    // From now on an older version would not understand it.
    record.format = kFormat;
    if (Status status = write_record(database, record); !status.ok()) return status;
    return record;
  }
  if (options.read_only) return Status(Code::NOT_FOUND, options.data_dir + " is not a data directory of this broker");
  record = {kFormat, options.shards};
  if (Status status = write_record(database, record); !status.ok()) return status;
  return record;
}

Result<std::uint64_t> committed_number(Database& database) {
  const auto bytes = database.get(Family::state, keys::commit_number());
  if (!bytes.ok()) return bytes.status();
  if (!*bytes) return std::uint64_t{0};
  if ((*bytes)->size() != 8) return Status(Code::STORAGE_DAMAGED, "the number of the last commit");
  return base::load_le<std::uint64_t>((*bytes)->data());
}

/// OK, or STORAGE_DAMAGED when the write-ahead log holds a mark that a synced commit is missing from what is recovered.
Status missing_commits(const HighestMark& mark, std::uint64_t committed) {
  if (mark.synced <= committed) return {};
  return {Code::STORAGE_DAMAGED,
          "the write-ahead log is damaged before its end: " + std::to_string(mark.synced - committed) +
              " synced commits are behind the damage (recovered up to " + std::to_string(committed) + ", " + mark.file +
              " names " + std::to_string(mark.synced) + " as synced); --accept-loss goes on without them"};
}

/// OK, or STORAGE_DAMAGED when the manifest is not what it was.
Status cut_manifest(const StoreOptions& options, const HighestMark& mark) {
  std::ifstream current(options.data_dir + "/CURRENT");
  std::string name;
  std::getline(current, name);
  std::error_code ignored;
  const auto there = std::filesystem::file_size(options.data_dir + "/" + name, ignored);
  const std::string known = manifest_name(mark.manifest.number);
  // The name of a newer one sorts behind it: that one begins with everything that the older one said.
  const bool cut = name == known && (ignored || there < mark.manifest.bytes);
  if (name >= known && !cut) return {};
  return {Code::STORAGE_DAMAGED, "CURRENT names " + name + ", but " + known + " had " +
                                     std::to_string(mark.manifest.bytes) +
                                     " bytes; --accept-loss goes on without them"};
}

/// RocksDB takes a directory without CURRENT for a new one, and would begin again beside the data. The first manifest
/// alone is no data: it is written before CURRENT is, and a power loss between them is one before there was anything.
Status missing_catalog(const StoreOptions& options) {
  std::error_code ignored;
  if (std::filesystem::exists(options.data_dir + "/CURRENT", ignored)) return {};
  for (const auto& entry : std::filesystem::directory_iterator(options.data_dir, ignored)) {
    const std::string name = entry.path().filename();
    if (name == kRestoring) {
      return {Code::STORAGE_DAMAGED, "a backup was being restored into " + options.data_dir +
                                         ", and that did not end: empty it, and restore again"};
    }
    const bool data = name.ends_with(".sst") || name.ends_with(".blob") || name.ends_with(".log") ||
                      (name.starts_with("MANIFEST") && name != manifest_name(1));
    if (!data || entry.file_size(ignored) == 0) continue;
    return {Code::STORAGE_DAMAGED,
            options.data_dir + " has data (" + name + ") but no file CURRENT, which names its catalog"};
  }
  return {};
}

/// Looks at the log before the database is opened for writing: that would throw away what is behind the damage, and the
/// next start would find nothing wrong.
Status look_before_opening(const StoreOptions& options, const HighestMark& mark) {
  if (options.accept_loss || mark.synced == 0) return {};
  if (mark.manifest.number != 0) LZ_RETURN_IF_ERROR(cut_manifest(options, mark));
  if (options.read_only) return {};
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  rocksdb::FileLock* lock = nullptr;
  if (Status status = status_of(env->LockFile(options.data_dir + "/LOCK", &lock), "opening " + options.data_dir);
      !status.ok()) {
    return status;
  }
  StoreOptions looking = options;
  looking.read_only = true;
  const auto database = Database::open(looking);
  Status status = database.ok() ? Status() : database.status();
  if (database.ok()) {
    const auto committed = committed_number(**database);
    status = committed.ok() ? missing_commits(mark, *committed) : committed.status();
  }
  env->UnlockFile(lock).PermitUncheckedError();
  return status;
}

}  // namespace

Result<std::unique_ptr<model::Store>> open_store(const StoreOptions& options) {
  std::error_code error;
  if (!options.read_only) std::filesystem::create_directories(options.data_dir, error);
  if (error) return Status(Code::STORAGE_FAILED, "cannot create " + options.data_dir + ": " + error.message());
  if (Status status = missing_catalog(options); !status.ok()) return status;
  const HighestMark mark = find_marks(options.data_dir, identity_of(options.data_dir));
  if (Status status = look_before_opening(options, mark); !status.ok()) return status;
  auto database = Database::open(options);
  if (!database.ok()) return database.status();
  const auto record = directory_record(**database, options);
  if (!record.ok()) return record.status();
  auto committed = committed_number(**database);
  if (!committed.ok()) return committed.status();
  if (Status status = missing_commits(mark, *committed); !status.ok() && !options.accept_loss) return status;
  *committed = std::max(*committed, mark.synced);
  return std::unique_ptr<model::Store>(
      std::make_unique<RocksStore>(std::move(*database), options, record->shards, *committed));
}

}  // namespace lazaret::storage

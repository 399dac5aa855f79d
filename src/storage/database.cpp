#include "storage/database.h"

#include <rocksdb/cache.h>
#include <rocksdb/env.h>
#include <rocksdb/slice_transform.h>
#include <rocksdb/table.h>
#include <rocksdb/write_buffer_manager.h>

#include <algorithm>
#include <filesystem>

#include "base/crc32c.h"
#include "model/limits.h"
#include "storage/keys.h"
#include "storage/wal_recycler.h"

/// Debian builds librocksdb without the processor's CRC32 instruction, and its checksums of the write-ahead log and of
/// blobs were a third of what a commit cost. The library calls this function of its own by name, so this one takes its
/// place; a library that calls another simply does not see it.
namespace rocksdb::crc32c {
[[gnu::visibility("default")]] std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t size);
std::uint32_t Extend(std::uint32_t crc, const char* data, std::size_t size) {
  return lazaret::base::crc32c({data, size}, crc);
}
}  // namespace rocksdb::crc32c

namespace lazaret::storage {
namespace {

using base::Code;
using base::Status;

/// The first spare of a new directory.
constexpr std::uint64_t kFirstSpareBytes = 8u << 20;

rocksdb::DBOptions database_options(const StoreOptions& options) {
  rocksdb::DBOptions db;
  db.create_if_missing = !options.read_only;
  db.create_missing_column_families = !options.read_only;
  // Ends at the first torn record; what that may hide is found by our own marks (wal_marks.h).
  db.wal_recovery_mode = rocksdb::WALRecoveryMode::kPointInTimeRecovery;
  // All column families go to files together: no file is ever ahead of the log, and wherever the log has to end, what
  // is recovered is a whole number of commits.
  db.atomic_flush = true;
  // Memory of its own: charged to the cache of blocks, which is smaller, full memtables would leave it no block.
  db.write_buffer_manager = std::make_shared<rocksdb::WriteBufferManager>(options.memtable_bytes);
  db.max_total_wal_size = options.memtable_bytes * 2;
  db.max_background_jobs = 2;
  db.max_open_files = static_cast<int>(model::limits::kStoreFiles);
  db.keep_log_file_num = 4;
  db.max_log_file_size = 4u << 20;
  db.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  db.avoid_unnecessary_blocking_io = true;
  db.bytes_per_sync = 1u << 20;
  return db;
}

std::size_t series_bytes(Family family, std::string_view key) {
  switch (family) {
    case Family::log: return keys::series_of_message(key);
    case Family::state: return keys::series_of_state(key);
    case Family::dedup: return keys::series_of_producer(key);
    default: return 0;
  }
}

/// The series of writes that a key belongs to, each next to the one before: of a log, of a producer, of one record that
/// is written over and over. A memtable keeps its place in each, so that many queues at once cost no search each.
/// RocksDB keeps the places of range tombstones in the same map, so a key that a range begins with must be in no
/// series: keys.h sees to it for what is written now, and what older versions wrote is replayed before `begin`.
class Series final : public rocksdb::SliceTransform {
 public:
  explicit Series(Family family) : family_(family) {}
  /// The database is open. Nobody else uses it yet.
  void begin() { begun_ = true; }
  const char* Name() const override { return "lazaret.Series"; }
  bool InDomain(const rocksdb::Slice& key) const override { return begun_ && series_bytes(family_, view(key)) > 0; }
  rocksdb::Slice Transform(const rocksdb::Slice& key) const override {
    return {key.data(), series_bytes(family_, view(key))};
  }

 private:
  const Family family_;
  bool begun_ = false;
};

rocksdb::ColumnFamilyOptions family_options(Family family, const StoreOptions& options,
                                            const std::shared_ptr<rocksdb::Cache>& cache,
                                            const std::shared_ptr<const Series>& series) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = cache;
  table.cache_index_and_filter_blocks = true;
  table.format_version = 5;
  table.block_size = family == Family::log ? 32u << 10 : 8u << 10;
  rocksdb::ColumnFamilyOptions cf;
  cf.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  // Bodies are often compressed already, and what is consumed soon never reaches a file.
  cf.compression = rocksdb::kNoCompression;
  // The engine flushes before any of them is full, when it has trimmed what need not reach a file.
  cf.write_buffer_size = family == Family::log ? options.memtable_bytes : options.memtable_bytes / 4;
  cf.max_write_buffer_number = 3;
  cf.memtable_insert_with_hint_prefix_extractor = series;
  if (family == Family::hospital || family == Family::hospital_index) {
    // Each flush is of all families and brings few keys of these, strewn over all groups: in levels every fourth of
    // them would have all of an index written again. Tables are merged with those of their own size instead.
    cf.compaction_style = rocksdb::kCompactionStyleUniversal;
    cf.compaction_options_universal.max_size_amplification_percent = 60;
  }
  if (family == Family::log) {
    // Messages are written to a file at most once: compactions move keys only, and a file goes when all of it is
    // trimmed (what is still needed of it was copied out, see "Trimming" in FORMAT.md). And what is damaged in a file
    // of nothing but messages is messages, while a table that cannot be trusted cannot be read at all.
    // Each flush is compacted at once: that costs the keys that its trims overlap, and frees the files they were in.
    cf.level0_file_num_compaction_trigger = 1;
    cf.enable_blob_files = true;
    cf.min_blob_size = 0;
    cf.blob_file_size = options.memtable_bytes;
  }
  return cf;
}

}  // namespace

base::Status status_of(const rocksdb::Status& status, std::string_view doing) {
  if (status.ok()) return {};
  const std::string text = std::string(doing) + ": " + status.ToString();
  if (status.IsCorruption()) return {Code::STORAGE_DAMAGED, text};
  // A file that the catalog names and that is not there is damage, whatever the file system calls it.
  if (status.IsIOError() && text.find("No such file") != std::string::npos) return {Code::STORAGE_DAMAGED, text};
  if (status.IsIOError() && text.find("lock") != std::string::npos) {
    return {Code::DIRECTORY_LOCKED, "another process uses the data directory (" + text + ")"};
  }
  return {Code::STORAGE_FAILED, text};
}

base::Result<std::unique_ptr<Database>> Database::open(const StoreOptions& options) {
  const auto cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  auto files = std::make_shared<WalRecycler>(env->GetFileSystem(), options.data_dir, options.read_only);
  files->prepare(std::min(kFirstSpareBytes, options.memtable_bytes / 2));
  std::unique_ptr<Database> database(new Database());
  database->max_message_bytes_ = options.max_message_bytes;
  database->files_ = files;
  database->env_ = rocksdb::NewCompositeEnv(std::move(files));
  rocksdb::DBOptions db_options = database_options(options);
  db_options.env = database->env_.get();
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  std::vector<std::shared_ptr<Series>> series;
  for (std::size_t i = 0; i < kFamilyNames.size(); ++i) {
    const auto family = static_cast<Family>(i);
    series.push_back(std::make_shared<Series>(family));
    families.emplace_back(kFamilyNames[i], family_options(family, options, cache, series.back()));
  }
  rocksdb::DB* db = nullptr;
  const rocksdb::Status status =
      options.read_only ? rocksdb::DB::OpenForReadOnly(db_options, options.data_dir, families, &database->handles_, &db)
                        : rocksdb::DB::Open(db_options, options.data_dir, families, &database->handles_, &db);
  // A folder without CURRENT is no data directory, and not a damaged one.
  if (status.IsIOError() && !std::filesystem::exists(options.data_dir + "/CURRENT")) {
    return Status(Code::STORAGE_FAILED, "opening " + options.data_dir + ": " + status.ToString());
  }
  if (!status.ok()) return status_of(status, "opening " + options.data_dir);
  for (const auto& one : series) one->begin();
  database->db_.reset(db);
  if (Status missing = database->missing_blobs(); !missing.ok()) return missing;
  return database;
}

/// RocksDB opens without them, and fails when it reads.
Status Database::missing_blobs() {
  rocksdb::ColumnFamilyMetaData log;
  db_->GetColumnFamilyMetaData(family(Family::log), &log);
  for (const rocksdb::BlobMetaData& blob : log.blob_files) {
    // The name begins with a slash, and a backup that is read where it lies knows its files by one slash only.
    const std::string path = blob.blob_file_path + blob.blob_file_name;
    if (env_->FileExists(path).IsNotFound())
      return {Code::STORAGE_DAMAGED, "the catalog names " + path + ", which is not there"};
  }
  return {};
}

Database::~Database() {
  if (db_ == nullptr) return;
  for (rocksdb::ColumnFamilyHandle* handle : handles_) db_->DestroyColumnFamilyHandle(handle);
  db_->Close().PermitUncheckedError();
}

base::Result<std::optional<std::string>> Database::get(Family in, std::string_view key,
                                                       const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  std::string value;
  const rocksdb::Status status = db_->Get(read, family(in), slice(key), &value);
  if (status.IsNotFound()) return std::optional<std::string>();
  if (!status.ok()) return status_of(status, "reading");
  return std::optional(std::move(value));
}

}  // namespace lazaret::storage

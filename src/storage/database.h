// Database: RocksDB with the column families of FORMAT.md. Shared by the parts of the store; RocksDB's headers are
// included by .cpp files of this room only, through here.
#pragma once

#include <rocksdb/db.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "storage/rocks_store.h"

namespace lazaret::storage {

class WalRecycler;

enum class Family : std::size_t {
  base,
  catalog,
  log,
  state,
  evacuated,
  schedule,
  hospital,
  hospital_index,
  dedup,
  outbox,
  audit
};
inline constexpr std::array<const char*, 11> kFamilyNames = {"default",   "catalog",  "log",      "state",
                                                             "evacuated", "schedule", "hospital", "hospital_index",
                                                             "dedup",     "outbox",   "audit"};

class Database {
 public:
  static base::Result<std::unique_ptr<Database>> open(const StoreOptions& options);
  ~Database();

  rocksdb::DB& db() { return *db_; }
  const WalRecycler& files() const { return *files_; }
  rocksdb::ColumnFamilyHandle* family(Family family) { return handles_[static_cast<std::size_t>(family)]; }
  const std::vector<rocksdb::ColumnFamilyHandle*>& families() const { return handles_; }
  /// As StoreOptions::max_message_bytes.
  std::size_t max_message_bytes() const { return max_message_bytes_; }
  /// OK and a value, OK and nothing, or why not.
  base::Result<std::optional<std::string>> get(Family family, std::string_view key,
                                               const rocksdb::Snapshot* snapshot = nullptr);
  /// All keys of the prefix, in order. `visit(key, value)` gives false to stop.
  template <class Visit>
  base::Status scan(Family family, const std::string& prefix, Visit visit, const rocksdb::Snapshot* snapshot = nullptr);
  template <class Visit>
  base::Status scan_range(Family family, const std::string& begin, const std::string& end, Visit visit,
                          const rocksdb::Snapshot* snapshot = nullptr);

 private:
  Database() = default;
  base::Status missing_blobs();

  std::size_t max_message_bytes_ = 0;
  std::shared_ptr<WalRecycler> files_;
  std::unique_ptr<rocksdb::Env> env_;  // outlives db_
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> handles_;
};

inline rocksdb::Slice slice(std::string_view bytes) { return {bytes.data(), bytes.size()}; }
inline std::string_view view(const rocksdb::Slice& bytes) { return {bytes.data(), bytes.size()}; }
base::Status status_of(const rocksdb::Status& status, std::string_view doing);

}  // namespace lazaret::storage

#include "storage/keys.h"

namespace lazaret::storage {

template <class Visit>
base::Status Database::scan(Family in, const std::string& prefix, Visit visit, const rocksdb::Snapshot* snapshot) {
  return scan_range(in, prefix, keys::behind(prefix), visit, snapshot);
}

template <class Visit>
base::Status Database::scan_range(Family in, const std::string& begin, const std::string& end, Visit visit,
                                  const rocksdb::Snapshot* snapshot) {
  rocksdb::ReadOptions read;
  read.snapshot = snapshot;
  // Its messages carry checksums of their own: one that is damaged is no reason to refuse its neighbours, or the start.
  read.verify_checksums = in != Family::evacuated;
  const rocksdb::Slice lower = slice(begin);
  const rocksdb::Slice upper = slice(end);
  read.iterate_lower_bound = &lower;
  if (!end.empty()) read.iterate_upper_bound = &upper;
  const std::unique_ptr<rocksdb::Iterator> it(db_->NewIterator(read, family(in)));
  for (it->Seek(lower); it->Valid(); it->Next()) {
    if (!visit(view(it->key()), view(it->value()))) break;
  }
  return status_of(it->status(), "reading");
}

}  // namespace lazaret::storage

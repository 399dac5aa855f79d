// CaseIndexes: the lists of cases, and the groups with their counts, kept as cases change, in the same batch.
#pragma once

#include <rocksdb/write_batch.h>

#include <map>
#include <optional>
#include <string>
#include <utility>

#include "model/group_record.h"
#include "model/mutation.h"
#include "storage/database.h"

namespace lazaret::storage {

class CaseIndexes {
 public:
  CaseIndexes(Database& database, rocksdb::WriteBatch& batch) : database_(database), batch_(batch) {}

  /// `before`: null for a case that is new. `now`: null for one that goes.
  base::Status change(const model::CaseRecord* before, const model::CaseRecord* now);
  base::Status patch(model::ShardId shard, const model::PatchGroup& m);
  /// Writes the groups that have changed. What follows goes into the same batch, and may change them again.
  base::Status finish();

 private:
  struct Group {
    model::GroupRecord record;
    bool changed = false;
    base::Instant indexed_at{};  // its place among groups by time; 0: none
  };
  /// STORAGE_DAMAGED when its record cannot be read.
  base::Result<Group*> group(model::ShardId shard, model::GroupId id);
  base::Status index(model::ShardId shard, Group& group);
  base::Status count(const model::CaseRecord* before, const model::CaseRecord* now);

  Database& database_;
  rocksdb::WriteBatch& batch_;
  std::map<std::pair<model::ShardId, model::GroupId>, Group> groups_;
};

/// Builds them from the cases, for a directory that is older than they are. May be begun again at any time.
base::Status build_case_indexes(Database& database, std::uint16_t shards);

}  // namespace lazaret::storage

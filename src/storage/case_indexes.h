// CaseIndexes: the lists of cases, the groups with their counts, and what the cases of each subscription keep of
// messages, all of it kept as cases change, in the same batch.
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
  /// Writes the groups and sums that have changed. What follows goes into the same batch, and may change them again.
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
  base::Status weigh(const model::CaseRecord* before, const model::CaseRecord* now);
  base::Status finish_sums();

  Database& database_;
  rocksdb::WriteBatch& batch_;
  std::map<std::pair<model::ShardId, model::GroupId>, Group> groups_;
  struct Sum {
    std::uint64_t bytes = 0;
    bool changed = false;
  };
  std::map<std::pair<model::ShardId, model::SubscriptionId>, Sum> sums_;
};

/// What the cases of a subscription keep. STORAGE_DAMAGED when its sum cannot be read.
base::Result<std::uint64_t> read_case_bytes(Database& database, model::ShardId shard,
                                            model::SubscriptionId subscription);
/// Counts it for all subscriptions, for a directory that is older than these sums. May be begun again at any time.
base::Status count_case_bytes(Database& database, std::uint16_t shards);

/// Builds them from the cases, for a directory that is older than they are. May be begun again at any time.
base::Status build_case_indexes(Database& database, std::uint16_t shards);

}  // namespace lazaret::storage

// CaseIndexes: the lists of cases, the groups with their counts, and of each subscription what its cases keep of
// messages and how many are closed, all of it kept as cases change, in the same batch.
#pragma once

#include <rocksdb/write_batch.h>

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "model/group_record.h"
#include "model/mutation.h"
#include "model/store.h"
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
  base::Status sum_up(const model::CaseRecord* before, const model::CaseRecord* now);
  base::Status finish_sums();

  Database& database_;
  rocksdb::WriteBatch& batch_;
  std::map<std::pair<model::ShardId, model::GroupId>, Group> groups_;
  struct Sums {
    model::CaseSums of;
    bool changed = false;
  };
  std::map<std::pair<model::ShardId, model::SubscriptionId>, Sums> sums_;
};

/// Two u64, little-endian: bytes, closed.
std::string encode_sums(const model::CaseSums& sums);
std::optional<model::CaseSums> decode_sums(std::string_view value);
/// Adds what this case is of the sums.
void add(const model::CaseRecord& record, model::CaseSums& sums);
/// Of all cases of a subscription. STORAGE_DAMAGED when they cannot be read.
base::Result<model::CaseSums> read_case_sums(Database& database, model::ShardId shard,
                                             model::SubscriptionId subscription);
/// Counts them for all subscriptions, for a directory that is older than they are. May be begun again at any time.
base::Status count_case_sums(Database& database, std::uint16_t shards);

/// Builds them from the cases, for a directory that is older than they are. May be begun again at any time.
base::Status build_case_indexes(Database& database, std::uint16_t shards);

}  // namespace lazaret::storage

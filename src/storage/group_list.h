// Groups of cases, read.
#pragma once

#include <string>
#include <vector>

#include "model/case_list.h"
#include "storage/database.h"

namespace lazaret::storage {

/// In the order of `sort`. A group that is on several shards, since its queue was deleted and created again, is one.
base::Result<model::GroupPage> list_groups(Database& database, std::uint16_t shards, const model::CaseQuery& query,
                                           model::GroupSort sort, const std::string& cursor, std::size_t max,
                                           const rocksdb::Snapshot* snapshot);
base::Result<model::GroupRecord> read_group(Database& database, std::uint16_t shards, model::GroupId id,
                                            const rocksdb::Snapshot* snapshot);
/// REQUIRES model::counted_by_groups.
base::Result<model::CaseCount> count_by_groups(Database& database, std::uint16_t shards, const model::CaseQuery& query,
                                               const rocksdb::Snapshot* snapshot);

/// Those with an admission behind `since`, the newest first.
base::Result<std::vector<model::GroupRecord>> recent_groups(Database& database, std::uint16_t shards,
                                                            base::Instant since, std::size_t max,
                                                            const rocksdb::Snapshot* snapshot);

}  // namespace lazaret::storage

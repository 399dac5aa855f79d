// Cases, read: pages of those that a query means, how many there are, and one with its attempts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/case_list.h"
#include "storage/database.h"
#include "storage/records.h"

namespace lazaret::storage {

base::Result<model::CasePage> list_cases(Database& database, std::uint16_t shards, const model::CaseQuery& query,
                                         const std::string& cursor, std::size_t max, const rocksdb::Snapshot* snapshot);
/// The same in the order of messages, from the last to the first (case_order.cpp).
base::Result<model::CasePage> list_cases_by_message(Database& database, std::uint16_t shards,
                                                    const model::CaseQuery& query, const std::string& cursor,
                                                    std::size_t max, const rocksdb::Snapshot* snapshot);
/// Whether all terms hold. Of a message that is gone, or damaged, nothing is known.
MessageMatch is_meant(Database& database, const model::CaseQuery& query, const model::CaseRecord& record,
                      const rocksdb::Snapshot* snapshot);
base::Result<model::CaseCount> count_cases(Database& database, std::uint16_t shards, const model::CaseQuery& query,
                                           const std::string& cursor, const rocksdb::Snapshot* snapshot);
base::Result<model::CaseRecord> read_case(Database& database, const model::CaseId& id,
                                          const rocksdb::Snapshot* snapshot = nullptr);
base::Result<std::optional<model::CaseId>> find_imported(Database& database, model::ShardId shard,
                                                         model::SubscriptionId subscription,
                                                         const model::CaseOrigin& origin);
base::Result<std::vector<model::Attempt>> read_attempts(Database& database, const model::CaseId& id);

/// Of each subscription with admitted cases the one admitted first (oldest_cases.cpp).
base::Result<std::vector<model::CaseRecord>> oldest_open_cases(Database& database, std::uint16_t shards,
                                                               std::size_t max, const rocksdb::Snapshot* snapshot);

}  // namespace lazaret::storage

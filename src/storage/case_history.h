// What is kept of a case beside its record and its attempts: the versions of its message, and, when it is closed, its
// place among those that go in time.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

/// A message by itself: a run of one, which is good at this place only.
std::string encode_alone(model::LogId log, model::Offset offset, const model::MessageRef& message);

std::string encode_edit(const model::CaseId& id, const model::CaseEdit& edit, const model::MessageRef& message);
/// The message is null when it is damaged; nullopt: the record is.
struct StoredEdit {
  model::CaseEdit edit;
  model::MessageRef message;
};
std::optional<StoredEdit> decode_edit(const model::CaseId& id, std::uint32_t version, std::string_view value);

base::Result<std::vector<model::CaseEdit>> read_edits(Database& database, const model::CaseId& id);
base::Result<model::MessageRef> read_version(Database& database, const model::CaseId& id, std::uint32_t version,
                                             const rocksdb::Snapshot* snapshot = nullptr);
/// The message of a case as it is now, of which `version` is the newest: what was published, or what an edit made of
/// that. Null when it is damaged or not there.
model::MessageRef read_newest(Database& database, const model::CaseId& id, std::uint32_t version,
                              const rocksdb::Snapshot* snapshot);
base::Result<std::vector<model::ClosedCase>> read_closed(Database& database, model::ShardId shard,
                                                         model::SubscriptionId subscription,
                                                         const model::ClosedCase& after, std::size_t max);
/// Fills in `edited`, `first_closed` and `case_sums`.
base::Status recover_case_history(Database& database, model::ShardId shard, model::SubscriptionId subscription,
                                  model::RecoveredSubscription& sub);
/// When the first of the closed cases was closed, of each subscription that has some and that `named` says no to.
base::Result<std::vector<model::OrphanedCases>> read_orphaned(Database& database, model::ShardId shard,
                                                              const std::function<bool(model::SubscriptionId)>& named);
/// Of a directory of a format before 8: its closed cases get their places. Done again it changes nothing.
base::Status list_closed_cases(Database& database, std::uint16_t shards);

}  // namespace lazaret::storage

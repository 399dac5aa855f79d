// Recovery: what each shard knew when the last commit was synced. Reads state, never messages.
#pragma once

#include <vector>

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

base::Result<std::vector<model::RecoveredShard>> recover(Database& database, std::uint16_t shards);
/// As model::Store::read_waiting, at the snapshot: between the schedule and the records nothing may come.
base::Result<std::vector<model::RecoveredDelivery>> read_waiting(Database& database, model::ShardId shard,
                                                                 model::SubscriptionId subscription,
                                                                 model::WaitingPlace after, std::size_t max,
                                                                 const rocksdb::Snapshot* snapshot);

}  // namespace lazaret::storage

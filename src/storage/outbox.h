// What shards owe each other, as it stands in `outbox` (drawn in FORMAT.md).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

/// The numbers of (taken, last] of each, without reading the entries.
base::Status recover_outboxes(Database& database, std::uint16_t shards, model::ShardId shard,
                              model::RecoveredShard& recovered);

/// As model::Store::read_outbox.
base::Result<std::vector<model::OutboxEntryRef>> read_outbox(Database& database, model::ShardId shard,
                                                             model::ShardId to, std::uint64_t from,
                                                             std::size_t max_entries, std::size_t max_bytes);

/// The head of an entry's value; a run of its messages follows, as if its number were their first offset.
std::string outbox_head(model::LogId log);
std::string encode_taken(std::uint64_t taken);

}  // namespace lazaret::storage

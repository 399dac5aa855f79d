// The index of messages that were published with a priority: one small key each, by log, priority and offset, which
// stands as long as the message does. Drawn in FORMAT.md.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

/// As model::Store::read_prioritised, at the snapshot.
base::Result<model::MessagePage> read_prioritised(Database& database, model::ShardId shard, model::LogId log,
                                                  std::uint8_t priority, model::OffsetRange range,
                                                  std::size_t max_messages, std::size_t max_bytes,
                                                  const rocksdb::Snapshot* snapshot);

/// What the index names of `range`, but for what of it lies in `except`, which ascends.
base::Result<std::vector<model::Offset>> prioritised_in(Database& database, model::ShardId shard, model::LogId log,
                                                        std::uint8_t priority, model::OffsetRange range,
                                                        const std::vector<model::OffsetRange>& except);

}  // namespace lazaret::storage

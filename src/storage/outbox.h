// What shards owe each other, as it stands in `outbox` (drawn in FORMAT.md).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

/// The numbers of (taken, last] of each, without reading the entries.
base::Status recover_outboxes(Database& database, std::uint16_t shards, model::ShardId shard,
                              model::RecoveredShard& recovered);

/// As model::Store::read_outbox. `accept_loss`: of what is damaged goes on what is left of it, if only its number.
base::Result<std::vector<model::OutboxEntryRef>> read_outbox(Database& database, model::ShardId shard,
                                                             model::ShardId to, std::uint64_t from,
                                                             std::size_t max_entries, std::size_t max_bytes,
                                                             bool accept_loss);

struct OutboxEntryRead {
  model::OutboxEntryRef entry;  // with the messages that are whole
  bool damaged = false;         // there were others
};
OutboxEntryRead decode_outbox_entry(model::ShardId to, std::uint64_t number, std::string_view value);
/// What stands under keys::outbox_taken and keys::inbox_taken; 0 for nothing.
base::Result<std::uint64_t> read_taken(Database& database, const std::string& key,
                                       const rocksdb::Snapshot* snapshot = nullptr);

/// What stands there.
std::string encode_number(std::uint64_t number);
/// At the head of an entry's value. Behind that is a run of its messages, as if its number were their first offset.
std::string encode_head(const model::OutboxEntry& entry);

}  // namespace lazaret::storage

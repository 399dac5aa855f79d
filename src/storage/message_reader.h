// MessageReader: messages of a log, from runs, from `evacuated`, or as damage; never silently skipped.
#pragma once

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

class MessageReader {
 public:
  /// Reads at the snapshot, or (nullptr) what is newest.
  MessageReader(Database& database, const rocksdb::Snapshot* snapshot) : database_(database), snapshot_(snapshot) {}

  /// As model::Store::read_messages.
  base::Result<model::MessagePage> read(model::ShardId shard, model::LogId log, model::Offset from, model::Offset until,
                                        std::size_t max_messages, std::size_t max_bytes);
  /// One message; null when it is damaged or not there.
  model::MessageRef read_one(model::ShardId shard, model::LogId log, model::Offset offset);
  /// The end of the log's last run, `floor` at least. When the run cannot be believed, it is `entered`: how many
  /// messages have ever entered the queue, which stands in every write that appended some.
  base::Result<model::Offset> end_of(model::ShardId shard, model::LogId log, model::Offset floor,
                                     std::uint64_t entered);

 private:
  base::Status read_runs(model::ShardId shard, model::LogId log, model::Offset from, model::Offset until,
                         std::size_t max_messages, std::size_t max_bytes, bool verify, model::MessagePage& page);
  base::Status fill_gaps(model::ShardId shard, model::LogId log, model::Offset from, std::size_t max_messages,
                         std::size_t max_bytes, model::MessagePage& page);

  Database& database_;
  const rocksdb::Snapshot* snapshot_;
};

}  // namespace lazaret::storage

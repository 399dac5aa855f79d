// Replay jobs as they are stored: records of shard 0 in `hospital_index`.
#pragma once

#include <vector>

#include "base/status.h"
#include "model/replay_job.h"
#include "storage/database.h"

namespace lazaret::storage {

/// Oldest first.
base::Result<std::vector<model::ReplayJobRecord>> read_replay_jobs(Database& database);
/// Its set and what became of it; empty when there is no such chunk.
base::Result<model::ReplayChunk> read_replay_chunk(Database& database, model::ReplayJobId job, std::uint32_t number);

}  // namespace lazaret::storage

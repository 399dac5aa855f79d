// The integrity check: reads everything, believes nothing.
#pragma once

#include <functional>

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

/// On one snapshot: checksums of every message, every record decodes, indexes agree in both directions, every open case
/// has its message, and per subscription the sums of invariant 10. CANCELLED when `progress` says false.
base::Result<model::CheckReport> check_integrity(Database& database, std::uint16_t shards,
                                                 const rocksdb::Snapshot* snapshot,
                                                 const std::function<bool(std::uint64_t)>& progress);

}  // namespace lazaret::storage

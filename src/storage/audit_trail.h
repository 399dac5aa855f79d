// The audit trail as it is stored: entries of shard 0 in `audit`, with the newest that was written and the last that
// was trimmed beside them.
#pragma once

#include <functional>
#include <optional>

#include "base/status.h"
#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

base::Status recover_audit(Database& database, model::RecoveredShard& recovered);
/// As Store::read_audit.
base::Result<model::AuditPage> read_audit(Database& database, const model::AuditQuery& query, std::uint64_t before,
                                          std::size_t max, const rocksdb::Snapshot* snapshot);

/// The last that was trimmed; 0: none was.
base::Result<model::AuditPoint> audit_anchor(Database& database, const rocksdb::Snapshot* snapshot);
/// Entries behind `anchor` that were written before `older_than`, the oldest first, at most so many.
base::Result<std::vector<model::AuditPoint>> old_audit_entries(Database& database, const model::AuditPoint& anchor,
                                                               base::Instant older_than, std::size_t max);

/// Reads the whole chain. `read(bytes)` after each entry; false ends it. What is wrong first, if anything is.
base::Result<std::optional<model::CheckFinding>> check_audit(Database& database, const rocksdb::Snapshot* snapshot,
                                                             const std::function<bool(std::size_t)>& read);

}  // namespace lazaret::storage

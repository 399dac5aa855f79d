// Entries of the audit trail as JSON.
#pragma once

#include <boost/json/object.hpp>

#include "model/audit_entry.h"

namespace lazaret::admin {

/// {"number", "at", "phase", "began", "called_at", "actor", …, "previous", "hash"}: everything that is hashed, as it is
/// in the chain, so that an export can be checked.
boost::json::object audit_json(const model::AuditEntry& entry);
/// {"number", "hash"}
boost::json::object audit_json(const model::AuditPoint& point);

}  // namespace lazaret::admin

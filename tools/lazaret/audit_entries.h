// Entries of the audit trail as the HTTP API and an export have them.
#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>

#include "http_client.h"
#include "model/audit_chain.h"
#include "model/audit_query.h"
#include "output.h"

namespace lazaret::cli {

/// Throws Error BAD_REQUEST when it is no entry.
model::AuditEntry audit_entry_of(const json::value& value);
/// One of an export. Throws the same also for one that says more than is hashed: a member that no entry has, or one
/// twice.
model::AuditEntry audit_entry_of_line(std::string_view line);
model::AuditPoint audit_point_of(const json::value& value);

/// "17:9c1d…", a number and a hash in full. Throws USAGE.
model::AuditPoint read_audit_point(const std::string& text);
std::string text_of(const model::AuditPoint& point);

}  // namespace lazaret::cli

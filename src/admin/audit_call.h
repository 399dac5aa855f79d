// What the audit trail is told of a request: who, what, on what, and what was asked; never what a message says.
#pragma once

#include "admin/request.h"
#include "model/audit_entry.h"

namespace lazaret::admin {

/// REQUIRES that its route is known. The actor is who the body says in `by`, else the header X-Lazaret-Actor, else the
/// peer. The target is what the path names first, else what the route's `audit_target` names.
model::AuditCall audit_call_of(const Request& request);

}  // namespace lazaret::admin

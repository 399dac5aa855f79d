// Problem documents (RFC 9457): every error of this API, made from the error table.
#pragma once

#include <boost/json/object.hpp>

#include "admin/request.h"
#include "base/status.h"

namespace lazaret::admin {

/// {"type", "title", "status", "detail", "code", "fault", "retry"}, and, where there is one, "retry_after_ms", and
/// "limit" with its "value".
boost::json::object problem_json(const base::Status& status);
/// The document with its HTTP status, and `Retry-After` where the error says when.
Response problem(const base::Status& status);

}  // namespace lazaret::admin

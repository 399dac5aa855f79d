// Groups of cases as JSON.
#pragma once

#include <boost/json/object.hpp>

#include "base/time.h"
#include "model/group_record.h"

namespace lazaret::admin {

/// The trend, and the admissions a minute, as they look at `now`.
boost::json::object group_json(const model::GroupRecord& group, base::Instant now);

}  // namespace lazaret::admin

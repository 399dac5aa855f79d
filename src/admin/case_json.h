// Cases of the hospital as JSON.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "model/case_record.h"

namespace lazaret::admin {

boost::json::object case_json(const model::CaseRecord& record);
boost::json::object attempt_json(const model::Attempt& attempt);

/// Cases of one cause: the same for failures that differ only in numbers, hexadecimal words and UUIDs of their text.
/// Stable over versions of the broker: operators write it down.
std::string group_of(const model::CaseRecord& record);

}  // namespace lazaret::admin

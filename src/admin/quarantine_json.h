// Quarantine rules as JSON.
#pragma once

#include <string>

#include <boost/json/object.hpp>

#include "model/quarantine.h"

namespace lazaret::admin {

/// `name`: of its subscription.
boost::json::object quarantine_json(model::ShardId shard, const model::QuarantineRecord& record,
                                    const std::string& name);

}  // namespace lazaret::admin

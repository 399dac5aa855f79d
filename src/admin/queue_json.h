// Queues as JSON: what they hold and how they are set. The same words as in TOML and on the command line.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "base/status.h"
#include "model/answer.h"
#include "model/options.h"
#include "wire/frames.h"

namespace lazaret::admin {

/// {"name", "shard", the counts, …, "consumers", and the options beside them}.
boost::json::object queue_json(const model::QueueStats& stats);
/// {"max_attempts", "backoff_initial", …}: numbers, and durations as texts; "unlimited" for no limit of attempts.
boost::json::object options_json(const model::QueueOptions& options);

/// Takes one option from a body. False: there is no option of that name. INVALID_OPTION for a value of the wrong kind.
base::Result<bool> read_option(std::string_view name, const boost::json::value& value, wire::OptionsPatch& patch);

}  // namespace lazaret::admin

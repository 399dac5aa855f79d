// A case that goes elsewhere: what is asked of its shard, for one that is sent by hand and for those of a job.
//
// Threading: none of its own; any thread that may read the store.
#pragma once

#include <string>

#include "engine/engine.h"
#include "model/case_record.h"
#include "model/command.h"

namespace lazaret::hospital {

/// OK: there is such a queue or topic, to which one publishes. NOT_FOUND, or BAD_REQUEST for a subscription.
base::Status check_destination(engine::Engine& engine, const std::string& to);
/// Publishes the newest version of its message to `to`, and closes it. What check_destination says, MESSAGE_GONE when
/// the message is not kept any more, MESSAGE_DAMAGED.
base::Result<model::RedirectCaseCommand> redirection_of(engine::Engine& engine, const model::CaseRecord& record,
                                                        const std::string& to, bool force);

}  // namespace lazaret::hospital

// broker.auto_create: queues that are made by their use. Whoever is first to name one that is not there waits until it
// is, and then what he asked for is done as if it had always been there. They stay if that comes to nothing.
//
// All that one call names are made at once: each takes three synced writes, which they then share, and one of the two
// workers waits for them (net/auto_create.cpp does the same for frames).
//
// Threading: workers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "admin/broker.h"
#include "admin/request.h"

namespace lazaret::admin {

/// By their names, why queues could not be made.
using NotMade = std::map<std::string, base::Status>;

/// Makes those of `names` that stand for nothing yet, each once, with the defaults; none without broker.auto_create.
/// Each is a call of the audit trail: publishes are not noted there; that one has made a queue is. INVALID_NAME where
/// one of them can be no queue's: then none is made, and nothing noted.
base::Result<NotMade> create_missing(Broker& broker, const Request& request, const std::vector<std::string>& names);
/// Why there is nothing of this name, or `otherwise` where nobody has tried to make it.
base::Status why_missing(const NotMade& not_made, const std::string& name, base::Status otherwise);

/// NOT_FOUND when there is no queue of this name, and none may be made by its use.
base::Result<engine::QueueRef> find_or_create_queue(Broker& broker, const Request& request, const std::string& name);

}  // namespace lazaret::admin

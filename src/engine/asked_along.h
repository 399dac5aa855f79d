// Durable requests that are to go out: where one may go, where its reply may, and what it may leave with the broker.
// Both ways into the broker (net, admin) ask for it here, so that what one refuses the other does.
//
// Threading: any thread.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "engine/directory.h"
#include "model/request_record.h"

namespace lazaret::engine {

/// What comes back with the reply.
using AskContext = std::vector<std::pair<std::string, std::string>>;

/// What can be said before any queue is there. BAD_REQUEST where the reply would go where the request goes, and for a
/// name of the context that is empty; HEADERS_TOO_LARGE for a context that is larger than that of headers may be.
base::Status check_ask(std::string_view queue, std::string_view reply_queue, const AskContext& context);

/// NOT_FOUND for a reply queue that is not there, BAD_REQUEST for what is none and for a name of the context that is
/// empty, HEADERS_TOO_LARGE for a context that is larger than that of headers may be. `correlation_id`: of the request.
base::Result<model::ReplyAddressRef> reply_address(const Directory& directory, std::string reply_queue,
                                                   AskContext context, std::string correlation_id);

/// The request of this id to `queue`, in one write with others; its place among them is still to be said. BAD_REQUEST
/// where that is no queue, or the one where its reply would go to.
base::Result<model::AskedAlong> asked_along(const model::QueueRecord& queue, const model::MessageId& id,
                                            base::Instant deadline, model::ReplyAddressRef reply_to);

}  // namespace lazaret::engine

// What is published, or asked, over HTTP, from what its body says.
#pragma once

#include <memory>

#include "admin/message_json.h"
#include "admin/server.h"

namespace lazaret::admin {

/// An id for a message that came without one.
model::MessageId new_id(base::Instant now);
/// The message, but for its place. MESSAGE_TOO_LARGE, HEADERS_TOO_LARGE, or BAD_REQUEST for what no envelope holds.
base::Result<std::shared_ptr<model::Message>> make_message(const ServerConfig& config, base::Instant now,
                                                           NewMessage&& given);

}  // namespace lazaret::admin

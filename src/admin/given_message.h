// What is published, or asked, over HTTP, from what its body says.
#pragma once

#include <memory>
#include <string_view>

#include "admin/message_json.h"
#include "admin/server.h"

namespace lazaret::admin {

/// An id for a message that came without one.
model::MessageId new_id(base::Instant now);
/// Fills in what a message says of itself as a request, as the client library does. REQUIRES that it has an id.
void make_request(wire::Envelope& envelope, std::string_view reply_to, base::Instant deadline);
/// The message, but for its place. MESSAGE_TOO_LARGE, HEADERS_TOO_LARGE, or BAD_REQUEST for what no envelope holds.
base::Result<std::shared_ptr<model::Message>> make_message(const ServerConfig& config, base::Instant now,
                                                           NewMessage&& given);

}  // namespace lazaret::admin

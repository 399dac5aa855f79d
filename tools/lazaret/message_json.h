// Messages as JSON objects, in the words of the HTTP API.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "base/status.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

boost::json::object message_json(const Delivery& delivery);

/// A message from a line of JSON; what is not in it stays as in `defaults`. What the broker adds to a message that it
/// shows (source, offset, attempt, …) is passed over, so that what was peeked can be published. BAD_REQUEST otherwise.
base::Result<Message> read_message_json(std::string_view line, const Message& defaults);

}  // namespace lazaret::cli

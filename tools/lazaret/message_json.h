// Messages as JSON objects, in the words of the HTTP API.
#pragma once

#include <string_view>

#include <boost/json/object.hpp>

#include "base/status.h"
#include "lazaret/lazaret.h"

namespace lazaret::cli {

boost::json::object message_json(const Delivery& delivery);
/// How a request ended; of an answer also the fields of its message.
boost::json::object reply_json(const Reply& reply);

/// A message from a line of JSON; what is not in it stays as in `defaults`. What the broker adds to a message that it
/// shows (source, offset, attempt, …) is passed over, so that what was peeked can be published. BAD_REQUEST otherwise.
base::Result<Message> read_message_json(std::string_view line, const Message& defaults);

/// What the protobuf body of a message that the broker shows says, as JSON; nullopt: it was not decoded, or is none.
std::optional<std::string> decoded_protobuf(const boost::json::object& message);

}  // namespace lazaret::cli

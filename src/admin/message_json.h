// Messages as JSON, out and in.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "admin/mask.h"
#include "base/status.h"
#include "model/message.h"
#include "model/message_times.h"
#include "wire/envelope.h"

namespace lazaret::admin {

inline constexpr std::uint64_t kWholeBody = std::numeric_limits<std::uint64_t>::max();

/// What is shown of a message beside its own bytes.
struct ShownMessage {
  std::string source;  // the queue
  model::Offset offset;
  model::MessageRef message;  // null: damaged
  std::uint32_t attempt = 0;
  bool redelivered = false;
  std::uint64_t body_limit = kWholeBody;  // at most so many bytes of the body are shown
};
/// "body" when it is UTF-8, else "body_base64"; of a damaged message neither, but "damaged": true. Where something is
/// masked, "masked": true; and where the body cannot be, it is null and "withheld" says why. Of a protobuf body, where
/// there are descriptors, "body_protobuf" beside it: {"type", "json", "undecoded"}, each a text or null. A body
/// that is shown opened has "compressed" (how it is) in place of "content_encoding", one that cannot be opened
/// "unopened" (why). Of a body beyond the limit its beginning, as long as whole characters fit, and "body_bytes": how
/// many bytes all of it has.
boost::json::object message_json(const ShownMessage& shown, const Mask& mask,
                                 Compressed compressed = Compressed::stays);
boost::json::object protobuf_json(const ProtobufBody& body);

/// Headers, and what is like them.
using Texts = std::vector<std::pair<std::string, std::string>>;
/// What the object in this field has, a text or a list of them under each name; nothing when it is not there or null.
/// BAD_REQUEST naming the field. Their number and sizes are not checked.
base::Result<Texts> texts_field(const boost::json::object& object, std::string_view name);

struct NewMessage {
  wire::Envelope envelope;
  model::AskedTimes times;
  std::string body;
};
/// As parse_object, of a message: HEADERS_TOO_LARGE for more values than there is memory for.
base::Result<boost::json::object> parse_message_object(std::string_view text);
/// BAD_REQUEST naming the field that is unknown or wrong; HEADERS_TOO_LARGE for too many. Sizes are not checked.
base::Result<NewMessage> read_message_json(std::string_view text);
base::Result<NewMessage> read_message_object(const boost::json::object& object);

}  // namespace lazaret::admin

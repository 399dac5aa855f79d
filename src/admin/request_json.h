// Requests and their replies as JSON.
#pragma once

#include <optional>
#include <string_view>

#include <boost/json/object.hpp>

#include "admin/message_json.h"
#include "model/answer.h"

namespace lazaret::admin {

struct NewRequest {
  NewMessage message;
  base::Duration deadline{};  // from when it is asked
};
/// A message with a `deadline`, which is a duration: a millisecond to kRequestDeadlineMost. BAD_REQUEST naming the
/// field that is unknown or wrong; times of a message are wrong.
base::Result<NewRequest> read_request_json(std::string_view text);
/// So long a call may wait for its reply.
inline constexpr std::chrono::seconds kRequestDeadlineMost{30};

/// What a responder says of a request: a message, or `decline`, which is why; with `progress` a note on the way.
struct NewAnswer {
  NewMessage message;
  std::optional<std::string> decline;  // at most kReasonBytes
  bool progress = false;
};
/// BAD_REQUEST naming the field that is unknown or wrong, also for a decline with more than that.
base::Result<NewAnswer> read_answer_json(std::string_view text);

/// The duration in the field `deadline`, a millisecond to `most`; nullopt when it is not there, null or "". BAD_REQUEST
/// otherwise.
base::Result<std::optional<base::Duration>> read_deadline(const boost::json::object& object, base::Duration most);
/// BAD_REQUEST for a message with times, which a request has none of.
base::Status check_untimed(const NewMessage& message);

/// How it ended, and the reply as a message is shown. REQUIRES that it has ended well or badly: its status is OK.
boost::json::object reply_json(const model::MessageId& request, const model::Replied& reply, const Mask& mask);

}  // namespace lazaret::admin

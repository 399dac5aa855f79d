// Requests and their replies as JSON.
#pragma once

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

/// How it ended, and the reply as a message is shown. REQUIRES that it has ended well or badly: its status is OK.
boost::json::object reply_json(const model::MessageId& request, const model::Replied& reply, const Mask& mask);

}  // namespace lazaret::admin

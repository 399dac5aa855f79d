// What is published, and asked, in one atomic write over HTTP, as JSON.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/message_json.h"
#include "base/time.h"

namespace lazaret::admin {

/// What makes a message a durable request.
struct AskTerms {
  std::string reply_queue;
  base::Duration time_left{};  // from when the broker takes it
  Texts context;               // comes back with the reply
};

/// A message, and where it goes: a queue, or a topic if it is no request.
struct AddressedMessage {
  std::string to;
  NewMessage message;
  std::optional<AskTerms> ask;
};

/// The members of `messages`, one or more: each a message with `to`; with a `reply_queue` it is a durable request, of
/// which `deadline` (a duration: a millisecond to limits::kRequestTimeMost, which it is where nothing is said) and
/// `context` (an object of texts, or of lists of texts) say more. BAD_REQUEST naming the field that is unknown or
/// wrong; times of a request are wrong, and so is an `id` that is there twice for one `to`: of two requests with one id
/// the second would be passed over. BATCH_TOO_LARGE.
base::Result<std::vector<AddressedMessage>> read_together_json(std::string_view text);

}  // namespace lazaret::admin

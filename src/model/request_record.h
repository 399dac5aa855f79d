// A request: a message on a queue whose requester waits for a reply. What the shard of that queue keeps of it outlives
// the ack of the message, and is remembered for a while after its end, so that whoever asks again is told the same.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "model/ids.h"
#include "model/message.h"

namespace lazaret::model {

/// How a request ended, for its requester.
enum class RequestOutcome : std::uint8_t {
  open = 0,       // it has not
  answered = 1,   // with a message
  declined = 2,   // with a reason: the responder has done its work, there is no case
  failed = 3,     // its message became a case
  timed_out = 4,  // the deadline passed first
};
/// "open", "answered", "declined", "failed", "timed_out".
std::string_view name_of(RequestOutcome outcome);

/// How far a request got that timed out.
enum class Reached : std::uint8_t {
  unknown = 0,
  not_delivered = 1,  // no handler ever began on it, and none will
  started = 2,        // one has begun, or may have begun
  settled = 3,        // one has ended well, without a reply
};
/// "unknown", "not_delivered", "started", "settled".
std::string_view name_of(Reached reached);

/// What a responder says: `answered` with a message, or `declined` with a reason.
struct ResponderReply {
  RequestOutcome outcome = RequestOutcome::answered;
  MessageRef message;
  std::string reason;
  /// Whoever took it in says why nothing may become of it.
  base::Code problem = base::Code::OK;
  /// false: a note on the way; the request stays open.
  bool final = true;
};
using ResponderReplyRef = std::shared_ptr<const ResponderReply>;

/// On the disk from the publish of its message until it is forgotten.
struct RequestRecord {
  /// Of the message; with its queue it names the request.
  MessageId id;
  Offset offset;  // of the message in the queue's log
  base::Instant deadline;
  /// Its message was acked without a reply: the responder will answer by a ticket, or not at all.
  bool settled = false;
  RequestOutcome outcome = RequestOutcome::open;
  // What follows is of one that has ended.
  Reached reached = Reached::unknown;  // timed_out
  bool late = false;                   // the reply came behind the deadline
  base::Instant ended_at;
  MessageRef reply;    // answered
  std::string reason;  // declined, failed
};

}  // namespace lazaret::model

// A request: a message on a queue whose requester waits for a reply. What the shard of that queue keeps of it outlives
// the ack of the message, and is remembered for a while after its end, so that whoever asks again is told the same.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// `reply_to` of a request whose requester waits on its connection, where that says nothing else.
inline constexpr std::string_view kToRequester = "lazaret.requester";

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

/// Where the reply of a durable request goes, and what comes back with it.
struct ReplyAddress {
  // The reply queue.
  ShardId shard;
  LogId log;
  std::string queue;
  /// What the requester left with the broker. The responder never sees it.
  std::vector<std::pair<std::string, std::string>> context;
  /// Of the request; "": its own id.
  std::string correlation_id;

  std::size_t size() const;
};
using ReplyAddressRef = std::shared_ptr<const ReplyAddress>;

/// Of several messages that go out in one write: one that is a durable request.
struct AskedAlong {
  std::uint32_t place = 0;  // of its message among them
  MessageId id;             // of that
  base::Instant deadline;
  ReplyAddressRef reply_to;
};

/// A reply, or a note on the way to it, as it is published to a reply queue.
struct PublishedReply {
  MessageId id;  // of the message that it is
  MessageId request;
  const ReplyAddress& to;
  RequestOutcome outcome = RequestOutcome::open;  // open: of a note
  Reached reached = Reached::unknown;
  bool late = false;
  std::string_view reason = {};
  std::optional<CaseId> case_id = std::nullopt;
  const Message* message = nullptr;  // answered, and of a note
};

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
  /// Its reply is published there, in the write that ends it, and not kept here. Null: told to whoever waits.
  ReplyAddressRef reply_to = nullptr;
  /// While it is open: what its responder said last on the way. Written behind: a crash may take it back.
  MessageRef note = nullptr;
};

}  // namespace lazaret::model

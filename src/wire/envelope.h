// Envelope: the publisher's words about a message, as plain fields. On the wire and on the disk it is an encoded
// `lazaret.wire.v1.Envelope`, kept bit for bit.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/ids.h"
#include "model/message_facts.h"
#include "model/request_record.h"

namespace lazaret::wire {

/// What the broker says of a reply that it publishes.
struct ReplyInfo {
  model::MessageId request;
  model::RequestOutcome outcome = model::RequestOutcome::open;  // open: of a note
  model::Reached reached = model::Reached::unknown;
  bool late = false;
  bool final = true;
  std::string reason;
  std::string case_id;
  std::vector<std::pair<std::string, std::string>> context;
  bool operator==(const ReplyInfo&) const = default;
};

struct Envelope {
  model::MessageId id;  // nil: none was given
  std::string key;
  std::string type;
  std::string content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string correlation_id;
  std::string causation_id;
  std::string reply_to;
  std::int64_t deadline_us = 0;
  std::int64_t expires_at_us = 0;
  std::uint32_t priority = 0;
  std::string schema_id;
  std::string content_encoding;
  std::string traceparent;
  std::optional<ReplyInfo> reply;  // not encoded: the broker alone says it
  bool operator==(const Envelope&) const = default;
};

std::string encode_envelope(const Envelope& envelope);
/// BAD_REQUEST when the bytes are no envelope.
base::Result<Envelope> decode_envelope(std::string_view bytes);

/// The same as views of the bytes, for whoever reads one for each message: good as long as those are.
struct EnvelopeView {
  model::MessageFacts facts;
  model::MessageId id;
  std::string_view causation_id;
  std::string_view reply_to;
  std::string_view content_encoding;
  std::string_view traceparent;
  std::string_view reply;  // encoded; "": it is none
  std::int64_t deadline_us = 0;
  std::int64_t expires_at_us = 0;
  std::uint32_t priority = 0;
};
/// BAD_REQUEST when the bytes are no envelope. Whoever took them from a publisher looked whether texts are UTF-8; this
/// does not. What is in `view` before goes; its room is used again.
base::Status read_envelope(std::string_view bytes, EnvelopeView& view);
std::string encode_envelope(const EnvelopeView& view);

/// Of EnvelopeView::reply; nullopt when that is none.
std::optional<ReplyInfo> read_reply(std::string_view bytes);
/// The envelope of a reply on its way to a reply queue: the responder's, if there is one, with an id of its own, with
/// what it belongs to unless the responder has said so, and with what the broker says.
base::SharedBytes reply_envelope(const model::PublishedReply& reply);

/// What the broker has to know of an envelope that it takes as it is.
struct EnvelopeFacts {
  bool has_id = false;  // the publisher gave one
  std::int64_t expires_at_us = 0;
  std::uint8_t priority = 0;
};
/// Whether the broker takes these bytes: HEADERS_TOO_LARGE or BAD_REQUEST naming the field, or OK and `facts`.
base::Status check_envelope(std::string_view bytes, std::size_t max_bytes, EnvelopeFacts& facts);
/// The hash of the key in these bytes, which check_envelope took; 0: there is none. Reads no other field.
model::KeyHash key_hash(std::string_view bytes);
/// What filters and consumers choose by, read from these bytes, which check_envelope took, without decoding the rest.
void read_facts(std::string_view bytes, model::MessageFacts& facts);
/// The bytes with an id added at their end; for envelopes that came without one.
std::string with_id(std::string_view bytes, const model::MessageId& id);
/// The same with the time when the message expires.
std::string with_expiry(std::string_view bytes, std::int64_t expires_at_us);

}  // namespace lazaret::wire

// Between the messages of users and those of the wire.
#pragma once

#include "base/bytes.h"
#include "base/status.h"
#include "base/time.h"
#include "lazaret/types.h"
#include "wire/frames.h"

namespace lazaret::detail {

base::Uuid uuid_of(const MessageId& id);
/// Since the Unix epoch, as times are on the wire.
std::int64_t micros_of(std::chrono::system_clock::time_point time);
std::chrono::system_clock::time_point time_of(std::int64_t micros);
/// Makes it a durable request: who replies sees where to, and until when. Says how long that is from now.
base::Duration make_durable(Message& message, milliseconds within, const std::string& reply_queue);
/// The envelope's bytes; the message has an id afterwards.
base::SharedBytes encode_envelope(Message& message);
base::SharedBytes shared_body(const Body& body);
/// Fills in an empty message. BAD_REQUEST or CHECKSUM_MISMATCH when the bytes are not what the publisher sent.
base::Status decode_message(const base::SharedBytes& envelope, const base::SharedBytes& body, std::uint32_t body_crc,
                            base::Instant published_at, Message& message);

}  // namespace lazaret::detail

#include "client/message_codec.h"

#include <random>

#include "base/crc32c.h"
#include "base/random.h"
#include "wire/envelope.h"

namespace lazaret {

MessageId MessageId::make() {
  thread_local base::Random random([] {
    std::random_device device;
    return (static_cast<std::uint64_t>(device()) << 32) | device();
  }());
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  const auto ms = std::chrono::duration_cast<milliseconds>(now).count();
  return MessageId{base::Uuid::v7(ms, random.next(), random.next()).bytes};
}

std::optional<MessageId> MessageId::parse(std::string_view text) {
  const auto uuid = base::Uuid::parse(text);
  if (!uuid) return std::nullopt;
  return MessageId{uuid->bytes};
}

std::string MessageId::to_string() const { return base::Uuid{bytes}.to_string(); }

namespace detail {

base::Uuid uuid_of(const MessageId& id) { return base::Uuid{id.bytes}; }

std::int64_t micros_of(std::chrono::system_clock::time_point time) {
  return std::chrono::time_point_cast<std::chrono::microseconds>(time).time_since_epoch().count();
}

base::SharedBytes encode_envelope(Message& message) {
  if (message.id.is_nil()) message.id = MessageId::make();
  wire::Envelope envelope;
  envelope.id = uuid_of(message.id);
  envelope.key = std::move(message.key);
  envelope.type = std::move(message.type);
  envelope.content_type = std::move(message.content_type);
  envelope.headers = std::move(message.headers);
  envelope.correlation_id = std::move(message.correlation_id);
  envelope.causation_id = std::move(message.causation_id);
  envelope.reply_to = std::move(message.reply_to);
  envelope.schema_id = std::move(message.schema_id);
  envelope.traceparent = std::move(message.traceparent);
  if (message.ttl.count() <= 0) envelope.expires_at_us = micros_of(message.expires_at);
  envelope.content_encoding = std::move(message.content_encoding);
  envelope.deadline_us = std::chrono::duration_cast<base::Duration>(message.deadline.time_since_epoch()).count();
  return base::SharedBytes::of(wire::encode_envelope(envelope));
}

base::SharedBytes shared_body(const Body& body) { return {body.owner(), body.view()}; }

base::Result<Message> decode_message(const base::SharedBytes& bytes, const base::SharedBytes& body,
                                     std::uint32_t body_crc, const std::string& source, std::uint64_t offset,
                                     base::Instant published_at) {
  auto envelope = wire::decode_envelope(bytes.view());
  if (!envelope.ok()) return envelope.status();
  if (base::crc32c(body.view()) != body_crc) return base::Status(base::Code::CHECKSUM_MISMATCH);
  Message message;
  message.body = Body(body.owner(), body.view());
  message.id = MessageId{envelope->id.bytes};
  message.key = std::move(envelope->key);
  message.type = std::move(envelope->type);
  message.content_type = std::move(envelope->content_type);
  message.headers = std::move(envelope->headers);
  message.correlation_id = std::move(envelope->correlation_id);
  message.causation_id = std::move(envelope->causation_id);
  message.reply_to = std::move(envelope->reply_to);
  message.schema_id = std::move(envelope->schema_id);
  message.traceparent = std::move(envelope->traceparent);
  message.expires_at = std::chrono::system_clock::time_point(std::chrono::microseconds(envelope->expires_at_us));
  message.content_encoding = std::move(envelope->content_encoding);
  message.source = source;
  message.offset = offset;
  message.deadline = std::chrono::system_clock::time_point(std::chrono::microseconds(envelope->deadline_us));
  message.published_at = std::chrono::system_clock::time_point(std::chrono::microseconds(published_at.us));
  return message;
}

}  // namespace detail
}  // namespace lazaret

#include "admin/given_message.h"

#include <random>

#include "base/crc32c.h"
#include "base/random.h"

namespace lazaret::admin {

using base::Code;
using base::Result;
using base::Status;

model::MessageId new_id(base::Instant now) {
  thread_local base::Random random((std::uint64_t{std::random_device{}()} << 32) | std::random_device{}());
  return model::MessageId::v7(now.us / 1000, random.next(), random.next());
}

void make_request(wire::Envelope& envelope, std::string_view reply_to, base::Instant deadline) {
  if (envelope.correlation_id.empty()) envelope.correlation_id = envelope.id.to_string();
  if (envelope.reply_to.empty()) envelope.reply_to = reply_to;
  envelope.deadline_us = deadline.us;
}

Result<std::shared_ptr<model::Message>> make_message(const ServerConfig& config, base::Instant now,
                                                     NewMessage&& given) {
  if (given.body.size() > config.max_message_bytes) {
    return Status(Code::MESSAGE_TOO_LARGE, "the body has " + std::to_string(given.body.size()) + " bytes, at most " +
                                               std::to_string(config.max_message_bytes) + " are allowed")
        .with_limit("max_message_bytes", static_cast<std::int64_t>(config.max_message_bytes));
  }
  auto message = std::make_shared<model::Message>();
  LZ_RETURN_IF_ERROR(model::set_times(given.times, now, *message));
  given.envelope.expires_at_us = message->expires_at.us;
  std::string envelope = wire::encode_envelope(given.envelope);
  wire::EnvelopeFacts facts;
  LZ_RETURN_IF_ERROR(wire::check_envelope(envelope, config.max_header_bytes, facts));
  message->priority = facts.priority;
  message->envelope = base::SharedBytes::of(std::move(envelope));
  message->body_crc = base::crc32c(given.body);
  message->body = base::SharedBytes::of(std::move(given.body));
  return message;
}

}  // namespace lazaret::admin

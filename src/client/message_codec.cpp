#include "client/message_codec.h"

#include <algorithm>
#include <random>

#include "base/crc32c.h"
#include "base/random.h"
#include "model/limits.h"
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

std::chrono::system_clock::time_point time_of(std::int64_t micros) {
  return std::chrono::system_clock::time_point(std::chrono::microseconds(micros));
}

base::SharedBytes encode_envelope(Message& message) {
  if (message.id.is_nil()) message.id = MessageId::make();
  thread_local wire::EnvelopeView view;
  view.id = uuid_of(message.id);
  view.facts.key = message.key;
  view.facts.type = message.type;
  view.facts.content_type = message.content_type;
  view.facts.headers.assign(message.headers.begin(), message.headers.end());
  view.facts.correlation_id = message.correlation_id;
  view.facts.schema_id = message.schema_id;
  view.causation_id = message.causation_id;
  view.reply_to = message.reply_to;
  view.traceparent = message.traceparent;
  view.content_encoding = message.content_encoding;
  view.expires_at_us = message.ttl.count() > 0 ? 0 : micros_of(message.expires_at);
  view.priority = static_cast<std::uint32_t>(message.priority);
  view.deadline_us = std::chrono::duration_cast<base::Duration>(message.deadline.time_since_epoch()).count();
  return base::SharedBytes::of(wire::encode_envelope(view));
}

base::Duration make_durable(Message& message, milliseconds within, const std::string& reply_queue) {
  if (message.id.is_nil()) message.id = MessageId::make();
  if (message.correlation_id.empty()) message.correlation_id = message.id.to_string();
  if (message.reply_to.empty()) message.reply_to = reply_queue;
  constexpr base::Duration kMost = model::limits::kRequestTimeMost;
  const base::Duration time = within.count() > 0 ? base::Duration(within) : kMost;
  message.deadline =
      std::chrono::time_point_cast<std::chrono::system_clock::duration>(std::chrono::system_clock::now() + time);
  return time;
}

base::SharedBytes shared_body(const Body& body) { return {body.owner(), body.view()}; }

namespace {

/// Null: it cannot be read, and is taken for no reply.
std::shared_ptr<const Reply> reply_from(std::string_view bytes) {
  auto info = wire::read_reply(bytes);
  if (!info) return nullptr;
  auto reply = std::make_shared<Reply>();
  if (info->outcome != model::RequestOutcome::open) reply->outcome = static_cast<Outcome>(info->outcome);
  reply->reached = static_cast<Reached>(info->reached);
  reply->late = info->late;
  reply->final = info->final;
  reply->reason = std::move(info->reason);
  reply->case_id = std::move(info->case_id);
  reply->request = MessageId{info->request.bytes};
  reply->context = std::move(info->context);
  return reply;
}

}  // namespace

/// Most fields of most messages are not set, and cost nothing.
base::Status decode_message(const base::SharedBytes& envelope, const base::SharedBytes& body, std::uint32_t body_crc,
                            base::Instant published_at, Message& message) {
  thread_local wire::EnvelopeView view;
  if (base::Status read = wire::read_envelope(envelope.view(), view); !read.ok()) return read;
  if (base::crc32c(body.view()) != body_crc) return base::Status(base::Code::CHECKSUM_MISMATCH);
  message.body = Body(body.owner(), body.view());
  message.id = MessageId{view.id.bytes};
  const auto set = [](std::string& field, std::string_view value) {
    if (!value.empty()) field = value;
  };
  set(message.key, view.facts.key);
  set(message.type, view.facts.type);
  set(message.content_type, view.facts.content_type);
  for (const auto& [name, value] : view.facts.headers) message.headers.emplace_back(name, value);
  set(message.correlation_id, view.facts.correlation_id);
  set(message.causation_id, view.causation_id);
  set(message.reply_to, view.reply_to);
  set(message.schema_id, view.facts.schema_id);
  set(message.traceparent, view.traceparent);
  set(message.content_encoding, view.content_encoding);
  message.expires_at = time_of(view.expires_at_us);
  message.deadline = time_of(view.deadline_us);
  message.priority = static_cast<int>(view.priority);
  message.published_at = time_of(published_at.us);
  if (!view.reply.empty()) message.reply = reply_from(view.reply);
  return {};
}

}  // namespace detail
}  // namespace lazaret

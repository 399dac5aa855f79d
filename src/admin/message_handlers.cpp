// Publishing over HTTP: one message, answered when it is durable.
#include <random>

#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/crc32c.h"
#include "base/random.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

model::MessageId new_id(base::Instant now) {
  thread_local base::Random random((std::uint64_t{std::random_device{}()} << 32) | std::random_device{}());
  return model::MessageId::v7(now.us / 1000, random.next(), random.next());
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
  message->envelope = base::SharedBytes::of(std::move(envelope));
  message->body_crc = base::crc32c(given.body);
  message->body = base::SharedBytes::of(std::move(given.body));
  return message;
}

}  // namespace

Result<Response> publish_message(Broker& broker, const Request& request, model::Kind kind) {
  auto given = read_message_json(request.body);
  if (!given.ok()) return given.status();
  const auto queue = kind == model::Kind::queue ? find_or_create_queue(broker, request.arguments[0], request.deadline)
                                                : find_named(broker, request.arguments[0], kind);
  if (!queue.ok()) return queue.status();
  if (given->envelope.id.is_nil()) given->envelope.id = new_id(broker.engine.now());
  const model::MessageId id = given->envelope.id;
  auto message = make_message(broker.config, broker.engine.now(), std::move(*given));
  if (!message.ok()) return message.status();

  model::Publish command;
  command.log = (*queue)->log;
  command.items.push_back({0, std::move(*message)});
  const auto published = ask<model::Published>(broker.desk, (*queue)->shard, std::move(command), request.deadline);
  if (!published.ok()) return published.status();
  LZ_ASSERT(published->results.size() == 1);
  const model::PublishResult& result = published->results.front();
  if (result.code != Code::OK) return Status(result.code);
  return json_response(201, json::object{{"id", id.to_string()}, {"offset", result.offset.value}});
}

}  // namespace lazaret::admin

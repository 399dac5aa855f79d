// Publishing over HTTP: one message, answered when it is durable; with 200 when it was there already.
#include "admin/auto_create.h"
#include "admin/desk_wait.h"
#include "admin/given_message.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"

namespace lazaret::admin {

using base::Code;
using base::Result;
using base::Status;

Result<Response> publish_message(Broker& broker, const Request& request, model::Kind kind) {
  auto given = read_message_json(request.body);
  if (!given.ok()) return given.status();
  const auto queue = kind == model::Kind::queue ? find_or_create_queue(broker, request, request.arguments[0])
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
  return json_response(
      result.duplicate ? 200 : 201,
      json::object{{"id", id.to_string()}, {"offset", result.offset.value}, {"duplicate", result.duplicate}});
}

}  // namespace lazaret::admin

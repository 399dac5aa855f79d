// Publishing over HTTP: one message, answered when it is durable.
#include "admin/desk_wait.h"
#include "admin/given_message.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// One element of `messages`: where it goes, and the message.
Status read_addressed(const json::value& element, std::string& to, NewMessage& message) {
  if (!element.is_object()) return Status(Code::BAD_REQUEST, "messages: each must be an object");
  json::object object = element.as_object();
  const json::value* place = object.if_contains("to");
  if (place == nullptr || !place->is_string()) {
    return Status(Code::BAD_REQUEST, "messages: each needs a text `to`, a queue or a topic");
  }
  to = std::string(place->as_string());
  object.erase("to");
  auto read = read_message_object(object);
  if (!read.ok()) return read.status();
  message = std::move(*read);
  return {};
}

/// The first message is what is published, and the others go with it.
Status add_together(Broker& broker, const Request& request, const json::value& element, model::Publish& command,
                    model::Outgoing& others, model::ShardId& home, json::array& answer) {
  std::string name;
  NewMessage given;
  LZ_RETURN_IF_ERROR(read_addressed(element, name, given));
  const auto queue = find_or_create_destination(broker, request, name);
  if (!queue.ok()) return queue.status();
  if (given.envelope.id.is_nil()) given.envelope.id = new_id(broker.engine.now());
  answer.push_back(json::object{{"to", name}, {"id", given.envelope.id.to_string()}});
  auto message = make_message(broker.config, broker.engine.now(), std::move(given));
  if (!message.ok()) return message.status();
  if (command.items.empty()) {
    home = (*queue)->shard;
    command.log = (*queue)->log;
    command.items.push_back({0, std::move(*message)});
  } else {
    others.to.push_back({(*queue)->shard, (*queue)->log, {std::move(*message)}});
  }
  return {};
}

}  // namespace

Result<Response> publish_together(Broker& broker, const Request& request) {
  const auto object = parse_object(request.body, {"messages"});
  if (!object.ok()) return object.status();
  const json::value* messages = object->if_contains("messages");
  if (messages == nullptr || !messages->is_array() || messages->as_array().empty()) {
    return Status(Code::BAD_REQUEST, "messages must be a list of one message or more");
  }
  if (messages->as_array().size() > model::limits::kBatchItems) {
    return Status(Code::BATCH_TOO_LARGE).with_limit("max_batch_items", model::limits::kBatchItems);
  }
  model::Publish command;
  auto others = std::make_shared<model::Outgoing>();
  model::ShardId home;
  json::array answer;
  for (const json::value& element : messages->as_array()) {
    LZ_RETURN_IF_ERROR(add_together(broker, request, element, command, *others, home, answer));
  }
  if (!others->to.empty()) command.outgoing = std::move(others);
  const auto published = ask<model::Published>(broker.desk, home, std::move(command), request.deadline);
  if (!published.ok()) return published.status();
  const model::PublishResult& result = published->results.front();
  if (result.code != Code::OK) return Status(result.code);
  answer.front().as_object()["offset"] = result.offset.value;
  return json_response(201, json::object{{"items", std::move(answer)}});
}

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
  return json_response(201, json::object{{"id", id.to_string()}, {"offset", result.offset.value}});
}

}  // namespace lazaret::admin

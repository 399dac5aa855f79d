#include "admin/together_json.h"

#include <set>
#include <utility>

#include "admin/json_text.h"
#include "admin/request_json.h"
#include "model/limits.h"
#include "model/too_many.h"

namespace lazaret::admin {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

namespace {

/// What it says beyond its message is taken out; nullopt: its reply goes nowhere, so it is none.
Result<std::optional<AskTerms>> take_ask(json::object& object) {
  auto reply_queue = text_field(object, "reply_queue");
  if (!reply_queue.ok()) return reply_queue.status();
  object.erase("reply_queue");
  if (reply_queue->empty()) return std::optional<AskTerms>();
  AskTerms terms;
  terms.reply_queue = std::move(*reply_queue);
  auto deadline = read_deadline(object, limits::kRequestTimeMost);
  if (!deadline.ok()) return deadline.status();
  terms.time_left = deadline->value_or(limits::kRequestTimeMost);
  object.erase("deadline");
  auto context = texts_field(object, "context");
  if (!context.ok()) return context.status();
  terms.context = std::move(*context);
  object.erase("context");
  return std::optional(std::move(terms));
}

Result<AddressedMessage> read_addressed(const json::value& element) {
  if (!element.is_object()) return Status(Code::BAD_REQUEST, "messages: each must be an object");
  json::object object = element.get_object();
  const json::value* place = object.if_contains("to");
  if (place == nullptr || !place->is_string()) {
    return Status(Code::BAD_REQUEST, "messages: each needs a text `to`, a queue or a topic");
  }
  AddressedMessage one;
  one.to = std::string(place->get_string());
  object.erase("to");
  auto ask = take_ask(object);
  if (!ask.ok()) return ask.status();
  one.ask = std::move(*ask);
  auto message = read_message_object(object);
  if (!message.ok()) return message.status();
  if (one.ask) LZ_RETURN_IF_ERROR(check_untimed(*message));
  one.message = std::move(*message);
  return one;
}

}  // namespace

Result<std::vector<AddressedMessage>> read_together_json(std::string_view text) {
  const auto object = parse_object(text, {"messages"});
  if (!object.ok()) return object.status();
  const json::value* messages = object->if_contains("messages");
  if (messages == nullptr || !messages->is_array() || messages->get_array().empty()) {
    return Status(Code::BAD_REQUEST, "messages must be a list of one message or more");
  }
  if (messages->get_array().size() > limits::kBatchItems) {
    return model::batch_too_large(messages->get_array().size());
  }
  std::vector<AddressedMessage> all;
  std::set<std::pair<std::string, std::string>> known;  // by place and id
  all.reserve(messages->get_array().size());
  for (const json::value& element : messages->get_array()) {
    auto one = read_addressed(element);
    if (!one.ok()) return one.status();
    const model::MessageId& id = one->message.envelope.id;
    if (!id.is_nil() && !known.emplace(one->to, id.to_string()).second) {
      return Status(Code::BAD_REQUEST, "messages: to " + one->to + " there are two of the id " + id.to_string());
    }
    all.push_back(std::move(*one));
  }
  return all;
}

}  // namespace lazaret::admin

#include "publish_together.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "base/duration_text.h"
#include "message_json.h"
#include "output.h"

namespace lazaret::cli {

namespace json = boost::json;
using base::Code;

namespace {

/// The text of a member, which is taken out; "" when it is not there.
std::string take_text(json::object& object, std::string_view name, const char* wrong) {
  const json::value* value = object.if_contains(name);
  if (value == nullptr) return {};
  if (!value->is_string()) fail(Code::BAD_REQUEST, wrong);
  std::string text(value->get_string());
  object.erase(name);
  return text;
}

Headers take_context(json::object& object) {
  Headers context;
  const json::value* value = object.if_contains("context");
  if (value == nullptr) return context;
  if (!value->is_object()) fail(Code::BAD_REQUEST, "context: must be an object of texts");
  for (const auto& [name, text] : value->get_object()) {
    if (!text.is_string()) fail(Code::BAD_REQUEST, "context: must be an object of texts");
    context.emplace_back(std::string(name), std::string(text.get_string()));
  }
  object.erase("context");
  return context;
}

/// What makes the message a request; one whose reply goes nowhere is none.
DurableAsk take_ask(json::object& object) {
  DurableAsk ask;
  ask.reply_queue = take_text(object, "reply_queue", "reply_queue: must be the name of a queue");
  if (ask.reply_queue.empty()) {
    // A peek shows the context of a reply, which says of which request it is; to publish that again is no request.
    const json::value* context = object.if_contains("context");
    const bool left_here = context != nullptr && !context->is_null() && !object.contains("request");
    if (left_here) fail(Code::BAD_REQUEST, "context: it comes back with a reply, so it needs a \"reply_queue\"");
    return ask;
  }
  if (const std::string text = take_text(object, "deadline", "deadline: must be a text such as 72h"); !text.empty()) {
    const auto within = base::parse_duration(text);
    if (!within.ok()) fail(Code::BAD_REQUEST, "deadline: " + within.status().text());
    ask.ask.within = std::chrono::duration_cast<milliseconds>(*within);
    if (ask.ask.within.count() == 0) fail(Code::BAD_REQUEST, "deadline: must be a millisecond or more");
  }
  ask.context = take_context(object);
  return ask;
}

}  // namespace

Message& Together::add(const std::string& line, const std::string& queue, const Message& defaults) {
  boost::system::error_code error;
  json::value value = json::parse(line, error);
  if (error || !value.is_object()) fail(Code::BAD_REQUEST, "each line must be a message as a JSON object");
  json::object& object = value.as_object();
  std::string to = take_text(object, "to", "to: must be the name of a queue or a topic");
  if (to.empty()) to = queue;
  if (to.empty()) fail(Code::BAD_REQUEST, "a message needs a member \"to\", or a NAME on the command line");
  DurableAsk ask = take_ask(object);
  auto message = read_message_json(json::serialize(object), defaults);
  if (!message.ok()) fail(message.status().code(), message.status().text());
  const bool asks = !ask.reply_queue.empty();
  lines_.push_back({asks, asks ? asks_.size() : messages_.size()});
  if (!asks) {
    messages_.push_back({std::move(to), std::move(*message)});
    return messages_.back().message;
  }
  const bool timed =
      message->delay.count() > 0 || message->ttl.count() > 0 || message->deliver_at.time_since_epoch().count() != 0;
  if (timed) fail(Code::BAD_REQUEST, "a request has a deadline, and neither a delay nor a time to live");
  ask.ask.to = std::move(to);
  ask.ask.message = std::move(*message);
  asks_.push_back(std::move(ask));
  return asks_.back().ask.message;
}

const std::string& Together::place_of(const Line& line) const {
  return line.asks ? asks_[line.place].ask.to : messages_[line.place].to;
}

Message& Together::message_of(const Line& line) {
  return line.asks ? asks_[line.place].ask.message : messages_[line.place].message;
}

void Together::publish(Client client, bool as_json) {
  for (const Line& line : lines_) {
    if (message_of(line).id.is_nil()) message_of(line).id = MessageId::make();
  }
  const Receipt receipt = client.publish_all(messages_, asks_);
  if (!as_json) {
    const std::string requests = asks_.empty() ? "" : ", " + counted(asks_.size(), "request") + " among them,";
    print_line("published " + counted(lines_.size(), "message") + requests + " together" +
               (receipt.duplicate ? ", as before" : ""));
    return;
  }
  for (std::size_t i = 0; i < lines_.size(); ++i) {
    const Message& message = message_of(lines_[i]);
    json::object line{{"index", i}, {"to", place_of(lines_[i])}, {"id", message.id.to_string()}};
    if (message.id == receipt.id) line["offset"] = receipt.offset;
    line["duplicate"] = receipt.duplicate;
    print_json(line);
  }
}

}  // namespace lazaret::cli

#include "publish_together.h"

#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>

#include "message_json.h"
#include "output.h"

namespace lazaret::cli {

namespace json = boost::json;
using base::Code;

Addressed read_addressed_json(const std::string& line, const std::string& queue, const Message& defaults) {
  boost::system::error_code error;
  json::value value = json::parse(line, error);
  if (error || !value.is_object()) fail(Code::BAD_REQUEST, "each line must be a message as a JSON object");
  json::object& object = value.as_object();
  Addressed one{queue, {}};
  if (const json::value* to = object.if_contains("to")) {
    if (!to->is_string()) fail(Code::BAD_REQUEST, "to: must be the name of a queue or a topic");
    one.to = std::string(to->as_string());
    object.erase("to");
  }
  if (one.to.empty()) fail(Code::BAD_REQUEST, "a message needs a member \"to\", or a NAME on the command line");
  auto message = read_message_json(json::serialize(object), defaults);
  if (!message.ok()) fail(message.status().code(), message.status().text());
  one.message = std::move(*message);
  return one;
}

void publish_together(Client client, std::vector<Addressed> messages, bool as_json) {
  for (Addressed& one : messages) {
    if (one.message.id.is_nil()) one.message.id = MessageId::make();
  }
  const Receipt receipt = client.publish_all(messages);
  if (!as_json) {
    print_line("published " + counted(messages.size(), "message") + " together" +
               (receipt.duplicate ? ", as before" : ""));
    return;
  }
  for (std::size_t i = 0; i < messages.size(); ++i) {
    json::object line{{"index", i}, {"to", messages[i].to}, {"id", messages[i].message.id.to_string()}};
    if (i == 0) line["offset"] = receipt.offset;
    line["duplicate"] = receipt.duplicate;
    print_json(line);
  }
}

}  // namespace lazaret::cli

// lazaret peek NAME
#include <unistd.h>

#include <algorithm>

#include "commands.h"
#include "http_client.h"
#include "message_json.h"
#include "output.h"

namespace lazaret::cli {
namespace {

struct Given {
  std::string name;
  std::uint64_t count = 10;
  std::optional<std::uint64_t> from;
  std::string state;
};

/// Items of one request; bodies may be large.
constexpr std::uint64_t kPage = 100;

std::string body_for_people(const json::object& message) {
  if (message.contains("content_encoding")) return "(" + cell(message, "content_encoding") + ")";
  if (const auto decoded = decoded_protobuf(message)) return printable(*decoded);
  if (const json::value* text = message.if_contains("body"); text != nullptr && text->is_string()) {
    return printable(std::string_view(text->get_string()));
  }
  if (const json::value* bytes = message.if_contains("body_base64"); bytes != nullptr && bytes->is_string()) {
    return "base64:" + std::string(bytes->get_string());
  }
  return message.contains("damaged") ? "(damaged)" : "-";
}

void peek(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  const std::string kind = plural_of(http, given.name, {"subscriptions", "topics"});
  Table table{"OFFSET", "STATE", "ATTEMPT", "ID", "TYPE", "KEY", "BODY"};
  std::string from = given.from ? std::to_string(*given.from) : "";
  for (std::uint64_t left = given.count; left > 0;) {
    Query query{{"count", std::to_string(std::min(left, kPage))}};
    if (!from.empty()) query.emplace_back("from", from);
    if (!given.state.empty()) query.emplace_back("state", given.state);
    const json::object page = http.get(target({kind, given.name, "messages"}, query)).as_object();
    for (const json::value& item : page.at("items").as_array()) {
      const json::object& message = item.as_object();
      if (left > 0) --left;
      if (connection.json) {
        print_json(message);
        continue;
      }
      table.add({cell(message, "offset"), cell(message, "state"), cell(message, "attempt"), cell(message, "id"),
                 cell(message, "type"), cell(message, "key"), body_for_people(message)});
    }
    if (!connection.json) table.print();
    const json::value& cursor = page.at("cursor");
    if (!cursor.is_string() || from == std::string_view(cursor.get_string())) return;  // it goes nowhere
    from = std::string(cursor.get_string());
  }
}

}  // namespace

void add_peek_command(CLI::App& app, const Connection& connection) {
  CLI::App* command =
      app.add_subcommand("peek", "Look at messages of a queue, subscription or topic without taking them");
  const auto given = std::make_shared<Given>();
  command->add_option("name", given->name, "Name of the queue, subscription or topic")->required()->type_name("NAME");
  command->add_option("--count", given->count, "Messages at most (10)")->type_name("N")->check(at_least_one());
  command
      ->add_option("--from", given->from,
                   "First offset; the oldest that is not settled, or of a topic that is kept, when not given")
      ->type_name("OFFSET")
      ->check(whole_number());
  command
      ->add_option(
          "--state", given->state,
          "Only these: settled, ready, leased, waiting, scheduled, held, in_hospital, replaying; not of a topic")
      ->type_name("STATE");
  command->callback([&connection, given] { peek(connection, *given); });
}

}  // namespace lazaret::cli

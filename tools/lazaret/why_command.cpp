// lazaret why NAME [MESSAGE]
#include "commands.h"
#include "http_client.h"
#include "output.h"

namespace lazaret::cli {
namespace {

struct Given {
  std::string name;
  std::string message;
};

void why(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  Query query;
  if (!given.message.empty()) query.emplace_back("message", given.message);
  const json::value answer = http.get(target({plural_of(http, given.name), given.name, "why"}, query));
  if (connection.json) return print_json(answer);
  for (const json::value& cause : answer.at("causes").as_array()) print_line(cell(cause.as_object(), "text"));
}

}  // namespace

void add_why_command(CLI::App& app, const Connection& connection) {
  CLI::App* command = app.add_subcommand("why", "Say why messages of a queue or subscription are not being delivered");
  const auto given = std::make_shared<Given>();
  command->add_option("name", given->name, "Name of the queue or subscription")->required()->type_name("NAME");
  command->add_option("message", given->message, "Of this one: an offset, or a message id")->type_name("MESSAGE");
  command->callback([&connection, given] { why(connection, *given); });
}

}  // namespace lazaret::cli

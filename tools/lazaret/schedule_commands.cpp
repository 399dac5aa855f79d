// lazaret schedule list|cancel NAME
#include "commands.h"
#include "http_client.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct Given {
  std::string name;
  std::string message;
};

/// Where the HTTP API has what is called so, also a topic.
std::string place_of(HttpClient& http, const std::string& name) {
  try {
    return plural_of(http, name);
  } catch (const Error& error) {
    if (error.problem.code != base::error_info(Code::NOT_FOUND).name) throw;
  }
  try {
    http.get(target({"topics", name}));
  } catch (const Error& error) {
    if (error.problem.code != base::error_info(Code::NOT_FOUND).name) throw;
    fail(Code::NOT_FOUND, "there is no queue, subscription or topic " + name);
  }
  return "topics";
}

void list(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  Table table{"OFFSET", "DELIVER AT", "ID", "TYPE", "KEY", "BYTES"};
  const std::string plural = place_of(http, given.name);
  if (plural == "topics") fail(Code::USAGE, given.name + " is a topic: name one of its subscriptions");
  http.each_item(
      {plural, given.name, "scheduled"}, {{"limit", "1000"}},
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        table.add({cell(one, "offset"), cell(one, "deliver_at"), cell(one, "id"), cell(one, "type"), cell(one, "key"),
                   cell(one, "body_bytes")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

void cancel(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  const std::string where = target({place_of(http, given.name), given.name, "scheduled", given.message});
  const json::object answer = http.request("DELETE", where).body.as_object();
  if (connection.json) return print_json(answer);
  print_line("cancelled message " + cell(answer, "offset") + " of " + given.name);
}

}  // namespace

void add_schedule_commands(CLI::App& app, const Connection& connection) {
  CLI::App* schedule =
      app.add_subcommand("schedule", "Messages published with --delay or --at: look at them, cancel them");
  schedule->require_subcommand(1);
  schedule->fallthrough();
  const auto given = std::make_shared<Given>();
  CLI::App* listing = schedule->add_subcommand("list", "What is not delivered yet, the earliest first");
  listing->add_option("name", given->name, "Name of the queue or subscription")->required()->type_name("NAME");
  listing->callback([&connection, given] { list(connection, *given); });
  CLI::App* cancelling = schedule->add_subcommand("cancel", "Drop a message before its time has come");
  cancelling
      ->add_option("name", given->name, "Name of the queue or subscription, or of a topic: for all its subscriptions")
      ->required()
      ->type_name("NAME");
  cancelling->add_option("message", given->message, "Its offset or its id; of a topic its offset")
      ->required()
      ->type_name("OFFSET|ID");
  cancelling->callback([&connection, given] { cancel(connection, *given); });
}

}  // namespace lazaret::cli

// lazaret hospital correlation ID
#include "commands.h"
#include "http_client.h"
#include "output.h"

namespace lazaret::cli {
namespace {

/// Of an attempt whose it was and how it went; of an admission why.
std::string detail_of(const json::object& event) {
  const json::value* attempt = event.if_contains("attempt");
  if (attempt == nullptr || !attempt->is_object()) return event.contains("reason") ? cell(event, "reason") : "";
  const json::object& one = attempt->get_object();
  std::string detail = cell(one, "number") + " " + cell(one, "outcome");
  const json::value* consumer = one.if_contains("consumer");
  if (consumer != nullptr && consumer->is_object()) detail += " by " + cell(consumer->get_object(), "name");
  if (const std::string error = cell(one, "error_message"); error != "-") detail += ": " + error;
  return detail;
}

void show(const Connection& connection, const std::string& id) {
  HttpClient http(connection.admin_address());
  Table table{"AT", "WHAT", "CASE", "QUEUE", "DETAIL"};
  http.each_item(
      {"correlations", id}, {},
      [&](const json::object& event) {
        if (connection.json) return print_json(event);
        table.add({cell(event, "at"), cell(event, "what"), cell(event, "case"), cell(event, "subscription"),
                   detail_of(event)});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

}  // namespace

void add_correlation_command(CLI::App& hospital, const Connection& connection) {
  CLI::App* command =
      hospital.add_subcommand("correlation", "What the hospital knows of one correlation id, in the order of time");
  const auto id = std::make_shared<std::string>();
  command->add_option("id", *id, "The correlation id of the messages")->required()->type_name("ID");
  command->callback([&connection, id] { show(connection, *id); });
}

}  // namespace lazaret::cli

// lazaret queue create|ensure|list|show|update|delete|purge
#include <array>
#include <map>

#include <boost/json/parse.hpp>

#include "commands.h"
#include "http_client.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

/// Name of the option with its help. What values are allowed is the broker's to say.
constexpr std::array<std::pair<const char*, const char*>, 8> kOptions = {{
    {"max_attempts", "Failed attempts before a message goes to the hospital, or \"unlimited\" (5)"},
    {"backoff_initial", "Wait before the second attempt (1s)"},
    {"backoff_multiplier", "Each further wait is this much longer (5)"},
    {"backoff_max", "Longest wait (10m)"},
    {"backoff_jitter", "Waits differ by this fraction, 0 to 1 (0.2)"},
    {"lease_duration", "How long a message stays with a consumer that gives no sign of life (30s)"},
    {"max_worker_deaths", "Workers that a message may kill before it goes to the hospital (2)"},
    {"durability", "When a publish is confirmed: fsync (on the disk) or relaxed (up to 200ms before)"},
}};

/// What one command was given.
struct Given {
  std::string name;
  std::map<std::string, std::string> options;
  bool force = false;
};

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

json::object body_of(const Given& given) {
  json::object body;
  for (const auto& [name, text] : given.options) {
    if (text.empty()) continue;
    boost::system::error_code error;
    json::value number = json::parse(text, error);
    if (error || !number.is_number()) number = json::string(text);
    body[name] = name == "colocate_with" ? json::value(json::string(text)) : std::move(number);
  }
  return body;
}

void add_options(CLI::App& command, Given& given) {
  for (const auto& [name, help] : kOptions) {
    command.add_option(with_dashes(name), given.options[name], help)->type_name("VALUE");
  }
}

void add_colocate(CLI::App& command, Given& given) {
  command.add_option("--colocate-with", given.options["colocate_with"], "On the shard of this queue")
      ->type_name("QUEUE");
}

/// PUT makes sure that the queue exists; only 201 says that it was this request that created it.
void create(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  HttpClient::Answer answer;
  try {
    answer = http.request("PUT", target({"queues", given.name}), body_of(given));
  } catch (const Error& error) {
    if (error.problem.code != base::error_info(Code::OPTIONS_MISMATCH).name) throw;
    fail(Code::ALREADY_EXISTS, "there is a queue " + given.name + " with other options: " + error.problem.text);
  }
  if (answer.status != 201) fail(Code::ALREADY_EXISTS, "there is a queue " + given.name);
  if (connection.json) return print_json(answer.body);
  print_line("created queue " + given.name);
}

void ensure(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  const auto answer = http.request("PUT", target({"queues", given.name}), body_of(given));
  if (connection.json) return print_json(answer.body);
  print_line((answer.status == 201 ? "created queue " : "there is a queue ") + given.name);
}

void list(const Connection& connection) {
  HttpClient http(connection.admin_address());
  Table table{"NAME", "READY", "LEASED", "WAITING", "HOSPITAL", "ENTERED", "ACKED", "CONSUMERS"};
  http.each_item(
      {"queues"}, {{"limit", "1000"}},
      [&](const json::object& queue) {
        if (connection.json) return print_json(queue);
        const json::value* consumers = queue.if_contains("consumers");
        const bool known = consumers != nullptr && consumers->is_array();
        table.add({cell(queue, "name"), cell(queue, "ready"), cell(queue, "leased"), cell(queue, "waiting"),
                   cell(queue, "in_hospital"), cell(queue, "entered_total"), cell(queue, "acked_total"),
                   known ? std::to_string(consumers->get_array().size()) : "-"});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

void print_queue(const Connection& connection, const json::value& queue) {
  if (connection.json) return print_json(queue);
  print_fields(queue.as_object());
}

void update(const Connection& connection, const Given& given) {
  const json::object body = body_of(given);
  if (body.empty()) fail(Code::USAGE, "queue update needs an option to change");
  HttpClient http(connection.admin_address());
  print_queue(connection, http.request("PATCH", target({"queues", given.name}), body).body);
}

void remove(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  Query query;
  if (given.force) query.emplace_back("force", "true");
  http.request("DELETE", target({"queues", given.name}, query));
  if (connection.json) return print_json(json::object{{"name", given.name}, {"deleted", true}});
  print_line("deleted queue " + given.name);
}

void purge(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  json::object answer = http.request("POST", target({"queues", given.name, "purge"})).body.as_object();
  if (connection.json) {
    answer["name"] = given.name;
    return print_json(answer);
  }
  print_line("purged " + cell(answer, "purged") + " from queue " + given.name);
}

}  // namespace

void add_queue_commands(CLI::App& app, const Connection& connection) {
  CLI::App* queues = app.add_subcommand("queue", "Queues: create, look at, change, delete them");
  queues->require_subcommand(1);
  queues->fallthrough();

  const auto add = [&](const char* verb, const char* help, auto action) {
    CLI::App* command = queues->add_subcommand(verb, help);
    const auto given = std::make_shared<Given>();
    command->add_option("name", given->name, "Name of the queue")->required()->type_name("NAME");
    command->callback([&connection, given, action] { action(connection, *given); });
    return std::pair(command, given);
  };
  const auto [creating, created] = add("create", "Create a queue; 73 when there is one of that name", create);
  add_options(*creating, *created);
  add_colocate(*creating, *created);
  const auto [ensuring, ensured] = add("ensure", "Create a queue unless it exists with these options", ensure);
  add_options(*ensuring, *ensured);
  add_colocate(*ensuring, *ensured);
  const auto [updating, updated] = add("update", "Change the options that are given", update);
  add_options(*updating, *updated);
  add("show", "One queue with its counters, options and consumers", [](const Connection& to, const Given& given) {
    print_queue(to, HttpClient(to.admin_address()).get(target({"queues", given.name})));
  });
  const auto [removing, removed] =
      add("delete", "Delete a queue that is empty; its cases stay in the hospital", remove);
  removing->add_flag("--force", removed->force, "Although it holds messages or has consumers");
  add("purge", "Drop what is ready or waiting", purge);
  queues->add_subcommand("list", "All queues")->callback([&connection] { list(connection); });
}

}  // namespace lazaret::cli

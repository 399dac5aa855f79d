// lazaret: the command line tool. Reads the global options, finds the broker, and leaves the rest to the commands.
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include <boost/json/parse.hpp>

#include "base/duration_text.h"
#include "commands.h"
#include "output.h"
#if LAZARET_HAS_BENCH
#include "bench.h"
#endif

namespace lazaret::cli {
namespace {

using base::Code;

struct GlobalOptions {
  std::string broker, admin, addresses;
};

std::string field_of(const json::value& value, std::string_view name) {
  const json::value* field = value.is_object() ? value.get_object().if_contains(name) : nullptr;
  return field != nullptr && field->is_string() ? std::string(field->get_string()) : std::string();
}

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

/// What was given on the command line comes before the environment, and never is an address of one broker mixed with
/// the environment's of another.
void resolve(const GlobalOptions& given, Connection& connection) {
  std::string broker = given.broker;
  std::string admin = given.admin;
  if (!given.addresses.empty()) {
    std::ifstream file(given.addresses);
    if (!file) fail(Code::UNREACHABLE, "no broker has written " + given.addresses);
    const std::string text{std::istreambuf_iterator<char>(file), {}};
    boost::system::error_code wrong;
    const json::value addresses = json::parse(text, wrong);
    if (wrong || field_of(addresses, "broker").empty()) {
      fail(Code::BAD_CONFIGURATION, given.addresses + " does not name a broker's addresses");
    }
    if (broker.empty()) broker = field_of(addresses, "broker");
    if (admin.empty()) admin = field_of(addresses, "admin");
  }
  if (broker.empty()) {
    broker = variable("LAZARET_BROKER");
    if (admin.empty()) admin = variable("LAZARET_ADMIN");
  }
  constexpr std::string_view kScheme = "lazaret://";
  if (broker.starts_with(kScheme)) broker = broker.substr(kScheme.size());
  if (!broker.empty()) connection.broker = broker;
  connection.admin = admin;
}

/// What is behind `--` of `consume` is a command, not ours to understand.
std::vector<std::string> take_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  if (dashes == arguments.end() || std::find(arguments.begin(), dashes, "consume") == dashes) return {};
  std::vector<std::string> command(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return command;
}

int usage(const CLI::App& app, const CLI::ParseError& error, bool as_json) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  report(problem_of(base::Status(Code::USAGE, error.what())), as_json);
  if (!as_json) std::cerr << "Run with --help for more information.\n";
  return base::error_info(Code::USAGE).exit;
}

int run(int argc, char** argv) {
  CLI::App app("The command line of Lazaret: queues, messages, and the hospital of those that failed.", "lazaret");
  Connection connection;
  GlobalOptions given;
  int exit_status = 0;
  std::vector<std::string> arguments(argv + 1, argv + argc);
  const std::vector<std::string> command = take_command(arguments);
  const bool as_json = std::find(arguments.begin(), arguments.end(), "--json") != arguments.end();

  app.add_option("--broker", given.broker, "The broker: LAZARET_BROKER, or 127.0.0.1:7350, when not given")
      ->type_name("HOST:PORT");
  app.add_option("--admin", given.admin, "Its HTTP API: LAZARET_ADMIN, or what the broker tells, when not given")
      ->type_name("URL");
  app.add_option("--addresses", given.addresses, "Read both from the lazaretd.addresses of a data directory")
      ->type_name("FILE");
  app.add_flag("--json", connection.json, "One object a line on standard output, one problem on standard error");
  app.set_version_flag("--version", "lazaret " LAZARET_VERSION);
  app.require_subcommand(1);
  app.fallthrough();
  app.footer(
      "Exit status: 0 done, 64 usage, 65 bad input, 66 not found, 69 broker unreachable, 73 exists or conflict,\n"
      "75 try later, 76 protocol, 77 not permitted, 78 configuration, 1 otherwise.");

  add_queue_commands(app, connection);
  add_publish_command(app, connection, exit_status);
  add_consume_command(app, connection, command, exit_status);
  add_peek_command(app, connection);
  add_hospital_commands(app, connection, exit_status);
  add_check_command(app, connection, exit_status);
  add_status_command(app, connection);
#if LAZARET_HAS_BENCH
  add_bench_command(app, connection, exit_status);
#endif
  app.parse_complete_callback([&] { resolve(given, connection); });

  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return usage(app, error, as_json);
  } catch (const Error& error) {
    report(error.problem, as_json);
    return exit_of(error.problem);
  } catch (const std::exception& error) {
    report(problem_of(base::Status(Code::INTERNAL, error.what())), as_json);
    return 1;
  }
  return exit_status;
}

}  // namespace

CLI::Option* add_duration(CLI::App& app, const std::string& name, std::optional<milliseconds>& into,
                          const std::string& description) {
  const auto read = [&into](const CLI::results_t& values) {
    const auto duration = base::parse_duration(values.back());
    if (duration.ok()) into = std::chrono::duration_cast<milliseconds>(*duration);
    return duration.ok();
  };
  return app.add_option(name, read, description)->type_name("DURATION");
}

}  // namespace lazaret::cli

int main(int argc, char** argv) {
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of the write
  return lazaret::cli::run(argc, argv);
}

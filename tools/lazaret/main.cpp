// lazaret: the command line tool. Reads the global options, finds the broker, and leaves the rest to the commands.
#include <algorithm>
#include <charconv>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>

#include <boost/json/parse.hpp>

#include "base/duration_text.h"
#include "commands.h"
#include "http_client.h"
#include "output.h"
#if LAZARET_HAS_BENCH
#include "bench.h"
#endif

namespace lazaret::cli {
namespace {

using base::Code;

/// Of a broker that has something better to do than to say that it is well.
constexpr std::chrono::seconds kHealthDeadline{5};

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

/// A broker that was killed leaves its file behind, and its ports may be another's by now.
void check_is_of(const std::string& file, const json::value& addresses) {
  const std::string instance = field_of(addresses, "instance");
  const std::string admin = field_of(addresses, "admin");
  if (instance.empty() || admin.empty()) return;
  json::value health;
  try {
    health = HttpClient(admin).request("GET", "/healthz", {}, kHealthDeadline).body;
  } catch (const Error& error) {
    fail(Code::UNREACHABLE, file + " is stale, or its broker does not answer: " + error.problem.text);
  }
  if (field_of(health, "instance") != instance) {
    fail(Code::UNREACHABLE, file + " is stale: its broker has ended, and at " + admin + " another one answers");
  }
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
    check_is_of(given.addresses, addresses);
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

/// What is behind `--` of `consume` and `respond` is a command, not ours to understand.
std::vector<std::string> take_command(std::vector<std::string>& arguments) {
  const auto dashes = std::find(arguments.begin(), arguments.end(), "--");
  const bool runs_one = std::any_of(arguments.begin(), dashes,
                                    [](const std::string& word) { return word == "consume" || word == "respond"; });
  if (dashes == arguments.end() || !runs_one) return {};
  std::vector<std::string> command(dashes + 1, arguments.end());
  arguments.erase(dashes, arguments.end());
  return command;
}

/// The command that was meant where one is missing; CLI11 says only that it is.
std::string sentence_of(const CLI::App& app, const CLI::ParseError& error) {
  if (dynamic_cast<const CLI::RequiredError*>(&error) == nullptr) return error.what();
  const CLI::App* in = &app;
  while (!in->get_subcommands().empty()) in = in->get_subcommands().front();
  if (in->get_require_subcommand_min() == 0) return error.what();
  const std::string group = in == &app ? "" : in->get_name() + " ";
  for (const std::string& word : app.remaining(true)) {
    if (!word.starts_with('-')) return "there is no command \"" + group + word + "\"";
  }
  return error.what();
}

int usage(const CLI::App& app, const CLI::ParseError& error, bool as_json) {
  if (error.get_exit_code() == 0) return app.exit(error);  // --help, --version
  report(problem_of(base::Status(Code::USAGE, sentence_of(app, error))), as_json);
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
      "75 try later, 76 protocol, 77 not permitted, 78 configuration, 1 otherwise.\n"
      "LAZARET_ACTOR says who you are, for the audit trail; the login name when it is not set.");

  add_queue_commands(app, connection);
  add_apply_command(app, connection, exit_status);
  add_publish_command(app, connection, exit_status);
  add_consume_command(app, connection, command, exit_status);
  add_request_command(app, connection, exit_status);
  add_respond_command(app, connection, command, exit_status);
  add_answer_command(app, connection, exit_status);
  add_peek_command(app, connection);
  add_why_command(app, connection);
  add_schedule_commands(app, connection);
  add_hospital_commands(app, connection, exit_status);
  add_audit_commands(app, connection, exit_status);
  add_check_command(app, connection, exit_status);
  add_backup_commands(app, connection, exit_status);
  add_status_command(app, connection);
  add_top_command(app, connection);
#if LAZARET_HAS_BENCH
  add_bench_command(app, connection, exit_status);
#endif
  app.parse_complete_callback([&] { resolve(given, connection); });

  try {
    std::reverse(arguments.begin(), arguments.end());  // CLI11 takes them from the back
    app.parse(arguments);
  } catch (const CLI::ParseError& error) {
    return usage(app, error, as_json);
  } catch (const Refused& refused) {
    report(refused.problem, as_json, refused.document);
    return exit_of(refused.problem);
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

namespace {

CLI::Validator number_from(std::uint64_t least) {
  return {[least](std::string& text) {
            std::uint64_t number = 0;
            const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
            const bool whole = wrong == std::errc() && end == text.data() + text.size();
            if (whole && number >= least) return std::string();
            return "\"" + text + "\" must be a whole number from " + std::to_string(least) + " on";
          },
          ""};
}

}  // namespace

CLI::Validator whole_number() { return number_from(0); }

CLI::Validator at_least_one() { return number_from(1); }

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
  const int exit_status = lazaret::cli::run(argc, argv);
  if (!lazaret::cli::output_is_closed()) return exit_status;
  // Whoever reads has had enough (head): we end as if the signal had not been ignored, but in order.
  std::signal(SIGPIPE, SIG_DFL);
  std::raise(SIGPIPE);
  return exit_status;
}

// lazaret check, lazaret status
#include "check_report.h"
#include "commands.h"
#include "http_client.h"
#include "output.h"
#include "stopped_broker.h"

namespace lazaret::cli {
namespace {

/// A check reads everything that is stored.
constexpr std::chrono::hours kCheckDeadline{1};

json::object ask_broker(const Connection& connection) {
  HttpClient http(connection.admin_address());
  return http.request("POST", target({"checks"}), {}, kCheckDeadline).body.as_object();
}

json::object read_directory(const std::string& directory, bool show_progress) {
  const auto store = open_stopped(directory);
  Progress progress(show_progress);
  const auto report = store->check([&progress](std::uint64_t bytes) {
    progress.show("checking: " + std::to_string(bytes >> 20) + " MiB read");
    return true;
  });
  if (!report.ok()) fail(report.status());
  return report_json(*report);
}

}  // namespace

void add_check_command(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* command = app.add_subcommand(
      "check", "Read everything that is stored: checksums, indexes, and every message counted in exactly one place");
  const auto directory = std::make_shared<std::string>();
  command->add_option("--data-dir", *directory, "Read the directory of a stopped broker, and write nothing")
      ->type_name("DIR");
  command->callback([&connection, &exit_status, directory] {
    const json::object report =
        directory->empty() ? ask_broker(connection) : read_directory(*directory, !connection.json);
    if (connection.json) {
      print_json(report);
    } else {
      print_report(report);
    }
    exit_status = exit_of_report(report);
  });
}

void add_status_command(CLI::App& app, const Connection& connection) {
  app.add_subcommand("status", "The broker as a whole: version, load, disk, warnings")->callback([&connection] {
    const json::value status = HttpClient(connection.admin_address()).get(target({"status"}));
    if (connection.json) return print_json(status);
    print_fields(status.as_object());
  });
}

}  // namespace lazaret::cli

// lazaret check, lazaret status
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
  json::array findings;
  for (const model::CheckFinding& finding : report->findings) {
    findings.push_back(json::object{{"where", finding.where}, {"what", finding.what}});
  }
  return {{"ok", report->findings.empty()},
          {"queues", report->queues},
          {"topics", report->topics},
          {"subscriptions", report->subscriptions},
          {"logs", report->logs},
          {"runs", report->runs},
          {"messages", report->messages},
          {"cases", report->cases},
          {"audit_entries", report->audit_entries},
          {"bytes", report->bytes},
          {"findings", std::move(findings)}};
}

void print_report(const json::object& report) {
  const json::array& findings = report.at("findings").as_array();
  for (const json::value& finding : findings) {
    print_line(cell(finding.as_object(), "where") + ": " + cell(finding.as_object(), "what"));
  }
  const auto count = [&report](const char* name) { return report.at(name).to_number<std::uint64_t>(); };
  std::string read = counted(count("queues"), "queue");
  for (const auto& [name, one] : {std::pair{"topics", "topic"}, {"subscriptions", "subscription"}}) {
    if (count(name) > 0) read += ", " + counted(count(name), one);
  }
  read += ", " + counted(count("messages"), "message") + ", " + counted(count("cases"), "case") + ", " +
          std::to_string(count("audit_entries")) + " of the audit trail, " + counted(count("bytes"), "byte") + " read";
  print_line(findings.empty() ? "all is well: " + read : counted(findings.size(), "finding") + ": " + read);
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
    if (!report.at("findings").as_array().empty()) exit_status = 1;
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

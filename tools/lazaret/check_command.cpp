// lazaret check, lazaret status
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "commands.h"
#include "http_client.h"
#include "output.h"
#include "storage/rocks_store.h"

namespace lazaret::cli {
namespace {

using base::Code;

/// A check reads everything that is stored.
constexpr std::chrono::hours kCheckDeadline{1};

json::object ask_broker(const Connection& connection) {
  HttpClient http(connection.admin_address());
  return http.request("POST", target({"checks"}), {}, kCheckDeadline).body.as_object();
}

/// Whether a broker runs on it. Reading takes no lock, and would see a torn picture.
bool is_locked(const std::string& directory) {
  const int file = ::open((directory + "/LOCK").c_str(), O_RDWR | O_CLOEXEC);
  if (file < 0) return false;
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  const bool held = ::fcntl(file, F_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(file);
  return held;
}

json::object read_directory(const std::string& directory, bool show_progress) {
  if (!std::filesystem::is_directory(directory)) fail(Code::NOT_FOUND, "there is no directory " + directory);
  if (is_locked(directory))
    fail(Code::DIRECTORY_LOCKED, "a broker runs on " + directory + ": ask it, without --data-dir");
  const auto store = storage::open_store({.data_dir = directory, .read_only = true});
  if (!store.ok()) fail(store.status());
  Progress progress(show_progress);
  const auto report = (*store)->check([&progress](std::uint64_t bytes) {
    progress.show("checking: " + std::to_string(bytes >> 20) + " MiB read");
    return true;
  });
  if (!report.ok()) fail(report.status());
  json::array findings;
  for (const model::CheckFinding& finding : report->findings) {
    findings.push_back(json::object{{"where", finding.where}, {"what", finding.what}});
  }
  return {{"ok", report->findings.empty()},         {"queues", report->queues}, {"topics", report->topics},
          {"subscriptions", report->subscriptions}, {"logs", report->logs},     {"runs", report->runs},
          {"messages", report->messages},           {"cases", report->cases},   {"bytes", report->bytes},
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
          counted(count("bytes"), "byte") + " read";
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

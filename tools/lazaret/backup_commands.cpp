// lazaret backup create|list|verify|restore
#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <thread>

#include "base/duration_text.h"
#include "base/text_encoding.h"
#include "check_report.h"
#include "commands.h"
#include "http_client.h"
#include "output.h"
#include "storage/backup.h"
#include "storage/directory_path.h"

namespace lazaret::cli {
namespace {

using base::Code;

constexpr milliseconds kLookEvery{200};

struct BackupOptions {
  std::optional<std::uint64_t> keep;
  std::string note;
  std::string from;    // a directory of backups
  std::string backup;  // its name; "": the newest
  std::string data_dir;
};

/// 0: the newest.
std::uint64_t number_of(const std::string& name) {
  if (name.empty()) return 0;
  std::uint64_t number = 0;
  const auto [end, wrong] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = wrong == std::errc() && end == name.data() + name.size() && number > 0;
  if (!whole) fail(Code::NOT_FOUND, "there is no backup \"" + name + "\": their names are numbers from 1 on");
  return number;
}

bool is_name(const std::string& text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isdigit(c) != 0; });
}

std::string absolute(const std::string& directory) { return base::to_utf8(storage::directory_path(directory)); }

std::string title(const json::object& backup) {
  return "backup " + cell(backup, "name") + " in " + cell(backup, "directory");
}

/// Of a directory that is read without a broker.
json::object record_json(const model::BackupRecord& record, const std::string& directory) {
  const json::value none(nullptr);
  const bool whole = !record.damaged;
  const auto text = [&none](const std::string& some) {
    return some.empty() ? none : json::value(json::string(base::to_utf8(some)));
  };
  return {{"name", std::to_string(record.number)},
          {"state", whole ? "done" : "damaged"},
          {"directory", absolute(directory)},
          {"created_at", whole ? json::value(json::string(base::format_rfc3339(record.created_at))) : none},
          {"bytes", whole ? json::value(record.bytes) : none},
          {"files", whole ? json::value(record.files) : none},
          {"version", text(record.version)},
          {"note", text(record.note)}};
}

// --- create ---------------------------------------------------------------------------------------------------------

/// Asks how it goes until it has ended. Whoever ends the tool meanwhile ends nothing else.
json::object wait_for_end(HttpClient& http, json::object backup, bool show_progress) {
  Progress progress(show_progress);
  const std::string name = cell(backup, "name");
  while (cell(backup, "state") == "running") {
    progress.show(title(backup) + ": " + cell(backup, "copied_bytes") + " bytes copied");
    std::this_thread::sleep_for(kLookEvery);
    backup = http.get(target({"backups", name})).as_object();
  }
  return backup;
}

/// What the broker says that is wrong with it; OK when there is nothing.
base::Status problem_in(const json::object& backup) {
  const json::value* problem = backup.if_contains("problem");
  if (problem == nullptr || !problem->is_object()) return {};
  const base::ErrorInfo* info = base::find_error(cell(problem->get_object(), "code"));
  return {info == nullptr ? Code::INTERNAL : info->code, cell(problem->get_object(), "detail")};
}

/// The exit status.
int create(const Connection& connection, const BackupOptions& options) {
  HttpClient http(connection.admin_address());
  json::object body;
  if (options.keep) body["keep"] = *options.keep;
  if (!options.note.empty()) body["note"] = options.note;
  json::object begun = http.request("POST", target({"backups"}), body).body.as_object();
  const json::object backup = wait_for_end(http, std::move(begun), !connection.json);
  const base::Status problem = problem_in(backup);
  if (cell(backup, "state") != "done") {
    fail(problem.ok() ? Code::INTERNAL : problem.code(),
         title(backup) + " " + cell(backup, "state") + ": " + (problem.ok() ? "-" : problem.text()));
  }
  if (connection.json) {
    print_json(backup);
  } else {
    print_line(title(backup) + ": " + cell(backup, "bytes") + " bytes in " + cell(backup, "files") + " files, about " +
               cell(backup, "copied_bytes") + " bytes were copied; " + cell(backup, "seconds") + " seconds");
  }
  if (problem.ok()) return 0;
  report(problem_of({problem.code(), title(backup) + " is done, but older ones were not dropped: " + problem.text()}),
         connection.json);
  return 1;
}

// --- list -----------------------------------------------------------------------------------------------------------

void list(const Connection& connection, const BackupOptions& options) {
  Table table{"NAME", "STATE", "CREATED", "BYTES", "FILES", "VERSION", "NOTE"};
  const auto show = [&](const json::object& one) {
    if (connection.json) return print_json(one);
    table.add({cell(one, "name"), cell(one, "state"), cell(one, "created_at"), cell(one, "bytes"), cell(one, "files"),
               cell(one, "version"), cell(one, "note")});
  };
  if (options.from.empty()) {
    HttpClient http(connection.admin_address());
    http.each_item({"backups"}, {{"limit", "1000"}}, show);
  } else {
    const auto records = storage::list_backups(options.from);
    if (!records.ok()) fail(records.status());
    if (records->empty()) fail(Code::NOT_FOUND, "there are no backups in " + absolute(options.from));
    for (const model::BackupRecord& record : *records) show(record_json(record, options.from));
  }
  if (!connection.json) table.print();
}

// --- verify ---------------------------------------------------------------------------------------------------------

/// Where a broker, which must be of this machine, has its backups.
std::string directory_of(const Connection& connection, const std::string& name) {
  const json::value backup = HttpClient(connection.admin_address()).get(target({"backups", name}));
  const std::string directory(backup.at("directory").as_string());
  if (!std::filesystem::is_directory(directory)) {
    fail(Code::NOT_FOUND, "the broker has backup " + name + " in " + directory + ", which is not on this machine");
  }
  return directory;
}

json::object verify(const Connection& connection, BackupOptions options) {
  // A directory may have a number for its name; then it is one.
  if (is_name(options.from) && !std::filesystem::exists(options.from)) {
    if (!options.backup.empty()) fail(Code::USAGE, "name the backup once: its directory with --backup, or its name");
    options.backup = options.from;
    options.from = directory_of(connection, options.from);
  }
  Progress progress(!connection.json);
  progress.show("reading the files of the backup");
  const auto verified =
      storage::verify_backup(options.from, number_of(options.backup), [&progress](std::uint64_t bytes) {
        progress.show("checking: " + std::to_string(bytes >> 20) + " MiB read");
        return true;
      });
  progress.clear();
  if (!verified.ok()) fail(verified.status());
  json::object report = report_json(verified->report);
  report["backup"] = record_json(verified->backup, options.from);
  if (connection.json) {
    print_json(report);
  } else {
    print_line(title(report["backup"].as_object()) + ", of " + base::format_rfc3339(verified->backup.created_at) +
               ": all files are as they were written");
    print_report(report);
  }
  return report;
}

// --- restore --------------------------------------------------------------------------------------------------------

void restore(const Connection& connection, const BackupOptions& options) {
  const auto restored = storage::restore_backup(options.from, number_of(options.backup), options.data_dir);
  if (!restored.ok()) fail(restored.status());
  json::object backup = record_json(*restored, options.from);
  const std::string data_dir = absolute(options.data_dir);
  if (connection.json) {
    backup["data_dir"] = data_dir;
    return print_json(backup);
  }
  print_line("restored " + title(backup) + " to " + printable(data_dir) + ": " + cell(backup, "bytes") +
             " bytes, all that was confirmed by " + cell(backup, "created_at"));
}

/// Of `verify` and `restore`.
void add_backup_option(CLI::App& command, BackupOptions& options) {
  command.add_option("--backup", options.backup, "Its name, as `backup list` has it; the newest, when not given")
      ->type_name("NAME");
}

}  // namespace

void add_backup_commands(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* group = app.add_subcommand("backup", "Backups: make, check and restore them; see docs/operations.md");
  group->require_subcommand(1);
  group->fallthrough();
  const auto options = std::make_shared<BackupOptions>();

  CLI::App* creating = group->add_subcommand(
      "create", "Have the running broker copy all that is confirmed to its backup.directory, and wait for it");
  creating->add_option("--keep", options->keep, "Then drop all but the newest so many")
      ->type_name("N")
      ->check(at_least_one());
  creating->add_option("--note", options->note, "What it is for; shown by list, and in the audit trail")
      ->type_name("TEXT");
  creating->callback([&connection, &exit_status, options] { exit_status = create(connection, *options); });

  CLI::App* listing = group->add_subcommand("list", "Those of the running broker, or of a directory");
  listing->add_option("--from", options->from, "A directory of backups, read without a broker; 66 when there are none")
      ->type_name("DIR");
  listing->callback([&connection, options] { list(connection, *options); });

  CLI::App* verifying = group->add_subcommand(
      "verify",
      "Read a backup: the checksums of all its files, then everything in it, as `check` does. Writes nothing");
  verifying
      ->add_option("where", options->from,
                   "A directory of backups, read without a broker; or the name of a backup of the running one")
      ->required()
      ->type_name("DIR|NAME");
  add_backup_option(*verifying, *options);
  verifying->callback(
      [&connection, &exit_status, options] { exit_status = exit_of_report(verify(connection, *options)); });

  CLI::App* restoring = group->add_subcommand(
      "restore", "Make a data directory of a backup; no broker is needed. 73 unless the directory is empty or missing");
  restoring->add_option("--from", options->from, "A directory of backups")->required()->type_name("DIR");
  add_backup_option(*restoring, *options);
  restoring->add_option("--data-dir", options->data_dir, "Where the new broker will have its data")
      ->required()
      ->type_name("DIR");
  restoring->callback([&connection, options] { restore(connection, *options); });
}

}  // namespace lazaret::cli

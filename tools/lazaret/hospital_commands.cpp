// lazaret hospital list|show|replay|replays|discard; edit, diff, compare and restore stand in hospital_edit.cpp
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "commands.h"
#include "hospital_cases.h"
#include "hospital_edit.h"
#include "hospital_import.h"
#include "many_cases.h"
#include "message_view.h"
#include "replay_jobs.h"

namespace lazaret::cli {
namespace {

/// How often an outcome is asked for: soon at first, then less and less often.
constexpr std::chrono::milliseconds kAskFirst{20};
constexpr std::chrono::milliseconds kAskMost{1000};

struct ListFilter {
  std::vector<std::string> filters;
  std::string queue, type, key, reason, state;
};

void list(const Connection& connection, const ListFilter& filter) {
  HttpClient http(connection.admin_address());
  Query query{{"limit", "1000"}};
  if (!filter.filters.empty()) query.emplace_back("filter", joined(filter.filters));
  for (const auto& [name, value] :
       {std::pair{"queue", &filter.queue}, std::pair{"type", &filter.type}, std::pair{"key", &filter.key},
        std::pair{"reason", &filter.reason}, std::pair{"state", &filter.state}}) {
    if (!value->empty()) query.emplace_back(name, *value);
  }
  Table table{"ID", "QUEUE", "STATE", "REASON", "ATTEMPTS", "TYPE", "ADMITTED", "ERROR"};
  http.each_item(
      {"hospital", "cases"}, query,
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        const std::string error = cell(one, "error_type") == "-" ? "" : cell(one, "error_type") + ": ";
        table.add({cell(one, "id"), cell(one, "subscription"), cell(one, "state"), cell(one, "reason"),
                   cell(one, "attempt_count"), cell(one, "type"), cell(one, "admitted_at"),
                   error + cell(one, "error_message")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

/// The chart: every attempt, with whose it was and how it ended.
void print_attempts(const json::array& attempts) {
  print_line("\nattempts");
  Table table{"NUMBER", "OUTCOME", "CONSUMER", "HOST", "STARTED", "ENDED", "ERROR"};
  for (const json::value& value : attempts) {
    const json::object& one = value.as_object();
    const json::value* consumer = one.if_contains("consumer");
    const json::object who = consumer != nullptr && consumer->is_object() ? consumer->get_object() : json::object();
    const std::string error = cell(one, "error_type") == "-" ? "" : cell(one, "error_type") + ": ";
    const std::string outcome = cell(one, "outcome") + (cell(one, "counted") == "false" ? ", not counted" : "");
    table.add({cell(one, "number"), outcome, consumer_cell(one, "consumer"), cell(who, "host"), cell(one, "started_at"),
               cell(one, "ended_at"), error + cell(one, "error_message")});
  }
  table.print();
}

/// Who made which version of the message.
void print_edits(const json::array& edits) {
  if (edits.empty()) return;
  print_line("\nversions");
  Table table{"VERSION", "EDITED", "BY", "NOTE"};
  for (const json::value& value : edits) {
    const json::object& one = value.as_object();
    table.add({cell(one, "version"), cell(one, "at"), cell(one, "by"), cell(one, "note")});
  }
  table.print();
}

/// Who did what to it.
void print_history(const json::object& shown) {
  const json::value* list = shown.if_contains("history");
  if (list == nullptr || !list->is_array() || list->get_array().empty()) return;
  const std::string left_out = cell(shown, "history_left_out");
  print_line(left_out == "-" || left_out == "0" ? "\nhistory" : "\nhistory, without the oldest " + left_out);
  Table table{"AT", "WHAT", "BY", "JOB", "TO", "REASON"};
  for (const json::value& value : list->get_array()) {
    const json::object& one = value.as_object();
    table.add(
        {cell(one, "at"), cell(one, "what"), cell(one, "by"), cell(one, "job"), cell(one, "to"), cell(one, "reason")});
  }
  table.print();
}

struct ShowOptions {
  std::string id;
  std::optional<std::uint32_t> version;
  bool body = false;  // and nothing else
};

std::string place_of(const ShowOptions& given, const Query& query) {
  if (!given.version) return target({"hospital", "cases", given.id}, query);
  return target({"hospital", "cases", given.id, "versions", std::to_string(*given.version)}, query);
}

void write_body(const Connection& connection, const ShowOptions& given) {
  if (connection.json) fail(base::Code::USAGE, "--body writes the bytes as they are: not with --json");
  const json::value found = HttpClient(connection.admin_address()).get(place_of(given, {}));
  const std::string body = body_of(found.at("message"));
  print(is_terminal(STDOUT_FILENO) ? printable(body, true) + "\n" : body);
}

/// The message as it was in one of its versions.
void print_version(const ShowOptions& given, const json::object& found) {
  print_line("version " + cell(found, "version") + " of case " + given.id);
  const json::value& edit = found.at("edit");
  if (edit.is_object()) print_fields(edit.get_object());
  print_message(found.at("message").as_object());
}

void print_case(const json::object& found) {
  json::object summary = found;
  for (const char* part : {"message", "attempts", "edits", "history", "history_left_out"}) summary.erase(part);
  print_fields(summary);
  const json::value& message = found.at("message");
  if (message.is_object()) print_message(message.get_object());
  print_attempts(found.at("attempts").as_array());
  const json::value* edits = found.if_contains("edits");
  if (edits != nullptr && edits->is_array()) print_edits(edits->get_array());
  print_history(found);
}

void show(const Connection& connection, const ShowOptions& given) {
  if (given.body) return write_body(connection, given);
  const Query query = connection.json ? Query{} : of_what_is_shown();
  const json::object found = HttpClient(connection.admin_address()).get(place_of(given, query)).as_object();
  if (connection.json) return print_json(found);
  if (given.version) return print_version(given, found);
  print_case(found);
}

/// Waits until the case is not in its replay lane any more.
json::object outcome_of(HttpClient& http, const std::string& id) {
  auto pause = kAskFirst;
  for (;;) {
    json::object now = http.get(target({"hospital", "cases", id}, without_body())).as_object();
    if (cell(now, "state") != "replaying") return now;
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kAskMost);
  }
}

struct ReplayOptions {
  ChosenCases cases;
  ReplayManner manner;
};

/// A few, one by one: all are sent on their way before the first outcome is waited for.
int replay(const Connection& connection, const ReplayOptions& given) {
  if (given.manner.dry_run) return say_what_would_be_replayed(connection, given.cases, given.manner), 0;
  if (const auto status = replay_by_job(connection, given.cases, given.manner)) return *status;
  HttpClient http(connection.admin_address());
  const auto ids = given.cases.choose(http, "replay");
  std::vector<std::string> sent;
  CaseResults sending(connection, "replayed", ids.size(), !given.manner.wait);
  json::object how;
  if (given.manner.force) how["force"] = true;
  if (given.manner.keep_attempts) how["keep_attempts"] = true;
  if (given.manner.to) how["to"] = *given.manner.to;
  const auto send = [&](const std::string& id) {
    json::object now = http.request("POST", target({"hospital", "cases", id, "replay"}), how).body.as_object();
    sent.push_back(id);
    return now;
  };
  for (const std::string& id : ids) sending.run(id, [&] { return send(id); });
  int status = sending.finish();
  if (!given.manner.wait) return status;

  for (const std::string& id : sent) {
    const json::object now = outcome_of(http, id);
    const std::string state = cell(now, "state");
    if (state != "discharged") status = std::max(status, 1);
    if (connection.json) {
      print_json(http.get(target({"hospital", "cases", id})));
    } else {
      print_line(cell(now, "id") + " " + (state == "admitted" ? "relapsed: " + cell(now, "error_message") : state));
    }
  }
  return status;
}

struct DiscardOptions {
  ChosenCases cases;
  std::string reason;
  bool dry_run = false;
};

int say_what_would_be_discarded(const Connection& connection, const ChosenCases& cases) {
  HttpClient http(connection.admin_address());
  const std::uint64_t total = cases.count(http, "discard", "admitted", !connection.json);
  if (connection.json) return print_json(json::object{{"total", total}}), 0;
  print_line("would discard " + counted(total, "case"));
  return 0;
}

int discard(const Connection& connection, const DiscardOptions& given) {
  if (given.dry_run) return say_what_would_be_discarded(connection, given.cases);
  if (given.cases.ids.empty()) {
    return treat_many(connection, given.cases, {"discard", "discarded", "discarded", given.reason});
  }
  HttpClient http(connection.admin_address());
  const auto ids = given.cases.choose(http, "discard");
  json::object body;
  if (!given.reason.empty()) body["reason"] = given.reason;
  CaseResults results(connection, "discarded", ids.size());
  for (const std::string& id : ids) {
    results.run(id, [&] {
      return http.request("POST", target({"hospital", "cases", id, "discard"}), body).body.as_object();
    });
  }
  return results.finish();
}

void add_list(CLI::App& hospital, const Connection& connection) {
  CLI::App* command = hospital.add_subcommand("list", "Cases, the newest admission first");
  const auto filter = std::make_shared<ListFilter>();
  add_filter_option(*command, filter->filters);
  command->add_option("--queue", filter->queue, "Of this queue")->type_name("NAME");
  command->add_option("--type", filter->type, "Of messages of this type")->type_name("TEXT");
  command->add_option("--key", filter->key, "Of messages with this key")->type_name("TEXT");
  command
      ->add_option("--reason", filter->reason,
                   "attempts_exhausted, killed_workers, rejected, expired, quarantined or damaged")
      ->type_name("REASON");
  command->add_option("--state", filter->state, "admitted, replaying, discharged or discarded")->type_name("STATE");
  command->callback([&connection, filter] { list(connection, *filter); });
}

void add_show(CLI::App& hospital, const Connection& connection) {
  CLI::App* command = hospital.add_subcommand("show", "One case: the message, and every attempt that was made");
  const auto given = std::make_shared<ShowOptions>();
  command->add_option("id", given->id, "The case")->required()->type_name("ID");
  command->add_option("--version", given->version, "Its message in this version; 0 is what was published")
      ->type_name("N");
  command->add_flag(
      "--body", given->body,
      "Write the body of the message, all of it, as it is, and nothing else; else 64 KiB of it are shown");
  command->callback([&connection, given] { show(connection, *given); });
}

}  // namespace

void add_hospital_commands(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* hospital = app.add_subcommand("hospital", "Messages that failed: look at them, replay them, give them up");
  hospital->require_subcommand(1);
  hospital->fallthrough();
  add_list(*hospital, connection);
  add_group_commands(*hospital, connection);

  add_quarantine_commands(*hospital, connection, exit_status);
  add_watch_commands(*hospital, connection);
  add_correlation_command(*hospital, connection);

  add_show(*hospital, connection);

  CLI::App* replaying = hospital->add_subcommand("replay", "Send messages to their queue once more, or elsewhere");
  const auto replays = std::make_shared<ReplayOptions>();
  replays->cases.add_options(*replaying);
  replays->manner.add_options(*replaying);
  replaying->callback([&connection, &exit_status, replays] { exit_status = replay(connection, *replays); });

  add_replays_commands(*hospital, connection);

  CLI::App* discarding = hospital->add_subcommand("discard", "Give messages up");
  const auto discards = std::make_shared<DiscardOptions>();
  discards->cases.add_options(*discarding);
  discarding->add_option("--reason", discards->reason, "Why; kept with the case")->type_name("TEXT");
  discarding->add_flag("--dry-run", discards->dry_run, "Say how many that would be, and change nothing");
  discarding->callback([&connection, &exit_status, discards] { exit_status = discard(connection, *discards); });

  add_hospital_edit(*hospital, connection);
  add_hospital_diff(*hospital, connection);
  add_hospital_compare(*hospital, connection);
  add_hospital_restore(*hospital, connection, exit_status);
  add_hospital_import(*hospital, connection, exit_status);
}

}  // namespace lazaret::cli

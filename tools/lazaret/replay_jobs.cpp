#include "replay_jobs.h"

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <iostream>
#include <memory>
#include <thread>

#include "commands.h"

namespace lazaret::cli {
namespace {

/// A job is for more than so many; fewer are replayed one by one.
constexpr std::uint64_t kOneByOne = 10;
/// How often a job is asked how far it is: soon at first, then less and less often.
constexpr std::chrono::milliseconds kAskFirst{20};
constexpr std::chrono::milliseconds kAskMost{500};
/// A dry run counts for five seconds at most.
constexpr std::chrono::seconds kCountDeadline{30};

std::uint64_t number(const json::object& object, std::string_view name) {
  return object.at(name).to_number<std::uint64_t>();
}

std::uint64_t outcome(const json::object& job, std::string_view name) {
  return number(job.at("outcomes").as_object(), name);
}

json::object body_of(const ReplayManner& manner) {
  json::object body;
  const auto add = [&body](std::string_view name, const auto& value) {
    if (value) body[name] = *value;
  };
  add("rate", manner.rate);
  add("concurrency", manner.concurrency);
  add("canary", manner.canary);
  add("canary_needed", manner.canary_needed);
  add("stop_at_failure_ratio", manner.stop_at_failure_ratio);
  add("after_version", manner.after_version);
  add("to", manner.to);
  if (manner.keep_attempts) body["keep_attempts"] = true;
  if (manner.force) body["force"] = true;
  return body;
}

json::object body_of(const ChosenCases& cases, const ReplayManner& manner) {
  json::object body = body_of(manner);
  if (cases.ids.empty()) {
    body["filter"] = joined(cases.filters);
  } else {
    body["ids"] = json::array(cases.ids.begin(), cases.ids.end());
  }
  return body;
}

/// "1 goes first, the others at 500 a second once it is cured", "to repairs at 500 a second"
std::string manner_of(const json::object& job, const ReplayManner& manner) {
  const std::uint64_t canary = number(job, "canary");
  const std::string rate = (manner.to ? "to " + printable(*manner.to) + " " : "") + "at " +
                           std::to_string(number(job, "rate")) + " a second";
  if (canary == 0) return rate;
  return std::to_string(canary) + (canary == 1 ? " goes" : " go") + " first, the others " + rate + " once " +
         (canary == 1 ? "it is" : "they are") + " cured";
}

/// "running", "running, waits for >=2.4.2"
std::string state_of(const json::object& job) {
  const bool waits = job.at("waiting_for_version").as_bool();
  return cell(job, "state") + (waits ? ", waits for " + cell(job, "after_version") : "");
}

std::string progress_of(const json::object& job) {
  const std::uint64_t total = number(job, "total");
  std::string text = "job " + cell(job, "id") + " " + state_of(job) + ": sent " +
                     std::to_string(total - outcome(job, "none")) + " of " + counted(total, "case");
  for (const char* name : {"queued", "discharged", "relapsed", "recalled", "refused", "other"}) {
    if (outcome(job, name) > 0) text += ", " + std::string(name) + " " + std::to_string(outcome(job, name));
  }
  return text;
}

bool has_ended(const json::object& job) {
  const std::string state = cell(job, "state");
  return state == "done" || state == "cancelled" || state == "stopped";
}

/// Until all are in their lanes; with `outcomes`, until none is on its way any more.
json::object follow(HttpClient& http, const std::string& id, bool outcomes, bool show) {
  Progress progress(show);
  auto pause = kAskFirst;
  for (;;) {
    json::object job = http.get(target({"hospital", "replays", id})).as_object();
    // A canary may be all that there is.
    const bool none_left = cell(job, "state") != "choosing" && outcome(job, "none") == 0;
    const bool all_sent = has_ended(job) || cell(job, "state") == "finishing" || none_left;
    if (outcomes ? has_ended(job) && outcome(job, "queued") == 0 : all_sent) {
      progress.clear();
      return job;
    }
    progress.show(progress_of(job));
    std::this_thread::sleep_for(pause);
    pause = std::min(2 * pause, kAskMost);
  }
}

/// Those that could not be replayed, and with --json all of them. Gives the exit status.
int print_cases(HttpClient& http, const Connection& connection, const json::object& job) {
  Worst worst;
  Query query{{"limit", "1000"}};
  if (!connection.json) query.emplace_back("outcome", "refused");
  http.each_item({"hospital", "replays", cell(job, "id"), "cases"}, query, [&](const json::object& one) {
    const json::value& because = one.at("because");
    if (because.is_object()) {
      const Problem problem = problem_of(because.get_object());
      worst.add(problem);
      if (connection.json) {
        print_json(json::object{{"id", one.at("id")}, {"error", problem_json(problem)}});
      } else {
        std::cerr << "lazaret: case " + cell(one, "id") + ": " + sentence_of(problem) + "\n";
      }
    } else if (connection.json && cell(one, "outcome") != "none") {
      print_json(one.at("case").is_object() ? one.at("case") : json::value(one));
    }
  });
  if (connection.json && worst.any()) report(worst.problem(), true);
  return worst.exit_status();
}

json::object count(HttpClient& http, json::object body) {
  body["dry_run"] = true;
  return http.request("POST", target({"hospital", "replays"}), body, kCountDeadline).body.as_object();
}

void list(const Connection& connection) {
  HttpClient http(connection.admin_address());
  Table table{"ID", "STATE", "TOTAL", "QUEUED", "DISCHARGED", "RELAPSED", "REFUSED", "CREATED", "BY", "FILTER"};
  http.each_item(
      {"hospital", "replays"}, {{"limit", "1000"}},
      [&](const json::object& job) {
        if (connection.json) return print_json(job);
        table.add({cell(job, "id"), state_of(job), cell(job, "total"), std::to_string(outcome(job, "queued")),
                   std::to_string(outcome(job, "discharged")), std::to_string(outcome(job, "relapsed")),
                   std::to_string(outcome(job, "refused")), cell(job, "created_at"), cell(job, "created_by"),
                   cell(job, "filter")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

/// What `replays show` is asked for.
struct Shown {
  std::string id;
  bool cases = false;
  std::string outcome;
  std::string subscription;
};

void show_cases(HttpClient& http, const Connection& connection, const Shown& shown) {
  Query query{{"limit", "1000"}};
  if (!shown.outcome.empty()) query.emplace_back("outcome", shown.outcome);
  if (!shown.subscription.empty()) query.emplace_back("subscription", shown.subscription);
  Table table{"ID", "OUTCOME", "SUBSCRIPTION", "TYPE", "ERROR"};
  http.each_item(
      {"hospital", "replays", shown.id, "cases"}, query,
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        const json::object record = one.at("case").is_object() ? one.at("case").get_object() : json::object();
        const json::value& because = one.at("because");
        table.add({cell(one, "id"), cell(one, "outcome"), cell(record, "subscription"), cell(record, "type"),
                   because.is_object() ? cell(because.get_object(), "code") : cell(record, "error_message")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

void show(const Connection& connection, const Shown& shown) {
  HttpClient http(connection.admin_address());
  if (shown.cases || !shown.outcome.empty() || !shown.subscription.empty()) return show_cases(http, connection, shown);
  const json::object job = http.get(target({"hospital", "replays", shown.id})).as_object();
  if (connection.json) return print_json(job);
  print_fields(job);
}

void change(const Connection& connection, const std::string& verb, const std::string& id) {
  const json::value job =
      HttpClient(connection.admin_address()).request("POST", target({"hospital", "replays", id, verb})).body;
  if (connection.json) return print_json(job);
  print_line(progress_of(job.as_object()));
}

}  // namespace

Query ReplayManner::query() const {
  Query query;
  for (const auto& [name, value] : body_of(*this)) {
    query.emplace_back(name, value.is_string() ? std::string(value.get_string()) : json::serialize(value));
  }
  return query;
}

void ReplayManner::add_job_options(CLI::App& command) {
  command.add_option("--rate", rate, "Cases a second (500)")->check(at_least_one());
  command
      .add_option("--canary", canary,
                  "So many go first, with one attempt each; the others when they are cured. 0: none (1 when there "
                  "are more than ten cases)")
      ->check(whole_number());
  command.add_option("--canary-needed", canary_needed, "Of which so many must be cured (all of them)")
      ->check(whole_number());
  command.add_option("--concurrency", concurrency, "In replay lanes or with consumers at a time (10000)")
      ->check(at_least_one());
  command
      .add_option("--stop-at-failure-ratio", stop_at_failure_ratio,
                  "Stop when so many of at least 20 outcomes (of fewer cases: all), 0 to 1, are relapses")
      ->type_name("RATIO");
  command
      .add_option("--after-version", after_version,
                  "Begin when a consumer of such a version is connected, as '>=2.4.2', and send to no others")
      ->type_name("RANGE");
  command.add_flag("--force", force, "Also requests that were answered meanwhile (ALREADY_ANSWERED)");
  command.add_flag("--wait", wait, "Wait for the outcomes; exit with 1 unless all are discharged");
}

void ReplayManner::add_options(CLI::App& command) {
  add_job_options(command);
  command.add_flag("--keep-attempts", keep_attempts,
                   "Failed attempts count on: what is left of them, one at least, is made");
  command.add_flag("--dry-run", dry_run, "Say how many that would be, and how a job would send them; change nothing")
      ->excludes("--wait");
  command
      .add_option("--to", to,
                  "Publish them to this queue or topic instead, which closes their cases: with no canary, ratio or "
                  "version")
      ->type_name("NAME");
}

void say_what_would_be_replayed(const Connection& connection, const ChosenCases& cases, const ReplayManner& manner) {
  HttpClient http(connection.admin_address());
  cases.check("replay");
  json::object planned = count(http, body_of(cases, manner));
  const std::uint64_t total = number(planned, "total");
  const bool at_least = planned.at("at_least").as_bool();
  // As replay_by_job decides: by how many were named, or have been found.
  const bool by_job = manner.needs_job() || at_least || (cases.ids.empty() ? total : cases.ids.size()) > kOneByOne;
  planned["job"] = by_job;
  if (connection.json) return print_json(planned);
  const std::string many = (at_least ? "at least " : "") + counted(total, "case");
  const std::string alone = manner.to ? " to " + printable(*manner.to) : "";
  print_line("would replay " + many + (by_job ? " by a job: " + manner_of(planned, manner) : alone));
}

std::optional<int> replay_by_job(const Connection& connection, const ChosenCases& cases, const ReplayManner& manner) {
  HttpClient http(connection.admin_address());
  cases.check("replay");
  const bool few_ids = !cases.ids.empty() && cases.ids.size() <= kOneByOne;
  if (few_ids && !manner.needs_job()) return std::nullopt;
  json::object body = body_of(cases, manner);
  json::object planned = count(http, body);
  const std::uint64_t chosen = cases.ids.empty() ? number(planned, "total") : cases.ids.size();
  const bool at_least = planned.at("at_least").as_bool();
  if (!at_least && chosen <= kOneByOne && !manner.needs_job()) return std::nullopt;
  const std::string many = (at_least ? "at least " : "") + counted(chosen, "case");
  cases.ask(at_least ? std::max<std::uint64_t>(chosen, 2) : chosen,
            "replay " + many + " (" + manner_of(planned, manner) + ")");

  const json::object job = http.request("POST", target({"hospital", "replays"}), body).body.as_object();
  const std::string id = cell(job, "id");
  if (!connection.json && chosen > 1) {
    std::cerr << "lazaret: replay job " + id + ": " + many + ", " + manner_of(planned, manner) + "\n";
  }
  if (manner.after_version && !manner.wait) {
    // It may be days until it begins.
    if (connection.json) return print_json(job), 0;
    print_line("job " + id + " begins when a consumer of version " + *manner.after_version +
               " is connected: lazaret hospital replays show " + id);
    return 0;
  }
  return follow_job(http, connection, id, manner.wait);
}

int follow_job(HttpClient& http, const Connection& connection, const std::string& id, bool wait) {
  const json::object job = follow(http, id, wait, !connection.json);
  int status = print_cases(http, connection, job);
  if (!connection.json) print_line(progress_of(job));
  const bool stopped = cell(job, "state") == "stopped";
  if (stopped) std::cerr << "lazaret: replay job " + id + " has stopped: " + cell(job, "ended_because") + "\n";
  const bool all_cured = outcome(job, "discharged") == number(job, "total");
  if (stopped || cell(job, "state") == "cancelled" || (wait && !all_cured)) status = std::max(status, 1);
  return status;
}

void add_replays_commands(CLI::App& hospital, const Connection& connection) {
  CLI::App* replays = hospital.add_subcommand("replays", "Replay jobs: how far they are, and how they go on");
  replays->require_subcommand(1);
  replays->fallthrough();
  replays->add_subcommand("list", "All that are remembered, the newest first")->callback([&connection] {
    list(connection);
  });

  const auto shown = std::make_shared<Shown>();
  CLI::App* showing = replays->add_subcommand("show", "One job, and what became of its cases");
  showing->add_option("id", shown->id, "The job")->required()->type_name("ID");
  showing->add_flag("--cases", shown->cases, "Its cases, in the order in which they are sent");
  showing
      ->add_option("--outcome", shown->outcome,
                   "Those of them that are none, queued, discharged, relapsed, recalled, refused or other")
      ->type_name("OUTCOME");
  showing->add_option("--subscription", shown->subscription, "Those of them that are of this queue or subscription")
      ->type_name("NAME");
  showing->callback([&connection, shown] { show(connection, *shown); });

  const auto add_verb = [&](const std::string& verb, const std::string& what) {
    CLI::App* command = replays->add_subcommand(verb, what);
    const auto id = std::make_shared<std::string>();
    command->add_option("id", *id, "The job")->required()->type_name("ID");
    command->callback([&connection, verb, id] { change(connection, verb, *id); });
  };
  add_verb("pause", "Send no more until it is resumed");
  add_verb("resume", "Go on where it was paused");
  add_verb("cancel", "End it: no more are sent, what has been sent goes on");
  add_verb("recall", "End it, and return what was sent and is with no consumer to its case");
}

}  // namespace lazaret::cli

// lazaret hospital quarantine list|add|lift
#include "commands.h"
#include "http_client.h"
#include "name_value.h"
#include "output.h"
#include "replay_jobs.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct Rule {
  std::string subscription;
  std::string filter;
  std::string type;
  std::string key;
  std::vector<std::string> headers;
  std::string reason;
  std::string until;
};

void list(const Connection& connection, const std::string& subscription) {
  HttpClient http(connection.admin_address());
  Query query{{"limit", "1000"}};
  if (!subscription.empty()) query.emplace_back("subscription", subscription);
  Table table{"ID", "SUBSCRIPTION", "CAUGHT", "UNTIL", "FILTER", "REASON"};
  http.each_item(
      {"hospital", "quarantines"}, query,
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        table.add({cell(one, "id"), cell(one, "subscription"), cell(one, "caught_total"), cell(one, "until"),
                   cell(one, "filter"), cell(one, "reason")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

void add(const Connection& connection, const Rule& rule) {
  json::object body{{"subscription", rule.subscription}};
  for (const auto& [name, text] :
       {std::pair{"filter", &rule.filter}, std::pair{"type", &rule.type}, std::pair{"key", &rule.key},
        std::pair{"reason", &rule.reason}, std::pair{"until", &rule.until}}) {
    if (!text->empty()) body[name] = *text;
  }
  for (const auto& [header, value] : pairs_of(rule.headers, "--header")) {
    const std::string name = "header." + header;
    if (body.contains(name)) fail(Code::USAGE, "--header " + header + " is given twice: use --filter");
    body[name] = value;
  }
  HttpClient http(connection.admin_address());
  const json::value added = http.request("POST", target({"hospital", "quarantines"}), body).body;
  if (connection.json) return print_json(added);
  const json::object& one = added.as_object();
  print_line("added quarantine rule " + cell(one, "id") + " of " + cell(one, "subscription") + ": " +
             cell(one, "filter"));
}

struct Lifting {
  std::string id;
  bool release = false;
  bool yes = false;
  ReplayManner manner;
};

/// Throws when the rule is lifted and its release has failed.
void say_why_not_released(const std::string& id, const json::object& answer) {
  const json::value* given = answer.if_contains("problem");
  if (given == nullptr || !given->is_object()) return;
  const json::object& problem = given->get_object();
  const base::ErrorInfo* info = base::find_error(std::string_view(problem.at("code").as_string()));
  fail(info == nullptr ? Code::INTERNAL : info->code,
       "quarantine rule " + id + " is lifted, and nothing of what it has caught is released: " +
           cell(problem, "detail") + "; lift it with --release again when that is over");
}

/// The job goes on by itself, unless somebody wants to wait for it.
int lift(const Connection& connection, const Lifting& given) {
  Query query = given.manner.query();
  if (!given.release && (!query.empty() || given.manner.wait)) {
    fail(Code::USAGE, "how what the rule has caught is replayed can only be said with --release");
  }
  HttpClient http(connection.admin_address());
  agree(given.yes || !given.release, "lift quarantine rule " + given.id + " and replay all that it has caught");
  if (given.release) query.emplace_back("release", "true");
  const std::string where = target({"hospital", "quarantines", given.id}, query);
  const json::object answer = http.request("DELETE", where, {}, std::chrono::minutes(1)).body.as_object();
  const bool has_job = answer.at("job").is_string();
  if (connection.json) print_json(answer);
  say_why_not_released(given.id, answer);
  if (!connection.json) {
    const std::string many = (answer.at("at_least").as_bool() ? "at least " : "") +
                             counted(answer.at("released").to_number<std::uint64_t>(), "case");
    const std::string then = has_job         ? "; replay job " + cell(answer, "job") + " releases " + many
                             : given.release ? ", and nothing is left of what it has caught"
                                             : "";
    print_line("lifted quarantine rule " + given.id + then);
  }
  return has_job && given.manner.wait ? follow_job(http, connection, cell(answer, "job"), true) : 0;
}

}  // namespace

void add_quarantine_commands(CLI::App& hospital, const Connection& connection, int& exit_status) {
  CLI::App* quarantine =
      hospital.add_subcommand("quarantine", "Rules that send messages to the hospital before anybody has them");
  quarantine->require_subcommand(1);
  quarantine->fallthrough();

  const auto of = std::make_shared<std::string>();
  CLI::App* listing = quarantine->add_subcommand("list", "The rules that there are");
  listing->add_option("subscription", *of, "Of this queue or subscription")->type_name("NAME");
  listing->callback([&connection, of] { list(connection, *of); });

  const auto rule = std::make_shared<Rule>();
  CLI::App* adding = quarantine->add_subcommand("add", "A new rule: what it says must all hold");
  adding->add_option("subscription", rule->subscription, "Of this queue or subscription")
      ->required()
      ->type_name("NAME");
  adding->add_option("--type", rule->type, "Messages of this type; * is one word, # any number of them")
      ->type_name("PATTERN");
  adding->add_option("--key", rule->key, "Messages with this key")->type_name("TEXT");
  adding->add_option("--header", rule->headers, "Messages with this header; repeatable")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  adding
      ->add_option("--filter", rule->filter,
                   "Messages that are like this, as a subscription's --filter says, e.g. 'orders.# header.region=eu'")
      ->type_name("TERMS");
  adding->add_option("--reason", rule->reason, "Why; kept with the cases")->type_name("TEXT");
  adding->add_option("--until", rule->until, "When it ends: a time, or how long from now, e.g. 2h (when it is lifted)")
      ->type_name("WHEN");
  adding->callback([&connection, rule] { add(connection, *rule); });

  const auto lifting = std::make_shared<Lifting>();
  CLI::App* command = quarantine->add_subcommand("lift", "Ends a rule; what it has caught stays in the hospital");
  command->add_option("id", lifting->id, "The rule")->required()->type_name("ID");
  command->add_flag(
      "--release", lifting->release,
      "And replays what it has caught, by a job, of which what follows is; also of a rule that has ended");
  command->add_flag("--yes", lifting->yes, "Do not ask; without a terminal --release needs it");
  lifting->manner.add_job_options(*command);
  command->callback([&connection, &exit_status, lifting] { exit_status = lift(connection, *lifting); });
}

}  // namespace lazaret::cli

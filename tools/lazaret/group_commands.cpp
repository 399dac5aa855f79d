// lazaret hospital groups list|show|update, and hospital count.
#include <algorithm>

#include "base/duration_text.h"
#include "commands.h"
#include "hospital_cases.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct ListOptions {
  std::vector<std::string> filters;
  std::string sort;
};

void list(const Connection& connection, const ListOptions& given) {
  HttpClient http(connection.admin_address());
  Query query{{"limit", "1000"}, {"filter", joined(given.filters)}};
  if (!given.sort.empty()) query.emplace_back("sort", given.sort);
  Table table{"GROUP", "OPEN", "QUEUE", "TYPE", "LAST SEEN", "FIRST SEEN WITH", "OWNER", "ERROR"};
  http.each_item(
      {"hospital", "groups"}, query,
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        const std::string error = cell(one, "error_type") == "-" ? "" : cell(one, "error_type") + ": ";
        table.add({cell(one, "id"), cell(one, "count"), cell(one, "subscription"), cell(one, "type"),
                   cell(one, "last_seen_at"), consumer_cell(one, "first_seen_with"), cell(one, "effective_owner"),
                   error + cell(one, "error_text")});
      },
      [&] {
        if (!connection.json) table.print();
      });
}

void print_group(const Connection& connection, const json::object& group) {
  if (connection.json) return print_json(group);
  json::object fields = group;
  for (const char* name : {"first_seen_with", "last_seen_with"}) fields[name] = consumer_cell(group, name);
  fields.erase("error_frames");
  fields.erase("trend");
  print_fields(fields);
  const json::array& frames = group.at("error_frames").as_array();
  if (!frames.empty()) print_line("\nstack");
  for (const json::value& frame : frames) print_line("  " + printable(std::string_view(frame.as_string())));
}

struct UpdateOptions {
  std::string id;
  std::optional<std::string> note, owner, ticket, snooze_until, snooze_until_version, snooze_until_rate;
  bool wake = false;
};

json::value text_or_nothing(const std::string& text) {
  return text.empty() ? json::value(nullptr) : json::value(json::string(text));
}

/// A time, a span from now, or "" for none.
json::value snooze_of(const std::string& text) {
  if (text.empty()) return nullptr;
  const auto span = base::parse_duration(text);
  if (!span.ok()) return json::string(text);
  const auto now = std::chrono::duration_cast<base::Duration>(std::chrono::system_clock::now().time_since_epoch());
  return json::string(base::format_rfc3339(base::Instant{now.count()} + *span));
}

void update(const Connection& connection, const UpdateOptions& given) {
  json::object body;
  for (const auto& [name, value] :
       {std::pair{"note", &given.note}, std::pair{"owner", &given.owner}, std::pair{"ticket", &given.ticket}}) {
    if (*value) body[name] = **value;
  }
  if (given.wake) {
    for (const char* name : {"snoozed_until", "snoozed_until_version", "snoozed_until_rate"}) body[name] = nullptr;
  }
  if (given.snooze_until) body["snoozed_until"] = snooze_of(*given.snooze_until);
  if (given.snooze_until_version) body["snoozed_until_version"] = text_or_nothing(*given.snooze_until_version);
  if (given.snooze_until_rate) body["snoozed_until_rate"] = text_or_nothing(*given.snooze_until_rate);
  if (body.empty()) {
    fail(Code::USAGE,
         "hospital groups update needs --note, --owner, --ticket, --snooze-until, --snooze-until-version, "
         "--snooze-until-rate or --wake");
  }
  HttpClient http(connection.admin_address());
  print_group(connection, http.request("PATCH", target({"hospital", "groups", given.id}), body).body.as_object());
}

void count(const Connection& connection, const std::vector<std::string>& filters) {
  HttpClient http(connection.admin_address());
  const std::uint64_t sum = count_cases(http, joined(filters), !connection.json);
  if (connection.json) return print_json(json::object{{"count", sum}});
  print_line(std::to_string(sum));
}

void export_cases(const Connection& connection, const std::vector<std::string>& filters) {
  HttpClient http(connection.admin_address());
  http.each_item({"hospital", "export"}, {{"limit", "1000"}, {"filter", joined(filters)}},
                 [](const json::object& one) { print_json(one); });
}

void add_update(CLI::App& groups, const Connection& connection) {
  CLI::App* updating = groups.add_subcommand("update", "Note something about a group; what is not given stays");
  const auto given = std::make_shared<UpdateOptions>();
  updating->add_option("id", given->id, "The group")->required()->type_name("ID");
  updating->add_option("--note", given->note, "What is known about it; \"\" for nothing")->type_name("TEXT");
  updating->add_option("--owner", given->owner, "Who sees to it")->type_name("TEXT");
  updating->add_option("--ticket", given->ticket, "Where it is followed up")->type_name("TEXT");
  updating->add_option("--snooze-until", given->snooze_until, "Nobody need look before; \"\" takes it away")
      ->type_name("TIME|DURATION");
  updating
      ->add_option("--snooze-until-version", given->snooze_until_version,
                   "Nor before a consumer of these versions has failed, e.g. '>=2.4.2'; \"\" takes it away")
      ->type_name("RANGE");
  updating
      ->add_option("--snooze-until-rate", given->snooze_until_rate,
                   "Nor before so many cases came in an hour or a minute, e.g. 100/h or 20/m; \"\" takes it away")
      ->type_name("RATE");
  updating->add_flag("--wake", given->wake, "It is snoozed no more")
      ->excludes("--snooze-until")
      ->excludes("--snooze-until-version")
      ->excludes("--snooze-until-rate");
  updating->callback([&connection, given] { update(connection, *given); });
}

}  // namespace

void add_group_commands(CLI::App& hospital, const Connection& connection) {
  CLI::App* groups = hospital.add_subcommand("groups", "Cases by their cause; without a command, as list");
  groups->fallthrough();
  const auto options = std::make_shared<ListOptions>();
  const auto add_list_options = [&options](CLI::App& command) {
    add_filter_option(command, options->filters);
    command.add_option("--sort", options->sort, "count (of open cases, when not given), last_seen or first_seen")
        ->type_name("ORDER");
  };
  add_list_options(*groups);
  CLI::App* listing = groups->add_subcommand("list", "All groups");
  add_list_options(*listing);
  groups->callback([&connection, options, groups, listing] {
    if (groups->get_subcommands().empty() || listing->parsed()) list(connection, *options);
  });
  CLI::App* showing = groups->add_subcommand("show", "One group: what it counts, and what is noted about it");
  const auto id = std::make_shared<std::string>();
  showing->add_option("id", *id, "The group")->required()->type_name("ID");
  showing->callback([&connection, id] {
    HttpClient http(connection.admin_address());
    print_group(connection, http.get(target({"hospital", "groups", *id})).as_object());
  });
  add_update(*groups, connection);

  CLI::App* counting = hospital.add_subcommand("count", "How many cases there are");
  const auto counted_ones = std::make_shared<std::vector<std::string>>();
  add_filter_option(*counting, *counted_ones);
  counting->callback([&connection, counted_ones] { count(connection, *counted_ones); });

  CLI::App* exporting = hospital.add_subcommand("export", "Whole cases as JSON Lines: with message and attempts");
  const auto exported = std::make_shared<std::vector<std::string>>();
  add_filter_option(*exporting, *exported);
  exporting->callback([&connection, exported] { export_cases(connection, *exported); });
}

}  // namespace lazaret::cli

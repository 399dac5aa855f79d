// lazaret queue|topic|subscription create|ensure|list|show|update|delete|purge|pause|resume|seek
#include <array>
#include <map>

#include <boost/json/parse.hpp>

#include "commands.h"
#include "http_client.h"
#include "output.h"

namespace lazaret::cli {
namespace {

using base::Code;

/// Whose options.
constexpr unsigned kOfQueue = 1, kOfTopic = 2, kOfSubscription = 4, kOfConsumers = kOfQueue | kOfSubscription;

/// What values are allowed is the broker's to say.
struct Option {
  const char* name;
  unsigned of;
  const char* help;
};
constexpr std::array kOptions = {
    Option{"max_attempts", kOfConsumers, "Failed attempts before a message goes to the hospital, or \"unlimited\" (5)"},
    Option{"backoff_initial", kOfConsumers, "Wait before the second attempt (1s)"},
    Option{"backoff_multiplier", kOfConsumers, "Each further wait is this much longer (5)"},
    Option{"backoff_max", kOfConsumers, "Longest wait (10m)"},
    Option{"backoff_jitter", kOfConsumers, "Waits differ by this fraction, 0 to 1 (0.2)"},
    Option{"lease_duration", kOfConsumers, "How long a message stays with a consumer that gives no sign of life (30s)"},
    Option{"max_worker_deaths", kOfConsumers, "Workers that a message may kill before it goes to the hospital (2)"},
    Option{"paused", kOfConsumers, "true: nothing is granted, see also pause and resume (false)"},
    Option{"max_in_flight", kOfConsumers, "Messages leased at a time, over all consumers; 0 for no limit (0)"},
    Option{"single_active_consumer", kOfConsumers, "true: one consumer gets everything, the others stand by (false)"},
    Option{"ttl", kOfConsumers,
           "How long a message is delivered after it was published, e.g. 1h; 0s: without end (0s)"},
    Option{"on_expiry", kOfConsumers, "What becomes of a message after that: drop, or hospital (drop)"},
    Option{
        "on_key_failure", kOfConsumers,
        "With --order-by-key, when a message goes to the hospital: continue with those behind it, or hold them until "
        "its case is resolved (continue)"},
    Option{"breaker", kOfConsumers,
           "true: when nearly everything fails it is granted one message at a time, and no attempt counts, until three "
           "were acked in a row (true)"},
    Option{"breaker_samples", kOfConsumers, "Attempts that must have ended before it says that (100)"},
    Option{"breaker_ratio", kOfConsumers, "Fraction of them that must have failed, 0.01 to 1 (0.9)"},
    Option{"breaker_window", kOfConsumers, "Within how long (30s)"},
    Option{"breaker_pause", kOfConsumers, "How long nothing is granted then; doubles up to 8 times this (10s)"},
    Option{"filter", kOfSubscription,
           "Which messages it takes, e.g. 'orders.*.created header.region=eu'; '' for all: wildcards over the type, "
           "and =, != or ~ (contains) for type, key, header.NAME, content_type, correlation_id and schema_id"},
    Option{"ephemeral", kOfSubscription, "true: it is deleted when it has had no consumer for 30 seconds (false)"},
    Option{"owner", kOfConsumers, "Whose it is, for people; shown with its cases, groups and alerts; '' for nobody's"},
    Option{"runbook", kOfConsumers, "What to do when it fails, for people: a text or an address; '' for none"},
    Option{"alert_to", kOfConsumers,
           "The webhook of the broker's configuration that its alerts go to; '' for the default one"},
    Option{"case_retention", kOfConsumers, "How long a case is kept after it was discharged or discarded (30d)"},
    Option{"case_retention_count", kOfConsumers,
           "Closed cases that are kept at most, those closed longest ago go; 0 for any number (0)"},
    Option{"hospital_max_bytes", kOfConsumers,
           "Bytes of messages that its cases may keep before only replays are delivered; 0 for no budget (10 GiB)"},
    Option{"durability", kOfQueue | kOfTopic,
           "When a publish is confirmed: fsync (on the disk) or relaxed (up to 200ms before)"},
    Option{"deduplicate_for", kOfQueue | kOfTopic,
           "A message whose --id came within this time is not stored again; 0s: not by ids (0s)"},
    Option{"max_messages", kOfQueue, "Messages that it holds at most; 0 for no limit (0)"},
    Option{"max_bytes", kOfQueue, "Bytes that it holds at most, about; 0 for no limit (0)"},
    Option{"overflow", kOfQueue, "When it is full: refuse the publish, or drop_oldest, which is counted (refuse)"},
    Option{"retain_for", kOfTopic, "How long messages stay after all subscriptions have read them (0s)"},
    Option{"retention_age", kOfTopic, "What is older goes, read or not; 0s for no limit (0s)"},
    Option{"retention_messages", kOfTopic, "Beyond so many the oldest go, read or not; 0 for no limit (0)"},
    Option{"retention_bytes", kOfTopic, "Beyond so many bytes the oldest go, read or not; 0 for no limit (0)"},
};

/// What the commands are about.
struct Noun {
  const char* name;
  unsigned kind;
  const char* plural;  // in the HTTP API
  const char* help;
  const char* delete_help;
  const char* force_help;
};
constexpr Noun kQueue{"queue",
                      kOfQueue,
                      "queues",
                      "Queues: create, look at, change, delete them",
                      "Delete a queue that is empty; its cases stay in the hospital",
                      "Although it holds messages or has consumers"};
constexpr Noun kTopic{"topic",
                      kOfTopic,
                      "topics",
                      "Topics: each of their subscriptions gets every message",
                      "Delete a topic that has no subscriptions",
                      "With all its subscriptions"};
constexpr Noun kSubscription{"subscription",
                             kOfSubscription,
                             "subscriptions",
                             "Subscriptions of topics: consumed from as queues are",
                             "Delete a subscription that has read everything; its cases stay in the hospital",
                             "Although it holds messages or has consumers"};

/// What one command was given.
struct Given {
  const Noun* noun = &kQueue;
  std::string name;
  std::map<std::string, std::string> options;
  std::vector<std::string> topics;
  std::map<std::string, std::string> texts;  // options that are taken as they are, and may be given as ""
  bool force = false;
  bool scheduled = false;
};

std::string with_dashes(std::string name) {
  std::replace(name.begin(), name.end(), '_', '-');
  return "--" + name;
}

std::string title(const Given& given) { return std::string(given.noun->name) + " " + given.name; }

/// A number or a truth value as what it is, else text.
json::value value_of(const std::string& text) {
  boost::system::error_code error;
  json::value value = json::parse(text, error);
  if (error || !(value.is_number() || value.is_bool())) value = json::string(text);
  return value;
}

json::object body_of(const Given& given) {
  json::object body;
  for (const auto& [name, text] : given.options) {
    if (text.empty()) continue;
    body[name] = name == "colocate_with" ? json::value(json::string(text)) : value_of(text);
  }
  if (given.topics.size() == 1) body["topic"] = given.topics.front();
  if (given.topics.size() > 1) body["topics"] = json::array(given.topics.begin(), given.topics.end());
  for (const auto& [name, text] : given.texts) body[name] = text;
  return body;
}

bool is_text(std::string_view option) {
  return option == "filter" || option == "owner" || option == "runbook" || option == "alert_to";
}

void add_options(CLI::App& command, Given& given) {
  for (const auto& [name, of, help] : kOptions) {
    if ((of & given.noun->kind) == 0) continue;
    if (is_text(name)) {
      const auto take = [&given, name = std::string(name)](const std::string& text) { given.texts[name] = text; };
      command.add_option_function<std::string>(with_dashes(name), take, help)->type_name("VALUE");
      continue;
    }
    CLI::Option* option = command.add_option(with_dashes(name), given.options[name], help)->type_name("VALUE");
    // A bare flag says yes.
    const std::string_view option_name = name;
    const bool flag = option_name == "paused" || option_name == "single_active_consumer" || option_name == "ephemeral";
    if (flag) option->expected(0, 1)->default_str("true");
  }
}

/// What is fixed at creation.
void add_order(CLI::App& command, Given& given) {
  if (given.noun == &kTopic) return;
  command.add_flag_callback(
      "--order-by-key", [&given] { given.options["order_by_key"] = "true"; },
      "At most one message of a key at a time, in order, retries included");
}

void add_placement(CLI::App& command, Given& given) {
  add_order(command, given);
  if (given.noun == &kSubscription) {
    command.add_option("--topic", given.topics, "The topic that it reads; give it again for each further one")
        ->required()
        ->allow_extra_args(false)
        ->type_name("TOPIC");
    command
        .add_option(
            "--start", given.options["start"],
            "latest: with what is published from now on; earliest: with the oldest that there is; an offset; or "
            "a time such as 2026-11-23T20:04:48Z (latest)")
        ->type_name("WHERE");
    return;
  }
  command.add_option("--colocate-with", given.options["colocate_with"], "On the shard of this queue or topic")
      ->type_name("NAME");
}

/// PUT makes sure that the queue exists; only 201 says that it was this request that created it.
void create(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  HttpClient::Answer answer;
  try {
    answer = http.request("PUT", target({given.noun->plural, given.name}), body_of(given));
  } catch (const Error& error) {
    if (error.problem.code != base::error_info(Code::OPTIONS_MISMATCH).name) throw;
    fail(Code::ALREADY_EXISTS, "there is a " + title(given) + " with other options: " + error.problem.text);
  }
  if (answer.status != 201) fail(Code::ALREADY_EXISTS, "there is a " + title(given));
  if (connection.json) return print_json(answer.body);
  print_line("created " + title(given));
}

void ensure(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  const auto answer = http.request("PUT", target({given.noun->plural, given.name}), body_of(given));
  if (connection.json) return print_json(answer.body);
  print_line((answer.status == 201 ? "created " : "there is a ") + title(given));
}

/// "orders, returns"
std::string topics_of(const json::object& one) {
  const json::value* topics = one.if_contains("topics");
  if (topics == nullptr || !topics->is_array()) return cell(one, "topic");
  std::string text;
  for (const json::value& topic : topics->get_array()) {
    if (topic.is_string()) text += (text.empty() ? "" : ", ") + printable(std::string_view(topic.get_string()));
  }
  return text;
}

std::vector<std::string> row_of(const json::object& one, const Noun& noun) {
  if (&noun == &kTopic) {
    return {cell(one, "name"), cell(one, "published_total"), cell(one, "subscriptions"), cell(one, "durability")};
  }
  const json::value* consumers = one.if_contains("consumers");
  const bool known = consumers != nullptr && consumers->is_array();
  std::vector<std::string> row{cell(one, "name"),        cell(one, "ready"),
                               cell(one, "leased"),      cell(one, "waiting"),
                               cell(one, "in_hospital"), cell(one, "entered_total"),
                               cell(one, "acked_total"), known ? std::to_string(consumers->get_array().size()) : "-"};
  if (&noun == &kSubscription) row.push_back(topics_of(one));
  return row;
}

Table table_of(const Noun& noun) {
  if (&noun == &kTopic) return Table{"NAME", "PUBLISHED", "SUBSCRIPTIONS", "DURABILITY"};
  if (&noun == &kQueue) return Table{"NAME", "READY", "LEASED", "WAITING", "HOSPITAL", "ENTERED", "ACKED", "CONSUMERS"};
  return Table{"NAME", "READY", "LEASED", "WAITING", "HOSPITAL", "ENTERED", "ACKED", "CONSUMERS", "TOPIC"};
}

void list(const Connection& connection, const Noun& noun) {
  HttpClient http(connection.admin_address());
  Table table = table_of(noun);
  http.each_item(
      {noun.plural}, {{"limit", "1000"}},
      [&](const json::object& one) {
        if (connection.json) return print_json(one);
        table.add(row_of(one, noun));
      },
      [&] {
        if (!connection.json) table.print();
      });
}

void print_queue(const Connection& connection, const json::value& queue) {
  if (connection.json) return print_json(queue);
  print_fields(queue.as_object());
}

void update(const Connection& connection, const Given& given) {
  const json::object body = body_of(given);
  if (body.empty()) fail(Code::USAGE, std::string(given.noun->name) + " update needs an option to change");
  HttpClient http(connection.admin_address());
  print_queue(connection, http.request("PATCH", target({given.noun->plural, given.name}), body).body);
}

void remove(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  Query query;
  if (given.force) query.emplace_back("force", "true");
  http.request("DELETE", target({given.noun->plural, given.name}, query));
  if (connection.json) return print_json(json::object{{"name", given.name}, {"deleted", true}});
  print_line("deleted " + title(given));
}

void purge(const Connection& connection, const Given& given) {
  HttpClient http(connection.admin_address());
  json::object body;
  if (given.scheduled) body["scheduled"] = true;
  json::object answer = http.request("POST", target({given.noun->plural, given.name, "purge"}), body).body.as_object();
  if (connection.json) {
    answer["name"] = given.name;
    return print_json(answer);
  }
  print_line("purged " + cell(answer, "purged") + " from " + title(given));
}

/// PATCH of one option.
void set_paused(const Connection& connection, const Given& given, bool paused) {
  HttpClient http(connection.admin_address());
  const auto answer = http.request("PATCH", target({given.noun->plural, given.name}), json::object{{"paused", paused}});
  if (connection.json) return print_json(answer.body);
  print_line((paused ? "paused " : "resumed ") + title(given));
}

void seek(const Connection& connection, const Given& given, const std::string& to) {
  HttpClient http(connection.admin_address());
  json::object answer =
      http.request("POST", target({given.noun->plural, given.name, "seek"}), json::object{{"to", value_of(to)}})
          .body.as_object();
  if (connection.json) {
    answer["name"] = given.name;
    return print_json(answer);
  }
  print_line(title(given) + " goes on at offset " + cell(answer, "offset") + ": " + cell(answer, "entered") +
             " messages come again, " + cell(answer, "purged") + " were left out");
}

void add_commands(CLI::App& app, const Connection& connection, const Noun& noun) {
  CLI::App* group = app.add_subcommand(noun.name, noun.help);
  group->require_subcommand(1);
  group->fallthrough();
  const std::string what = noun.name;

  const auto add = [&](const char* verb, const std::string& help, auto action) {
    CLI::App* command = group->add_subcommand(verb, help);
    const auto given = std::make_shared<Given>();
    given->noun = &noun;
    command->add_option("name", given->name, "Name of the " + what)->required()->type_name("NAME");
    command->callback([&connection, given, action] { action(connection, *given); });
    return std::pair(command, given);
  };
  const auto [creating, created] = add("create", "Create a " + what + "; 73 when there is one of that name", create);
  add_options(*creating, *created);
  add_placement(*creating, *created);
  const auto [ensuring, ensured] = add("ensure", "Create a " + what + " unless it exists with these options", ensure);
  add_options(*ensuring, *ensured);
  add_placement(*ensuring, *ensured);
  const auto [updating, updated] = add("update", "Change the options that are given", update);
  add_options(*updating, *updated);
  add("show", "One " + what + " with its counters and options", [](const Connection& to, const Given& given) {
    print_queue(to, HttpClient(to.admin_address()).get(target({given.noun->plural, given.name})));
  });
  const auto [removing, removed] = add("delete", noun.delete_help, remove);
  removing->add_flag("--force", removed->force, noun.force_help);
  if (&noun != &kTopic) {
    const auto [purging, purged] = add("purge", "Drop what is ready or waiting", purge);
    purging->add_flag("--scheduled", purged->scheduled, "Also what was published with --delay or --at and is not due");
    add("pause", "Grant nothing; what is out already goes on",
        [](const Connection& to, const Given& given) { set_paused(to, given, true); });
    add("resume", "Grant again", [](const Connection& to, const Given& given) { set_paused(to, given, false); });
  }
  if (&noun == &kSubscription) {
    const auto place = std::make_shared<std::string>();
    const auto [seeking, sought] =
        add("seek", "Go on somewhere else: forward leaves messages out, back reads them again",
            [place](const Connection& to, const Given& given) { seek(to, given, *place); });
    seeking->add_option("--to", *place, "earliest, latest, an offset, or a time such as 2026-11-23T20:04:48Z")
        ->required()
        ->type_name("WHERE");
  }
  group->add_subcommand("list", "All of them")->callback([&connection, &noun] { list(connection, noun); });
}

}  // namespace

void add_queue_commands(CLI::App& app, const Connection& connection) {
  for (const Noun* noun : {&kQueue, &kTopic, &kSubscription}) add_commands(app, connection, *noun);
}

}  // namespace lazaret::cli

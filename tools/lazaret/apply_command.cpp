// lazaret apply -f topology.toml: what the file declares comes into being, and what is otherwise is named.
//
// First everything is looked at, so that a mistake in the file, or a no at the terminal, changes nothing; then it is
// done.
#include <algorithm>
#include <array>
#include <iostream>
#include <map>
#include <set>

#include "base/duration_text.h"
#include "commands.h"
#include "http_client.h"
#include "output.h"
#include "topology.h"

namespace lazaret::cli {
namespace {

using base::Code;

struct Given {
  std::string file;
  bool update = false;
  bool dry_run = false;
  bool prune = false;
  bool yes = false;
  bool force = false;
};

struct Difference {
  const DeclaredOption* option;
  json::value is;
};

/// One thing that is, or should be, or should not be.
struct Step {
  enum class What { keep, create, differ, update, remove, refuse };
  What what = What::keep;
  Kind kind = Kind::queue;
  std::string name;
  const Declared* declared = nullptr;  // not of what is removed
  std::vector<Difference> differences{};
  std::string holds{};  // of what is removed: "3 messages, 1 consumer; 2 cases stay in the hospital"

  std::string title() const { return name_of(kind) + " " + name; }
};

std::uint64_t number_of(const json::object& shown, std::string_view field) {
  const json::value* value = shown.if_contains(field);
  boost::system::error_code error;
  return value != nullptr && value->is_number() ? value->to_number<std::uint64_t>(error) : 0;
}

bool is_error(const Error& error, Code code) { return error.problem.code == base::error_info(code).name; }

/// The same value, however it is written: 1s and 1000ms, 5 and 5.0.
bool same(const json::value& is, const json::value& declared) {
  if (is.is_number() && declared.is_number()) return is.to_number<double>() == declared.to_number<double>();
  if (is.is_string() && declared.is_string()) {
    const auto one = base::parse_duration(std::string_view(is.get_string()));
    const auto other = base::parse_duration(std::string_view(declared.get_string()));
    if (one.ok() && other.ok()) return *one == *other;
  }
  return is == declared;
}

/// In whatever order.
bool same_names(const json::value& is, const json::value& declared) {
  const auto sorted = [](const json::value& list) {
    std::vector<std::string> names;
    if (!list.is_array()) return names;
    for (const json::value& one : list.get_array()) names.push_back(to_text(one));
    std::sort(names.begin(), names.end());
    return names;
  };
  return declared.is_array() && sorted(is) == sorted(declared);
}

bool names_topics(const DeclaredOption& option) { return option.name == "topic" || option.name == "topics"; }

std::string plain(const json::value& value) {
  return value.is_string() ? printable(std::string_view(value.get_string())) : to_text(value);
}

// --- Looking ---------------------------------------------------------------------------------------------------------

class Planner {
 public:
  Planner(HttpClient& http, const Given& given, const std::vector<Declared>& declared)
      : http_(http), given_(given), declared_(declared) {
    for (const Declared& one : declared) {
      kinds_.emplace(one.name, one.kind);
      for (const auto& reference : one.references()) used_.insert(reference.name);
    }
  }

  std::vector<Step> plan() {
    std::vector<Step> steps;
    for (const Declared& one : declared_) steps.push_back(look_at(one));
    if (!given_.prune) return steps;
    if (declared_.empty() && !given_.force) {
      fail(Code::BAD_REQUEST, given_.file + " declares nothing, and --prune would delete everything (--force does)");
    }
    // A topic is deleted when its subscriptions are.
    for (const Kind kind : {Kind::subscription, Kind::topic, Kind::queue}) prune(kind, steps);
    return steps;
  }

 private:
  Step look_at(const Declared& one) {
    Step step{.kind = one.kind, .name = one.name, .declared = &one};
    std::string differs;
    try {
      const auto answer = rehearse(one, one.body());
      if (answer.status == 201) step.what = Step::What::create;
    } catch (const Error& error) {
      if (is_error(error, Code::OPTIONS_MISMATCH)) {
        differs = error.problem.text;
      } else if (is_error(error, Code::NOT_FOUND) && refers_to_what_comes(one)) {
        if (!exists(one)) step.what = Step::What::create;
      } else {
        blame(one, error);
      }
    }
    if (step.what != Step::What::create) compare(one, differs, step);
    return step;
  }

  HttpClient::Answer rehearse(const Declared& one, const json::object& body) {
    return http_.request("PUT", target({plural_of(one.kind), one.name}, {{"dry_run", "true"}}), body);
  }

  bool exists(const Declared& one) {
    try {
      http_.get(target({plural_of(one.kind), one.name}));
      return true;
    } catch (const Error& error) {
      if (!is_error(error, Code::NOT_FOUND)) throw;
      return false;
    }
  }

  /// What it refers to is not there, or not what it must be; but the file declares it.
  bool refers_to_what_comes(const Declared& one) const {
    const auto references = one.references();
    return !references.empty() && std::all_of(references.begin(), references.end(),
                                              [this](const auto& reference) { return comes(reference); });
  }

  bool comes(const Declared::Reference& reference) const {
    const auto found = kinds_.find(reference.name);
    if (found == kinds_.end()) return false;
    return !names_topics(*reference.option) || found->second == Kind::topic;
  }

  /// Says where in the file the mistake is: the broker is asked about each option alone.
  [[noreturn]] void blame(const Declared& one, const Error& error) {
    const auto at = [&error](const std::string& place) {
      Problem problem = error.problem;
      problem.text = place + ": " + problem.text;
      throw Error(error.code(), problem);
    };
    const bool about_file = error.problem.fault == "caller";
    if (!about_file) throw error;
    if (is_error(error, Code::NOT_FOUND)) {
      for (const auto& reference : one.references()) {
        if (!comes(reference)) at(one.place_of(*reference.option));
      }
    }
    for (const DeclaredOption& option : one.options) {
      json::object alone{{option.name, option.value}};
      for (const DeclaredOption& other : one.options) {
        if (names_topics(other)) alone[other.name] = other.value;
      }
      try {
        rehearse(one, alone);
      } catch (const Error& same_error) {
        if (same_error.problem.code == error.problem.code && same_error.problem.text == error.problem.text) {
          at(one.place_of(option));
        }
      }
    }
    at(one.place + ": " + plural_of(one.kind) + "." + one.name);
    throw error;
  }

  /// Where a subscription began, and what something was put beside, says nothing of how it is now.
  void compare(const Declared& one, const std::string& differs, Step& step) {
    const json::value shown = http_.get(target({plural_of(one.kind), one.name}));
    for (const DeclaredOption& option : one.options) {
      const json::value* is = shown.as_object().if_contains(option.name);
      if (is == nullptr || option.name == "start") continue;
      if (option.name == "topics" ? same_names(*is, option.value) : same(*is, option.value)) continue;
      step.differences.push_back({&option, *is});
    }
    if (step.differences.empty()) {
      if (!differs.empty()) fail(Code::OPTIONS_MISMATCH, one.place + ": " + differs);
      return;
    }
    step.what = given_.update && changes_options_only(step) ? Step::What::update : Step::What::differ;
  }

  /// What something belongs to cannot be changed; everything else can.
  static bool changes_options_only(const Step& step) {
    return std::none_of(step.differences.begin(), step.differences.end(),
                        [](const Difference& one) { return names_topics(*one.option); });
  }

  void prune(Kind kind, std::vector<Step>& steps) {
    http_.each_item({plural_of(kind)}, {{"limit", "1000"}}, [&](const json::object& shown) {
      const std::string name = cell(shown, "name");
      // Names that begin so are the broker's own.
      if (kinds_.contains(name) || used_.contains(name) || name.starts_with("lazaret.")) return;
      Step step{.what = Step::What::remove, .kind = kind, .name = name};
      const std::uint64_t messages = number_of(shown, "ready") + number_of(shown, "leased") +
                                     number_of(shown, "waiting") + number_of(shown, "scheduled") +
                                     number_of(shown, "held");
      const json::value* list = shown.if_contains("consumers");
      const std::uint64_t consumers = list != nullptr && list->is_array() ? list->get_array().size() : 0;
      const std::uint64_t cases = number_of(shown, "in_hospital");
      if (kind != Kind::topic) step.holds = counted(messages, "message") + ", " + counted(consumers, "consumer");
      if (cases > 0)
        step.holds += "; " + counted(cases, "case") + (cases == 1 ? " stays" : " stay") + " in the hospital";
      const bool stuck = messages + consumers > 0 || kept_topics_.contains(name);
      if (stuck && !given_.force) {
        step.what = Step::What::refuse;
        keep_topics_of(shown);
        if (kind == Kind::topic) step.holds = "it has a subscription that stays";
      }
      steps.push_back(std::move(step));
    });
  }

  void keep_topics_of(const json::object& shown) {
    const json::value* topics = shown.if_contains("topics");
    if (topics == nullptr || !topics->is_array()) return;
    for (const json::value& topic : topics->get_array()) kept_topics_.emplace(topic.as_string());
  }

  HttpClient& http_;
  const Given& given_;
  const std::vector<Declared>& declared_;
  std::map<std::string, Kind> kinds_;  // of what the file declares
  std::set<std::string> used_;
  std::set<std::string> kept_topics_;
};

/// Whoever sits at a terminal sees what goes, and is asked; a script says --yes.
void ask(const Given& given, const std::vector<Step>& steps) {
  const auto goes = [](const Step& step) { return step.what == Step::What::remove; };
  const auto count = static_cast<std::uint64_t>(std::count_if(steps.begin(), steps.end(), goes));
  if (count == 0 || given.yes || given.dry_run) return;
  for (const Step& step : steps) {
    if (!goes(step)) continue;
    std::cerr << "  " << step.title() << (step.holds.empty() ? "" : ": " + step.holds) << "\n";
  }
  agree(given.yes, "delete " + (count == 1 ? "it" : "these " + std::to_string(count)));
}

// --- Doing -----------------------------------------------------------------------------------------------------------

void act(HttpClient& http, const Given& given, const Step& step) {
  const std::string plural = plural_of(step.kind);
  json::object body;
  switch (step.what) {
    case Step::What::create: http.request("PUT", target({plural, step.name}), step.declared->body()); return;
    case Step::What::update:
      for (const Difference& one : step.differences) body[one.option->name] = one.option->value;
      http.request("PATCH", target({plural, step.name}), body);
      return;
    case Step::What::remove: {
      // A topic's subscriptions have gone by now: one that came meanwhile was in nobody's sight.
      const bool force = given.force && step.kind != Kind::topic;
      http.request("DELETE", target({plural, step.name}, force ? Query{{"force", "true"}} : Query{}));
      return;
    }
    default: return;
  }
}

struct Words {
  const char* done;
  const char* would;
};
Words words_of(Step::What what) {
  static constexpr std::array<Words, 6> kWords = {{{"unchanged", "unchanged"},
                                                   {"created", "would create"},
                                                   {"different", "different"},
                                                   {"updated", "would update"},
                                                   {"deleted", "would delete"},
                                                   {"kept", "would keep"}}};
  return kWords.at(static_cast<std::size_t>(what));
}

std::string sentence_of(const Step& step, const Difference& one) {
  const char* verb = step.what == Step::What::differ ? " is " : " from ";
  const char* to = step.what == Step::What::differ ? ", declared " : " to ";
  return one.option->name + verb + plain(one.is) + to + plain(one.option->value) + " (" + one.option->place + ")";
}

/// For people; nothing of what stays as it is.
void print_step(const Given& given, const Step& step) {
  if (step.what == Step::What::keep) return;
  const Words words = words_of(step.what);
  std::string text = given.dry_run ? words.would : words.done;
  if (step.what == Step::What::differ) text = "";
  text += (text.empty() ? "" : " ") + step.title();
  std::string behind = step.holds;
  for (const Difference& one : step.differences) behind += (behind.empty() ? "" : "; ") + sentence_of(step, one);
  if (step.what == Step::What::refuse) behind += " (--force deletes it all the same)";
  print_line(text + (behind.empty() ? "" : ": " + behind));
}

void print_object(const Given& given, const Step& step) {
  json::object out{{"kind", name_of(step.kind)}, {"name", step.name}, {"result", words_of(step.what).done}};
  if (given.dry_run) out["dry_run"] = true;
  if (!step.holds.empty()) out["holds"] = step.holds;
  if (!step.differences.empty()) {
    json::array differences;
    for (const Difference& one : step.differences) {
      differences.push_back(json::object{
          {"option", one.option->name}, {"is", one.is}, {"declared", one.option->value}, {"place", one.option->place}});
    }
    out["differences"] = std::move(differences);
  }
  print_json(out);
}

/// What makes the exit status: a difference that stays, something that is not deleted.
void judge(const Step& step, Worst& worst) {
  if (step.what == Step::What::differ) {
    std::string text = step.title();
    for (const Difference& one : step.differences) {
      text += (&one == &step.differences.front() ? ": " : "; ") + sentence_of(step, one);
    }
    worst.add(problem_of(base::Status(Code::OPTIONS_MISMATCH, text)));
  }
  if (step.what == Step::What::refuse) {
    worst.add(problem_of(base::Status(Code::NOT_EMPTY, step.title() + " is not deleted: " + step.holds)));
  }
}

void print_summary(const Given& given, const std::vector<Step>& done) {
  std::array<std::size_t, 6> counts{};
  for (const Step& step : done) ++counts.at(static_cast<std::size_t>(step.what));
  std::string text;
  for (const Step::What what : {Step::What::create, Step::What::update, Step::What::remove, Step::What::refuse,
                                Step::What::differ, Step::What::keep}) {
    const std::size_t count = counts.at(static_cast<std::size_t>(what));
    if (count == 0) continue;
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + words_of(what).done;
  }
  print_line((text.empty() ? "nothing declared" : text) + (given.dry_run ? " (nothing was changed: --dry-run)" : ""));
}

/// What went wrong with one of them, while the others go on.
void print_failure(const Connection& connection, const Step& step, const Problem& problem) {
  if (!connection.json) return report(problem, false);
  print_json(json::object{{"kind", name_of(step.kind)}, {"name", step.name}, {"error", problem_json(problem)}});
}

int apply(const Connection& connection, const Given& given) {
  if (!given.prune && (given.yes || given.force)) fail(Code::USAGE, "--yes and --force are for --prune");
  const std::vector<Declared> declared = read_topology(given.file);
  HttpClient http(connection.admin_address());
  const std::vector<Step> steps = Planner(http, given, declared).plan();
  ask(given, steps);
  std::vector<Step> done;
  Worst failed, judged;
  for (const Step& step : steps) {
    try {
      if (!given.dry_run) act(http, given, step);
    } catch (const Error& error) {
      Problem problem = error.problem;
      problem.text = (step.declared != nullptr ? step.declared->place + ": " : "") + step.title() + ": " + problem.text;
      print_failure(connection, step, problem);
      failed.add(problem);
      continue;
    }
    connection.json ? print_object(given, step) : print_step(given, step);
    judge(step, judged);
    done.push_back(step);
  }
  if (!connection.json) print_summary(given, done);
  const Worst& worst = failed.any() ? failed : judged;
  if (worst.any() && (connection.json || !failed.any())) report(worst.problem(), connection.json);
  return worst.exit_status();
}

}  // namespace

void add_apply_command(CLI::App& app, const Connection& connection, int& exit_status) {
  CLI::App* command = app.add_subcommand("apply", "Make queues, topics and subscriptions what a file declares");
  const auto given = std::make_shared<Given>();
  command
      ->add_option("-f,--file", given->file,
                   "TOML: [queues.NAME], [topics.NAME], [subscriptions.NAME]; - is standard input")
      ->required()
      ->type_name("FILE");
  command->add_flag("--update", given->update, "Change options that differ; without it a difference is an error (73)");
  command->add_flag("--prune", given->prune,
                    "Delete what the file does not name, unless it holds messages or has consumers");
  command->add_flag("--force", given->force, "With --prune: delete it although it holds messages or has consumers");
  command->add_flag("--yes", given->yes, "With --prune: do not ask; without a terminal what is to be deleted needs it");
  command->add_flag("--dry-run", given->dry_run, "Print what would be done, and change nothing");
  command->footer(
      "What is missing is created; what is there and differs is named, option by option, and makes the exit status "
      "73.\n"
      "A mistake in the file changes nothing. Run again, it changes nothing. Each line is about one of them.");
  command->callback([&connection, &exit_status, given] { exit_status = apply(connection, *given); });
}

}  // namespace lazaret::cli

#include "hospital_cases.h"

#include <algorithm>
#include <iostream>

#include "message_view.h"
#include "model/case_query.h"

namespace lazaret::cli {
namespace {

using base::Code;

/// What it says of states is the broker's to understand; here only whether it says anything.
bool names_a_state(const std::string& filter) {
  const auto query = model::parse_case_query(filter, {});
  if (!query.ok()) return true;  // which the broker will refuse
  return std::any_of(query->terms.begin(), query->terms.end(),
                     [](const model::CaseTerm& term) { return term.field == model::CaseTerm::Field::state; });
}

/// One that is empty, as that of a script whose variable is not set, holds for everything, which nobody has asked for.
bool has_terms(const std::string& filter) {
  const auto query = model::parse_case_query(filter, {});
  return !query.ok() || !query->terms.empty();  // what cannot be read the broker will refuse
}

/// Within a queue in the order of its messages, whatever order they are listed or given in. What is no id at all is the
/// broker's to refuse, at the end.
void put_in_order(std::vector<std::string>& ids) {
  std::stable_sort(ids.begin(), ids.end(), [](const std::string& a, const std::string& b) {
    const auto left = model::CaseId::parse(a);
    const auto right = model::CaseId::parse(b);
    return left && right ? *left < *right : left && !right;
  });
}

/// Only these can be acted upon, and all that are replaying already would be refused one by one.
std::string filter_of(const std::vector<std::string>& filters, const std::string& state) {
  const std::string filter = joined(filters);
  return names_a_state(filter) ? filter : filter + " state=" + state;
}

}  // namespace

std::string joined(const std::vector<std::string>& filters) {
  std::string all;
  for (const std::string& filter : filters) all += (all.empty() ? "" : " ") + filter;
  return all;
}

std::string consumer_cell(const json::object& object, std::string_view name) {
  const json::value* found = object.if_contains(name);
  if (found == nullptr || !found->is_object()) return "-";
  const std::string version = cell(found->get_object(), "version");
  return cell(found->get_object(), "name") + (version == "-" ? "" : " " + version);
}

void add_filter_option(CLI::App& command, std::vector<std::string>& filters) {
  command
      .add_option("--filter", filters,
                  "Cases of which this holds, for example 'state=admitted error~timeout admitted>-2h'; repeatable: "
                  "all must hold. The language: docs/hospital.md")
      ->type_name("TERMS")
      ->allow_extra_args(false);
}

void ChosenCases::add_options(CLI::App& command, const std::string& state) {
  command.add_option("ids", ids, "These cases")->type_name("ID");
  add_filter_option(command, filters);
  command.add_flag("--all", all, "Every case that is " + state);
  command.add_flag("--yes", yes, "Do not ask when there are several; without a terminal several need it");
}

void ChosenCases::check(const std::string& verb) const {
  if ((ids.empty() ? 0 : 1) + (filters.empty() ? 0 : 1) + (all ? 1 : 0) != 1) {
    fail(Code::USAGE, "hospital " + verb + " needs the ids of cases, --filter TERMS, or --all");
  }
  for (const std::string& filter : filters) {
    if (has_terms(filter)) continue;
    fail(Code::USAGE, "hospital " + verb + " --filter \"" + filter +
                          "\" says nothing, which would take every case: --all says that");
  }
}

void ChosenCases::ask(std::uint64_t chosen, const std::string& question) const { agree(yes || chosen <= 1, question); }

std::vector<std::string> ChosenCases::choose(HttpClient& http, const std::string& verb,
                                             const std::string& state) const {
  check(verb);
  std::vector<std::string> chosen = ids;
  if (ids.empty()) {
    const Query query{{"limit", "1000"}, {"filter", filter_of(filters, state)}};
    http.each_item({"hospital", "cases"}, query,
                   [&chosen](const json::object& item) { chosen.push_back(cell(item, "id")); });
  }
  put_in_order(chosen);
  ask(chosen.size(), verb + " " + counted(chosen.size(), "case"));
  return chosen;
}

Problem problem_of(const json::object& because) {
  const base::ErrorInfo* info = base::find_error(cell(because, "code"));
  return problem_of(base::Status(info == nullptr ? Code::INTERNAL : info->code, cell(because, "detail")));
}

std::uint64_t ChosenCases::count(HttpClient& http, const std::string& verb, const std::string& state, bool show) const {
  check(verb);
  if (ids.empty()) return count_cases(http, filter_of(filters, state), show);
  std::uint64_t sum = 0;
  for (const std::string& id : ids) {
    sum += cell(http.get(target({"hospital", "cases", id}, without_body())).as_object(), "state") == state ? 1 : 0;
  }
  return sum;
}

std::uint64_t count_cases(HttpClient& http, const std::string& filter, bool show) {
  std::uint64_t sum = 0;
  Progress progress(show);
  for (std::string cursor;;) {
    Query query{{"filter", filter}};
    if (!cursor.empty()) query.emplace_back("cursor", cursor);
    const json::object answer = http.get(target({"hospital", "cases", "count"}, query)).as_object();
    sum += answer.at("count").to_number<std::uint64_t>();
    if (!answer.at("cursor").is_string()) break;
    cursor = std::string(answer.at("cursor").get_string());
    progress.show(counted(sum, "case") + " so far");
  }
  progress.clear();
  return sum;
}

CaseResults::CaseResults(const Connection& connection, std::string done, std::size_t chosen, bool show_cases)
    : connection_(connection),
      done_(std::move(done)),
      chosen_(chosen),
      show_cases_(show_cases),
      progress_(!connection.json && chosen > 1) {}

void CaseResults::run(const std::string& id, const std::function<json::object()>& act) {
  try {
    const json::object now = act();
    ++good_;
    if (connection_.json && show_cases_) print_json(now);
  } catch (const Error& error) {
    worst_.add(error.problem);
    if (connection_.json) {
      if (chosen_ > 1) print_json(json::object{{"id", id}, {"error", problem_json(error.problem)}});
    } else {
      progress_.clear();
      std::cerr << "lazaret: case " + printable(id) + ": " + sentence_of(error.problem) + "\n";
    }
  }
  progress_.show(done_ + " " + std::to_string(good_) + " of " + counted(chosen_, "case"));
}

int CaseResults::finish() {
  progress_.clear();
  if (!connection_.json && (good_ > 0 || !worst_.any())) print_line(done_ + " " + counted(good_, "case"));
  if (connection_.json && worst_.any()) report(worst_.problem(), true);
  return worst_.exit_status();
}

}  // namespace lazaret::cli

#include "hospital_cases.h"

#include <algorithm>
#include <array>
#include <iostream>

namespace lazaret::cli {
namespace {

using base::Code;

constexpr std::array<std::string_view, 6> kFilters = {"queue", "subscription", "type", "key", "reason", "state"};

}  // namespace

std::pair<std::string, std::string> filter_of(const std::string& text) {
  const std::size_t equals = text.find('=');
  const std::string key = text.substr(0, equals);
  if (equals == std::string::npos || std::find(kFilters.begin(), kFilters.end(), key) == kFilters.end()) {
    fail(Code::USAGE, "--filter " + text + ": must be queue, type, key, reason or state, and =VALUE");
  }
  return {key, text.substr(equals + 1)};
}

void ChosenCases::add_options(CLI::App& command) {
  command.add_option("ids", ids, "These cases")->type_name("ID");
  command.add_option("--filter", filters, "Cases that are like this: queue, type, key, reason, state; repeatable")
      ->type_name("KEY=VALUE")
      ->allow_extra_args(false);
  command.add_flag("--all", all, "Every case that is admitted");
  command.add_flag("--yes", yes, "Do not ask on a terminal when there are several");
}

std::vector<std::string> ChosenCases::choose(HttpClient& http, const std::string& verb) const {
  if ((ids.empty() ? 0 : 1) + (filters.empty() ? 0 : 1) + (all ? 1 : 0) != 1) {
    fail(Code::USAGE, "hospital " + verb + " needs the ids of cases, --filter KEY=VALUE, or --all");
  }
  std::vector<std::string> chosen = ids;
  if (ids.empty()) {
    Query query{{"limit", "1000"}};
    for (const std::string& filter : filters) query.push_back(filter_of(filter));
    const auto is_state = [](const auto& one) { return one.first == "state"; };
    if (std::none_of(query.begin(), query.end(), is_state)) query.emplace_back("state", "admitted");
    http.each_item({"hospital", "cases"}, query,
                   [&chosen](const json::object& item) { chosen.push_back(cell(item, "id")); });
  }
  if (chosen.size() > 1 && !yes && can_ask() && !confirmed(verb + " " + counted(chosen.size(), "case"))) {
    fail(Code::CANCELLED, "nothing was changed");
  }
  return chosen;
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

// Which cases a command of the hospital is about, and what it does to each of them.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "connection.h"
#include "http_client.h"
#include "output.h"

namespace lazaret::cli {

/// Ids, a filter, or all: exactly one of them.
struct ChosenCases {
  std::vector<std::string> ids;
  std::vector<std::string> filters;
  bool all = false;
  bool yes = false;

  /// `state`: of those that --all means.
  void add_options(CLI::App& command, const std::string& state = "admitted");
  /// The ids, of all pages, in the order of their messages. Throws as `check` and `ask` do.
  std::vector<std::string> choose(HttpClient& http, const std::string& verb,
                                  const std::string& state = "admitted") const;

  /// How many that would be: of ids those that are in `state`. Asks nobody. Throws as `check`, and NOT_FOUND for an id.
  std::uint64_t count(HttpClient& http, const std::string& verb, const std::string& state = "admitted",
                      bool show = false) const;

  /// Throws USAGE when the choice is none, or a filter has no terms: that means everything, which --all says.
  void check(const std::string& verb) const;
  /// Of several: throws CANCELLED when whoever sits at the terminal does not want this, and USAGE when nobody does and
  /// --yes was not given.
  void ask(std::uint64_t chosen, const std::string& question) const;
};

/// Why a case was refused, as an answer says it: {"code", "detail"}.
Problem problem_of(const json::object& because);

/// --filter, which may be given several times.
void add_filter_option(CLI::App& command, std::vector<std::string>& filters);
/// All of them must hold.
std::string joined(const std::vector<std::string>& filters);

/// "billing 2.4.1", of a field that says who a consumer is; "-" when it says nothing.
std::string consumer_cell(const json::object& object, std::string_view name);
/// How many cases match, of all pages; `show`: and how far that is.
std::uint64_t count_cases(HttpClient& http, const std::string& filter, bool show);

/// groups, count and export; group_commands.cpp
void add_group_commands(CLI::App& hospital, const Connection& connection);

/// What became of several cases, one after the other: prints each and counts.
class CaseResults {
 public:
  CaseResults(const Connection& connection, std::string done, std::size_t chosen, bool show_cases = true);
  /// Calls `act` for a case, which returns the case as it is then; its Error is that case's.
  void run(const std::string& id, const std::function<json::object()>& act);
  /// Prints what was counted, and returns the exit status.
  int finish();

 private:
  const Connection& connection_;
  const std::string done_;
  const std::size_t chosen_;
  const bool show_cases_;
  std::uint64_t good_ = 0;
  Worst worst_;
  Progress progress_;
};

}  // namespace lazaret::cli

#include "many_cases.h"

#include <algorithm>
#include <csignal>
#include <iostream>

namespace lazaret::cli {
namespace {

using base::Code;

/// A call ends within half of it, unless the disk is very slow.
constexpr std::chrono::seconds kCallDeadline{60};

volatile std::sig_atomic_t is_interrupted = 0;

/// The first ^C is heeded between two calls, so that what a call has done is told; the second ends the tool.
class Interruption {
 public:
  Interruption() {
    is_interrupted = 0;
    struct sigaction action = {};
    action.sa_handler = [](int) { is_interrupted = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND | SA_RESTART);
    ::sigaction(SIGINT, &action, &before_);
  }
  ~Interruption() { ::sigaction(SIGINT, &before_, nullptr); }
  Interruption(const Interruption&) = delete;
  Interruption& operator=(const Interruption&) = delete;

  bool has_come() const { return is_interrupted != 0; }

 private:
  struct sigaction before_ = {};
};

std::uint64_t number(const json::object& object, std::string_view name) {
  return object.at(name).to_number<std::uint64_t>();
}

class ManyCases {
 public:
  ManyCases(const Connection& connection, const Treatment& what)
      : connection_(connection),
        what_(what),
        where_(target({"hospital", what.verb + "s"})),
        http_(connection.admin_address()),
        progress_(!connection.json) {}

  /// How many they are is asked first, and whoever sits at the terminal after that: what has come since is left alone.
  int run(const ChosenCases& cases) {
    json::object body;
    if (cases.all) {
      body["all"] = true;
    } else {
      body["filter"] = joined(cases.filters);
    }
    if (!what_.reason.empty()) body["reason"] = what_.reason;
    json::object rehearsal = body;
    rehearsal["dry_run"] = true;
    const json::object planned = call(rehearsal);
    const std::uint64_t total = number(planned, "total");
    const bool at_least = planned.at("at_least").as_bool();
    all_ = (at_least ? "at least " : "") + counted(total, "case");
    cases.ask(at_least ? std::max<std::uint64_t>(total, 2) : total, what_.verb + " " + all_);
    body["cursor"] = planned.at("cursor");
    if (total > 0 || at_least) change(std::move(body));
    return finish();
  }

 private:
  json::object call(const json::object& body) {
    return http_.request("POST", where_, body, kCallDeadline).body.as_object();
  }

  void change(json::object body) {
    const Interruption interruption;
    for (bool more = true; more;) {
      if (interruption.has_come()) stop();
      const json::object answer = call_or_say_how_far(body);
      count(answer);
      progress_.show(far());
      body["cursor"] = answer.at("cursor");
      more = answer.at("more").as_bool();
    }
  }

  json::object call_or_say_how_far(const json::object& body) {
    try {
      return call(body);
    } catch (const Error&) {
      progress_.clear();
      if (good_ > 0 && !connection_.json) std::cerr << "lazaret: " + far() + " before this\n";
      throw;
    }
  }

  [[noreturn]] void stop() {
    progress_.clear();
    fail(Code::CANCELLED, "stopped: " + far() + ", the others are as they were");
  }

  /// "discarded 3000 of 14138 cases"
  std::string far() const { return what_.done + " " + std::to_string(good_) + " of " + all_; }

  void count(const json::object& answer) {
    good_ += number(answer, what_.done);
    if (connection_.json) {
      for (const json::value& id : answer.at("ids").as_array()) {
        print_json(json::object{{"id", id}, {"state", what_.state}});
      }
    }
    for (const json::value& refusal : answer.at("refusals").as_array()) refuse(refusal.as_object());
  }

  void refuse(const json::object& refusal) {
    const Problem problem = problem_of(refusal.at("because").as_object());
    worst_.add(problem);
    if (connection_.json) return print_json(json::object{{"id", refusal.at("id")}, {"error", problem_json(problem)}});
    progress_.clear();
    std::cerr << "lazaret: case " + cell(refusal, "id") + ": " + sentence_of(problem) + "\n";
  }

  int finish() {
    progress_.clear();
    if (!connection_.json && (good_ > 0 || !worst_.any())) print_line(what_.done + " " + counted(good_, "case"));
    if (connection_.json && worst_.any()) report(worst_.problem(), true);
    return worst_.exit_status();
  }

  const Connection& connection_;
  const Treatment& what_;
  const std::string where_;
  HttpClient http_;
  Progress progress_;
  std::string all_;  // "14138 cases"
  std::uint64_t good_ = 0;
  Worst worst_;
};

}  // namespace

int treat_many(const Connection& connection, const ChosenCases& cases, const Treatment& what) {
  cases.check(what.verb);
  return ManyCases(connection, what).run(cases);
}

}  // namespace lazaret::cli

// lazaret_simulate: runs a range of seeds, on all cores, and says which found something.
//
//   lazaret_simulate --seeds A-B [--bug NAME] [--jobs N] [--coverage] [--trace]
//
// Exit status: 0 nothing found; 1 something found, or with --coverage something never reached; 64 usage.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <iostream>
#include <mutex>
#include <thread>

#include "simulation/random_run.h"

namespace {

using namespace lazaret::simulation;

struct Range {
  std::uint64_t first = 1;
  std::uint64_t last = 1000;
};

class Simulation {
 public:
  Simulation(Range range, Bug bug, bool trace) : range_(range), bug_(bug), trace_(trace), next_(range.first) {}

  void run(unsigned jobs) {
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < jobs; ++i) threads.emplace_back([this] { work(); });
    for (std::thread& thread : threads) thread.join();
  }
  /// Whether all is well; says what is not.
  bool report(bool with_coverage) const {
    std::vector<std::string> missing;
    if (with_coverage) missing = coverage_.missing();
    for (const std::string& what : missing) std::cout << "never reached: " << what << "\n";
    std::cout << "seeds " << range_.first << "-" << range_.last << ": " << coverage_.events() << " events, "
              << commands_ << " commands, " << crashes_ << " crashes, " << found_ << " seeds with findings\n";
    return found_ == 0 && missing.empty();
  }

 private:
  void work() {
    for (std::uint64_t seed = next_++; seed <= range_.last; seed = next_++) {
      RandomRun run(seed, bug_);
      if (trace_) run.trace(std::cout);
      run.run();
      const std::lock_guard lock(mutex_);
      coverage_.add(run.coverage());
      commands_ += run.commands();
      crashes_ += static_cast<std::uint64_t>(run.crashes());
      if (run.findings().empty()) continue;
      ++found_;
      for (const std::string& finding : run.findings()) std::cout << "seed " << seed << ": " << finding << "\n";
    }
  }

  const Range range_;
  const Bug bug_;
  const bool trace_;
  std::atomic<std::uint64_t> next_;
  std::mutex mutex_;
  Coverage coverage_;           // GUARDED_BY(mutex_)
  std::uint64_t commands_ = 0;  // GUARDED_BY(mutex_)
  std::uint64_t crashes_ = 0;   // GUARDED_BY(mutex_)
  std::uint64_t found_ = 0;     // GUARDED_BY(mutex_)
};

std::string parse(const std::string& text, Range& range) {
  char rest = 0;
  const int found = std::sscanf(text.c_str(), "%lu-%lu%c", &range.first, &range.last, &rest);
  if (found == 1) range.last = range.first;
  return found >= 1 && found <= 2 && range.first <= range.last ? "" : "seeds are A-B or A";
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Random runs of the delivery rules in virtual time; a seed reproduces its run");
  std::string seeds = "1-1000";
  std::string bug_name = "none";
  unsigned jobs = std::max(1u, std::thread::hardware_concurrency());
  bool coverage = false;
  bool trace = false;
  Range range;
  std::vector<std::string> names{"none"};
  for (const auto& [bug, name] : kBugs) names.emplace_back(name);
  app.add_option("--seeds", seeds, "A-B, or one")->check([&](const std::string& text) { return parse(text, range); });
  app.add_option("--bug", bug_name, "Plant this bug: it must be found")->check(CLI::IsMember(names));
  app.add_option("--jobs", jobs, "Threads")->check(CLI::Range(1, 256));
  app.add_flag("--coverage", coverage, "Fail when some event, effect, answer, mutation or error code is never reached");
  app.add_flag("--trace", trace, "Print every event (<-), mutation (==) and effect (->), on one thread");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 64;
  }
  parse(seeds, range);
  Bug planted = Bug::none;
  for (const auto& [bug, name] : kBugs) planted = name == bug_name ? bug : planted;
  Simulation simulation(range, planted, trace);
  simulation.run(trace ? 1 : jobs);
  return simulation.report(coverage) ? 0 : 1;
}

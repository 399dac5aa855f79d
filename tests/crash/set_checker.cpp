#include "crash/set_checker.h"

#include <set>
#include <utility>

namespace lazaret::crash {
namespace {

/// A message of a queue, by its body.
using Place = std::pair<std::string, std::string>;

class SetChecker {
 public:
  SetChecker(const std::vector<Event>& history, const std::map<std::string, FinalQueue>& queues) {
    for (const Event& event : history) learn(event);
    for (const auto& [name, queue] : queues) {
      for (const FinalCase& one : queue.cases) {
        stored_.insert({name, one.body});
        cases_.insert(one.body);
      }
    }
  }

  std::vector<std::string> findings() {
    for (const auto& [name, members] : sets_) {
      const std::size_t stored = stored_of(members);
      if (stored == 0 || stored == members.size()) continue;
      findings_.push_back("set " + name + ": " + std::to_string(stored) + " of " + std::to_string(members.size()) +
                          " are stored (W)");
    }
    for (const auto& [cause, sets] : of_causes_) along_with_its_ack(cause, sets);
    return std::move(findings_);
  }

 private:
  void learn(const Event& event) {
    if (event.what == What::confirmed || event.what == What::delivered) stored_.insert({event.queue, event.body});
    if (event.what != What::published || event.set.empty()) return;
    sets_[event.set].insert({event.queue, event.body});
    if (!event.cause.empty()) of_causes_[event.cause].insert(event.set);
  }

  std::size_t stored_of(const std::set<Place>& members) const {
    std::size_t stored = 0;
    for (const Place& member : members) stored += stored_.count(member);
    return stored;
  }

  /// At the end what is no case was acked, by the verdict of which something would have gone along.
  void along_with_its_ack(const std::string& cause, const std::set<std::string>& sets) {
    std::size_t published = 0;
    for (const std::string& name : sets) published += stored_of(sets_.at(name)) > 0 ? 1 : 0;
    const bool is_case = cases_.contains(cause);
    if (published == (is_case ? 0u : 1u)) return;
    findings_.push_back(cause + ": " + (is_case ? "a case" : "acked") + ", and " + std::to_string(published) + " of " +
                        std::to_string(sets.size()) + " sets of its verdicts are stored (A)");
  }

  std::map<std::string, std::set<Place>> sets_;
  std::map<std::string, std::set<std::string>> of_causes_;  // body → sets
  std::set<Place> stored_;
  std::set<std::string> cases_;  // bodies
  std::vector<std::string> findings_;
};

}  // namespace

std::vector<std::string> check_sets(const std::vector<Event>& history,
                                    const std::map<std::string, FinalQueue>& queues) {
  return SetChecker(history, queues).findings();
}

}  // namespace lazaret::crash

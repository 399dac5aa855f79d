// Ordeal: a daemon with publishers, workers and an operator, which is killed again and again; at the end everything is
// worked off, and the checker has to be content.
//
// Threading: the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "crash/actors.h"
#include "crash/checker.h"
#include "crash/operator_actor.h"
#include "integration/support/broker.h"

namespace lazaret::crash {

/// Failed attempts of a message before it is a case, on the queues of an ordeal.
inline constexpr std::uint64_t kLimit = 3;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise);
QueueSpec spec_of(const std::string& name);

/// A queue, or one of "subscriptions", when nothing is under way any more; fails the test where its sums are wrong.
FinalQueue what_is_left_of(const testing::Broker& broker, const std::string& name, std::uint64_t limit,
                           const std::string& kind = "queues");
/// Fails the test over each finding, and says where to look: the whole history.
void report(const History& history, std::uint64_t seed, const std::vector<std::string>& findings);

class Ordeal : public ::testing::Test {
 protected:
  explicit Ordeal(testing::BrokerOptions options = {});

  /// Everybody is at work while `rounds` runs; then what is left is worked off and checked.
  void endure(const std::function<void()>& rounds);

  const std::uint64_t seed_ = number_from("LAZARET_SEED", 1);
  std::mt19937_64 random_{seed_};
  testing::Broker broker_;
  History history_;
  Stage stage_{.broker = broker_, .history = history_, .queues = {"alpha", "beta", "gamma"}};

 private:
  bool drained();
  std::map<std::string, FinalQueue> what_is_left();
};

}  // namespace lazaret::crash

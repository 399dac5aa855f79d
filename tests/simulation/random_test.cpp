// Random runs: what one seed does is the same each time, and each planted bug is found. The long range of seeds is
// `tools/simulate`'s.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "simulation/random_run.h"

namespace lazaret::simulation {

/// For GoogleTest: the name stands beside it.
void PrintTo(Bug bug, std::ostream* out) { *out << static_cast<int>(bug); }

namespace {

using ::testing::IsEmpty;

TEST(Random, ASeedReproducesItsRun) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    RandomRun first(seed);
    first.run();
    RandomRun second(seed);
    second.run();
    EXPECT_THAT(first.findings(), IsEmpty()) << "seed " << seed;
    EXPECT_EQ(first.digest(), second.digest()) << "seed " << seed;
    EXPECT_GE(first.commands(), RandomRun::kCommands);
    EXPECT_GE(first.crashes(), RandomRun::kCrashes);
  }
}

TEST(Random, OtherSeedsGiveOtherRuns) {
  RandomRun first(1);
  first.run();
  RandomRun second(2);
  second.run();
  EXPECT_NE(first.digest(), second.digest());
}

class PlantedBug : public ::testing::TestWithParam<std::pair<Bug, std::string_view>> {};

TEST_P(PlantedBug, IsFound) {
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    RandomRun run(seed, GetParam().first);
    run.run();
    if (run.findings().empty()) continue;
    RecordProperty("seed", static_cast<int>(seed));
    RecordProperty("finding", run.findings().front());
    return;
  }
  FAIL() << GetParam().second << " was not found in 100 runs";
}

INSTANTIATE_TEST_SUITE_P(All, PlantedBug, ::testing::ValuesIn(kBugs),
                         [](const auto& bug) { return std::string(bug.param.second); });

/// What is planted into the byte budget of hospitals is found by what is said of the budget, and not only because
/// something else breaks as well.
class BugOfTheBudget : public ::testing::TestWithParam<std::pair<Bug, std::string_view>> {};

TEST_P(BugOfTheBudget, IsFoundForWhatItIs) {
  const auto& [bug, words] = GetParam();
  std::vector<std::string> others;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    RandomRun run(seed, bug);
    run.run();
    for (const std::string& finding : run.findings()) {
      if (finding.find(words) != std::string::npos) return RecordProperty("finding", finding);
      others.push_back(finding);
    }
  }
  FAIL() << "nothing was found that is \"" << words << "\" in 100 runs, but " << others.size() << " others"
         << (others.empty() ? "" : ", such as " + others.front());
}

INSTANTIATE_TEST_SUITE_P(
    All, BugOfTheBudget,
    ::testing::Values(std::pair{Bug::bytes_never_given_back, std::string_view("bytes, where")},
                      std::pair{Bug::versions_not_counted, std::string_view("bytes, where")},
                      std::pair{Bug::budget_forgotten, std::string_view("delivered while cases keep as much")},
                      std::pair{Bug::case_lost_when_full, std::string_view("are counted in the hospital, where")}),
    [](const auto& bug) {
      const auto known =
          std::find_if(kBugs.begin(), kBugs.end(), [&](const auto& one) { return one.first == bug.param.first; });
      return std::string(known->second);
    });

}  // namespace
}  // namespace lazaret::simulation

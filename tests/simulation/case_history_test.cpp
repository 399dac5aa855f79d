// What a case keeps of what was done to it: when, by whom, by which job and why, the newest of it.
#include <algorithm>
#include <chrono>

#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::CaseChange;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CaseHistory : public Story {
 protected:
  CaseHistory() : anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions options;
    options.max_attempts = 2;
    world.create_queue("orders", options);
    world.create_queue("repairs");
    anna.consume("orders", 10);
    world.publish("orders", 1);
    anna.reject(0, "no good");
    id = world.cases("orders", CaseState::admitted).at(0).id;
    begin = world.now();
  }
  model::CaseRecord record() { return world.store().read_case(id).value(); }
  /// A line each, with the second in which it was done.
  Lines told() {
    Lines lines;
    for (const model::CaseEvent& event : record().history) {
      const auto second = std::chrono::duration_cast<std::chrono::seconds>(event.at - begin).count();
      std::string line = std::to_string(second) + " " + std::string(model::to_string(event.what));
      if (!event.by.empty()) line += " by " + event.by;
      if (event.job) line += " by job " + std::to_string(event.job.value);
      if (!event.to.empty()) line += " to " + event.to;
      if (!event.reason.empty()) line += ": " + event.reason;
      lines.push_back(std::move(line));
    }
    return lines;
  }
  Client anna;
  model::CaseId id;
  base::Instant begin;
};

TEST_F(CaseHistory, SaysWhatPeopleDidAndWhatBecameOfIt) {
  EXPECT_THAT(told(), IsEmpty()) << "nothing was done to it yet";
  world.run_for(1s);
  ASSERT_TRUE(world.replay(id).status.ok());
  world.run_for(1s);
  anna.reject(0, "still no good");
  world.run_for(1s);
  ASSERT_TRUE(world.discard(id, "no use").status.ok());
  world.run_for(1s);
  ASSERT_TRUE(world.restore(id).status.ok());
  EXPECT_EQ(record().discard_reason, "");
  world.run_for(1s);
  ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  EXPECT_THAT(told(), ElementsAre("1 replayed by the operator", "2 relapsed", "3 discarded by the operator: no use",
                                  "4 restored by the operator", "5 redirected by the operator to repairs"));
}

TEST_F(CaseHistory, SaysWhichJobItWas) {
  anna.goodbye();
  world.run_for(1s);
  ASSERT_TRUE(world.replay_by_job(id, 7, false).status.ok());
  world.run_for(1s);
  ASSERT_TRUE(world.recall(id, 7).status.ok());
  world.run_for(1s);
  ASSERT_TRUE(world.replay_by_job(id, 8, false).status.ok());
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 10);
  world.run_for(1s);
  bert.ack(0);
  EXPECT_THAT(told(), ElementsAre("1 replayed by job 7", "2 recalled by job 7", "3 replayed by job 8", "4 discharged"));
}

TEST_F(CaseHistory, SaysWhatReturnedItWithoutAJob) {
  anna.goodbye();
  ASSERT_TRUE(world.replay(id).status.ok());
  world.run_for(1s);
  world.purge("orders");
  world.run_for(1s);
  ASSERT_TRUE(world.replay(id).status.ok());
  world.run_for(1s);
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  EXPECT_THAT(told(), ElementsAre("0 replayed by the operator", "1 recalled: the queue was purged",
                                  "2 replayed by the operator", "3 recalled: the queue was deleted",
                                  "3 redirected by the operator to repairs"));
}

TEST_F(CaseHistory, KeepsTheNewestAndCountsTheRest) {
  constexpr std::size_t kRounds = model::limits::kCaseHistory / 2 + 10;
  for (std::size_t i = 0; i < kRounds; ++i) {
    ASSERT_TRUE(world.discard(id, std::to_string(i)).status.ok());
    ASSERT_TRUE(world.restore(id).status.ok());
  }
  const model::CaseRecord now = record();
  ASSERT_THAT(now.history, SizeIs(model::limits::kCaseHistory));
  EXPECT_EQ(now.history_left_out, 20u);
  EXPECT_EQ(now.history.front().what, CaseChange::discarded);
  EXPECT_EQ(now.history.front().reason, "10");
  EXPECT_EQ(now.history.back().what, CaseChange::restored);
}

TEST_F(CaseHistory, ComesAlongWithAnImport) {
  auto what = std::make_shared<model::ImportedCase>(*world.exported(1, "from there"));
  what->history = {{begin, CaseChange::replayed, "replay job 3"}, {begin + 1s, CaseChange::relapsed}};
  what->history_left_out = 4;
  id = world.import_case("orders", what).id;
  world.run_for(2s);
  ASSERT_TRUE(world.discard(id, "known there").status.ok());
  EXPECT_THAT(told(),
              ElementsAre("0 replayed by replay job 3", "1 relapsed", "2 discarded by the operator: known there"));
  EXPECT_EQ(record().history_left_out, 4u);
}

}  // namespace
}  // namespace lazaret::simulation

// What the core does for replay jobs: replays that carry a job's number, canaries, recalls, and the job's own records.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::ReplayOutcome;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class ReplayJobs : public Story {
 protected:
  ReplayJobs() : anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions options;
    options.max_attempts = 3;
    options.backoff_jitter = 0;
    world.create_queue("orders", options);
    anna.consume("orders", 10);
    world.publish("orders", 1);
    anna.reject(0, "broken");
    heard();
  }
  model::CaseId only_case() { return world.cases("orders", CaseState::admitted).at(0).id; }
  model::CaseRecord record(const model::CaseId& id) { return world.store().read_case(id).value(); }
  Client anna;
};

TEST_F(ReplayJobs, ACaseCarriesTheNumberOfTheJobThatReplayedIt) {
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay_by_job(id, 7, false).status.ok());
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId(7));
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::queued);
  world.kill_broker();
  world.start_broker();
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId(7));
}

TEST_F(ReplayJobs, WhatBecameOfAReplayStandsInTheCase) {
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay_by_job(id, 7, false).status.ok());
  anna.reject(0, "still broken");
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::relapsed);
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId(7));
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId()) << "by hand";
  anna.ack(0);
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::discharged);
}

TEST_F(ReplayJobs, ACanaryHasOneAttempt) {
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay_by_job(id, 7, true).status.ok());
  anna.nack(0, "no");
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::relapsed);
  EXPECT_EQ(record(id).relapse_count, 1u);
  expect_sums("orders");
  ASSERT_TRUE(world.replay_by_job(id, 8, false).status.ok());
  anna.nack(0, "no", 0s);
  EXPECT_EQ(record(id).state, CaseState::replaying) << "the next replay has all of them again";
}

TEST_F(ReplayJobs, ACanaryHasOneAttemptOverARestartToo) {
  const model::CaseId id = only_case();
  anna.goodbye();
  ASSERT_TRUE(world.replay_by_job(id, 7, true).status.ok());
  world.kill_broker();
  world.start_broker();
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 1);
  bert.nack(0, "no");
  EXPECT_EQ(record(id).state, CaseState::admitted);
  expect_sums("orders");
}

TEST_F(ReplayJobs, WhatAJobSendsElsewhereSaysSoInTheSameWrite) {
  const model::CaseId id = only_case();
  world.create_queue("repairs");
  ASSERT_TRUE(world.redirect_by_job(id, "repairs", 7).status.ok());
  EXPECT_EQ(record(id).state, CaseState::discharged);
  EXPECT_EQ(record(id).redirected_to, "repairs");
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId(7));
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::discharged);
  world.kill_broker();
  world.start_broker();
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId(7));
  EXPECT_EQ(world.redirect_by_job(id, "repairs", 7).status.code(), Code::NOT_FOUND) << "it is closed";
  EXPECT_EQ(world.show("repairs").log_end.value, 1u);
  expect_sums("orders");
}

TEST_F(ReplayJobs, OfAQueueThatIsGoneAJobSendsElsewhereTooAndOnce) {
  const model::CaseId id = only_case();
  world.create_queue("repairs");
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  ASSERT_TRUE(world.redirect_by_job(id, "repairs", 7).status.ok());
  EXPECT_EQ(record(id).replay_job, model::ReplayJobId(7));
  EXPECT_EQ(world.redirect_by_job(id, "repairs", 7).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.show("repairs").log_end.value, 1u);
}

TEST_F(ReplayJobs, AJobThatLookedBeforeARelapseSendsNothingElsewhere) {
  const model::CaseId id = only_case();
  world.create_queue("repairs");
  const std::uint32_t seen = record(id).attempt_count;
  ASSERT_TRUE(world.replay(id).status.ok());
  anna.reject(0, "again");
  EXPECT_EQ(world.redirect_by_job(id, "repairs", 7, seen).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(world.show("repairs").log_end.value, 0u);
}

TEST_F(ReplayJobs, WhatIsReplayedToAVersionGoesToNoOther) {
  const model::CaseId id = only_case();
  model::ReplayCaseCommand replay;
  replay.id = id;
  replay.attempts = record(id).attempt_count;
  replay.only_for = ">=2.4.2";
  EXPECT_EQ(world.ask<model::CaseDone>(id.shard, replay).status.code(), Code::NO_CONSUMER) << "anna has no version";
  EXPECT_EQ(record(id).state, CaseState::admitted);
  Client old(world, "old", {.starts_at_once = true, .version = "2.4.1"});
  old.consume("orders", 10);
  EXPECT_EQ(world.ask<model::CaseDone>(id.shard, replay).status.code(), Code::NO_CONSUMER);
  Client fresh(world, "fresh", {.starts_at_once = true, .version = "2.10"});
  fresh.consume("orders", 10);
  ASSERT_TRUE(world.ask<model::CaseDone>(id.shard, replay).status.ok());
  EXPECT_THAT(fresh.held(), ElementsAre(0));
  fresh.nack(0, "not yet", 1s);
  fresh.goodbye();
  world.run_for(5s);
  EXPECT_THAT(old.held(), IsEmpty());
  EXPECT_THAT(anna.held(), IsEmpty());
  world.publish("orders", 3);
  EXPECT_EQ(world.show("orders").ready, 1u) << "what is new passes by what waits for its version";
  EXPECT_EQ(world.show("orders").unaccepted_versions, ">=2.4.2");
  world.kill_broker();
  world.start_broker();
  old.reconnect();
  world.run_for(20s);
  EXPECT_THAT(old.held(), Not(Contains(0))) << "nor over a restart";
  Client later(world, "later", {.starts_at_once = true, .version = "2.4.2"});
  later.consume("orders", 10);
  EXPECT_THAT(later.held(), ElementsAre(0));
  later.ack(0);
  EXPECT_EQ(record(id).state, CaseState::discharged);
  EXPECT_EQ(world.show("orders").unaccepted_versions, "");
  expect_sums("orders");
}

TEST_F(ReplayJobs, ARangeOfVersionsThatIsNoneIsRefused) {
  model::ReplayCaseCommand replay;
  replay.id = only_case();
  replay.only_for = "2.4.2";
  EXPECT_EQ(world.ask<model::CaseDone>(replay.id.shard, replay).status.code(), Code::BAD_REQUEST);
  expect_sums("orders");
}

TEST_F(ReplayJobs, WhatIsReadyIsRecalled) {
  const model::CaseId id = only_case();
  anna.goodbye();
  ASSERT_TRUE(world.replay_by_job(id, 7, false).status.ok());
  ASSERT_TRUE(world.recall(id).status.ok());
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::recalled);
  EXPECT_EQ(record(id).relapse_count, 0u);
  EXPECT_EQ(world.recall(id).status.code(), Code::NOT_FOUND) << "it is not being replayed any more";
  expect_sums("orders");
  world.kill_broker();
  world.start_broker();
  expect_sums("orders");
  EXPECT_EQ(world.show("orders").ready, 0u);
}

TEST_F(ReplayJobs, WhatWaitsForItsNextAttemptIsRecalledWithItsHistory) {
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay_by_job(id, 7, false).status.ok());
  anna.nack(0, "later", 10s);
  ASSERT_TRUE(world.recall(id).status.ok());
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(record(id).attempt_count, 2u);
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
  expect_sums("orders");
  heard();
  world.run_for(20s);
  EXPECT_THAT(heard(), IsEmpty());
}

TEST_F(ReplayJobs, WhatIsWithAConsumerIsNotRecalled) {
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay_by_job(id, 7, false).status.ok());
  EXPECT_EQ(world.recall(id).status.code(), Code::CASE_BUSY);
  anna.ack(0);
  EXPECT_EQ(record(id).replay_outcome, ReplayOutcome::discharged);
}

/// Between the job's look and its command somebody else replayed the case, and it failed again.
TEST_F(ReplayJobs, AJobThatLookedBeforeARelapseDoesNotReplay) {
  const model::CaseId id = only_case();
  model::ReplayCaseCommand late;
  late.id = id;
  late.job = model::ReplayJobId(7);
  late.attempts = record(id).attempt_count;
  ASSERT_TRUE(world.replay(id).status.ok());
  anna.reject(0, "again");
  EXPECT_EQ(world.ask<model::CaseDone>(id.shard, late).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(record(id).state, CaseState::admitted);
}

TEST_F(ReplayJobs, AJobItsSetAndItsOutcomesAreStoredAndForgotten) {
  const model::CaseId id = only_case();
  model::SaveReplayJob save;
  save.change.record.id = model::ReplayJobId(1);
  save.change.record.filter = "queue=orders";
  save.change.record.total = 1;
  save.change.chosen.push_back({0, {id}, {}, {}});
  ASSERT_TRUE(world.ask<model::Done>(model::ShardId(0), save).status.ok());
  save.change.chosen.clear();
  save.change.outcomes.push_back({0, {}, {ReplayOutcome::refused}, {{0, Code::CASE_BUSY}}});
  ASSERT_TRUE(world.ask<model::Done>(model::ShardId(0), save).status.ok());
  world.kill_broker();
  world.start_broker();
  EXPECT_THAT(world.store().read_replay_jobs().value(), ElementsAre(save.change.record));
  const model::ReplayChunk chunk = world.store().read_replay_chunk(model::ReplayJobId(1), 0).value();
  EXPECT_THAT(chunk.cases, ElementsAre(id));
  EXPECT_THAT(chunk.outcomes, ElementsAre(ReplayOutcome::refused));
  EXPECT_THAT(chunk.refusals, SizeIs(1));
  ASSERT_TRUE(world.ask<model::Done>(model::ShardId(0), model::ForgetReplayJob{{}, model::ReplayJobId(1)}).status.ok());
  EXPECT_THAT(world.store().read_replay_jobs().value(), IsEmpty());
  EXPECT_THAT(world.store().read_replay_chunk(model::ReplayJobId(1), 0)->cases, IsEmpty());
}

}  // namespace
}  // namespace lazaret::simulation

// semantics: "Replay", and what else becomes of a case.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::AttemptOutcome;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Hospital : public Story {
 protected:
  Hospital() : anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions options;
    options.max_attempts = 2;
    options.backoff_jitter = 0;
    world.create_queue("orders", options);
    anna.consume("orders", 10);
  }
  model::CaseId only_case() { return world.cases("orders", CaseState::admitted).at(0).id; }
  void fail_twice(std::uint64_t offset) {
    anna.nack(offset, "first", 0s);
    anna.nack(offset, "second");
  }
  Client anna;
};

TEST_F(Hospital, AReplayStartsItsFailuresAtZeroAndGoesOnCountingAttempts) {
  world.publish("orders", 1);
  fail_twice(0);
  const model::CaseId id = only_case();
  heard();
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 3, again"));
  EXPECT_EQ(world.show("orders").counters.in_hospital, 0u);
  EXPECT_EQ(world.show("orders").leased, 1u);
  expect_sums("orders");
  anna.nack(0, "third", 0s);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna nack 0: done", "0.000 anna gets 0, attempt 4, again"));
  anna.nack(0, "fourth");
  const auto relapsed = world.cases("orders", CaseState::admitted);
  ASSERT_THAT(relapsed, SizeIs(1));
  EXPECT_EQ(relapsed[0].relapse_count, 1u);
  EXPECT_EQ(relapsed[0].replay_count, 1u);
  EXPECT_EQ(relapsed[0].attempt_count, 4u);
  EXPECT_EQ(relapsed[0].failure_count, 4u);
  EXPECT_EQ(relapsed[0].last_error.message, "fourth");
  expect_sums("orders");
}

/// Two people look at the case at once; one replays it, it fails again, then the other's click arrives.
TEST_F(Hospital, AReplayByWhoLookedBeforeARelapseOverwritesNoAttempt) {
  world.publish("orders", 1);
  fail_twice(0);
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay(id, 2).status.ok());
  fail_twice(0);
  ASSERT_TRUE(world.replay(id, 2).status.ok());
  anna.reject(0, "fifth");
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::nacked, AttemptOutcome::nacked, AttemptOutcome::nacked,
                                                 AttemptOutcome::nacked, AttemptOutcome::rejected));
  EXPECT_EQ(world.cases("orders", CaseState::admitted).at(0).attempt_count, 5u);
}

TEST_F(Hospital, AnAckAfterAReplayDischarges) {
  world.publish("orders", 1);
  fail_twice(0);
  const model::CaseId id = only_case();
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(world.replay(id).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.discard(id).status.code(), Code::CASE_BUSY);
  anna.ack(0);
  const auto closed = world.cases("orders", CaseState::discharged);
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_FALSE(closed[0].late_ack);
  EXPECT_THAT(outcomes("orders", 0),
              ElementsAre(AttemptOutcome::nacked, AttemptOutcome::nacked, AttemptOutcome::acked));
  EXPECT_EQ(world.replay(id).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
  expect_sums("orders");
}

TEST_F(Hospital, ADiscardIsCounted) {
  world.publish("orders", 1);
  anna.reject(0, "not for us");
  EXPECT_EQ(world.cases("orders", CaseState::admitted).at(0).reason, model::CaseReason::rejected);
  ASSERT_TRUE(world.discard(only_case(), "spam").status.ok());
  EXPECT_EQ(world.cases("orders", CaseState::discarded).at(0).discard_reason, "spam");
  EXPECT_EQ(world.show("orders").counters.discarded, 1u);
  expect_sums("orders");
}

TEST_F(Hospital, AReplayWaitsInItsLaneOverRestarts) {
  world.publish("orders", 2);
  fail_twice(0);
  anna.ack(1);
  anna.goodbye();
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  for (int i = 0; i < 2; ++i) {
    world.kill_broker();
    world.start_broker();
    EXPECT_EQ(world.show("orders").ready, 1u);
    expect_sums("orders");
  }
  Client bert(world, "bert");
  heard();
  bert.consume("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 0, attempt 3, again"));
}

TEST_F(Hospital, APurgeSendsReplaysBack) {
  world.publish("orders", 1);
  fail_twice(0);
  anna.goodbye();
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  EXPECT_EQ(world.purge("orders").count, 0u);
  EXPECT_THAT(world.cases("orders", CaseState::admitted), SizeIs(1));
  expect_sums("orders");
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  expect_sums("orders");
}

TEST_F(Hospital, WhatWasTriedBeforeAPurgeCounts) {
  world.publish("orders", 1);
  fail_twice(0);
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  anna.nack(0, "third", 1h);
  EXPECT_EQ(world.purge("orders").count, 0u);
  const auto recalled = world.cases("orders", CaseState::admitted).at(0);
  EXPECT_EQ(recalled.attempt_count, 3u);
  EXPECT_EQ(recalled.failure_count, 3u);
  heard();
  ASSERT_TRUE(world.replay(recalled.id).status.ok());
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 4, again"));
  anna.nack(0, "fourth", 0s);
  anna.ack(0);
  EXPECT_EQ(world.cases("orders", CaseState::discharged).at(0).failure_count, 4u);
  EXPECT_THAT(outcomes("orders", 0), SizeIs(5));
}

TEST_F(Hospital, AReplayWhoseLeaseEndedIsAckedLate) {
  world.publish("orders", 1);
  fail_twice(0);
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  world.run_for(30s + 100ms);
  EXPECT_THAT(world.show("orders").waiting, 1u);
  anna.ack(0);
  const auto closed = world.cases("orders", CaseState::discharged);
  ASSERT_THAT(closed, SizeIs(1));
  EXPECT_TRUE(closed[0].late_ack);
  expect_sums("orders");
}

TEST_F(Hospital, ADamagedMessageIsACaseAndItsNeighboursAreServed) {
  anna.close_consumer();
  world.publish("orders", 3);
  world.store().damage(world.queue("orders").log, model::Offset(1));
  heard();
  anna.consume("orders", 10);
  EXPECT_THAT(anna.held(), ElementsAre(0, 2));
  const auto admitted = world.cases("orders", CaseState::admitted);
  ASSERT_THAT(admitted, SizeIs(1));
  EXPECT_EQ(admitted[0].reason, model::CaseReason::damaged);
  expect_sums("orders");
}

/// Nothing but the admission is to be written, and groups may wait.
TEST(HospitalInAWorldThatWaits, WhoeverIsToldOfADamagedMessageFindsItsCase) {
  World world({.ack_sync_max = 5s, .page_time = 1ms});
  world.create_queue("orders");
  world.publish("orders", 1);
  world.store().damage(world.queue("orders").log, model::Offset(0));
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 10);
  world.run_for(10ms);
  ASSERT_EQ(world.show("orders").counters.in_hospital, 1u);
  EXPECT_THAT(world.cases("orders", CaseState::admitted), SizeIs(1));
}

TEST_F(Hospital, ADamagedRetryIsACaseToo) {
  world.publish("orders", 1);
  anna.nack(0, "", 1s);
  world.store().damage(world.queue("orders").log, model::Offset(0));
  world.run_for(1s);
  EXPECT_EQ(world.cases("orders", CaseState::admitted).at(0).reason, model::CaseReason::damaged);
  expect_sums("orders");
}

TEST_F(Hospital, ACaseOutlivesTheLogAroundIt) {
  anna.add_credit(1000);
  world.publish("orders", 1000);
  anna.reject(500);
  for (std::uint64_t offset = 0; offset < 1000; ++offset) {
    if (offset != 500) anna.ack(offset);
  }
  world.post_all(core::TrimNow{});
  world.run_for(1s);
  const model::LogId log = world.queue("orders").log;
  EXPECT_EQ(world.store().stored_messages(log), 0u);
  EXPECT_EQ(world.store().evacuated_messages(log), 1u);
  heard();
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  EXPECT_THAT(heard(), ElementsAre("1.000 anna gets 500, attempt 2, again"));
  anna.ack(500);
  EXPECT_EQ(world.store().evacuated_messages(log), 0u);
  expect_sums("orders");
}

/// One delivery is one attempt: the ack that came after its lease does not make a second one of it.
TEST_F(Hospital, ALateAckOfAReplayMarksTheAttemptThatItIsOf) {
  world.publish("orders", 1);
  anna.reject(0);
  ASSERT_TRUE(world.replay(only_case()).status.ok());
  world.run_for(30s + 100ms);
  heard();
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("30.100 anna ack 0: late"));
  const auto history =
      world.store().attempts_of(world.queue("orders").subscription, world.queue("orders").log, model::Offset(0));
  ASSERT_EQ(history.size(), 2u);
  EXPECT_EQ(history[1].outcome, model::AttemptOutcome::lease_expired);
  EXPECT_TRUE(history[1].late);
  EXPECT_EQ(world.cases("orders", model::CaseState::discharged).at(0).attempt_count, 2u);
  expect_sums("orders");
}

TEST_F(Hospital, AStretchFullOfCasesStaysAndTheOthersGo) {
  anna.add_credit(60'000);
  world.publish("orders", 30'000);
  // The first 8192 hold more cases than are worth copying; everything else is acked.
  for (std::uint64_t offset = 0; offset < 30'000; ++offset) {
    if (offset < 8192 && offset % 4 == 0) {
      anna.reject(offset);
    } else {
      anna.ack(offset);
    }
  }
  heard();
  world.run_for(2s);
  const model::LogId log = world.queue("orders").log;
  EXPECT_EQ(world.store().stored_messages(log), 8192u);
  EXPECT_EQ(world.store().evacuated_messages(log), 0u);
}

}  // namespace
}  // namespace lazaret::simulation

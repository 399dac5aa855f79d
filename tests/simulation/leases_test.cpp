// semantics: "Leases".
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Leases = Story;

TEST_F(Leases, TheClockStartsAtStarted) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.publish("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1"));

  // Delivered, but no handler has begun: it lives with the consumer's heartbeat, however long.
  world.run_for(10min);
  EXPECT_THAT(heard(), IsEmpty());

  anna.start(0);
  world.run_for(29s);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(1s);
  EXPECT_THAT(heard(), ElementsAre("630.000 anna loses 0"));
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(model::AttemptOutcome::lease_expired));
}

TEST_F(Leases, ExtendSetsTheDeadlineAnew) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.publish("orders", 1);
  anna.start(0);
  for (int i = 0; i < 5; ++i) {
    world.run_for(20s);
    anna.extend(0);
  }
  heard();
  world.run_for(29s);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(1s);
  EXPECT_THAT(heard(), ElementsAre("130.000 anna loses 0"));
}

TEST_F(Leases, AnAckAfterTheEndIsLateAndCounts) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  world.run_for(30s + 100ms);  // the retry waits for about a second
  anna.extend(0);
  anna.release(0);
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "30.000 anna loses 0",
                                   "30.100 anna extend 0: LEASE_LOST, ready",
                                   "30.100 anna release 0: LEASE_LOST, ready", "30.100 anna ack 0: late"));
  EXPECT_EQ(world.show("orders").counters.acked, 1u);
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
}

TEST_F(Leases, AFailAfterTheEndAddsItsWordsAndCountsNothing) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  world.run_for(30s + 100ms);
  anna.nack(0, "the printer is on fire");
  world.settle();
  const model::QueueRecord& queue = world.queue("orders");
  const auto attempts = world.store().attempts_of(queue.subscription, queue.log, model::Offset(0));
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(attempts[0].outcome, model::AttemptOutcome::lease_expired);
  EXPECT_EQ(attempts[0].error.message, "the printer is on fire");
}

TEST_F(Leases, OnceGrantedAnewTheOldTokenChangesNothing) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  const model::LeaseToken old = anna.delivery(0).token;
  Client bert(world, "bert");
  bert.consume("orders", 1);
  world.run_for(30s);
  anna.close_consumer();
  world.run_for(2s);
  heard();
  anna.settle({model::VerdictKind::ack, old, {}, false, {}});
  EXPECT_THAT(heard(), ElementsAre("32.000 anna ack 0: LEASE_LOST, leased"));
  bert.ack(0);
  anna.settle({model::VerdictKind::reject, old, {}, false, {}});
  EXPECT_THAT(heard(), ElementsAre("32.000 bert ack 0: done", "32.000 anna reject 0: LEASE_LOST, acked"));
  expect_sums("orders");
}

TEST_F(Leases, AVerdictSentAgainIsAnsweredAsTheFirstTime) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 3);
  world.publish("orders", 3);
  anna.start(2);
  anna.ack(0);
  anna.nack(1);
  anna.release(2, 5s);
  heard();
  anna.ack(0);
  anna.nack(1);
  anna.release(2, 5s);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 0: done", "0.000 anna nack 1: done", "0.000 anna release 2: done"));
  EXPECT_EQ(world.show("orders").counters.acked, 1u);
  EXPECT_THAT(outcomes("orders", 1), ElementsAre(model::AttemptOutcome::nacked));
  EXPECT_THAT(outcomes("orders", 2), ElementsAre(model::AttemptOutcome::released));
}

TEST_F(Leases, AnotherVerdictOnASettledTokenIsRefused) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 1);
  anna.start(0);
  const model::LeaseToken first = anna.delivery(0).token;
  anna.nack(0, "try again", 1s);
  world.run_for(1s);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna nack 0: done",
                                   "1.000 anna gets 0, attempt 2, again"));
  // An OK here would confirm an ack that never happened.
  anna.settle({model::VerdictKind::ack, first, {}, false, {}});
  EXPECT_THAT(heard(), ElementsAre("1.000 anna ack 0: LEASE_LOST, leased"));
}

TEST_F(Leases, TheLastTokenOfAnUntouchedCaseStillAcks) {
  model::QueueOptions options;
  options.max_attempts = 1;
  world.create_queue("orders", options);
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 1);
  anna.start(0);
  world.run_for(30s);  // expired, and at its limit: a case
  ASSERT_EQ(world.cases("orders", model::CaseState::admitted).size(), 1u);
  anna.nack(0);
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "30.000 anna loses 0",
                                   "30.000 anna nack 0: LEASE_LOST, in_case", "30.000 anna ack 0: late, a case"));
  const auto discharged = world.cases("orders", model::CaseState::discharged);
  ASSERT_EQ(discharged.size(), 1u);
  EXPECT_TRUE(discharged[0].late_ack);
  expect_sums("orders");
}

TEST_F(Leases, ACaseThatWasReplayedIsNotUntouched) {
  model::QueueOptions options;
  options.max_attempts = 1;
  world.create_queue("orders", options);
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 1);
  anna.start(0);
  const model::LeaseToken first = anna.delivery(0).token;
  anna.nack(0);
  const auto cases = world.cases("orders", model::CaseState::admitted);
  ASSERT_EQ(cases.size(), 1u);
  ASSERT_TRUE(world.replay(cases[0].id).status.ok());
  world.settle();
  anna.start(0);
  anna.nack(0);  // relapsed
  heard();
  anna.settle({model::VerdictKind::ack, first, {}, false, {}});
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 0: LEASE_LOST, in_case"));
  EXPECT_EQ(world.cases("orders", model::CaseState::admitted).size(), 1u);
}

TEST_F(Leases, AClientWithoutStartedIsNotBlamedForWhatItPrefetched) {
  world.create_queue("orders");
  Client old(world, "old", {.speaks_started = false});
  old.consume("orders", 2);
  world.publish("orders", 2);
  world.run_for(30s);
  // Both were held: nobody can say which was being worked on, so nothing is counted.
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(model::AttemptOutcome::interrupted));
  EXPECT_EQ(world.show("orders").counters.in_hospital, 0u);
  expect_sums("orders");
}

}  // namespace
}  // namespace lazaret::simulation

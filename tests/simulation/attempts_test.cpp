// semantics: "Attempts".
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::AttemptOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

using Attempts = Story;

TEST_F(Attempts, FailuresReachTheLimitAndTheMessageBecomesACase) {
  model::QueueOptions options;
  options.max_attempts = 3;
  options.backoff_jitter = 0;
  world.create_queue("orders", options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.nack(0, "first");
  world.run_for(1s);
  anna.nack(0, "second");
  world.run_for(5s);
  anna.nack(0, "third");
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna nack 0: done",
                                   "1.000 anna gets 0, attempt 2, again", "1.000 anna nack 0: done",
                                   "6.000 anna gets 0, attempt 3, again", "6.000 anna nack 0: done, a case"));
  const auto cases = world.cases("orders", model::CaseState::admitted);
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].reason, model::CaseReason::attempts_exhausted);
  EXPECT_EQ(cases[0].attempt_count, 3u);
  EXPECT_EQ(cases[0].failure_count, 3u);
  EXPECT_EQ(cases[0].last_error.message, "third");
  EXPECT_THAT(outcomes("orders", 0),
              ElementsAre(AttemptOutcome::nacked, AttemptOutcome::nacked, AttemptOutcome::nacked));
  expect_sums("orders");
}

TEST_F(Attempts, ReleasesAndInterruptionsAreInTheHistoryAndDoNotCount) {
  model::QueueOptions options;
  options.max_attempts = 1;
  world.create_queue("orders", options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.release(0);
  world.settle();
  anna.release(0);
  world.settle();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna release 0: done",
                                   "0.000 anna gets 0, attempt 2, again", "0.000 anna release 0: done",
                                   "0.000 anna gets 0, attempt 3, again"));
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::released, AttemptOutcome::released));
  anna.ack(0);
  // Settled without ever having been a case: nothing is left of it.
  EXPECT_THAT(outcomes("orders", 0), IsEmpty());
  expect_sums("orders");
}

TEST_F(Attempts, WhatNeverBeganLeavesNoTrace) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.start(0);
  anna.not_begun(0);  // it was announced ahead, and not run after all
  world.settle();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 1", "0.000 anna not_begun 0: done",
                                   "0.000 anna gets 0, attempt 1"));
  EXPECT_THAT(outcomes("orders", 0), IsEmpty());
}

TEST_F(Attempts, TheLimitHoldsOverRestarts) {
  model::QueueOptions options;
  options.max_attempts = 2;
  options.backoff_jitter = 0;
  world.create_queue("orders", options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.nack(0);
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  anna.reconnect();
  world.run_for(1s);
  anna.nack(0);
  ASSERT_EQ(world.cases("orders", model::CaseState::admitted).size(), 1u);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::nacked, AttemptOutcome::nacked));
  expect_sums("orders");
}

struct MutationCounter final : Watcher {
  void group(const model::MutationGroup& group) override {
    for (const model::Mutation& mutation : group.mutations) ++counts[mutation.index()];
  }
  std::map<std::size_t, std::uint64_t> counts;
};

TEST_F(Attempts, AFirstDeliveryWaitsForNoRecordOfItsOwn) {
  MutationCounter counter;
  world.watch(counter);
  world.create_queue("orders");
  Client anna(world, "anna", {.silent_trace = true});
  anna.consume("orders", 1000);
  world.publish("orders", 1000);
  for (std::uint64_t offset = 0; offset < 1000; ++offset) anna.ack(offset);
  world.settle();
  const auto count = [&](const model::Mutation& kind) { return counter.counts[kind.index()]; };
  EXPECT_GT(count(model::PutSubscription{}), 0u);
  EXPECT_EQ(count(model::PutDelivery{}), 0u);
  EXPECT_EQ(count(model::PutAttempt{}), 0u);
  EXPECT_EQ(count(model::PutAckChunk{}), 0u);
  EXPECT_EQ(world.show("orders").counters.acked, 1000u);
}

}  // namespace
}  // namespace lazaret::simulation

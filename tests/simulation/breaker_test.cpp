// The circuit breaker: what is behind the consumers is away, and nothing is the messages' fault (core/breaker.h).
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::AttemptOutcome;
using model::BreakerState;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class BreakerStory : public Story {
 protected:
  /// Opens after four failures.
  static model::QueueOptions quick() {
    model::QueueOptions options;
    options.backoff_jitter = 0;
    options.breaker_samples = 4;
    options.breaker_pause = 10s;
    options.lease_duration = 1h;
    return options;
  }
  static Client::Options worker() { return {.starts_at_once = true, .silent_trace = true}; }
  model::BreakerStats breaker() { return world.show("orders").breaker; }
  std::size_t in_hospital() { return world.cases("orders", model::CaseState::admitted).size(); }
};

/// Sentence 4: "Your database can be down for an hour and the hospital stays empty."
TEST_F(BreakerStory, AnHourWithoutItsDatabaseFillsNoHospital) {
  constexpr std::uint64_t kMessages = 10'000;
  world.create_queue("orders");
  bool database_is_there = true;
  std::uint64_t failures = 0;
  std::uint64_t attempts = 0;
  Client anna(world, "anna", worker());
  std::vector<std::uint64_t> todo;
  anna.on_delivery = [&](const Client::Delivery& delivery) { todo.push_back(delivery.what.source_offset.value); };
  anna.consume("orders", 16);
  const auto work_for = [&](base::Duration duration) {
    for (const base::Instant end = world.now() + duration; world.now() < end;) {
      for (const std::uint64_t offset : std::exchange(todo, {})) {
        ++attempts;
        database_is_there ? anna.ack(offset) : anna.nack(offset, "no connection to the database");
        failures += database_is_there ? 0 : 1;
      }
      world.run_for(10ms);
    }
  };
  world.publish("orders", kMessages / 2);
  work_for(1s);  // 1,600 of them
  database_is_there = false;
  world.publish("orders", kMessages / 2);
  work_for(1h);
  // A hundred failures opened it, sixteen were out; then one probe in 80 s.
  EXPECT_EQ(breaker().opened, 1u);
  EXPECT_LT(failures, 100u + 16 + 50);
  EXPECT_EQ(in_hospital(), 0u);
  database_is_there = true;
  work_for(2min);
  EXPECT_EQ(breaker().state, BreakerState::closed);
  EXPECT_EQ(in_hospital(), 0u);
  EXPECT_EQ(world.show("orders").counters.acked, kMessages);
  EXPECT_EQ(attempts, kMessages + failures);
  expect_sums("orders");
}

TEST_F(BreakerStory, WhileItIsNotClosedNoFailureCounts) {
  model::QueueOptions options = quick();
  options.max_attempts = 2;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  anna.consume("orders", 6);
  world.publish("orders", 6);
  for (std::uint64_t offset = 0; offset < 4; ++offset) anna.nack(offset);
  EXPECT_EQ(breaker().state, BreakerState::open);
  EXPECT_THAT(anna.held(), ElementsAre(4, 5));
  anna.nack(4);
  anna.nack(5);
  for (int i = 0; i < 20; ++i) {
    world.run_for(80s);
    ASSERT_THAT(anna.held(), SizeIs(1));  // in turn
    anna.nack(anna.held().front());
  }
  EXPECT_EQ(in_hospital(), 0u);
  EXPECT_EQ(breaker().failures, 4u);
  EXPECT_EQ(breaker().samples, 4u);
  const model::QueueRecord& queue = world.queue("orders");
  const auto tried = world.store().attempts_of(queue.subscription, queue.log, model::Offset(0));
  ASSERT_GE(tried.size(), 3u);
  EXPECT_FALSE(tried[0].uncounted);
  EXPECT_TRUE(tried[1].uncounted);
  EXPECT_EQ(tried[1].outcome, AttemptOutcome::nacked);
  expect_sums("orders");
}

TEST_F(BreakerStory, AProbeAtATimeUntilThreeWereAcked) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  anna.consume("orders", 4);
  world.publish("orders", 4);
  const base::Instant opened = world.now();
  for (std::uint64_t offset = 0; offset < 4; ++offset) anna.nack(offset);
  EXPECT_EQ(breaker().until, opened + 10s);
  world.publish("orders", 6);
  world.run_for(10s - 1us);
  EXPECT_THAT(anna.held(), IsEmpty());
  world.run_for(1us);
  for (std::uint64_t offset = 0; offset < 3; ++offset) {
    EXPECT_THAT(anna.held(), ElementsAre(offset));
    EXPECT_EQ(breaker().state, BreakerState::half_open);
    anna.ack(offset);
    world.settle();
  }
  EXPECT_THAT(anna.held(), SizeIs(4));
  EXPECT_EQ(breaker().state, BreakerState::closed);
  EXPECT_EQ(breaker().since, world.now());
  expect_sums("orders");
}

TEST_F(BreakerStory, AProbeThatFailsMakesThePauseLonger) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  anna.consume("orders", 4);
  world.publish("orders", 4);
  for (std::uint64_t offset = 0; offset < 4; ++offset) anna.nack(offset);
  world.publish("orders", 96);
  for (const auto pause : {10s, 20s, 40s, 80s, 80s}) {
    EXPECT_EQ(breaker().until, world.now() + pause);
    world.run_for(pause);
    ASSERT_THAT(anna.held(), SizeIs(1));
    anna.nack(anna.held().front());
  }
  EXPECT_EQ(breaker().opened, 1u);
  EXPECT_EQ(in_hospital(), 0u);
}

/// Behind the last probe is only what nobody accepts: those before it are not forgotten for that.
TEST_F(BreakerStory, ProbesGoOnWithWhatLiesBefore) {
  world.create_queue("orders", quick());
  for (const char* type : {"a", "a", "b", "b"}) world.publish_typed("orders", type, {"body"});
  {
    Client anybody(world, "anybody", worker());
    anybody.consume("orders", 4);
    world.settle();
    for (std::uint64_t offset = 0; offset < 4; ++offset) anybody.nack(offset);
    anybody.goodbye();
  }
  EXPECT_EQ(breaker().state, BreakerState::open);
  Client::Options choosy = worker();
  choosy.accepts = {"a"};
  Client anna(world, "anna", choosy);
  anna.consume("orders", 4);
  for (const std::uint64_t offset : {0, 1, 0, 1}) {
    world.run_for(80s);
    ASSERT_THAT(anna.held(), ElementsAre(offset));
    anna.nack(offset);
  }
}

/// Messages that cannot be cured do not keep the healthy ones from showing that it goes on.
TEST_F(BreakerStory, ProbesGoRoundWhatIsThere) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  std::vector<std::uint64_t> todo;
  anna.on_delivery = [&](const Client::Delivery& delivery) { todo.push_back(delivery.what.source_offset.value); };
  anna.consume("orders", 4);
  world.publish("orders", 40);  // the first twelve are bad
  for (int second = 0; second < 3000 && world.show("orders").counters.acked < 28; ++second) {
    for (const std::uint64_t offset : std::exchange(todo, {})) offset < 12 ? anna.nack(offset) : anna.ack(offset);
    world.run_for(1s);
  }
  EXPECT_EQ(world.show("orders").counters.acked, 28u);
  expect_sums("orders");
}

TEST_F(BreakerStory, WhatKillsItsWorkerIsNoSample) {
  world.create_queue("orders", quick());
  world.publish("orders", 5);
  for (int i = 0; i < 6; ++i) {
    Client bob(world, "bob" + std::to_string(i), worker());
    bob.consume("orders", 1);
    bob.die();
    world.run_for(6s);
  }
  EXPECT_EQ(breaker().samples, 0u);
  EXPECT_EQ(breaker().state, BreakerState::closed);
}

TEST_F(BreakerStory, RejectsAndReleasesAreNoSamples) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  anna.consume("orders", 20);
  world.publish("orders", 20);
  for (std::uint64_t offset = 0; offset < 10; ++offset) anna.reject(offset);
  for (std::uint64_t offset = 10; offset < 20; ++offset) anna.release(offset, 1h);
  EXPECT_EQ(breaker().samples, 0u);
  EXPECT_EQ(in_hospital(), 10u);
}

TEST_F(BreakerStory, LeasesThatEndAreSamples) {
  model::QueueOptions options = quick();
  options.lease_duration = 1s;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  anna.consume("orders", 4);
  world.publish("orders", 10);
  world.run_for(1s);
  EXPECT_EQ(breaker().state, BreakerState::open);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(AttemptOutcome::lease_expired));
}

/// A replay has failed before: that it fails again says nothing of the others. But it does not relapse for an outage.
TEST_F(BreakerStory, ReplaysAreNoSamplesAndAreSpared) {
  model::QueueOptions options = quick();
  options.max_attempts = 2;
  options.breaker_samples = 5;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish("orders", 9);
  for (std::uint64_t offset = 0; offset < 6; ++offset) anna.reject(offset);
  for (const model::CaseRecord& one : world.cases("orders", model::CaseState::admitted)) world.replay(one.id);
  world.settle();
  for (std::uint64_t offset = 0; offset < 5; ++offset) anna.nack(offset, "", 1h);
  EXPECT_EQ(breaker().samples, 0u);
  for (std::uint64_t offset = 6; offset < 9; ++offset) anna.nack(offset, "", 0s);
  world.settle();
  for (std::uint64_t offset = 6; offset < 8; ++offset) anna.nack(offset, "", 0s);
  ASSERT_EQ(breaker().state, BreakerState::open);
  EXPECT_EQ(in_hospital(), 2u);  // two of the three had their second failure before
  for (int i = 0; i < 3; ++i) {
    if (!anna.held().empty()) anna.nack(5, "", 0s);
    world.run_for(90s);
  }
  EXPECT_EQ(in_hospital(), 2u);
  const std::vector<model::Attempt> tried =
      world.store().attempts_of(world.queue("orders").subscription, world.queue("orders").log, model::Offset(5));
  ASSERT_GE(tried.size(), 2u);
  EXPECT_TRUE(tried.back().uncounted);
}

TEST_F(BreakerStory, WhereTheFirstFailureIsTheLastThereIsNone) {
  model::QueueOptions options = quick();
  options.max_attempts = 1;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish("orders", 10);
  for (std::uint64_t offset = 0; offset < 10; ++offset) anna.nack(offset);
  EXPECT_EQ(in_hospital(), 10u);
  EXPECT_EQ(breaker().samples, 0u);
}

TEST_F(BreakerStory, SwitchedOffItGrantsAtOnce) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  anna.consume("orders", 4);
  world.publish("orders", 4);
  for (std::uint64_t offset = 0; offset < 4; ++offset) anna.nack(offset);
  world.publish("orders", 6);
  EXPECT_THAT(anna.held(), IsEmpty());
  model::OptionsPatch off;
  off.breaker = false;
  world.update("orders", off);
  EXPECT_THAT(anna.held(), SizeIs(4));
  EXPECT_EQ(breaker().state, BreakerState::closed);
  for (const std::uint64_t offset : anna.held()) anna.nack(offset);
  EXPECT_EQ(breaker().samples, 0u);
}

TEST_F(BreakerStory, AfterARestartItIsClosed) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  anna.consume("orders", 4);
  world.publish("orders", 4);
  for (std::uint64_t offset = 0; offset < 4; ++offset) anna.nack(offset);
  world.publish("orders", 6);
  EXPECT_EQ(breaker().state, BreakerState::open);
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  anna.reconnect();
  world.run_for(6s);
  EXPECT_EQ(breaker().state, BreakerState::closed);
  EXPECT_THAT(anna.held(), SizeIs(4));
}

TEST_F(BreakerStory, OneThatHasNotOpenedIsForgottenAndWakesNobody) {
  world.create_queue("orders", quick());
  Client anna(world, "anna", worker());
  anna.consume("orders", 4);
  world.publish("orders", 1);
  anna.nack(0, "", 1s);
  EXPECT_EQ(breaker().samples, 1u);
  world.run_for(1s);
  anna.ack(0);
  EXPECT_EQ(breaker().samples, 2u);
  world.run_for(30s);
  EXPECT_EQ(breaker().samples, 0u);
  EXPECT_EQ(world.next_alarm(), base::Instant::never());
}

}  // namespace
}  // namespace lazaret::simulation

// Where a subscription begins and is moved to, what pauses or narrows it, and how long its topic keeps messages.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::Start;
using model::StartPoint;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

StartPoint at_offset(std::uint64_t offset) { return {Start::offset, model::Offset(offset), {}}; }
StartPoint at_time(base::Instant time) { return {Start::time, {}, time}; }
const StartPoint kEarliest{Start::earliest, {}, {}};
const StartPoint kLatest{Start::latest, {}, {}};

/// A topic that keeps an hour of what was read, and a consumer of one subscription of it.
class Seek : public Story {
 protected:
  Seek() : anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions keeping;
    keeping.retain_for = 1h;
    world.create_topic("orders", keeping);
    model::QueueOptions once;
    once.max_attempts = 1;
    world.subscribe("billing", "orders", Start::latest, once);
    anna.consume("billing", 100);
  }
  void ack_all() {
    for (const std::uint64_t offset : anna.held()) anna.ack(offset);
    world.run_for(10ms);
  }
  void crash() {
    world.kill_broker();
    anna.disconnected();
    world.start_broker();
    world.settle();
  }
  Client anna;
};

TEST_F(Seek, BackWhatWasAckedComesAgain) {
  world.publish("orders", 5);
  ack_all();
  const model::SeekDone done = world.seek("billing", at_offset(2));
  ASSERT_TRUE(done.status.ok());
  EXPECT_EQ(done.offset, model::Offset(2));
  EXPECT_EQ(done.entered, 3u);
  EXPECT_EQ(done.purged, 0u);
  EXPECT_THAT(anna.held(), ElementsAre(2, 3, 4));
  EXPECT_EQ(anna.delivery(2).what.attempt, 1u);
  EXPECT_FALSE(anna.delivery(2).what.redelivered);
  ack_all();
  EXPECT_EQ(world.show("billing").counters.entered, 8u);
  EXPECT_EQ(world.show("billing").counters.acked, 8u);
  expect_sums("billing");
}

TEST_F(Seek, ForwardWhatLiesBetweenIsPurged) {
  anna.close_consumer();
  world.publish("orders", 5);
  const model::SeekDone done = world.seek("billing", at_offset(3));
  EXPECT_EQ(done.purged, 3u);
  anna.consume("billing", 100, 2);
  EXPECT_THAT(anna.held(), ElementsAre(3, 4));
  EXPECT_EQ(world.seek("billing", kLatest).purged, 2u);
  EXPECT_EQ(world.show("billing").ready, 0u);
  expect_sums("billing");
}

TEST_F(Seek, LeasesEndAndTheirTokensAreVoid) {
  world.publish("orders", 2);
  heard();
  world.seek("billing", kEarliest);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna loses 0", "0.000 anna loses 1", "0.000 anna gets 0, attempt 1",
                                   "0.000 anna gets 1, attempt 1"));
  EXPECT_EQ(world.show("billing").leased, 2u);
  expect_sums("billing");
}

TEST_F(Seek, AnOldTokenSettlesNothing) {
  world.publish("orders", 1);
  model::Verdict old;
  old.kind = model::VerdictKind::ack;
  old.token = {world.queue("billing").shard, world.queue("billing").subscription, world.queue("billing").log,
               model::Offset(0), anna.delivery(0).what.grant};
  anna.close_consumer();
  world.seek("billing", kEarliest);
  heard();
  anna.settle(old);
  EXPECT_EQ(world.show("billing").ready, 1u);
  EXPECT_EQ(world.show("billing").counters.acked, 0u);
}

/// Without a record on the disk, a token of before would be as good as any after a restart.
TEST_F(Seek, AnOldTokenIsNoClaimAfterARestart) {
  world.publish("orders", 1);
  model::Verdict token;
  anna.vanish();
  world.seek("billing", kEarliest);
  crash();
  anna.reconnect();
  world.run_for(10s);
  ASSERT_THAT(anna.held(), ElementsAre(0));
  EXPECT_EQ(anna.delivery(0).what.attempt, 1u);  // granted anew: what was presented did not count
  expect_sums("billing");
}

TEST_F(Seek, WaitingAndRetriedOnesBeginAnew) {
  model::OptionsPatch more;
  more.max_attempts = 5;
  world.update("billing", more);
  world.publish("orders", 2);
  anna.nack(0, "", 10s);
  anna.ack(1);
  ASSERT_EQ(world.show("billing").waiting, 1u);
  EXPECT_EQ(world.seek("billing", kEarliest).entered, 1u);
  EXPECT_THAT(anna.held(), ElementsAre(0, 1));
  EXPECT_EQ(anna.delivery(0).what.attempt, 1u);
  EXPECT_EQ(world.show("billing").waiting, 0u);
  EXPECT_EQ(world.store().delivery_records(world.queue("billing").subscription), 0u);
  ack_all();
  expect_sums("billing");
}

TEST_F(Seek, OpenCasesStayWhereTheyAreClosedOnesAreForgotten) {
  world.publish("orders", 3);
  anna.nack(0);
  anna.nack(1);
  anna.ack(2);
  const auto admitted = world.cases("billing", CaseState::admitted);
  ASSERT_THAT(admitted, SizeIs(2));
  world.discard(admitted[1].id);
  EXPECT_EQ(world.seek("billing", kEarliest).entered, 2u);
  EXPECT_THAT(anna.held(), ElementsAre(1, 2));
  EXPECT_THAT(world.cases("billing", CaseState::discarded), IsEmpty());
  EXPECT_THAT(world.cases("billing", CaseState::admitted), SizeIs(1));
  // The same message fails again, and its history begins anew.
  anna.nack(1, "again");
  EXPECT_EQ(world.cases("billing", CaseState::admitted).at(1).attempt_count, 1u);
  world.replay(admitted[0].id);
  EXPECT_THAT(anna.held(), ElementsAre(0, 2));
  world.seek("billing", kEarliest);
  EXPECT_THAT(anna.held(), ElementsAre(0, 2));  // a replay goes on
  ack_all();
  expect_sums("billing");
}

TEST_F(Seek, ToATimeItIsTheFirstThatWasPublishedThen) {
  std::vector<base::Instant> times;
  for (int i = 0; i < 10; ++i) {
    world.publish("orders", 1);
    times.push_back(world.now());
    ack_all();
    world.run_for(1min);
  }
  EXPECT_EQ(world.seek("billing", at_time(times[4])).offset, model::Offset(4));
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(4, 5, 6, 7, 8, 9));
  ack_all();
  EXPECT_EQ(world.seek("billing", at_time({times[6].us + 1})).offset, model::Offset(7));
  ack_all();
  EXPECT_EQ(world.seek("billing", at_time({0})).offset, model::Offset(0));
  ack_all();
  EXPECT_EQ(world.seek("billing", at_time(world.now())).offset, model::Offset(10));
  expect_sums("billing");
}

/// Nothing is there to go on with: it would be given what comes next, which nobody asked for.
TEST_F(Seek, BeyondTheEndIsRefusedAndNothingMoves) {
  world.publish("orders", 3);
  ack_all();
  const model::SeekDone beyond = world.seek("billing", at_offset(4));
  EXPECT_EQ(beyond.status.code(), Code::INVALID_OPTION);
  EXPECT_THAT(beyond.status.text(), ::testing::HasSubstr("the next message gets offset 3"));
  EXPECT_EQ(world.seek("billing", at_offset(3)).offset, model::Offset(3));
  const base::Instant later = world.now() + model::limits::kClockAhead + 1s;
  EXPECT_EQ(world.seek("billing", at_time(later)).status.code(), Code::INVALID_OPTION);
  model::CreateQueue command;
  command.name = "late";
  command.kind = model::Kind::subscription;
  command.topic = "orders";
  command.start = at_time(world.now() + model::limits::kClockAhead + 1s);
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), command).status.code(), Code::INVALID_OPTION);
  command.start = at_time(world.now());
  EXPECT_TRUE(world.ask<model::QueueAnswer>(model::ShardId(0), command).status.ok());
  world.publish("orders", 1);
  EXPECT_THAT(anna.held(), ElementsAre(3));
}

/// Whoever says "now" may have a clock that is a little ahead. What comes before that time by ours is not passed over.
TEST_F(Seek, ATimeThatIsNearlyNowIsTheLatest) {
  anna.close_consumer();
  world.publish("orders", 3);
  const model::SeekDone moved = world.seek("billing", at_time(world.now() + 30s));
  EXPECT_TRUE(moved.status.ok()) << moved.status.text();
  EXPECT_EQ(moved.offset, model::Offset(3));
  EXPECT_EQ(moved.purged, 3u);
  world.subscribe_at("late", "orders", at_time(world.now() + 30s));
  EXPECT_EQ(world.show("late").ready, 0u);
  world.publish("orders", 1);
  EXPECT_EQ(world.show("late").ready, 1u);
  anna.consume("billing", 100, 2);
  EXPECT_THAT(anna.held(), ElementsAre(3));
  EXPECT_EQ(world.seek("billing", at_time(world.now() + 2min)).status.code(), Code::INVALID_OPTION);
  expect_sums("billing");
  expect_sums("late");
}

TEST_F(Seek, ASubscriptionBeginsAtAnOffsetOrATime) {
  world.publish("orders", 3);
  world.run_for(1min);
  const base::Instant later = world.now();
  world.publish("orders", 3);
  world.subscribe_at("third", "orders", at_offset(2));
  world.subscribe_at("late", "orders", at_time(later));
  world.run_for(1s);
  EXPECT_EQ(world.show("third").ready, 4u);
  EXPECT_EQ(world.show("late").ready, 3u);
  expect_sums("third");
  for (const char* name : {"third", "late"}) {  // what lies before its start has not entered, and is not purged
    EXPECT_EQ(world.show(name).counters.entered, world.show(name).ready) << name;
    EXPECT_EQ(world.show(name).counters.purged, 0u) << name;
  }
  expect_sums("late");
  EXPECT_EQ(world.seek("late", at_time(later)).entered, 0u);
  EXPECT_EQ(world.seek("late", at_offset(5)).purged, 2u);  // what it is moved over is
  EXPECT_EQ(world.show("late").counters.purged, 2u);
  expect_sums("late");
  world.subscribe_at("beyond", "orders", at_offset(1000));
  EXPECT_EQ(world.show("beyond").ready, 0u);
}

/// The look into the log takes a while, and the broker dies meanwhile.
TEST(SeekUnderACrash, WhatItWasToBeginWithIsLookedUpAgain) {
  World world({.page_time = 1s});
  model::QueueOptions keeping;
  keeping.retain_for = 1h;
  world.create_topic("orders", keeping);
  world.publish("orders", 3);
  world.run_for(1min);
  const base::Instant later = world.now();
  world.publish("orders", 2);
  world.subscribe_at("late", "orders", at_time(later));
  world.run_for(100ms);
  world.kill_broker();
  world.start_broker();
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("late", 10);
  EXPECT_THAT(anna.held(), IsEmpty());
  world.run_for(10s);
  EXPECT_THAT(anna.held(), ElementsAre(3, 4));
}

TEST_F(Seek, QueuesAndWhatIsNotThereAreRefused) {
  world.create_queue("plain");
  EXPECT_EQ(world.seek("plain", kEarliest).status.code(), Code::BAD_REQUEST);
  model::SeekSubscription nowhere;
  nowhere.subscription = model::SubscriptionId(99);
  EXPECT_EQ(world.ask<model::SeekDone>(model::ShardId(0), nowhere).status.code(), Code::NOT_FOUND);
}

// --- Paused, narrowed -----------------------------------------------------------------------------------------------

TEST_F(Seek, WhilePausedNothingIsGrantedAndWhatIsOutGoesOn) {
  world.publish("orders", 1);
  model::OptionsPatch pause;
  pause.paused = true;
  world.update("billing", pause);
  world.publish("orders", 2);
  EXPECT_THAT(anna.held(), ElementsAre(0));
  anna.ack(0);
  EXPECT_EQ(world.show("billing").ready, 2u);
  crash();
  anna.reconnect();
  world.run_for(10s);
  EXPECT_THAT(anna.held(), IsEmpty());
  pause.paused = false;
  world.update("billing", pause);
  EXPECT_THAT(anna.held(), ElementsAre(1, 2));
}

TEST_F(Seek, NoMoreThanMaxInFlightIsOutOverAllConsumers) {
  model::OptionsPatch narrow;
  narrow.max_in_flight = 2;
  world.update("billing", narrow);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("billing", 100);
  world.publish("orders", 5);
  EXPECT_EQ(anna.held().size() + bert.held().size(), 2u);
  EXPECT_EQ(world.show("billing").leased, 2u);
  ack_all();
  EXPECT_EQ(world.show("billing").leased, 2u);
  narrow.max_in_flight = 0;
  world.update("billing", narrow);
  EXPECT_EQ(world.show("billing").ready, 0u);
}

TEST_F(Seek, TheSecondConsumerStandsByAsLongAsTheFirstHasSomething) {
  model::OptionsPatch single;
  single.single_active_consumer = true;
  world.update("billing", single);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("billing", 100);
  world.publish("orders", 1);
  world.run_for(10ms);
  ASSERT_THAT(anna.held(), ElementsAre(0));
  anna.close_consumer();
  world.publish("orders", 1);
  model::QueueStats stats = world.show("billing");
  ASSERT_THAT(stats.consumers, SizeIs(1));
  EXPECT_TRUE(stats.consumers.front().standby);
  anna.ack(0);
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(1));
  stats = world.show("billing");
  ASSERT_THAT(stats.consumers, SizeIs(1));
  EXPECT_FALSE(stats.consumers.front().standby);
}

TEST_F(Seek, TheSecondConsumerTakesOverWhenTheFirstHasNothingLeft) {
  model::OptionsPatch single;
  single.single_active_consumer = true;
  single.max_attempts = 5;
  world.update("billing", single);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("billing", 100);
  world.publish("orders", 2);
  EXPECT_THAT(anna.held(), ElementsAre(0, 1));
  EXPECT_THAT(bert.held(), IsEmpty());
  anna.ack(0);
  anna.die();
  world.publish("orders", 1);
  EXPECT_THAT(bert.held(), IsEmpty());  // anna may come back for what had begun
  world.run_for(10s);
  EXPECT_THAT(bert.held(), ElementsAre(2));
  bert.ack(2);
  world.run_for(10s);
  EXPECT_THAT(bert.held(), ElementsAre(1));  // alone: a process was lost with it
}

// --- How long a topic keeps messages --------------------------------------------------------------------------------

TEST_F(Seek, WhatWasReadStaysForRetainForAndThenGoes) {
  const model::LogId log = world.queue("orders").log;
  world.publish("orders", 10);
  ack_all();
  world.post_all(core::TrimNow{});
  world.run_for(50min);
  EXPECT_EQ(world.store().stored_messages(log), 10u);
  EXPECT_EQ(world.seek("billing", kEarliest).entered, 10u);
  ack_all();
  world.run_for(20min);
  EXPECT_EQ(world.store().stored_messages(log), 0u);
  EXPECT_EQ(world.seek("billing", kEarliest).entered, 0u);
}

TEST_F(Seek, RetainForHoldsOverARestart) {
  const model::LogId log = world.queue("orders").log;
  world.publish("orders", 10);
  ack_all();
  crash();
  world.run_for(30min);
  EXPECT_EQ(world.store().stored_messages(log), 10u);
  world.run_for(40min);
  EXPECT_EQ(world.store().stored_messages(log), 0u);
}

class Retention : public Story {
 protected:
  void create(model::QueueOptions options) {
    world.create_topic("orders", options);
    world.subscribe("billing", "orders");
  }
};

TEST_F(Retention, BeyondSoManyMessagesTheOldestAreLostAndCounted) {
  model::QueueOptions options;
  options.retention_messages = 160;
  create(options);
  for (int i = 0; i < 100; ++i) world.publish("orders", 10);
  const model::QueueStats stats = world.show("billing");
  EXPECT_GE(stats.ready, 160u);
  EXPECT_LE(stats.ready, 180u);
  EXPECT_EQ(stats.counters.lost_to_retention, 1000 - stats.ready);
  EXPECT_EQ(stats.retention_used, 1);
  EXPECT_LE(world.store().stored_messages(world.queue("orders").log), 180u);
  expect_sums("billing");
}

/// However many come at once: what is beyond the limit goes with them, and from the disk when they are on it.
TEST_F(Retention, OnePublishOfManyTimesTheLimitIsKeptToIt) {
  model::QueueOptions options;
  options.retention_messages = 100;
  create(options);
  world.publish("orders", 300);
  world.run_for(1s);
  const model::QueueStats stats = world.show("billing");
  EXPECT_GE(stats.ready, 100u);
  EXPECT_LE(stats.ready, 106u);
  EXPECT_EQ(stats.counters.lost_to_retention, 300 - stats.ready);
  EXPECT_LE(world.store().stored_messages(world.queue("orders").log), 112u);  // trimmed a step later, where a mark is
  expect_sums("billing");
  world.kill_broker();
  world.start_broker();
  world.settle();
  world.publish("orders", 1024);
  EXPECT_GE(world.show("billing").ready, 100u);
  EXPECT_LE(world.show("billing").ready, 106u);
  expect_sums("billing");
}

TEST_F(Retention, ASmallLimitIsKeptByBurstsOfAnySize) {
  model::QueueOptions options;
  options.retention_messages = 32;
  create(options);
  for (const std::size_t burst : {100, 3, 1024, 1, 33}) {
    world.publish("orders", burst);
    EXPECT_GE(world.show("billing").ready, 32u) << "a burst of " << burst;
    EXPECT_LE(world.show("billing").ready, 34u) << "a burst of " << burst;
  }
  expect_sums("billing");
}

TEST_F(Retention, BytesOfOnePublishAreKeptToTheLimit) {
  model::QueueOptions options;
  options.retention_bytes = 16'000;
  create(options);
  world.publish("orders", std::vector<std::string>(300, std::string(100, 'x')));
  const std::uint64_t ready = world.show("billing").ready;
  EXPECT_GE(ready, 160u);
  EXPECT_LE(ready, 171u);
  EXPECT_EQ(world.show("billing").counters.lost_to_retention, 300 - ready);
}

TEST_F(Retention, WhatConsumersHaveRoomForGoesOutBeforeItIsLost) {
  model::QueueOptions options;
  options.retention_messages = 16;
  create(options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("billing", 100);
  world.publish("orders", 50);
  EXPECT_THAT(anna.held(), SizeIs(50));
  EXPECT_EQ(world.show("billing").counters.lost_to_retention, 0u);
  expect_sums("billing");
}

TEST_F(Retention, WhatIsOutIsLostToNobody) {
  model::QueueOptions options;
  options.retention_messages = 16;
  create(options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("billing", 2);
  world.publish("orders", 100);
  world.publish("orders", 100);
  EXPECT_THAT(anna.held(), ElementsAre(0, 1));
  anna.ack(0);
  EXPECT_EQ(world.show("billing").counters.acked, 1u);
  EXPECT_GT(world.show("billing").counters.lost_to_retention, 90u);
  expect_sums("billing");
}

TEST_F(Retention, WhatIsTooOldIsLostAlsoWhenNothingIsPublished) {
  model::QueueOptions options;
  options.retention_age = 16min;
  create(options);
  world.publish("orders", 5);
  world.run_for(10min);
  EXPECT_EQ(world.show("billing").ready, 5u);
  EXPECT_GT(world.show("billing").retention_used, 0.5);
  EXPECT_LT(world.show("billing").retention_used, 0.8);
  world.run_for(10min);
  EXPECT_EQ(world.show("billing").ready, 0u);
  EXPECT_EQ(world.show("billing").counters.lost_to_retention, 5u);
  EXPECT_EQ(world.store().stored_messages(world.queue("orders").log), 0u);
  expect_sums("billing");
}

TEST_F(Retention, BeyondSoManyBytesTheOldestAreLost) {
  model::QueueOptions options;
  options.retention_bytes = 16'000;
  create(options);
  const std::string body(1000, 'x');
  for (int i = 0; i < 100; ++i) world.publish("orders", {body});
  const model::QueueStats stats = world.show("billing");
  EXPECT_GE(stats.ready, 15u);
  EXPECT_LE(stats.ready, 18u);
}

TEST_F(Retention, RetriesAndParkedOnesAreLostToo) {
  model::QueueOptions options;
  options.retention_messages = 16;
  create(options);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("billing", 10);
  world.publish("orders", 2);
  anna.nack(0, "", 1h);
  anna.ack(1);
  anna.close_consumer();
  world.publish("orders", 100);
  world.publish("orders", 100);
  EXPECT_EQ(world.show("billing").waiting, 0u);
  EXPECT_EQ(world.store().delivery_records(world.queue("billing").subscription), 0u);
  expect_sums("billing");
}

/// What is lost is trimmed when it is on the disk, and it is nobody's already before.
TEST_F(Retention, WhatIsLostIsNotReadByWhoeverIsMovedBackBeforeIt) {
  model::QueueOptions options;
  options.retention_messages = 100;
  create(options);
  world.publish("orders", 300);
  const std::uint64_t kept = world.show("billing").ready;
  world.seek("billing", kEarliest);
  EXPECT_EQ(world.show("billing").ready, kept);
  world.subscribe("mail", "orders", model::Start::earliest);
  EXPECT_EQ(world.show("mail").ready, kept);
  expect_sums("billing");
  expect_sums("mail");
}

}  // namespace
}  // namespace lazaret::simulation

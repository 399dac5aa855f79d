// Queues come and go: purge, deletion, options, a disk that is short of space.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Queues = Story;

TEST_F(Queues, APurgeTakesWhatIsReadyAndWaitingAndLeavesWhatIsLeased) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 3);
  world.publish("orders", 10);
  anna.nack(0, "", 1h);
  anna.release(1, 1h);
  EXPECT_THAT(anna.held(), ElementsAre(2, 3, 4));
  EXPECT_EQ(world.purge("orders").count, 7u);
  EXPECT_EQ(world.show("orders").leased, 3u);
  EXPECT_EQ(world.show("orders").counters.purged, 7u);
  expect_sums("orders");
  for (const std::uint64_t offset : {2u, 3u, 4u}) anna.ack(offset);
  world.run_for(2h);
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
  EXPECT_THAT(outcomes("orders", 0), IsEmpty());
  EXPECT_EQ(world.purge("orders").count, 0u);
  world.publish("orders", 1);
  EXPECT_THAT(anna.held(), ElementsAre(10));
  expect_sums("orders");
}

TEST_F(Queues, APurgeAfterARestartTakesTheCopiesToo) {
  world.create_queue("orders");
  Client anna(world, "anna", {.silent_trace = true});
  anna.consume("orders", 40'000);
  world.publish("orders", 40'000);
  // One is left in each of two stretches that are trimmed around it, and one before all of them.
  for (std::uint64_t offset = 1; offset < 40'000; ++offset) {
    if (offset != 9000 && offset != 20'000) anna.ack(offset);
  }
  world.post_all(core::TrimNow{});
  world.settle();
  const model::LogId log = world.queue("orders").log;
  EXPECT_GT(world.store().evacuated_messages(log), 0u);
  world.kill_broker();
  world.start_broker();
  world.run_for(6s);
  EXPECT_EQ(world.purge("orders").count, 3u);
  EXPECT_EQ(world.store().evacuated_messages(log), 0u);
  expect_sums("orders");
}

/// A few large messages fill a memtable as well as many small ones: those that are held do not keep their neighbours.
TEST_F(Queues, AHeldMessageDoesNotKeepAFewThousandNeighbours) {
  world.create_queue("orders");
  Client anna(world, "anna", {.silent_trace = true});
  anna.consume("orders", 2000);
  world.publish("orders", 2000);
  for (std::uint64_t offset = 0; offset < 2000; ++offset) {
    if (offset != 10 && offset != 1000) anna.ack(offset);
  }
  world.post_all(core::TrimNow{});
  world.settle();
  const model::LogId log = world.queue("orders").log;
  EXPECT_EQ(world.store().evacuated_messages(log), 1u);  // what stands before all of them stays where it is
  EXPECT_LT(world.store().stored_messages(log), 600u);
  anna.ack(1000);
  EXPECT_EQ(world.store().evacuated_messages(log), 0u);
  expect_sums("orders");
}

TEST_F(Queues, ADeletionIsRefusedWhileSomebodyNeedsTheQueue) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 1);
  EXPECT_EQ(world.delete_queue("orders").status.code(), Code::IN_USE);
  anna.goodbye();
  world.publish("orders", 1);
  EXPECT_EQ(world.delete_queue("orders").status.code(), Code::NOT_EMPTY);
  EXPECT_TRUE(world.delete_queue("orders", true).status.ok());
  EXPECT_FALSE(world.has_queue("orders"));
}

TEST_F(Queues, ADeletionEndsItsConsumersAndTheirLeases) {
  const model::QueueRecord queue = world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 2);
  world.publish("orders", 3);
  heard();
  EXPECT_TRUE(world.delete_queue("orders", true).status.ok());
  EXPECT_THAT(heard(), Contains("0.000 anna is told NOT_FOUND"));
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 0: LEASE_LOST, purged"));
  EXPECT_EQ(world.store().stored_messages(queue.log), 0u);
  EXPECT_EQ(world.store().subscription(queue.subscription), nullptr);
  EXPECT_NE(world.create_queue("orders").subscription, queue.subscription);
  anna.die();
  world.run_for(1min);
}

class Deletion : public Story {
 protected:
  Deletion() : Story(WorldOptions{.shards = 2, .ack_sync_max = 0ms, .sync_time = 10ms}) {
    world.create_queue("first");
    queue = world.create_queue("orders");
  }
  void make_cases(std::size_t count) {
    Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
    anna.consume("orders", 60'000);
    world.publish("orders", count + 10);
    world.run_for(1s);
    for (std::uint64_t offset = 0; offset < count; ++offset) anna.reject(offset);
    anna.goodbye();
    world.run_for(1s);
  }
  model::QueueRecord queue;
};

TEST_F(Deletion, KeepsManyCasesInSeveralSteps) {
  make_cases(700);
  ASSERT_EQ(world.show("orders").counters.in_hospital, 700u);
  const model::Done deleted = world.delete_queue("orders", true);
  EXPECT_TRUE(deleted.status.ok());
  EXPECT_EQ(deleted.count, 700u) << "open cases that it leaves behind";
  EXPECT_FALSE(world.has_queue("orders"));
  EXPECT_EQ(world.store().evacuated_messages(queue.log), 700u);
  EXPECT_EQ(world.store().stored_messages(queue.log), 0u);
}

TEST_F(Deletion, WhatIsLeftInTheHospitalCanBeDiscarded) {
  make_cases(2);
  const model::CaseId id{queue.shard, queue.subscription, queue.log, model::Offset(0)};
  const model::CaseId other{queue.shard, queue.subscription, queue.log, model::Offset(1)};
  ASSERT_TRUE(world.replay(other).status.ok());
  EXPECT_EQ(world.delete_queue("orders", true).count, 2u) << "one that is being replayed is open too";
  EXPECT_EQ(world.replay(id).status.code(), base::Code::DESTINATION_NEEDED);
  world.kill_broker();
  world.start_broker();
  world.run_for(1s);
  EXPECT_TRUE(world.discard(id, "nobody needs it").status.ok());
  EXPECT_EQ(world.store().read_case(id)->state, model::CaseState::discarded);
  EXPECT_EQ(world.store().evacuated_messages(queue.log), 2u) << "it could be restored: orphans_test.cpp";
}

TEST_F(Deletion, GoesOnAfterACrashAtAnyMoment) {
  for (int moment = 0; moment < 12; ++moment) {
    const std::string name = "orders" + std::to_string(moment);
    const model::QueueRecord record = world.create_queue(name);
    Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
    anna.consume(name, 1000);
    world.publish(name, 610);
    world.run_for(1s);
    for (std::uint64_t offset = 0; offset < 600; ++offset) anna.reject(offset);
    anna.goodbye();
    world.run_for(1s);
    model::DeleteQueue erase;
    erase.subscription = record.subscription;
    erase.force = true;
    world.submit(record.shard, erase);
    world.run_for(moment * 7ms);
    world.kill_broker();
    world.start_broker();
    world.run_for(1s);
    if (moment < 2) continue;  // nothing of it had reached the disk
    EXPECT_FALSE(world.has_queue(name)) << moment;
    EXPECT_EQ(world.store().subscription(record.subscription), nullptr) << moment;
    EXPECT_EQ(world.store().evacuated_messages(record.log), 600u) << moment;
  }
}

TEST_F(Deletion, OptionsThatComeTooLateDoNotBringTheQueueBack) {
  ASSERT_NE(queue.shard, model::ShardId(0));
  model::DeleteQueue erase;
  erase.subscription = queue.subscription;
  world.submit(queue.shard, erase);
  world.run_for(5ms);
  model::UpdateQueue update;
  update.name = "orders";
  world.submit(model::ShardId(0), update);
  world.run_for(1s);
  EXPECT_FALSE(world.has_queue("orders"));
  model::Publish publish;
  publish.log = queue.log;
  publish.items.push_back({0, std::make_shared<model::Message>()});
  EXPECT_EQ(world.ask<model::Published>(queue.shard, publish).status.code(), Code::NOT_FOUND);
}

TEST_F(Queues, TwoUpdatesAtTheSameTimeBothHold) {
  world.create_queue("orders");
  model::UpdateQueue attempts;
  attempts.name = "orders";
  attempts.options->max_attempts = 7;
  model::UpdateQueue lease;
  lease.name = "orders";
  lease.options->lease_duration = 3s;
  world.submit(model::ShardId(0), attempts);
  world.submit(model::ShardId(0), lease);
  world.run_for(1s);
  const model::QueueOptions now = world.queue("orders").options;
  EXPECT_EQ(now.max_attempts, 7u);
  EXPECT_EQ(now.lease_duration, base::Duration(3s));
  EXPECT_EQ(now.backoff_initial, model::QueueOptions{}.backoff_initial);

  model::UpdateQueue wrong;
  wrong.name = "orders";
  wrong.options->backoff_jitter = 2;
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), wrong).status.code(), Code::INVALID_OPTION);
  wrong.options = {};
  wrong.options->durability = "lax";
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), wrong).status.code(), Code::INVALID_OPTION);
  EXPECT_EQ(world.queue("orders").options, now);
}

TEST_F(Queues, NewOptionsHoldFromNowOnAndOverARestart) {
  world.create_queue("orders");
  model::UpdateQueue update;
  update.name = "orders";
  update.options->max_attempts = 1;
  EXPECT_TRUE(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.ok());
  for (int i = 0; i < 2; ++i) {
    Client anna(world, "anna" + std::to_string(i), {.starts_at_once = true});
    anna.consume("orders", 1);
    world.publish("orders", 1);
    anna.nack(static_cast<std::uint64_t>(i));
    EXPECT_EQ(world.show("orders").counters.in_hospital, static_cast<std::uint64_t>(i + 1));
    anna.goodbye();
    world.kill_broker();
    world.start_broker();
  }
  update.name = "nobody";
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.code(), Code::NOT_FOUND);
}

TEST_F(Queues, WithoutSpaceOnlyPublishesAreRefused) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 10);
  world.publish("orders", 3);
  heard();
  world.post_all(core::DiskPressure{true, 100, 256});
  const auto refused = world.publish("orders", {"a", "b"});
  EXPECT_EQ(refused.status.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status.limit(), "disk_reserve");
  EXPECT_EQ(refused.status.limit_value(), 256);
  EXPECT_GT(refused.status.retry_after_ms(), 0);
  EXPECT_THAT(refused.results, SizeIs(2));
  anna.ack(0);
  anna.reject(1);
  ASSERT_TRUE(world.discard(world.cases("orders", CaseState::admitted).at(0).id).status.ok());
  EXPECT_EQ(world.purge("orders").count, 0u);
  expect_sums("orders");
  world.post_all(core::DiskPressure{false, 1000, 256});
  EXPECT_TRUE(world.publish("orders", {"a"}).status.ok());
  expect_sums("orders");
}

TEST_F(Queues, AnIdleQueueWakesNobody) {
  world.create_queue("orders");
  Client anna(world, "anna", {.silent_trace = true});
  anna.consume("orders", 10);
  world.publish("orders", 5);
  for (std::uint64_t offset = 0; offset < 5; ++offset) anna.ack(offset);
  anna.goodbye();
  world.run_for(10s);
  world.kill_broker();
  world.start_broker();
  world.run_for(10s);
  EXPECT_EQ(world.next_alarm(), base::Instant::never());
}

}  // namespace
}  // namespace lazaret::simulation

// Delayed messages: never early, counted apart, on the disk, cancelled or purged only when they are named.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Schedule : public Story {
 protected:
  Schedule() { world.create_queue("orders"); }

  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  std::uint64_t scheduled(const std::string& queue = "orders") { return world.show(queue).scheduled; }
};

TEST_F(Schedule, IsDeliveredWhenItsTimeHasComeAndNotBefore) {
  Client anna(world, "anna");
  anna.consume("orders", 10);
  const base::Instant due = world.now() + 5s;
  world.publish_timed("orders", 5s);
  world.publish("orders", 1);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(1u));  // what comes behind it does not wait
  EXPECT_EQ(scheduled(), 1u);
  EXPECT_EQ(world.show("orders").waiting, 0u);
  expect_sums("orders");
  anna.on_delivery = [&](const Client::Delivery&) { EXPECT_GE(world.now(), due); };
  world.run_for(4999ms);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  world.run_for(2ms);
  ASSERT_THAT(anna.held(), ElementsAre(0u, 1u));
  EXPECT_EQ(anna.delivery(0).what.attempt, 1u);
  EXPECT_FALSE(anna.delivery(0).what.redelivered);
  EXPECT_EQ(scheduled(), 0u);
  anna.start(0);
  anna.ack(0);
  world.settle();
  expect_sums("orders");
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
}

TEST_F(Schedule, GoesOnWaitingOverACrashAndIsNotTakenForBegun) {
  Client anna(world, "anna");
  anna.consume("orders", 1);
  world.publish_timed("orders", 10s);
  world.publish("orders", 3);  // the mark is raised beyond it
  world.run_for(1s);
  anna.die();
  crash();
  EXPECT_EQ(scheduled(), 1u);
  expect_sums("orders");
  Client ben(world, "ben");
  ben.consume("orders", 10);
  world.run_for(6s);  // what may have begun is granted again
  EXPECT_THAT(ben.held(), ElementsAre(1u, 2u, 3u));
  EXPECT_TRUE(ben.delivery(1).what.redelivered);
  world.run_for(4s);
  ASSERT_THAT(ben.held(), ElementsAre(0u, 1u, 2u, 3u));
  EXPECT_FALSE(ben.delivery(0).what.redelivered);
  EXPECT_EQ(ben.delivery(0).what.attempt, 1u);
}

TEST_F(Schedule, AStopInOrderLeavesTheMarkWhereItWas) {
  world.publish("orders", 2);
  world.publish_timed("orders", 10s);
  world.stop_broker();
  world.start_broker();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(1s);
  ASSERT_THAT(anna.held(), ElementsAre(0u, 1u));
  EXPECT_FALSE(anna.delivery(0).what.redelivered);
  EXPECT_FALSE(anna.delivery(1).what.redelivered);
}

TEST_F(Schedule, WhatWasDeliveredOnceWaitsAsARetryDoes) {
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.publish_timed("orders", 1s);
  world.run_for(2s);
  anna.start(0);
  anna.nack(0, "not now", 3s);
  world.settle();
  EXPECT_EQ(scheduled(), 0u);
  EXPECT_EQ(world.show("orders").waiting, 1u);
  crash();
  EXPECT_EQ(world.show("orders").waiting, 1u);
  EXPECT_EQ(scheduled(), 0u);
}

TEST_F(Schedule, OneThatIsGrantedWhenTheBrokerDiesMayHaveBegun) {
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.publish_timed("orders", 1s);
  world.run_for(1100ms);
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  anna.start(0);
  anna.die();
  crash();
  Client ben(world, "ben");
  ben.consume("orders", 10);
  world.run_for(6s);
  ASSERT_THAT(ben.held(), ElementsAre(0u));
  EXPECT_TRUE(ben.delivery(0).what.redelivered);
}

TEST_F(Schedule, CancelledItIsGoneAndCountsAsPurged) {
  const std::uint64_t offset = world.publish_timed("orders", 5s);
  EXPECT_EQ(world.cancel_scheduled("orders", offset).count, 1u);
  EXPECT_EQ(world.cancel_scheduled("orders", offset).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(scheduled(), 0u);
  EXPECT_EQ(world.show("orders").counters.purged, 1u);
  expect_sums("orders");
  crash();
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(anna.held(), IsEmpty());
}

TEST_F(Schedule, WhatIsDueOrPlainCannotBeCancelled) {
  world.publish("orders", 1);
  const std::uint64_t due = world.publish_timed("orders", 1s);
  world.run_for(2s);
  EXPECT_EQ(world.show("orders").ready, 2u);
  EXPECT_EQ(world.cancel_scheduled("orders", 0).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.cancel_scheduled("orders", due).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.cancel_scheduled("orders", 77).status.code(), Code::NOT_FOUND);
}

/// Also beyond what was delivered, on the disk, and between such as are ready.
TEST_F(Schedule, TheOldestThatIsReadyIsNoneThatIsScheduled) {
  world.publish_timed("orders", 600s);
  world.publish_timed("orders", 600s);
  world.publish("orders", 1);
  EXPECT_EQ(world.show("orders").oldest_ready, model::Offset(2));
  crash();
  EXPECT_EQ(world.show("orders").oldest_ready, model::Offset(2));
  world.publish_timed("orders", 600s);
  world.publish("orders", 1);
  EXPECT_EQ(world.purge("orders").count, 2u);
  EXPECT_EQ(world.show("orders").ready, 0u);
  EXPECT_EQ(world.show("orders").oldest_ready, world.show("orders").log_end);
  world.publish("orders", 1);
  EXPECT_EQ(world.show("orders").oldest_ready, model::Offset(5));
}

TEST_F(Schedule, APurgeLeavesItUnlessItIsNamed) {
  world.publish("orders", 2);
  world.publish_timed("orders", 5s);
  world.publish("orders", 2);
  EXPECT_EQ(world.purge("orders").count, 4u);
  EXPECT_EQ(scheduled(), 1u);
  EXPECT_EQ(world.show("orders").ready, 0u);
  expect_sums("orders");
  crash();
  EXPECT_EQ(scheduled(), 1u);
  EXPECT_EQ(world.purge("orders", true).count, 1u);
  EXPECT_EQ(scheduled(), 0u);
  expect_sums("orders");
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
}

TEST_F(Schedule, EachSubscriptionOfATopicWaitsByItself) {
  world.create_topic("news");
  world.subscribe("mail", "news");
  world.subscribe("log", "news");
  world.publish_timed("news", 5s);
  world.publish_timed("news", 6s);
  EXPECT_EQ(scheduled("mail"), 2u);
  EXPECT_EQ(scheduled("log"), 2u);
  EXPECT_EQ(world.cancel_scheduled("mail", 0).count, 1u);
  EXPECT_EQ(scheduled("log"), 2u);
  Client anna(world, "anna");
  anna.consume("log", 10);
  world.run_for(5500ms);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_EQ(world.cancel_scheduled("news", 1).count, 2u);  // by the topic's name: for all of them
  world.run_for(5s);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  expect_sums("mail");
  expect_sums("log");
}

TEST_F(Schedule, ASubscriptionThatComesLaterIsNotEarlyEither) {
  world.create_topic("news");
  world.subscribe("keeper", "news");
  world.publish_timed("news", 5s);
  world.subscribe("late", "news", model::Start::earliest);
  Client anna(world, "anna");
  anna.consume("late", 10);
  world.run_for(4s);
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(scheduled("late"), 1u);  // it has met it
  world.run_for(2s);
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_FALSE(anna.delivery(0).what.redelivered);
}

TEST_F(Schedule, WhatIsTrimmedAroundItDoesNotTakeIt) {
  world.publish_timed("orders", 60s);
  world.publish("orders", 299);
  ASSERT_EQ(world.publish_timed("orders", 60s), 300u);
  world.publish("orders", 700);
  Client anna(world, "anna");
  anna.consume("orders", 1000);
  world.run_for(100ms);
  for (const std::uint64_t offset : anna.held()) {
    anna.start(offset);
    anna.ack(offset);
  }
  world.run_for(100ms);
  world.post_all(core::TrimNow{});
  world.run_for(2s);
  const model::LogId log = world.queue("orders").log;
  EXPECT_LT(world.store().stored_messages(log), 600u);  // whole stretches go
  EXPECT_EQ(world.store().evacuated_messages(log), 1u);
  world.run_for(60s);
  ASSERT_THAT(anna.held(), ElementsAre(0u, 300u));
  for (const std::uint64_t offset : {0, 300}) {
    anna.start(offset);
    anna.ack(offset);
  }
  world.run_for(2s);
  EXPECT_EQ(world.store().evacuated_messages(log), 0u);
}

TEST_F(Schedule, ADeletedQueueTakesItAlong) {
  world.publish_timed("orders", 5s);
  EXPECT_EQ(world.delete_queue("orders").status.code(), Code::NOT_EMPTY);
  EXPECT_TRUE(world.delete_queue("orders", true).status.ok());
  crash();
  EXPECT_FALSE(world.has_queue("orders"));
}

/// One that was not on the disk yet when those that are due near it were read is late for no reason.
class SlowPages : public Story {
 protected:
  SlowPages() : Story(WorldOptions{.ack_sync_max = 0ms, .page_time = 30ms}) { world.create_queue("orders"); }
};

TEST_F(SlowPages, OneThatComesWhileAPageIsReadIsNotForgottenBehindIt) {
  model::Publish publish;
  publish.log = world.queue("orders").log;
  constexpr std::uint64_t kMany = 6000;
  for (std::uint64_t i = 0; i < kMany; ++i) {
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of("body");
    message->due = world.now() + 10h + base::Duration(i * 1'000'000);
    publish.items.push_back({0, std::move(message)});
  }
  ASSERT_TRUE(world.ask<model::Published>(world.queue("orders").shard, std::move(publish)).status.ok());
  world.store().set_waiting_in_memory(10);
  world.kill_broker();
  world.start_broker();
  const base::Instant due = world.now() + 10h + 30s;
  ASSERT_EQ(world.publish_timed("orders", 10h + 30s), kMany);
  Client anna(world, "anna");
  anna.consume("orders", 10'000);
  std::optional<base::Instant> came;
  anna.on_delivery = [&](const Client::Delivery& delivery) {
    if (delivery.what.offset.value == kMany) came = world.now();
  };
  world.run_for(10h + 31s);
  ASSERT_TRUE(came);
  EXPECT_GE(*came, due);
}

/// More than fit into memory: they wait on the disk, and all come, in the order of their times.
class ManyScheduled : public Schedule {
 protected:
  static constexpr std::uint64_t kMany = 3000;

  /// The later the offset, the earlier it is due, but for the last: one of all.
  void publish_many() {
    model::Publish publish;
    publish.log = world.queue("orders").log;
    for (std::uint64_t i = 0; i < kMany; ++i) {
      auto message = std::make_shared<model::Message>();
      message->body = base::SharedBytes::of("body");
      message->due = world.now() + 10s + base::Duration((kMany - i) * 1000);
      publish.items.push_back({0, std::move(message)});
    }
    ASSERT_TRUE(world.ask<model::Published>(world.queue("orders").shard, std::move(publish)).status.ok());
  }
};

TEST_F(ManyScheduled, AreReadWhenTheirTimeComesNear) {
  publish_many();
  EXPECT_EQ(scheduled(), kMany);
  world.store().set_waiting_in_memory(10);
  crash();
  EXPECT_EQ(scheduled(), kMany);
  expect_sums("orders");
  Client anna(world, "anna");
  anna.consume("orders", 10'000);
  std::vector<std::uint64_t> order;
  anna.on_delivery = [&](const Client::Delivery& delivery) {
    EXPECT_FALSE(delivery.what.redelivered);
    order.push_back(delivery.what.offset.value);
  };
  world.run_for(10s);
  EXPECT_THAT(order, IsEmpty());
  world.run_for(4s);
  ASSERT_THAT(order, SizeIs(kMany));
  EXPECT_TRUE(std::is_sorted(order.rbegin(), order.rend()));
  expect_sums("orders");
}

TEST_F(ManyScheduled, AreCancelledAndPurgedWhileTheyAreOnTheDisk) {
  publish_many();
  world.store().set_waiting_in_memory(10);
  crash();
  EXPECT_EQ(world.cancel_scheduled("orders", 5).count, 1u);
  EXPECT_EQ(world.cancel_scheduled("orders", 5).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.purge("orders").count, 0u);
  EXPECT_EQ(scheduled(), kMany - 1);
  EXPECT_EQ(world.purge("orders", true).count, kMany - 1);
  expect_sums("orders");
  crash();
  EXPECT_EQ(scheduled(), 0u);
  world.run_for(20s);
  EXPECT_EQ(world.show("orders").ready, 0u);
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
}

}  // namespace
}  // namespace lazaret::simulation

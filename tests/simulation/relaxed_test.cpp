// durability = "relaxed": what a confirm promises, what a power loss takes, and that no offset names two messages.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// A sync takes a second here, so that what waits for one shows.
class Relaxed : public Story {
 protected:
  static constexpr std::uint64_t kStride = model::limits::kReservedOffsets;

  Relaxed() : Story(WorldOptions{.ack_sync_max = 0ms, .sync_time = 1s}) {
    model::QueueOptions options;
    options.durability = model::Durability::relaxed;
    world.create_queue("clicks", options);
    world.create_queue("orders");
    world.publish("clicks", 1);  // the first reserves offsets, with a sync
    world.run_for(5s);
  }
  /// `keep`: so many of the writes that no sync has followed outlive it.
  void power_loss(std::size_t keep = 0) {
    world.kill_broker(keep);
    world.start_broker();
    world.settle();
  }
  base::Duration time_to_publish(const std::string& queue) {
    const base::Instant begin = world.now();
    world.publish(queue, 1);
    return world.now() - begin;
  }
};

TEST_F(Relaxed, APublishIsConfirmedWhenItIsWritten) {
  EXPECT_LT(time_to_publish("clicks"), 1s);
  EXPECT_GE(time_to_publish("orders"), 1s);
}

TEST_F(Relaxed, TheEndOfTheProcessTakesNothing) {
  world.publish("clicks", 3);
  power_loss(100);
  EXPECT_EQ(world.show("clicks").ready, 4u);
}

TEST_F(Relaxed, APowerLossTakesWhatIsYoungerThanTheSync) {
  world.publish("clicks", 3);
  world.run_for(2s);
  world.publish("clicks", 2);
  power_loss();
  const model::QueueStats stats = world.show("clicks");
  EXPECT_EQ(stats.ready, 4u);
  EXPECT_EQ(stats.counters.entered, 4u);
  expect_sums("clicks");
}

TEST_F(Relaxed, AnOffsetNeverNamesTwoMessages) {
  ASSERT_EQ(world.publish("clicks", {"lost"}).results.at(0).offset.value, 1u);
  power_loss();
  const model::Published later = world.publish("clicks", {"later"});
  EXPECT_EQ(later.results.at(0).offset.value, 1 + kStride);
  const model::QueueStats stats = world.show("clicks");
  EXPECT_EQ(stats.ready, 2u);
  EXPECT_EQ(stats.offsets_left_out, kStride);
  // Also when it happens again before anything is published, and again behind it.
  world.run_for(5s);
  power_loss();
  EXPECT_EQ(world.publish("clicks", {"last"}).results.at(0).offset.value, 2 + 2 * kStride);
  expect_sums("clicks");
}

TEST_F(Relaxed, WhatWasLeftOutIsNoDamage) {
  world.publish("clicks", {"lost"});
  power_loss();
  world.publish("clicks", {"later"});
  Client anna(world, "anna");
  anna.consume("clicks", 10);
  world.run_for(10s);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 1 + kStride));
  EXPECT_THAT(world.cases("clicks", model::CaseState::admitted), IsEmpty());
}

TEST_F(Relaxed, AnOrderlyStopLeavesNothingOut) {
  world.publish("clicks", 3);
  world.stop_broker();
  world.start_broker();
  world.settle();
  EXPECT_EQ(world.publish("clicks", {"next"}).results.at(0).offset.value, 4u);
  EXPECT_EQ(world.show("clicks").offsets_left_out, 0u);
}

TEST_F(Relaxed, BesideAnotherQueueItIsSyncedWithIt) {
  world.publish("clicks", 3);
  world.publish("orders", 1);
  power_loss();
  EXPECT_EQ(world.show("clicks").ready, 4u);
}

TEST_F(Relaxed, ACaseIsOnTheDiskFirst) {
  Client anna(world, "anna");
  anna.consume("clicks", 10);
  world.run_for(3s);
  anna.start(0);
  anna.reject(0);
  world.run_for(3s);
  power_loss();
  EXPECT_EQ(world.cases("clicks", model::CaseState::admitted).size(), 1u);
}

TEST_F(Relaxed, ChangedToFsyncItWaitsForTheDiskAndLeavesNothingOut) {
  model::UpdateQueue update;
  update.name = "clicks";
  update.options->durability = "fsync";
  ASSERT_TRUE(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.ok());
  world.run_for(5s);
  EXPECT_GE(time_to_publish("clicks"), 1s);
  power_loss();
  EXPECT_EQ(world.publish("clicks", {"next"}).results.at(0).offset.value, 2u);
}

/// Nothing was published under the offsets that are left out: they push nothing out of what a topic keeps.
TEST_F(Relaxed, WhatWasLeftOutCountsForNoLimit) {
  model::QueueOptions options;
  options.durability = model::Durability::relaxed;
  options.retention_messages = 1000;
  world.create_topic("views", options);
  world.subscribe("counter", "views");
  for (int i = 0; i < 10; ++i) world.publish("views", 10);
  for (int i = 0; i < 2; ++i) {
    world.run_for(5s);
    power_loss();
    world.run_for(5s);
    EXPECT_EQ(world.show("counter").ready, 100u);
    EXPECT_EQ(world.show("counter").counters.lost_to_retention, 0u);
    EXPECT_LT(world.show("counter").retention_used, 0.2);
  }
  EXPECT_GT(world.show("counter").offsets_left_out, kStride / 2);
  for (int i = 0; i < 20; ++i) world.publish("views", 100);
  EXPECT_GE(world.show("counter").ready, 1000u);
  EXPECT_LE(world.show("counter").ready, 1100u);
  expect_sums("counter");
}

}  // namespace
}  // namespace lazaret::simulation

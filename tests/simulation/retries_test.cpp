// semantics: "Verdicts", backoff and what waits.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Retries : public Story {
 protected:
  /// Where everything fails on purpose.
  static model::QueueOptions without_breaker() {
    model::QueueOptions options;
    options.breaker = false;
    return options;
  }
};

TEST_F(Retries, TheBackoffGrowsToItsLimit) {
  model::QueueOptions options;
  options.max_attempts = std::nullopt;
  options.backoff_jitter = 0;
  options.backoff_max = 1min;
  options.lease_duration = 1h;
  world.create_queue("orders", options);
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 1);
  base::Instant delivered;
  anna.on_delivery = [&](const Client::Delivery&) { delivered = world.now(); };
  world.publish("orders", 1);
  std::vector<std::int64_t> seconds;
  for (int i = 0; i < 5; ++i) {
    const base::Instant failed = world.now();
    anna.nack(0);
    world.run_for(1min);
    seconds.push_back((delivered - failed).count() / 1'000'000);
  }
  EXPECT_THAT(seconds, ElementsAre(1, 5, 25, 60, 60));
}

TEST_F(Retries, TheJitterStaysWithinItsPart) {
  model::QueueOptions options = without_breaker();
  options.backoff_initial = 10s;
  world.create_queue("orders", options);
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 200);
  std::map<std::uint64_t, base::Instant> second;
  anna.on_delivery = [&](const Client::Delivery& delivery) {
    if (delivery.what.attempt == 2) second[delivery.what.source_offset.value] = world.now();
  };
  world.publish("orders", 200);
  const base::Instant failed = world.now();
  for (std::uint64_t offset = 0; offset < 200; ++offset) anna.nack(offset);
  world.run_for(13s);
  ASSERT_EQ(second.size(), 200u);
  std::set<std::int64_t> different;
  for (const auto& [offset, at] : second) {
    EXPECT_GE((at - failed).count(), 8'000'000);
    EXPECT_LE((at - failed).count(), 12'000'000);
    different.insert(at.us);
  }
  EXPECT_GT(different.size(), 150u);
}

TEST_F(Retries, ADelayOfItsOwnTakesTheBackoffsPlace) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 1);
  world.publish("orders", 1);
  anna.nack(0, "later", 30s);
  heard();
  world.run_for(30s - 1us);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(1us);
  EXPECT_THAT(heard(), ElementsAre("30.000 anna gets 0, attempt 2, again"));
  anna.nack(0, "now", 0s);
  EXPECT_THAT(heard(), ElementsAre("30.000 anna nack 0: done", "30.000 anna gets 0, attempt 3, again"));
}

TEST_F(Retries, DueOnesHoldAtMostHalfWhileNewOnesWait) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 4);
  world.publish("orders", 4);
  for (std::uint64_t offset = 0; offset < 4; ++offset) anna.nack(offset, "", 1s);
  world.publish("orders", 10);
  EXPECT_THAT(anna.held(), ElementsAre(4, 5, 6, 7));
  world.run_for(1s);
  for (std::uint64_t offset = 4; offset < 8; ++offset) anna.ack(offset);
  EXPECT_THAT(anna.held(), ElementsAre(0, 1, 8, 9));
  anna.ack(8);
  EXPECT_THAT(anna.held(), ElementsAre(0, 1, 9, 10));
  anna.ack(0);
  EXPECT_THAT(anna.held(), ElementsAre(1, 2, 9, 10));
  // When no new ones wait they may have it all.
  for (const std::uint64_t offset : {9u, 10u, 11u, 12u, 13u}) anna.ack(offset);
  EXPECT_THAT(anna.held(), ElementsAre(1, 2, 3));
  expect_sums("orders");
}

TEST_F(Retries, WithOneLeaseDueOnesGoFirst) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 1);
  world.publish("orders", 3);
  anna.nack(0, "", 1s);
  EXPECT_THAT(anna.held(), ElementsAre(1));
  world.run_for(1s);
  anna.ack(1);
  EXPECT_THAT(anna.held(), ElementsAre(0));
  anna.ack(0);
  EXPECT_THAT(anna.held(), ElementsAre(2));
}

TEST_F(Retries, WhatWaitsOnTheDiskComesWhenItIsDue) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 31);
  world.publish("orders", 31);
  // One case is replayed, fails, and waits longer than all the others.
  anna.reject(30);
  world.replay(world.cases("orders", model::CaseState::admitted).at(0).id);
  world.settle();
  anna.nack(30, "", 1h);
  for (std::uint64_t offset = 0; offset < 30; ++offset) {
    anna.nack(offset, "", std::chrono::seconds(10 + (offset * 7) % 30));
  }
  world.store().set_waiting_in_memory(3);
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  anna.reconnect();
  std::map<std::uint64_t, std::int64_t> came;  // the first delivery after the restart, in seconds
  const base::Instant start = world.now();
  anna.on_delivery = [&](const Client::Delivery& delivery) {
    came.emplace(delivery.what.source_offset.value, (world.now() - start).count() / 1'000'000);
  };
  world.run_for(2h);
  ASSERT_EQ(came.size(), 31u);
  for (std::uint64_t offset = 0; offset < 30; ++offset) {
    EXPECT_EQ(came[offset], static_cast<std::int64_t>(10 + (offset * 7) % 30)) << offset;
  }
  EXPECT_EQ(came[30], 3600);
  expect_sums("orders");
}

class RetriesFromOldPages : public Story {
 protected:
  RetriesFromOldPages() : Story(WorldOptions{.ack_sync_max = 0ms, .page_age = 2s}) {}
};

/// While a page of what waits is under way one of them comes, fails again and waits for longer than the memory holds:
/// what the page says of it is of yesterday.
TEST_F(RetriesFromOldPages, WhatHasFailedAgainMeanwhileIsNotTakenFromThem) {
  world.create_queue("orders");
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 3);
  world.publish("orders", 3);
  for (std::uint64_t offset = 0; offset < 3; ++offset) anna.nack(offset, "", std::chrono::seconds(10 * (offset + 1)));
  world.run_for(9s);
  world.store().set_waiting_in_memory(1);
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  anna.reconnect();
  std::vector<std::string> came;
  anna.on_delivery = [&](const Client::Delivery& delivery) {
    came.push_back(world.clock() + " " + std::to_string(delivery.what.source_offset.value) + ", attempt " +
                   std::to_string(delivery.what.attempt));
  };
  world.run_for(1s);  // the page was read at 9, and comes at 11
  anna.nack(0, "again", 15s);
  world.run_for(25s);
  EXPECT_THAT(came,
              ElementsAre("10.000 0, attempt 2", "20.000 1, attempt 2", "25.000 0, attempt 3", "30.000 2, attempt 2"));
  expect_sums("orders");
}

TEST_F(Retries, OneReplayThatWaitsForLongDoesNotKeepTheOthersInMemory) {
  world.create_queue("orders", without_breaker());
  constexpr std::uint64_t kMany = model::limits::kWaitingInMemory + 2000;
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 1000);
  world.publish("orders", 1);
  anna.reject(0);
  world.replay(world.cases("orders", model::CaseState::admitted).at(0).id);
  world.settle();
  anna.nack(0, "", 24h);
  const model::QueueRecord& queue = world.queue("orders");
  anna.on_delivery = [&](const Client::Delivery& delivery) {
    model::Verdict verdict;
    verdict.kind = model::VerdictKind::fail;
    verdict.token = delivery.token;
    verdict.delay = 1h + std::chrono::milliseconds(delivery.what.source_offset.value);
    world.submit(queue.shard, model::Settle{{}, {verdict}});
  };
  for (std::uint64_t sent = 0; sent < kMany; sent += 1000) world.publish("orders", 1000);
  world.run_for(1s);
  EXPECT_EQ(world.show("orders").waiting, kMany + 1);
  // Of those on the disk nobody here knows until when.
  std::uint64_t on_disk = 0;
  for (std::uint64_t from = 0; from <= kMany; from += 1000) {
    model::ShowStates show;
    show.subscription = queue.subscription;
    show.from = model::Offset(from);
    show.count = 1000;
    for (const auto& item : world.ask<model::MessageStates>(queue.shard, show).items) {
      if (item.state == model::MessageState::waiting && !item.until) ++on_disk;
    }
  }
  EXPECT_GT(on_disk, 2000u);
  expect_sums("orders");
}

TEST_F(Retries, ManyDueAtOneInstantAllCome) {
  world.create_queue("orders", without_breaker());
  constexpr std::uint64_t kMany = 10'000;
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", kMany);
  world.publish("orders", kMany);
  for (std::uint64_t offset = 0; offset < kMany; ++offset) anna.nack(offset, "", 10s);
  world.store().set_waiting_in_memory(3);
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  anna.reconnect();
  std::uint64_t came = 0;
  anna.on_delivery = [&](const Client::Delivery&) { ++came; };
  world.run_for(20s);
  EXPECT_EQ(came, kMany);
  expect_sums("orders");
}

TEST_F(Retries, OfTwoLeasesThatEndTogetherNeitherIsBlamed) {
  world.create_queue("orders");
  Client old(world, "old", {.speaks_started = false});
  old.consume("orders", 2);
  world.publish("orders", 2);
  world.run_for(30s);
  EXPECT_THAT(outcomes("orders", 0), ElementsAre(model::AttemptOutcome::interrupted));
  EXPECT_THAT(outcomes("orders", 1), ElementsAre(model::AttemptOutcome::interrupted));
}

}  // namespace
}  // namespace lazaret::simulation

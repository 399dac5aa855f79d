// Deduplication of publishes: invariant 2.
#include <limits>

#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;

class Dedup : public Story {
 protected:
  Dedup() {
    producer.bytes[0] = 1;
    world.create_queue("orders");
  }
  model::PublishResult once(const std::string& body, std::uint64_t sequence) {
    return world.publish("orders", {body}, producer, sequence).results.at(0);
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  model::ProducerId producer;
};

TEST_F(Dedup, TheSameSequenceIsStoredOnceOverRestartsToo) {
  EXPECT_EQ(once("a", 1).offset.value, 0u);
  EXPECT_FALSE(once("b", 2).duplicate);
  for (int i = 0; i < 2; ++i) {
    const auto again = once("a", 1);
    EXPECT_EQ(again.code, Code::OK);
    EXPECT_TRUE(again.duplicate);
    EXPECT_EQ(again.offset.value, 0u);
    crash();
  }
  EXPECT_EQ(world.show("orders").counters.entered, 2u);
}

TEST_F(Dedup, AnotherBodyUnderTheSameSequenceIsRefused) {
  once("a", 1);
  EXPECT_EQ(once("b", 1).code, Code::SEQUENCE_REUSED);
  crash();
  EXPECT_EQ(once("b", 1).code, Code::SEQUENCE_REUSED);
  EXPECT_EQ(once("a", 1).code, Code::OK);
}

TEST_F(Dedup, WhatIsStoredIsADuplicateAlsoWhileTheDiskIsShort) {
  once("a", 1);
  world.post_all(core::DiskPressure{true, 10, 100});
  const auto again = once("a", 1);
  EXPECT_EQ(again.code, Code::OK);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(once("b", 1).code, Code::SEQUENCE_REUSED);
  // Of a batch each item stands alone, and the refusal says which limit.
  const model::Published mixed = world.publish("orders", {"a", "b"}, producer, 1);
  EXPECT_EQ(mixed.results.at(0).code, Code::OK);
  EXPECT_EQ(mixed.results.at(1).code, Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(mixed.status.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(mixed.status.limit(), "disk_reserve");
  EXPECT_EQ(world.show("orders").counters.entered, 1u);
  world.post_all(core::DiskPressure{});
  EXPECT_FALSE(once("b", 2).duplicate);
  EXPECT_EQ(world.show("orders").counters.entered, 2u);
}

TEST_F(Dedup, TheHighestSequenceOfAllIsOneLikeAnother) {
  const std::uint64_t last = ~std::uint64_t{0};
  EXPECT_EQ(once("a", last).code, Code::OK);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(once("a", last).duplicate);
    EXPECT_EQ(once("b", 1).code, Code::SEQUENCE_TOO_OLD);
    crash();
  }
}

TEST_F(Dedup, BelowTheWindowNothingIsStored) {
  const std::uint64_t last = model::limits::kDedupWindow + 2000;
  for (std::uint64_t sequence = 1; sequence <= last; sequence += 500) {
    world.publish("orders", std::vector<std::string>(std::min<std::uint64_t>(500, last - sequence + 1), "x"), producer,
                  sequence);
  }
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(once("x", 1).code, Code::SEQUENCE_TOO_OLD);
    EXPECT_EQ(once("x", last - model::limits::kDedupWindow).code, Code::SEQUENCE_TOO_OLD);
    EXPECT_TRUE(once("x", last - model::limits::kDedupWindow + 1).duplicate);
    EXPECT_TRUE(once("x", last).duplicate);
    crash();
  }
  EXPECT_EQ(world.show("orders").counters.entered, last);
}

TEST_F(Dedup, TheHighestSequenceThatThereIsIsOneLikeAnyOther) {
  const std::uint64_t last = std::numeric_limits<std::uint64_t>::max();
  EXPECT_EQ(once("a", 1).code, Code::OK);
  EXPECT_EQ(once("b", last).offset.value, 1u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_TRUE(once("b", last).duplicate);
    EXPECT_EQ(once("c", last).code, Code::SEQUENCE_REUSED);
    EXPECT_EQ(once("a", 1).code, Code::SEQUENCE_TOO_OLD);
    EXPECT_EQ(once("x", last - model::limits::kDedupWindow).code, Code::SEQUENCE_TOO_OLD);
    crash();
  }
  EXPECT_EQ(once("d", last - 1).offset.value, 2u);
}

TEST_F(Dedup, SequencesMayComeOutOfOrderAndWithGaps) {
  EXPECT_EQ(once("c", 30).offset.value, 0u);
  EXPECT_EQ(once("a", 10).offset.value, 1u);
  EXPECT_EQ(once("b", 20).offset.value, 2u);
  crash();
  EXPECT_EQ(once("a", 10).offset.value, 1u);
  EXPECT_TRUE(once("b", 20).duplicate);
  EXPECT_FALSE(once("d", 25).duplicate);
}

TEST_F(Dedup, AnIdleProducerIsForgotten) {
  once("a", 1);
  world.run_for(25h);
  world.publish("orders", 1);
  EXPECT_FALSE(once("a", 1).duplicate);
}

class DedupOnASlowDisk : public Story {
 protected:
  DedupOnASlowDisk() : Story(WorldOptions{.sync_time = 10ms}) {}
};

TEST_F(DedupOnASlowDisk, WhatWasLostUnconfirmedIsStoredWhenItIsSentAgain) {
  world.create_queue("orders");
  model::ProducerId producer;
  producer.bytes[0] = 1;
  model::Publish publish;
  publish.log = world.queue("orders").log;
  publish.producer = producer;
  publish.items.push_back({1, std::make_shared<model::Message>()});
  world.submit(model::ShardId(0), publish);
  world.run_for(5ms);
  world.kill_broker();
  world.start_broker();
  const auto again = world.publish("orders", {""}, producer, 1);
  EXPECT_FALSE(again.results.at(0).duplicate);
  EXPECT_EQ(world.show("orders").counters.entered, 1u);
}

TEST_F(DedupOnASlowDisk, TheConfirmOfADuplicateWaitsForTheOriginal) {
  world.create_queue("orders");
  model::ProducerId producer;
  producer.bytes[0] = 1;
  model::Publish publish;
  publish.log = world.queue("orders").log;
  publish.producer = producer;
  auto message = std::make_shared<model::Message>();
  message->body_crc = 'x';
  publish.items.push_back({1, message});
  world.submit(model::ShardId(0), publish);
  world.run_for(5ms);
  const base::Instant asked = world.now();
  EXPECT_TRUE(world.publish("orders", {"x"}, producer, 1).results.at(0).duplicate);
  EXPECT_GE(world.now() - asked, base::Duration(5ms));
}

}  // namespace
}  // namespace lazaret::simulation

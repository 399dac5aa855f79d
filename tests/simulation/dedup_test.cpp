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

class DedupById : public Story {
 protected:
  DedupById() {
    model::QueueOptions options;
    options.deduplicate_for = 10min;
    world.create_queue("orders", options);
  }
  static std::string envelope(std::string id) {
    if (!id.empty()) id.resize(16, '.');
    return "key|type#" + id;
  }
  /// By a producer of its own each time.
  model::PublishResult once(const std::string& body, const std::string& id) {
    ++producer_.bytes[0];
    model::Publish publish;
    publish.log = world.queue("orders").log;
    publish.producer = producer_;
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of(body);
    message->envelope = base::SharedBytes::of(envelope(id));
    publish.items.push_back({1, std::move(message)});
    return world.ask<model::Published>(world.queue("orders").shard, std::move(publish)).results.at(0);
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  void expect_duplicate(const std::string& id, std::uint64_t offset) {
    const model::PublishResult again = once("again", id);
    EXPECT_EQ(again.code, Code::OK);
    EXPECT_TRUE(again.duplicate) << id;
    EXPECT_EQ(again.offset.value, offset);
  }

 private:
  model::ProducerId producer_;
};

TEST_F(DedupById, WhatCameWithinTheWindowIsNotStoredAgainOverRestartsToo) {
  EXPECT_FALSE(once("a", "one").duplicate);
  EXPECT_FALSE(once("b", "two").duplicate);
  for (int i = 0; i < 3; ++i) {
    expect_duplicate("one", 0);
    expect_duplicate("two", 1);
    crash();
  }
  EXPECT_EQ(world.show("orders").counters.entered, 2u);
}

TEST_F(DedupById, TheWindowIsCountedFromTheFirst) {
  once("a", "one");
  world.run_for(9min);
  expect_duplicate("one", 0);
  crash();
  world.run_for(1min);
  EXPECT_FALSE(once("b", "one").duplicate) << "ten minutes are over";
  expect_duplicate("one", 1);
}

TEST_F(DedupById, ItsNumberIsThatOfTheFirst) {
  once("a", "one");
  model::ProducerId producer;
  producer.bytes[1] = 1;
  auto publish = [&] {
    model::Publish command;
    command.log = world.queue("orders").log;
    command.producer = producer;
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of("a");
    message->envelope = base::SharedBytes::of(envelope("one"));
    command.items.push_back({7, std::move(message)});
    return world.ask<model::Published>(world.queue("orders").shard, std::move(command)).results.at(0);
  };
  EXPECT_TRUE(publish().duplicate);
  world.run_for(1h);
  crash();
  EXPECT_TRUE(publish().duplicate) << "the same publish, sent again after the window";
  EXPECT_EQ(world.show("orders").counters.entered, 1u);
}

TEST_F(DedupById, WithoutAnIdEachIsAnother) {
  EXPECT_FALSE(once("a", "").duplicate);
  EXPECT_FALSE(once("a", "").duplicate);
}

TEST_F(DedupById, WhatIsPublishedWithAVerdictIsStoredOnceToo) {
  once("a", "one");
  model::Outgoing outgoing;
  auto message = std::make_shared<model::Message>();
  message->body = base::SharedBytes::of("a");
  message->envelope = base::SharedBytes::of(envelope("one"));
  const model::QueueRecord& orders = world.queue("orders");
  outgoing.to.push_back({orders.shard, orders.log, {message}});
  world.create_queue("parcels");
  world.publish_with("parcels", "p", std::make_shared<const model::Outgoing>(std::move(outgoing)));
  world.run_for(1s);
  EXPECT_EQ(world.show("orders").counters.entered, 1u);
  EXPECT_EQ(world.show("parcels").counters.entered, 1u);
}

TEST_F(DedupById, IsWhatTheOptionSays) {
  once("a", "one");
  model::OptionsPatch patch;
  patch.deduplicate_for = 0s;
  world.update("orders", patch);
  EXPECT_FALSE(once("b", "one").duplicate);
  patch.deduplicate_for = 1min;
  world.update("orders", patch);
  EXPECT_FALSE(once("c", "one").duplicate) << "what came meanwhile is not known";
  crash();
  expect_duplicate("one", 2);
  EXPECT_EQ(patch.validate_for(model::Kind::subscription).code(), Code::INVALID_OPTION);
}

TEST_F(DedupById, TopicsDoSoToo) {
  model::QueueOptions options;
  options.deduplicate_for = 1min;
  world.create_topic("events", options);
  world.subscribe("billing", "events");
  for (int i = 0; i < 2; ++i) {
    world.publish_keyed("events", envelope("event 1"), {"body"});
    crash();
  }
  EXPECT_EQ(world.show("billing").ready, 1u);
}

TEST_F(DedupById, WhatIsForgottenLeavesTheDisk) {
  for (int i = 0; i < 3000; ++i) {
    once("x", std::to_string(i));
    if (i % 1000 == 0) world.run_for(11min);
  }
  once("x", "last");
  world.settle();
  EXPECT_LT(world.store().ids_of(world.queue("orders").log), 2100u);
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

// Ordering keys: at most one message of a key is out, in order, retries included; other keys never wait.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::KeyFailure;
using model::MessageState;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

using Offsets = std::vector<std::uint64_t>;

class Keys : public Story {
 protected:
  Keys() = default;
  explicit Keys(WorldOptions options) : Story(options) {}
  void create(KeyFailure rule = KeyFailure::go_on, std::uint32_t max_attempts = 5) {
    model::QueueOptions options;
    options.order_by_key = true;
    options.on_key_failure = rule;
    options.max_attempts = max_attempts;
    options.backoff_initial = 2s;
    options.backoff_jitter = 0;
    world.create_queue("orders", options);
  }
  /// One message for each key; "" for none.
  void publish(const std::vector<std::string>& keys) {
    for (const std::string& key : keys) world.publish_keyed("orders", key, {"body"});
    world.settle();
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  std::vector<model::MessageStates::Item> states() {
    model::ShowStates show;
    show.subscription = world.queue("orders").subscription;
    show.from = model::Offset(0);
    show.count = 100;
    return world.ask<model::MessageStates>(world.queue("orders").shard, show).items;
  }
  model::CaseId only_case() {
    const auto cases = world.cases("orders", CaseState::admitted);
    EXPECT_THAT(cases, SizeIs(1));
    return cases.at(0).id;
  }
  Code update(const model::OptionsPatch& patch) {
    model::UpdateQueue update;
    update.name = "orders";
    update.options = patch;
    return world.ask<model::QueueAnswer>(model::ShardId(0), update).status.code();
  }
  /// A handler begins and acks.
  void work(Client& worker, std::uint64_t offset) {
    worker.start(offset);
    worker.ack(offset);
    world.run_for(10ms);
  }
  void fail(Client& worker, std::uint64_t offset) {
    worker.start(offset);
    worker.nack(offset);
    world.run_for(10ms);
  }
};

TEST_F(Keys, OneOfAKeyIsOutAtATime) {
  create();
  publish({"a", "b", "a", "", "a", ""});
  Client anna(world, "anna");
  Client bert(world, "bert");
  anna.consume("orders", 10);
  bert.consume("orders", 10);
  world.run_for(10ms);
  Offsets out = anna.held();
  for (const std::uint64_t offset : bert.held()) out.push_back(offset);
  EXPECT_THAT(out, ::testing::UnorderedElementsAre(0u, 1u, 3u, 5u));
  EXPECT_EQ(world.show("orders").held, 2u);
  expect_sums("orders");
}

TEST_F(Keys, TheNextGoesWhenTheOneBeforeItIsSettled) {
  create();
  publish({"a", "b", "a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 1u));
  work(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u, 2u));
  work(anna, 2);
  EXPECT_THAT(anna.held(), ElementsAre(1u, 3u));
  EXPECT_EQ(anna.delivery(3).what.attempt, 1u);
  EXPECT_FALSE(anna.delivery(3).what.redelivered);
  EXPECT_EQ(world.show("orders").held, 0u);
  expect_sums("orders");
}

TEST_F(Keys, AKeyWaitsWithItsRetry) {
  create();
  publish({"a", "a", "b", "b"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  fail(anna, 0);
  work(anna, 2);
  EXPECT_THAT(anna.held(), ElementsAre(3u));
  EXPECT_EQ(world.show("orders").waiting, 1u);
  EXPECT_EQ(world.show("orders").held, 1u);
  expect_sums("orders");
  world.run_for(3s);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 3u));
  work(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u, 3u));
}

TEST_F(Keys, WhatIsReleasedOrLostStaysFirst) {
  create();
  publish({"a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  anna.start(0);
  anna.release(0);
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  anna.die();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(0u));
  bert.start(0);
  world.run_for(31s);  // its lease ends
  EXPECT_THAT(bert.held(), IsEmpty());
  world.run_for(3s);
  EXPECT_THAT(bert.held(), ElementsAre(0u));
  work(bert, 0);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  expect_sums("orders");
}

TEST_F(Keys, ALateAckFreesTheKey) {
  create();
  publish({"a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  anna.start(0);
  world.run_for(31s);
  anna.ack(0);
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
}

TEST_F(Keys, ASuspectKeepsItsKeyAndGoesAlone) {
  create();
  publish({"a", "b", "a", "b"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  anna.start(1);
  anna.die();
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 10);
  world.run_for(6s);
  EXPECT_THAT(bert.held(), ElementsAre(0u));
  EXPECT_TRUE(bert.delivery(0).what.isolated);
  bert.ack(0);
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  bert.ack(1);
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(2u, 3u));
}

// --- The hospital ---------------------------------------------------------------------------------------------------

TEST_F(Keys, WithContinueTheKeyGoesOnWithoutTheCase) {
  create(KeyFailure::go_on, 1);
  publish({"a", "a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  fail(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  // A replay waits for who has the key, and is before what comes behind it.
  world.replay(only_case());
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  EXPECT_EQ(states()[0].state, MessageState::replaying);
  EXPECT_EQ(states()[0].held_by, model::Offset(1));
  EXPECT_EQ(world.show("orders").held, 2u);
  expect_sums("orders");
  work(anna, 1);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  work(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(2u));
  expect_sums("orders");
}

TEST_F(Keys, WithHoldTheKeyWaitsForTheCase) {
  create(KeyFailure::hold, 1);
  publish({"a", "a", "b", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  fail(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(2u));
  EXPECT_EQ(states()[1].state, MessageState::held);
  EXPECT_EQ(states()[1].held_by, model::Offset(0));
  expect_sums("orders");
  // A replay of it goes first, a relapse keeps the key.
  world.replay(only_case());
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 2u));
  fail(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(2u));
  world.replay(only_case());
  world.run_for(10ms);
  work(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u, 2u));
  fail(anna, 1);
  world.discard(only_case());
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(2u, 3u));
  expect_sums("orders");
}

TEST_F(Keys, TheRuleMayBeChangedAndTheOrderNot) {
  create(KeyFailure::hold, 1);
  publish({"a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  fail(anna, 0);
  EXPECT_THAT(anna.held(), IsEmpty());
  model::OptionsPatch patch;
  patch.on_key_failure = "continue";
  EXPECT_EQ(update(patch), Code::OK);
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  patch.on_key_failure = "sometimes";
  EXPECT_EQ(update(patch), Code::INVALID_OPTION);
  patch.on_key_failure.reset();
  patch.order_by_key = false;
  EXPECT_EQ(update(patch), Code::INVALID_OPTION);
}

// --- Restarts -------------------------------------------------------------------------------------------------------

TEST_F(Keys, WhatWaitsHasItsKeyBehindARestart) {
  for (const std::size_t in_memory : {1000u, 0u}) {
    world.store().set_waiting_in_memory(in_memory);
    if (!world.has_queue("orders")) create();
    publish({"a", "a", "b"});
    const std::uint64_t first = world.show("orders").log_end.value - 3;
    Client anna(world, "anna" + std::to_string(in_memory));
    anna.consume("orders", 10);
    world.run_for(10ms);
    anna.start(first);
    anna.nack(first, "it failed", 20s);
    anna.not_begun(first + 2);
    world.run_for(10ms);
    anna.goodbye();
    crash();
    Client bert(world, "bert" + std::to_string(in_memory));
    bert.consume("orders", 10);
    world.run_for(10s);
    EXPECT_THAT(bert.held(), ElementsAre(first + 2)) << in_memory;
    expect_sums("orders");
    world.run_for(15s);
    EXPECT_THAT(bert.held(), ElementsAre(first, first + 2)) << in_memory;
    for (const std::uint64_t offset : {first, first + 1, first + 2}) work(bert, offset);
    bert.goodbye();
  }
  EXPECT_EQ(world.show("orders").counters.acked, 6u);
}

TEST_F(Keys, ACaseHoldsItsKeyBehindARestart) {
  create(KeyFailure::hold, 1);
  publish({"a", "a", "b"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  fail(anna, 0);
  anna.goodbye();
  crash();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(bert.held(), ElementsAre(2u));
  EXPECT_EQ(states()[1].held_by, model::Offset(0));
  world.replay(only_case());
  bert.goodbye();
  crash();
  Client carl(world, "carl");
  carl.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(carl.held(), ElementsAre(0u, 2u));
  work(carl, 0);
  EXPECT_THAT(carl.held(), ElementsAre(1u, 2u));
}

TEST_F(Keys, NothingIsGrantedBeforeAllAreBack) {
  create();
  publish({"a", "b", "a", "c"});
  Client anna(world, "anna");
  Client bert(world, "bert");
  anna.consume("orders", 1);
  bert.consume("orders", 1);
  world.run_for(10ms);
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  ASSERT_THAT(bert.held(), ElementsAre(1u));
  anna.start(0);
  world.run_for(10ms);
  anna.disconnected();
  bert.disconnected();
  crash();
  bert.reconnect();
  bert.add_credit(9);
  world.run_for(1s);
  EXPECT_THAT(bert.held(), ElementsAre(1u));  // although 3 has another key
  anna.reconnect();
  world.run_for(1s);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_THAT(bert.held(), ElementsAre(1u, 3u));
  work(anna, 0);
  EXPECT_THAT(bert.held(), Not(Contains(0u)));
  EXPECT_EQ(anna.held().size() + bert.held().size(), 3u);  // and 2
}

TEST_F(Keys, WhatWasHeldNeverBegan) {
  create();
  publish({"a", "a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  anna.start(0);
  world.run_for(10ms);
  crash();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10s);
  EXPECT_TRUE(bert.delivery(0).what.redelivered);
  EXPECT_EQ(bert.delivery(0).what.attempt, 2u);
  work(bert, 0);
  EXPECT_FALSE(bert.delivery(1).what.redelivered);
  EXPECT_EQ(bert.delivery(1).what.attempt, 1u);
  // In order over a stop in order as well.
  world.stop_broker();
  world.start_broker();
  Client carl(world, "carl");
  carl.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(carl.held(), ElementsAre(1u));
  work(carl, 1);
  EXPECT_THAT(carl.held(), ElementsAre(2u));
  EXPECT_EQ(carl.delivery(2).what.attempt, 1u);
}

// --- Limits, purge, what is shown -----------------------------------------------------------------------------------

TEST_F(Keys, SoManyArePassedOverAndNoMore) {
  create();
  const std::uint64_t most = model::limits::kHeldMessages;
  const auto many = [&](const std::string& key, std::size_t count) {
    world.publish_keyed("orders", key, std::vector<std::string>(count, "body"));
  };
  many("a", most + 1);
  many("b", 1);
  many("a", 2);
  many("c", 1);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(1s);
  // The head of a, what stands behind so many of a, and no further than the next of a.
  EXPECT_THAT(anna.held(), ElementsAre(0u, most + 1));
  model::QueueStats stats = world.show("orders");
  EXPECT_EQ(stats.held, most);
  EXPECT_TRUE(stats.held_full);
  expect_sums("orders");
  work(anna, 0);
  world.run_for(1s);
  EXPECT_THAT(anna.held(), ElementsAre(1u, most + 1));
  work(anna, 1);
  world.run_for(1s);
  EXPECT_THAT(anna.held(), ElementsAre(2u, most + 1, most + 4));
  EXPECT_EQ(world.show("orders").held, most);
  expect_sums("orders");
}

TEST_F(Keys, WhatIsHeldIsReadWhenItIsItsTurn) {
  create();
  // More than is kept in memory.
  const std::string large(1000, 'x');
  for (int i = 0; i < 12; ++i) world.publish_keyed("orders", "a", std::vector<std::string>(500, large));
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true});
  anna.consume("orders", 100);
  for (std::uint64_t offset = 0; offset < 6'000; ++offset) {
    world.run_for(1ms);
    ASSERT_THAT(anna.held(), ElementsAre(offset));
    anna.ack(offset);
  }
  world.run_for(10ms);
  EXPECT_EQ(world.show("orders").counters.acked, 6'000u);
  expect_sums("orders");
}

TEST_F(Keys, APurgeTakesWhatIsHeldAndFreesTheKeys) {
  create();
  publish({"a", "a", "b", "b"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  fail(anna, 0);
  EXPECT_EQ(world.purge("orders").count, 3u);
  expect_sums("orders");
  publish({"a", "b"});
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(2u, 4u));
  work(anna, 2);
  EXPECT_THAT(anna.held(), ElementsAre(4u, 5u));
  expect_sums("orders");
}

TEST_F(Keys, APurgeTakesWhatWaitsOnTheDiskOnly) {
  world.store().set_waiting_in_memory(0);
  create();
  publish({"a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  anna.start(0);
  anna.nack(0, "it failed", 1h);
  world.run_for(10ms);
  anna.goodbye();
  world.run_for(1s);
  crash();
  EXPECT_EQ(world.purge("orders").count, 2u);
  publish({"a"});
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(2u));
  expect_sums("orders");
}

TEST_F(Keys, ADeletedQueueTakesItsLocksAlong) {
  create();
  publish({"a", "a", "b"});
  {
    Client anna(world, "anna");
    anna.consume("orders", 10);
    world.run_for(10ms);
    ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
    anna.goodbye();
  }
  create();
  publish({"a"});
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(0u));
}

TEST_F(Keys, ADamagedMessageHasNoKey) {
  create(KeyFailure::hold);
  publish({"a", "a", "a"});
  world.store().damage(world.queue("orders").log, model::Offset(1));
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(10ms);
  crash();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(bert.held(), ElementsAre(0u));
  work(bert, 0);
  EXPECT_THAT(bert.held(), ElementsAre(2u));
  EXPECT_EQ(only_case().offset.value, 1u);
  expect_sums("orders");
}

TEST_F(Keys, ASubscriptionOrdersForItself) {
  world.create_topic("news");
  model::QueueOptions options;
  options.order_by_key = true;
  world.subscribe("ordered", "news", model::Start::latest, options);
  world.subscribe("plain", "news");
  for (const char* key : {"a", "a", "b"}) world.publish_keyed("news", key, {"body"});
  Client anna(world, "anna");
  Client bert(world, "bert");
  anna.consume("ordered", 10);
  bert.consume("plain", 10);
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 2u));
  EXPECT_THAT(bert.held(), ElementsAre(0u, 1u, 2u));
  expect_sums("ordered");
}

TEST_F(Keys, ASeekBeginsTheOrderAnew) {
  model::QueueOptions topic;
  topic.retain_for = 1h;
  world.create_topic("news", topic);
  model::QueueOptions options;
  options.order_by_key = true;
  world.subscribe("ordered", "news", model::Start::latest, options);
  for (const char* key : {"a", "a", "b", "a"}) world.publish_keyed("news", key, {"body"});
  Client anna(world, "anna");
  anna.consume("ordered", 10);
  world.run_for(10ms);
  work(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u, 2u));
  ASSERT_TRUE(world.seek("ordered", {model::Start::earliest, {}, {}}).status.ok());
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 2u));
  EXPECT_EQ(world.show("ordered").held, 2u);
  expect_sums("ordered");
  for (const std::uint64_t offset : {0u, 1u, 3u, 2u}) work(anna, offset);
  EXPECT_THAT(anna.held(), IsEmpty());
  expect_sums("ordered");
}

TEST_F(Keys, WhatIsLostToRetentionIsHeldNoMore) {
  model::QueueOptions topic;
  topic.retention_messages = 16;
  world.create_topic("news", topic);
  model::QueueOptions options;
  options.order_by_key = true;
  world.subscribe("ordered", "news", model::Start::latest, options);
  Client anna(world, "anna");
  anna.consume("ordered", 10);
  for (int i = 0; i < 40; ++i) {
    world.publish_keyed("news", "a", {"body"});
    world.run_for(10ms);
  }
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  model::QueueStats stats = world.show("ordered");
  EXPECT_GT(stats.counters.lost_to_retention, 20u);
  EXPECT_EQ(stats.held + stats.counters.lost_to_retention, 39u);
  expect_sums("ordered");
  std::uint64_t next = stats.counters.lost_to_retention + 1;
  work(anna, 0);
  for (; next < 40; ++next) {
    ASSERT_THAT(anna.held(), ElementsAre(next));
    work(anna, next);
  }
  expect_sums("ordered");
}

TEST_F(Keys, HoldNeedsOrder) {
  model::QueueOptions options;
  options.on_key_failure = KeyFailure::hold;
  model::CreateQueue command;
  command.name = "orders";
  command.options = options;
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), command).status.code(), Code::INVALID_OPTION);
}

/// Messages are read slowly.
class KeysOfSlowPages : public Keys {
 protected:
  KeysOfSlowPages() : Keys(WorldOptions{.ack_sync_max = 0ms, .page_time = 300ms}) {}
};

/// Before anybody has read its key.
TEST_F(KeysOfSlowPages, AMessageThatIsClaimedAndRejectedHoldsItsKey) {
  create(KeyFailure::hold);
  publish({"a", "a"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(1s);
  anna.start(0);
  world.run_for(10ms);
  anna.disconnected();
  crash();
  anna.reconnect();
  anna.reject(0);
  world.run_for(10s);
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(states()[1].state, MessageState::held);
  crash();
  Client bert(world, "bert");
  bert.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(bert.held(), IsEmpty());
  world.discard(only_case());
  world.run_for(10ms);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
}

/// A power loss takes the end of a message back whose follower is out.
class KeysRelaxed : public Keys {
 protected:
  KeysRelaxed() : Keys(WorldOptions{.ack_sync_max = 0ms, .sync_time = 1s, .page_time = 300ms}) {
    model::QueueOptions options;
    options.order_by_key = true;
    options.durability = model::Durability::relaxed;
    options.backoff_initial = 1s;
    options.backoff_jitter = 0;
    world.create_queue("orders", options);
  }
  /// Anna has 1, and nobody knows any more that she acked 0 at its second attempt.
  void lose_an_ack(Client& anna) {
    publish({"a", "a"});
    anna.consume("orders", 10);
    world.run_for(5s);
    fail(anna, 0);
    world.run_for(10s);
    anna.start(0);
    anna.ack(0);
    world.run_for(400ms);
    ASSERT_THAT(anna.held(), ElementsAre(1u));
    anna.disconnected();
    world.kill_broker(0);
    world.start_broker();
    world.settle();
  }
};

TEST_F(KeysRelaxed, WhatCameBackWaitsForTheOneThatIsOut) {
  Client anna(world, "anna");
  lose_an_ack(anna);
  anna.reconnect();
  anna.add_credit(9);
  world.run_for(30s);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  EXPECT_EQ(states()[0].state, MessageState::held);
  work(anna, 1);
  world.run_for(10s);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  work(anna, 0);
  world.run_for(10s);
  expect_sums("orders");
  EXPECT_EQ(world.show("orders").ready, 0u);
}

/// Before anybody has read its key.
TEST_F(KeysRelaxed, WhatIsGivenBackWaitsForTheOneThatCameBack) {
  Client anna(world, "anna");
  lose_an_ack(anna);
  anna.reconnect();
  anna.release(1);
  world.run_for(30s);
  anna.add_credit(9);
  world.run_for(10s);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  work(anna, 0);
  world.run_for(10s);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
}

/// Syncs take their time.
class SlowDisk : public Story {
 protected:
  SlowDisk() : Story(WorldOptions{.sync_time = 100ms}) {}
};

TEST_F(SlowDisk, TheNextLeavesWhenTheEndOfTheOneBeforeItIsOnTheDisk) {
  model::QueueOptions options;
  options.order_by_key = true;
  world.create_queue("orders", options);
  world.publish_keyed("orders", "a", {"first", "second"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.run_for(1s);
  anna.start(0);
  anna.ack(0);
  world.run_for(90ms);
  EXPECT_THAT(anna.held(), IsEmpty());
  world.run_for(500ms);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
}

}  // namespace
}  // namespace lazaret::simulation

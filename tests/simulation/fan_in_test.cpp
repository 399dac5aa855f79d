// One subscription of several topics, wherever those are: everything comes once, in the order of its topic, and says
// where it was published.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::Offset;
using model::Start;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FanIn : public Story {
 protected:
  FanIn() : Story(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {
    world.create_topic("orders");
    world.create_topic("returns");
  }
  model::QueueRecord subscribe(Start start = Start::latest, model::QueueOptions options = {}) {
    options.backoff_initial = 1s;
    options.backoff_jitter = 0;
    const model::QueueRecord record = world.subscribe_to_all("all", {"orders", "returns"}, start, options);
    world.run_for(10ms);
    return record;
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  /// "orders 0": where a message came from, in the order in which they were delivered.
  std::vector<std::string> work_off() {
    Client worker(world, "worker");
    worker.consume("all", 100'000);
    world.run_for(1s);
    std::vector<std::string> got;
    for (const std::uint64_t offset : worker.held()) {
      got.push_back(source_of(worker.delivery(offset)));
      worker.start(offset);
      worker.ack(offset);
    }
    world.run_for(100ms);
    worker.goodbye();
    world.settle();
    return got;
  }
  std::string source_of(const Client::Delivery& delivery) const {
    const model::MessageSource& source = delivery.what.message->source;
    return world.queue("all").source_of(source) + " " + std::to_string(source.offset.value);
  }
  std::vector<std::string> of_topic(const std::vector<std::string>& all, const std::string& topic) {
    std::vector<std::string> some;
    for (const std::string& one : all) {
      if (one.starts_with(topic + " ")) some.push_back(one);
    }
    return some;
  }
  model::QueueStats feeder(const std::string& topic) {
    for (const model::FanInSource& source : world.queue("all").sources) {
      model::ShowQueue show;
      show.subscription = source.feeder;
      if (source.topic == topic) return world.ask<model::QueueStats>(source.shard, show);
    }
    return {};
  }
  base::Status create(std::vector<std::string> topics, Start start = Start::latest, bool ensure = false) {
    model::CreateQueue command;
    command.name = "all";
    command.kind = model::Kind::subscription;
    command.topics = std::move(topics);
    command.start.kind = start;
    command.ensure = ensure;
    if (ensure) command.options = world.queue("all").options;
    return world.ask<model::QueueAnswer>(model::ShardId(0), command).status;
  }
};

TEST_F(FanIn, MessagesOfAllTopicsComeAndSayWhichItWas) {
  const model::QueueRecord all = subscribe();
  ASSERT_NE(world.queue("orders").shard, world.queue("returns").shard);
  world.publish("orders", 2);
  world.publish("returns", 3);
  const auto got = work_off();
  EXPECT_THAT(of_topic(got, "orders"), ElementsAre("orders 0", "orders 1"));
  EXPECT_THAT(of_topic(got, "returns"), ElementsAre("returns 0", "returns 1", "returns 2"));
  EXPECT_THAT(got, SizeIs(5));
  EXPECT_THAT(all.topics(), ElementsAre("orders", "returns"));
  const model::QueueStats stats = world.show("all");
  EXPECT_EQ(stats.counters.entered, 5u);
  EXPECT_EQ(stats.counters.acked, 5u);
  expect_sums("all");
}

TEST_F(FanIn, WhatWasPublishedAndTheTimeOfItStayAsTheyWere) {
  subscribe();
  const base::Instant published = world.now();
  world.publish("returns", {"the body"});
  world.run_for(5s);
  Client anna(world, "anna");
  anna.consume("all", 1);
  world.run_for(10ms);
  ASSERT_THAT(anna.held(), SizeIs(1));
  const model::Message& message = *anna.delivery(anna.held()[0]).what.message;
  EXPECT_EQ(message.body.view(), "the body");
  EXPECT_LT(message.published_at - published, 1s);
}

TEST_F(FanIn, EachTopicBeginsWhereTheSubscriptionDoes) {
  world.create_queue("anchor");
  world.subscribe("keeper", "orders");
  world.publish("orders", 2);
  world.publish("returns", 1);
  subscribe(Start::earliest);
  world.publish("orders", 1);
  EXPECT_THAT(of_topic(work_off(), "orders"), ElementsAre("orders 0", "orders 1", "orders 2"));
  EXPECT_TRUE(world.delete_queue("all", true).status.ok());
  world.run_for(10ms);
  world.publish("orders", 1);
  subscribe(Start::latest);
  world.publish("orders", 1);
  EXPECT_THAT(work_off(), ElementsAre("orders 4"));
}

TEST_F(FanIn, ATimeIsLookedUpInEachTopic) {
  model::OptionsPatch keep;
  keep.retain_for = 1h;
  for (const char* topic : {"orders", "returns"}) world.update(topic, keep);
  world.publish("orders", 3);
  world.publish("returns", 1);
  world.run_for(10s);
  const base::Instant time = world.now();
  world.publish("orders", 1);
  world.publish("returns", 2);
  model::CreateQueue command;
  command.name = "all";
  command.kind = model::Kind::subscription;
  command.topics = {"orders", "returns"};
  command.start = {Start::time, {}, time};
  ASSERT_TRUE(world.ask<model::QueueAnswer>(model::ShardId(0), command).status.ok());
  world.run_for(100ms);
  const auto got = work_off();
  EXPECT_THAT(of_topic(got, "orders"), ElementsAre("orders 3"));
  EXPECT_THAT(of_topic(got, "returns"), ElementsAre("returns 1", "returns 2"));
}

TEST_F(FanIn, NothingIsLostOrDoubledOverACrash) {
  subscribe();
  std::vector<std::string> expected;
  std::vector<std::string> got;
  for (std::uint64_t i = 0; i < 60; ++i) {
    world.publish("orders", 1);
    expected.push_back("orders " + std::to_string(i));
    // In the middle of whatever is under way, a little later each time.
    world.run_for(base::Duration(static_cast<std::int64_t>(i % 7)));
    if (i % 5 == 4) crash();
    if (i % 20 != 19) continue;
    const auto some = work_off();
    got.insert(got.end(), some.begin(), some.end());
  }
  EXPECT_EQ(got, expected);
  EXPECT_EQ(world.show("all").counters.entered, 60u);
  expect_sums("all");
}

TEST_F(FanIn, WhatItHasNotTakenStaysInTheTopic) {
  subscribe();
  world.post_all(core::DiskPressure{});
  // Nothing is handed over while the disk is short; what is there already waits in its topic.
  world.submit(world.queue("orders").shard, core::DiskPressure{true, 1, 2});
  world.settle();
  world.submit(world.queue("orders").shard, core::DiskPressure{});
  world.publish("orders", 100);
  world.run_for(1s);
  world.post_all(core::TrimNow{});
  world.run_for(5s);
  EXPECT_EQ(feeder("orders").ready, 0u);
  EXPECT_EQ(world.store().stored_messages(world.queue("orders").log), 0u);  // taken, and needed by nobody else
  EXPECT_EQ(world.store().stored_messages(world.queue("all").log), 100u);
  EXPECT_THAT(work_off(), SizeIs(100));
  world.post_all(core::TrimNow{});
  world.run_for(5s);
  EXPECT_EQ(world.store().stored_messages(world.queue("all").log), 0u);
}

TEST_F(FanIn, AShortDiskHoldsUpWhatIsHandedOver) {
  world.subscribe("keeper", "orders");
  world.publish("orders", 20);
  world.post_all(core::DiskPressure{true, 1, 2});
  subscribe(Start::earliest);
  EXPECT_EQ(feeder("orders").ready, 20u);
  EXPECT_EQ(world.show("all").ready, 0u);
  world.post_all(core::DiskPressure{});
  world.run_for(100ms);
  EXPECT_EQ(feeder("orders").ready, 0u);
  EXPECT_EQ(world.show("all").ready, 20u);
}

TEST_F(FanIn, ManyArePagedFromTheDiskInOrder) {
  constexpr std::size_t kMany = 2 * model::limits::kFeedMessages;
  world.subscribe("keeper", "orders");
  world.publish("orders", kMany);
  subscribe(Start::earliest);
  world.run_for(1s);
  crash();
  world.run_for(1s);
  const auto got = work_off();
  ASSERT_THAT(got, SizeIs(kMany));
  for (std::size_t i = 0; i < kMany; ++i) ASSERT_EQ(got[i], "orders " + std::to_string(i));
}

TEST_F(FanIn, RetriesCasesAndReplaysAreAsOnAnySubscription) {
  model::QueueOptions twice;
  twice.max_attempts = 2;
  subscribe(Start::latest, twice);
  world.publish("orders", 1);
  world.publish("returns", 1);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("all", 10);
  world.run_for(100ms);
  ASSERT_THAT(anna.held(), SizeIs(2));
  const bool first = source_of(anna.delivery(0)) == "returns 0";
  const std::uint64_t bad = first ? 0 : 1;
  anna.nack(bad);
  anna.ack(1 - bad);
  world.run_for(2s);
  ASSERT_THAT(anna.held(), ElementsAre(bad));
  EXPECT_EQ(source_of(anna.delivery(bad)), "returns 0");
  anna.nack(bad);
  world.run_for(100ms);
  const auto cases = world.cases("all", CaseState::admitted);
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].source, "returns");
  EXPECT_EQ(cases[0].source_offset(), Offset(0));
  EXPECT_EQ(cases[0].subscription, "all");
  world.replay(cases[0].id);
  world.run_for(100ms);
  ASSERT_THAT(anna.held(), ElementsAre(bad));
  EXPECT_EQ(source_of(anna.delivery(bad)), "returns 0");
  anna.ack(bad);
  world.run_for(100ms);
  EXPECT_THAT(world.cases("all", CaseState::discharged), SizeIs(1));
  expect_sums("all");
}

TEST_F(FanIn, DelaysTimesToLiveAndPrioritiesAreKept) {
  subscribe();
  world.publish_timed("orders", 10s, {});
  world.publish_timed("returns", {}, 1s);
  world.run_for(100ms);
  EXPECT_EQ(world.show("all").scheduled, 1u);
  EXPECT_EQ(world.show("all").ready, 1u);
  world.run_for(3s);
  EXPECT_EQ(world.show("all").counters.expired, 1u);
  EXPECT_THAT(work_off(), IsEmpty());
  world.run_for(10s);
  world.publish("orders", 1);
  world.publish_prioritised("orders", 9);
  const auto got = work_off();
  EXPECT_THAT(got, SizeIs(3));
  Client anna(world, "anna");
  world.publish("orders", 1);
  world.publish_prioritised("orders", 9);
  world.run_for(100ms);
  anna.consume("all", 1);
  world.run_for(100ms);
  ASSERT_THAT(anna.held(), SizeIs(1));
  EXPECT_EQ(source_of(anna.delivery(anna.held()[0])), "orders 4");
  expect_sums("all");
}

TEST_F(FanIn, AFilterTurnsAwayWhereItComesFrom) {
  model::QueueOptions some;
  some.filter = "a";
  subscribe(Start::latest, some);
  for (const char* type : {"a", "b", "a", "b", "b"}) world.publish_typed("orders", type, {"body"});
  world.publish_typed("returns", "b", {"body"});
  world.run_for(100ms);
  EXPECT_EQ(world.store().stored_messages(world.queue("all").log), 2u);
  EXPECT_THAT(work_off(), ElementsAre("orders 0", "orders 2"));
  EXPECT_EQ(world.show("all").counters.filtered, 4u);
  EXPECT_EQ(world.show("all").counters.entered, 2u);
  crash();
  world.run_for(100ms);
  EXPECT_EQ(world.show("all").counters.filtered, 4u);
  model::OptionsPatch other;
  other.filter = "b";
  world.update("all", other);
  world.run_for(100ms);
  for (const char* type : {"a", "b"}) world.publish_typed("returns", type, {"body"});
  EXPECT_THAT(work_off(), ElementsAre("returns 2"));
  expect_sums("all");
}

TEST_F(FanIn, KeysAreInOrderOverTopics) {
  model::QueueOptions ordered;
  ordered.order_by_key = true;
  subscribe(Start::latest, ordered);
  world.publish_keyed("orders", "k", {"one"});
  world.run_for(100ms);
  world.publish_keyed("returns", "k", {"two"});
  world.run_for(100ms);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("all", 10);
  world.run_for(100ms);
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_EQ(world.show("all").held, 1u);
  anna.ack(0);
  world.run_for(100ms);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
}

TEST_F(FanIn, WhatRetentionTakesBeforeItIsHandedOverIsCounted) {
  model::OptionsPatch few;
  few.retention_messages = 32;
  world.subscribe("keeper", "orders");
  world.publish("orders", 100);
  world.post_all(core::DiskPressure{true, 1, 2});
  subscribe(Start::earliest);
  world.update("orders", few);
  world.post_all(core::DiskPressure{});
  world.run_for(100ms);
  const std::uint64_t lost = world.show("all").counters.lost_to_retention;
  EXPECT_EQ(lost + world.show("all").ready, 100u);
  EXPECT_EQ(world.show("all").counters.entered, 100u);
  expect_sums("all");
  crash();
  world.run_for(100ms);
  EXPECT_EQ(world.show("all").counters.lost_to_retention, lost);
  // What it has, the topic cannot take from it.
  for (int i = 0; i < 100; ++i) world.publish("orders", 1);
  world.run_for(100ms);
  EXPECT_EQ(world.show("all").counters.lost_to_retention, lost);
  EXPECT_EQ(work_off().size(), 200 - lost);
}

TEST_F(FanIn, ItIsPausedPurgedAndDeleted) {
  subscribe();
  model::OptionsPatch paused;
  paused.paused = true;
  world.update("all", paused);
  world.publish("orders", 3);
  world.publish("returns", 2);
  EXPECT_THAT(work_off(), IsEmpty());
  EXPECT_EQ(world.show("all").ready, 5u);
  EXPECT_EQ(world.delete_queue("all", false).status.code(), Code::NOT_EMPTY);
  EXPECT_EQ(world.purge("all").count, 5u);
  expect_sums("all");
  EXPECT_TRUE(world.delete_queue("all", false).status.ok());
  world.run_for(100ms);
  EXPECT_FALSE(world.has_queue("all"));
  // Its topics are free.
  EXPECT_EQ(
      world
          .ask<model::QueueStats>(world.queue("orders").shard, model::ShowQueue{{}, world.queue("orders").subscription})
          .subscriptions,
      0u);
  EXPECT_TRUE(world.delete_queue("orders", false).status.ok());
}

TEST_F(FanIn, DeletedInTheMiddleOfACrashItLeavesNothing) {
  for (int after = 0; after < 6; ++after) {
    subscribe();
    world.publish("orders", 1);
    model::DeleteQueue erase;
    erase.subscription = world.queue("all").subscription;
    erase.force = true;
    world.submit(world.queue("all").shard, erase);
    world.run_for(base::Duration(after));
    crash();
    world.run_for(100ms);
    if (world.has_queue("all")) world.delete_queue("all", true);
    world.run_for(100ms);
    for (const char* topic : {"orders", "returns"}) EXPECT_EQ(world.show(topic).subscriptions, 0u) << after;
  }
}

TEST_F(FanIn, ATopicThatItReadsGoesByForceOnly) {
  subscribe();
  world.publish("orders", 1);
  world.publish("returns", 1);
  world.run_for(100ms);
  EXPECT_EQ(world.delete_queue("orders", false).status.code(), Code::NOT_EMPTY);
  EXPECT_TRUE(world.delete_queue("orders", true).status.ok());
  world.run_for(100ms);
  EXPECT_THAT(world.queue("all").topics(), ElementsAre("returns"));
  // What it had of it is there, and says so; a new topic of that name is another one.
  world.create_topic("orders");
  world.publish("orders", 1);
  world.publish("returns", 1);
  EXPECT_THAT(work_off(), SizeIs(3));
  crash();
  EXPECT_THAT(world.queue("all").topics(), ElementsAre("returns"));
  // With the last one it goes.
  EXPECT_TRUE(world.delete_queue("returns", true).status.ok());
  world.run_for(100ms);
  EXPECT_FALSE(world.has_queue("all"));
  EXPECT_EQ(create({"orders", "returns"}).code(), Code::NOT_FOUND);
}

TEST_F(FanIn, AnEphemeralOneGoesWithItsConsumers) {
  model::QueueOptions brief;
  brief.ephemeral = true;
  subscribe(Start::latest, brief);
  world.publish("orders", 1);
  EXPECT_THAT(work_off(), SizeIs(1));
  world.run_for(2 * model::limits::kEphemeralWaits);
  EXPECT_FALSE(world.has_queue("all"));
  EXPECT_EQ(world.show("orders").subscriptions, 0u);
}

TEST_F(FanIn, WhatMakesNoSenseIsRefused) {
  EXPECT_EQ(create({"orders", "nowhere"}).code(), Code::NOT_FOUND);
  EXPECT_EQ(create({"orders", "orders"}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(create({"orders", "returns"}, Start::offset).code(), Code::INVALID_OPTION);
  EXPECT_EQ(create(std::vector<std::string>(65, "orders")).code(), Code::LIMIT_REACHED);
  subscribe();
  EXPECT_EQ(create({"returns", "orders"}, Start::latest, true).code(), Code::OK);
  EXPECT_THAT(create({"returns"}, Start::latest, true).text(), HasSubstr("its topics are orders, returns"));
  const auto moved = world.seek("all", {Start::earliest, {}, {}});
  EXPECT_EQ(moved.status.code(), Code::BAD_REQUEST);
  EXPECT_THAT(moved.status.text(), HasSubstr("several topics"));
}

TEST_F(FanIn, AMessageThatCannotBeReadIsACaseAndItsNeighboursCome) {
  world.subscribe("keeper", "orders");
  world.publish("orders", 3);
  world.store().damage(world.queue("orders").log, Offset(1));
  subscribe(Start::earliest);
  world.run_for(100ms);
  EXPECT_THAT(work_off(), ElementsAre("orders 0", "orders 2"));
  EXPECT_EQ(feeder("orders").counters.in_hospital, 1u);
  model::CaseQuery filter;
  model::with_text(filter, model::CaseTerm::Field::subscription, "all");
  model::with_reason(filter, model::CaseReason::damaged);
  const auto cases = world.store().list_cases(filter, "", 10).value().cases;
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].source, "orders");
  EXPECT_EQ(cases[0].source_offset(), Offset(1));
  EXPECT_EQ(world.replay(cases[0].id).status.code(), Code::BAD_REQUEST);
  EXPECT_TRUE(world.discard(cases[0].id, "lost").status.ok());
}

TEST_F(FanIn, ItIsAsDurableAsTheMostDurableOfItsTopics) {
  subscribe();
  model::OptionsPatch relaxed;
  relaxed.durability = "relaxed";
  world.update("orders", relaxed);
  EXPECT_EQ(world.queue("all").options.durability, model::Durability::fsync);
  world.update("returns", relaxed);
  EXPECT_EQ(world.queue("all").options.durability, model::Durability::relaxed);
  world.publish("orders", 5);
  world.run_for(1s);
  crash();
  EXPECT_THAT(work_off(), SizeIs(5));
  world.publish("orders", 5);
  crash();  // what was not synced yet may be gone; nothing of it comes twice
  world.run_for(100ms);
  world.publish("orders", 1);
  const auto got = work_off();
  EXPECT_EQ(std::set<std::string>(got.begin(), got.end()).size(), got.size());
  EXPECT_FALSE(got.empty());
  expect_sums("all");
}

/// What nobody waits for is written a few milliseconds later, and may not have been when the broker dies.
class JustCreated : public Story {
 protected:
  JustCreated() : Story(WorldOptions{.shards = 2}) {
    world.create_topic("orders");
    world.create_topic("returns");
    world.run_for(1s);
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
};

TEST_F(JustCreated, ASubscriptionBeginsOnceHoweverOftenTheBrokerDies) {
  world.subscribe("some", "orders");
  crash();
  world.publish("orders", 3);
  crash();
  EXPECT_EQ(world.show("some").ready, 3u);
}

TEST_F(JustCreated, SoDoesOneOfSeveralTopics) {
  world.subscribe_to_all("all", {"orders", "returns"});
  crash();
  world.publish("orders", 3);
  world.publish("returns", 2);
  crash();
  world.publish("orders", 1);
  world.run_for(1s);
  EXPECT_EQ(world.show("all").ready, 6u);
  expect_sums("all");
}

}  // namespace
}  // namespace lazaret::simulation

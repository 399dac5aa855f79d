// Topics: a log with any number of subscriptions, each of which is served, fails and ends by itself.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::Start;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Topics : public Story {
 protected:
  Topics() { world.create_topic("orders"); }

  static model::QueueOptions once() {
    model::QueueOptions options;
    options.max_attempts = 1;
    return options;
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  /// Everything that is there is acked by a consumer of the story's own.
  std::vector<std::uint64_t> work_off(const std::string& subscription) {
    Client worker(world, "worker of " + subscription);
    worker.consume(subscription, 1000);
    world.run_for(100ms);
    const std::vector<std::uint64_t> got = worker.held();
    for (const std::uint64_t offset : got) {
      worker.start(offset);
      worker.ack(offset);
    }
    world.run_for(100ms);
    worker.goodbye();
    world.settle();
    return got;
  }
  Code error_of_create(const std::string& name, model::Kind kind, const std::string& topic, bool ensure = false) {
    model::CreateQueue command;
    command.name = name;
    command.kind = kind;
    command.topic = topic;
    command.ensure = ensure;
    return world.ask<model::QueueAnswer>(model::ShardId(0), command).status.code();
  }
};

TEST_F(Topics, EachSubscriptionGetsEveryMessage) {
  world.subscribe("billing", "orders");
  world.subscribe("mail", "orders");
  world.publish("orders", 3);
  EXPECT_THAT(work_off("billing"), ElementsAre(0u, 1u, 2u));
  EXPECT_EQ(world.show("mail").ready, 3u);
  EXPECT_THAT(work_off("mail"), ElementsAre(0u, 1u, 2u));
  expect_sums("billing");
  expect_sums("mail");
}

TEST_F(Topics, LatestBeginsWithWhatComesNextEarliestWithWhatIsThere) {
  world.subscribe("keeper", "orders");
  world.publish("orders", 2);
  world.subscribe("late", "orders", Start::latest);
  world.subscribe("all", "orders", Start::earliest);
  world.publish("orders", 1);
  EXPECT_EQ(world.show("late").ready, 1u);
  EXPECT_EQ(world.show("late").counters.entered, 1u);
  EXPECT_EQ(world.show("all").ready, 3u);
  EXPECT_THAT(work_off("late"), ElementsAre(2u));
  EXPECT_THAT(work_off("all"), ElementsAre(0u, 1u, 2u));
}

TEST_F(Topics, WhereASubscriptionBeginsHoldsOverACrash) {
  world.publish("orders", 2);
  world.subscribe("late", "orders", Start::latest);
  crash();
  world.publish("orders", 1);
  crash();
  EXPECT_THAT(work_off("late"), ElementsAre(2u));
  expect_sums("late");
}

TEST_F(Topics, AFailureOnOneTouchesNoOther) {
  world.subscribe("billing", "orders", Start::latest, once());
  world.subscribe("mail", "orders");
  world.publish("orders", 2);
  Client anna(world, "anna");
  anna.consume("billing", 10);
  world.run_for(10ms);
  anna.start(0);
  anna.nack(0);
  world.settle();
  ASSERT_THAT(world.cases("billing", CaseState::admitted), SizeIs(1));
  EXPECT_EQ(world.cases("billing", CaseState::admitted)[0].source, "orders");
  EXPECT_THAT(world.cases("mail", CaseState::admitted), IsEmpty());
  EXPECT_EQ(world.show("mail").ready, 2u);
  // A replay reaches the one that failed.
  world.replay(world.cases("billing", CaseState::admitted)[0].id);
  world.run_for(10ms);
  EXPECT_THAT(anna.held(), SizeIs(2));
  EXPECT_EQ(world.show("mail").ready, 2u);
}

TEST_F(Topics, WhatAllHaveReadGoes) {
  world.subscribe("billing", "orders");
  world.subscribe("mail", "orders");
  world.publish("orders", 100);
  const model::LogId log = world.queue("orders").log;
  work_off("billing");
  world.post_all(core::TrimNow{});
  world.run_for(5s);
  EXPECT_EQ(world.store().stored_messages(log), 100u);
  work_off("mail");
  world.post_all(core::TrimNow{});
  world.run_for(5s);
  EXPECT_EQ(world.store().stored_messages(log), 0u);
}

TEST_F(Topics, WithoutSubscriptionsNothingIsKept) {
  world.publish("orders", 100);
  world.post_all(core::TrimNow{});
  world.run_for(1s);
  EXPECT_EQ(world.store().stored_messages(world.queue("orders").log), 0u);
  world.subscribe("all", "orders", Start::earliest);
  EXPECT_EQ(world.show("all").ready, 0u);
  world.publish("orders", 1);
  EXPECT_THAT(work_off("all"), ElementsAre(100u));
}

TEST_F(Topics, ACopyStaysForWhoeverNeedsItLast) {
  world.subscribe("billing", "orders", Start::latest, once());
  world.subscribe("mail", "orders", Start::latest, once());
  world.publish("orders", 300);
  // Both reject the first and ack the rest: the stretch goes, one copy stays for two cases.
  for (const std::string name : {"billing", "mail"}) {
    Client anna(world, "anna");
    anna.consume(name, 1000);
    world.run_for(100ms);
    anna.start(0);
    anna.reject(0);
    for (const std::uint64_t offset : anna.held()) anna.ack(offset);
    world.run_for(100ms);
    anna.goodbye();
    world.settle();
  }
  world.post_all(core::TrimNow{});
  world.run_for(1s);
  const model::LogId log = world.queue("orders").log;
  EXPECT_EQ(world.store().stored_messages(log), 0u);
  EXPECT_EQ(world.store().evacuated_messages(log), 1u);
  world.discard(world.cases("billing", CaseState::admitted)[0].id);
  EXPECT_EQ(world.store().evacuated_messages(log), 1u);
  world.discard(world.cases("mail", CaseState::admitted)[0].id);
  EXPECT_EQ(world.store().evacuated_messages(log), 1u) << "both can be restored";
  world.run_for(24h * 31);
  EXPECT_EQ(world.store().evacuated_messages(log), 0u);
}

TEST_F(Topics, ADeletedSubscriptionLeavesItsCasesAndTheOthers) {
  world.subscribe("billing", "orders", Start::latest, once());
  world.subscribe("mail", "orders");
  world.publish("orders", 2);
  Client anna(world, "anna");
  anna.consume("billing", 10);
  world.run_for(10ms);
  anna.start(0);
  anna.reject(0);
  world.settle();
  const model::CaseId id = world.cases("billing", CaseState::admitted)[0].id;
  EXPECT_EQ(world.delete_queue("billing").status.code(), Code::IN_USE);
  ASSERT_TRUE(world.delete_queue("billing", true).status.ok());
  EXPECT_FALSE(world.has_queue("billing"));
  crash();
  EXPECT_THAT(work_off("mail"), ElementsAre(0u, 1u));
  world.post_all(core::TrimNow{});
  world.run_for(1s);
  const auto page = world.store().read_messages(id.shard, id.log, id.offset, id.offset.next(), 1, 1);
  ASSERT_THAT(page->messages, SizeIs(1));
  EXPECT_NE(page->messages[0].message, nullptr);
  EXPECT_TRUE(world.discard(id).status.ok());
}

TEST_F(Topics, ATopicGoesWithItsSubscriptionsWhenForced) {
  world.subscribe("billing", "orders");
  world.publish("orders", 2);
  EXPECT_EQ(world.delete_queue("orders").status.code(), Code::NOT_EMPTY);
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  EXPECT_FALSE(world.has_queue("orders"));
  EXPECT_FALSE(world.has_queue("billing"));
  crash();
  EXPECT_FALSE(world.has_queue("orders"));
  world.create_topic("orders");
  EXPECT_EQ(world.show("orders").counters.entered, 0u);
}

TEST_F(Topics, ADeletionThatACrashInterruptsGoesOnOrNeverWas) {
  for (int ms = 0; ms < 12; ++ms) {
    if (!world.has_queue("billing")) world.subscribe("billing", "orders");
    world.publish("orders", 1);
    model::DeleteQueue erase;
    erase.subscription = world.queue("orders").subscription;
    erase.force = true;
    world.submit(world.queue("orders").shard, erase);
    world.run_for(std::chrono::milliseconds(ms) / 4);
    crash();
    world.run_for(1s);
    const bool there = world.has_queue("orders");
    if (!there) {
      EXPECT_FALSE(world.has_queue("billing"));
      world.create_topic("orders");
    }
  }
}

TEST_F(Topics, NamesAreUniqueAmongAllKinds) {
  world.create_queue("tasks");
  EXPECT_EQ(error_of_create("tasks", model::Kind::topic, ""), Code::ALREADY_EXISTS);
  EXPECT_EQ(error_of_create("tasks", model::Kind::topic, "", true), Code::ALREADY_EXISTS);
  EXPECT_EQ(error_of_create("new", model::Kind::subscription, "tasks"), Code::NOT_FOUND);
  EXPECT_EQ(error_of_create("new", model::Kind::subscription, "nothing"), Code::NOT_FOUND);
  world.create_topic("other");
  world.subscribe("billing", "orders");
  EXPECT_EQ(error_of_create("billing", model::Kind::subscription, "orders", true), Code::OK);
  EXPECT_EQ(error_of_create("billing", model::Kind::subscription, "other", true), Code::OPTIONS_MISMATCH);
}

TEST_F(Topics, ASubscriptionIsAsDurableAsItsTopic) {
  world.create_topic("clicks", model::Durability::relaxed);
  EXPECT_EQ(world.subscribe("counter", "clicks").options.durability, model::Durability::relaxed);
  model::UpdateQueue update;
  update.name = "counter";
  update.options->durability = "fsync";
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.code(), Code::INVALID_OPTION);
  update.name = "clicks";
  ASSERT_TRUE(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.ok());
  world.settle();
  EXPECT_EQ(world.show("counter").queue.options.durability, model::Durability::fsync);
  update.options->durability.reset();
  update.options->max_attempts = 3;
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.code(), Code::INVALID_OPTION);
}

/// A publish to a topic writes one log, and nothing of subscriptions that nobody consumes from.
class Counting : public Watcher {
 public:
  void group(const model::MutationGroup& group) override { mutations += group.mutations.size(); }
  std::size_t mutations = 0;
};

TEST_F(Topics, APublishCostsTheSameHoweverManySubscriptionsThereAre) {
  Counting counting;
  world.watch(counting);
  std::vector<std::size_t> costs;
  for (const int subscriptions : {1, 10, 100}) {
    const std::string topic = "topic" + std::to_string(subscriptions);
    world.create_topic(topic);
    for (int i = 0; i < subscriptions; ++i) world.subscribe(topic + "." + std::to_string(i), topic);
    world.run_for(1s);
    const std::size_t before = counting.mutations;
    world.publish(topic, 10);
    world.settle();
    costs.push_back(counting.mutations - before);
  }
  EXPECT_EQ(costs[0], costs[1]);
  EXPECT_EQ(costs[0], costs[2]);
}

/// Its history begins anew: what is known of its relapses before is not of this one.
TEST_F(Topics, WhatFailsAgainAfterAMoveBackCanBeReplayedByAJob) {
  model::QueueOptions kept;
  kept.retain_for = 1h;
  world.create_topic("ledger", kept);
  world.subscribe("billing", "ledger", Start::earliest, once());
  world.publish("ledger", 1);
  Client anna(world, "anna");
  anna.consume("billing", 10);
  world.run_for(100ms);
  anna.start(0);
  anna.reject(0);
  world.run_for(1s);
  const model::CaseId id = world.cases("billing", CaseState::admitted).at(0).id;
  ASSERT_TRUE(world.replay(id).status.ok());
  world.run_for(1s);
  anna.start(0);
  anna.reject(0);
  world.run_for(1s);
  ASSERT_TRUE(world.replay(id).status.ok());
  world.run_for(1s);
  anna.start(0);
  anna.ack(0);
  world.run_for(1s);
  world.seek("billing", {Start::earliest, {}, {}});
  world.run_for(1s);
  anna.start(0);
  anna.reject(0);
  world.run_for(1s);
  const model::CaseDone done = world.replay_by_job(id, 7, false);
  EXPECT_TRUE(done.status.ok()) << done.status.text();
}

class TopicsOfASlowDisk : public Story {
 protected:
  TopicsOfASlowDisk() : Story(WorldOptions{.ack_sync_max = 0ms, .sync_time = 10ms}) { world.create_topic("orders"); }

  /// Nobody waits for its confirm.
  void publish_one() {
    model::Publish publish;
    publish.log = world.queue("orders").log;
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of(std::string("body"));
    publish.items.push_back({0, std::move(message)});
    world.submit(world.queue("orders").shard, std::move(publish));
  }
};

/// There is always something that is not on the disk yet, and it is nothing to a subscription that goes.
TEST_F(TopicsOfASlowDisk, ASubscriptionGoesWhileItsTopicIsPublishedTo) {
  world.subscribe("billing", "orders");
  world.subscribe("mail", "orders");
  publish_one();
  model::DeleteQueue erase;
  erase.subscription = world.queue("billing").subscription;
  erase.force = true;
  world.submit(world.queue("billing").shard, erase);
  for (int i = 0; i < 200; ++i) {
    publish_one();
    world.run_for(3ms);
  }
  EXPECT_FALSE(world.has_queue("billing"));
  world.run_for(1s);
  EXPECT_EQ(world.show("mail").ready, 201u);
}

TEST_F(TopicsOfASlowDisk, ItsCasesStayWhenASubscriptionGoesMeanwhile) {
  world.subscribe("billing", "orders");
  Client anna(world, "anna");
  anna.consume("billing", 10);
  for (int i = 0; i < 3; ++i) publish_one();
  world.run_for(100ms);
  anna.start(2);
  for (const std::uint64_t offset : {0u, 1u, 2u}) anna.reject(offset);
  publish_one();
  const model::QueueRecord billing = world.queue("billing");
  model::DeleteQueue erase;
  erase.subscription = billing.subscription;
  erase.force = true;
  world.submit(billing.shard, erase);
  for (int i = 0; i < 200; ++i) {
    publish_one();
    world.run_for(3ms);
  }
  EXPECT_FALSE(world.has_queue("billing"));
  for (const std::uint64_t offset : {0u, 1u, 2u}) {
    const model::CaseId id{billing.shard, billing.subscription, billing.log, model::Offset(offset)};
    ASSERT_NE(world.version(id, 0), nullptr);
    EXPECT_EQ(world.version(id, 0)->body.view(), "body");
  }
}

}  // namespace
}  // namespace lazaret::simulation

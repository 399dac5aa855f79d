// Consumers that name the types and versions they accept. Others are not offered to them, wait for somebody who takes
// them, and are not counted against anybody.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::MessageState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Accepts : public Story {
 protected:
  static Client::Options accepting(std::vector<std::string> accepts) {
    Client::Options options;
    options.accepts = std::move(accepts);
    return options;
  }
  void create(model::QueueOptions options = {}) {
    options.backoff_initial = 1s;
    options.backoff_jitter = 0;
    world.create_queue("orders", options);
  }
  void publish(std::vector<std::string> types) {
    for (std::string& type : types) world.publish_typed("orders", type, {"body"});
  }
  void done(Client& client, std::uint64_t offset) {
    client.start(offset);
    client.ack(offset);
    world.settle();
  }
  model::MessageStates::Item state_of(std::uint64_t offset) {
    model::ShowStates show;
    show.subscription = world.queue("orders").subscription;
    show.from = model::Offset(offset);
    show.count = 1;
    return world.ask<model::MessageStates>(world.queue("orders").shard, show).items.at(0);
  }
};

TEST_F(Accepts, OthersAreNotOfferedAndWaitForWhoTakesThem) {
  create();
  publish({"order.created@1", "order.created@2", "order.deleted@1", "order.created@1"});
  Client old(world, "old", accepting({"order.created@1"}));
  old.consume("orders", 10);
  world.settle();
  EXPECT_THAT(old.held(), ElementsAre(0u, 3u));
  model::QueueStats stats = world.show("orders");
  EXPECT_EQ(stats.ready, 2u);
  EXPECT_EQ(stats.unaccepted, 2u);
  EXPECT_EQ(stats.unaccepted_type, "order.created");
  EXPECT_EQ(stats.unaccepted_schema, "2");
  EXPECT_EQ(stats.oldest_ready, model::Offset(1));
  EXPECT_THAT(stats.consumers.at(0).accepts, ElementsAre("order.created@1"));
  EXPECT_TRUE(state_of(1).unaccepted);
  EXPECT_EQ(state_of(1).state, MessageState::ready);
  expect_sums("orders");

  Client fresh(world, "fresh", accepting({"order.#@>=2"}));
  fresh.consume("orders", 10);
  world.settle();
  EXPECT_THAT(fresh.held(), ElementsAre(1u));
  EXPECT_FALSE(fresh.delivery(1).what.redelivered);
  EXPECT_EQ(fresh.delivery(1).what.attempt, 1u);
  EXPECT_EQ(world.show("orders").unaccepted, 1u);
  Client any(world, "any");
  any.consume("orders", 10);
  world.settle();
  EXPECT_THAT(any.held(), ElementsAre(2u));
  EXPECT_EQ(world.show("orders").unaccepted, 0u);
  expect_sums("orders");
}

TEST_F(Accepts, NobodyWaitsForAConsumerOfAnotherType) {
  create();
  Client anna(world, "anna", accepting({"a"}));
  anna.consume("orders", 1);
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  publish({"a", "a", "b", "a", "b"});
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_THAT(bert.held(), ElementsAre(2u, 4u));
  EXPECT_EQ(world.show("orders").unaccepted, 0u);  // anna takes them when she has room
  done(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u));  // in order
  done(anna, 1);
  EXPECT_THAT(anna.held(), ElementsAre(3u));
  expect_sums("orders");
}

TEST_F(Accepts, ARetryWaitsForWhoTakesItAndNothingIsCounted) {
  create();
  publish({"a", "b"});
  Client anna(world, "anna", accepting({"a"}));
  anna.consume("orders", 10);
  world.settle();
  anna.start(0);
  anna.nack(0);
  world.settle();
  anna.goodbye();
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.run_for(60s);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  EXPECT_EQ(world.show("orders").unaccepted, 1u);
  EXPECT_EQ(state_of(0).attempt, 1u);
  Client carl(world, "carl");
  carl.consume("orders", 10);
  world.settle();
  EXPECT_THAT(carl.held(), ElementsAre(0u));
  EXPECT_EQ(carl.delivery(0).what.attempt, 2u);
  EXPECT_THAT(world.cases("orders", model::CaseState::admitted), IsEmpty());
}

TEST_F(Accepts, AReleasedOneDoesNotStandInTheWay) {
  create();
  publish({"a", "b"});
  Client anna(world, "anna", accepting({"a"}));
  anna.consume("orders", 10);
  world.settle();
  anna.goodbye();  // which gives it back
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 1);
  world.settle();
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  EXPECT_EQ(world.show("orders").unaccepted, 1u);
  EXPECT_EQ(world.show("orders").ready, 1u);
}

TEST_F(Accepts, ASuspectIsTriedByWhoTakesIt) {
  create();
  publish({"a", "b"});
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  anna.start(0);
  anna.start(1);
  anna.die();
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(bert.held(), ElementsAre(1u));  // alone, and not the first of the two
  done(bert, 1);
  EXPECT_THAT(bert.held(), IsEmpty());
  EXPECT_EQ(world.show("orders").unaccepted, 1u);
  Client carl(world, "carl", accepting({"a"}));
  carl.consume("orders", 10);
  world.run_for(1s);
  ASSERT_THAT(carl.held(), ElementsAre(0u));
  EXPECT_TRUE(carl.delivery(0).what.isolated);
  expect_sums("orders");
}

TEST_F(Accepts, AKeyWaitsWithItsMessage) {
  model::QueueOptions options;
  options.order_by_key = true;
  create(options);
  world.publish_keyed("orders", "k|a", {"1"});
  world.publish_keyed("orders", "k|b", {"2"});
  world.publish_keyed("orders", "l|b", {"3"});
  world.publish_keyed("orders", "l|a", {"4"});
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.settle();
  EXPECT_THAT(bert.held(), ElementsAre(2u));  // the other one of k waits for the first
  done(bert, 2);
  EXPECT_THAT(bert.held(), IsEmpty());
  EXPECT_EQ(world.show("orders").unaccepted, 2u);
  EXPECT_EQ(world.show("orders").held, 1u);
  Client anna(world, "anna", accepting({"a"}));
  anna.consume("orders", 10);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0u, 3u));
  done(anna, 0);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  expect_sums("orders");
}

TEST_F(Accepts, SurvivesAStopAndACrashWithoutBeingCounted) {
  create();
  publish({"a", "b"});
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.settle();
  done(bert, 1);
  bert.goodbye();
  world.settle();
  world.stop_broker();
  world.start_broker();
  world.run_for(6s);
  Client again(world, "again", accepting({"b"}));
  again.consume("orders", 10);
  world.settle();
  EXPECT_THAT(again.held(), IsEmpty());
  Client anna(world, "anna", accepting({"a"}));
  anna.consume("orders", 10);
  world.settle();
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_FALSE(anna.delivery(0).what.redelivered);  // it has never been out
  EXPECT_EQ(anna.delivery(0).what.attempt, 1u);
  world.kill_broker();
  world.start_broker();
  world.run_for(20s);
  expect_sums("orders");
}

TEST_F(Accepts, WhatIsSetAsideIsBoundedAndThenLetsNothingBy) {
  create();
  const std::size_t most = model::limits::kAsideMessages;
  for (std::size_t i = 0; i < most / 1024; ++i) {
    world.publish_typed("orders", "a", std::vector<std::string>(1024, "body"));
  }
  publish({"b", "a", "b"});
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.run_for(1s);
  EXPECT_THAT(bert.held(), ElementsAre(most));
  model::QueueStats stats = world.show("orders");
  EXPECT_EQ(stats.unaccepted, most);
  EXPECT_TRUE(stats.aside_full);
  EXPECT_EQ(stats.ready, most + 2);
  Client anna(world, "anna", accepting({"a"}));
  anna.consume("orders", 1);
  world.run_for(1s);
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_THAT(bert.held(), ElementsAre(most, most + 2));
  expect_sums("orders");
}

TEST_F(Accepts, ItsTimeToLiveEndsAllTheSame) {
  model::QueueOptions options;
  options.ttl = 5s;
  create(options);
  publish({"a", "b"});
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.run_for(1s);
  EXPECT_EQ(world.show("orders").unaccepted, 1u);
  world.run_for(7s);
  EXPECT_EQ(world.show("orders").counters.expired, 1u);
  EXPECT_EQ(world.show("orders").unaccepted, 0u);
  expect_sums("orders");
}

TEST_F(Accepts, APurgeTakesWhatIsSetAside) {
  create();
  publish({"a", "b", "a"});
  Client bert(world, "bert", accepting({"b"}));
  bert.consume("orders", 10);
  world.settle();
  EXPECT_EQ(world.purge("orders").count, 2u);
  EXPECT_EQ(world.show("orders").unaccepted, 0u);
  EXPECT_EQ(world.show("orders").ready, 0u);
  EXPECT_THAT(bert.held(), SizeIs(1));
  expect_sums("orders");
}

TEST_F(Accepts, OfALargeMessageThatItAcceptsNothingOvertakes) {
  create();
  Client anna(world, "anna", [] {
    Client::Options options = accepting({"a"});
    options.credit_bytes = 100;
    return options;
  }());
  anna.consume("orders", 10);
  world.publish_typed("orders", "a", {"first"});
  world.publish_typed("orders", "a", {std::string(200, 'x')});
  world.publish_typed("orders", "a", {"last"});
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  done(anna, 0);
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  done(anna, 1);
  EXPECT_THAT(anna.held(), ElementsAre(2u));
}

}  // namespace
}  // namespace lazaret::simulation

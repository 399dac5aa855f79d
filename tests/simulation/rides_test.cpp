// Acks ride: they are synced with the next publish, or alone when none comes in time.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

/// Each is a sync here.
struct Groups : Watcher {
  void group(const model::MutationGroup&) override { ++count; }
  int count = 0;
};

class Rides : public Story {
 protected:
  Rides() : Story(WorldOptions{.ack_sync_max = 5ms, .sync_time = 200us}), anna(world, "anna"), bert(world, "bert") {
    world.watch(groups);
    world.create_queue("orders");
    anna.consume("orders", 3);
    world.run_for(990ms);  // and ten until the queue was there
    publish();
    world.run_for(200us);
    EXPECT_THAT(heard(), ElementsAre("1.000 anna gets 0, attempt 1"));
  }
  /// One message, without waiting for its confirm.
  void publish() {
    model::Publish publish;
    publish.log = world.queue("orders").log;
    publish.items.push_back({0, std::make_shared<model::Message>()});
    world.submit(model::ShardId(0), publish);
    world.settle();
  }

  Groups groups;
  Client anna;
  Client bert;
};

TEST_F(Rides, AnAckIsSyncedWithTheNextPublish) {
  const int before = groups.count;
  anna.ack(0);
  world.run_for(500us);
  EXPECT_THAT(heard(), IsEmpty());
  publish();
  world.run_for(199us);
  EXPECT_THAT(heard(), IsEmpty()) << "it was confirmed before its sync";
  world.run_for(1us);
  EXPECT_THAT(heard(), ElementsAre("1.000 anna ack 0: done", "1.000 anna gets 1, attempt 1"));
  EXPECT_EQ(groups.count, before + 1);
}

TEST_F(Rides, OneThatFindsNoCompanyGoesAlone) {
  const int before = groups.count;
  anna.ack(0);
  world.run_for(999us);
  EXPECT_EQ(groups.count, before);
  world.run_for(1us);
  EXPECT_EQ(groups.count, before + 1);
  EXPECT_THAT(heard(), IsEmpty());
  world.run_for(200us);
  EXPECT_THAT(heard(), ElementsAre("1.001 anna ack 0: done"));
}

TEST_F(Rides, AConsumerThatIsOutOfCreditDoesNotWait) {
  publish();
  publish();
  world.run_for(400us);
  heard();
  anna.ack(0);
  world.run_for(200us);
  EXPECT_THAT(heard(), ElementsAre("1.000 anna ack 0: done"));
}

TEST_F(Rides, WhatIsSentASecondTimeIsConfirmedAsWell) {
  anna.ack(0);
  world.run_for(2ms);
  EXPECT_THAT(heard(), ElementsAre("1.001 anna ack 0: done"));
  anna.ack(0);
  world.run_for(2ms);
  EXPECT_THAT(heard(), ElementsAre("1.003 anna ack 0: done"));
}

TEST_F(Rides, OtherVerdictsDoNot) {
  anna.start(0);
  anna.nack(0);
  world.run_for(200us);
  EXPECT_THAT(heard(), ElementsAre("1.000 anna nack 0: done"));
}

TEST_F(Rides, ADeliveryDoesNotWaitBehindTheConfirmOfAnAck) {
  publish();  // its sync takes until 1.0004
  world.run_for(100us);
  anna.ack(0);
  world.run_for(100us);
  EXPECT_THAT(heard(), ElementsAre("1.000 anna gets 1, attempt 1"));
  world.run_for(2ms);
  EXPECT_THAT(heard(), ElementsAre("1.001 anna ack 0: done"));
}

TEST_F(Rides, AVerdictThatDoesNotRideTakesItAlongInItsPlace) {
  anna.consume("orders", 2, 2);
  publish();
  world.run_for(200us);
  heard();
  anna.start(1);
  anna.ack(0);
  anna.nack(1);
  world.run_for(200us);
  EXPECT_THAT(heard(), ElementsAre("1.000 anna ack 0: done", "1.000 anna nack 1: done"));
}

TEST_F(Rides, WhatRodeWhenThePowerFailedWasNotConfirmedAndComesAgain) {
  anna.ack(0);
  world.run_for(900us);
  world.kill_broker();
  anna.disconnected();
  bert.disconnected();
  EXPECT_THAT(heard(), IsEmpty());
  anna.restart();
  world.start_broker();
  anna.connect();
  anna.consume("orders", 2);
  world.run_for(6s);
  EXPECT_THAT(anna.held(), ElementsAre(0));
}

class NoRides : public Story {};

TEST_F(NoRides, WhenAcksMayNotWaitAtAll) {
  world.create_queue("orders");
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.publish("orders", 1);
  heard();
  anna.ack(0);
  world.settle();
  EXPECT_THAT(heard(), ElementsAre("0.000 anna ack 0: done"));
}

}  // namespace
}  // namespace lazaret::simulation

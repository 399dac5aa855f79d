// Ephemeral subscriptions: they live as long as their consumers, and thirty seconds longer.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::Start;
using model::limits::kEphemeralWaits;
using ::testing::ElementsAre;

class Ephemeral : public Story {
 protected:
  Ephemeral() {
    world.create_topic("orders");
    subscribe("watching");
  }
  void subscribe(const std::string& name) {
    model::QueueOptions options;
    options.ephemeral = true;
    world.subscribe(name, "orders", Start::latest, options);
  }
  void expect_that_it_goes_in(base::Duration duration) {
    world.run_for(duration - 1ms);
    EXPECT_TRUE(world.has_queue("watching")) << "too early";
    world.run_for(2ms);
    EXPECT_FALSE(world.has_queue("watching")) << "it should be gone";
  }
};

TEST_F(Ephemeral, GoesWhenItsConsumerHasBeenClosedForHalfAMinute) {
  world.subscribe("billing", "orders");
  Client worker(world, "worker");
  worker.consume("watching", 10);
  world.run_for(1h);
  world.publish("orders", 2);
  worker.start(0);
  worker.ack(0);
  worker.close_consumer();
  expect_that_it_goes_in(kEphemeralWaits);
  EXPECT_EQ(world.show("billing").ready, 2u) << "another subscription has nothing to do with it";
  EXPECT_EQ(world.show("orders").queue.name, "orders");
}

TEST_F(Ephemeral, GoesWhenNobodyEverCame) { expect_that_it_goes_in(kEphemeralWaits); }

TEST_F(Ephemeral, StaysForAConsumerThatComesBackInTime) {
  Client worker(world, "worker");
  worker.consume("watching", 10);
  world.publish("orders", 1);
  worker.start(0);
  worker.vanish();
  world.run_for(4s);
  worker.reconnect();
  world.run_for(10 * kEphemeralWaits);
  EXPECT_TRUE(world.has_queue("watching"));
  worker.ack(0);
  world.run_for(1s);
  EXPECT_EQ(world.show("watching").counters.acked, 1u);
}

TEST_F(Ephemeral, GoesWhenItsConsumerIsLostWithWhatItHeld) {
  Client worker(world, "worker");
  worker.consume("watching", 10);
  world.publish("orders", 3);
  worker.start(0);
  worker.die();
  world.run_for(10s);
  EXPECT_TRUE(world.has_queue("watching"));
  world.run_for(kEphemeralWaits);
  EXPECT_FALSE(world.has_queue("watching"));
}

TEST_F(Ephemeral, StaysAsLongAsOneOfItsConsumersIsThere) {
  Client first(world, "first");
  Client second(world, "second");
  first.consume("watching", 1);
  second.consume("watching", 1);
  first.close_consumer();
  world.run_for(2 * kEphemeralWaits);
  EXPECT_TRUE(world.has_queue("watching"));
  second.close_consumer();
  expect_that_it_goes_in(kEphemeralWaits);
}

TEST_F(Ephemeral, OutlivesARestartOfTheBrokerWithItsConsumer) {
  Client worker(world, "worker");
  worker.consume("watching", 10);
  world.publish("orders", 1);
  worker.start(0);
  world.kill_broker();
  world.run_for(5min);
  world.start_broker();
  world.run_for(1s);
  worker.reconnect();
  worker.ack(0);
  world.run_for(2 * kEphemeralWaits);
  EXPECT_EQ(world.show("watching").counters.acked, 1u);
}

TEST_F(Ephemeral, GoesAfterARestartToWhichNobodyCameBack) {
  {
    Client worker(world, "worker");
    worker.consume("watching", 10);
    world.kill_broker();
  }
  world.start_broker();
  world.run_for(kEphemeralWaits + 1s);
  EXPECT_FALSE(world.has_queue("watching"));
  world.kill_broker();
  world.start_broker();
  world.settle();
  EXPECT_FALSE(world.has_queue("watching")) << "gone for good";
}

TEST_F(Ephemeral, IsWhatItsOptionSays) {
  model::OptionsPatch patch;
  patch.ephemeral = false;
  world.update("watching", patch);
  world.run_for(1h);
  EXPECT_TRUE(world.has_queue("watching"));
  patch.ephemeral = true;
  world.update("watching", patch);
  world.settle();
  expect_that_it_goes_in(kEphemeralWaits);
}

TEST_F(Ephemeral, MayBeThereAgainUnderItsName) {
  world.run_for(kEphemeralWaits + 1s);
  world.publish("orders", 2);
  subscribe("watching");
  Client worker(world, "worker");
  worker.consume("watching", 10);
  world.publish("orders", 1);
  world.run_for(1s);
  EXPECT_THAT(worker.held(), ElementsAre(2u)) << "from now on";
}

TEST_F(Ephemeral, IsAnOptionOfSubscriptionsOnly) {
  model::OptionsPatch patch;
  patch.ephemeral = true;
  EXPECT_EQ(patch.validate_for(model::Kind::queue).code(), base::Code::INVALID_OPTION);
  EXPECT_EQ(patch.validate_for(model::Kind::topic).code(), base::Code::INVALID_OPTION);
  EXPECT_TRUE(patch.validate_for(model::Kind::subscription).ok());
  patch.ephemeral = false;
  EXPECT_TRUE(patch.validate_for(model::Kind::queue).ok());
}

}  // namespace
}  // namespace lazaret::simulation

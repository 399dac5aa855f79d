// Flow control: confirms wait for consumers that are about to fall behind, and for nobody else.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// 32 of them are what may wait in memory before it is too much for a subscription.
constexpr std::size_t kBytes = 64u << 10;

class FlowControl : public Story {
 protected:
  FlowControl() : FlowControl(WorldOptions{.ack_sync_max = 0ms}) {}
  explicit FlowControl(WorldOptions options)
      : Story(options),
        anna(world.open_session(hears(), {})),
        ben(world, "ben", patient()),
        carl(world, "carl", patient()) {
    world.create_queue("orders");
  }
  static Client::Options patient() { return {.silent_trace = true, .credit_bytes = 64u << 20}; }

  World::Tell hears() {
    return [this](model::Answer&& answer) {
      const auto& published = std::get<model::Published>(answer);
      told.push_back(published.request);
      codes.push_back(published.status.code());
    };
  }
  /// So many in one publish, as number `request`, of the sequences from 1 on; its answer is awaited by nobody.
  void publish(const std::string& name, std::uint64_t request, std::size_t count,
               std::optional<model::ProducerId> producer = std::nullopt) {
    model::Publish publish;
    publish.producer = producer;
    publish.log = world.queue(name).log;
    publish.origin = {anna, request};
    for (std::size_t i = 0; i < count; ++i) {
      auto message = std::make_shared<model::Message>();
      message->body = base::SharedBytes::of(std::string(kBytes, 'x'));
      publish.items.push_back({producer ? i + 1 : 0, std::move(message)});
    }
    world.submit(world.queue(name).shard, std::move(publish));
    world.settle();
  }
  static void ack_all(Client& client) {
    for (const std::uint64_t offset : client.held()) {
      client.start(offset);
      client.ack(offset);
    }
  }
  /// Ten come each 10 ms, and are taken by these at once.
  void flow(const std::string& name, std::vector<Client*> clients, int turns = 10) {
    for (int turn = 0; turn < turns; ++turn) {
      publish(name, 1, 10);
      for (Client* client : clients) ack_all(*client);
      world.run_for(10ms);
    }
    told.clear();
    codes.clear();
  }

  std::vector<std::uint64_t> told;
  std::vector<Code> codes;
  model::SessionId anna;
  Client ben;
  Client carl;
};

TEST_F(FlowControl, AConfirmWaitsUntilConsumersHaveCaughtUp) {
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 20);
  EXPECT_THAT(told, ElementsAre(2));  // there is room for these
  publish("orders", 3, 30);
  publish("orders", 4, 1);
  EXPECT_THAT(told, ElementsAre(2));
  EXPECT_EQ(world.show("orders").counters.entered, 151u);  // stored all the same
  world.run_for(10ms);
  ack_all(ben);
  world.run_for(1ms);
  EXPECT_THAT(told, ElementsAre(2, 3, 4));  // 31 wait: as much as may
  EXPECT_EQ(ben.held().size(), 10u);        // and it was delivered as ever
}

TEST_F(FlowControl, ButNotLongerThanItMay) {
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 200);
  publish("orders", 3, 1);
  for (int turn = 0; turn < 4; ++turn) {
    world.run_for(10ms);
    ack_all(ben);
  }
  world.run_for(base::Duration(9'999));
  EXPECT_THAT(told, IsEmpty());
  world.run_for(base::Duration(1));
  EXPECT_THAT(told, ElementsAre(2, 3));
}

/// The handlers of ben publish there too, and each waits for its confirm before it acks.
TEST_F(FlowControl, ConsumersThatWaitForItAreNotWaitedFor) {
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 60);
  publish("orders", 3, 1);
  world.run_for(base::Duration(19'999));
  EXPECT_THAT(told, IsEmpty());
  world.run_for(base::Duration(1));
  EXPECT_THAT(told, ElementsAre(2, 3));  // nobody took anything
  ack_all(ben);
  world.run_for(20ms);
  ack_all(ben);
  publish("orders", 4, 40);  // what waits would be taken soon
  EXPECT_THAT(told, ElementsAre(2, 3, 4));
  flow("orders", {&ben}, 12);
  publish("orders", 5, 60);
  EXPECT_THAT(told, IsEmpty());  // some time later it is tried again
}

TEST_F(FlowControl, WhatIsTakenAtOnceDoesNotWait) {
  ben.consume("orders", 1000);
  flow("orders", {&ben});
  publish("orders", 2, 50);
  EXPECT_THAT(told, ElementsAre(2));
  EXPECT_EQ(ben.held().size(), 50u);
}

TEST_F(FlowControl, OneQueueDoesNotHoldUpTheOther) {
  world.create_queue("letters");
  ben.consume("orders", 10);
  carl.consume("letters", 100);
  flow("orders", {&ben});
  publish("orders", 2, 60);
  publish("letters", 3, 60);
  EXPECT_THAT(told, ElementsAre(3));
}

/// What is sent again with its number, by whoever has not heard, is told behind the first.
TEST_F(FlowControl, ACrashForgetsTheConfirmAndNotTheMessage) {
  const model::ProducerId producer = model::ProducerId::v7(1, 2, 3);
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 60, producer);
  publish("orders", 3, 60, producer);
  EXPECT_THAT(told, IsEmpty());
  world.end_session(anna, core::SessionEnded::How::closed);
  world.run_for(1s);
  EXPECT_THAT(told, IsEmpty());
  const std::uint64_t entered = world.show("orders").counters.entered;
  world.kill_broker();
  world.start_broker();
  anna = world.open_session(hears(), {});
  publish("orders", 4, 60, producer);
  world.run_for(1s);
  EXPECT_THAT(told, ElementsAre(4));
  EXPECT_EQ(world.show("orders").counters.entered, entered);
}

TEST_F(FlowControl, NobodyWaitsForSlowConsumersOrForThoseOfABacklog) {
  ben.consume("orders", 1);
  for (int turn = 0; turn < 10; ++turn) {
    publish("orders", 1, 1);
    ack_all(ben);
    world.run_for(50ms);
  }
  told.clear();
  publish("orders", 2, 60);  // which are three seconds of its work
  EXPECT_THAT(told, ElementsAre(2));

  world.create_queue("letters");
  publish("letters", 3, 1000);
  carl.consume("letters", 10);
  for (int turn = 0; turn < 10; ++turn) {
    ack_all(carl);
    world.run_for(10ms);
  }
  told.clear();
  publish("letters", 4, 10);  // 900 wait: 0.9 seconds
  EXPECT_THAT(told, ElementsAre(4));
}

TEST_F(FlowControl, NobodyWaitsWhereNobodyConsumes) {
  publish("orders", 2, 200);
  EXPECT_THAT(told, ElementsAre(2));
  ben.consume("orders", 10);
  publish("orders", 3, 200);  // nor for one that has only just come
  EXPECT_THAT(told, ElementsAre(2, 3));
}

TEST_F(FlowControl, OfATopicTheFastestSubscriptionCounts) {
  world.create_topic("events");
  world.subscribe("billing", "events");
  world.subscribe("search", "events");
  ben.consume("billing", 10);
  carl.consume("search", 1000);
  flow("events", {&ben, &carl});
  publish("events", 2, 60);
  EXPECT_THAT(told, ElementsAre(2));  // search has all that
  ack_all(ben);
  ack_all(carl);
  world.run_for(1s);

  flow("events", {&ben, &carl});
  carl.die();
  world.run_for(10s);
  flow("events", {&ben});
  publish("events", 3, 60);
  EXPECT_THAT(told, IsEmpty());
}

TEST_F(FlowControl, WhoeverDeletesItsQueueHasThemTold) {
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 60);
  EXPECT_THAT(told, IsEmpty());
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  EXPECT_THAT(told, ElementsAre(2));
  EXPECT_THAT(codes, ElementsAre(Code::OK));
  world.run_for(1h);
}

TEST_F(FlowControl, AStopHasThemTold) {
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 60);
  EXPECT_THAT(told, IsEmpty());
  world.post_all(core::Drain{});
  world.settle();
  EXPECT_THAT(told, ElementsAre(2));
  publish("orders", 3, 60);
  EXPECT_THAT(told, ElementsAre(2, 3));
}

class FlowControlOff : public FlowControl {
 protected:
  FlowControlOff() : FlowControl(WorldOptions{.ack_sync_max = 0ms, .confirm_hold_max = 0ms}) {}
};

TEST_F(FlowControlOff, NothingWaits) {
  ben.consume("orders", 10);
  flow("orders", {&ben});
  publish("orders", 2, 60);
  publish("orders", 3, 60);
  EXPECT_THAT(told, ElementsAre(2, 3));
}

}  // namespace
}  // namespace lazaret::simulation

// How much a queue holds, and what gives way when it is full.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::Overflow;
using ::testing::ElementsAre;

class Limits : public Story {
 protected:
  Limits() : anna(world, "anna", {.starts_at_once = true}) {}
  static model::QueueOptions at_most(std::uint64_t messages, std::uint64_t bytes, Overflow overflow) {
    model::QueueOptions options;
    options.max_messages = messages;
    options.max_bytes = bytes;
    options.overflow = overflow;
    options.max_attempts = 1;
    return options;
  }
  std::vector<Code> publish(std::size_t count, const std::string& body = "body") {
    std::vector<Code> codes;
    const model::Published answer = world.publish("orders", std::vector<std::string>(count, body));
    for (const model::PublishResult& result : answer.results) codes.push_back(result.code);
    why = answer.status;
    return codes;
  }
  Client anna;
  base::Status why;
};

TEST_F(Limits, WhatIsTooMuchIsRefusedAndNamesTheLimit) {
  world.create_queue("orders", at_most(2, 0, Overflow::refuse));
  EXPECT_THAT(publish(3), ElementsAre(Code::OK, Code::OK, Code::RESOURCE_EXHAUSTED));
  EXPECT_EQ(why.text(), "queue orders is full: it holds 2, and max_messages is 2");
  anna.consume("orders", 10);
  EXPECT_THAT(publish(1), ElementsAre(Code::RESOURCE_EXHAUSTED));  // what is leased counts
  anna.ack(0);
  EXPECT_THAT(publish(1), ElementsAre(Code::OK));
  anna.nack(1);  // to the hospital, where it does not count
  EXPECT_THAT(publish(2), ElementsAre(Code::OK, Code::RESOURCE_EXHAUSTED));
  EXPECT_EQ(world.show("orders").counters.in_hospital, 1u);
  expect_sums("orders");
}

TEST_F(Limits, ARepeatedPublishIsAnsweredAlsoWhenItIsFull) {
  world.create_queue("orders", at_most(1, 0, Overflow::refuse));
  const model::ProducerId producer = model::ProducerId::v7(1, 2, 3);
  EXPECT_EQ(world.publish("orders", {"a"}, producer, 1).results.at(0).code, Code::OK);
  const model::Published again = world.publish("orders", {"a"}, producer, 1);
  EXPECT_EQ(again.results.at(0).code, Code::OK);
  EXPECT_TRUE(again.results.at(0).duplicate);
  EXPECT_EQ(world.publish("orders", {"b"}, producer, 2).results.at(0).code, Code::RESOURCE_EXHAUSTED);
  anna.consume("orders", 1);
  anna.ack(0);
  EXPECT_EQ(world.publish("orders", {"b"}, producer, 2).results.at(0).code, Code::OK);
}

TEST_F(Limits, TheOldestGivesWayAndIsCounted) {
  world.create_queue("orders", at_most(3, 0, Overflow::drop_oldest));
  publish(5);
  EXPECT_EQ(world.show("orders").ready, 3u);
  EXPECT_EQ(world.show("orders").counters.dropped, 2u);
  anna.consume("orders", 1);
  EXPECT_THAT(anna.held(), ElementsAre(2));
  publish(1);  // what is leased stays, the next one goes
  anna.ack(2);
  EXPECT_THAT(anna.held(), ElementsAre(4));
  expect_sums("orders");
}

TEST_F(Limits, WhenConsumersHaveAllOfThemNothingGivesWay) {
  world.create_queue("orders", at_most(2, 0, Overflow::drop_oldest));
  anna.consume("orders", 10);
  publish(2);
  EXPECT_THAT(publish(1), ElementsAre(Code::RESOURCE_EXHAUSTED));
  anna.release(0, 10s);
  EXPECT_THAT(publish(1), ElementsAre(Code::OK));  // it waited, and went
  EXPECT_EQ(world.show("orders").counters.dropped, 1u);
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
  expect_sums("orders");
}

TEST_F(Limits, BytesAreCountedInAndOut) {
  world.create_queue("orders", at_most(0, 1000, Overflow::refuse));
  const std::string body(400, 'x');
  EXPECT_THAT(publish(3, body), ElementsAre(Code::OK, Code::OK, Code::RESOURCE_EXHAUSTED));
  EXPECT_EQ(world.show("orders").bytes, 800u);
  EXPECT_EQ(why.text(), "queue orders is full: it holds 800, and max_bytes is 1000");
  world.kill_broker();
  world.start_broker();
  world.settle();
  EXPECT_EQ(world.show("orders").bytes, 800u);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 10);
  bert.ack(0);
  EXPECT_EQ(world.show("orders").bytes, 400u);
  world.purge("orders");
  bert.ack(1);
  EXPECT_EQ(world.show("orders").bytes, 0u);
  EXPECT_THAT(publish(1, std::string(5000, 'x')), ElementsAre(Code::OK)) << "one is always taken";
}

TEST_F(Limits, AnUpdateHoldsForWhatComes) {
  world.create_queue("orders");
  publish(5);
  model::OptionsPatch patch;
  patch.max_messages = 2;
  world.update("orders", patch);
  EXPECT_THAT(publish(1), ElementsAre(Code::RESOURCE_EXHAUSTED));
  patch.overflow = "drop_oldest";
  world.update("orders", patch);
  EXPECT_THAT(publish(1), ElementsAre(Code::OK));
  EXPECT_EQ(world.show("orders").ready, 2u);
  EXPECT_EQ(world.show("orders").counters.dropped, 4u);
  expect_sums("orders");
}

}  // namespace
}  // namespace lazaret::simulation

// Filters: a subscription takes some messages of its topic; the others are settled without being delivered.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class Filters : public Story {
 protected:
  Filters() { world.create_topic("orders"); }
  void subscribe(const std::string& name, const std::string& filter, model::QueueOptions options = {}) {
    options.filter = filter;
    options.backoff_initial = 1s;
    options.backoff_jitter = 0;
    world.subscribe(name, "orders", model::Start::latest, options);
  }
  void publish(std::vector<std::string> types) {
    for (std::string& type : types) world.publish_typed("orders", type, {"body"});
  }
  std::uint64_t filtered(const std::string& name = "mine") { return world.show(name).counters.filtered; }
  void set_filter(const std::string& filter) {
    model::OptionsPatch patch;
    patch.filter = filter;
    world.update("mine", patch);
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
};

TEST_F(Filters, OnlyWhatMatchesIsDelivered) {
  subscribe("mine", "orders.*.created");
  subscribe("all", "");
  publish({"orders.eu.created", "orders.eu.deleted", "orders.us.created", ""});
  Client anna(world, "anna");
  anna.consume("mine", 10);
  Client bert(world, "bert");
  bert.consume("all", 10);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0u, 2u));
  EXPECT_THAT(bert.held(), ElementsAre(0u, 1u, 2u, 3u));  // another subscription has nothing to do with it
  EXPECT_EQ(filtered(), 2u);
  EXPECT_EQ(filtered("all"), 0u);
  EXPECT_EQ(world.show("mine").counters.entered, 2u);  // what is turned away has not entered
  EXPECT_EQ(world.show("all").counters.entered, 4u);
  expect_sums("mine");
  expect_sums("all");
}

TEST_F(Filters, WhatComesWhileItIsConsumedTakesTheShortWayToo) {
  subscribe("mine", "a");
  Client anna(world, "anna");
  anna.consume("mine", 10);
  publish({"b", "a", "b", "a"});
  EXPECT_THAT(anna.held(), ElementsAre(1u, 3u));
  EXPECT_EQ(world.show("mine").ready, 0u);
  EXPECT_EQ(filtered(), 2u);
  expect_sums("mine");
}

TEST_F(Filters, ABacklogIsReadPageByPage) {
  subscribe("mine", "a");
  for (int i = 0; i < 50; ++i) world.publish_typed("orders", "b", std::vector<std::string>(100, "body"));
  publish({"a"});
  Client anna(world, "anna");
  anna.consume("mine", 1);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(5000u));
  EXPECT_EQ(filtered(), 5000u);
  expect_sums("mine");
}

TEST_F(Filters, StaysAfterACrashAndCountsOnce) {
  subscribe("mine", "a");
  publish({"b", "a", "b"});
  Client anna(world, "anna");
  anna.consume("mine", 10);
  world.settle();
  anna.start(1);
  anna.ack(1);
  world.settle();
  anna.goodbye();
  world.settle();
  EXPECT_EQ(filtered(), 2u);
  crash();
  EXPECT_EQ(filtered(), 2u);
  EXPECT_EQ(world.show("mine").ready, 0u);
  expect_sums("mine");
  publish({"b", "a"});
  Client bert(world, "bert");
  bert.consume("mine", 10);
  world.settle();
  EXPECT_THAT(bert.held(), ElementsAre(4u));
  expect_sums("mine");
}

TEST_F(Filters, DoesNotKeepItsTopicFromBeingTrimmed) {
  subscribe("mine", "a");
  Client anna(world, "anna");
  anna.consume("mine", 10);
  world.settle();
  for (int i = 0; i < 20; ++i) world.publish_typed("orders", "b", std::vector<std::string>(100, "body"));
  world.post_all(core::TrimNow{});
  world.run_for(2s);
  EXPECT_EQ(world.show("mine").log_begin, model::Offset(2000));
  EXPECT_EQ(world.show("mine").cursor, model::Offset(2000));
}

TEST_F(Filters, ANewOneIsForWhatIsNotYetGranted) {
  subscribe("mine", "a");
  publish({"a", "a", "b"});
  Client anna(world, "anna");
  anna.consume("mine", 1);
  world.settle();
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  set_filter("b");
  world.settle();
  anna.start(0);
  anna.nack(0);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2u));
  EXPECT_EQ(filtered(), 1u);
  anna.start(2);
  anna.ack(2);
  world.run_for(2s);
  EXPECT_THAT(anna.held(), ElementsAre(0u));  // its retry: it was granted once
  expect_sums("mine");
  set_filter("");
  publish({"c"});
  anna.start(0);
  anna.ack(0);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(3u));
}

TEST_F(Filters, WhatIsScheduledIsTurnedAwayWhenItComesOrWhenItIsDue) {
  subscribe("mine", "a");
  world.publish_timed("orders", 2s);  // it has no type
  EXPECT_EQ(world.show("mine").scheduled, 0u);
  EXPECT_EQ(filtered(), 1u);
  set_filter("");
  world.publish_timed("orders", 2s);
  EXPECT_EQ(world.show("mine").scheduled, 1u);
  set_filter("a");
  Client anna(world, "anna");
  anna.consume("mine", 10);
  world.run_for(3s);
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(filtered(), 2u);
  EXPECT_EQ(world.store().delivery_records(world.queue("mine").subscription), 0u);
  expect_sums("mine");
}

TEST_F(Filters, NoCaseIsMadeOfWhatItDoesNotTake) {
  model::QueueOptions options;
  options.ttl = 1s;
  options.on_expiry = model::OnExpiry::hospital;
  subscribe("mine", "a", options);
  publish({"b", "a", "b"});
  world.run_for(4s);  // nobody consumes
  EXPECT_EQ(world.cases("mine", model::CaseState::admitted).size(), 1u);
  EXPECT_EQ(filtered(), 2u);
  EXPECT_EQ(world.show("mine").counters.expired, 0u);
  expect_sums("mine");
}

TEST_F(Filters, ASeekBackMeetsThemAgain) {
  model::QueueOptions keep;
  keep.retain_for = 1h;
  world.create_topic("kept", keep);
  model::QueueOptions options;
  options.filter = "a";
  world.subscribe("reader", "kept", model::Start::latest, options);
  Client anna(world, "anna");
  anna.consume("reader", 10);
  world.publish_typed("kept", "b", {"1"});
  world.publish_typed("kept", "a", {"2"});
  anna.start(1);
  anna.ack(1);
  world.settle();
  EXPECT_EQ(filtered("reader"), 1u);
  world.seek("reader", {model::Start::earliest, {}, {}});
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  EXPECT_EQ(filtered("reader"), 2u);
  expect_sums("reader");
}

TEST_F(Filters, OrderByKeyGoesOnBehindWhatIsTurnedAway) {
  model::QueueOptions options;
  options.order_by_key = true;
  subscribe("mine", "type!=b", options);
  world.publish_keyed("orders", "k|a", {"1"});
  world.publish_keyed("orders", "k|b", {"2"});
  world.publish_keyed("orders", "k|a", {"3"});
  world.publish_keyed("orders", "k|c", {"4"});
  Client anna(world, "anna");
  anna.consume("mine", 10);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_EQ(world.show("mine").held, 2u);
  set_filter("type!=c");  // which is held
  anna.start(0);
  anna.ack(0);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2u));
  anna.start(2);
  anna.ack(2);
  world.settle();
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(filtered(), 2u);
  expect_sums("mine");
}

}  // namespace
}  // namespace lazaret::simulation

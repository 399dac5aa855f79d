// Priorities: of what is ready the highest goes first, whatever it has been through; what is out is not taken back.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using model::Start;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

using Offsets = std::vector<std::uint64_t>;

class Priority : public Story {
 protected:
  Priority() {
    model::QueueOptions options;
    options.backoff_initial = 1s;
    options.backoff_jitter = 0;
    options.lease_duration = 2s;
    world.create_queue("orders", options);
  }

  /// What it got since the last call, in order.
  Offsets got(Client& client) {
    if (!client.on_delivery) listen(client);
    return std::exchange(order_[&client], {});
  }
  void listen(Client& client) {
    client.on_delivery = [this, &client](const Client::Delivery& delivery) {
      order_[&client].push_back(delivery.what.source_offset.value);
    };
  }
  /// Takes one after the other, until there is nothing more; in which order.
  Offsets work_off(Client& client, const std::string& queue = "orders", std::size_t at_most = 100) {
    listen(client);
    client.consume(queue, 1);
    world.run_for(20ms);
    Offsets all;
    for (Offsets some = got(client); !some.empty() && all.size() < at_most; some = got(client)) {
      all.insert(all.end(), some.begin(), some.end());
      for (const std::uint64_t offset : client.held()) done(client, offset);
      world.run_for(20ms);
    }
    return all;
  }
  void done(Client& client, std::uint64_t offset) {
    client.start(offset);
    client.ack(offset);
    world.settle();
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  void restart() {
    world.stop_broker();
    world.start_broker();
    world.settle();
  }
  std::size_t records(const std::string& queue = "orders") {
    return world.store().delivery_records(world.queue(queue).subscription);
  }
  std::size_t indexed(const std::string& queue = "orders") {
    return world.store().prioritised_messages(world.queue(queue).log);
  }

  std::map<const Client*, Offsets> order_;
};

TEST_F(Priority, TheHighestGoesFirstAndWithinOneInTheOrderOfPublishing) {
  world.publish("orders", 2);
  world.publish_prioritised("orders", 5, 2);
  world.publish_prioritised("orders", 9);
  world.publish_prioritised("orders", 1);
  world.publish_prioritised("orders", 5);
  EXPECT_EQ(world.show("orders").ready, 7u);
  EXPECT_EQ(world.show("orders").scheduled, 0u);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna), ElementsAre(4, 2, 3, 6, 5, 0, 1));
  EXPECT_FALSE(anna.delivery(4).what.redelivered);
  EXPECT_EQ(anna.delivery(4).what.attempt, 1u);
  expect_sums("orders");
  EXPECT_EQ(records(), 0u);
}

TEST_F(Priority, WhatIsOutIsNotTakenBackAndTheNextIsTheHighest) {
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 2);
  world.publish("orders", 5);
  world.settle();
  EXPECT_THAT(got(anna), ElementsAre(0, 1));
  world.publish_prioritised("orders", 3);
  world.publish_prioritised("orders", 9);
  world.run_for(1s);
  EXPECT_THAT(got(anna), IsEmpty());
  done(anna, 0);
  EXPECT_THAT(got(anna), ElementsAre(6));
  done(anna, 1);
  EXPECT_THAT(got(anna), ElementsAre(5));
  done(anna, 5);
  EXPECT_THAT(got(anna), ElementsAre(2));
}

TEST_F(Priority, TheOldestThatIsReadyIsNoneThatIsOut) {
  world.publish_prioritised("orders", 9, 2);
  world.publish_prioritised("orders", 1, 1);
  Client anna(world, "anna");
  anna.consume("orders", 2);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0, 1));
  EXPECT_EQ(world.show("orders").oldest_ready, model::Offset(2));
  anna.release(1);
  world.settle();
  anna.goodbye();
  world.settle();
  EXPECT_EQ(world.show("orders").oldest_ready, model::Offset(0));
}

TEST_F(Priority, WhoComesAndGoesReadsWhatIsNext) {
  world.publish_prioritised("orders", 4, 3000);
  world.publish_prioritised("orders", 6, 10);
  std::uint64_t low = 0;
  std::uint64_t high = 3000;
  for (int i = 0; i < 12; ++i) {
    Client anna(world, "anna " + std::to_string(i));
    const std::uint64_t next = high < 3010 ? high++ : low++;
    EXPECT_THAT(work_off(anna, "orders", 1), ElementsAre(next));
    anna.goodbye();
    world.settle();
    if (i == 5) crash();
  }
  expect_sums("orders");
}

TEST_F(Priority, ItIsTheNextHoweverManyWaitBeforeIt) {
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  for (int i = 0; i < 10; ++i) world.publish("orders", 3000);  // more than a window holds
  const std::uint64_t urgent = world.publish_prioritised("orders", 9);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(0));
  done(anna, 0);
  EXPECT_THAT(got(anna), ElementsAre(urgent));
  EXPECT_EQ(world.show("orders").ready, 29'999u);
  anna.goodbye();
  world.settle();
  // From the disk as well, and behind a restart.
  const std::uint64_t second = world.publish_prioritised("orders", 8);
  crash();
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben, "orders", 3), ElementsAre(urgent, second, 1));
}

TEST_F(Priority, ManyThatWaitAreAnIndexAndNothingElse) {
  for (int i = 0; i < 5; ++i) {
    world.publish_prioritised("orders", 3, 1000);
    world.publish_prioritised("orders", 4, 1000);
  }
  EXPECT_EQ(world.show("orders").ready, 10'000u);
  EXPECT_EQ(records(), 0u);
  EXPECT_EQ(indexed(), 10'000u);
  crash();
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 4000);
  world.run_for(1s);
  const Offsets first = got(anna);
  ASSERT_THAT(first, SizeIs(4000));
  for (std::size_t i = 0; i < first.size(); ++i) ASSERT_EQ(first[i], i / 1000 * 2000 + 1000 + i % 1000) << i;
  EXPECT_EQ(records(), 4000u);  // what is out, and nothing else
}

TEST_F(Priority, ARetryKeepsItAndGoesBeforeWhatIsLower) {
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  const std::uint64_t urgent = world.publish_prioritised("orders", 9);
  world.publish("orders", 3);
  world.publish_prioritised("orders", 5, 3);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(urgent));
  anna.start(urgent);
  anna.nack(urgent, "not now", 1s);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(4));  // while it waits out its backoff, others go on
  world.run_for(1100ms);
  done(anna, 4);
  ASSERT_THAT(got(anna), ElementsAre(urgent));
  EXPECT_EQ(anna.delivery(urgent).what.attempt, 2u);
  anna.start(urgent);
  anna.nack(urgent, "not now", 1s);
  world.settle();
  anna.goodbye();
  crash();  // it waits on the disk, with its priority
  world.run_for(2s);
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben), ElementsAre(urgent, 5, 6, 1, 2, 3));
}

TEST_F(Priority, ARetryOfALowOneDoesNotGoBeforeAFreshHighOne) {
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  world.publish("orders", 2);
  world.settle();
  anna.start(0);
  anna.nack(0, "not now", 1s);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(0, 1));
  world.run_for(2s);  // it is due
  world.publish_prioritised("orders", 1, 2);
  done(anna, 1);
  EXPECT_THAT(got(anna), ElementsAre(2));
  done(anna, 2);
  EXPECT_THAT(got(anna), ElementsAre(3));
  done(anna, 3);
  EXPECT_THAT(got(anna), ElementsAre(0));
}

TEST_F(Priority, GivenBackItIsTheFirstOfItsOwn) {
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 2);
  world.publish_prioritised("orders", 5, 3);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(0, 1));
  world.publish_prioritised("orders", 7);
  anna.release(0);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(3));
  done(anna, 3);
  EXPECT_THAT(got(anna), ElementsAre(0));
  // A lease that ends is a retry.
  anna.start(0);
  anna.start(1);
  world.run_for(2100ms);
  world.publish("orders", 1);
  anna.goodbye();
  world.run_for(3s);
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben), ElementsAre(2, 0, 1, 4));
}

TEST_F(Priority, AReplayHasItToo) {
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  const std::uint64_t high = world.publish_prioritised("orders", 7);
  const std::uint64_t low = world.publish_prioritised("orders", 2);
  world.settle();
  for (const std::uint64_t offset : {high, low}) {
    anna.start(offset);
    anna.reject(offset);
    world.settle();
  }
  anna.goodbye();
  world.publish("orders", 2);
  world.publish_prioritised("orders", 2);
  ASSERT_THAT(world.cases("orders", CaseState::admitted), SizeIs(2));
  for (const model::CaseRecord& one : world.cases("orders", CaseState::admitted)) {
    EXPECT_EQ(one.summary.priority, one.id.offset.value == high ? 7 : 2);
  }
  const std::vector<model::CaseRecord> cases = world.cases("orders", CaseState::admitted);
  ASSERT_TRUE(world.replay(cases[1].id).status.ok());
  ASSERT_TRUE(world.replay(cases[0].id).status.ok());
  crash();  // they stand in the lane
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben), ElementsAre(high, low, 4, 2, 3));
  expect_sums("orders");
}

TEST_F(Priority, AfterAPowerLossWhatWasNeverOutIsNotTakenForBegun) {
  world.publish("orders", 100);
  world.publish_prioritised("orders", 9, 3);
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(100));
  anna.start(100);
  world.settle();
  anna.die();
  crash();
  world.run_for(6s);  // nobody comes back with it
  Client ben(world, "ben");
  const Offsets all = work_off(ben);
  ASSERT_THAT(all, SizeIs(100));
  EXPECT_THAT(Offsets(all.begin(), all.begin() + 5), ElementsAre(100, 101, 102, 0, 1));
  EXPECT_TRUE(ben.delivery(100).what.redelivered);
  EXPECT_FALSE(ben.delivery(101).what.redelivered);  // the mark was not raised for it
  EXPECT_FALSE(ben.delivery(0).what.redelivered);
}

TEST_F(Priority, WhoComesBackAfterARestartKeepsIt) {
  world.publish("orders", 2);
  world.publish_prioritised("orders", 9, 2);
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(2));
  anna.start(2);
  world.settle();
  world.kill_broker();
  anna.disconnected();
  world.start_broker();
  anna.reconnect();
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2));
  EXPECT_THAT(got(anna), IsEmpty());
  anna.ack(2);
  world.run_for(100ms);
  EXPECT_THAT(got(anna), ElementsAre(3));
  expect_sums("orders");
}

TEST_F(Priority, AStopInOrderForgetsNothing) {
  world.publish("orders", 3);
  world.publish_prioritised("orders", 6, 2);
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 2);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(3, 4));
  anna.release(3);
  anna.goodbye();
  restart();
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben), ElementsAre(3, 4, 0, 1, 2));
  for (const std::uint64_t offset : {0, 1, 2}) EXPECT_FALSE(ben.delivery(offset).what.redelivered) << offset;
}

TEST_F(Priority, ADelayedOneHasItWhenItsTimeHasCome) {
  const std::uint64_t high = world.publish_prioritised("orders", 9, 1, {.delay = 5s});
  const std::uint64_t low = world.publish_prioritised("orders", 1, 1, {.delay = 5s});
  EXPECT_EQ(world.show("orders").scheduled, 2u);
  world.publish("orders", 1);
  crash();
  world.run_for(6s);
  world.publish_prioritised("orders", 4);
  EXPECT_EQ(world.show("orders").ready, 4u);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna), ElementsAre(high, 3, low, 2));
  expect_sums("orders");
}

TEST_F(Priority, OfWhatWaitsOnTheDiskItIsReadWithIt) {
  world.store().set_waiting_in_memory(0);  // after a start all that waits is on the disk only
  const std::uint64_t low = world.publish_prioritised("orders", 0, 1, {.delay = 5s});
  const std::uint64_t high = world.publish_prioritised("orders", 9, 1, {.delay = 5s});
  crash();
  EXPECT_EQ(world.show("orders").scheduled, 2u);
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  world.publish_prioritised("orders", 3);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(2));
  world.run_for(6s);
  world.publish_prioritised("orders", 3);
  done(anna, 2);
  world.run_for(100ms);
  ASSERT_THAT(got(anna), ElementsAre(high));
  done(anna, high);
  world.run_for(100ms);
  ASSERT_THAT(got(anna), ElementsAre(3));
  done(anna, 3);
  world.run_for(100ms);
  EXPECT_THAT(got(anna), ElementsAre(low));
}

TEST_F(Priority, WhatIsPastItsTimeIsNotDelivered) {
  world.publish_prioritised("orders", 9, 2, {.ttl = 1s});
  world.publish_prioritised("orders", 8);
  world.run_for(2s);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna), ElementsAre(2));
  EXPECT_EQ(world.show("orders").counters.expired, 2u);
  // Also where somebody consumes, and has no room for it.
  Client ben(world, "ben");
  listen(ben);
  anna.goodbye();
  world.publish_prioritised("orders", 2);
  ben.consume("orders", 1);
  world.settle();
  ASSERT_THAT(got(ben), ElementsAre(3));
  ben.start(3);
  world.publish_prioritised("orders", 9, 5, {.ttl = 500ms});
  world.run_for(1900ms);
  EXPECT_EQ(world.show("orders").counters.expired, 7u);
  expect_sums("orders");
}

TEST_F(Priority, APurgeTakesAllOfThem) {
  world.publish("orders", 3);
  world.publish_prioritised("orders", 9, 3);
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 1);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(3));
  EXPECT_EQ(world.purge("orders").count, 5u);
  EXPECT_EQ(world.show("orders").ready, 0u);
  done(anna, 3);
  EXPECT_THAT(got(anna), IsEmpty());
  world.publish_prioritised("orders", 2);
  world.settle();
  EXPECT_THAT(got(anna), ElementsAre(6));
  done(anna, 6);
  world.run_for(3s);
  EXPECT_EQ(indexed(), 0u);  // nothing is left, also not of the index
  EXPECT_EQ(records(), 0u);
  expect_sums("orders");
}

TEST_F(Priority, WhatIsDroppedIsTheOldestWhateverItHas) {
  model::QueueOptions options;
  options.max_messages = 3;
  options.overflow = model::Overflow::drop_oldest;
  world.create_queue("few", options);
  world.publish_prioritised("few", 9);
  world.publish("few", 1);
  world.publish_prioritised("few", 5, 2);
  EXPECT_EQ(world.show("few").counters.dropped, 1u);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna, "few"), ElementsAre(2, 3, 1));
  expect_sums("few");
}

TEST_F(Priority, WhatASubscriptionDoesNotTakeDoesNotHoldUpTheRest) {
  world.create_topic("news");
  model::QueueOptions options;
  options.filter = "a";
  world.subscribe("mail", "news", Start::latest, options);
  world.publish_prioritised("news", 9, 2, {.type = "b"});
  world.publish_prioritised("news", 1, 1, {.type = "a"});
  world.publish_prioritised("news", 5, 1, {.type = "a"});
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna, "mail"), ElementsAre(3, 2));
  EXPECT_EQ(world.show("mail").counters.filtered, 2u);
  expect_sums("mail");
}

TEST_F(Priority, WhoDoesNotAcceptItIsGivenWhatComesNext) {
  Client::Options accepting;
  accepting.accepts = {"a"};
  Client anna(world, "anna", accepting);
  listen(anna);
  anna.consume("orders", 2);
  world.publish_prioritised("orders", 9, 2, {.type = "b"});
  world.publish_prioritised("orders", 3, 1, {.type = "a"});
  world.publish_prioritised("orders", 6, 1, {.type = "b"});
  world.settle();
  EXPECT_THAT(got(anna), ElementsAre(2));
  EXPECT_EQ(world.show("orders").unaccepted, 3u);
  anna.die();
  crash();  // those that were set aside were never out
  world.run_for(6s);
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben), ElementsAre(0, 1, 3, 2));
  EXPECT_FALSE(ben.delivery(0).what.redelivered);
  EXPECT_TRUE(ben.delivery(2).what.redelivered);
  expect_sums("orders");
}

TEST_F(Priority, SetAsideTheyComeInTheOrderOfTheirPriority) {
  Client::Options accepting;
  accepting.accepts = {"a"};
  Client anna(world, "anna", accepting);
  anna.consume("orders", 10);
  world.publish_prioritised("orders", 0, 1, {.type = "b"});
  world.publish_prioritised("orders", 2, 1, {.type = "c"});
  world.publish_prioritised("orders", 7, 1, {.type = "b"});
  world.settle();
  EXPECT_EQ(world.show("orders").unaccepted, 3u);
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben), ElementsAre(2, 1, 0));
}

TEST_F(Priority, TheOrderOfAKeyGoesBefore) {
  model::QueueOptions options;
  options.order_by_key = true;
  options.backoff_initial = 1s;
  options.backoff_jitter = 0;
  world.create_queue("keyed", options);
  world.publish_prioritised("keyed", 0, 1, {.key = "k"});
  world.publish_prioritised("keyed", 9, 1, {.key = "k"});  // waits for the one before it
  world.publish_prioritised("keyed", 9, 1, {.key = "m"});  // never granted: in the order of the log
  world.publish_prioritised("keyed", 4);                   // without a key it goes first
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna, "keyed"), ElementsAre(3, 0, 1, 2));
  // What has its key and is ready again goes by its priority.
  world.publish_prioritised("keyed", 0, 1, {.key = "x"});
  world.publish_prioritised("keyed", 8, 1, {.key = "y"});
  world.publish_prioritised("keyed", 0, 1, {.key = "z"});
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(4));
  anna.add_credit(1);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(5));
  anna.start(5);
  anna.nack(5, "not now", 1s);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(6));
  world.publish_prioritised("keyed", 3, 2);
  world.run_for(1500ms);
  done(anna, 4);
  EXPECT_THAT(got(anna), ElementsAre(5));
  expect_sums("keyed");
}

TEST_F(Priority, PausedAndNarrowedItIsStillTheNext) {
  model::OptionsPatch pause;
  pause.paused = true;
  pause.max_in_flight = 1;
  world.update("orders", pause);
  Client anna(world, "anna");
  listen(anna);
  anna.consume("orders", 10);
  world.publish("orders", 1);
  world.publish_prioritised("orders", 9);
  world.settle();
  EXPECT_THAT(got(anna), IsEmpty());
  pause.paused = false;
  world.update("orders", pause);
  world.settle();
  ASSERT_THAT(got(anna), ElementsAre(1));
  done(anna, 1);
  EXPECT_THAT(got(anna), ElementsAre(0));
}

TEST_F(Priority, ASubscriptionThatBeginsInThePastFindsThem) {
  world.create_topic("news");
  world.subscribe("keeper", "news");
  world.publish("news", 2);
  world.publish_prioritised("news", 5);
  world.publish_prioritised("news", 9);
  world.publish("news", 1);
  world.subscribe("late", "news", Start::earliest);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna, "late"), ElementsAre(3, 2, 0, 1, 4));
  EXPECT_EQ(world.show("keeper").ready, 5u);
  Client ben(world, "ben");
  EXPECT_THAT(work_off(ben, "keeper"), ElementsAre(3, 2, 0, 1, 4));
}

TEST_F(Priority, MovedBackASubscriptionGetsThemInOrder) {
  model::QueueOptions keeping;
  keeping.retain_for = 1h;
  world.create_topic("news", keeping);
  world.subscribe("mail", "news");
  world.publish("news", 2);
  world.publish_prioritised("news", 5);
  world.publish_prioritised("news", 9);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna, "mail"), ElementsAre(3, 2, 0, 1));
  world.run_for(3s);
  ASSERT_TRUE(world.seek("mail", {Start::offset, model::Offset(1), {}}).status.ok());
  world.settle();
  Offsets again = got(anna);
  for (int i = 0; i < 3; ++i) {
    for (const std::uint64_t offset : anna.held()) done(anna, offset);
    world.run_for(20ms);
    for (const std::uint64_t offset : got(anna)) again.push_back(offset);
  }
  EXPECT_THAT(again, ElementsAre(3, 2, 1));
  expect_sums("mail");
}

TEST_F(Priority, WhatIsAckedBeyondABacklogIsTrimmed) {
  world.publish("orders", 8192);
  for (int i = 0; i < 12; ++i) world.publish_prioritised("orders", 9, 4096);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 3000);
  for (int round = 0; round < 100 && world.show("orders").counters.acked < 49'152; ++round) {
    for (const std::uint64_t offset : anna.held()) {
      if (offset >= 8192) anna.ack(offset);
    }
    world.run_for(50ms);
  }
  EXPECT_EQ(world.show("orders").counters.acked, 49'152u);
  world.post_all(core::TrimNow{});
  world.run_for(2s);
  EXPECT_LT(world.store().stored_messages(world.queue("orders").log), 8192u + 2 * 8192u);
  EXPECT_LT(indexed(), 2 * 8192u);
  expect_sums("orders");
}

TEST_F(Priority, WhatIsCopiedOutKeepsItsPlace) {
  // One in a thousand is of a lower priority, and stays when all others are acked and trimmed.
  world.publish("orders", 10);
  for (int i = 0; i < 8; ++i) {
    world.publish_prioritised("orders", 4);
    world.publish("orders", 1);
    world.publish_prioritised("orders", 9, 2046);
  }
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("orders", 8 * 2046);
  world.run_for(1s);
  anna.close_consumer();
  ASSERT_THAT(anna.held(), SizeIs(8 * 2046));
  for (const std::uint64_t offset : anna.held()) {
    ASSERT_EQ(anna.delivery(offset).what.message->priority, 9);
    anna.ack(offset);
  }
  world.run_for(1s);
  anna.goodbye();
  world.post_all(core::TrimNow{});
  world.run_for(2s);
  EXPECT_GT(world.store().evacuated_messages(world.queue("orders").log), 10u);
  crash();
  Client ben(world, "ben");
  const Offsets all = work_off(ben);
  ASSERT_THAT(all, SizeIs(26));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(ben.delivery(all[i]).what.message->priority, i < 8 ? 4 : 0) << i;
  }
  world.run_for(5s);
  EXPECT_EQ(indexed(), 0u);
}

TEST_F(Priority, AllThatIsPublishedInOneWriteHasIts) {
  auto outgoing = std::make_shared<model::Outgoing>();
  world.create_queue("parcels");
  for (const int priority : {0, 8}) {
    auto message = std::make_shared<model::Message>();
    message->body = base::SharedBytes::of("body");
    message->priority = static_cast<std::uint8_t>(priority);
    const model::QueueRecord& to = world.queue("parcels");
    outgoing->to.push_back({to.shard, to.log, {std::move(message)}});
  }
  ASSERT_TRUE(world.publish_with("orders", "body", outgoing).status.ok());
  world.run_for(1s);
  Client anna(world, "anna");
  EXPECT_THAT(work_off(anna, "parcels"), ElementsAre(1, 0));
}

}  // namespace
}  // namespace lazaret::simulation

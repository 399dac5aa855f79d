// Times to live: what is past its time is not delivered, and goes, dropped or into the hospital.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseReason;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Expiry : public Story {
 protected:
  static model::QueueOptions options(base::Duration ttl, model::OnExpiry on_expiry = model::OnExpiry::drop) {
    model::QueueOptions options;
    options.ttl = ttl;
    options.on_expiry = on_expiry;
    options.backoff_initial = 10s;
    options.backoff_jitter = 0;
    return options;
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  std::uint64_t expired(const std::string& queue = "orders") { return world.show(queue).counters.expired; }
};

TEST_F(Expiry, IsNotDeliveredAfterItsTime) {
  world.create_queue("orders", options(5s));
  world.publish("orders", 2);
  world.run_for(4900ms);
  world.publish("orders", 1);
  world.run_for(101ms);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2u));
  EXPECT_EQ(expired(), 2u);
  expect_sums("orders");
}

TEST_F(Expiry, AMessageHasAnEndOfItsOwn) {
  world.create_queue("orders", options(0s));
  world.publish_timed("orders", 0s, 1s);
  world.publish("orders", 1);
  world.publish_timed("orders", 0s, 10s);
  world.run_for(1s);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(1u, 2u));
  EXPECT_EQ(expired(), 1u);
  expect_sums("orders");
}

TEST_F(Expiry, GoesWithoutAnyConsumer) {
  world.create_queue("orders", options(0s));
  world.publish_timed("orders", 0s, 1s);
  world.publish_timed("orders", 0s, 3s);
  world.publish("orders", 1);
  world.publish_timed("orders", 0s, 2s);
  world.run_for(1500ms);
  EXPECT_EQ(expired(), 1u);
  world.run_for(3500ms);
  EXPECT_EQ(expired(), 3u);  // also behind one that stays
  EXPECT_EQ(world.show("orders").ready, 1u);
  expect_sums("orders");
}

TEST_F(Expiry, ABacklogGoesPageByPage) {
  world.create_queue("orders", options(2s));
  world.publish("orders", 5000);
  world.run_for(1900ms);
  EXPECT_EQ(expired(), 0u);
  world.run_for(2s);
  EXPECT_EQ(expired(), 5000u);
  EXPECT_EQ(world.show("orders").ready, 0u);
  expect_sums("orders");
}

TEST_F(Expiry, GoesAfterACrashWithoutAnyConsumer) {
  world.create_queue("orders", options(0s));
  world.publish_timed("orders", 0s, 3s);
  crash();
  world.run_for(5s);
  EXPECT_EQ(expired(), 1u);
  crash();
  EXPECT_EQ(expired(), 1u);
  expect_sums("orders");
}

TEST_F(Expiry, NotWhileItIsLeasedAndNotWhatIsAcked) {
  world.create_queue("orders", options(2s));
  world.publish("orders", 1);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  anna.start(0);
  world.run_for(10s);
  EXPECT_EQ(expired(), 0u);
  EXPECT_EQ(world.show("orders").leased, 1u);
  anna.ack(0);
  world.settle();
  EXPECT_EQ(world.show("orders").counters.acked, 1u);
}

TEST_F(Expiry, AFailedOneThatIsPastItsTimeIsNotTriedAgain) {
  world.create_queue("orders", options(5s));
  world.publish("orders", 1);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  anna.start(0);
  anna.nack(0);
  world.run_for(11s);
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(expired(), 1u);
  EXPECT_THAT(outcomes("orders", 0), IsEmpty());  // its history goes with it
  EXPECT_EQ(world.store().delivery_records(world.queue("orders").subscription), 0u);
  expect_sums("orders");
}

TEST_F(Expiry, AReturnedOneGoesAlthoughNobodyConsumes) {
  world.create_queue("orders", options(5s));
  world.publish("orders", 1);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  anna.start(0);
  anna.release(0);
  anna.goodbye();
  world.run_for(7s);
  EXPECT_EQ(expired(), 1u);
  expect_sums("orders");
}

TEST_F(Expiry, ALateVerdictIsToldThatItIsPastItsTime) {
  world.create_queue("orders", options(40s));
  world.publish("orders", 1);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  anna.start(0);
  world.run_for(31s);  // the lease ends, and the next try would be ten seconds later
  world.run_for(20s);
  EXPECT_EQ(expired(), 1u);
  std::optional<model::VerdictResult> result;
  anna.on_settled = [&](const model::Verdict&, const model::VerdictResult& told) { result = told; };
  anna.believes_to_hold(0);
  anna.ack(0);
  world.settle();
  ASSERT_TRUE(result);
  EXPECT_EQ(result->code, Code::LEASE_LOST);
  EXPECT_EQ(result->where, model::Whereabouts::expired);
}

TEST_F(Expiry, BecomesACaseWhereTheQueueSaysSo) {
  world.create_queue("orders", options(2s, model::OnExpiry::hospital));
  world.publish("orders", 2);
  world.run_for(4s);
  const auto cases = world.cases("orders", CaseState::admitted);
  ASSERT_THAT(cases, SizeIs(2));
  EXPECT_EQ(cases[0].reason, CaseReason::expired);
  EXPECT_EQ(cases[0].attempt_count, 0u);
  EXPECT_EQ(expired(), 0u);
  expect_sums("orders");
}

TEST_F(Expiry, AReplayedCaseHasNoEnd) {
  world.create_queue("orders", options(2s, model::OnExpiry::hospital));
  world.publish("orders", 1);
  world.run_for(4s);
  world.replay(world.cases("orders", CaseState::admitted).at(0).id);
  world.run_for(10s);
  EXPECT_EQ(world.show("orders").ready, 1u);
  Client anna(world, "anna");
  anna.consume("orders", 10);
  world.settle();
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  anna.start(0);
  anna.ack(0);
  world.settle();
  EXPECT_THAT(world.cases("orders", CaseState::discharged), SizeIs(1));
  expect_sums("orders");
}

TEST_F(Expiry, ADelayIsNotPartOfTheTimeToLive) {
  world.create_queue("orders", options(2s));
  world.publish_timed("orders", 10s);
  world.publish_timed("orders", 10s, 1s);
  world.run_for(9s);
  EXPECT_EQ(expired(), 0u);
  EXPECT_EQ(world.show("orders").scheduled, 2u);
  world.run_for(1500ms);
  EXPECT_EQ(world.show("orders").scheduled, 0u);
  EXPECT_EQ(world.show("orders").ready, 2u);
  world.run_for(1s);  // the one with a second of its own
  world.run_for(2s);
  EXPECT_EQ(expired(), 2u);
  expect_sums("orders");
}

TEST_F(Expiry, AShorterTimeToLiveConcernsWhatIsThere) {
  world.create_queue("orders", options(0s));
  world.publish("orders", 3);
  world.run_for(10s);
  model::UpdateQueue update;
  update.name = "orders";
  update.options->ttl = 5s;
  ASSERT_TRUE(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.ok());
  world.run_for(2s);
  EXPECT_EQ(expired(), 3u);
}

TEST_F(Expiry, EachSubscriptionHasATimeToLiveOfItsOwn) {
  world.create_topic("news");
  world.subscribe("short", "news", model::Start::latest, options(2s));
  world.subscribe("long", "news", model::Start::latest, options(0s));
  world.publish("news", 3);
  world.run_for(5s);
  EXPECT_EQ(expired("short"), 3u);
  EXPECT_EQ(expired("long"), 0u);
  EXPECT_EQ(world.show("long").ready, 3u);
  expect_sums("short");
  expect_sums("long");
}

TEST_F(Expiry, AnOptionThatThereIsNotIsRefused) {
  model::CreateQueue create;
  create.name = "orders";
  create.options.ttl = -1s;
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), create).status.code(), Code::INVALID_OPTION);
  world.create_topic("news");
  model::UpdateQueue update;
  update.name = "news";
  update.options->ttl = 5s;
  EXPECT_EQ(world.ask<model::QueueAnswer>(model::ShardId(0), update).status.code(), Code::INVALID_OPTION);
}

}  // namespace
}  // namespace lazaret::simulation

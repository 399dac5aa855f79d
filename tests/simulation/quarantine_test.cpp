// Quarantine rules: what matches goes to the hospital before anybody has it (core/quarantine.cpp).
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseReason;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class QuarantineStory : public Story {
 protected:
  static Client::Options worker() { return {.starts_at_once = true, .silent_trace = true}; }
  std::vector<model::CaseRecord> admitted(const std::string& name = "orders") {
    return world.cases(name, CaseState::admitted);
  }
  std::uint64_t add(const std::string& filter, const std::string& reason = "", base::Instant until = {}) {
    const auto answer = world.add_quarantine("orders", filter, reason, until);
    EXPECT_TRUE(answer.status.ok()) << answer.status.text();
    return answer.rules.at(0).number;
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
};

TEST_F(QuarantineStory, WhatMatchesGoesToTheHospitalAndTheRestGoesOn) {
  world.create_queue("orders");
  const std::uint64_t rule = add("orders.bad", "the exporter wrote nonsense");
  world.publish_typed("orders", "orders.good", {"1"});
  world.publish_typed("orders", "orders.bad", {"2", "3"});
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0));
  world.publish_typed("orders", "orders.bad", {"4"});  // the short way too
  world.publish_typed("orders", "orders.good", {"5"});
  EXPECT_THAT(anna.held(), ElementsAre(0, 4));
  const auto cases = admitted();
  ASSERT_THAT(cases, SizeIs(3));
  for (const model::CaseRecord& one : cases) {
    EXPECT_EQ(one.reason, CaseReason::quarantined);
    EXPECT_EQ(one.quarantine, rule);
    EXPECT_EQ(one.attempt_count, 0u);
    EXPECT_EQ(one.last_error.type, "lazaret.quarantined");
    EXPECT_EQ(one.last_error.message, "quarantine rule 0-1-" + std::to_string(rule) + ": the exporter wrote nonsense");
  }
  EXPECT_EQ(world.quarantines("orders").at(0).caught, 3u);
  EXPECT_EQ(world.show("orders").quarantines, 1u);
  EXPECT_EQ(world.show("orders").caught_by_quarantines, 3u);
  expect_sums("orders");
}

TEST_F(QuarantineStory, NobodyIsAskedForWhatNobodyConsumes) {
  world.create_queue("orders");
  add("bad");
  world.publish_typed("orders", "bad", {"1"});
  EXPECT_EQ(world.show("orders").ready, 1u);  // it is met on its way to a consumer
  EXPECT_THAT(admitted(), IsEmpty());
}

TEST_F(QuarantineStory, ARetryThatIsReadyIsCaughtToo) {
  model::QueueOptions options;
  options.backoff_jitter = 0;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_typed("orders", "bad", {"1"});
  anna.nack(0);
  add("bad");
  EXPECT_THAT(admitted(), IsEmpty());
  world.run_for(1s);
  const auto cases = admitted();
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].attempt_count, 1u);
  EXPECT_EQ(cases[0].failure_count, 1u);
  EXPECT_THAT(anna.held(), IsEmpty());
  expect_sums("orders");
}

TEST_F(QuarantineStory, WhatIsOutAlreadyIsLeftAlone) {
  world.create_queue("orders");
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_typed("orders", "bad", {"1"});
  add("bad");
  anna.ack(0);
  EXPECT_THAT(admitted(), IsEmpty());
  EXPECT_EQ(world.show("orders").counters.acked, 1u);
}

TEST_F(QuarantineStory, AReplayPasses) {
  world.create_queue("orders");
  add("bad");
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_typed("orders", "bad", {"1"});
  ASSERT_THAT(admitted(), SizeIs(1));
  EXPECT_TRUE(world.replay(admitted()[0].id).status.ok());
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0));
  anna.ack(0);
  EXPECT_THAT(world.cases("orders", CaseState::discharged), SizeIs(1));
  expect_sums("orders");
}

TEST_F(QuarantineStory, ItEndsByItselfAndWhatItCaughtStays) {
  world.create_queue("orders");
  add("bad", "", world.now() + 1min);
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_typed("orders", "bad", {"1"});
  world.run_for(1min - 1us);
  world.publish_typed("orders", "bad", {"2"});
  EXPECT_THAT(world.quarantines("orders"), SizeIs(1));
  world.run_for(1us);
  EXPECT_THAT(world.quarantines("orders"), IsEmpty());
  world.publish_typed("orders", "bad", {"3"});
  EXPECT_THAT(anna.held(), ElementsAre(2));
  EXPECT_THAT(admitted(), SizeIs(2));
  EXPECT_EQ(world.next_alarm() == base::Instant::never(), false);  // of the lease
}

TEST_F(QuarantineStory, LiftedItTakesNothingMore) {
  world.create_queue("orders");
  const std::uint64_t first = add("bad");
  const std::uint64_t second = add("key=k");
  EXPECT_LT(first, second);
  EXPECT_EQ(world.lift_quarantine("orders", first).rules.at(0).filter, "bad");
  EXPECT_EQ(world.lift_quarantine("orders", first).status.code(), Code::NOT_FOUND);
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_typed("orders", "bad", {"1"});
  EXPECT_THAT(anna.held(), ElementsAre(0));
  world.publish_keyed("orders", "k", {"2"});
  EXPECT_THAT(admitted(), SizeIs(1));
}

TEST_F(QuarantineStory, ItOutlivesAKill) {
  world.create_queue("orders");
  const std::uint64_t rule = add("bad", "since Monday", world.now() + 1h);
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_typed("orders", "bad", {"1"});
  world.settle();
  const auto before = world.quarantines("orders");
  crash();
  EXPECT_EQ(world.quarantines("orders"), before);
  EXPECT_EQ(before.at(0).caught, 1u);
  anna.disconnected();
  anna.reconnect();
  world.run_for(6s);
  world.publish_typed("orders", "bad", {"2"});
  world.settle();
  EXPECT_THAT(admitted(), SizeIs(2));
  EXPECT_EQ(world.quarantines("orders").at(0).caught, 2u);
  EXPECT_TRUE(world.lift_quarantine("orders", rule).status.ok());
  crash();
  EXPECT_THAT(world.quarantines("orders"), IsEmpty());
}

TEST_F(QuarantineStory, WhatIsScheduledIsCaughtWhenItsTimeHasCome) {
  world.create_queue("orders");
  add("type!=x");
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_timed("orders", 10s);
  EXPECT_THAT(admitted(), IsEmpty());
  world.run_for(10s);
  EXPECT_THAT(admitted(), SizeIs(1));
  EXPECT_THAT(anna.held(), IsEmpty());
  expect_sums("orders");
}

TEST_F(QuarantineStory, WhatHasAPriorityIsCaughtToo) {
  world.create_queue("orders");
  add("bad");
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_prioritised("orders", 9, 2, {.type = "bad"});
  world.publish_prioritised("orders", 5, 1, {.type = "good"});
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2));
  EXPECT_THAT(admitted(), SizeIs(2));
}

/// Nobody has failed it, so those behind it go on, also where a case would hold their key.
TEST_F(QuarantineStory, ItHoldsNoKey) {
  model::QueueOptions options;
  options.order_by_key = true;
  options.on_key_failure = model::KeyFailure::hold;
  world.create_queue("orders", options);
  add("bad");
  Client anna(world, "anna", worker());
  anna.consume("orders", 10);
  world.publish_keyed("orders", "k", {"0"});
  world.publish_keyed("orders", "k|bad", {"1"});
  world.publish_keyed("orders", "k", {"2"});
  EXPECT_THAT(anna.held(), ElementsAre(0));
  anna.ack(0);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2));
  EXPECT_THAT(admitted(), SizeIs(1));
  expect_sums("orders");
}

TEST_F(QuarantineStory, ASubscriptionsRulesAreItsOwn) {
  world.create_topic("news");
  world.subscribe("mine", "news");
  world.subscribe("yours", "news");
  world.add_quarantine("mine", "bad");
  Client anna(world, "anna", worker());
  anna.consume("mine", 10);
  Client bert(world, "bert", worker());
  bert.consume("yours", 10);
  world.publish_typed("news", "bad", {"1"});
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_THAT(bert.held(), ElementsAre(0));
  EXPECT_THAT(admitted("mine"), SizeIs(1));
  EXPECT_TRUE(world.delete_queue("mine", true).status.ok());
  world.subscribe("mine", "news");
  EXPECT_THAT(world.quarantines("mine"), IsEmpty());
}

TEST_F(QuarantineStory, WhatMakesNoSenseIsRefused) {
  world.create_queue("orders");
  EXPECT_EQ(world.add_quarantine("orders", "").status.code(), Code::BAD_REQUEST);
  EXPECT_EQ(world.add_quarantine("orders", "size=3").status.code(), Code::INVALID_OPTION);
  EXPECT_EQ(world.add_quarantine("orders", "a", "", world.now()).status.code(), Code::BAD_REQUEST);
  for (int i = 0; i < 100; ++i) add("type=t" + std::to_string(i));
  EXPECT_EQ(world.add_quarantine("orders", "a").status.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_THAT(world.quarantines("orders"), SizeIs(100));
}

}  // namespace
}  // namespace lazaret::simulation

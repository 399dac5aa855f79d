// Cases of another broker come here: each at most once, nobody is delivered it unasked, and from then on it is a case
// like any.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Import : public Story {
 protected:
  Import() : anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions options;
    options.max_attempts = 2;
    options.backoff_jitter = 0;
    options.case_retention = 1h;
    world.create_queue("orders", options);
    anna.consume("orders", 10);
    heard();
  }
  model::CaseId imported(std::uint64_t number, const std::string& body = "from there") {
    const model::CaseDone done = world.import_case("orders", world.exported(number, body));
    EXPECT_TRUE(done.status.ok()) << done.status.text();
    EXPECT_FALSE(done.known);
    return done.id;
  }
  model::CaseRecord record(const model::CaseId& id) { return *world.store().read_case(id); }
  model::Counters sums() {
    expect_sums("orders");
    return world.show("orders").counters;
  }
  Client anna;
};

TEST_F(Import, ACaseComesWithItsHistoryAndNobodyIsDeliveredIt) {
  world.publish("orders", 1);
  anna.ack(0);
  heard();
  const model::CaseId id = imported(5);
  EXPECT_EQ(id.offset.value, 1u);
  world.publish("orders", 1);
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 2, attempt 1"));
  anna.ack(2);
  const model::CaseRecord now = record(id);
  EXPECT_EQ(now.state, CaseState::admitted);
  EXPECT_EQ(now.reason, model::CaseReason::attempts_exhausted);
  EXPECT_EQ(now.origin->id.offset.value, 5u);
  EXPECT_EQ(now.attempt_count, 1u);
  EXPECT_EQ(now.failure_count, 1u);
  EXPECT_EQ(now.last_error.message, "it timed out there");
  EXPECT_LT(now.first_admitted_at, now.admitted_at);
  EXPECT_EQ(world.version(id, 0)->body.view(), "from there");
  EXPECT_LT(world.version(id, 0)->published_at, now.first_admitted_at) << "it keeps its time";
  EXPECT_EQ(world.store().read_attempts(id)->at(0).consumer.name, "over there");
  EXPECT_EQ(sums().entered, 3u);
  EXPECT_EQ(sums().in_hospital, 1u);
  EXPECT_EQ(sums().acked, 2u);
}

TEST_F(Import, TheSameFileTwiceBringsNothingTwice) {
  const model::CaseId id = imported(5);
  for (const bool looks : {true, false}) {
    const model::CaseDone again = world.import_case("orders", world.exported(5, "from there"), looks);
    EXPECT_TRUE(again.status.ok());
    EXPECT_TRUE(again.known);
    EXPECT_EQ(again.id, id);
  }
  world.kill_broker();
  world.start_broker();
  EXPECT_TRUE(world.import_case("orders", world.exported(5, "from there")).known) << "also after a kill -9";
  EXPECT_EQ(sums().in_hospital, 1u);
  EXPECT_NE(imported(6), id);
  EXPECT_EQ(sums().in_hospital, 2u);
}

TEST_F(Import, WhatIsClosedAndStillKeptIsKnown) {
  const model::CaseId id = imported(5);
  ASSERT_TRUE(world.discard(id, "no use").status.ok());
  EXPECT_TRUE(world.import_case("orders", world.exported(5, "from there")).known);
  EXPECT_EQ(sums().discarded, 1u);
}

TEST_F(Import, AKillInBetweenLeavesAllOrNothing) {
  world.submit(world.queue("orders").shard,
               model::ImportCaseCommand{{}, world.queue("orders").subscription, world.exported(5, "from there")});
  world.kill_broker();
  world.start_broker();
  const auto cases = world.cases("orders", CaseState::admitted);
  EXPECT_EQ(sums().in_hospital, cases.size());
  EXPECT_EQ(world.show("orders").log_end.value, cases.size());
  if (cases.empty()) imported(5);
  EXPECT_THAT(world.cases("orders", CaseState::admitted), SizeIs(1));
}

TEST_F(Import, ItIsReplayedEditedAndGivenUpLikeAnyOther) {
  const model::CaseId first = imported(1);
  ASSERT_TRUE(world.replay(first).status.ok());
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 2, again"));
  anna.ack(0);
  EXPECT_EQ(record(first).state, CaseState::discharged);

  const model::CaseId second = imported(2);
  EXPECT_EQ(world.edit(second, "mended").version, 1u);
  ASSERT_TRUE(world.replay(second).status.ok());
  EXPECT_EQ(anna.delivery(1).what.message->body.view(), "mended");
  anna.reject(1);
  EXPECT_EQ(record(second).relapse_count, 1u);
  EXPECT_EQ(record(second).attempt_count, 2u);
  EXPECT_EQ(record(second).origin->id.offset.value, 2u);
  EXPECT_TRUE(world.import_case("orders", world.exported(2, "from there")).known) << "also when it has relapsed";
  ASSERT_TRUE(world.discard(second, "no use").status.ok());
  ASSERT_TRUE(world.restore(second).status.ok());
  const model::Counters now = sums();
  EXPECT_EQ(now.entered, 3u) << "what is restored enters again";
  EXPECT_EQ(now.acked, 1u);
  EXPECT_EQ(now.in_hospital, 1u);
}

TEST_F(Import, ItsMessageIsKeptWhenTheLogAroundItGoes) {
  const model::CaseId id = imported(1, "kept");
  world.publish("orders", 3);
  for (const std::uint64_t offset : {1, 2, 3}) anna.ack(offset);
  world.run_for(2s);
  world.post_all(core::TrimNow{});
  world.publish("orders", 1);
  anna.ack(4);
  world.run_for(2s);
  ASSERT_NE(world.version(id, 0), nullptr);
  EXPECT_EQ(world.version(id, 0)->body.view(), "kept");
  ASSERT_TRUE(world.replay(id).status.ok());
  anna.ack(0);
  EXPECT_EQ(record(id).state, CaseState::discharged);
}

TEST_F(Import, ItComesWithoutItsPriorityAndIsReplayedWithIt) {
  auto what = std::make_shared<model::ImportedCase>(*world.exported(1, "urgent"));
  auto message = std::make_shared<model::Message>(*what->message);
  message->priority = 7;
  message->expires_at = world.now() - 1h;
  what->message = std::move(message);
  const model::CaseDone done = world.import_case("orders", what);
  ASSERT_TRUE(done.status.ok());
  EXPECT_EQ(record(done.id).summary.priority, 7u);
  EXPECT_EQ(world.store().prioritised_messages(world.queue("orders").log), 0u);
  EXPECT_THAT(heard(), IsEmpty());
  ASSERT_TRUE(world.replay(done.id).status.ok());
  EXPECT_THAT(heard(), SizeIs(1)) << "that it is past its time does not matter to who wants it delivered";
  anna.ack(0);
  EXPECT_EQ(sums().expired, 0u);
}

TEST_F(Import, HoldsUpNothingOfItsKey) {
  model::QueueOptions ordered;
  ordered.order_by_key = true;
  ordered.on_key_failure = model::KeyFailure::hold;
  world.create_queue("ledger", ordered);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("ledger", 10);
  const model::CaseDone done = world.import_case("ledger", world.exported(1, "first", 1, "k"));
  ASSERT_TRUE(done.status.ok());
  world.publish_keyed("ledger", "k", {"second"});
  world.publish_keyed("ledger", "other", {"third"});
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 1, attempt 1", "0.000 bert gets 2, attempt 1"));
  EXPECT_EQ(world.show("ledger").held, 0u);
  bert.ack(1);
  heard();
  ASSERT_TRUE(world.replay(done.id).status.ok());
  bert.ack(0);
  EXPECT_THAT(heard(), ElementsAre("0.000 bert gets 0, attempt 2, again", "0.000 bert ack 0: done"));
}

TEST_F(Import, OfATopicASubscriptionTakesNone) {
  world.create_topic("news");
  world.subscribe("news.all", "news");
  EXPECT_EQ(world.import_case("news.all", world.exported(1, "x")).status.code(), Code::BAD_REQUEST);
  EXPECT_EQ(world.show("news.all").log_end.value, 0u);
  world.post_all(core::DiskPressure{true, 10, 100});
  EXPECT_EQ(world.import_case("orders", world.exported(1, "x")).status.code(), Code::RESOURCE_EXHAUSTED);
  world.post_all(core::DiskPressure{false, 1000, 100});
  const model::QueueRecord gone = world.queue("orders");
  anna.goodbye();
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  const model::ImportCaseCommand late{{}, gone.subscription, world.exported(1, "x")};
  EXPECT_EQ(world.ask<model::CaseDone>(gone.shard, late).status.code(), Code::NOT_FOUND);
}

TEST_F(Import, ARelaxedQueueSyncsThem) {
  model::QueueOptions relaxed;
  relaxed.durability = model::Durability::relaxed;
  world.create_queue("quick", relaxed);
  const model::CaseDone done = world.import_case("quick", world.exported(1, "x"));
  ASSERT_TRUE(done.status.ok());
  world.kill_broker();
  world.start_broker();
  EXPECT_EQ(record(done.id).state, CaseState::admitted);
  EXPECT_EQ(world.version(done.id, 0)->body.view(), "x");
  expect_sums("quick");
}

}  // namespace
}  // namespace lazaret::simulation

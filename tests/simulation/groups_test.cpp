// Cases of one cause: what their group counts as they come, relapse and end, over restarts too.
#include "model/fingerprint.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using model::CaseState;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Groups : public Story {
 protected:
  Groups() : anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions options;
    options.max_attempts = 2;
    options.backoff_jitter = 0;
    world.create_queue("orders", options);
    anna.consume("orders", 10);
  }
  void TearDown() override {
    EXPECT_THAT(world.store().miscounted_groups(), IsEmpty());
    Story::TearDown();
  }
  void fail_twice(std::uint64_t offset, const std::string& text, const std::string& details = "") {
    anna.nack(offset, "first", 0s);
    anna.nack(offset, text, std::nullopt, details);
  }
  std::vector<model::GroupRecord> groups() {
    return world.store().list_groups({}, model::GroupSort::count, "", 100)->groups;
  }
  model::GroupRecord group_of(std::uint64_t offset) {
    const model::QueueRecord& record = world.queue("orders");
    const auto found = world.store().read_case({record.shard, record.subscription, record.log, model::Offset(offset)});
    return world.store().read_group(found->group).value();
  }
  Client anna;
};

TEST_F(Groups, OneCauseIsOneLine) {
  world.publish("orders", 3);
  fail_twice(0, "order 17: no customer 'Ann'");
  fail_twice(1, "order 4711: no customer 'Bob'");
  fail_twice(2, "the ledger is away");
  ASSERT_THAT(groups(), SizeIs(2));
  EXPECT_EQ(groups()[0].error_text, "order #: no customer '#'");
  EXPECT_EQ(groups()[0].open(), 2u);
  EXPECT_EQ(groups()[0].first_consumer.name, "anna");
  EXPECT_EQ(groups()[1].open(), 1u);
}

/// What the consumer said in detail is not kept in memory; the functions that it names are.
TEST_F(Groups, TheStackTellsCausesApart) {
  world.publish("orders", 3);
  fail_twice(0, "no such table", "Failed\n\tat org.example.Ledger.post(Ledger.java:42)\n");
  fail_twice(1, "no such table", "Failed\n\tat org.example.Ledger.post(Ledger.java:99)\n");
  fail_twice(2, "no such table", "Failed\n\tat org.example.Stock.take(Stock.java:7)\n");
  ASSERT_THAT(groups(), SizeIs(2));
  EXPECT_EQ(groups()[0].open(), 2u);
  EXPECT_EQ(groups()[0].error_frames, "org.example.Ledger.post");
  EXPECT_EQ(groups()[1].error_frames, "org.example.Stock.take");
}

TEST_F(Groups, ARelapseMovesWithItsNewestError) {
  world.publish("orders", 1);
  fail_twice(0, "the ledger is away");
  const model::GroupRecord before = group_of(0);
  ASSERT_TRUE(world.replay(world.cases("orders", CaseState::admitted)[0].id).status.ok());
  EXPECT_EQ(group_of(0).count(CaseState::replaying), 1u);
  fail_twice(0, "no customer 'Ann'");
  ASSERT_THAT(groups(), SizeIs(1)) << "nothing is left of the other, and nothing is noted about it";
  EXPECT_NE(group_of(0).id, before.id);
  EXPECT_EQ(group_of(0).open(), 1u);
}

TEST_F(Groups, WhatIsNotedStaysWhenItsCasesAreDone) {
  world.publish("orders", 1);
  fail_twice(0, "the ledger is away");
  model::UpdateGroup update;
  update.id = group_of(0).id;
  update.patch.ticket = "BILL-7";
  ASSERT_TRUE(world.ask<model::Done>(world.queue("orders").shard, update).status.ok());
  world.replay(world.cases("orders", CaseState::admitted)[0].id);
  anna.ack(0);
  world.run_for(10ms);
  EXPECT_EQ(group_of(0).count(CaseState::discharged), 1u);
  world.kill_broker();
  world.start_broker();
  ASSERT_THAT(groups(), SizeIs(1));
  EXPECT_EQ(groups()[0].ticket, "BILL-7");
  EXPECT_EQ(groups()[0].count(CaseState::discharged), 1u);
  EXPECT_EQ(groups()[0].open(), 0u);
}

/// Until a newer consumer fails of the same; that it slept, and what woke it, outlives a kill.
TEST_F(Groups, ASnoozeEndsWithACaseOfANewerVersion) {
  world.publish("orders", 2);
  fail_twice(0, "the ledger is away");
  model::UpdateGroup update;
  update.id = group_of(0).id;
  update.patch.snooze.until_version = ">=2.4.2";
  ASSERT_TRUE(world.ask<model::Done>(world.queue("orders").shard, update).status.ok());
  fail_twice(1, "the ledger is away");
  EXPECT_TRUE(model::is_snoozed(group_of(0).snooze, world.now())) << "anna does not say her version";
  anna.goodbye();
  Client ben(world, "ben", {.starts_at_once = true, .version = "2.4.2"});
  ben.consume("orders", 10);
  world.publish("orders", 1);
  ben.nack(2, "first", 0s);
  ben.nack(2, "the ledger is away", std::nullopt);
  world.run_for(10ms);
  const model::Snooze snooze = group_of(0).snooze;
  EXPECT_EQ(snooze.woken_by, "version 2.4.2");
  EXPECT_EQ(snooze.woken_at, group_of(0).last_seen);
  world.kill_broker();
  world.start_broker();
  EXPECT_EQ(group_of(0).snooze, snooze);
}

TEST_F(Groups, WhatWasNotDurableIsNotCountedAfterAPowerLoss) {
  world.publish("orders", 2);
  fail_twice(0, "the ledger is away");
  fail_twice(1, "the ledger is away");
  EXPECT_EQ(groups()[0].open(), 2u);
  world.kill_broker();
  world.start_broker();
  EXPECT_THAT(world.store().miscounted_groups(), IsEmpty());
  EXPECT_EQ(groups()[0].open(), world.cases("orders", CaseState::admitted).size());
}

TEST_F(Groups, WhatNobodyHadNamesNobody) {
  world.publish("orders", 1);
  world.kill_broker();
  world.store().damage(world.queue("orders").log, model::Offset(0));
  world.start_broker();
  Client ben(world, "ben", {.starts_at_once = true});
  ben.consume("orders", 1);
  world.run_for(20s);
  ASSERT_THAT(groups(), SizeIs(1));
  EXPECT_EQ(groups()[0].error_type, "lazaret.damaged");
  EXPECT_EQ(groups()[0].first_consumer.name, "");
}

}  // namespace
}  // namespace lazaret::simulation

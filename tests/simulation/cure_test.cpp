// What an operator does to the message of a case: edits it, sends it elsewhere, takes a discard back; and how long what
// is closed is kept.
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::AttemptOutcome;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Cure : public Story {
 protected:
  Cure() : Cure(WorldOptions{.ack_sync_max = 0ms}) {}
  explicit Cure(WorldOptions options) : Story(options), anna(world, "anna", {.starts_at_once = true}) {
    model::QueueOptions queue_options;
    queue_options.max_attempts = 2;
    queue_options.backoff_jitter = 0;
    queue_options.case_retention = 1h;
    world.create_queue("orders", queue_options);
    anna.consume("orders", 10);
  }
  /// Of a message with this body.
  model::CaseId rejected(const std::string& body) {
    world.publish("orders", std::vector{body});
    anna.reject(world.show("orders").log_end.value - 1);
    return world.cases("orders", CaseState::admitted).back().id;
  }
  std::string delivered(std::uint64_t offset) { return std::string(anna.delivery(offset).what.message->body.view()); }
  model::CaseRecord record(const model::CaseId& id) { return *world.store().read_case(id); }
  /// A case of it holds its key.
  void create_ordered() {
    model::QueueOptions ordered;
    ordered.order_by_key = true;
    ordered.on_key_failure = model::KeyFailure::hold;
    world.create_queue("ordered", ordered);
  }
  /// A discard has freed the second of a key, and nobody has begun it when the first is restored. What somebody had
  /// before a restart may have begun.
  void restore_before_it_begins(bool over_a_restart) {
    create_ordered();
    world.publish_keyed("ordered", "k", {"first"});
    world.publish_keyed("ordered", "k", {"second"});
    Client carl(world, "carl");
    carl.consume("ordered", 10, 2);
    carl.reject(0);
    const model::CaseId id = world.cases("ordered", CaseState::admitted).at(0).id;
    if (over_a_restart) {
      carl.goodbye();
      world.discard(id);
      world.stop_broker();
      world.start_broker();
      world.settle();
    } else {
      world.discard(id);
      EXPECT_THAT(carl.held(), ElementsAre(1u));
      carl.goodbye();
    }
    world.restore(id);
    Client bert(world, "bert");
    bert.consume("ordered", 10, 2);
    world.run_for(10s);
    EXPECT_THAT(bert.held(), IsEmpty());
    ASSERT_TRUE(world.replay(id).status.ok());
    bert.ack(0);
    EXPECT_THAT(bert.held(), ElementsAre(1u));
    bert.ack(1);
    expect_sums("ordered");
  }
  std::size_t copies_in_the_lane() { return world.store().evacuated_messages(world.queue("orders").lane); }
  Client anna;
};

TEST_F(Cure, AReplayDeliversTheNewestVersion) {
  const model::CaseId id = rejected("wrong");
  EXPECT_EQ(world.edit(id, "better").version, 1u);
  EXPECT_EQ(world.edit(id, "right").version, 2u);
  EXPECT_EQ(record(id).version, 2u);
  heard();
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_THAT(heard(), ElementsAre("0.000 anna gets 0, attempt 2, again"));
  EXPECT_EQ(delivered(0), "right");
  EXPECT_EQ(copies_in_the_lane(), 1u);
  anna.ack(0);
  EXPECT_EQ(record(id).state, CaseState::discharged);
  EXPECT_EQ(copies_in_the_lane(), 0u);
  EXPECT_EQ(world.version(id, 0)->body.view(), "wrong") << "the original is kept";
  EXPECT_EQ(world.version(id, 1)->body.view(), "better");
  expect_sums("orders");
}

TEST_F(Cure, OfTwoEditsOfOneVersionOneIsRefused) {
  const model::CaseId id = rejected("wrong");
  ASSERT_TRUE(world.edit(id, "mine", 0).status.ok());
  const model::CaseDone second = world.edit(id, "yours", 0);
  EXPECT_EQ(second.status.code(), Code::STALE_VERSION);
  EXPECT_EQ(second.version, 1u);
  EXPECT_EQ(world.edit(id, "yours", 2).status.code(), Code::STALE_VERSION) << "there is no such version yet";
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(world.edit(id, "too late").status.code(), Code::CASE_BUSY);
  EXPECT_EQ(delivered(0), "mine");
  anna.ack(0);
  EXPECT_EQ(world.edit(id, "far too late").status.code(), Code::NOT_FOUND);
}

TEST_F(Cure, WhatRelapsesIsEditedFromItsNewestVersion) {
  const model::CaseId id = rejected("wrong");
  world.edit(id, "still wrong");
  ASSERT_TRUE(world.replay(id).status.ok());
  anna.reject(0);
  EXPECT_EQ(copies_in_the_lane(), 0u);
  EXPECT_EQ(record(id).version, 1u);
  EXPECT_EQ(record(id).relapse_count, 1u);
  EXPECT_EQ(world.edit(id, "right").version, 2u);
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(delivered(0), "right");
}

TEST_F(Cure, AnEditedReplayOutlivesRestarts) {
  const model::CaseId id = rejected("wrong");
  world.edit(id, "right");
  world.kill_broker();
  world.start_broker();
  anna.disconnected();
  EXPECT_EQ(world.edit(id, "yours", 0).status.code(), Code::STALE_VERSION) << "the version is remembered";
  ASSERT_TRUE(world.replay(id).status.ok());
  for (int i = 0; i < 2; ++i) {
    world.kill_broker();
    world.start_broker();
    expect_sums("orders");
  }
  world.run_for(10s);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("orders", 1);
  EXPECT_EQ(bert.delivery(0).what.message->body.view(), "right");
  bert.nack(0, "once more", 0s);
  EXPECT_EQ(bert.delivery(0).what.message->body.view(), "right");
  bert.ack(0);
  EXPECT_EQ(copies_in_the_lane(), 0u);
}

TEST_F(Cure, APurgeSendsAnEditedReplayBackWithItsVersions) {
  const model::CaseId id = rejected("wrong");
  world.edit(id, "right");
  anna.goodbye();
  ASSERT_TRUE(world.replay(id).status.ok());
  world.purge("orders");
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(copies_in_the_lane(), 0u);
  EXPECT_EQ(record(id).version, 1u);
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(copies_in_the_lane(), 1u);
}

TEST_F(Cure, ACaseHasItsLimitOfVersions) {
  const model::CaseId id = rejected("wrong");
  for (std::uint32_t i = 0; i < model::limits::kCaseVersions; ++i) ASSERT_TRUE(world.edit(id, "again").status.ok());
  EXPECT_EQ(world.edit(id, "and again").status.code(), Code::LIMIT_REACHED);
}

TEST_F(Cure, AnEditIsATouch) {
  world.publish("orders", std::vector<std::string>{"slow"});
  const model::LeaseToken token = anna.delivery(0).token;
  anna.nack(0, "first", 0s);
  world.run_for(1s);
  const model::LeaseToken last = anna.delivery(0).token;
  EXPECT_NE(token.grant, last.grant);
  anna.nack(0, "second");
  world.edit(world.cases("orders", CaseState::admitted).at(0).id, "edited");
  heard();
  anna.believes_to_hold(0);
  anna.ack(0);
  EXPECT_THAT(heard(), ElementsAre("1.000 anna ack 0: LEASE_LOST, in_case")) << "what it acks is not what is there";
}

TEST_F(Cure, KeptAttemptsLeaveOneTry) {
  world.publish("orders", 1);
  anna.nack(0, "first", 0s);
  anna.nack(0, "second");
  const model::CaseId id = world.cases("orders", CaseState::admitted).at(0).id;
  model::ReplayCaseCommand replay;
  replay.id = id;
  replay.attempts = 2;
  replay.failures_before = record(id).failure_count;
  ASSERT_TRUE(world.ask<model::CaseDone>(id.shard, replay).status.ok());
  world.kill_broker();  // it is remembered with the entry
  world.start_broker();
  anna.reconnect();
  world.run_for(10s);
  anna.nack(0, "third", 0s);
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(record(id).failure_count, 3u);
  EXPECT_EQ(record(id).relapse_count, 1u);
}

// --- Elsewhere ------------------------------------------------------------------------------------------------------

TEST_F(Cure, ARedirectedMessageIsPublishedElsewhereAndItsCaseClosed) {
  world.create_queue("repairs");
  const model::CaseId id = rejected("wrong");
  world.edit(id, "right");
  EXPECT_EQ(world.redirect(id, "repairs", 0).status.code(), Code::STALE_VERSION);
  ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  EXPECT_EQ(record(id).state, CaseState::discharged);
  EXPECT_EQ(record(id).redirected_to, "repairs");
  EXPECT_EQ(world.show("orders").counters.redirected, 1u);
  EXPECT_EQ(world.redirect(id, "repairs").status.code(), Code::NOT_FOUND);
  expect_sums("orders");
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("repairs", 5);
  EXPECT_THAT(bert.held(), SizeIs(1));
  EXPECT_EQ(bert.delivery(0).what.message->body.view(), "right");
}

TEST_F(Cure, ARedirectedMessageIsStoredAlthoughItsIdWasThere) {
  model::QueueOptions options;
  options.deduplicate_for = 1h;
  world.create_queue("once", options);
  anna.consume("once", 10, 2);
  world.publish_keyed("once", "#sixteen letters.", {"body"});
  anna.reject(0);
  const model::CaseId id = world.cases("once", CaseState::admitted).at(0).id;
  ASSERT_TRUE(world.redirect(id, "once").status.ok());
  EXPECT_EQ(world.show("once").log_end.value, 2u);
  expect_sums("once");
}

class CureOnTwoShards : public Cure {
 protected:
  CureOnTwoShards() : Cure(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {}
};

TEST_F(CureOnTwoShards, AnotherShardGetsItOnceAndOnlyOnce) {
  const model::QueueRecord repairs = world.create_queue("repairs");
  ASSERT_NE(repairs.shard, world.queue("orders").shard);
  model::OptionsPatch by_ids;
  by_ids.deduplicate_for = 1h;
  world.update("repairs", by_ids);
  const model::CaseId id = rejected("wrong");
  ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  world.kill_broker();
  world.start_broker();
  world.run_for(1s);
  EXPECT_EQ(world.show("repairs").log_end.value, 1u);
  EXPECT_EQ(world.store().owed(), 0u);
  EXPECT_EQ(record(id).redirected_to, "repairs");
}

TEST_F(Cure, TheCaseOfADeletedQueueCanBeSentElsewhereOnce) {
  world.create_queue("repairs");
  const model::CaseId id = rejected("wrong");
  world.edit(id, "right");
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  EXPECT_EQ(world.replay(id).status.code(), Code::DESTINATION_NEEDED);
  ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  EXPECT_EQ(world.redirect(id, "repairs").status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.show("repairs").log_end.value, 1u);
  EXPECT_EQ(record(id).state, CaseState::discharged);
  Client bert(world, "bert");
  bert.consume("repairs", 1);
  EXPECT_EQ(bert.delivery(0).what.message->body.view(), "right");
}

TEST_F(Cure, WhereNothingCanGoNothingIsClosed) {
  world.create_queue("repairs");
  const model::CaseId id = rejected("wrong");
  const model::QueueRecord gone = world.queue("repairs");
  model::RedirectCaseCommand redirect;
  redirect.id = id;
  redirect.to = "repairs";
  auto outgoing = std::make_shared<model::Outgoing>();
  outgoing->to.push_back({gone.shard, gone.log, {std::make_shared<model::Message>(*world.version(id, 0))}});
  redirect.outgoing = outgoing;
  ASSERT_TRUE(world.delete_queue("repairs").status.ok());
  EXPECT_EQ(world.ask<model::CaseDone>(id.shard, redirect).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(record(id).state, CaseState::admitted);
  world.create_queue("repairs");
  world.post_all(core::DiskPressure{true, 10, 100});
  EXPECT_EQ(world.redirect(id, "repairs").status.code(), Code::RESOURCE_EXHAUSTED);
  world.post_all(core::DiskPressure{false, 1000, 100});
  EXPECT_TRUE(world.redirect(id, "repairs").status.ok());
}

// --- Taken back -----------------------------------------------------------------------------------------------------

TEST_F(Cure, ADiscardIsTakenBack) {
  const model::CaseId id = rejected("wrong");
  world.edit(id, "right");
  ASSERT_TRUE(world.discard(id, "no use").status.ok());
  EXPECT_EQ(world.show("orders").counters.in_hospital, 0u);
  ASSERT_TRUE(world.restore(id).status.ok());
  EXPECT_EQ(world.restore(id).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(record(id).discard_reason, "");
  const model::Counters sums = world.show("orders").counters;
  EXPECT_EQ(sums.entered, 2u) << "it enters again";
  EXPECT_EQ(sums.discarded, 1u);
  EXPECT_EQ(sums.in_hospital, 1u);
  expect_sums("orders");
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(delivered(0), "right");
  anna.ack(0);
  EXPECT_EQ(world.restore(id).status.code(), Code::NOT_FOUND) << "it was discharged";
  expect_sums("orders");
}

TEST_F(Cure, WhatIsDiscardedKeepsItsMessageUntilItsTimeIsOver) {
  const model::CaseId id = rejected("wrong");
  world.publish("orders", 5);
  for (std::uint64_t offset = 1; offset <= 5; ++offset) anna.ack(offset);
  world.discard(id);
  world.kill_broker();
  world.start_broker();
  anna.disconnected();
  world.run_for(10min);
  world.post_all(core::TrimNow{});
  world.settle();
  EXPECT_EQ(world.store().evacuated_messages(id.log), 1u);
  EXPECT_EQ(world.version(id, 0)->body.view(), "wrong");
  world.run_for(49min);
  ASSERT_TRUE(world.restore(id).status.ok()) << "nearly too late";
  expect_sums("orders");
  world.discard(id);
  world.run_for(61min);
  EXPECT_EQ(world.store().read_case(id).code(), Code::NOT_FOUND);
  EXPECT_EQ(world.restore(id).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.store().evacuated_messages(id.log), 0u);
  EXPECT_THAT(outcomes("orders", 0), IsEmpty());
  EXPECT_EQ(world.version(id, 1), nullptr);
  expect_sums("orders");
}

TEST_F(Cure, ClosedCasesGoWhenTheirTimeIsOverAndOpenOnesStay) {
  const model::CaseId discharged = rejected("a");
  const model::CaseId open = rejected("b");
  const model::CaseId discarded = rejected("c");
  world.replay(discharged);
  anna.ack(0);
  world.run_for(30min);
  world.discard(discarded);
  EXPECT_EQ(world.store().cases(), 3u);
  world.run_for(31min);
  EXPECT_EQ(world.store().read_case(discharged).code(), Code::NOT_FOUND);
  EXPECT_EQ(world.store().cases(), 2u);
  world.run_for(48h);
  EXPECT_EQ(world.store().cases(), 1u);
  EXPECT_EQ(record(open).state, CaseState::admitted);
  expect_sums("orders");
}

TEST_F(Cure, ManyClosedCasesGoPageByPage) {
  const std::size_t many = 2 * model::limits::kClosedPage + 10;
  anna.add_credit(3000);
  for (std::size_t i = 0; i < many; ++i) {
    world.publish("orders", 1);
    anna.reject(i);
  }
  for (const auto& one : world.cases("orders", CaseState::admitted)) world.discard(one.id);
  EXPECT_EQ(world.store().cases(), many);
  world.kill_broker();
  world.start_broker();
  world.run_for(59min);
  EXPECT_EQ(world.store().cases(), many);
  world.run_for(2min);
  EXPECT_EQ(world.store().cases(), 0u);
  expect_sums("orders");
}

TEST_F(Cure, AShorterRetentionIsForThoseThatAreClosedAlready) {
  const model::CaseId id = rejected("a");
  world.discard(id);
  world.run_for(10min);
  model::OptionsPatch shorter;
  shorter.case_retention = 5min;
  world.update("orders", shorter);
  world.run_for(1s);
  EXPECT_EQ(world.store().read_case(id).code(), Code::NOT_FOUND);
}

TEST_F(Cure, ARestoredCaseHoldsItsKeyAgain) {
  create_ordered();
  anna.consume("ordered", 10, 2);
  world.publish_keyed("ordered", "k", {"first"});
  anna.reject(0);
  const model::CaseId id = world.cases("ordered", CaseState::admitted).at(0).id;
  world.discard(id);
  world.restore(id);
  world.publish_keyed("ordered", "k", {"second"});
  EXPECT_EQ(world.show("ordered").held, 1u);
  ASSERT_TRUE(world.replay(id).status.ok());
  anna.ack(0);
  EXPECT_EQ(world.show("ordered").held, 0u);
  expect_sums("ordered");
}

TEST_F(Cure, ARestoredCaseHoldsWhatItsDiscardHadFreedAndNobodyHasBegun) {
  create_ordered();
  anna.consume("ordered", 10, 2);
  world.publish_keyed("ordered", "k", {"first"});
  world.publish_keyed("ordered", "k", {"second"});
  world.publish_keyed("ordered", "k", {"third"});
  anna.reject(0);
  EXPECT_EQ(world.show("ordered").held, 2u);
  anna.goodbye();
  const model::CaseId id = world.cases("ordered", CaseState::admitted).at(0).id;
  world.discard(id);
  EXPECT_EQ(world.show("ordered").held, 1u);
  world.restore(id);
  EXPECT_EQ(world.show("ordered").held, 2u);
  Client bert(world, "bert");
  bert.consume("ordered", 10, 2);
  world.run_for(1s);
  EXPECT_THAT(bert.held(), IsEmpty());
  ASSERT_TRUE(world.replay(id).status.ok());
  bert.ack(0);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  bert.ack(1);
  bert.ack(2);
  expect_sums("ordered");
}

TEST_F(Cure, ARestoredCaseHoldsWhatWasGivenBackUnbegun) { restore_before_it_begins(false); }

TEST_F(Cure, ARestoredCaseHoldsWhatWasFreedBeforeARestart) { restore_before_it_begins(true); }

TEST_F(Cure, WhatHasBegunGoesOnBehindARestoredCase) {
  create_ordered();
  Client bert(world, "bert");
  bert.consume("ordered", 10, 2);
  world.publish_keyed("ordered", "k", {"first"});
  world.publish_keyed("ordered", "k", {"second"});
  bert.reject(0);
  const model::CaseId id = world.cases("ordered", CaseState::admitted).at(0).id;
  world.discard(id);
  bert.start(1);
  bert.nack(1);
  world.restore(id);
  world.run_for(1min);
  EXPECT_THAT(bert.held(), ElementsAre(1u));
  bert.ack(1);
  expect_sums("ordered");
}

}  // namespace
}  // namespace lazaret::simulation

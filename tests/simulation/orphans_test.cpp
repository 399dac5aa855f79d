// Cases whose queue was deleted: they are edited, discarded, restored and sent elsewhere, count for nobody, and go when
// they have been closed for thirty days (core/orphans.cpp).
#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::SizeIs;

class Orphans : public Story {
 protected:
  Orphans() : anna(world, "anna", {.starts_at_once = true}) {
    world.create_queue("repairs");
    world.create_queue("orders");
    queue = world.queue("orders");
    anna.consume("orders", 10);
  }
  model::CaseId rejected(const std::string& body) {
    world.publish("orders", std::vector{body});
    anna.reject(world.show("orders").log_end.value - 1);
    return world.cases("orders", CaseState::admitted).back().id;
  }
  void delete_orders() {
    anna.goodbye();
    ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  }
  void restart() {
    world.kill_broker();
    world.start_broker();
  }
  CaseState state(const model::CaseId& id) { return world.store().read_case(id)->state; }
  bool is_there(const model::CaseId& id) { return world.store().read_case(id).ok(); }
  std::size_t messages_kept() { return world.store().evacuated_messages(queue.log); }
  /// What whoever consumes there is given.
  std::vector<std::string> sent_to_repairs() {
    Client bert(world, "bert", {.starts_at_once = true});
    bert.consume("repairs", 10);
    std::vector<std::string> bodies;
    for (const std::uint64_t offset : bert.held()) {
      bodies.emplace_back(bert.delivery(offset).what.message->body.view());
    }
    bert.goodbye();
    return bodies;
  }
  Client anna;
  model::QueueRecord queue;
};

TEST_F(Orphans, AnEditedOneIsSentElsewhereAsItIsThen) {
  const model::CaseId id = rejected("wrong");
  delete_orders();
  EXPECT_EQ(world.replay(id).status.code(), Code::DESTINATION_NEEDED) << "there is no queue of its own";
  EXPECT_EQ(world.edit(id, "right").version, 1u);
  EXPECT_EQ(world.redirect(id, "repairs", 0).status.code(), Code::STALE_VERSION);
  ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  EXPECT_EQ(world.redirect(id, "repairs", 1).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.edit(id, "too late", 1).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.discard(id).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.restore(id).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(state(id), CaseState::discharged);
  EXPECT_THAT(sent_to_repairs(), ElementsAre("right"));
  EXPECT_EQ(messages_kept(), 0u);
}

TEST_F(Orphans, OfTwoEditsOfOneVersionOneIsRefused) {
  const model::CaseId id = rejected("wrong");
  world.edit(id, "before the end");
  delete_orders();
  const model::CaseDone late = world.edit(id, "by who has not seen it", 0);
  EXPECT_EQ(late.status.code(), Code::STALE_VERSION);
  EXPECT_EQ(late.version, 1u);
  EXPECT_EQ(world.edit(id, "mine", 1).version, 2u);
  EXPECT_EQ(world.edit(id, "yours", 1).status.code(), Code::STALE_VERSION);
  restart();
  EXPECT_EQ(world.edit(id, "over a restart").version, 3u);
  EXPECT_EQ(world.version(id, 0)->body.view(), "wrong");
  EXPECT_EQ(world.version(id, 2)->body.view(), "mine");
  EXPECT_EQ(world.version(id, 3)->body.view(), "over a restart");
}

/// Whoever asks may have looked before all of it.
TEST_F(Orphans, WhatWasDoneJustBeforeTheEndIsKnownBehindIt) {
  const model::CaseId sent = rejected("sent");
  const model::CaseId discarded = rejected("discarded");
  const model::CaseId restored = rejected("restored");
  ASSERT_TRUE(world.redirect(sent, "repairs").status.ok());
  ASSERT_TRUE(world.discard(discarded).status.ok());
  ASSERT_TRUE(world.discard(restored).status.ok());
  ASSERT_TRUE(world.restore(restored).status.ok());
  delete_orders();
  EXPECT_EQ(world.redirect(sent, "repairs", 0).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.redirect(discarded, "repairs", 0).status.code(), Code::CASE_BUSY);
  EXPECT_EQ(world.restore(sent).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.restore(restored).status.code(), Code::CASE_BUSY);
  EXPECT_THAT(sent_to_repairs(), ElementsAre("sent"));
}

TEST_F(Orphans, AnOrphanHasItsLimitOfVersions) {
  const model::CaseId id = rejected("wrong");
  delete_orders();
  for (std::uint32_t i = 0; i < model::limits::kCaseVersions; ++i) ASSERT_TRUE(world.edit(id, "again").status.ok());
  EXPECT_EQ(world.edit(id, "and again").status.code(), Code::LIMIT_REACHED);
}

TEST_F(Orphans, ADiscardIsTakenBackAlsoOneOfBeforeTheEnd) {
  const model::CaseId before = rejected("before");
  const model::CaseId after = rejected("after");
  ASSERT_TRUE(world.discard(before, "no use").status.ok());
  delete_orders();
  ASSERT_TRUE(world.discard(after, "no use").status.ok());
  EXPECT_TRUE(world.discard(after, "no use").status.ok()) << "it is discarded";
  EXPECT_EQ(world.edit(after, "late").status.code(), Code::NOT_FOUND);
  restart();
  world.run_for(1s);
  for (const model::CaseId& id : {before, after}) {
    ASSERT_TRUE(world.restore(id).status.ok());
    EXPECT_EQ(world.restore(id).status.code(), Code::CASE_BUSY);
    EXPECT_EQ(state(id), CaseState::admitted);
    ASSERT_TRUE(world.redirect(id, "repairs").status.ok());
  }
  EXPECT_THAT(sent_to_repairs(), ElementsAre("before", "after"));
}

TEST_F(Orphans, CountForNoQueueThatComesLater) {
  const model::CaseId id = rejected("wrong");
  delete_orders();
  world.create_queue("orders");
  world.edit(id, "a body that would be in a budget");
  ASSERT_TRUE(world.discard(id).status.ok());
  ASSERT_TRUE(world.restore(id).status.ok());
  world.settle();
  const model::QueueStats stats = world.show("orders");
  EXPECT_EQ(stats.counters, model::Counters());
  EXPECT_EQ(stats.hospital_bytes, 0u);
  EXPECT_EQ(stats.closed_cases, 0u);
}

TEST_F(Orphans, ClosedOnesGoAfterThirtyDays) {
  const model::CaseId before = rejected("discarded before the end");
  const model::CaseId after = rejected("discarded after it");
  const model::CaseId open = rejected("still open");
  ASSERT_TRUE(world.discard(before).status.ok());
  delete_orders();
  world.run_for(24h);
  ASSERT_TRUE(world.discard(after).status.ok());
  world.settle();
  EXPECT_EQ(messages_kept(), 3u);
  world.run_for(28 * 24h);
  EXPECT_TRUE(is_there(before));
  world.run_for(24h + 1min);
  EXPECT_FALSE(is_there(before));
  EXPECT_TRUE(is_there(after));
  EXPECT_EQ(messages_kept(), 2u);
  restart();
  world.run_for(24h);
  EXPECT_FALSE(is_there(after));
  EXPECT_EQ(world.restore(after).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(state(open), CaseState::admitted);
  EXPECT_EQ(messages_kept(), 1u);
}

TEST_F(Orphans, WhatWasRestoredDoesNotGo) {
  const model::CaseId restored = rejected("restored");
  const model::CaseId sent = rejected("sent elsewhere");
  delete_orders();
  ASSERT_TRUE(world.discard(restored).status.ok());
  ASSERT_TRUE(world.redirect(sent, "repairs").status.ok());
  world.run_for(29 * 24h);
  ASSERT_TRUE(world.restore(restored).status.ok());
  world.run_for(2 * 24h);
  EXPECT_FALSE(is_there(sent));
  EXPECT_EQ(state(restored), CaseState::admitted);
  EXPECT_EQ(world.version(restored, 0)->body.view(), "restored");
  ASSERT_TRUE(world.discard(restored).status.ok());
  world.run_for(31 * 24h);
  EXPECT_FALSE(is_there(restored));
  EXPECT_EQ(messages_kept(), 0u);
}

/// The message of a topic is that of the cases of all its subscriptions.
TEST_F(Orphans, OfATopicThatIsGoneTheEndOfOneTakesNoMessageOfAnother) {
  world.create_topic("news");
  world.subscribe("first", "news");
  world.subscribe("second", "news");
  world.publish("news", 1);
  std::vector<model::CaseId> ids;
  for (const std::string name : {"first", "second"}) {
    Client bert(world, "bert of " + name, {.starts_at_once = true});
    bert.consume(name, 10);
    bert.reject(0);
    ids.push_back(world.cases(name, CaseState::admitted).at(0).id);
    bert.goodbye();
  }
  ASSERT_TRUE(world.delete_queue("news", true).status.ok());
  world.run_for(1s);
  ASSERT_TRUE(world.redirect(ids[0], "repairs").status.ok());
  ASSERT_TRUE(world.redirect(ids[1], "repairs").status.ok());
  EXPECT_THAT(sent_to_repairs(), SizeIs(2));
}

}  // namespace
}  // namespace lazaret::simulation

// The byte budget of a hospital: when its cases keep hospital_max_bytes, nothing is delivered but replays, nothing is
// dropped, and it goes on by itself when they keep less (core/hospital_budget.cpp).
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseReason;
using model::CaseState;
using model::HospitalLevel;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// What shards say of hospitals.
class Levels final : public Watcher {
 public:
  void effect(model::ShardId, const core::Effect& effect) override {
    if (const auto* changed = std::get_if<core::HospitalLevelChanged>(&effect)) all.push_back(changed->level);
  }
  std::vector<HospitalLevel> take() { return std::exchange(all, {}); }

 private:
  std::vector<HospitalLevel> all;
};

/// Five cases of ten bytes fill it.
class HospitalBudget : public Story {
 protected:
  static constexpr const char* kTenBytes = "0123456789";

  HospitalBudget() { world.watch(levels); }
  static Client::Options worker() { return {.starts_at_once = true, .silent_trace = true}; }
  static model::QueueOptions budget(std::uint64_t bytes = 50) {
    model::QueueOptions options;
    options.hospital_max_bytes = bytes;
    options.backoff_jitter = 0;
    return options;
  }
  static model::OptionsPatch patch_of(std::uint64_t bytes) {
    model::OptionsPatch patch;
    patch.hospital_max_bytes = bytes;
    return patch;
  }
  void publish(std::size_t count, const std::string& queue = "orders") {
    world.publish(queue, std::vector<std::string>(count, kTenBytes));
  }
  static void reject_all(Client& client) {
    while (!client.held().empty()) client.reject(client.held().front());
  }
  std::vector<model::CaseRecord> admitted(const std::string& queue = "orders") {
    return world.cases(queue, CaseState::admitted);
  }
  model::QueueStats shown(const std::string& queue = "orders") {
    expect_sums(queue);
    return world.show(queue);
  }
  /// Five cases, and `more` that wait for room.
  void fill(Client& anna, std::size_t more) {
    anna.consume("orders", 1);
    publish(5 + more);
    reject_all(anna);
    ASSERT_THAT(admitted(), SizeIs(5));
    ASSERT_EQ(shown().hospital_level, HospitalLevel::full);
  }
  /// The first of a key is a case, the second is to be tried again.
  void replay_with_a_retry_of_its_key(bool replayed_before) {
    model::QueueOptions options = budget(22);
    options.order_by_key = true;
    options.backoff_initial = 1s;
    world.create_queue("orders", options);
    Client anna(world, "anna", worker());
    anna.consume("orders", 10);
    for (const char* key : {"k", "k", "o"}) world.publish_keyed("orders", key, {kTenBytes});
    anna.reject(0);
    anna.nack(1);
    const model::CaseId id = admitted().at(0).id;
    if (replayed_before) {
      ASSERT_TRUE(world.replay(id).status.ok());
      EXPECT_THAT(anna.held(), ElementsAre(2u)) << "its key is with the retry";
    } else {
      anna.reject(2);
    }
    anna.goodbye();
    world.run_for(2s);  // the retry is due
    if (replayed_before) {
      world.update("orders", patch_of(10));
    } else {
      ASSERT_TRUE(world.replay(id).status.ok());
    }
    ASSERT_EQ(shown().hospital_level, HospitalLevel::full);
    Client bert(world, "bert", worker());
    bert.consume("orders", 10);
    world.run_for(2s);
    ASSERT_THAT(bert.held(), ElementsAre(0u));
    bert.ack(0);
    ASSERT_THAT(bert.held(), Contains(1u)) << "there is room again";
    bert.ack(1);
    expect_sums("orders");
  }
  Levels levels;
};

TEST_F(HospitalBudget, FullItDeliversNothingNewAndDropsNothing) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 3);
  const model::QueueStats stats = shown();
  EXPECT_EQ(stats.hospital_bytes, 50u);
  EXPECT_EQ(stats.ready, 3u);
  EXPECT_EQ(stats.leased, 0u);
  EXPECT_THAT(levels.take(), ElementsAre(HospitalLevel::filling, HospitalLevel::full));
  publish(1);
  world.run_for(1h);
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(shown().ready, 4u);
  EXPECT_THAT(levels.take(), IsEmpty());
}

TEST_F(HospitalBudget, WhatIsOutAlreadyMayStillFail) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  anna.consume("orders", 8);
  publish(10);
  for (std::uint64_t offset = 0; offset < 8; ++offset) anna.reject(offset);
  EXPECT_GE(admitted().size(), 8u) << "none of them was dropped";
  EXPECT_EQ(shown().hospital_level, HospitalLevel::full);
}

TEST_F(HospitalBudget, AReplayGoesOutAndMakesRoom) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 3);
  levels.take();
  ASSERT_TRUE(world.replay(admitted()[0].id).status.ok());
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0)) << "although others wait";
  EXPECT_EQ(shown().hospital_level, HospitalLevel::full) << "it may still come back";
  anna.ack(0);
  world.settle();
  EXPECT_EQ(shown().hospital_bytes, 40u);
  EXPECT_THAT(anna.held(), ElementsAre(5)) << "it goes on by itself";
  EXPECT_THAT(levels.take(), ElementsAre(HospitalLevel::filling));
  anna.reject(5);
  world.settle();
  EXPECT_THAT(anna.held(), IsEmpty()) << "one out, one in";
  EXPECT_THAT(admitted(), SizeIs(5));
}

TEST_F(HospitalBudget, ARelapseKeepsWhatItKept) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 1);
  ASSERT_TRUE(world.replay(admitted()[2].id).status.ok());
  world.settle();
  anna.reject(2);
  world.settle();
  EXPECT_EQ(shown().hospital_bytes, 50u);
  EXPECT_THAT(anna.held(), IsEmpty());
}

TEST_F(HospitalBudget, ADiscardMakesRoomWhenItsTimeIsOver) {
  model::QueueOptions options = budget();
  options.case_retention = 1h;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  fill(anna, 1);
  ASSERT_TRUE(world.discard(admitted()[0].id, "no use").status.ok());
  world.run_for(1h - 1us);
  EXPECT_EQ(shown().hospital_bytes, 50u) << "until then it can be restored";
  EXPECT_THAT(anna.held(), IsEmpty());
  world.run_for(1us);
  EXPECT_EQ(shown().hospital_bytes, 40u);
  EXPECT_THAT(anna.held(), ElementsAre(5));
}

TEST_F(HospitalBudget, SentElsewhereItIsNotKept) {
  world.create_queue("orders", budget());
  world.create_queue("ward");
  Client anna(world, "anna", worker());
  fill(anna, 1);
  ASSERT_TRUE(world.redirect(admitted()[3].id, "ward").status.ok());
  world.settle();
  EXPECT_EQ(shown().hospital_bytes, 40u);
  EXPECT_THAT(anna.held(), ElementsAre(5));
}

TEST_F(HospitalBudget, AnAckThatComesAfterAllMakesRoom) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 1);
  anna.believes_to_hold(4);
  anna.ack(4);
  world.settle();
  ASSERT_THAT(world.cases("orders", CaseState::discharged), SizeIs(1));
  EXPECT_EQ(shown().hospital_bytes, 40u);
  EXPECT_THAT(anna.held(), ElementsAre(5));
}

TEST_F(HospitalBudget, EveryVersionOfAMessageCounts) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  anna.consume("orders", 1);
  publish(1);
  anna.reject(0);
  const model::CaseId id = admitted()[0].id;
  ASSERT_TRUE(world.edit(id, "twenty bytes of text").status.ok());
  world.settle();
  EXPECT_EQ(shown().hospital_bytes, 30u);
  ASSERT_TRUE(world.edit(id, "another twenty bytes").status.ok());
  world.settle();
  EXPECT_EQ(shown().hospital_bytes, 50u);
  EXPECT_EQ(shown().hospital_level, HospitalLevel::full);
  ASSERT_TRUE(world.replay(id).status.ok());
  world.settle();
  anna.ack(0);
  world.settle();
  EXPECT_EQ(shown().hospital_bytes, 40u) << "the versions stay with the closed case";
  world.kill_broker();
  world.start_broker();
  EXPECT_EQ(shown().hospital_bytes, 40u);
}

TEST_F(HospitalBudget, AnotherBudgetHoldsAtOnce) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 3);
  model::OptionsPatch patch;
  patch.hospital_max_bytes = 51;
  world.update("orders", patch);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(5));
  patch.hospital_max_bytes = 20;
  world.update("orders", patch);
  anna.ack(5);
  world.settle();
  EXPECT_THAT(anna.held(), IsEmpty());
  patch.hospital_max_bytes = 0;
  world.update("orders", patch);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(6)) << "there is none";
  EXPECT_EQ(shown().hospital_level, HospitalLevel::below);
}

TEST_F(HospitalBudget, AStartFindsItFullAndSaysSo) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 2);
  levels.take();
  for (int i = 0; i < 2; ++i) {
    world.kill_broker();
    anna.disconnected();
    world.start_broker();
    world.settle();
    EXPECT_EQ(shown().hospital_bytes, 50u);
    EXPECT_THAT(levels.take(), ElementsAre(HospitalLevel::full));
  }
  Client bert(world, "bert", worker());
  bert.consume("orders", 10);
  world.run_for(10s);
  EXPECT_THAT(bert.held(), IsEmpty());
  EXPECT_EQ(shown().ready, 2u);
  ASSERT_TRUE(world.replay(admitted()[1].id).status.ok());
  world.settle();
  EXPECT_THAT(bert.held(), ElementsAre(1));
  bert.ack(1);
  world.settle();
  EXPECT_THAT(bert.held(), ElementsAre(5, 6));
}

TEST_F(HospitalBudget, NothingIsImportedButWhatIsThere) {
  world.create_queue("orders", budget(30));
  const auto there = world.exported(1, kTenBytes);
  ASSERT_TRUE(world.import_case("orders", there).status.ok());
  for (const std::uint64_t number : {2, 3}) {
    ASSERT_TRUE(world.import_case("orders", world.exported(number, kTenBytes)).status.ok());
    world.settle();
  }
  const model::CaseDone refused = world.import_case("orders", world.exported(4, kTenBytes));
  EXPECT_EQ(refused.status.code(), Code::RESOURCE_EXHAUSTED);
  EXPECT_EQ(refused.status.limit(), "hospital_max_bytes");
  EXPECT_EQ(refused.status.limit_value(), 30);
  for (const bool looks : {true, false}) EXPECT_TRUE(world.import_case("orders", there, looks).known);
  EXPECT_THAT(admitted(), SizeIs(3));
  EXPECT_EQ(shown().counters.entered, 3u);
}

/// It takes no more of the disk than it did as a message.
TEST_F(HospitalBudget, WhatIsPastItsTimeBecomesACaseAllTheSame) {
  model::QueueOptions options = budget();
  options.ttl = 1min;
  options.on_expiry = model::OnExpiry::hospital;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  fill(anna, 2);
  world.run_for(2min);
  const auto cases = admitted();
  ASSERT_THAT(cases, SizeIs(7));
  EXPECT_EQ(cases.back().reason, CaseReason::expired);
  EXPECT_EQ(shown().hospital_bytes, 70u);
  EXPECT_EQ(shown().counters.expired, 0u);
}

TEST_F(HospitalBudget, AQuarantineRuleWaitsForRoom) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 0);
  ASSERT_TRUE(world.add_quarantine("orders", "bad").status.ok());
  world.publish_typed("orders", "bad", {kTenBytes});
  world.run_for(1min);
  EXPECT_EQ(shown().ready, 1u) << "it is met on its way to a consumer, and there is none now";
  ASSERT_TRUE(world.replay(admitted()[0].id).status.ok());
  world.settle();
  anna.ack(0);
  world.settle();
  EXPECT_EQ(shown().caught_by_quarantines, 1u);
  EXPECT_EQ(admitted().back().reason, CaseReason::quarantined);
}

TEST_F(HospitalBudget, ARetryThatIsDueWaitsToo) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  anna.consume("orders", 6);
  publish(6);
  anna.nack(0, "it failed", 10s);
  for (std::uint64_t offset = 1; offset < 6; ++offset) anna.reject(offset);
  ASSERT_EQ(shown().hospital_level, HospitalLevel::full);
  world.run_for(1min);
  EXPECT_THAT(anna.held(), IsEmpty());
  EXPECT_EQ(shown().ready, 1u);
  ASSERT_TRUE(world.replay(admitted()[0].id).status.ok());
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(1)) << "the replay passes it";
  anna.ack(1);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0));
}

TEST_F(HospitalBudget, ReplaysOfEveryPriorityGoOut) {
  world.create_queue("orders", budget(8));
  Client anna(world, "anna", worker());
  anna.consume("orders", 2);
  world.publish_prioritised("orders", 7);  // "body"
  world.publish_prioritised("orders", 0);
  for (const std::uint64_t offset : {0, 1}) anna.reject(offset);
  ASSERT_EQ(shown().hospital_level, HospitalLevel::full);
  world.publish_prioritised("orders", 9, 2);
  EXPECT_THAT(anna.held(), IsEmpty());
  for (const model::CaseRecord& one : admitted()) ASSERT_TRUE(world.replay(one.id).status.ok());
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(0, 1));
  for (const std::uint64_t offset : {0, 1}) anna.ack(offset);
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2, 3));
}

/// What was set aside because nobody accepts it is not in the way of replays, nor goes before them.
TEST_F(HospitalBudget, ReplaysGoOutToWhoAcceptsThem) {
  world.create_queue("orders", budget(20));
  Client anna(world, "anna", {.starts_at_once = true, .silent_trace = true, .accepts = {"a"}});
  anna.consume("orders", 2);
  world.publish_typed("orders", "b", {kTenBytes, kTenBytes});  // set aside
  world.publish_typed("orders", "a", {kTenBytes, kTenBytes, kTenBytes});
  ASSERT_THAT(anna.held(), ElementsAre(2, 3));
  for (const std::uint64_t offset : {2, 3}) anna.reject(offset);
  world.settle();
  ASSERT_EQ(shown().hospital_level, HospitalLevel::full);
  const std::vector<std::uint64_t> before = anna.held();
  for (const std::uint64_t offset : before) anna.ack(offset);
  Client bert(world, "bert", {.starts_at_once = true, .silent_trace = true, .accepts = {"b"}});
  bert.consume("orders", 2);
  world.settle();
  EXPECT_THAT(bert.held(), IsEmpty());
  ASSERT_TRUE(world.replay(admitted()[0].id).status.ok());
  world.settle();
  EXPECT_THAT(anna.held(), ElementsAre(2));
  anna.ack(2);
  world.settle();
  EXPECT_THAT(bert.held(), ElementsAre(0, 1));
}

TEST_F(HospitalBudget, ASuspectIsTriedOnlyIfItIsReplayed) {
  model::QueueOptions options = budget(10);
  options.max_worker_deaths = 3;
  world.create_queue("orders", options);
  Client anna(world, "anna", worker());
  anna.consume("orders", 2);
  publish(2);
  anna.reject(0);
  ASSERT_EQ(shown().hospital_level, HospitalLevel::full);
  anna.die();  // over 1
  world.run_for(10s);
  ASSERT_EQ(shown().suspects, 1u);
  ASSERT_TRUE(world.replay(admitted()[0].id).status.ok());
  Client bert(world, "bert", worker());
  bert.consume("orders", 2);
  world.run_for(1s);
  ASSERT_THAT(bert.held(), ElementsAre(0));
  bert.die();  // over the replay
  world.run_for(10s);
  ASSERT_EQ(shown().suspects, 2u);
  Client carl(world, "carl", worker());
  carl.consume("orders", 2);
  world.run_for(1s);
  EXPECT_THAT(carl.held(), ElementsAre(0)) << "alone, and the other waits";
  carl.ack(0);
  world.run_for(1s);
  EXPECT_THAT(carl.held(), ElementsAre(1));
}

TEST_F(HospitalBudget, EachSubscriptionHasItsOwn) {
  world.create_topic("news");
  world.subscribe("careful", "news", model::Start::latest, budget(10));
  world.subscribe("careless", "news", model::Start::latest, budget(0));
  Client anna(world, "anna", worker());
  Client bert(world, "bert", worker());
  anna.consume("careful", 1);
  bert.consume("careless", 1);
  publish(3, "news");
  reject_all(bert);
  anna.reject(0);
  world.settle();
  EXPECT_EQ(shown("careful").hospital_level, HospitalLevel::full);
  EXPECT_THAT(admitted("careless"), SizeIs(3));
  EXPECT_EQ(shown("careless").hospital_level, HospitalLevel::below);
  EXPECT_EQ(shown("careless").hospital_bytes, 30u);
}

/// What was moved back forgets its closed cases, and what these keep.
TEST_F(HospitalBudget, AMoveBackMakesRoom) {
  world.create_topic("news");
  world.subscribe("mail", "news", model::Start::earliest, budget(20));
  Client anna(world, "anna", worker());
  anna.consume("mail", 1);
  publish(2, "news");
  reject_all(anna);
  ASSERT_EQ(shown("mail").hospital_level, HospitalLevel::full);
  for (const model::CaseRecord& one : admitted("mail")) ASSERT_TRUE(world.discard(one.id).status.ok());
  ASSERT_TRUE(world.seek("mail", {model::Start::earliest, {}, {}}).status.ok());
  world.settle();
  EXPECT_EQ(shown("mail").hospital_bytes, 0u);
  EXPECT_THAT(anna.held(), ElementsAre(0));
}

TEST_F(HospitalBudget, WhatIsDeletedIsFullNoMore) {
  world.create_queue("orders", budget());
  Client anna(world, "anna", worker());
  fill(anna, 0);
  levels.take();
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  world.settle();
  EXPECT_THAT(levels.take(), ElementsAre(HospitalLevel::below));
}

TEST_F(HospitalBudget, AReplayGetsItsKeyFromARetryThatWaitsForRoom) { replay_with_a_retry_of_its_key(false); }

TEST_F(HospitalBudget, AReplayGetsItsKeyAlsoWhenItFillsOnlyThen) { replay_with_a_retry_of_its_key(true); }

TEST_F(HospitalBudget, ARuleFillsItNoFurther) {
  world.create_queue("orders", budget());
  world.add_quarantine("orders", "bad");
  Client anna(world, "anna", worker());
  for (int i = 0; i < 9; ++i) world.publish_typed("orders", "bad", {kTenBytes});
  anna.consume("orders", 1);
  world.run_for(1s);
  EXPECT_THAT(admitted(), SizeIs(4)) << "their types count too";
  EXPECT_EQ(shown().ready, 5u);
  EXPECT_THAT(anna.held(), IsEmpty());
}

}  // namespace
}  // namespace lazaret::simulation

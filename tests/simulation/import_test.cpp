// Cases of another broker come here: each at most once, nobody is delivered it unasked, and from then on it is a case
// like any. Of a topic's subscription it is that subscription's alone.
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

TEST_F(Import, WhatIsGoneOrHasNoCasesTakesNone) {
  world.create_topic("news");
  world.subscribe("news.all", "news");
  EXPECT_EQ(world.import_case("news", world.exported(1, "x")).status.code(), Code::NOT_FOUND);
  EXPECT_EQ(world.show("news.all").log_end.value, 0u);
  world.post_all(core::DiskPressure{true, 10, 100});
  EXPECT_EQ(world.import_case("orders", world.exported(1, "x")).status.code(), Code::RESOURCE_EXHAUSTED);
  world.post_all(core::DiskPressure{false, 1000, 100});
  const model::QueueRecord gone = world.queue("orders");
  anna.goodbye();
  ASSERT_TRUE(world.delete_queue("orders", true).status.ok());
  const model::QueueRecord left = world.queue("news.all");
  ASSERT_TRUE(world.delete_queue("news.all", true).status.ok());
  for (const model::QueueRecord& one : {gone, left}) {
    const model::ImportCaseCommand late{{}, one.subscription, world.exported(1, "x")};
    EXPECT_EQ(world.ask<model::CaseDone>(one.shard, late).status.code(), Code::NOT_FOUND);
  }
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

/// A topic with two subscriptions, one of which is brought cases.
class ImportOfTopic : public Story {
 protected:
  using Offsets = std::vector<std::uint64_t>;

  ImportOfTopic() : Story(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {
    model::QueueOptions keeping;
    keeping.retain_for = 1h;
    world.create_topic("news", keeping);
    subscribe("mine");
    subscribe("theirs");
  }
  void subscribe(const std::string& name, Start start = Start::latest, model::QueueOptions options = {},
                 const std::string& topic = "news") {
    options.max_attempts = 2;
    options.backoff_jitter = 0;
    world.subscribe(name, topic, start, options);
  }
  model::CaseId imported(std::uint64_t number, const std::string& to = "mine", const std::string& envelope = "") {
    const auto what = world.exported(number, "case " + std::to_string(number), 1, envelope);
    const model::CaseDone done = world.import_case(to, what);
    EXPECT_TRUE(done.status.ok()) << done.status.text();
    EXPECT_FALSE(done.known);
    return done.id;
  }
  /// What somebody who comes now is delivered, and acks.
  Offsets work_off(const std::string& subscription) {
    Client worker(world, "worker of " + subscription, {.starts_at_once = true});
    worker.consume(subscription, 1000);
    world.run_for(1s);
    const Offsets got = worker.held();
    for (const std::uint64_t offset : got) worker.ack(offset);
    world.run_for(100ms);
    worker.goodbye();
    world.settle();
    return got;
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  void trim() {
    world.run_for(2s);
    world.post_all(core::TrimNow{});
    world.run_for(2s);
  }
  model::CaseRecord record(const model::CaseId& id) { return *world.store().read_case(id); }
  model::Counters sums(const std::string& name) {
    expect_sums(name);
    return world.show(name).counters;
  }
};

TEST_F(ImportOfTopic, OnlyItsOwnSubscriptionHasIt) {
  world.publish("news", 1);
  const model::CaseId id = imported(5);
  EXPECT_EQ(id.offset.value, 1u);
  EXPECT_EQ(record(id).subscription, "mine");
  EXPECT_EQ(record(id).source, "news");
  world.publish("news", 1);
  EXPECT_THAT(work_off("theirs"), ElementsAre(0u, 2u));
  EXPECT_THAT(work_off("mine"), ElementsAre(0u, 2u));
  EXPECT_EQ(sums("theirs").entered, 2u) << "what it passes over has not entered";
  EXPECT_EQ(sums("theirs").filtered, 1u);
  EXPECT_EQ(world.show("theirs").ready, 0u);
  EXPECT_EQ(sums("mine").entered, 3u);
  EXPECT_EQ(sums("mine").filtered, 0u);
  EXPECT_EQ(sums("mine").in_hospital, 1u);
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_THAT(work_off("theirs"), IsEmpty());
  EXPECT_THAT(work_off("mine"), ElementsAre(1u));
  EXPECT_EQ(record(id).state, CaseState::discharged);
  EXPECT_EQ(sums("mine").acked, 3u);
  EXPECT_EQ(sums("theirs").acked, 2u);
}

/// Straight from memory, as whatever is published.
TEST_F(ImportOfTopic, WhoConsumesMeanwhileIsNotDeliveredIt) {
  Client anna(world, "anna");
  anna.consume("mine", 10);
  Client bert(world, "bert");
  bert.consume("theirs", 10);
  world.publish("news", 1);
  imported(5);
  world.publish("news", 1);
  EXPECT_THAT(anna.held(), ElementsAre(0u, 2u));
  EXPECT_THAT(bert.held(), ElementsAre(0u, 2u));
  EXPECT_EQ(sums("theirs").filtered, 1u);
  EXPECT_EQ(world.show("theirs").ready, 0u);
  EXPECT_EQ(sums("mine").in_hospital, 1u);
}

TEST_F(ImportOfTopic, TheSameFileTwiceBringsNothingTwiceAndToAnotherItIsAnotherCase) {
  const model::CaseId id = imported(5);
  EXPECT_TRUE(world.import_case("mine", world.exported(5, "case 5"), false).known);
  crash();
  EXPECT_EQ(world.import_case("mine", world.exported(5, "case 5")).id, id);
  const model::CaseId other = imported(5, "theirs");
  EXPECT_EQ(other.log, id.log);
  EXPECT_EQ(other.offset.value, 1u);
  ASSERT_TRUE(world.replay(other).status.ok());
  EXPECT_THAT(work_off("theirs"), ElementsAre(1u));
  EXPECT_THAT(work_off("mine"), IsEmpty());
  for (const char* name : {"mine", "theirs"}) EXPECT_EQ(sums(name).filtered, 1u) << name;
}

TEST_F(ImportOfTopic, ASubscriptionThatComesLaterPassesItOver) {
  imported(5);
  world.publish("news", 2);
  subscribe("late", Start::earliest);
  EXPECT_THAT(work_off("late"), ElementsAre(1u, 2u));
  EXPECT_EQ(sums("late").entered, 2u);
  EXPECT_EQ(sums("late").filtered, 1u);
}

TEST_F(ImportOfTopic, WithAFilterItIsPassedOverTooWhateverTheFilterSays) {
  model::QueueOptions options;
  options.filter = "a";
  subscribe("some", Start::latest, options);
  imported(5, "mine", "|a");
  imported(6, "some", "|b");
  world.publish_typed("news", "a", {"published"});
  EXPECT_THAT(work_off("some"), ElementsAre(2u));
  EXPECT_EQ(sums("some").filtered, 1u);
  EXPECT_EQ(sums("some").in_hospital, 1u) << "it is not asked whether its filter takes it";
}

TEST_F(ImportOfTopic, AfterASeekNobodyHasItEither) {
  world.publish("news", 1);
  const model::CaseId id = imported(5);
  world.publish("news", 1);
  const auto again = [&](const std::string& name) {
    EXPECT_TRUE(world.seek(name, {Start::earliest, {}, {}}).status.ok());
    return work_off(name);
  };
  for (const char* name : {"mine", "theirs"}) {
    EXPECT_THAT(work_off(name), ElementsAre(0u, 2u)) << name;
    EXPECT_THAT(again(name), ElementsAre(0u, 2u)) << name;
  }
  EXPECT_EQ(sums("theirs").filtered, 2u);
  EXPECT_EQ(sums("mine").filtered, 0u);
  EXPECT_EQ(sums("mine").in_hospital, 1u);
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_THAT(work_off("mine"), ElementsAre(1u));
  EXPECT_THAT(again("mine"), ElementsAre(0u, 2u)) << "a closed case is forgotten, and was never published";
  EXPECT_FALSE(world.store().read_case(id).ok());
  EXPECT_EQ(sums("mine").filtered, 1u);
  EXPECT_NE(imported(5), id) << "so it may be brought again";
  EXPECT_EQ(sums("mine").in_hospital, 1u);
}

/// Where a time lies is looked up by halves, and times of another broker would lead astray.
TEST_F(ImportOfTopic, ASeekToATimeGoesByWhatWasPublishedHere) {
  const base::Instant begin = world.now();
  world.run_for(1s);
  world.publish("news", 1);
  for (std::uint64_t number = 1; number <= 5; ++number) imported(number);
  world.run_for(1s);
  world.publish("news", 1);
  EXPECT_THAT(work_off("theirs"), ElementsAre(0u, 6u));
  ASSERT_TRUE(world.seek("theirs", {Start::time, {}, begin}).status.ok());
  EXPECT_THAT(work_off("theirs"), ElementsAre(0u, 6u));
  ASSERT_TRUE(world.seek("theirs", {Start::time, {}, begin + 1500ms}).status.ok());
  EXPECT_THAT(work_off("theirs"), ElementsAre(6u));
  expect_sums("theirs");
}

TEST_F(ImportOfTopic, ACrashAtOnceAfterItChangesNothing) {
  world.publish("news", 1);
  const model::CaseId id = imported(5);
  crash();
  EXPECT_EQ(record(id).state, CaseState::admitted);
  world.publish("news", 1);
  for (const char* name : {"mine", "theirs"}) EXPECT_THAT(work_off(name), ElementsAre(0u, 2u)) << name;
  crash();
  EXPECT_THAT(work_off("theirs"), IsEmpty());
  EXPECT_EQ(sums("theirs").filtered, 1u);
  EXPECT_EQ(sums("mine").in_hospital, 1u);
  ASSERT_TRUE(world.replay(id).status.ok());
  crash();
  EXPECT_THAT(work_off("mine"), ElementsAre(1u));
  EXPECT_EQ(record(id).state, CaseState::discharged);
}

TEST_F(ImportOfTopic, AKillInBetweenLeavesAllOrNothing) {
  const model::QueueRecord mine = world.queue("mine");
  world.submit(mine.shard, model::ImportCaseCommand{{}, mine.subscription, world.exported(5, "case 5")});
  crash();
  const auto cases = world.cases("mine", CaseState::admitted);
  EXPECT_EQ(sums("mine").in_hospital, cases.size());
  EXPECT_EQ(world.show("theirs").log_end.value, cases.size());
  EXPECT_THAT(work_off("theirs"), IsEmpty());
  EXPECT_EQ(sums("theirs").filtered, cases.size());
}

TEST_F(ImportOfTopic, ItIsReplayedEditedGivenUpAndSentOnLikeAnyOther) {
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("mine", 10);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("theirs", 10);
  const model::CaseId first = imported(1);
  ASSERT_TRUE(world.replay(first).status.ok());
  anna.ack(0);
  world.settle();
  EXPECT_EQ(record(first).state, CaseState::discharged);

  const model::CaseId second = imported(2);
  EXPECT_EQ(world.edit(second, "mended").version, 1u);
  ASSERT_TRUE(world.replay(second).status.ok());
  EXPECT_EQ(anna.delivery(1).what.message->body.view(), "mended");
  anna.reject(1);
  world.settle();
  EXPECT_EQ(record(second).relapse_count, 1u);
  EXPECT_EQ(record(second).source, "news");
  ASSERT_TRUE(world.discard(second, "no use").status.ok());
  ASSERT_TRUE(world.restore(second).status.ok());
  EXPECT_THAT(bert.held(), IsEmpty());

  const model::CaseId third = imported(3);
  ASSERT_TRUE(world.redirect(third, "news").status.ok());
  EXPECT_THAT(anna.held(), ElementsAre(3u));
  EXPECT_THAT(bert.held(), ElementsAre(3u)) << "what is published is everybody's";
  EXPECT_EQ(bert.delivery(3).what.message->body.view(), "case 3");
  EXPECT_EQ(sums("theirs").filtered, 3u);
  EXPECT_EQ(sums("mine").in_hospital, 1u);
  EXPECT_EQ(sums("mine").redirected, 1u);
}

TEST_F(ImportOfTopic, ItsMessageIsKeptWhileItsCaseIsOpen) {
  const model::CaseId id = imported(1);
  model::OptionsPatch few;
  few.retain_for = 0ms;
  few.retention_messages = 16;
  world.update("news", few);
  for (int i = 0; i < 8; ++i) world.publish("news", 16);
  trim();
  EXPECT_GT(sums("theirs").lost_to_retention, 0u);
  EXPECT_GT(world.show("theirs").log_begin.value, 0u);
  ASSERT_NE(world.version(id, 0), nullptr);
  EXPECT_EQ(world.version(id, 0)->body.view(), "case 1");
  EXPECT_EQ(sums("mine").in_hospital, 1u);
  crash();
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_EQ(work_off("mine").front(), 0u);
  EXPECT_EQ(record(id).state, CaseState::discharged);
  work_off("theirs");
  trim();
  EXPECT_EQ(world.store().evacuated_messages(world.queue("news").log), 0u) << "and no longer";
  for (const char* name : {"mine", "theirs"}) expect_sums(name);
}

TEST_F(ImportOfTopic, AFeederPassesItOver) {
  world.create_topic("wires");
  world.subscribe_to_all("press", {"news", "wires"});
  world.run_for(10ms);
  world.publish("news", 1);
  imported(5);
  world.publish("news", 1);
  world.run_for(100ms);
  EXPECT_EQ(sums("press").entered, 2u);
  EXPECT_EQ(sums("press").filtered, 1u);
  crash();
  EXPECT_THAT(work_off("press"), SizeIs(2));
  EXPECT_EQ(sums("press").filtered, 1u);
  EXPECT_EQ(sums("mine").in_hospital, 1u);
}

/// As into a queue: it says of itself that it is of the subscription, since none of its topics ever had it here.
TEST_F(ImportOfTopic, OfSeveralTopicsASubscriptionTakesItIntoItsOwnLog) {
  world.create_topic("wires");
  model::QueueOptions options;
  options.max_attempts = 2;
  world.subscribe_to_all("press", {"news", "wires"}, Start::latest, options);
  world.run_for(10ms);
  const model::CaseId id = imported(5, "press");
  EXPECT_EQ(id.log, world.queue("press").log);
  EXPECT_EQ(record(id).source, "press");
  world.publish("news", 1);
  world.publish("wires", 1);
  world.run_for(100ms);
  EXPECT_THAT(work_off("press"), SizeIs(2));
  EXPECT_THAT(work_off("mine"), ElementsAre(0u));
  EXPECT_EQ(sums("press").entered, 3u);
  EXPECT_EQ(sums("press").filtered, 0u);
  crash();
  EXPECT_TRUE(world.import_case("press", world.exported(5, "case 5")).known);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("press", 10);
  ASSERT_TRUE(world.replay(id).status.ok());
  ASSERT_THAT(anna.held(), ElementsAre(0u));
  EXPECT_EQ(anna.delivery(0).what.message->source, model::MessageSource());
  anna.reject(0);
  world.settle();
  EXPECT_EQ(record(id).relapse_count, 1u);
  EXPECT_EQ(record(id).source, "press");
  EXPECT_EQ(sums("press").in_hospital, 1u);
}

TEST_F(ImportOfTopic, HoldsUpNothingOfItsKey) {
  model::QueueOptions ordered;
  ordered.order_by_key = true;
  ordered.on_key_failure = model::KeyFailure::hold;
  for (const char* name : {"ledger.mine", "ledger.theirs"}) subscribe(name, Start::latest, ordered);
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("ledger.mine", 10);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("ledger.theirs", 10);
  world.publish_keyed("news", "k", {"first"});
  const model::CaseId id = imported(1, "ledger.mine", "k");
  world.publish_keyed("news", "k", {"second"});
  EXPECT_EQ(world.show("ledger.theirs").held, 1u) << "the second, behind the first";
  for (Client* client : {&anna, &bert}) {
    client->ack(0);
    world.settle();
    EXPECT_THAT(client->held(), ElementsAre(2u)) << client->name();
  }
  EXPECT_EQ(sums("ledger.theirs").filtered, 1u);
  anna.ack(2);
  world.settle();
  ASSERT_TRUE(world.replay(id).status.ok());
  EXPECT_THAT(anna.held(), ElementsAre(1u));
  EXPECT_THAT(bert.held(), ElementsAre(2u));
  expect_sums("ledger.mine");
}

TEST_F(ImportOfTopic, WithPrioritiesItComesWithoutItsOwnAndIsReplayedByIt) {
  world.publish_prioritised("news", 5);
  auto what = std::make_shared<model::ImportedCase>(*world.exported(1, "urgent"));
  auto message = std::make_shared<model::Message>(*what->message);
  message->priority = 7;
  what->message = std::move(message);
  const model::CaseDone done = world.import_case("mine", what);
  ASSERT_TRUE(done.status.ok());
  world.publish("news", 1);
  EXPECT_EQ(world.store().prioritised_messages(world.queue("news").log), 1u);
  EXPECT_THAT(work_off("theirs"), ElementsAre(0u, 2u));
  EXPECT_EQ(sums("theirs").filtered, 1u);
  ASSERT_TRUE(world.replay(done.id).status.ok());
  Client anna(world, "anna", {.starts_at_once = true});
  anna.consume("mine", 1);
  for (const std::uint64_t offset : {1u, 0u, 2u}) {  // 7, 5, and none
    world.run_for(20ms);
    ASSERT_THAT(anna.held(), ElementsAre(offset));
    anna.ack(offset);
  }
  world.run_for(20ms);
  EXPECT_EQ(sums("mine").acked, 3u);
}

TEST_F(ImportOfTopic, APublishWithItsIdStillReachesTheOthers) {
  model::OptionsPatch patch;
  patch.deduplicate_for = 1h;
  world.update("news", patch);
  const std::string envelope = "#0123456789abcdef";
  imported(1, "mine", envelope);
  crash();
  EXPECT_FALSE(world.publish_keyed("news", envelope, {"published"}).results.at(0).duplicate);
  EXPECT_TRUE(world.publish_keyed("news", envelope, {"published"}).results.at(0).duplicate);
  for (const char* name : {"mine", "theirs"}) EXPECT_THAT(work_off(name), ElementsAre(1u)) << name;
}

TEST_F(ImportOfTopic, WhatIsOlderThanTheirTimeToLiveIsNoCaseOfTheirs) {
  model::QueueOptions brief;
  brief.ttl = 1h;
  brief.on_expiry = model::OnExpiry::hospital;
  subscribe("brief", Start::latest, brief);
  const model::CaseId id = imported(1);
  ASSERT_LT(world.version(id, 0)->published_at, world.now() - 1h);
  world.run_for(5s);
  EXPECT_EQ(sums("brief").filtered, 1u);
  EXPECT_EQ(sums("brief").expired, 0u);
  EXPECT_EQ(sums("brief").in_hospital, 0u);
}

TEST_F(ImportOfTopic, ItsCaseOutlivesAnEphemeralSubscription) {
  model::QueueOptions brief;
  brief.ephemeral = true;
  subscribe("brief", Start::latest, brief);
  const model::CaseId id = imported(1, "brief");
  world.run_for(model::limits::kEphemeralWaits + 1s);
  ASSERT_FALSE(world.has_queue("brief"));
  EXPECT_THAT(work_off("theirs"), IsEmpty());
  trim();
  EXPECT_EQ(record(id).state, CaseState::admitted);
  ASSERT_NE(world.version(id, 0), nullptr);
  EXPECT_EQ(world.version(id, 0)->body.view(), "case 1");
  expect_sums("theirs");
}

TEST_F(ImportOfTopic, ARelaxedTopicSyncsThem) {
  world.create_topic("quick", model::Durability::relaxed);
  for (const char* name : {"quick.mine", "quick.theirs"}) subscribe(name, Start::latest, {}, "quick");
  const model::CaseId id = imported(1, "quick.mine");
  crash();
  EXPECT_EQ(record(id).state, CaseState::admitted);
  EXPECT_EQ(world.version(id, 0)->body.view(), "case 1");
  world.publish("quick", 1);
  EXPECT_THAT(work_off("quick.theirs"), SizeIs(1));
  EXPECT_EQ(sums("quick.theirs").filtered, 1u);
  EXPECT_EQ(sums("quick.mine").in_hospital, 1u);
}

}  // namespace
}  // namespace lazaret::simulation

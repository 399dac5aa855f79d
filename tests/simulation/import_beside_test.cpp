// What a case that is imported into one subscription of a topic is to the others that read it: nothing. It pushes
// nothing out that they have not read, and is never work of theirs.
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using ::testing::ElementsAre;

class ImportBeside : public Story {
 protected:
  ImportBeside() : Story(WorldOptions{.shards = 2, .ack_sync_max = 0ms}) {}
  /// With two subscriptions, of which `mine` is brought cases.
  void create(const model::QueueOptions& topic) {
    world.create_topic("news", topic);
    for (const char* name : {"mine", "audit"}) world.subscribe(name, "news");
  }
  void import(std::uint64_t count, const std::string& body = "case") {
    for (std::uint64_t i = 0; i < count; ++i) {
      const std::uint64_t number = ++imports_;
      const auto what = world.exported(number, body + " " + std::to_string(number));
      const model::CaseDone done = world.import_case("mine", what);
      ASSERT_TRUE(done.status.ok()) << done.status.text();
    }
  }
  void crash() {
    world.kill_broker();
    world.start_broker();
    world.settle();
  }
  model::Counters sums(const std::string& name) {
    expect_sums(name);
    return world.show(name).counters;
  }

 private:
  std::uint64_t imports_ = 0;
};

TEST_F(ImportBeside, ALimitByCountIsOfWhatWasPublished) {
  model::QueueOptions few;
  few.retention_messages = 100;
  create(few);
  world.publish("news", 80);
  import(110);
  world.run_for(1s);
  EXPECT_EQ(sums("audit").lost_to_retention, 0u);
  EXPECT_EQ(sums("mine").lost_to_retention, 0u);
  EXPECT_DOUBLE_EQ(world.show("audit").retention_used, 0.8);
  crash();
  EXPECT_DOUBLE_EQ(world.show("audit").retention_used, 0.8);
  world.publish("news", 10);
  import(1);
  EXPECT_EQ(sums("audit").lost_to_retention, 0u);
  EXPECT_DOUBLE_EQ(world.show("audit").retention_used, 0.9);
  world.publish("news", 100);
  crash();
  world.run_for(1s);
  EXPECT_LE(sums("audit").lost_to_retention, 90u) << "of 190 at least 100 are kept";
  EXPECT_GE(sums("audit").lost_to_retention, 83u) << "and a sixteenth more at most";
}

TEST_F(ImportBeside, ALimitByBytesIsOfWhatWasPublished) {
  model::QueueOptions small;
  small.retention_bytes = 16'000;
  create(small);
  const auto publish = [&](std::size_t count) {
    world.publish("news", std::vector<std::string>(count, std::string(100, 'x')));
  };
  publish(100);
  import(40, std::string(1000, 'y'));
  world.run_for(1s);
  EXPECT_EQ(sums("audit").lost_to_retention, 0u);
  EXPECT_LT(world.show("audit").retention_used, 0.8);
  crash();
  import(40, std::string(1000, 'z'));
  publish(10);
  EXPECT_EQ(sums("audit").lost_to_retention, 0u);
  publish(200);
  EXPECT_GT(sums("audit").lost_to_retention, 100u);
}

/// Marks that a limit made before there was one by count say how many there were too.
TEST_F(ImportBeside, ALimitThatComesLaterCountsNoneOfThemEither) {
  model::QueueOptions keeping;
  keeping.retain_for = 1h;
  create(keeping);
  world.publish("news", 50);
  import(60);
  crash();
  model::OptionsPatch few;
  few.retention_messages = 100;
  world.update("news", few);
  world.publish("news", 10);
  world.run_for(1s);
  EXPECT_EQ(sums("audit").lost_to_retention, 0u);
  world.publish("news", 200);
  EXPECT_GE(sums("audit").lost_to_retention, 50u);
  EXPECT_LE(sums("audit").lost_to_retention, 160u);
}

TEST_F(ImportBeside, NobodyElseHasWorkOfIt) {
  create({});
  import(3);
  const auto expect_nothing = [&] {
    const model::QueueStats stats = world.show("audit");
    EXPECT_EQ(stats.ready, 0u);
    EXPECT_EQ(stats.cursor, stats.log_end);
    EXPECT_FALSE(stats.oldest_ready_at.has_value());
    EXPECT_EQ(sums("audit").entered, 0u);
    EXPECT_EQ(sums("audit").filtered, 3u);
  };
  expect_nothing();
  crash();
  expect_nothing();
  EXPECT_EQ(sums("mine").in_hospital, 3u);
  EXPECT_TRUE(world.delete_queue("audit", false).status.ok()) << "it is empty";
}

TEST_F(ImportBeside, WhatLiesBeforeAndBehindItIsDeliveredAsEver) {
  create({});
  world.publish("news", 2);
  import(2);
  world.publish("news", 1);
  EXPECT_EQ(world.show("audit").ready, 3u);
  crash();
  EXPECT_EQ(world.show("audit").ready, 3u);
  Client bert(world, "bert", {.starts_at_once = true});
  bert.consume("audit", 10);
  world.run_for(1s);
  EXPECT_THAT(bert.held(), ElementsAre(0u, 1u, 4u));
  import(1);
  world.publish("news", 1);
  EXPECT_THAT(bert.held(), ElementsAre(0u, 1u, 4u, 6u)) << "straight from memory";
  for (const std::uint64_t offset : {0u, 1u, 4u, 6u}) bert.ack(offset);
  world.settle();
  EXPECT_EQ(world.show("audit").cursor.value, 7u);
  EXPECT_EQ(sums("audit").acked, 4u);
  EXPECT_EQ(sums("audit").filtered, 3u);
}

/// Of several topics: what a feeder has settled is told to the subscription also when nothing else comes.
TEST_F(ImportBeside, AFeederHasSettledItToo) {
  create({});
  world.create_topic("wires");
  world.subscribe_to_all("press", {"news", "wires"});
  world.run_for(10ms);
  import(2);
  world.run_for(100ms);
  EXPECT_EQ(sums("press").entered, 0u);
  EXPECT_EQ(sums("press").filtered, 2u);
  crash();
  world.publish("news", 1);
  import(1);
  world.run_for(100ms);
  EXPECT_EQ(world.show("press").ready, 1u);
  EXPECT_EQ(sums("press").entered, 1u);
  EXPECT_EQ(sums("press").filtered, 3u);
}

/// It is marked for those that were not there, or want everything once more.
TEST_F(ImportBeside, WhoComesLaterOrIsMovedBackPassesItOver) {
  model::QueueOptions keeping;
  keeping.retain_for = 1h;
  create(keeping);
  import(2);
  world.publish("news", 1);
  world.subscribe("late", "news", model::Start::earliest);
  ASSERT_TRUE(world.seek("audit", {model::Start::earliest, {}, {}}).status.ok());
  for (const char* name : {"late", "audit"}) {
    Client worker(world, "worker of " + std::string(name), {.starts_at_once = true});
    worker.consume(name, 10);
    world.run_for(1s);
    EXPECT_THAT(worker.held(), ElementsAre(2u)) << name;
    worker.ack(2);
    world.run_for(100ms);
    worker.goodbye();
    world.settle();
  }
  EXPECT_EQ(sums("late").filtered, 2u);
  EXPECT_EQ(sums("audit").filtered, 4u) << "once when they came, and once more";
  EXPECT_EQ(sums("audit").acked, 1u);
}

/// Each says when it came here, whatever time it had elsewhere.
TEST_F(ImportBeside, ATimeIsFoundBetweenThem) {
  model::QueueOptions keeping;
  keeping.retain_for = 1h;
  create(keeping);
  world.publish("news", 1);
  world.run_for(1s);
  import(50);
  world.run_for(1s);
  const base::Instant between = world.now();
  world.run_for(1s);
  world.publish("news", 1);
  import(50);
  crash();
  ASSERT_TRUE(world.seek("audit", {model::Start::time, {}, between}).status.ok());
  world.settle();
  EXPECT_EQ(world.show("audit").cursor.value, 51u);
  Client worker(world, "worker", {.starts_at_once = true});
  worker.consume("audit", 100);
  world.run_for(1s);
  EXPECT_THAT(worker.held(), ElementsAre(51u));
  EXPECT_EQ(sums("audit").purged, 1u);
  EXPECT_EQ(sums("audit").filtered, 150u);
}

/// Who came later, or feeds another, knows by its mark that it is none of theirs.
TEST_F(ImportBeside, ADamagedOneIsACaseOfNobodyElse) {
  model::QueueOptions keeping;
  keeping.retain_for = 1h;
  create(keeping);
  world.create_topic("wires");
  import(1);
  world.publish("news", 2);
  for (const std::uint64_t offset : {0u, 1u}) world.store().damage(world.queue("news").log, model::Offset(offset));
  world.subscribe("late", "news", model::Start::earliest);
  world.subscribe_to_all("press", {"news", "wires"}, model::Start::earliest);
  world.run_for(100ms);
  Client worker(world, "worker", {.starts_at_once = true});
  worker.consume("late", 10);
  world.run_for(1s);
  EXPECT_THAT(worker.held(), ElementsAre(2u));
  EXPECT_EQ(sums("late").filtered, 1u);
  EXPECT_EQ(sums("late").in_hospital, 1u) << "what was published, and is damaged, is a case of everybody";
  EXPECT_EQ(world.cases("late", model::CaseState::admitted).at(0).id.offset.value, 1u);
  EXPECT_EQ(sums("press").filtered, 1u);
  EXPECT_EQ(world.show("press").ready, 1u);
}

}  // namespace
}  // namespace lazaret::simulation

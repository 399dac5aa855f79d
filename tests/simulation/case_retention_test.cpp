// How many closed cases are kept: of more than case_retention_count those that were closed longest ago go, never fewer
// stay, and open ones are none of them (core/case_retention.cpp). How long they are kept: cure_test.cpp.
#include <algorithm>
#include <map>
#include <memory>

#include "model/limits.h"
#include "simulation/story.h"

namespace lazaret::simulation {
namespace {

using base::Code;
using model::CaseState;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// How often the store was asked for closed cases.
class Looks final : public Watcher {
 public:
  void effect(model::ShardId, const core::Effect& effect) override {
    if (std::holds_alternative<core::LoadClosed>(effect)) ++count;
  }
  int count = 0;
};

/// Three closed cases are kept.
class CaseRetention : public Story {
 protected:
  CaseRetention() : CaseRetention(WorldOptions{.ack_sync_max = 0ms}) {}
  explicit CaseRetention(WorldOptions options) : Story(options) {
    world.watch(looks);
    create("orders", 3);
  }
  void create(const std::string& name, std::uint64_t count) {
    model::QueueOptions options;
    options.case_retention = 30 * 24h;
    options.case_retention_count = count;
    world.create_queue(name, options);
    consume(name);
  }
  void consume(const std::string& name) {
    auto& client = clients[name];
    client = std::make_unique<Client>(world, name, Client::Options{.starts_at_once = true, .silent_trace = true});
    client->consume(name, 3000);
  }
  model::CaseId id(std::uint64_t offset, const std::string& queue = "orders") {
    const model::QueueRecord& record = world.queue(queue);
    return {record.shard, record.subscription, record.log, model::Offset(offset)};
  }
  /// So many cases, of messages 0 and so on.
  void hospital(std::size_t count, const std::string& queue = "orders") {
    Client& client = *clients.at(queue);
    for (std::size_t i = 0; i < count; ++i) world.publish(queue, 1);
    for (int i = 0; client.held().size() < count && i < 1000; ++i) world.run_for(1ms);
    ASSERT_THAT(client.held(), SizeIs(count));
    for (std::uint64_t offset = 0; offset < count; ++offset) client.reject(offset);
    for (int i = 0; world.cases(queue, CaseState::admitted).size() < count && i < 1000; ++i) world.run_for(1ms);
    ASSERT_THAT(world.cases(queue, CaseState::admitted), SizeIs(count));
  }
  /// One after another.
  void discard(const std::vector<std::uint64_t>& offsets) {
    for (const std::uint64_t offset : offsets) {
      ASSERT_TRUE(world.discard(id(offset)).status.ok()) << offset;
      world.run_for(1s);
    }
  }
  std::vector<std::uint64_t> offsets(CaseState state, const std::string& queue = "orders") {
    std::vector<std::uint64_t> found;
    for (const model::CaseRecord& one : world.cases(queue, state)) found.push_back(one.id.offset.value);
    std::sort(found.begin(), found.end());
    return found;
  }
  std::vector<std::uint64_t> discarded(const std::string& queue = "orders") {
    return offsets(CaseState::discarded, queue);
  }
  std::size_t closed(const std::string& queue = "orders") {
    return world.cases(queue, CaseState::discarded).size() + world.cases(queue, CaseState::discharged).size();
  }
  /// Discharged and discarded ones, as whoever watches is told.
  std::pair<std::uint64_t, std::uint64_t> told(const std::string& queue = "orders") {
    const model::QueueStats stats = world.show(queue);
    return {stats.closed_cases - stats.discarded_cases, stats.discarded_cases};
  }
  void keep_at_most(std::uint64_t count, const std::string& queue = "orders") {
    model::OptionsPatch patch;
    patch.case_retention_count = count;
    world.update(queue, patch);
  }
  void kill_and_start() {
    world.kill_broker();
    for (const auto& [name, client] : clients) client->disconnected();
    world.start_broker();
  }
  Looks looks;
  std::map<std::string, std::unique_ptr<Client>> clients;  // by their queues
};

TEST_F(CaseRetention, ThoseThatWereClosedLongestAgoGo) {
  hospital(7);
  discard({5, 0, 3});
  EXPECT_THAT(discarded(), ElementsAre(0, 3, 5));
  EXPECT_EQ(looks.count, 0) << "nothing is read while nothing is too many";
  discard({1});
  EXPECT_THAT(discarded(), ElementsAre(0, 1, 3));
  discard({4, 2});
  EXPECT_THAT(discarded(), ElementsAre(1, 2, 4));
  EXPECT_THAT(offsets(CaseState::admitted), ElementsAre(6)) << "open ones stay";
  EXPECT_EQ(world.store().read_case(id(5)).code(), Code::NOT_FOUND);
  EXPECT_THAT(outcomes("orders", 5), IsEmpty());
  EXPECT_EQ(world.restore(id(5)).status.code(), Code::NOT_FOUND);
  EXPECT_TRUE(world.restore(id(1)).status.ok());
  expect_sums("orders");
}

TEST_F(CaseRetention, HoweverTheyWereClosed) {
  world.create_queue("ward");
  hospital(5);
  ASSERT_TRUE(world.replay(id(0)).status.ok());
  world.settle();
  clients.at("orders")->ack(0);
  world.run_for(1s);
  EXPECT_THAT(offsets(CaseState::discharged), ElementsAre(0));
  ASSERT_TRUE(world.redirect(id(1), "ward").status.ok());
  world.run_for(1s);
  discard({2, 3});
  EXPECT_THAT(offsets(CaseState::discharged), ElementsAre(1));
  EXPECT_THAT(discarded(), ElementsAre(2, 3));
  discard({4});
  EXPECT_THAT(offsets(CaseState::discharged), IsEmpty());
  EXPECT_THAT(discarded(), ElementsAre(2, 3, 4));
  expect_sums("orders");
}

TEST_F(CaseRetention, WhoeverWatchesIsToldHowManyOfEachStateAreKept) {
  world.create_queue("ward");
  hospital(6);
  EXPECT_EQ(told(), std::pair(0ul, 0ul));
  ASSERT_TRUE(world.replay(id(0)).status.ok());
  world.settle();
  clients.at("orders")->ack(0);
  world.run_for(1s);
  ASSERT_TRUE(world.redirect(id(1), "ward").status.ok());
  world.run_for(1s);
  EXPECT_EQ(told(), std::pair(2ul, 0ul));
  discard({2});
  EXPECT_EQ(told(), std::pair(2ul, 1ul));
  kill_and_start();
  world.run_for(1s);
  EXPECT_EQ(told(), std::pair(2ul, 1ul)) << "it is counted on the disk";
  discard({3});
  EXPECT_EQ(told(), std::pair(1ul, 2ul)) << "one is too many, and has gone";
  ASSERT_TRUE(world.restore(id(2)).status.ok());
  world.run_for(1s);
  EXPECT_EQ(told(), std::pair(1ul, 1ul));
  EXPECT_EQ(told("ward"), std::pair(0ul, 0ul));
}

TEST_F(CaseRetention, SeveralThatAreClosedAtOneInstant) {
  hospital(6);
  for (const std::uint64_t offset : {5, 4, 3, 2, 1, 0}) world.discard(id(offset));
  world.run_for(1s);
  EXPECT_THAT(discarded(), SizeIs(3));
  expect_sums("orders");
}

TEST_F(CaseRetention, ARestoredOneIsNotCounted) {
  hospital(6);
  discard({0, 1, 2});
  ASSERT_TRUE(world.restore(id(0)).status.ok());
  world.run_for(1s);
  discard({3});
  EXPECT_THAT(discarded(), ElementsAre(1, 2, 3));
  discard({4});
  EXPECT_THAT(discarded(), ElementsAre(2, 3, 4));
  EXPECT_THAT(offsets(CaseState::admitted), ElementsAre(0, 5));
  discard({0});
  EXPECT_THAT(discarded(), ElementsAre(0, 3, 4)) << "it was closed last";
  expect_sums("orders");
}

TEST_F(CaseRetention, AnotherNumberHoldsAtOnce) {
  hospital(8);
  keep_at_most(0);
  discard({0, 1, 2, 3, 4, 5});
  EXPECT_THAT(discarded(), SizeIs(6)) << "any number";
  EXPECT_EQ(looks.count, 0);
  keep_at_most(2);
  world.run_for(1s);
  EXPECT_THAT(discarded(), ElementsAre(4, 5));
  keep_at_most(4);
  discard({6, 7});
  EXPECT_THAT(discarded(), ElementsAre(4, 5, 6, 7));
}

/// The shorter of both holds.
TEST_F(CaseRetention, TheirTimeEndsThemAsWell) {
  hospital(5);
  discard({0, 1, 2, 3});
  model::OptionsPatch patch;
  patch.case_retention = 1min;
  world.update("orders", patch);
  world.run_for(50s);
  EXPECT_THAT(discarded(), ElementsAre(1, 2, 3));
  discard({4});
  EXPECT_THAT(discarded(), ElementsAre(2, 3, 4));
  world.run_for(57s);
  EXPECT_THAT(discarded(), ElementsAre(4));
  world.run_for(10s);
  EXPECT_THAT(discarded(), IsEmpty());
}

TEST_F(CaseRetention, ManyGoPageByPage) {
  const std::size_t many = 2 * model::limits::kClosedPage + 10;
  keep_at_most(0);
  hospital(many);
  for (std::uint64_t offset = 0; offset < many; ++offset) world.discard(id(offset));
  EXPECT_EQ(world.store().cases(), many);
  world.run_for(1s);
  keep_at_most(5);
  world.run_for(1s);
  EXPECT_THAT(discarded(), ElementsAre(many - 5, many - 4, many - 3, many - 2, many - 1));
  EXPECT_EQ(world.store().cases(), 5u);
  expect_sums("orders");
}

/// What was moved back forgets its closed cases: what is closed then is not too many.
TEST_F(CaseRetention, AMoveBackBeginsAnew) {
  world.create_topic("news");
  model::QueueOptions options;
  options.case_retention_count = 2;
  world.subscribe("mail", "news", model::Start::earliest, options);
  consume("mail");
  world.publish("news", 4);
  Client& anna = *clients.at("mail");
  for (const std::uint64_t offset : {0, 1, 2}) anna.reject(offset);
  world.settle();
  for (const std::uint64_t offset : {0, 1, 2}) ASSERT_TRUE(world.discard(id(offset, "mail")).status.ok());
  world.run_for(1s);
  EXPECT_THAT(discarded("mail"), SizeIs(2));
  ASSERT_TRUE(world.seek("mail", {model::Start::earliest, {}, {}}).status.ok());
  for (const std::uint64_t offset : {0, 1}) {
    anna.reject(offset);
    world.settle();
    ASSERT_TRUE(world.discard(id(offset, "mail")).status.ok());
  }
  world.run_for(1s);
  EXPECT_THAT(discarded("mail"), ElementsAre(0, 1));
}

TEST_F(CaseRetention, EachSubscriptionHasItsOwn) {
  create("parcels", 1);
  hospital(3, "parcels");
  for (const std::uint64_t offset : {2, 1, 0}) {
    world.discard(id(offset, "parcels"));
    world.run_for(1s);
  }
  EXPECT_THAT(discarded("parcels"), ElementsAre(0));
  EXPECT_THAT(discarded(), IsEmpty());
}

/// Writes and reads take their time, and what is read may be old when it comes.
class CaseRetentionInTime : public CaseRetention {
 protected:
  CaseRetentionInTime()
      : CaseRetention(WorldOptions{.ack_sync_max = 5ms, .sync_time = 7ms, .page_time = 3ms, .page_age = 40ms}) {}
};

TEST_F(CaseRetentionInTime, ThereAreNeverTooFew) {
  hospital(40);
  for (std::uint64_t offset = 0; offset < 40; ++offset) {
    world.discard(id(offset));
    world.run_for(1ms * (offset % 7));
    EXPECT_GE(closed(), std::min<std::uint64_t>(offset + 1, 3));
  }
  for (int i = 0; i < 600; ++i) {
    world.run_for(1ms);
    ASSERT_GE(closed(), 3u);
  }
  EXPECT_THAT(discarded(), ElementsAre(37, 38, 39));
  expect_sums("orders");
}

/// At any time between what was closed and that it is counted, looked for, dropped and counted again.
TEST_F(CaseRetentionInTime, AKillInBetweenDropsNeitherTooManyNorTooFew) {
  for (int wait = 0; wait < 150; wait += 6) {
    const std::string name = "q" + std::to_string(wait);
    create(name, 3);
    hospital(6, name);
    for (std::uint64_t offset = 0; offset < 6; ++offset) ASSERT_TRUE(world.discard(id(offset, name)).status.ok());
    world.run_for(1ms * wait);
    kill_and_start();
    for (int i = 0; i < 40; ++i) {
      world.run_for(10ms);
      ASSERT_GE(closed(name), 3u) << wait;
    }
    EXPECT_THAT(discarded(name), ElementsAre(3, 4, 5)) << wait;
    world.run_for(10s);  // nobody is awaited any more
  }
}

/// The page that is under way has it among those that go.
TEST_F(CaseRetentionInTime, ARestoreInBetween) {
  int restored = 0;
  int gone = 0;
  for (int wait = 0; wait < 200; wait += 5) {
    const std::string name = "q" + std::to_string(wait);
    create(name, 3);
    hospital(4, name);
    for (std::uint64_t offset = 0; offset < 4; ++offset) {
      ASSERT_TRUE(world.discard(id(offset, name)).status.ok());
      world.run_for(1ms);
    }
    world.run_for(1ms * wait);
    const bool is_open = world.restore(id(0, name)).status.ok();
    ++(is_open ? restored : gone);
    world.run_for(1s);
    EXPECT_THAT(discarded(name), ElementsAre(1, 2, 3)) << wait;
    EXPECT_THAT(offsets(CaseState::admitted, name), SizeIs(is_open ? 1 : 0)) << wait;
    expect_sums(name);
  }
  EXPECT_GT(restored, 0);
  EXPECT_GT(gone, 0);
}

/// It is another closed case then, the newest.
TEST_F(CaseRetentionInTime, OneThatIsRestoredAndDiscardedInBetween) {
  for (int wait = 0; wait < 120; wait += 5) {
    const std::string name = "q" + std::to_string(wait);
    create(name, 3);
    hospital(4, name);
    for (std::uint64_t offset = 0; offset < 4; ++offset) {
      ASSERT_TRUE(world.discard(id(offset, name)).status.ok());
      world.run_for(1ms);
    }
    world.run_for(1ms * wait);
    const bool again = world.restore(id(0, name)).status.ok() && world.discard(id(0, name)).status.ok();
    world.run_for(1s);
    if (!again) {
      EXPECT_THAT(discarded(name), ElementsAre(1, 2, 3)) << wait;
      continue;
    }
    EXPECT_THAT(discarded(name), ElementsAre(0, 2, 3)) << wait;
    EXPECT_TRUE(world.restore(id(0, name)).status.ok()) << wait << ": its message is there";
    expect_sums(name);
  }
}

}  // namespace
}  // namespace lazaret::simulation

// Scale: what many of something cost, as bounds on memory, disk and counters. LAZARET_LONG=1 takes the numbers that are
// promised; what is measured is printed in both.
#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <iostream>

#include "faults/resident_bound.h"
#include "integration/support/api.h"
#include "integration/support/in_turn.h"
#include "lazaret/lazaret.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;
using testing::Broker;
using testing::eventually;
using testing::InTurn;
using testing::QueueView;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

constexpr std::uint64_t kMemtables = 64u << 20;
constexpr std::uint64_t kBlockCache = 32u << 20;
constexpr std::size_t kPassingBytes = 200;
/// How much longer than an empty store a full one may take from kill to ready; the promise is one second.
double most_seconds_more() { return is_long() ? 1.0 : 3.0; }

testing::BrokerOptions options() {
  return {.settings = {"storage.memtable_bytes=" + std::to_string(kMemtables),
                       "storage.block_cache_bytes=" + std::to_string(kBlockCache), "storage.disk_reserve_bytes=0",
                       "storage.disk_reserve_percent=0"},
          .arguments = {}};
}

class Scale : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "scale", .timeout = 300s}); }
  std::uint64_t status(const char* part, const char* what) {
    return testing::api(broker_, "/status").at(part).at(what).to_number<std::uint64_t>();
  }
  std::uint64_t resident() { return status("process", "resident_bytes"); }
  /// The memtables have a budget of their own, whatever is in them.
  std::uint64_t resident_without_memtables() { return resident() - status("store", "memtable_bytes"); }
  std::uint64_t on_disk() { return on_disk(broker_); }
  std::uint64_t on_disk(const Broker& broker) {
    std::uint64_t bytes = 0;
    std::error_code error;
    for (const auto& file : std::filesystem::recursive_directory_iterator(broker.data_dir(), error)) {
      const auto size = file.file_size(error);  // it may be gone by now
      if (!error) bytes += size;
    }
    return bytes;
  }
  void say(const std::string& what, double value) {
    RecordProperty(what, std::to_string(value));
    std::cout << what << ": " << value << "\n";
  }

  /// Some thousand at a time under way; `look` now and then.
  void publish(
      Client& client, const std::string& to, std::uint64_t count, std::size_t bytes,
      const std::function<void()>& look = [] {}) {
    std::atomic<std::uint64_t> confirmed{0};
    for (std::uint64_t i = 0; i < count; ++i) {
      client.async_publish(to, {.body = std::string(bytes, 'x')}, [&](error_code code, const Receipt&) {
        EXPECT_FALSE(code) << code.message();
        ++confirmed;
      });
      if (i % 100'000 == 99'999) look();
      if (i % 1'000 != 999) continue;
      ASSERT_TRUE(eventually([&] { return confirmed + 20'000 > i; }, 120s));
    }
    ASSERT_TRUE(eventually([&] { return confirmed == count; }, 120s));
    look();
  }
  /// Through "q", published and acked; both look, or neither: it is part of what is measured.
  double passed_per_second(Client& client, std::uint64_t count, const std::function<void()>& look) {
    const std::uint64_t before = client.show("q").acked_total;
    const auto begun = std::chrono::steady_clock::now();
    publish(client, "q", count, kPassingBytes, look);
    EXPECT_TRUE(eventually([&] { return client.show("q").acked_total == before + count; }, 300s));
    return static_cast<double>(count) / std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
  }
  void create_queues(Client& client, std::uint64_t from, std::uint64_t until) {
    std::atomic<std::uint64_t> created{from};
    for (std::uint64_t i = from; i < until; ++i) {
      client.async_create(QueueSpec{.name = "idle." + std::to_string(i)}, [&](error_code code, const QueueInfo&) {
        EXPECT_FALSE(code) << code.message();
        ++created;
      });
      ASSERT_TRUE(eventually([&] { return created + 500 > i; }, 60s));
    }
    ASSERT_TRUE(eventually([&] { return created == until; }, 120s));
  }
  double seconds_to_start() { return testing::seconds_to_start(broker_); }

  Broker broker_{options()};
};

/// The bound of the disk: the write-ahead logs, which are written over again, and what is flushed before it is trimmed;
/// a multiple of the memtables, whatever has passed. The rate is held against that of a broker where nothing is held.
TEST_F(Scale, OneThatIsHeldKeepsNothingElseOnTheDiskAndSlowsNothing) {
  const int rounds = is_long() ? 21 : 3;
  const std::uint64_t count = is_long() ? 500'000 : 100'000;
  constexpr std::uint64_t kMost = 5 * kMemtables;
  Broker other(options());
  Client client = connect();
  Client without = Client::connect(other.url(), {.name = "scale", .timeout = 300s});
  for (Client* one : {&client, &without}) one->ensure({.name = "q"});
  std::atomic<bool> holds{false};
  const auto hold = [&](Delivery& delivery) {
    holds = true;
    // Until the consumer is closed.
    EXPECT_TRUE(eventually([&] { return delivery.stop_token().stop_requested(); }, 1h));
    return Verdict::release();
  };
  Client with_the_one = Client::connect(broker_.url(), {.name = "holder", .drain = 0s});
  const Consumer holder = with_the_one.consume("q", hold, {.prefetch = 1, .longest = 1h});
  client.publish("q", {.body = "held"});
  ASSERT_TRUE(eventually([&] { return holds.load(); }));
  Client passes = connect();
  Client passes_without = Client::connect(other.url(), {.name = "scale"});
  const ConsumeOptions many{.concurrency = 2, .prefetch = 2000};
  const Consumer passing = passes.consume(
      "q", [](Delivery&) {}, many);
  const Consumer passing_without = passes_without.consume(
      "q", [](Delivery&) {}, many);
  std::uint64_t highest = 0;
  const InTurn rates(
      rounds, [&] { return passed_per_second(without, count, [&] { on_disk(other); }); },
      [&] {
        const double rate = passed_per_second(client, count, [&] { highest = std::max(highest, on_disk()); });
        std::cout << "on the disk: " << static_cast<double>(on_disk()) / 1e6 << " MB\n";
        return rate;
      });
  const QueueInfo info = client.show("q");
  EXPECT_EQ(info.leased, 1u);
  EXPECT_EQ(info.cursor, 0u);
  EXPECT_LT(highest, kMost);
  say("highest_disk_mb", static_cast<double>(highest) / 1e6);
  say("passed_mb", static_cast<double>(static_cast<std::uint64_t>(rounds) * count * kPassingBytes) / 1e6);
  say("passed_per_second_without", rates.without());
  say("passed_per_second", rates.with());
  EXPECT_GT(rates.ratio(), is_long() ? 0.85 : 0.25);
  say("resident_mb", static_cast<double>(resident()) / 1e6);
  EXPECT_LT(resident(), of_this_build(kMemtables + kBlockCache + (96u << 20)));
}

/// The log is written once: what a publish writes does not grow with the subscriptions, and neither does what it makes
/// a commit for. The rest is a share of the small record of the log.
TEST_F(Scale, APublishToATopicIsOneWriteHoweverManySubscriptionsThereAre) {
  constexpr std::uint64_t kMessages = 2'000;
  Client client = connect();
  std::map<int, double> bytes;
  for (const int subscriptions : {1, 10, 100}) {
    const std::string topic = "topic" + std::to_string(subscriptions);
    client.ensure_topic({.name = topic});
    for (int i = 0; i < subscriptions; ++i) {
      client.ensure_subscription({.name = topic + "." + std::to_string(i), .topic = topic});
    }
    const std::uint64_t commits = status("store", "commits_total");
    const std::uint64_t before = status("store", "written_bytes_total");
    const std::uint64_t syncs = status("store", "syncs_total");
    for (std::uint64_t i = 0; i < kMessages; ++i) client.publish(topic, {.body = std::string(100, 'x')});
    bytes[subscriptions] = static_cast<double>(status("store", "written_bytes_total") - before) / kMessages;
    say("bytes_a_publish_at_" + std::to_string(subscriptions), bytes[subscriptions]);
    say("commits_a_publish_at_" + std::to_string(subscriptions),
        static_cast<double>(status("store", "commits_total") - commits) / kMessages);
    EXPECT_LT(status("store", "commits_total") - commits, kMessages * 11 / 10);
    EXPECT_LT(status("store", "syncs_total") - syncs, kMessages * 11 / 10);
    EXPECT_EQ(QueueView(broker_, topic + "." + std::to_string(subscriptions - 1), "subscriptions")["ready"],
              static_cast<std::int64_t>(kMessages));
  }
  EXPECT_LT(bytes[10], bytes[1] * 1.05);
  EXPECT_LT(bytes[100], bytes[1] * 1.05);
}

TEST_F(Scale, AThousandSubscriptionsOfOneTopic) {
  const int subscriptions = is_long() ? 1'000 : 200;
  const std::uint64_t messages = is_long() ? 20'000 : 2'000;
  Client client = connect();
  client.ensure_topic({.name = "topic"});
  const std::uint64_t before = resident();
  for (int i = 0; i < subscriptions; ++i) {
    client.ensure_subscription({.name = "s" + std::to_string(i), .topic = "topic"});
  }
  const std::uint64_t created = resident();
  publish(client, "topic", messages, 100);
  const std::uint64_t published = resident();
  say("resident_bytes_a_subscription", static_cast<double>(created - before) / subscriptions);
  say("resident_mb_of_what_is_published", (static_cast<double>(published) - static_cast<double>(created)) / 1e6);
  EXPECT_LT(created, before + of_this_build(static_cast<std::uint64_t>(subscriptions) * 16'384));
  // One log, whoever has read it: nothing of a message is kept for each subscription.
  EXPECT_LT(published, created + messages * 1'000 + (16u << 20));
  // Each has all of them, read or not, and over a kill.
  std::atomic<std::uint64_t> got{0};
  std::vector<Consumer> readers;
  for (int i = 0; i < subscriptions; i += subscriptions / 10) {
    readers.push_back(client.consume("s" + std::to_string(i), [&](Delivery&) { ++got; }, {.prefetch = 500}));
  }
  EXPECT_TRUE(eventually([&] { return got == 10 * messages; }, 300s));
  for (Consumer& reader : readers) reader.close(30s);
  say("start_seconds", seconds_to_start());
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  for (int i = 0; i < subscriptions; ++i) {
    const QueueInfo info = client.show("s" + std::to_string(i));
    EXPECT_EQ(info.entered_total, messages);
    EXPECT_EQ(info.ready + info.acked_total, messages) << i;
  }
}

/// The bound is of the second half of them, each measured behind a start: what a broker takes once is not theirs.
TEST_F(Scale, IdleQueuesCostLittle) {
  const std::uint64_t queues = is_long() ? 100'000 : 10'000;
  // Of a few, what a start leaves behind in the allocator is a part that shows.
  const std::uint64_t most_each = is_long() ? 2048 : 8192;
  Client client = connect();
  say("start_seconds_empty", seconds_to_start());
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  create_queues(client, 0, queues / 2);
  say("start_seconds_of_half", seconds_to_start());
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  const std::uint64_t half = resident_without_memtables();
  create_queues(client, queues / 2, queues);
  // Some of them are not quite idle.
  for (int i = 0; i < 100; ++i) client.publish("idle." + std::to_string(i), {.body = "x"});
  say("start_seconds", seconds_to_start());
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  const std::uint64_t all = resident_without_memtables();
  const double each = (static_cast<double>(all) - static_cast<double>(half)) / static_cast<double>(queues / 2);
  say("resident_mb", static_cast<double>(all) / 1e6);
  say("resident_bytes_a_queue", each);
  EXPECT_LT(each, most_each);
  EXPECT_EQ(client.show("idle.7").ready, 1u);
  EXPECT_EQ(testing::api(broker_, "/status").at("queues").to_number<std::uint64_t>(), queues);
}

/// The bound: what the configuration gives to memtables and cache, and 96 MiB for the rest of the process. Each start
/// has what was just published to read again from the log, beside all that is in files.
TEST_F(Scale, ReadyMessagesStayWithinTheBudgetAndDelayNoStart) {
  const std::uint64_t messages = is_long() ? 10'000'000 : 300'000;
  const std::uint64_t before_a_start = messages / 30;
  constexpr int kStarts = 3;
  constexpr std::uint64_t kBudget = kMemtables + kBlockCache + (96u << 20);
  Client client = connect();
  client.ensure({.name = "q"});
  std::uint64_t highest = 0;
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t at_once = messages - kStarts * before_a_start;
  publish(client, "q", at_once, 100, [&] { highest = std::max(highest, resident()); });
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  say("published_per_second", static_cast<double>(at_once) / took.count());
  say("highest_resident_mb", static_cast<double>(highest) / 1e6);
  EXPECT_LT(highest, of_this_build(kBudget));
  Broker empty(options());
  const InTurn starts(
      kStarts, [&] { return testing::seconds_to_start(empty); },
      [&] {
        publish(client, "q", before_a_start, 100);
        const double seconds = seconds_to_start();
        EXPECT_TRUE(eventually([&] { return client.connected(); }));
        return seconds;
      });
  say("start_seconds_empty", starts.without());
  say("start_seconds", starts.with());
  EXPECT_LT(starts.with(), starts.without() + most_seconds_more());
  EXPECT_EQ(client.show("q").ready, messages);
  // They are read in pages.
  std::atomic<std::uint64_t> got{0};
  Consumer reader = client.consume("q", [&](Delivery&) { ++got; }, {.prefetch = 2000});
  EXPECT_TRUE(eventually([&] { return got > messages / 10; }, 300s));
  reader.close(30s);
  say("resident_mb_behind_a_tenth", static_cast<double>(resident()) / 1e6);
  EXPECT_LT(resident(), of_this_build(kBudget));
}

}  // namespace
}  // namespace lazaret::faults

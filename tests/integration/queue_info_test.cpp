// What the client library says of a queue, a topic and a subscription is what the HTTP API says.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/duration_text.h"
#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using ::testing::ElementsAre;

std::string rfc3339(std::chrono::system_clock::time_point time) {
  const auto exact = std::chrono::time_point_cast<std::chrono::microseconds>(time).time_since_epoch();
  return base::format_rfc3339({exact.count()});
}

class QueueInfoTest : public ::testing::Test {
 protected:
  object shown(const std::string& kind, const std::string& name) {
    return api(broker_, "/" + kind + "/" + name).as_object();
  }
  static std::uint64_t number(const object& json, const char* name) { return json.at(name).to_number<std::uint64_t>(); }
  /// All counts that both know.
  static void expect_same(const QueueInfo& info, const object& json) {
    const std::pair<const char*, std::uint64_t> counts[] = {
        {"ready", info.ready},
        {"leased", info.leased},
        {"waiting", info.waiting},
        {"scheduled", info.scheduled},
        {"in_hospital", info.in_hospital},
        {"entered_total", info.entered_total},
        {"acked_total", info.acked_total},
        {"discarded_total", info.discarded_total},
        {"expired_total", info.expired_total},
        {"purged_total", info.purged_total},
        {"dropped_total", info.dropped_total},
        {"lost_to_retention_total", info.lost_to_retention_total},
        {"redirected_total", info.redirected_total},
        {"late_replies_total", info.late_replies_total},
        {"lost_replies_total", info.lost_replies_total},
        {"pending_requests", info.pending_requests},
        {"suspects", info.suspects},
        {"failed_attempts_total", info.failed_attempts_total},
        {"offsets_left_out", info.offsets_left_out},
        {"hospital_bytes", info.hospital_bytes},
        {"quarantines", info.quarantines},
        {"caught_by_quarantines", info.caught_by_quarantines},
    };
    for (const auto& [name, count] : counts) EXPECT_EQ(number(json, name), count) << name;
    EXPECT_EQ(text_of(json, "created_at"), rfc3339(info.created_at));
    EXPECT_EQ(text_of(json, "hospital_level"), info.hospital_level);
    EXPECT_EQ(text_of(json.at("breaker_status"), "state"), info.breaker_status.state);
    EXPECT_EQ(json.at("paused").as_bool(), info.spec.paused.value());
  }

  Broker broker_;
  Client client_ =
      Client::connect(broker_.url(), {.name = "details", .version = "7", .host = "here", .timeout = 60s, .drain = 5s});
};

TEST_F(QueueInfoTest, OfASubscriptionIsWhatHttpShows) {
  client_.ensure_topic({.name = "orders"});
  client_.create_subscription({.name = "billing", .topic = "orders", .max_attempts = 1});
  client_.publish("orders", {.body = "bad"});
  {
    const Consumer consumer = client_.consume("billing", [](Delivery&) { return Verdict::fail("no"); });
    ASSERT_TRUE(eventually([&] { return client_.show("billing").in_hospital == 1; }));
  }
  const QueueInfo full = client_.show("billing");
  EXPECT_GT(full.hospital_bytes, 0u);
  EXPECT_EQ(full.failed_attempts_total, 1u);
  ASSERT_EQ(broker_.cli({"hospital", "discard", "--all"}).exit, 0);
  for (int i = 0; i < 2; ++i) client_.publish("orders", {.body = "purged"});
  EXPECT_EQ(client_.purge("billing"), 2u);
  for (int i = 0; i < 3; ++i) client_.publish("orders", {.body = "x"});
  Gate gate;
  Inbox inbox;
  const Consumer consumer = client_.consume("billing",
                                            [&](Delivery& delivery) {
                                              inbox.add(delivery);
                                              gate.pass();
                                            },
                                            {.concurrency = 1, .prefetch = 1});
  ASSERT_TRUE(inbox.reaches(1));
  const QueueInfo info = client_.show("billing");
  EXPECT_EQ(info.lag, 3u);
  EXPECT_EQ(info.leased, 1u);
  EXPECT_EQ(info.ready, 2u);
  EXPECT_EQ(info.discarded_total, 1u);
  EXPECT_EQ(info.purged_total, 2u);
  ASSERT_EQ(info.consumer_list.size(), 1u);
  EXPECT_EQ(info.consumer_list[0].name, "details");
  EXPECT_EQ(info.consumer_list[0].version, "7");
  EXPECT_EQ(info.consumer_list[0].host, "here");
  EXPECT_EQ(info.consumer_list[0].in_flight, 1u);
  EXPECT_EQ(info.consumer_list[0].begun, 1u);
  EXPECT_EQ(info.breaker_status.state, "closed");
  const PeekedMessage leased = client_.peek("billing", {}, 1).messages.at(0);
  EXPECT_EQ(leased.state, "leased");
  ASSERT_TRUE(leased.consumer);
  EXPECT_EQ(leased.consumer->name, "details");
  EXPECT_EQ(leased.consumer->host, "here");
  EXPECT_EQ(leased.consumer->version, "7");
  EXPECT_GT(leased.until, std::chrono::system_clock::time_point());
  const PeekedMessage ready = client_.peek("billing", {}, 2).messages.at(1);
  EXPECT_EQ(ready.state, "ready");
  EXPECT_FALSE(ready.consumer);
  EXPECT_EQ(ready.until, std::chrono::system_clock::time_point());
  const object json = shown("subscriptions", "billing");
  expect_same(info, json);
  EXPECT_EQ(number(json, "lag"), info.lag);
  EXPECT_EQ(text_of(json, "oldest_ready_at"), rfc3339(info.oldest_ready_at));
  EXPECT_EQ(client_.list({}, 10, Kind::subscription).queues.at(0).lag, 3u) << "a list says as much";
  EXPECT_EQ(client_.list({}, 10, Kind::subscription).queues.at(0).consumer_list.size(), 1u);
  const QueueInfo topic = client_.show("orders");
  EXPECT_GT(topic.created_at, std::chrono::system_clock::time_point());
  EXPECT_EQ(topic.first_offset, number(shown("topics", "orders"), "first_offset"));
}

/// What is ready and in no memory has its time from the disk.
TEST_F(QueueInfoTest, TheOldestReadyMessageIsTheSameAfterARestart) {
  client_.ensure({.name = "q"});
  client_.publish("q", {.body = "first"});
  client_.publish("q", {.body = "second"});
  const auto published = client_.peek("q").messages.at(0).message.published_at;
  EXPECT_EQ(client_.show("q").oldest_ready_at, published);
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client_.connected(); }));
  EXPECT_EQ(client_.show("q").oldest_ready_at, published);
  EXPECT_EQ(client_.list().queues.at(0).oldest_ready_at, published);
  client_.purge("q");
  EXPECT_EQ(client_.show("q").oldest_ready_at, std::chrono::system_clock::time_point());
}

TEST_F(QueueInfoTest, OfAQueueSaysWhatWasDroppedAndThatItIsPaused) {
  client_.ensure({.name = "q", .max_messages = 2, .overflow = "drop_oldest"});
  client_.pause("q");
  for (int i = 0; i < 3; ++i) client_.publish("q", {.body = "x", .type = "t"});
  const QueueInfo info = client_.show("q");
  EXPECT_EQ(info.dropped_total, 1u);
  EXPECT_GT(info.bytes, 0u);
  EXPECT_EQ(info.spec.paused, true);
  const object json = shown("queues", "q");
  expect_same(info, json);
  EXPECT_EQ(number(json, "bytes"), info.bytes);
}

TEST_F(QueueInfoTest, OfASubscriptionSaysWhatRetentionTook) {
  client_.ensure_topic({.name = "orders", .retention_messages = 32});
  client_.create_subscription({.name = "slow", .topic = "orders"});
  for (int i = 0; i < 200; ++i) client_.publish("orders", {.body = std::to_string(i)});
  ASSERT_TRUE(eventually([&] { return client_.show("slow").lost_to_retention_total > 0; }));
  ASSERT_TRUE(eventually([&] {
    const QueueInfo info = client_.show("slow");
    const object json = shown("subscriptions", "slow");
    return number(json, "lost_to_retention_total") == info.lost_to_retention_total &&
           json.at("retention_used").to_number<double>() == info.retention_used;
  }));
  EXPECT_GT(client_.show("slow").retention_used, 0.5);
}

TEST_F(QueueInfoTest, OfASubscriptionOfSeveralTopicsNamesEach) {
  client_.ensure_topic({.name = "north"});
  client_.ensure_topic({.name = "south"});
  client_.ensure_subscription({.name = "all", .topics = {"north", "south"}});
  client_.publish("north", {.body = "1"});
  client_.publish("south", {.body = "2"});
  ASSERT_TRUE(eventually([&] { return client_.show("all").ready == 2; }));
  ASSERT_TRUE(eventually([&] { return client_.show("all").lag == 2; })) << "nothing is counted at both ends for long";
  const QueueInfo info = client_.show("all");
  std::vector<std::string> topics;
  for (const SourceInfo& source : info.sources) topics.push_back(source.topic);
  EXPECT_THAT(topics, ElementsAre("north", "south"));
  EXPECT_EQ(shown("subscriptions", "all").at("sources").as_array().size(), 2u);
}

}  // namespace
}  // namespace lazaret::testing

// Subscriptions that are moved, paused and narrowed, and topics that keep or lose messages, on a real broker.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class SeekTest : public ::testing::Test {
 protected:
  SeekTest() : client_(Client::connect(broker_.url(), {.name = "seek", .drain = 5s})) {
    client_.ensure_topic({.name = "orders", .retain_for = 1h});
    client_.ensure_subscription({.name = "billing", .topic = "orders"});
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i) client_.publish("orders", {.body = std::to_string(published_++)});
  }
  std::uint64_t acked() { return client_.show("billing").acked_total; }

  Broker broker_;
  Client client_;
  int published_ = 0;
};

TEST_F(SeekTest, WhatWasReadIsReadAgainAndWhatIsLeftOutIsNot) {
  Inbox inbox;
  const Consumer consumer = client_.consume("billing", [&](Delivery& delivery) { inbox.add(delivery); });
  publish(10);
  ASSERT_TRUE(eventually([&] { return acked() == 10; }));
  const Moved back = client_.seek("billing", "7");
  EXPECT_EQ(back.offset, 7u);
  EXPECT_EQ(back.entered, 3u);
  ASSERT_TRUE(eventually([&] { return acked() == 13; }));
  EXPECT_EQ(inbox.at(10).message.body.view(), "7");
  EXPECT_EQ(client_.show("billing").cursor, 10u);
  client_.pause("billing");
  publish(5);
  EXPECT_EQ(client_.seek("billing", "latest").purged, 5u);
  client_.resume("billing");
  publish(1);
  ASSERT_TRUE(eventually([&] { return acked() == 14; }));
  EXPECT_EQ(inbox.at(13).message.body.view(), "15");
  EXPECT_EQ(client_.async_seek("billing", "earliest", boost::asio::use_future).get().entered, 16u);
  ASSERT_TRUE(eventually([&] { return acked() == 30; }));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(SeekTest, ATimeIsFoundAlsoOverARestart) {
  publish(50);
  const auto between = http(broker_.admin(), "GET", "/api/v1/status").json().at("time");
  std::string later;
  ASSERT_TRUE(eventually([&] {
    later = std::string(http(broker_.admin(), "GET", "/api/v1/status").json().at("time").as_string());
    return later > std::string(between.as_string());
  }));
  publish(7);
  EXPECT_EQ(client_.seek("billing", later).offset, 50u);
  broker_.kill9();
  broker_.start_or_die();
  ASSERT_TRUE(eventually([&] { return client_.connected(); }));
  EXPECT_EQ(client_.show("billing").ready, 7u);
  EXPECT_EQ(client_.seek("billing", std::string(between.as_string())).purged, 0u);
  EXPECT_EQ(client_.create_subscription({.name = "late", .topic = "orders", .start = later}).start.substr(0, 4),
            later.substr(0, 4));
  ASSERT_TRUE(eventually([&] { return client_.show("late").ready == 7; }));
  EXPECT_EQ(client_.create_subscription({.name = "fifth", .topic = "orders", .start = "5"}).ready, 52u);
}

TEST_F(SeekTest, ALeaseThatASeekEndsIsLostToItsHandler) {
  std::atomic<int> begun{0};
  std::atomic<int> stopped{0};
  const Consumer consumer = client_.consume("billing", [&](Delivery& delivery) {
    if (begun++ > 0) return;
    if (eventually([&] { return delivery.stop_token().stop_requested(); })) ++stopped;
  });
  publish(1);
  ASSERT_TRUE(eventually([&] { return begun == 1; }));
  client_.seek("billing", "earliest");
  EXPECT_TRUE(eventually([&] { return stopped == 1; }));
  EXPECT_TRUE(eventually([&] { return acked() == 1; }));
  EXPECT_EQ(begun, 2);
}

TEST_F(SeekTest, WhatCannotBeIsRefused) {
  client_.ensure({.name = "tasks"});
  EXPECT_EQ(error_of([&] { client_.seek("tasks", "earliest"); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.seek("orders", "earliest"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.seek("nothing", "earliest"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.seek("billing", "noon"); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client_.seek("billing", "1"); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client_.seek("billing", "2099-01-01T00:00:00Z"); }), errc::invalid_option);
  EXPECT_EQ(client_.ensure({.name = "b", .max_in_flight = 3}).spec.max_in_flight, 3u);
  EXPECT_EQ(http(broker_.admin(), "PUT", "/api/v1/queues/c", R"({"retain_for": "1h"})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "PATCH", "/api/v1/topics/orders", R"({"paused": true})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/subscriptions/billing/seek", "{}").status, 400);
  EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/subscriptions/billing/seek", R"({"to": "noon"})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/subscriptions/billing/seek", R"({"to": -1})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/subscriptions/orders/seek", R"({"to": 0})").status, 404);
}

TEST_F(SeekTest, NoSubscriptionStartsBeyondTheEndOfItsTopic) {
  publish(3);
  for (const std::string start : {"4", "2099-01-01T00:00:00Z"}) {
    const SubscriptionSpec late{.name = "late", .topic = "orders", .start = start};
    EXPECT_EQ(error_of([&] { client_.create_subscription(late); }), errc::invalid_option) << start;
    EXPECT_EQ(error_of([&] { client_.ensure_subscription(late); }), errc::invalid_option) << start;
    const Outcome cli = broker_.cli({"subscription", "create", "late", "--topic", "orders", "--start", start});
    EXPECT_EQ(cli.exit, 65) << start;
    EXPECT_THAT(cli.err, HasSubstr("\"latest\" is")) << start;
    for (const std::string dry : {"", "?dry_run=true"}) {
      const auto put = http(broker_.admin(), "PUT", "/api/v1/subscriptions/late" + dry,
                            R"({"topic": "orders", "start": ")" + start + R"("})");
      EXPECT_EQ(put.json().at("code"), "INVALID_OPTION") << put.body;
    }
  }
  EXPECT_EQ(error_of([&] { client_.show("late"); }), errc::not_found);
  EXPECT_EQ(client_.create_subscription({.name = "late", .topic = "orders", .start = "3"}).ready, 0u);
  EXPECT_EQ(client_.ensure_subscription({.name = "late", .topic = "orders", .start = "9"}).ready, 0u);
  publish(1);
  EXPECT_EQ(client_.show("late").ready, 1u);
}

TEST_F(SeekTest, WhatATopicLosesItsSubscriptionsCount) {
  client_.update_topic({.name = "orders", .retention_messages = 32});
  publish(100);
  const auto shown = http(broker_.admin(), "GET", "/api/v1/subscriptions/billing").json();
  const auto lost = shown.at("lost_to_retention_total").to_number<std::uint64_t>();
  EXPECT_GE(lost, 60u);
  EXPECT_LE(lost, 68u);
  EXPECT_EQ(shown.at("lag").to_number<std::uint64_t>(), 100 - lost);
  EXPECT_EQ(shown.at("retention_used"), 1);
  EXPECT_THAT(http(broker_.admin(), "GET", "/metrics").body,
              HasSubstr("lazaret_queue_retention_used_ratio{queue=\"billing\"} 1"));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(SeekTest, OnTheCommandLine) {
  publish(3);
  EXPECT_EQ(broker_.cli({"subscription", "pause", "billing"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"subscription", "show", "billing"})[0].at("paused"), true);
  EXPECT_EQ(broker_.cli({"consume", "billing", "--print", "--count", "1", "--idle-exit", "200ms"}).out, "");
  EXPECT_EQ(broker_.cli({"subscription", "resume", "billing"}).exit, 0);
  EXPECT_EQ(broker_.cli({"consume", "billing", "--print", "--count", "3"}).out, "0\n1\n2\n");
  const Outcome moved = broker_.cli({"subscription", "seek", "billing", "--to", "1"});
  EXPECT_EQ(moved.exit, 0);
  EXPECT_THAT(moved.out, HasSubstr("goes on at offset 1: 2 messages come again"));
  EXPECT_EQ(broker_.cli({"subscription", "seek", "billing", "--to", "noon"}).exit, 65);
  EXPECT_EQ(broker_.cli({"subscription", "seek", "nothing", "--to", "earliest"}).exit, 66);
  EXPECT_EQ(broker_.cli({"queue", "create", "q", "--single-active-consumer", "--max-in-flight", "2"}).exit, 0);
  const auto queue = broker_.cli_json({"queue", "show", "q"})[0];
  EXPECT_EQ(queue.at("single_active_consumer"), true);
  EXPECT_EQ(queue.at("max_in_flight"), 2);
  EXPECT_EQ(broker_.cli({"subscription", "create", "watching", "--topic", "orders", "--ephemeral"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"subscription", "show", "watching"})[0].at("ephemeral"), true);
  EXPECT_EQ(broker_.cli({"subscription", "update", "watching", "--ephemeral", "false"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"subscription", "show", "watching"})[0].at("ephemeral"), false);
  EXPECT_EQ(broker_.cli({"topic", "update", "orders", "--retention-age", "7d"}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"topic", "show", "orders"})[0].at("retention_age"), "7d");
}

// --- Why ------------------------------------------------------------------------------------------------------------

TEST_F(SeekTest, WhySaysWhatIsInTheWay) {
  EXPECT_THAT(broker_.cli({"why", "billing"}).out, HasSubstr("It holds nothing."));
  publish(2);
  EXPECT_THAT(broker_.cli({"why", "billing"}).out, HasSubstr("Nobody consumes from it."));
  client_.pause("billing");
  EXPECT_EQ(broker_.cli_json({"why", "billing"})[0].at("causes").at(0).at("code"), "PAUSED");
  EXPECT_THAT(broker_.cli({"why", "billing", "1"}).out, HasSubstr("Message 1 is ready; 1 message is before it."));
  const Receipt receipt = client_.publish("orders", {.body = "by id"});
  const Outcome by_id = broker_.cli({"why", "billing", receipt.id.to_string()});
  EXPECT_THAT(by_id.out, HasSubstr("Message 2 is ready"));
  EXPECT_THAT(broker_.cli({"why", "billing", "77"}).out, HasSubstr("does not exist"));
  EXPECT_EQ(broker_.cli({"why", "billing", "next"}).exit, 65);
  EXPECT_EQ(broker_.cli({"why", "nothing"}).exit, 66);
  EXPECT_THAT(broker_.cli({"peek", "billing"}).out, HasSubstr("by id"));
  client_.ensure({.name = "tasks"});
  EXPECT_THAT(broker_.cli({"why", "tasks"}).out, HasSubstr("It holds nothing."));
}

}  // namespace
}  // namespace lazaret::testing

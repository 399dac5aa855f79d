// Topics and subscriptions on a real broker: through the client library, the HTTP API and the command line.
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
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class TopicsTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "topics", .drain = 5s}); }
  std::vector<std::string> bodies(Inbox& inbox, std::size_t count) {
    EXPECT_TRUE(inbox.reaches(count));
    std::vector<std::string> all;
    for (std::size_t i = 0; i < count; ++i) all.emplace_back(inbox.at(i).message.body.view());
    return all;
  }
  Broker broker_;
};

// --- The client library ----------------------------------------------------------------------------------------------

TEST_F(TopicsTest, EachSubscriptionGetsEverythingFromWhereItBegins) {
  Client client = connect();
  EXPECT_TRUE(client.ensure_topic({.name = "orders"}).created);
  client.create_subscription({.name = "billing", .topic = "orders"});
  client.publish("orders", {.body = "1"});
  const QueueInfo late = client.ensure_subscription({.name = "late", .topic = "orders"});
  EXPECT_EQ(late.kind, Kind::subscription);
  EXPECT_EQ(late.topic, "orders");
  EXPECT_EQ(late.start, "latest");
  client.create_subscription({.name = "all", .topic = "orders", .start = "earliest"});
  client.publish("orders", {.body = "2"});

  Inbox billing, from_late, from_all;
  const Consumer a = client.consume("billing", [&](Delivery& delivery) { billing.add(delivery); });
  const Consumer b = client.consume("late", [&](Delivery& delivery) { from_late.add(delivery); });
  const Consumer c = client.consume("all", [&](Delivery& delivery) { from_all.add(delivery); });
  EXPECT_THAT(bodies(billing, 2), ElementsAre("1", "2"));
  EXPECT_THAT(bodies(from_late, 1), ElementsAre("2"));
  EXPECT_THAT(bodies(from_all, 2), ElementsAre("1", "2"));
  EXPECT_EQ(billing.at(0).message.source, "orders");
  const QueueInfo topic = client.show("orders");
  EXPECT_EQ(topic.kind, Kind::topic);
  EXPECT_EQ(topic.subscriptions, 3u);
  EXPECT_EQ(topic.entered_total, 2u);
}

TEST_F(TopicsTest, APeekShowsWhatATopicKeeps) {
  Client client = connect();
  client.ensure_topic({.name = "orders", .retain_for = 1h});
  EXPECT_TRUE(client.peek("orders").messages.empty());
  client.create_subscription({.name = "billing", .topic = "orders"});
  for (int i = 0; i < 5; ++i) client.publish("orders", {.body = std::to_string(i), .type = "order", .key = "k"});
  client.publish("orders", {.body = "later", .delay = 1h});
  Inbox inbox;
  const Consumer consumer = client.consume("billing", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(5));
  const Peeked first = client.peek("orders", {}, 3);
  ASSERT_EQ(first.messages.size(), 3u) << "what has been read is still kept";
  for (std::uint64_t offset = 0; offset < 3; ++offset) {
    const PeekedMessage& one = first.messages[offset];
    EXPECT_EQ(one.message.body.view(), std::to_string(offset));
    EXPECT_EQ(one.message.type, "order");
    EXPECT_EQ(one.message.key, "k");
    EXPECT_EQ(one.message.source, "orders");
    EXPECT_EQ(one.message.offset, offset);
    EXPECT_EQ(one.state, "") << "it has one on each subscription";
    EXPECT_EQ(one.attempt, 0u);
  }
  EXPECT_EQ(first.next, 3u);
  const Peeked rest = client.peek("orders", first.next, 10);
  ASSERT_EQ(rest.messages.size(), 3u);
  EXPECT_EQ(rest.messages[2].message.body.view(), "later");
  EXPECT_EQ(rest.next, 0u);
  EXPECT_TRUE(client.peek("orders", 99).messages.empty());
  EXPECT_EQ(client.async_peek("orders", 4, 1, asio::use_future).get().messages.at(0).message.body.view(), "4");
  EXPECT_EQ(client.show("orders").entered_total, 6u) << "nothing is changed by it";
}

/// A page is about half a MiB, and one message at least.
TEST_F(TopicsTest, APeekOfLargeMessagesHasPages) {
  Client client = connect();
  client.ensure_topic({.name = "orders", .retain_for = 1h});
  for (char c = 'a'; c < 'g'; ++c) client.publish("orders", {.body = std::string(400'000, c)});
  std::string seen;
  int pages = 0;
  std::optional<std::uint64_t> from;
  do {
    const Peeked page = client.peek("orders", from, 100);
    ASSERT_FALSE(page.messages.empty());
    for (const PeekedMessage& one : page.messages) seen += one.message.body.view().front();
    from = page.next;
    ++pages;
  } while (*from != 0);
  EXPECT_EQ(seen, "abcdef");
  EXPECT_GE(pages, 2);
}

TEST_F(TopicsTest, OneThatFailsAndOneThatIsAwayTouchNoOther) {
  Client client = connect();
  client.ensure_topic({.name = "orders"});
  client.create_subscription({.name = "broken", .topic = "orders", .max_attempts = 1});
  client.create_subscription({.name = "away", .topic = "orders"});
  client.create_subscription({.name = "well", .topic = "orders"});
  std::atomic<int> tried{0};
  std::atomic<int> done{0};
  const Consumer broken = client.consume("broken", [&](Delivery&) {
    ++tried;
    throw std::runtime_error("the card was declined");
  });
  const Consumer well = client.consume("well", [&](Delivery&) { ++done; });
  for (int i = 0; i < 50; ++i) client.publish("orders", {.body = "x"});
  EXPECT_TRUE(eventually([&] { return client.show("broken").in_hospital == 50; }));
  EXPECT_TRUE(eventually([&] { return client.show("well").acked_total == 50; }));
  EXPECT_EQ(tried, 50);
  EXPECT_EQ(done, 50);
  EXPECT_EQ(client.show("away").ready, 50u);
  EXPECT_EQ(cases_of(broker_, "broken")[0].at("source"), "orders");
}

TEST_F(TopicsTest, OverAKillOfTheBrokerEachSubscriptionGoesOnWhereItWas) {
  Client client = connect();
  client.ensure_topic({.name = "orders"});
  client.create_subscription({.name = "first", .topic = "orders"});
  client.create_subscription({.name = "second", .topic = "orders"});
  for (int i = 0; i < 20; ++i) client.publish("orders", {.body = std::to_string(i)});
  {
    Inbox inbox;
    const Consumer consumer = client.consume("first", [&](Delivery& delivery) { inbox.add(delivery); });
    ASSERT_TRUE(inbox.reaches(20));
    ASSERT_TRUE(eventually([&] { return client.show("first").acked_total == 20; }));
  }
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  client.publish("orders", {.body = "20"});
  Inbox first, second;
  const Consumer a = client.consume("first", [&](Delivery& delivery) { first.add(delivery); });
  const Consumer b = client.consume("second", [&](Delivery& delivery) { second.add(delivery); });
  EXPECT_THAT(bodies(first, 1), ElementsAre("20"));
  EXPECT_EQ(bodies(second, 21).back(), "20");
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(TopicsTest, WhatIsMeantIsCheckedAndSaid) {
  Client client = connect();
  client.ensure({.name = "tasks"});
  client.ensure_topic({.name = "orders"});
  client.ensure_subscription({.name = "billing", .topic = "orders"});
  EXPECT_EQ(error_of([&] { client.publish("billing", {.body = "x"}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.consume("orders", [](Delivery&) {}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.create_subscription({.name = "s", .topic = "tasks"}); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client.create_subscription({.name = "s", .topic = ""}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.create_subscription({.name = "s", .topic = "orders", .start = "noon"}); }),
            errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.ensure_topic({.name = "tasks"}); }), errc::exists);
  client.ensure_topic({.name = "other"});
  EXPECT_EQ(error_of([&] { client.ensure_subscription({.name = "billing", .topic = "other"}); }), errc::mismatch);
  EXPECT_EQ(error_of([&] { client.update({.name = "orders", .max_attempts = 3}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.update({.name = "billing", .durability = "relaxed"}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.remove("orders"); }), errc::not_empty);
  EXPECT_EQ(client.list({}, 10, Kind::topic).queues.size(), 2u);
  EXPECT_EQ(client.list({}, 10, Kind::subscription).queues.size(), 1u);
  EXPECT_EQ(client.list().queues.size(), 1u);
  client.remove("orders", true);
  EXPECT_EQ(error_of([&] { client.show("billing"); }), errc::not_found);
}

TEST_F(TopicsTest, TheVerbsHaveAsynchronousTwins) {
  Client client = connect();
  const auto token = boost::asio::use_future;
  EXPECT_TRUE(client.async_create_topic({.name = "orders"}, token).get().created);
  EXPECT_FALSE(client.async_ensure_topic({.name = "orders"}, token).get().created);
  EXPECT_TRUE(client.async_create_subscription({.name = "a", .topic = "orders"}, token).get().created);
  EXPECT_FALSE(client.async_ensure_subscription({.name = "a", .topic = "orders"}, token).get().created);
  EXPECT_EQ(client.async_list(Kind::topic, "", 10, token).get().queues.size(), 1u);
}

/// Competing consumers share a subscription as they share a queue.
TEST_F(TopicsTest, ConsumersOfASubscriptionCompete) {
  Client client = connect();
  client.ensure_topic({.name = "orders"});
  client.ensure_subscription({.name = "billing", .topic = "orders"});
  Inbox inbox;
  Client other = connect();
  const Consumer a = client.consume("billing", [&](Delivery& delivery) { inbox.add(delivery); });
  const Consumer b = other.consume("billing", [&](Delivery& delivery) { inbox.add(delivery); });
  for (int i = 0; i < 200; ++i) client.publish("orders", {.body = std::to_string(i)});
  ASSERT_TRUE(eventually([&] { return client.show("billing").acked_total == 200; }));
  EXPECT_EQ(inbox.size(), 200u);
}

// --- HTTP ------------------------------------------------------------------------------------------------------------

TEST_F(TopicsTest, OverHttp) {
  const std::string& admin = broker_.admin();
  EXPECT_EQ(http(admin, "PUT", "/api/v1/topics/orders", R"({"durability": "relaxed"})").status, 201);
  EXPECT_EQ(http(admin, "PUT", "/api/v1/topics/orders", "{}").status, 200);
  EXPECT_EQ(http(admin, "PUT", "/api/v1/topics/bad", R"({"max_attempts": 3})").status, 400);
  EXPECT_EQ(http(admin, "PUT", "/api/v1/subscriptions/billing", "{}").status, 400);
  const auto created = http(admin, "PUT", "/api/v1/subscriptions/billing",
                            R"({"topic": "orders", "start": "earliest", "max_attempts": 2})");
  EXPECT_EQ(created.status, 201);
  EXPECT_EQ(created.json().at("topic"), "orders");
  EXPECT_EQ(created.json().at("durability"), "relaxed");
  EXPECT_EQ(http(admin, "PUT", "/api/v1/subscriptions/billing", R"({"topic": "orders"})").status, 200);
  EXPECT_EQ(http(admin, "POST", "/api/v1/topics/orders/messages", R"({"body": "x"})").status, 201);
  EXPECT_EQ(http(admin, "POST", "/api/v1/queues/orders/messages", R"({"body": "x"})").status, 404);
  EXPECT_EQ(http(admin, "GET", "/api/v1/topics/orders").json().at("published_total"), 1);
  EXPECT_EQ(http(admin, "GET", "/api/v1/topics").json().at("items").as_array().size(), 1u);
  EXPECT_EQ(http(admin, "GET", "/api/v1/queues").json().at("items").as_array().size(), 0u);
  const auto peeked = http(admin, "GET", "/api/v1/subscriptions/billing/messages").json().at("items").as_array();
  ASSERT_EQ(peeked.size(), 1u);
  EXPECT_EQ(peeked[0].at("source"), "orders");
  EXPECT_EQ(http(admin, "PATCH", "/api/v1/subscriptions/billing", R"({"max_attempts": 7})").json().at("max_attempts"),
            7);
  EXPECT_EQ(http(admin, "PATCH", "/api/v1/topics/orders", R"({"durability": "fsync"})").json().at("durability"),
            "fsync");
  EXPECT_TRUE(eventually(
      [&] { return http(admin, "GET", "/api/v1/subscriptions/billing").json().at("durability") == "fsync"; }));
  EXPECT_EQ(http(admin, "POST", "/api/v1/subscriptions/billing/purge", "{}").json().at("purged"), 1);
  const std::string metrics = http(admin, "GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("lazaret_topic_published_total{topic=\"orders\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("lazaret_queue_purged_total{queue=\"billing\"} 1"));
  EXPECT_EQ(http(admin, "DELETE", "/api/v1/topics/orders").json().at("code"), "NOT_EMPTY");
  EXPECT_EQ(http(admin, "DELETE", "/api/v1/subscriptions/billing").status, 204);
  EXPECT_EQ(http(admin, "DELETE", "/api/v1/topics/orders").status, 204);
}

// --- The command line ------------------------------------------------------------------------------------------------

TEST_F(TopicsTest, WhatATopicKeepsCanBeLookedAt) {
  Client client = connect();
  client.ensure_topic({.name = "orders", .retain_for = 1h});
  for (int i = 0; i < 5; ++i) client.publish("orders", {.body = std::to_string(i), .type = "order"});
  const auto first = http(broker_.admin(), "GET", "/api/v1/topics/orders/messages?count=2").json();
  ASSERT_EQ(first.at("items").as_array().size(), 2u);
  EXPECT_EQ(first.at("items").at(0).at("body"), "0");
  EXPECT_EQ(first.at("items").at(0).at("source"), "orders");
  EXPECT_EQ(first.at("cursor"), "2");
  const auto rest = http(broker_.admin(), "GET", "/api/v1/topics/orders/messages?from=2").json();
  EXPECT_EQ(rest.at("items").as_array().size(), 3u);
  EXPECT_TRUE(rest.at("cursor").is_null());
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/topics/orders/messages?state=ready").status, 400);
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/topics/none/messages").status, 404);
  const auto printed = broker_.cli_json({"peek", "orders", "--from", "3"});
  ASSERT_EQ(printed.size(), 2u);
  EXPECT_EQ(printed[1].at("offset"), 4);
  EXPECT_THAT(broker_.cli({"peek", "orders"}).out, HasSubstr("order"));
  EXPECT_EQ(client.show("orders").entered_total, 5u) << "nothing is changed by it";
}

TEST_F(TopicsTest, OnTheCommandLine) {
  EXPECT_EQ(broker_.cli({"topic", "create", "orders"}).exit, 0);
  EXPECT_EQ(broker_.cli({"topic", "create", "orders"}).exit, 73);
  EXPECT_EQ(broker_.cli({"topic", "ensure", "orders"}).exit, 0);
  EXPECT_EQ(broker_.cli({"subscription", "create", "billing"}).exit, 64);
  EXPECT_EQ(broker_.cli({"subscription", "create", "billing", "--topic", "nothing"}).exit, 66);
  EXPECT_EQ(broker_.cli({"subscription", "create", "billing", "--topic", "orders", "--max-attempts", "1"}).exit, 0);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "hello"}).exit, 0);
  const auto listed = broker_.cli_json({"subscription", "list"});
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].at("topic"), "orders");
  EXPECT_EQ(listed[0].at("ready"), 1);
  EXPECT_EQ(broker_.cli_json({"topic", "show", "orders"})[0].at("subscriptions"), 1);
  const Outcome consumed = broker_.cli({"consume", "billing", "--print", "--count", "1"});
  EXPECT_THAT(consumed.out, HasSubstr("hello"));
  EXPECT_EQ(broker_.cli({"publish", "billing", "--body", "hello"}).exit, 65);
  EXPECT_EQ(broker_.cli({"consume", "orders", "--print", "--count", "1"}).exit, 65);
  EXPECT_EQ(broker_.cli({"topic", "delete", "orders"}).exit, 73);
  EXPECT_EQ(broker_.cli({"topic", "delete", "orders", "--force"}).exit, 0);
  EXPECT_EQ(broker_.cli({"subscription", "show", "billing"}).exit, 66);
}

}  // namespace
}  // namespace lazaret::testing

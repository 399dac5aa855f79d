// Filters of subscriptions and the types that consumers accept, on a real broker: through the client library, the
// command line and HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

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
using ::testing::UnorderedElementsAre;

class FiltersTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "filters", .drain = 5s}); }
  void publish(const std::string& to, const std::string& body, const std::string& type, const Headers& headers = {},
               const std::string& schema_id = "") {
    Message message{.body = body, .type = type, .headers = headers};
    message.schema_id = schema_id;
    client_.publish(to, message);
  }
  std::vector<std::string> bodies(const Inbox& inbox) {
    std::vector<std::string> all;
    for (const Received& one : inbox.all()) all.push_back(one.message.body.str());
    return all;
  }
  boost::json::object shown(const std::string& name) {
    return http(broker_.admin(), "GET", "/api/v1/subscriptions/" + name).json().as_object();
  }

  Broker broker_;
  Client client_ = connect();
};

TEST_F(FiltersTest, ASubscriptionTakesWhatItsFilterSays) {
  client_.ensure_topic({.name = "events"});
  client_.create_subscription({.name = "eu", .topic = "events", .filter = "orders.*.created header.region=eu"});
  client_.create_subscription({.name = "all", .topic = "events"});
  publish("events", "1", "orders.books.created", {{"region", "eu"}});
  publish("events", "2", "orders.books.created", {{"region", "us"}});
  publish("events", "3", "orders.books.deleted", {{"region", "eu"}});
  publish("events", "4", "orders.toys.created", {{"path", "x"}, {"region", "eu"}});
  Inbox inbox;
  const Consumer consumer = client_.consume("eu", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(eventually([&] { return client_.show("eu").acked_total == 2; }));
  EXPECT_THAT(bodies(inbox), ElementsAre("1", "4"));
  const QueueInfo info = client_.show("eu");
  EXPECT_EQ(info.filter, "orders.*.created header.region=eu");
  EXPECT_EQ(info.filtered_total, 2u);
  EXPECT_EQ(info.entered_total, 2u);
  EXPECT_EQ(info.ready, 0u);
  EXPECT_EQ(client_.show("all").ready, 4u);
  EXPECT_EQ(shown("eu").at("filtered_total"), 2);
  const std::string metrics = http(broker_.admin(), "GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("lazaret_queue_filtered_total{queue=\"eu\"} 2"));
  EXPECT_THAT(metrics, HasSubstr("lazaret_queue_entered_total{queue=\"eu\"} 4"));
  EXPECT_THAT(broker_.cli({"why", "eu", "1"}).out, HasSubstr("turned away by the filter"));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(FiltersTest, OutlivesAKillAndIsChanged) {
  client_.ensure_topic({.name = "events"});
  client_.create_subscription({.name = "mine", .topic = "events", .filter = "a"});
  for (const char* type : {"a", "b", "a"}) publish("events", type, type);
  {
    Inbox inbox;
    const Consumer consumer = client_.consume("mine", [&](Delivery& delivery) { inbox.add(delivery); });
    ASSERT_TRUE(eventually([&] { return client_.show("mine").acked_total == 2; }));
  }
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client_.connected(); }));
  EXPECT_EQ(client_.show("mine").filtered_total, 1u);
  EXPECT_EQ(client_.show("mine").entered_total, 2u);
  EXPECT_EQ(client_.update_subscription({.name = "mine", .filter = "b"}).filter, "b");
  for (const char* type : {"a", "b"}) publish("events", type, type);
  Inbox inbox;
  const Consumer consumer = client_.consume("mine", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(eventually([&] { return client_.show("mine").acked_total == 3; }));
  EXPECT_THAT(bodies(inbox), ElementsAre("b"));
  EXPECT_EQ(client_.show("mine").filtered_total, 2u);
}

TEST_F(FiltersTest, ABadOneIsRefusedAndSaysWhere) {
  client_.ensure_topic({.name = "events"});
  EXPECT_EQ(
      error_of([&] { client_.create_subscription({.name = "s", .topic = "events", .filter = "orders..created"}); }),
      errc::invalid_option);
  client_.create_subscription({.name = "s", .topic = "events"});
  EXPECT_EQ(error_of([&] { client_.update_subscription({.name = "s", .filter = "key=\"a"}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client_.update_subscription({.name = "s", .filter = "key=\xff"}); }), errc::invalid_option);
  const HttpAnswer answer =
      http(broker_.admin(), "PATCH", "/api/v1/subscriptions/s", R"({"filter": "orders.# colour=red"})");
  EXPECT_EQ(answer.status, 400);
  EXPECT_THAT(answer.body, HasSubstr("at character 10: there is no field"));
  EXPECT_EQ(http(broker_.admin(), "PUT", "/api/v1/queues/q", R"({"filter": "a"})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "PATCH", "/api/v1/topics/events", R"({"filter": "a"})").status, 400);
}

TEST_F(FiltersTest, OnTheCommandLineAndInAFile) {
  ASSERT_EQ(broker_.cli({"topic", "create", "events"}).exit, 0);
  ASSERT_EQ(broker_.cli({"subscription", "create", "s", "--topic", "events", "--filter", "orders.# key!=test"}).exit,
            0);
  EXPECT_EQ(broker_.cli({"subscription", "ensure", "s", "--topic", "events", "--filter", "orders.#"}).exit, 73);
  EXPECT_EQ(broker_.cli_json({"subscription", "show", "s"})[0].at("filter"), "orders.# key!=test");
  publish("events", "1", "letters.read");
  publish("events", "2", "orders.created");
  EXPECT_EQ(broker_.cli({"consume", "s", "--print", "--count", "1"}).out, "2\n");
  EXPECT_EQ(broker_.cli({"subscription", "update", "s", "--filter", ""}).exit, 0);
  EXPECT_EQ(broker_.cli_json({"subscription", "show", "s"})[0].at("filter"), "");
  const Outcome bad = broker_.cli({"subscription", "update", "s", "--filter", "a=b=c"});
  EXPECT_NE(bad.exit, 0);
  EXPECT_THAT(bad.err, HasSubstr("at character 1: there is no field \"a\""));
}

TEST_F(FiltersTest, AConsumerIsGivenWhatItAccepts) {
  client_.ensure({.name = "orders"});
  publish("orders", "1", "order.created", {}, "order@1");
  ASSERT_EQ(broker_.cli({"publish", "orders", "--body", "2", "--type", "order.created", "--schema-id", "order@2"}).exit,
            0);
  publish("orders", "3", "order.created", {}, "order@1");
  Inbox old_inbox;
  const Consumer old_one =
      client_.consume("orders", [&](Delivery& delivery) { old_inbox.add(delivery); }, {.accepts = {"order.created@1"}});
  ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total == 2; }));
  EXPECT_THAT(bodies(old_inbox), ElementsAre("1", "3"));
  EXPECT_EQ(client_.show("orders").unaccepted, 1u);
  const auto peeked = client_.peek("orders");
  ASSERT_EQ(peeked.messages.size(), 1u);
  EXPECT_TRUE(peeked.messages[0].unaccepted);
  EXPECT_EQ(peeked.messages[0].state, "ready");
  EXPECT_EQ(broker_.cli_json({"peek", "orders"})[0].at("unaccepted"), true);
  EXPECT_THAT(broker_.cli({"why", "orders"}).out, HasSubstr("type order.created and schema_id order@2"));
  EXPECT_THAT(broker_.cli({"why", "orders", "1"}).out, HasSubstr("no consumer accepts its type"));
  const auto queue = http(broker_.admin(), "GET", "/api/v1/queues/orders").json();
  EXPECT_EQ(queue.at("unaccepted"), 1);
  EXPECT_EQ(queue.at("consumers").at(0).at("accepts").at(0), "order.created@1");
  // The new version of the service comes; no attempt was counted meanwhile.
  Client other = connect();
  Inbox new_inbox;
  const Consumer new_one =
      other.consume("orders", [&](Delivery& delivery) { new_inbox.add(delivery); }, {.accepts = {"order.#@>=2"}});
  ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total == 3; }));
  EXPECT_EQ(new_inbox.at(0).attempt, 1);
  EXPECT_FALSE(new_inbox.at(0).redelivered);
  EXPECT_EQ(client_.show("orders").unaccepted, 0u);
  EXPECT_EQ(client_.show("orders").in_hospital, 0u);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

TEST_F(FiltersTest, WhatItAcceptsIsSaidAgainAfterARestart) {
  client_.ensure({.name = "orders"});
  Inbox inbox;
  const Consumer consumer =
      client_.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); }, {.accepts = {"a", "b.#"}});
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client_.connected() && client_.show("orders").consumers == 1; }));
  for (const char* type : {"c", "a", "b.x", "c"}) publish("orders", type, type);
  ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total == 2; }));
  EXPECT_THAT(bodies(inbox), UnorderedElementsAre("a", "b.x"));
  EXPECT_TRUE(eventually([&] { return client_.show("orders").unaccepted == 2; }));
}

TEST_F(FiltersTest, AcceptsOnTheCommandLineAndWhatIsRefused) {
  client_.ensure({.name = "orders"});
  for (const char* type : {"c", "a", "b"}) publish("orders", type, type);
  EXPECT_EQ(broker_.cli({"consume", "orders", "--accept", "a", "--accept", "b", "--print", "--count", "2"}).out,
            "a\nb\n");
  const Outcome bad = broker_.cli({"consume", "orders", "--accept", "a@new", "--print"});
  EXPECT_NE(bad.exit, 0);
  EXPECT_THAT(bad.err, HasSubstr("the versions of \"a@new\""));
  EXPECT_EQ(error_of([&] { client_.consume("orders", [](Delivery&) {}, {.accepts = {"a..b"}}); }),
            errc::invalid_option);
  EXPECT_EQ(broker_.cli({"consume", "orders", "--print", "--count", "1"}).out, "c\n");
}

}  // namespace
}  // namespace lazaret::testing

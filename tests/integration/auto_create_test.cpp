// broker.auto_create: whatever a client publishes to, asks, has replies sent to or consumes from is there, also when it
// is named in the middle of a transaction; nothing else is made, and what cannot be made is refused for that reason.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/serialize.hpp>
#include <csignal>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "integration/support/wire_client.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class AutoCreateTest : public ::testing::Test {
 protected:
  AutoCreateTest()
      : broker_({.settings = {"broker.auto_create=true", "defaults.max_attempts=3"}, .arguments = {}}),
        client_(Client::connect(broker_.url(), {.name = "service", .timeout = 60s, .drain = 5s})) {}
  std::int64_t ready(const std::string& queue) { return QueueView(broker_, queue)["ready"]; }
  std::vector<std::string> queues() {
    std::vector<std::string> names;
    for (const auto& one : client_.list({}, 1000).queues) {
      EXPECT_EQ(one.spec.max_attempts, 3u) << one.spec.name;
      names.push_back(one.spec.name);
    }
    return names;
  }
  bool is_ready(const std::string& queue, std::int64_t count = 1) {
    return eventually([&] {
      const auto there = queues();
      return std::find(there.begin(), there.end(), queue) != there.end() && ready(queue) == count;
    });
  }

  Broker broker_;
  Client client_;
};

TEST_F(AutoCreateTest, AVerdictPublishesAndAsksWhereNothingWas) {
  const Consumer consumer = client_.consume("orders", [](Delivery& delivery) {
    const std::string what = delivery.message().body.str();
    return Verdict::done()
        .publish("invoices", {.body = what})
        .publish("invoices", {.body = what})
        .ask({.to = "approvals", .message = {.body = what}}, "approved", {{"order", what}});
  });
  client_.publish("orders", {.body = "tea"});
  EXPECT_TRUE(is_ready("invoices", 2));
  const Consumer approver = client_.consume("approvals", [](Delivery&) { return Verdict::answer({.body = "yes"}); });
  EXPECT_TRUE(is_ready("approved"));
  EXPECT_THAT(cases_of(broker_, "orders"), IsEmpty());
  EXPECT_THAT(queues(), UnorderedElementsAre("approvals", "approved", "invoices", "orders"));
  client_.publish("orders", {.body = "coffee"});
  EXPECT_TRUE(is_ready("invoices", 4)) << "and now they are there";
}

TEST_F(AutoCreateTest, ASetAndARequestMakeTheirQueuesToo) {
  client_.publish_all({{"a", {.body = "1"}}, {"b", {.body = "2"}}, {"b", {.body = "3"}}},
                      {{{.to = "c", .message = {.body = "4"}}, "c.replies", {}}});
  client_.publish_all({}, {{{.to = "d", .message = {.body = "5"}}, "d.replies", {}}});
  client_.ask({.to = "e", .message = {.body = "6"}}, "e.replies");
  EXPECT_EQ(client_.within(1s).request("f", {.body = "7"}).outcome, lazaret::Outcome::timed_out);
  EXPECT_TRUE(is_ready("a") && is_ready("b", 2) && is_ready("c") && is_ready("d") && is_ready("e"));
  EXPECT_THAT(queues(), UnorderedElementsAre("a", "b", "c", "c.replies", "d", "d.replies", "e", "e.replies", "f"));
  const auto made = http(broker_.admin(), "POST", "/api/v1/transactions",
                         R"({"messages": [{"to": "g", "body": "a"}, {"to": "h", "body": "b"}]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(is_ready("g") && is_ready("h"));
}

/// One of two workers waits for them.
TEST_F(AutoCreateTest, OverHttpManyAreMadeInFewWritesAndEachNameOnce) {
  constexpr int kQueues = 200;
  std::string messages;
  for (int i = 0; i < kQueues; ++i) {
    const std::string name = "new" + std::to_string(i);
    messages += R"({"to": ")" + name + R"(", "body": "1"}, {"to": ")" + name + R"(", "body": "2", "reply_queue": ")" +
                name + R"(.replies"}, )";
  }
  messages += R"({"to": "new0", "body": "3"})";
  const auto syncs = [this] { return api(broker_, "/status").at("store").at("syncs_total").to_number<std::int64_t>(); };
  const std::int64_t before = syncs();
  const auto made = http(broker_.admin(), "POST", "/api/v1/transactions", R"({"messages": [)" + messages + "]}");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_LT(syncs() - before, 2 * kQueues) << "one for each would be three for each, with the audit trail";
  EXPECT_TRUE(is_ready("new0", 3));
  EXPECT_TRUE(is_ready("new199", 2));
  EXPECT_EQ(ready("new199.replies"), 0);
  const std::string trail = boost::json::serialize(api(broker_, "/audit?limit=1000&target=new7"));
  EXPECT_THAT(trail, HasSubstr("auto_create"));
}

/// A queue that was made stays: so all that can be is looked at before, and the audit trail has nothing to note.
TEST_F(AutoCreateTest, OverHttpWhatIsRefusedForItselfMakesNothing) {
  const auto code = [this](const std::string& last) {
    const auto refused =
        http(broker_.admin(), "POST", "/api/v1/transactions",
             R"({"messages": [{"to": "fine", "body": "1"}, {"to": "good", "reply_queue": "well"}, )" + last + "]}");
    EXPECT_NE(refused.status, 201) << last;
    return text_of(refused.json(), "code");
  };
  EXPECT_EQ(code(R"({"to": "not a name", "body": "2"}, {"to": "not a name", "body": "3"})"), "INVALID_NAME");
  EXPECT_EQ(code(R"({"to": "new", "reply_queue": "not a name"})"), "INVALID_NAME");
  EXPECT_EQ(code(R"({"to": "new", "reply_queue": "new"})"), "BAD_REQUEST");
  EXPECT_EQ(code(R"({"to": "new", "reply_queue": "newer", "context": {"": "x"}})"), "BAD_REQUEST");
  const std::string large(65'536, 'x');
  EXPECT_EQ(code(R"({"to": "new", "reply_queue": "newer", "context": {"x": ")" + large + "\"}}"), "HEADERS_TOO_LARGE");
  EXPECT_EQ(code(R"({"to": "new", "headers": {"x": ")" + large + "\"}}"), "HEADERS_TOO_LARGE");
  const auto single = http(broker_.admin(), "POST", "/api/v1/queues/not%20a%20name/messages", R"({"body": "x"})");
  EXPECT_EQ(text_of(single.json(), "code"), "INVALID_NAME") << single.body;
  EXPECT_THAT(queues(), IsEmpty());
  EXPECT_THAT(boost::json::serialize(api(broker_, "/audit?limit=1000")), Not(HasSubstr("auto_create")));
}

TEST(AutoCreate, OverHttpAMessageThatIsTooLargeMakesNothing) {
  const Broker broker({.settings = {"broker.auto_create=true", "broker.max_message_bytes=1024"}, .arguments = {}});
  const auto refused =
      http(broker.admin(), "POST", "/api/v1/transactions",
           R"({"messages": [{"to": "fine", "body": "1"}, {"to": "new", "body": ")" + std::string(1025, 'x') + "\"}]}");
  EXPECT_EQ(text_of(refused.json(), "code"), "MESSAGE_TOO_LARGE") << refused.body;
  EXPECT_THAT(api(broker, "/queues").at("items").as_array(), SizeIs(0));
}

TEST_F(AutoCreateTest, WhatMadeAQueueIsInTheAuditTrail) {
  client_.publish_all({{"a", {.body = "1"}}, {"b", {.body = "2"}}});
  const std::string trail = boost::json::serialize(api(broker_, "/audit?limit=100"));
  EXPECT_THAT(trail, HasSubstr("auto_create"));
  EXPECT_THAT(trail, HasSubstr("\"target\":\"b\""));
}

/// What a name stands for already is not made into a queue, and what comes to nothing leaves its queues behind.
TEST_F(AutoCreateTest, WhatIsNoQueueStaysWhatItIs) {
  client_.ensure_topic({.name = "news"});
  client_.ensure_subscription({.name = "reader", .topic = "news"});
  client_.publish_all({{"first", {.body = "x"}}, {"news", {.body = "x"}}});
  EXPECT_EQ(error_of([&] { client_.publish_all({{"first", {}}, {"second", {}}, {"reader", {}}}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.ask({.to = "third"}, "news"); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.ask({.to = "fourth"}, "fourth"); }), errc::bad_request);
  EXPECT_THAT(queues(), UnorderedElementsAre("first", "second", "third", "fourth"));
  EXPECT_EQ(ready("first"), 1);
  EXPECT_EQ(ready("second"), 0);
  EXPECT_EQ(error_of([&] { client_.show("nothing"); }), errc::not_found) << "to look is not to use";
  EXPECT_EQ(error_of([&] { client_.peek("nothing"); }), errc::not_found);
}

// --- Byte by byte ----------------------------------------------------------------------------------------------------

wire::AddressedItem to(const std::string& name, const std::string& body) { return {name, item_of(body)}; }

wire::Publish set_of(WireClient& client, std::uint32_t producer, std::vector<wire::AddressedItem> together) {
  wire::Publish frame{client.next_request(), producer, {item_of("first")}};
  frame.together = std::make_shared<const std::vector<wire::AddressedItem>>(std::move(together));
  return frame;
}

TEST_F(AutoCreateTest, WhatIsSentBehindASetComesBehindIt) {
  WireClient client(broker_);
  client.say_hello();
  const std::uint32_t producer = client.open_producer("q");
  std::string bytes = bytes_of(wire::encode(set_of(client, producer, {to("new", "1"), to("newer", "2")})));
  for (int i = 0; i < 20; ++i) {
    bytes += bytes_of(wire::encode(wire::Publish{client.next_request(), producer, {item_of("behind")}}));
  }
  client.send_bytes(bytes);
  for (std::uint64_t offset = 0; offset <= 20; ++offset) {
    const auto published = client.read<wire::Published>();
    ASSERT_EQ(published.results.size(), 1u);
    EXPECT_EQ(published.results[0].code, base::Code::OK);
    EXPECT_EQ(published.results[0].offset.value, offset);
  }
  EXPECT_TRUE(is_ready("new") && is_ready("newer"));
}

TEST_F(AutoCreateTest, WhatCannotBeMadeSaysWhyAndTheConnectionGoesOn) {
  WireClient client(broker_);
  client.say_hello();
  const std::uint32_t producer = client.open_producer("q");
  client.send(wire::encode(set_of(client, producer, {to("fine", "1"), to("not a name", "2")})));
  const auto refused = client.read<wire::Published>();
  ASSERT_EQ(refused.results.size(), 1u);
  EXPECT_EQ(refused.results[0].code, base::Code::INVALID_NAME);
  EXPECT_EQ(refused.status.code(), base::Code::INVALID_NAME);
  EXPECT_EQ(client.publish(producer, {item_of("x")}).results.at(0).offset.value, 0u);
  client.open_consumer(1, "q", 10);
  const wire::Delivery one = client.take(1).at(0);
  wire::Verdict verdict;
  verdict.token = one.token;
  verdict.publishes =
      std::make_shared<const std::vector<wire::AddressedItem>>(std::vector<wire::AddressedItem>{to("also fine", "1")});
  const auto settled = client.settle(1, {}, {verdict});
  ASSERT_EQ(settled.results.size(), 1u);
  EXPECT_EQ(settled.results[0].second.code, base::Code::INVALID_NAME);
  EXPECT_TRUE(client.settle(1, {one.token}).results.empty()) << "the message is still the consumer's";
  EXPECT_THAT(queues(), UnorderedElementsAre("fine", "q"));
}

/// Nothing of the connection is read meanwhile, and leases run out.
TEST_F(AutoCreateTest, ManyAreMadeInFewWritesAndEachNameOnce) {
  constexpr int kQueues = 500;
  WireClient client(broker_);
  client.say_hello();
  const std::uint32_t producer = client.open_producer("q");
  std::vector<wire::AddressedItem> together;
  for (int i = 0; i < kQueues; ++i) {
    for (int twice = 0; twice < 2; ++twice) together.push_back(to("new" + std::to_string(i), "1"));
  }
  const auto syncs = [this] { return api(broker_, "/status").at("store").at("syncs_total").to_number<std::int64_t>(); };
  const std::int64_t before = syncs();
  client.send(wire::encode(set_of(client, producer, std::move(together))));
  const auto published = client.read<wire::Published>();
  ASSERT_EQ(published.results.size(), 1u);
  EXPECT_EQ(published.results[0].code, base::Code::OK) << published.status.text();
  EXPECT_LT(syncs() - before, kQueues) << "one for each would be three for each, with the audit trail";
  EXPECT_TRUE(is_ready("new0", 2));
  EXPECT_TRUE(is_ready("new499", 2));

  const std::vector<wire::AddressedItem> bad(3, to("not a name", "2"));
  client.send(wire::encode(set_of(client, producer, bad)));
  EXPECT_EQ(client.read<wire::Published>().status.code(), base::Code::INVALID_NAME);
  const auto tried = api(broker_, "/audit?limit=1000&target=not%20a%20name").at("items").as_array();
  EXPECT_EQ(tried.size(), 2u) << "its beginning and its end: nobody asks twice";
}

/// The broker reads neither the set nor that its publisher has gone before both are there.
TEST_F(AutoCreateTest, AConnectionThatEndsMeanwhileHarmsNobody) {
  constexpr int kClients = 10;
  std::vector<std::pair<WireClient, std::uint32_t>> clients;
  for (int i = 0; i < kClients; ++i) {
    WireClient client(broker_);
    client.say_hello();
    const std::uint32_t producer = client.open_producer("q");
    clients.emplace_back(std::move(client), producer);
  }
  broker_.signal(SIGSTOP);
  for (int i = 0; i < kClients; ++i) {
    auto& [client, producer] = clients[static_cast<std::size_t>(i)];
    client.send(wire::encode(set_of(client, producer, {to("new" + std::to_string(i), "1")})));
    client.hang_up();
  }
  broker_.signal(SIGCONT);
  for (int i = 0; i < kClients; ++i) EXPECT_TRUE(is_ready("new" + std::to_string(i))) << i;
  EXPECT_TRUE(is_ready("q", kClients)) << "what was read is done, whoever has gone";
  client_.publish_all({{"a", {.body = "1"}}, {"b", {.body = "2"}}});
  EXPECT_TRUE(is_ready("a") && is_ready("b"));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

}  // namespace
}  // namespace lazaret::testing

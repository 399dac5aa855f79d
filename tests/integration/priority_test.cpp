// Priorities on a real broker: through the client library, the HTTP API and the command line, and over a kill.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <iostream>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class PriorityTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "priority", .drain = 5s}); }
  static std::vector<std::string> bodies(const Inbox& inbox) {
    std::vector<std::string> all;
    for (const Received& one : inbox.all()) all.push_back(one.message.body.str());
    return all;
  }
  /// One at a time, so that the order of deliveries is that of the handlers.
  static ConsumeOptions one_by_one() { return {.prefetch = 1}; }
  Broker broker_;
};

/// The first that came too late, of pairs of -priority and number; "": all came in order.
std::string out_of_order(const std::vector<std::pair<int, std::uint64_t>>& order) {
  const auto late = std::is_sorted_until(order.begin(), order.end());
  if (late == order.end()) return "";
  const auto name = [](const std::pair<int, std::uint64_t>& one) {
    return std::to_string(one.second) + " of priority " + std::to_string(-one.first);
  };
  return name(*late) + " came behind " + name(*std::prev(late)) + ", as the " + std::to_string(late - order.begin());
}

TEST_F(PriorityTest, TheHighestIsDeliveredFirstAlsoOverAKill) {
  Client client = connect();
  client.ensure({.name = "orders"});
  for (int i = 0; i < 3; ++i) client.publish("orders", {.body = "plain " + std::to_string(i)});
  client.publish("orders", {.body = "fire", .priority = 9});
  client.publish("orders", {.body = "smoke", .priority = 4});
  client.publish("orders", {.body = "smoke again", .priority = 4});
  EXPECT_EQ(client.show("orders").ready, 6u);
  EXPECT_EQ(client.show("orders").scheduled, 0u);
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  Inbox inbox;
  const Consumer consumer = client.consume(
      "orders", [&](Delivery& delivery) { inbox.add(delivery); }, one_by_one());
  ASSERT_TRUE(inbox.reaches(6));
  EXPECT_THAT(bodies(inbox), ElementsAre("fire", "smoke", "smoke again", "plain 0", "plain 1", "plain 2"));
  EXPECT_EQ(inbox.at(0).message.priority, 9);
  EXPECT_EQ(inbox.at(3).message.priority, 0);
  for (const Received& one : inbox.all()) EXPECT_FALSE(one.redelivered) << one.message.body.view();
  EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == 6; }));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(PriorityTest, ItIsTheNextBehindABacklogOnTheDiskAndKeepsItInARetry) {
  constexpr std::uint64_t kBacklog = 30'000;  // more than a subscription reads ahead
  Client client = connect();
  client.ensure({.name = "orders", .backoff_initial = 200ms});
  std::atomic<std::uint64_t> confirmed{0};
  for (std::uint64_t i = 0; i < kBacklog; ++i) {
    client.async_publish("orders", {.body = std::string(200, 'x')}, [&](error_code code, const Receipt&) {
      EXPECT_FALSE(code);
      ++confirmed;
    });
    while (i + 1 - confirmed.load() > 10'000) std::this_thread::yield();
  }
  ASSERT_TRUE(eventually([&] { return confirmed == kBacklog; }, 60s));
  client.publish("orders", {.body = "urgent", .priority = 9});
  Inbox inbox;
  Gate gate;
  std::atomic<int> tries{0};
  const auto work = [&](Delivery& delivery) -> Verdict {
    inbox.add(delivery);
    if (delivery.message().priority == 9) return ++tries < 3 ? Verdict::fail("not yet") : Verdict::done();
    if (inbox.size() > 500) gate.pass();
    return Verdict::done();
  };
  const Consumer consumer = client.consume("orders", work, one_by_one());
  ASSERT_TRUE(eventually([&] { return tries == 3 || inbox.size() > 500; }, 60s));
  EXPECT_EQ(inbox.at(0).message.body.view(), "urgent");
  // Behind a kill the next one is as urgent as ever.
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  client.publish("orders", {.body = "as urgent", .priority = 8});
  const std::size_t before = inbox.size();
  gate.open();
  const auto place = [&] {
    const std::vector<std::string> all = bodies(inbox);
    return static_cast<std::size_t>(std::find(all.begin(), all.end(), "as urgent") - all.begin());
  };
  ASSERT_TRUE(eventually([&] { return place() < inbox.size(); }, 60s));
  EXPECT_LE(place(), before + 4);  // what the consumer had, what was on its way to it, and the first of 9 again
  EXPECT_TRUE(eventually([&] { return tries == 3; }, 60s));
  client.purge("orders");
  EXPECT_TRUE(eventually([&] { return client.show("orders").ready == 0; }));
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

/// Of each priority a tenth, in no order. LAZARET_LONG=1: a million of them, and what they take is said.
TEST_F(PriorityTest, ManyWaitInFlatMemoryAndComeInTheirOrder) {
  const bool is_long = std::getenv("LAZARET_LONG") != nullptr;
  const std::uint64_t most = is_long ? 1'000'000 : 30'000;
  Client client = connect();
  client.ensure({.name = "orders"});
  const auto resident = [&] {
    const auto status = http(broker_.admin(), "GET", "/api/v1/status").json();
    return status.at("process").at("resident_bytes").to_number<std::uint64_t>();
  };
  const auto priority_of = [](std::uint64_t i) { return static_cast<int>(i * 7'919 % 1'009 % 10); };
  std::atomic<std::uint64_t> confirmed{0};
  std::vector<std::string> highest;
  std::uint64_t quarter = 0;
  for (std::uint64_t i = 0; i < most; ++i) {
    std::string body = std::to_string(i) + std::string(100, ' ');
    if (priority_of(i) == 9 && highest.size() < 200) highest.push_back(body);
    client.async_publish("orders", {.body = std::move(body), .priority = priority_of(i)},
                         [&](error_code code, const Receipt&) {
                           EXPECT_FALSE(code);
                           ++confirmed;
                         });
    while (i + 1 - confirmed.load() > 10'000) std::this_thread::yield();
    if (i == most / 4) quarter = resident();
  }
  ASSERT_TRUE(eventually([&] { return confirmed == most; }, 120s));
  const std::uint64_t all = resident();
  std::cout << "resident MB at a quarter: " << static_cast<double>(quarter) / 1e6
            << ", at all: " << static_cast<double>(all) / 1e6 << "\n";
  const std::uint64_t most_bytes = is_long ? quarter + (96u << 20) : ~0ull;
  EXPECT_LT(all, most_bytes);
  const auto killed = std::chrono::steady_clock::now();
  broker_.restart();
  std::cout << "start: " << std::chrono::duration<double>(std::chrono::steady_clock::now() - killed).count() << " s\n";
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  EXPECT_EQ(client.show("orders").ready, most);
  Inbox inbox;
  {
    const Consumer consumer = client.consume("orders",
                                             [&](Delivery& delivery) {
                                               if (inbox.size() < highest.size()) inbox.add(delivery);
                                             },
                                             {.concurrency = 1, .prefetch = 20});
    ASSERT_TRUE(inbox.reaches(highest.size()));
  }
  EXPECT_EQ(bodies(inbox), highest);
  std::cout << "resident MB after a start: " << static_cast<double>(resident()) / 1e6 << "\n";
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);

  // All the rest, in its order; what the first consumer gave back is the first of its own.
  std::vector<std::pair<int, std::uint64_t>> order;  // of one handler's thread, until `got` says that it has ended
  std::atomic<std::uint64_t> got{0};
  const std::uint64_t rest = client.show("orders").ready;
  const auto begun = std::chrono::steady_clock::now();
  const Consumer consumer =
      client.consume("orders",
                     [&](Delivery& delivery) {
                       order.emplace_back(-delivery.message().priority, std::stoull(delivery.message().body.str()));
                       ++got;
                     },
                     {.concurrency = 1, .prefetch = 500});
  EXPECT_TRUE(eventually([&] { return client.show("orders").acked_total == most; }, 300s));
  ASSERT_EQ(got, rest);
  EXPECT_EQ(out_of_order(order), "");
  std::cout << "delivered per second: "
            << static_cast<double>(rest) /
                   std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count()
            << ", resident MB then: " << static_cast<double>(resident()) / 1e6 << "\n";
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(PriorityTest, ADelayedOneAndAReplayHaveIt) {
  Client client = connect();
  client.ensure({.name = "orders"});
  client.publish("orders", {.body = "rejected", .priority = 7});
  {
    const Consumer consumer = client.consume(
        "orders", [](Delivery&) { return Verdict::reject("no"); }, one_by_one());
    ASSERT_TRUE(eventually([&] { return client.show("orders").in_hospital == 1; }));
  }
  client.publish("orders", {.body = "later", .delay = 300ms, .priority = 8});
  client.publish("orders", {.body = "plain"});
  ASSERT_EQ(broker_.cli({"hospital", "replay", "--all", "--yes"}).exit, 0);
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  ASSERT_TRUE(eventually([&] { return client.show("orders").ready == 3; }));
  Inbox inbox;
  const Consumer consumer = client.consume(
      "orders", [&](Delivery& delivery) { inbox.add(delivery); }, one_by_one());
  ASSERT_TRUE(inbox.reaches(3));
  EXPECT_THAT(bodies(inbox), ElementsAre("later", "rejected", "plain"));
}

TEST_F(PriorityTest, AnotherNumberIsRefused) {
  Client client = connect();
  client.ensure({.name = "orders"});
  EXPECT_EQ(error_of([&] { client.publish("orders", {.body = "x", .priority = 10}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client.publish("orders", {.body = "x", .priority = -1}); }), errc::bad_request);
  EXPECT_EQ(client.show("orders").ready, 0u);
}

TEST_F(PriorityTest, OverHttp) {
  const std::string& admin = broker_.admin();
  const std::string queue = "/api/v1/queues/orders";
  ASSERT_EQ(http(admin, "PUT", queue, "{}").status, 201);
  const auto publish = [&](const std::string& body) { return http(admin, "POST", queue + "/messages", body); };
  EXPECT_EQ(publish(R"({"body": "low"})").status, 201);
  EXPECT_EQ(publish(R"({"body": "high", "priority": 9})").status, 201);
  for (const char* wrong : {"10", "-1", "1.5", "\"9\"", "true"}) {
    const auto refused = publish(R"({"body": "x", "priority": )" + std::string(wrong) + "}");
    EXPECT_EQ(refused.status, 400) << wrong;
    EXPECT_THAT(refused.body, HasSubstr("priority must be")) << wrong;
  }
  const auto peeked = http(admin, "GET", queue + "/messages").json().at("items").as_array();
  ASSERT_EQ(peeked.size(), 2u);
  EXPECT_EQ(peeked[0].at("priority"), 0);
  EXPECT_EQ(peeked[1].at("priority"), 9);
  const auto why = [&](const std::string& message) {
    return http(admin, "GET", queue + "/why?message=" + message).body;
  };
  EXPECT_THAT(why("0"), HasSubstr("message 1, of priority 9"));
  EXPECT_THAT(why("1"), HasSubstr("first in line"));
  EXPECT_EQ(http(admin, "GET", queue + "/scheduled").json().at("items").as_array().size(), 0u);
  EXPECT_EQ(http(admin, "GET", queue).json().at("ready"), 2);
}

TEST_F(PriorityTest, OnTheCommandLine) {
  ASSERT_EQ(broker_.cli({"queue", "create", "orders"}).exit, 0);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "one"}).exit, 0);
  EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "two", "--priority", "3"}).exit, 0);
  EXPECT_EQ(broker_
                .cli({"publish", "orders", "--messages", "--priority", "1"}, R"({"body": "three", "priority": 9})"
                                                                             "\n"
                                                                             R"({"body": "four"})"
                                                                             "\n")
                .exit,
            0);
  for (const char* wrong : {"10", "-1", "high", "1.5"}) {
    EXPECT_EQ(broker_.cli({"publish", "orders", "--body", "x", "--priority", wrong}).exit, 64) << wrong;
  }
  const auto refused = broker_.cli({"publish", "orders", "--messages"}, R"({"body": "x", "priority": 10})"
                                                                        "\n");
  EXPECT_NE(refused.exit, 0);
  EXPECT_THAT(refused.err, HasSubstr("priority must be"));
  EXPECT_EQ(broker_.cli_json({"schedule", "list", "orders"}).size(), 0u);
  const auto got = broker_.cli_json({"consume", "orders", "--count", "4", "--prefetch", "1", "--print"});
  ASSERT_EQ(got.size(), 4u);
  std::vector<std::string> order;
  for (const auto& one : got) order.emplace_back(one.at("body").as_string());
  EXPECT_THAT(order, ElementsAre("three", "two", "four", "one"));
  EXPECT_EQ(got[0].at("priority"), 9);
  EXPECT_EQ(got[2].at("priority"), 1);
}

}  // namespace
}  // namespace lazaret::testing

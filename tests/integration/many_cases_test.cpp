// Thousands of cases of a real broker are discarded and restored: over HTTP call by call, and on the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/serialize.hpp>
#include <csignal>
#include <set>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using boost::json::object;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class ManyCases : public ::testing::Test {
 protected:
  /// So many messages of the queue become cases.
  void admit(const std::string& queue, int count) {
    client_.ensure({.name = queue, .max_attempts = 1});
    const std::int64_t before = QueueView(broker_, queue)["in_hospital"];
    std::atomic<int> refused{0};
    for (int i = 0; i < count; ++i) {
      client_.async_publish(queue, {.body = std::to_string(i), .type = "order.created"},
                            [&](error_code code, const Receipt&) { refused += code ? 1 : 0; });
    }
    const Consumer sick = client_.consume(queue, [](Delivery&) { return Verdict::reject("no such table"); });
    ASSERT_TRUE(eventually([&] { return QueueView(broker_, queue)["in_hospital"] == before + count; }, 120s));
    ASSERT_EQ(refused, 0);
  }
  object post(const std::string& verb, const object& body) {
    const HttpAnswer answer = http(broker_.admin(), "POST", "/api/v1/hospital/" + verb, boost::json::serialize(body));
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().as_object();
  }

  Broker broker_;
  Client client_ = Client::connect(broker_.url(), {.name = "operator", .timeout = 60s, .drain = 5s});
};

TEST_F(ManyCases, CallsGoOnWhereTheOneBeforeEndedAndNoCaseComesTwice) {
  constexpr int kCases = 2300;
  admit("orders", kCases);
  admit("letters", 1);
  object body{{"filter", "queue=orders admitted>-1h"}, {"reason", "the shop is closed"}};
  std::set<std::string> ids;
  int calls = 0;
  for (bool more = true; more;) {
    const object answer = post("discards", body);
    ASSERT_LE(answer.at("discarded").to_number<int>(), 1000);
    EXPECT_EQ(answer.at("refused"), 0);
    for (const auto& id : answer.at("ids").as_array()) EXPECT_TRUE(ids.emplace(id.as_string()).second) << id;
    more = answer.at("more").as_bool();
    body["cursor"] = answer.at("cursor");
    ++calls;
    if (calls == 1) {
      EXPECT_TRUE(more);
      admit("orders", 1);  // has come since, and is left alone
    }
    ASSERT_LE(calls, 100);
  }
  EXPECT_THAT(ids, SizeIs(kCases));
  EXPECT_EQ(QueueView(broker_, "orders")["discarded_total"], kCases);
  EXPECT_EQ(QueueView(broker_, "orders")["in_hospital"], 1);
  EXPECT_EQ(QueueView(broker_, "letters")["in_hospital"], 1);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
  const auto noted = api(broker_, "/audit?limit=1000&operation=discardCases").at("items").as_array();
  EXPECT_EQ(noted.size(), static_cast<std::size_t>(2 * calls)) << "a beginning and an end for each call";

  broker_.restart();
  const Outcome restored = broker_.cli({"hospital", "restore", "--filter", "queue=orders", "--yes"});
  EXPECT_EQ(restored.exit, 0) << restored.err;
  EXPECT_EQ(restored.out, "restored 2300 cases\n");
  EXPECT_EQ(QueueView(broker_, "orders")["in_hospital"], kCases + 1);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
  EXPECT_EQ(broker_.cli_json({"hospital", "discard", "--all", "--yes"}).size(), kCases + 2u) << "a line for each";
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

/// ^C ends it between two calls, and what it says that was done was done.
TEST_F(ManyCases, TheCommandLineStopsInOrder) {
  constexpr int kCases = 6000;
  admit("orders", kCases);
  const std::string errors = broker_.dir() / "errors";
  Process discarding({.command = broker_.cli_command({"hospital", "discard", "--all", "--yes"}),
                      .output_file = broker_.dir() / "output",
                      .error_file = errors});
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "orders")["discarded_total"] > 0; }));
  discarding.signal(SIGINT);
  const auto exit = discarding.wait(60s);
  ASSERT_TRUE(exit);
  const std::int64_t discarded = QueueView(broker_, "orders")["discarded_total"];
  if (*exit == 75) {
    EXPECT_THAT(read_file(errors), HasSubstr("stopped: discarded " + std::to_string(discarded) + " of 6000 cases"));
  } else {
    EXPECT_EQ(*exit, 0) << "it was done before the signal came: " << read_file(errors);
    EXPECT_EQ(discarded, kCases);
  }
  EXPECT_EQ(QueueView(broker_, "orders")["in_hospital"], kCases - discarded);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

}  // namespace
}  // namespace lazaret::testing

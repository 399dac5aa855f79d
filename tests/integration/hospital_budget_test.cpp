// The byte budget of a hospital on a real broker: it fills, waits over a kill -9, and goes on when there is room.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// What comes back to where it was exported from is there already.
std::string of_another_broker(std::string exported) {
  const std::string here = R"({"id":"0-)";
  for (std::size_t at = exported.find(here); at != std::string::npos; at = exported.find(here, at + 1)) {
    exported[at + here.size() - 2] = '7';
  }
  return exported;
}

class HospitalBudgetTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "budget", .drain = 5s}); }
  boost::json::object shown(const std::string& name, const std::string& kind = "queues") {
    return http(broker_.admin(), "GET", "/api/v1/" + kind + "/" + name).json().as_object();
  }
  std::string level() { return text_of(shown("orders"), "hospital_level"); }
  std::int64_t number(const std::string& name) { return QueueView(broker_, "orders")[name]; }
  std::string metrics() { return http(broker_.admin(), "GET", "/metrics").body; }
  /// So many closed cases of this state are kept, as the metric says.
  bool are_closed(const std::string& state, int count) {
    const std::string line = "lazaret_queue_closed_cases{queue=\"orders\",state=\"" + state + "\"} ";
    return eventually([&] { return metrics().find(line + std::to_string(count) + "\n") != std::string::npos; });
  }
  /// The sentences of alerts about the budget.
  std::vector<std::string> alerts() {
    std::vector<std::string> all;
    const boost::json::value listed = api(broker_, "/alerts");
    for (const boost::json::value& alert : listed.at("items").as_array()) {
      if (text_of(alert, "kind") == "hospital_budget") all.push_back(text_of(alert, "sentence"));
    }
    return all;
  }
  bool is_told(const std::string& words) {
    const auto all = alerts();
    return std::any_of(all.begin(), all.end(),
                       [&](const std::string& one) { return one.find(words) != std::string::npos; });
  }

  Broker broker_;
  Client client_ = connect();
};

TEST_F(HospitalBudgetTest, FullItWaitsOverAKillAndReplaysMakeRoom) {
  constexpr std::int64_t kMessages = 40;
  constexpr std::int64_t kBudget = 10'000;
  client_.create({.name = "orders", .hospital_max_bytes = kBudget});
  for (int i = 0; i < kMessages; ++i) client_.publish("orders", {.body = std::string(1000, 'x')});
  std::atomic<bool> is_mended{false};
  std::atomic<std::uint64_t> attempts{0};
  const Consumer consumer = client_.consume("orders",
                                            [&](Delivery&) {
                                              ++attempts;
                                              return is_mended ? Verdict::done() : Verdict::reject("no such table");
                                            },
                                            {.prefetch = 1});
  ASSERT_TRUE(eventually([&] { return level() == "full" && number("leased") == 0; }));
  const std::int64_t bytes = number("hospital_bytes");
  EXPECT_GE(bytes, kBudget);
  const std::int64_t cases = number("in_hospital");
  EXPECT_GE(bytes, cases * 1000) << "headers count too";
  EXPECT_LE(bytes, kBudget + 2 * 1200) << "only what was out goes beyond";
  EXPECT_EQ(number("ready"), kMessages - cases) << "nothing was dropped";
  const std::uint64_t tried = attempts;
  EXPECT_THAT(broker_.cli({"why", "orders"}).out, HasSubstr("Its hospital is full: its cases keep"));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_queue_hospital_full{queue=\"orders\"} 1"));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_queue_hospital_bytes{queue=\"orders\"} " + std::to_string(bytes)));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_hospitals_full 1"));
  EXPECT_EQ(api(broker_, "/status").at("hospitals_full"), 1);
  EXPECT_THAT(broker_.log(), HasSubstr("queue orders: its hospital is full, "));
  ASSERT_TRUE(eventually([&] { return is_told("orders: its hospital is full"); }));
  const std::string file = of_another_broker(broker_.cli({"hospital", "export"}).out);
  EXPECT_THAT(broker_.cli({"hospital", "import", "-", "--to", "orders"}, file).err,
              HasSubstr("the hospital of orders is full"));

  broker_.restart();
  ASSERT_TRUE(eventually(
      [&] { return shown("orders").at("consumers").as_array().size() == 1 && number("ready") == kMessages - cases; }));
  EXPECT_EQ(level(), "full");
  EXPECT_EQ(number("hospital_bytes"), bytes);
  EXPECT_EQ(number("in_hospital"), cases);
  EXPECT_EQ(attempts, tried);
  client_.publish("orders", {.body = "one more"});

  is_mended = true;
  ASSERT_EQ(broker_.cli({"hospital", "replay", "--all", "--yes", "--canary", "0"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return number("acked_total") == kMessages + 1; }));
  ASSERT_TRUE(eventually([&] { return number("hospital_bytes") == 0; }));
  EXPECT_EQ(level(), "below");
  EXPECT_EQ(number("in_hospital"), 0);
  EXPECT_THAT(metrics(), HasSubstr("lazaret_hospitals_full 0"));
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
  const Outcome check = broker_.cli({"check"});
  EXPECT_EQ(check.exit, 0) << check.out << check.err;
  const auto told = alerts();
  EXPECT_EQ(std::count_if(told.begin(), told.end(),
                          [](const std::string& one) { return one.find("is full") != std::string::npos; }),
            1)
      << "the start repeated none";
}

TEST_F(HospitalBudgetTest, ALargerBudgetHoldsAtOnce) {
  client_.create({.name = "orders", .hospital_max_bytes = 100});
  for (int i = 0; i < 20; ++i) client_.publish("orders", {.body = std::string(100, 'x')});
  std::atomic<bool> is_mended{false};
  const Consumer consumer = client_.consume(
      "orders", [&](Delivery&) { return is_mended ? Verdict::done() : Verdict::reject("no such table"); },
      {.prefetch = 1});
  ASSERT_TRUE(eventually([&] { return level() == "full" && number("leased") == 0; }));
  const std::int64_t cases = number("in_hospital");
  ASSERT_LE(cases, 2);
  is_mended = true;
  ASSERT_EQ(broker_.cli({"queue", "update", "orders", "--hospital-max-bytes", "0"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return number("acked_total") == 20 - cases; }));
  EXPECT_EQ(number("in_hospital"), cases);
  EXPECT_EQ(level(), "below");
}

TEST_F(HospitalBudgetTest, ItsOptionIsThatOfEveryFace) {
  ASSERT_EQ(broker_.cli({"queue", "create", "q"}).exit, 0);
  EXPECT_EQ(shown("q").at("hospital_max_bytes").to_number<std::int64_t>(), 10ll << 30) << "the broker's default";
  ASSERT_EQ(broker_.cli({"queue", "update", "q", "--hospital-max-bytes", "1000"}).exit, 0);
  EXPECT_EQ(shown("q").at("hospital_max_bytes"), 1000);
  EXPECT_EQ(client_.show("q").spec.hospital_max_bytes, 1000u);
  client_.update({.name = "q", .hospital_max_bytes = 2000});
  broker_.restart();
  EXPECT_EQ(shown("q").at("hospital_max_bytes"), 2000);
  EXPECT_NE(broker_.cli({"queue", "update", "q", "--hospital-max-bytes", "many"}).exit, 0);
  client_.ensure_topic({.name = "events"});
  client_.create_subscription({.name = "mine", .topic = "events", .hospital_max_bytes = 0});
  EXPECT_EQ(client_.show("mine").spec.hospital_max_bytes, 0u);
  EXPECT_EQ(shown("mine", "subscriptions").at("hospital_level"), "below");
  const HttpAnswer of_a_topic = http(broker_.admin(), "PUT", "/api/v1/topics/t", R"({"hospital_max_bytes": 1})");
  EXPECT_EQ(text_of(of_a_topic.json(), "code"), "INVALID_OPTION") << "it has no cases";
}

TEST_F(HospitalBudgetTest, AMetricSaysHowManyClosedCasesAreKept) {
  client_.create({.name = "orders"});
  client_.ensure_topic({.name = "news"});
  for (int i = 0; i < 4; ++i) client_.publish("orders", {.body = "x"});
  std::atomic<bool> is_mended{false};
  const Consumer consumer = client_.consume(
      "orders", [&](Delivery&) { return is_mended ? Verdict::done() : Verdict::reject("no such table"); });
  ASSERT_TRUE(eventually([&] { return number("in_hospital") == 4; }));
  EXPECT_TRUE(are_closed("discharged", 0) && are_closed("discarded", 0));
  const auto cases = cases_of(broker_, "orders");
  const auto id = [&](std::size_t place) { return text_of(cases.at(place), "id"); };
  ASSERT_EQ(broker_.cli({"hospital", "discard", id(0)}).exit, 0);
  ASSERT_EQ(broker_.cli({"hospital", "discard", id(1)}).exit, 0);
  is_mended = true;
  ASSERT_EQ(broker_.cli({"hospital", "replay", id(2)}).exit, 0);
  EXPECT_TRUE(are_closed("discharged", 1) && are_closed("discarded", 2)) << metrics();
  ASSERT_EQ(broker_.cli({"hospital", "restore", id(0)}).exit, 0);
  EXPECT_TRUE(are_closed("discharged", 1) && are_closed("discarded", 1)) << metrics();
  broker_.restart();
  EXPECT_TRUE(are_closed("discharged", 1) && are_closed("discarded", 1)) << metrics();
  ASSERT_EQ(broker_.cli({"queue", "update", "orders", "--case-retention-count", "1"}).exit, 0);
  EXPECT_TRUE(are_closed("discharged", 1) && are_closed("discarded", 0)) << "it was discarded before: " << metrics();
  const std::string said = metrics();
  EXPECT_THAT(said, HasSubstr("# HELP lazaret_queue_closed_cases Cases that were closed and are kept now"));
  EXPECT_THAT(said, Not(HasSubstr("lazaret_queue_closed_cases{queue=\"news\""))) << "a topic has none";
}

}  // namespace
}  // namespace lazaret::testing

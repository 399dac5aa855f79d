// What keeps messages out of the hospital, and what sends them there: the circuit breaker and quarantine rules, on a
// real broker through the client library, the command line and HTTP.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::SizeIs;

class PreventionTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "prevention", .drain = 5s}); }
  boost::json::object shown(const std::string& name) {
    return http(broker_.admin(), "GET", "/api/v1/queues/" + name).json().as_object();
  }
  std::string breaker_of(const std::string& name) {
    return std::string(shown(name).at("breaker_status").at("state").as_string());
  }
  HttpAnswer quarantine(const std::string& body) {
    return http(broker_.admin(), "POST", "/api/v1/hospital/quarantines", body);
  }

  Broker broker_;
  Client client_ = connect();
};

class BreakerTest : public PreventionTest {
 protected:
  BreakerTest() {
    client_.create({.name = "orders",
                    .max_attempts = 3,
                    .backoff_initial = 20ms,
                    .backoff_multiplier = 1,
                    .breaker_samples = 20,
                    .breaker_window = 5s,
                    .breaker_pause = 100ms});
  }
  Consumer work() {
    return client_.consume("orders",
                           [this](Delivery&) {
                             ++attempts_;
                             return database_is_there_ ? Verdict::done()
                                                       : Verdict::fail("no connection to the database");
                           },
                           {.prefetch = 8});
  }

  std::atomic<bool> database_is_there_{false};
  std::atomic<std::uint64_t> attempts_{0};
};

/// Twenty attempts open it; what was out besides, and the probes, count for nothing.
TEST_F(BreakerTest, AnOutageFillsNoHospital) {
  constexpr int kMessages = 300;
  for (int i = 0; i < kMessages; ++i) client_.publish("orders", {.body = "order"});
  const Consumer consumer = work();
  ASSERT_TRUE(eventually([&] { return breaker_of("orders") != "closed"; }));
  const boost::json::object status = shown("orders").at("breaker_status").as_object();
  EXPECT_EQ(status.at("failures"), 20);
  EXPECT_EQ(status.at("samples"), 20);
  EXPECT_EQ(status.at("opened_total"), 1);
  ASSERT_TRUE(eventually([&] {
    const std::string why = broker_.cli({"why", "orders"}).out;
    return why.find("BREAKER_OPEN") != std::string::npos || why.find("circuit breaker is open") != std::string::npos;
  }));
  const std::uint64_t before = attempts_;
  ASSERT_TRUE(eventually([&] { return attempts_ >= before + 3; }));  // three probes later
  EXPECT_EQ(shown("orders").at("breaker_status").at("opened_total"), 1);
  EXPECT_EQ(api(broker_, "/status").at("breakers_open"), 1);
  EXPECT_LT(attempts_, 100u);
  database_is_there_ = true;
  ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total == kMessages; }));
  EXPECT_EQ(breaker_of("orders"), "closed");
  EXPECT_EQ(client_.show("orders").in_hospital, 0u);
  EXPECT_EQ(api(broker_, "/status").at("breakers_open"), 0);
  const std::string metrics = http(broker_.admin(), "GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("lazaret_queue_breaker_opened_total{queue=\"orders\"} 1"));
  EXPECT_THAT(metrics, HasSubstr("lazaret_queue_breaker_state{queue=\"orders\"} 0"));
  EXPECT_THAT(broker_.log(), HasSubstr("queue orders: circuit breaker open, 20 of 20 attempts had failed"));
  EXPECT_THAT(broker_.log(), HasSubstr("queue orders: circuit breaker closed"));
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

/// With the limits that a queue has if nothing is said, but for a shorter pause: an opening takes a hundred attempts.
TEST_F(PreventionTest, LessThanOneInAHundredEntersTheHospitalWhileADatabaseIsAway) {
  constexpr std::uint64_t kMessages = 2'000;
  constexpr std::uint64_t kSamples = 100;
  constexpr std::uint32_t kPrefetch = 8;
  constexpr auto kPause = 100ms;
  client_.create({.name = "payments", .breaker_pause = kPause});
  ASSERT_EQ(client_.show("payments").spec.breaker, true);
  ASSERT_EQ(client_.show("payments").spec.breaker_samples, kSamples);
  for (std::uint64_t i = 0; i < kMessages; ++i) client_.publish("payments", {.body = "payment"});
  std::atomic<bool> is_there{false};
  std::atomic<std::uint64_t> failed{0};
  const auto handle = [&](Delivery&) {
    if (is_there) return Verdict::done();
    ++failed;
    return Verdict::fail("no connection to the database");
  };
  const auto begun = std::chrono::steady_clock::now();
  const Consumer consumer = client_.consume("payments", handle, {.prefetch = kPrefetch});
  ASSERT_TRUE(eventually([&] { return breaker_of("payments") != "closed"; }));
  ASSERT_TRUE(eventually([&] { return failed >= kSamples + kPrefetch + 4; }));  // four probes at least
  const boost::json::object status = shown("payments").at("breaker_status").as_object();
  EXPECT_EQ(status.at("failures"), kSamples);
  EXPECT_EQ(status.at("opened_total"), 1);
  const std::uint64_t in_hospital = client_.show("payments").in_hospital;
  EXPECT_LT(in_hospital * 100, kMessages) << "while it is away";
  // What was out when it opened, and a probe for each pause: no more is tried in vain.
  const std::uint64_t attempts = failed;
  const auto pauses = static_cast<std::uint64_t>((std::chrono::steady_clock::now() - begun) / kPause);
  EXPECT_LE(attempts, kSamples + kPrefetch + pauses + 1);
  is_there = true;
  ASSERT_TRUE(eventually([&] { return client_.show("payments").acked_total + in_hospital == kMessages; }, 120s));
  const QueueInfo info = client_.show("payments");
  EXPECT_LT(info.in_hospital * 100, kMessages);
  EXPECT_EQ(info.acked_total + info.in_hospital, kMessages);
  EXPECT_EQ(breaker_of("payments"), "closed");
  EXPECT_EQ(QueueView(broker_, "payments").wrong_sums(), "");
}

TEST_F(BreakerTest, SwitchedOffTheMessagesGoToTheHospital) {
  client_.update({.name = "orders", .breaker = false});
  for (int i = 0; i < 30; ++i) client_.publish("orders", {.body = "order"});
  const Consumer consumer = work();
  ASSERT_TRUE(eventually([&] { return client_.show("orders").in_hospital == 30; }));
  EXPECT_EQ(breaker_of("orders"), "closed");
  EXPECT_EQ(attempts_, 90u);
}

TEST_F(BreakerTest, ItsOptionsAreThoseOfEveryFace) {
  EXPECT_EQ(client_.show("orders").spec.breaker_samples, 20u);
  EXPECT_EQ(client_.show("orders").spec.breaker, true);
  EXPECT_EQ(client_.show("orders").spec.breaker_pause, 100ms);
  ASSERT_EQ(broker_
                .cli({"queue", "create", "q", "--breaker", "false", "--breaker-samples", "7", "--breaker-ratio", "0.5",
                      "--breaker-window", "1m", "--breaker-pause", "2s"})
                .exit,
            0);
  const boost::json::object queue = shown("q");
  EXPECT_EQ(queue.at("breaker"), false);
  EXPECT_EQ(queue.at("breaker_samples"), 7);
  EXPECT_EQ(queue.at("breaker_ratio"), 0.5);
  EXPECT_EQ(queue.at("breaker_window"), "1m");
  EXPECT_EQ(queue.at("breaker_pause"), "2s");
  EXPECT_EQ(broker_.cli({"queue", "update", "q", "--breaker-ratio", "2"}).exit, 65);
  broker_.restart();
  EXPECT_EQ(shown("q").at("breaker"), false);
  EXPECT_EQ(shown("q").at("breaker_samples"), 7);
  client_.ensure_topic({.name = "events"});
  client_.create_subscription({.name = "mine", .topic = "events", .breaker = false, .breaker_window = 2s});
  EXPECT_EQ(client_.show("mine").spec.breaker, false);
  EXPECT_EQ(client_.show("mine").spec.breaker_window, 2s);
}

// --- Quarantine -----------------------------------------------------------------------------------------------------

TEST_F(PreventionTest, ARuleSendsWhatMatchesToTheHospitalAndReleasesIt) {
  client_.create({.name = "orders"});
  const HttpAnswer added = quarantine(
      R"({"subscription": "orders", "type": "order.*", "header.region": "eu \"west\"", "reason": "wrong prices"})");
  ASSERT_EQ(added.status, 201) << added.body;
  const std::string id(added.json().at("id").as_string());
  EXPECT_EQ(added.headers.at("location"), "/api/v1/hospital/quarantines/" + id);
  EXPECT_EQ(added.json().at("filter"), R"(type="order.*" header.region="eu \"west\"")");
  Inbox inbox;
  const Consumer consumer = client_.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  for (int i = 0; i < 5; ++i) {
    client_.publish("orders", {.body = "bad", .type = "order.created", .headers = {{"region", "eu \"west\""}}});
  }
  client_.publish("orders", {.body = "good", .type = "order.created", .headers = {{"region", "us"}}});
  ASSERT_TRUE(eventually([&] { return client_.show("orders").in_hospital == 5; }));
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).message.body.str(), "good");
  const boost::json::array cases = cases_of(broker_, "orders");
  ASSERT_EQ(cases.size(), 5u);
  for (const auto& one : cases) {
    EXPECT_EQ(one.at("reason"), "quarantined");
    EXPECT_EQ(one.at("quarantine"), boost::json::string(id));
    EXPECT_EQ(one.at("error_type"), "lazaret.quarantined");
    EXPECT_EQ(one.at("error_message"), boost::json::string("quarantine rule " + id + ": wrong prices"));
  }
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/hospital/quarantines/" + id).json().at("caught_total"), 5);
  EXPECT_EQ(shown("orders").at("quarantines"), 1);
  EXPECT_THAT(broker_.cli({"why", "orders"}).out, HasSubstr("1 quarantine rule sends"));
  const HttpAnswer lifted = http(broker_.admin(), "DELETE", "/api/v1/hospital/quarantines/" + id + "?release=true");
  ASSERT_EQ(lifted.status, 200) << lifted.body;
  EXPECT_EQ(lifted.json().at("released"), 5);
  EXPECT_EQ(lifted.json().at("at_least"), false);
  EXPECT_EQ(lifted.json().at("job"), "1");
  ASSERT_TRUE(inbox.reaches(6));
  ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total == 6; }));
  ASSERT_TRUE(eventually([&] { return api(broker_, "/hospital/replays/1").at("state") == "done"; }));
  EXPECT_EQ(api(broker_, "/hospital/replays/1").at("filter"),
            boost::json::string("subscription=orders quarantine=" + id + " reason=quarantined"));
  EXPECT_EQ(http(broker_.admin(), "DELETE", "/api/v1/hospital/quarantines/" + id + "?release=true").status, 404);
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/hospital/quarantines/" + id).status, 404);
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

/// By a job as any: one goes first, and what another rule has caught, or was replayed before, stays where it is.
TEST_F(PreventionTest, WhatARuleHasCaughtIsReleasedByAJob) {
  client_.create({.name = "orders"});
  const auto rule = [&](const std::string& type) {
    return text_of(quarantine(R"({"subscription": "orders", "type": ")" + type + R"("})").json(), "id");
  };
  const std::string bad = rule("bad");
  const std::string worse = rule("worse");
  const auto work = [&](const char* verdict) {
    ASSERT_EQ(broker_.cli({"consume", "orders", "--count", "1", "--exec", verdict}).exit, 0);
  };
  for (int i = 0; i < 4; ++i) client_.publish("orders", {.body = "b", .type = "bad"});
  client_.publish("orders", {.body = "w", .type = "worse"});
  client_.publish("orders", {.body = "good", .type = "good"});
  work("exit 0");
  const auto cases = [&](const std::string& filter) {
    return broker_.cli_json({"hospital", "list", "--filter", filter}).size();
  };
  EXPECT_EQ(cases("quarantine=" + bad), 4u);
  EXPECT_EQ(cases("quarantine=" + worse), 1u);
  EXPECT_EQ(cases("quarantine!=" + bad + " queue=orders"), 1u);
  EXPECT_EQ(broker_.cli({"hospital", "count", "--filter", "quarantine=" + bad}).out, "4\n");
  // One is looked at by hand, and fails of something else.
  const std::string first = text_of(broker_.cli_json({"hospital", "list", "--filter", "quarantine=" + bad})[0], "id");
  ASSERT_EQ(broker_.cli({"hospital", "replay", first}).exit, 0);
  work("echo 'out of paper' >&2; exit 65");

  const std::string path = "/api/v1/hospital/quarantines/" + bad;
  EXPECT_EQ(http(broker_.admin(), "DELETE", path + "?canary=1").status, 400);
  EXPECT_EQ(http(broker_.admin(), "DELETE", path + "?release=true&canary=some").status, 400);
  EXPECT_EQ(http(broker_.admin(), "DELETE", path + "?release=true&stop_at_failure_ratio=2").status, 400);
  EXPECT_EQ(http(broker_.admin(), "GET", path).status, 200) << "it was not lifted";
  EXPECT_EQ(broker_.cli({"hospital", "quarantine", "lift", bad, "--canary", "1"}).exit, 64);
  EXPECT_EQ(broker_.cli({"hospital", "quarantine", "lift", bad, "--release"}).exit, 64) << "nobody could be asked";
  EXPECT_EQ(http(broker_.admin(), "GET", path).status, 200) << "it was not lifted";
  const auto lifted = broker_.cli_json({"hospital", "quarantine", "lift", bad, "--release", "--yes", "--canary", "1",
                                        "--rate", "50", "--stop-at-failure-ratio", "0.3"})[0];
  EXPECT_EQ(lifted.at("lifted"), true);
  EXPECT_EQ(lifted.at("released"), 3);
  const std::string job = text_of(lifted, "job");
  const auto shown = [&] { return api(broker_, "/hospital/replays/" + job); };
  EXPECT_EQ(shown().at("rate"), 50);
  EXPECT_EQ(shown().at("stop_at_failure_ratio"), 0.3);
  ASSERT_TRUE(eventually([&] { return shown().at("state") == "canary"; }));
  EXPECT_EQ(shown().at("total"), 3);
  ASSERT_TRUE(eventually([&] { return shown().at("outcomes").at("queued") == 1; })) << "the others wait for it";
  EXPECT_EQ(shown().at("outcomes").at("none"), 2);
  const auto again = broker_.cli_json({"hospital", "quarantine", "lift", bad, "--release", "--yes"})[0];
  EXPECT_EQ(again.at("lifted"), false);
  EXPECT_EQ(text_of(again, "job"), job) << "it is under way";
  work("exit 0");
  ASSERT_TRUE(eventually([&] { return shown().at("outcomes").at("queued") == 2; }));
  ASSERT_EQ(broker_.cli({"consume", "orders", "--count", "2", "--exec", "exit 0"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return shown().at("state") == "done"; }));
  EXPECT_EQ(client_.show("orders").in_hospital, 2u) << "that of the other rule, and what is out of paper";
  EXPECT_EQ(broker_.cli({"hospital", "quarantine", "lift", worse}).exit, 0);
  EXPECT_EQ(broker_.cli({"hospital", "quarantine", "lift", bad, "--release", "--yes"}).exit, 66) << "nothing is left";
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

/// There are as many jobs as there may be: the rule is gone all the same, and whoever lifted it is told of both.
TEST_F(PreventionTest, ARuleIsLiftedAlthoughItsReleaseCannotBegin) {
  constexpr int kJobsOpen = 64;
  client_.create({.name = "orders"});
  const auto rule = [&](const std::string& type) {
    return text_of(quarantine(R"({"subscription": "orders", "type": ")" + type + R"("})").json(), "id");
  };
  const std::string held = rule("held");
  const std::string bad = rule("bad");
  const std::string worse = rule("worse");
  for (int i = 0; i < kJobsOpen; ++i) client_.publish("orders", {.body = "h", .type = "held"});
  for (const char* type : {"bad", "worse", "good"}) client_.publish("orders", {.body = "m", .type = type});
  ASSERT_EQ(broker_.cli({"consume", "orders", "--count", "1", "--exec", "exit 0"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return client_.show("orders").in_hospital == kJobsOpen + 2; }));
  for (const auto& one : cases_of(broker_, "orders")) {  // a job for each, that waits for a consumer
    if (text_of(one, "quarantine") != held) continue;
    const std::string body = R"({"ids": [")" + text_of(one, "id") + R"("]})";
    ASSERT_EQ(http(broker_.admin(), "POST", "/api/v1/hospital/replays", body).status, 202);
  }

  const std::string path = "/api/v1/hospital/quarantines/" + bad;
  const HttpAnswer lifted = http(broker_.admin(), "DELETE", path + "?release=true");
  ASSERT_EQ(lifted.status, 200) << lifted.body;
  EXPECT_EQ(lifted.json().at("lifted"), true);
  EXPECT_TRUE(lifted.json().at("job").is_null());
  EXPECT_EQ(lifted.json().at("released"), 0);
  EXPECT_EQ(lifted.json().at("problem").at("code"), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(http(broker_.admin(), "GET", path).status, 404);
  const auto ended = api(broker_, "/audit?operation=liftQuarantine&target=" + bad).at("items").at(0);
  EXPECT_EQ(ended.at("status"), 200);
  EXPECT_EQ(ended.at("before").at("subscription"), "orders") << "whose rule it was";
  EXPECT_EQ(ended.at("after"), (boost::json::object{{"problem", "RESOURCE_EXHAUSTED"}}));
  EXPECT_EQ(http(broker_.admin(), "DELETE", path + "?release=true").status, 503) << "now nothing was changed";

  const Outcome said = broker_.cli({"hospital", "quarantine", "lift", worse, "--release", "--yes"});
  EXPECT_EQ(said.exit, 75);
  EXPECT_THAT(said.err, HasSubstr("quarantine rule " + worse +
                                  " is lifted, and nothing of what it has caught is released: there are 64 replay"));
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/hospital/quarantines/" + worse).status, 404);

  ASSERT_EQ(broker_.cli({"consume", "orders", "--count", std::to_string(kJobsOpen), "--exec", "exit 0"}).exit, 0);
  ASSERT_TRUE(eventually([&] {
    return broker_.cli({"hospital", "quarantine", "lift", worse, "--release", "--yes"}).exit == 0;
  }));
  EXPECT_EQ(QueueView(broker_, "orders").wrong_sums(), "");
}

TEST_F(PreventionTest, RulesOutliveAKill) {
  client_.create({.name = "orders"});
  client_.ensure_topic({.name = "events"});
  client_.create_subscription({.name = "mine", .topic = "events"});
  ASSERT_EQ(quarantine(R"({"subscription": "orders", "key": "k"})").status, 201);
  ASSERT_EQ(quarantine(R"({"subscription": "mine", "filter": "type~x", "until": "2h"})").status, 201);
  const boost::json::value before = api(broker_, "/hospital/quarantines");
  EXPECT_EQ(before.at("items").as_array().size(), 2u);
  broker_.restart();
  EXPECT_EQ(api(broker_, "/hospital/quarantines"), before);
  Inbox inbox;
  const Consumer consumer = client_.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  client_.publish("orders", {.body = "bad", .key = "k"});
  ASSERT_TRUE(eventually([&] { return client_.show("orders").in_hospital == 1; }));
  broker_.restart();
  EXPECT_EQ(api(broker_, "/hospital/quarantines?subscription=orders").at("items").at(0).at("caught_total"), 1);
  EXPECT_EQ(api(broker_, "/hospital/quarantines?limit=1").at("items").as_array().size(), 1u);
  EXPECT_TRUE(api(broker_, "/hospital/quarantines?limit=1").at("cursor").is_string());
  EXPECT_EQ(inbox.size(), 0u);
}

TEST_F(PreventionTest, WhatMakesNoSenseIsRefused) {
  client_.create({.name = "orders"});
  client_.ensure_topic({.name = "events"});
  EXPECT_EQ(quarantine(R"({"subscription": "orders"})").status, 400);
  EXPECT_EQ(quarantine(R"({"subscription": "orders", "filter": "size=3"})").status, 400);
  EXPECT_EQ(quarantine(R"({"subscription": "nobody", "type": "x"})").status, 404);
  EXPECT_EQ(quarantine(R"({"subscription": "events", "type": "x"})").status, 400);
  EXPECT_EQ(quarantine(R"({"subscription": "orders", "type": "x", "until": "tomorrow"})").status, 400);
  EXPECT_EQ(quarantine(R"({"subscription": "orders", "type": "x", "until": "2001-01-01T00:00:00Z"})").status, 400);
  EXPECT_EQ(quarantine(R"({"subscription": "orders", "colour": "red"})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "DELETE", "/api/v1/hospital/quarantines/0-1-99").status, 404);
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/hospital/quarantines/red").status, 404);
}

TEST_F(PreventionTest, TheCommandLine) {
  client_.create({.name = "orders"});
  const auto added = broker_.cli_json({"hospital", "quarantine", "add", "orders", "--type", "bad.#", "--header",
                                       "region=eu", "--reason", "it kills the printer", "--until", "1h"});
  ASSERT_THAT(added, SizeIs(1));
  const std::string id(added[0].at("id").as_string());
  EXPECT_THAT(broker_.cli({"hospital", "quarantine", "list"}).out, HasSubstr("it kills the printer"));
  EXPECT_THAT(broker_.cli_json({"hospital", "quarantine", "list", "orders"}), SizeIs(1));
  ASSERT_EQ(broker_.cli({"publish", "orders", "--type", "bad.label", "--header", "region=eu"}, "x").exit, 0);
  ASSERT_EQ(broker_.cli({"publish", "orders", "--type", "good.label"}, "y").exit, 0);
  EXPECT_EQ(broker_.cli({"consume", "orders", "--print", "--count", "1"}).out, "y\n");
  EXPECT_EQ(client_.show("orders").in_hospital, 1u);
  EXPECT_THAT(broker_.cli({"hospital", "quarantine", "lift", id, "--release", "--yes"}).out,
              HasSubstr("replay job 1 releases 1 case"));
  EXPECT_EQ(broker_.cli({"consume", "orders", "--print", "--count", "1"}).out, "x\n");
  EXPECT_EQ(broker_.cli({"hospital", "quarantine", "lift", id}).exit, 66);
  EXPECT_EQ(broker_.cli({"hospital", "quarantine", "add", "orders"}).exit, 65);
}

}  // namespace
}  // namespace lazaret::testing

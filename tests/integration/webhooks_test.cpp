// Alerts, from a failure in a worker to whoever is to be told: webhooks, the log of alerts, events, the command line.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "integration/support/api.h"
#include "integration/support/broker.h"
#include "integration/support/http.h"
#include "integration/support/webhook_sink.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "correct horse battery staple";

class WebhooksTest : public ::testing::Test {
 protected:
  WebhooksTest() { write_file(dir_ / "secret", kSecret + "\n"); }

  /// With webhooks by name, the first of them the default one.
  void serve(const std::vector<std::pair<std::string, std::string>>& webhooks, std::vector<std::string> more = {}) {
    BrokerOptions options;
    for (const auto& [name, url] : webhooks) {
      options.settings.push_back("alerts.webhooks." + name + ".url=" + url);
      options.settings.push_back("alerts.webhooks." + name + ".secret_file=" + (dir_ / "secret"));
    }
    options.settings.push_back("alerts.default=" + webhooks.front().first);
    options.settings.insert(options.settings.end(), more.begin(), more.end());
    broker_ = std::make_unique<Broker>(options);
  }
  /// Messages of a queue that are all rejected with this error.
  void fail(const std::string& queue, const std::string& error, int count = 1) {
    std::string lines;
    for (int i = 0; i < count; ++i) lines += std::to_string(i) + "\n";
    ASSERT_EQ(broker_->cli({"publish", queue, "--jsonl"}, lines).exit, 0);
    ASSERT_EQ(
        broker_
            ->cli({"consume", queue, "--count", std::to_string(count), "--exec", "echo '" + error + "' >&2; exit 65"})
            .exit,
        0);
  }
  void create(const std::string& queue, const std::string& options = "{}") {
    const HttpAnswer answer = http(broker_->admin(), "PUT", "/api/v1/queues/" + queue, options);
    ASSERT_EQ(answer.status, 201) << answer.body;
  }
  boost::json::array alerts() { return api(*broker_, "/alerts").at("items").as_array(); }
  std::string delivery(std::size_t alert, const std::string& field) {
    const auto known = alerts();
    return alert < known.size() ? text_of(known.at(alert).at("deliveries").as_array().at(0), field) : "";
  }
  std::string metrics() { return http(broker_->admin(), "GET", "/metrics").body; }

  TempDir dir_;
  std::unique_ptr<Broker> broker_;
};

TEST_F(WebhooksTest, AFailureIsToldWithEverythingThatHelps) {
  WebhookSink ops, payments;
  serve({{"ops", ops.url()}, {"payments", payments.url()}}, {"admin.public_url=https://lazaret.example.org/"});
  create("billing", R"({"owner": "the payments team", "runbook": "https://wiki/billing", "alert_to": "payments"})");
  create("orders");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return payments.count("new_group") == 1; }));
  const WebhookSink::Post post = payments.posts().front();
  EXPECT_EQ(post.target, "/alerts?of=lazaret");
  EXPECT_EQ(post.headers.at("content-type"), "application/json");
  EXPECT_EQ(post.headers.at("x-lazaret-signature"), post.expected_signature(kSecret));
  const boost::json::object alert = post.json();
  EXPECT_EQ(post.headers.at("x-lazaret-alert"), alert.at("id").as_string());
  EXPECT_EQ(alert.at("subscription"), "billing");
  EXPECT_EQ(alert.at("owner"), "the payments team");
  EXPECT_EQ(alert.at("runbook"), "https://wiki/billing");
  EXPECT_EQ(alert.at("counts").at("open"), 1);
  EXPECT_THAT(text_of(alert, "sentence"), HasSubstr("no such table"));
  EXPECT_EQ(text_of(alert, "url"),
            "https://lazaret.example.org/hospital/cases?filter=group%3D" + text_of(alert, "group"));
  EXPECT_EQ(ops.posts().size(), 0u) << "the queue says who is told";
  fail("orders", "out of paper");
  ASSERT_TRUE(eventually([&] { return ops.count("new_group") == 1; })) << "and the default one is told of others";

  const boost::json::value group = api(*broker_, "/hospital/groups/" + text_of(alert, "group"));
  EXPECT_EQ(group.at("queue_owner"), "the payments team");
  EXPECT_EQ(group.at("runbook"), "https://wiki/billing");
  EXPECT_EQ(group.at("alert_to"), "payments");
  EXPECT_TRUE(group.at("owner").is_null()) << "its own";
  EXPECT_EQ(group.at("effective_owner"), "the payments team");
  EXPECT_NE(broker_->cli({"hospital", "groups"}).out.find("  the payments team  "), std::string::npos);
  // One case, within the last hour or, if the hour of the clock has just begun, a little of the one before.
  EXPECT_GT(group.at("rate").to_number<double>(), 0.01);
  EXPECT_LE(group.at("rate").to_number<double>(), 0.0171);
  ASSERT_TRUE(
      eventually([&] { return delivery(0, "outcome") == "delivered" && delivery(1, "outcome") == "delivered"; }));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_alerts_total{kind=\"new_group\"} 2"));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_webhook_attempts_total{receiver=\"payments\",outcome=\"delivered\"} 1"));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_queue_unaccounted{queue=\"billing\"} 0"));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_hospital_oldest_case_age_seconds{queue=\"billing\"}"));
  const auto listed = broker_->cli_json({"hospital", "alerts"});
  ASSERT_EQ(listed.size(), 2u);
  EXPECT_EQ(listed[1].at("id"), alert.at("id"));
}

TEST_F(WebhooksTest, WhatIsRefusedIsSentAgainWithTheSameId) {
  WebhookSink ops([](std::size_t number) { return number == 0 ? 500u : number == 1 ? 302u : 200u; });
  serve({{"ops", ops.url()}});
  create("billing");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return delivery(0, "outcome") == "delivered"; }));
  const auto posts = ops.posts();
  ASSERT_EQ(posts.size(), 3u) << "a redirection is not followed, and no success";
  EXPECT_EQ(posts[0].body, posts[2].body);
  EXPECT_EQ(posts[2].headers.at("x-lazaret-attempt"), "3");
  EXPECT_EQ(posts[2].headers.at("x-lazaret-signature"), posts[2].expected_signature(kSecret));
  EXPECT_EQ(alerts().at(0).at("deliveries").at(0).at("attempts"), 3);
  EXPECT_THAT(metrics(), HasSubstr("lazaret_webhook_attempts_total{receiver=\"ops\",outcome=\"refused\"} 2"));
}

/// A port that nobody listens on, and one whose owner accepts and says nothing.
TEST_F(WebhooksTest, AReceiverThatIsDownHoldsUpNothing) {
  boost::asio::io_context io;
  boost::asio::ip::tcp::acceptor silent(io, {boost::asio::ip::make_address("127.0.0.1"), 0});
  WebhookSink ops;
  serve({{"ops", ops.url()},
         {"gone", "http://127.0.0.1:" + std::to_string(free_port()) + "/"},
         {"silent", "http://127.0.0.1:" + std::to_string(silent.local_endpoint().port()) + "/"}});
  create("a", R"({"alert_to": "gone"})");
  create("b", R"({"alert_to": "silent"})");
  create("c");
  fail("a", "no such table");
  fail("b", "no such table");
  ASSERT_TRUE(eventually([&] {
    return alerts().size() == 2 && alerts().at(1).at("deliveries").at(0).at("attempts").to_number<int>() >= 1;
  }));
  fail("c", "no such table");
  ASSERT_TRUE(eventually([&] { return ops.count("new_group") == 1; }));
  EXPECT_EQ(delivery(2, "outcome"), "waiting");
  EXPECT_THAT(metrics(), HasSubstr("lazaret_webhook_waiting{receiver=\"gone\"} 1"));
  EXPECT_THAT(metrics(), HasSubstr("lazaret_webhook_waiting{receiver=\"silent\"} 1"));
  std::string lines;
  for (int i = 0; i < 2000; ++i) lines += "x\n";
  EXPECT_EQ(broker_->cli({"publish", "c", "--jsonl"}, lines).exit, 0);
  EXPECT_EQ(broker_->terminate(20s), 0) << "nor a stop";
}

TEST_F(WebhooksTest, ARestartRepeatsNothingAndSendsWhatWasNotDelivered) {
  const auto port = static_cast<unsigned short>(free_port());
  WebhookSink payments;
  serve({{"ops", "http://127.0.0.1:" + std::to_string(port) + "/"}, {"payments", payments.url()}});
  create("billing", R"({"alert_to": "payments"})");
  create("orders");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return payments.count("new_group") == 1 && delivery(0, "outcome") == "delivered"; }));
  // What became of it is written with the next look.
  fail("orders", "out of paper");
  ASSERT_TRUE(eventually([&] { return alerts().size() == 2; }));
  const std::string id = text_of(alerts().at(0), "id");
  fail("orders", "another thing");
  ASSERT_TRUE(eventually([&] { return alerts().size() == 3; }));
  broker_->restart();
  EXPECT_EQ(alerts().size(), 3u);
  WebhookSink ops([](std::size_t) { return 204u; }, port);
  ASSERT_TRUE(eventually([&] { return ops.posts().size() == 2; }));
  std::vector<std::string> sent;  // in whatever order
  for (const WebhookSink::Post& post : ops.posts()) sent.push_back(text_of(post.json(), "id"));
  EXPECT_THAT(sent, ::testing::Contains(id));
  fail("orders", "a third thing");
  ASSERT_TRUE(eventually([&] { return ops.posts().size() == 3; }));
  EXPECT_EQ(alerts().size(), 4u) << "nothing was raised again";
  EXPECT_EQ(payments.posts().size(), 1u);
}

TEST_F(WebhooksTest, AReceiverMayHaveAName) {
  WebhookSink ops;
  std::string url = ops.url();
  url.replace(url.find("127.0.0.1"), 9, "localhost");
  serve({{"ops", url}, {"nobody", "http://nobody.invalid:9/"}});
  create("billing");
  create("orders", R"({"alert_to": "nobody"})");
  fail("orders", "out of paper");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return ops.count("new_group") == 1; }));
  const auto answer = [&] {
    for (const auto& alert : alerts()) {
      if (text_of(alert, "subscription") == "orders") {
        return text_of(alert.at("deliveries").as_array().at(0), "last_answer");
      }
    }
    return std::string();
  };
  ASSERT_TRUE(eventually([&] { return !answer().empty(); }));
  EXPECT_THAT(answer(), HasSubstr("its name cannot be resolved"));
}

TEST_F(WebhooksTest, TheSecretIsShownNowhere) {
  WebhookSink ops;
  serve({{"ops", ops.url()}}, {"log.level=debug"});
  create("billing");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return ops.count("new_group") == 1; }));
  for (const char* path : {"/metrics", "/api/v1/status", "/healthz", "/api/v1/alerts", "/openapi.json"}) {
    EXPECT_THAT(http(broker_->admin(), "GET", path).body, Not(HasSubstr(kSecret))) << path;
  }
  EXPECT_THAT(broker_->log(), Not(HasSubstr(kSecret)));
  EXPECT_THAT(read_file("/proc/" + std::to_string(broker_->pid()) + "/cmdline"), Not(HasSubstr(kSecret)));
  EXPECT_THAT(read_file("/proc/" + std::to_string(broker_->pid()) + "/environ"), Not(HasSubstr(kSecret)));
  for (const WebhookSink::Post& post : ops.posts()) EXPECT_THAT(post.body, Not(HasSubstr(kSecret)));
}

TEST_F(WebhooksTest, AQueueMayOnlyNameAWebhookThatThereIs) {
  WebhookSink ops;
  serve({{"ops", ops.url()}});
  create("billing");
  const HttpAnswer refused = http(broker_->admin(), "PATCH", "/api/v1/queues/billing", R"({"alert_to": "opps"})");
  EXPECT_EQ(refused.status, 400);
  EXPECT_THAT(text_of(refused.json(), "detail"), HasSubstr("there are ops"));
  EXPECT_EQ(broker_->cli({"queue", "update", "billing", "--alert-to", "opps"}).exit, 65);
  EXPECT_EQ(broker_->cli({"queue", "update", "billing", "--alert-to", "ops", "--owner", "42", "--runbook", "r"}).exit,
            0);
  const auto shown = broker_->cli_json({"queue", "show", "billing"})[0];
  EXPECT_EQ(shown.at("owner"), "42");
  EXPECT_EQ(shown.at("alert_to"), "ops");
  EXPECT_EQ(broker_->cli({"queue", "update", "billing", "--owner", ""}).exit, 0);
  EXPECT_EQ(broker_->cli_json({"queue", "show", "billing"})[0].at("owner"), "");
}

TEST_F(WebhooksTest, AReplayThatRelapsesAndItsEndAreTold) {
  WebhookSink ops;
  serve({{"ops", ops.url()}});
  create("billing");
  fail("billing", "no such table");
  ASSERT_EQ(broker_->cli({"hospital", "replay", "--filter", "queue=billing", "--yes", "--canary", "1"}).exit, 0);
  ASSERT_EQ(broker_->cli({"consume", "billing", "--count", "1", "--exec", "echo 'no such table' >&2; exit 65"}).exit,
            0);
  ASSERT_TRUE(eventually([&] { return ops.count("relapse") == 1 && ops.count("job_ended") == 1; }));
  for (const WebhookSink::Post& post : ops.posts()) {
    if (post.kind() != "job_ended") continue;
    EXPECT_EQ(post.json().at("counts").at("relapsed"), 1);
    EXPECT_EQ(post.json().at("replay"), "1");
  }
}

/// Relapses of a cause that is snoozed are told to nobody; the case that wakes it is.
TEST_F(WebhooksTest, ASnoozedCauseSaysNothingUntilACaseWakesIt) {
  WebhookSink ops;
  serve({{"ops", ops.url()}});
  create("billing");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return ops.count("new_group") == 1; }));
  const std::string group = text_of(ops.posts().front().json(), "group");
  ASSERT_EQ(broker_->cli({"hospital", "groups", "update", group, "--snooze-until-rate", "2/h"}).exit, 0);
  ASSERT_EQ(broker_->cli({"hospital", "replay", "--filter", "queue=billing", "--yes"}).exit, 0);
  ASSERT_EQ(broker_->cli({"consume", "billing", "--count", "1", "--exec", "echo 'no such table' >&2; exit 65"}).exit,
            0);
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return ops.count("group_woken") == 1; }));
  EXPECT_EQ(ops.count("relapse"), 0u) << "it came while the cause was snoozed";
  EXPECT_THAT(text_of(api(*broker_, "/hospital/groups/" + group).as_object(), "woken_by"), HasSubstr("rate 2/h"));
}

TEST_F(WebhooksTest, AnOldCaseIsToldOfOnce) {
  WebhookSink ops;
  serve({{"ops", ops.url()}}, {"alerts.case_age=1s", "alerts.webhooks.ops.kinds=ageing,breaker_open"});
  create("billing");
  fail("billing", "no such table");
  ASSERT_TRUE(eventually([&] { return ops.count("ageing") == 1; }));
  EXPECT_EQ(ops.posts().size(), 1u) << "of nothing else: its kinds say so";
  EXPECT_THAT(text_of(ops.posts()[0].json(), "sentence"), HasSubstr("has been open for"));
}

TEST_F(WebhooksTest, WatchPrintsCasesAndAlertsAsTheyCome) {
  WebhookSink ops;
  serve({{"ops", ops.url()}});
  create("billing");
  create("orders");
  fail("orders", "it was there before");
  ASSERT_TRUE(eventually([&] { return alerts().size() == 1; }));
  const std::string all = broker_->dir() / "all";
  const std::string some = broker_->dir() / "some";
  Process watch({.command = broker_->cli_command({"--json", "hospital", "watch"}), .output_file = all});
  Process counted(
      {.command = broker_->cli_command({"hospital", "watch", "--count", "1"}), .output_file = broker_->dir() / "one"});
  Process filtered(
      {.command = broker_->cli_command({"hospital", "watch", "--filter", "queue=billing"}), .output_file = some});
  // Until both have begun: what was there before they asked what time it is is not told.
  int rounds = 0;
  ASSERT_TRUE(eventually([&] {
    fail("billing", "no such table in round " + std::string(static_cast<std::size_t>(++rounds), 'x'));
    const std::string seen = read_file(all);
    return seen.find("\"event\":\"case\"") != std::string::npos &&
           seen.find("\"event\":\"alert\"") != std::string::npos &&
           read_file(some).find("no such table") != std::string::npos && counted.wait(500ms) == 0;
  }));
  EXPECT_EQ(json_lines(read_file(all)).at(0).as_object().size(), 2u) << "what it is, and the thing itself";
  watch.signal(SIGINT);
  EXPECT_EQ(watch.wait(20s), 0);
  EXPECT_THAT(read_file(all), Not(HasSubstr("it was there before")));
  EXPECT_THAT(read_file(some), HasSubstr("  case   "));
  EXPECT_THAT(read_file(some), Not(HasSubstr("alert")));
  filtered.signal(SIGINT);
  EXPECT_EQ(filtered.wait(20s), 0);
  EXPECT_EQ(broker_->cli({"hospital", "watch", "--filter", "colour=red"}).exit, 65);
  EXPECT_EQ(broker_->cli({"hospital", "watch", "--idle-exit", "100ms"}).exit, 0);
}

TEST_F(WebhooksTest, AWatchOutlivesTheBroker) {
  WebhookSink ops;
  serve({{"ops", ops.url()}});
  create("billing");
  const std::string output = broker_->dir() / "watched";
  Process watch({.command = broker_->cli_command({"hospital", "watch"}), .output_file = output});
  int rounds = 0;
  const auto sees_a_case = [&] {
    const std::string error = "round " + std::string(static_cast<std::size_t>(++rounds), 'x');
    fail("billing", error);
    return eventually([&] { return read_file(output).find(error + "\n") != std::string::npos; }, 3s);
  };
  ASSERT_TRUE(eventually(sees_a_case));
  ASSERT_TRUE(eventually([&] { return read_file(output).find("  alert  ") != std::string::npos; }));
  broker_->restart();
  ASSERT_TRUE(eventually(sees_a_case));
  watch.signal(SIGTERM);
  EXPECT_EQ(watch.wait(20s), 0);
}

}  // namespace
}  // namespace lazaret::testing

// Alerts over https: who is believed, who is not and why, and that what was not delivered is, once it can be.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "integration/support/api.h"
#include "integration/support/broker.h"
#include "integration/support/http.h"
#include "integration/support/tls_sink.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

const std::string kSecret = "correct horse battery staple";

class WebhooksHttpsTest : public ::testing::Test {
 protected:
  WebhooksHttpsTest() {
    write_file(dir_ / "secret", kSecret + "\n");
    write_file(dir_ / "ca.pem", ours_.certificate());
  }

  /// Settings of a webhook, and of a queue of the same name in `create`.
  void add(const std::string& name, const std::string& url, const std::string& ca_file) {
    const std::string table = "alerts.webhooks." + name;
    options_.settings.push_back(table + ".url=" + url);
    options_.settings.push_back(table + ".secret_file=" + (dir_ / "secret"));
    if (!ca_file.empty()) options_.settings.push_back(table + ".ca_file=" + ca_file);
    names_.push_back(name);
  }
  /// A message of each queue fails, of which its webhook is to be told.
  void serve_and_fail() {
    broker_ = std::make_unique<Broker>(options_);
    for (const std::string& name : names_) {
      const HttpAnswer created =
          http(broker_->admin(), "PUT", "/api/v1/queues/" + name, R"({"alert_to": ")" + name + R"("})");
      ASSERT_EQ(created.status, 201) << created.body;
      ASSERT_EQ(broker_->cli({"publish", name, "--jsonl"}, "1\n").exit, 0);
      ASSERT_EQ(broker_->cli({"consume", name, "--count", "1", "--exec", "echo 'no such table' >&2; exit 65"}).exit, 0);
    }
  }
  /// A field of what became of the alert about this queue; "" when there is none yet.
  std::string delivery(const std::string& queue, const std::string& field) {
    const auto alerts = api(*broker_, "/alerts");  // outlives the loop
    for (const auto& alert : alerts.at("items").as_array()) {
      if (text_of(alert, "subscription") != queue || alert.at("deliveries").as_array().empty()) continue;
      return text_of(alert.at("deliveries").as_array().at(0), field);
    }
    return "";
  }
  /// As the metric has it; -1: it has not.
  double tries(const std::string& webhook, const std::string& outcome) {
    const std::string metrics = http(broker_->admin(), "GET", "/metrics").body;
    const std::string series =
        "\nlazaret_webhook_attempts_total{receiver=\"" + webhook + "\",outcome=\"" + outcome + "\"} ";
    const std::size_t at = metrics.find(series);
    return at == std::string::npos ? -1 : std::stod(metrics.substr(at + series.size()));
  }
  bool comes_to(const std::string& queue, const std::string& field, const std::string& value) {
    return eventually([&] { return delivery(queue, field).find(value) != std::string::npos; });
  }
  /// The broker does, sooner or later.
  bool logs(const std::string& words) {
    return eventually([&] { return broker_->log().find(words) != std::string::npos; });
  }

  TempDir dir_;
  BrokerOptions options_;
  std::vector<std::string> names_;
  std::unique_ptr<Broker> broker_;
  const Authority ours_{"An authority of ours"};
};

TEST_F(WebhooksHttpsTest, WhoShowsTheRightCertificateGetsAlertsAsOverHttp) {
  TlsSink named(ours_.issue({.hosts = "DNS:localhost"}));
  TlsSink numbered(ours_.issue({.hosts = "IP:127.0.0.1"}));
  add("named", named.url(), dir_ / "ca.pem");
  add("numbered", numbered.url("127.0.0.1"), dir_ / "ca.pem");
  serve_and_fail();
  for (TlsSink* sink : {&named, &numbered}) {
    ASSERT_TRUE(eventually([&] { return sink->posts().size() == 1; }));
    const PostBox::Post post = sink->posts().front();
    EXPECT_EQ(post.target, "/alerts?of=lazaret");
    EXPECT_EQ(post.kind(), "new_group");
    EXPECT_EQ("https://" + post.headers.at("host") + post.target,
              sink->url(sink == &named ? "localhost" : "127.0.0.1"));
    EXPECT_EQ(post.headers.at("x-lazaret-signature"), post.expected_signature(kSecret));
  }
  ASSERT_TRUE(comes_to("named", "outcome", "delivered"));
  ASSERT_TRUE(comes_to("numbered", "outcome", "delivered"));
  EXPECT_EQ(delivery("named", "last_answer"), "204");
  EXPECT_THAT(http(broker_->admin(), "GET", "/metrics").body,
              HasSubstr("lazaret_webhook_attempts_total{receiver=\"named\",outcome=\"delivered\"} 1"));
  EXPECT_THAT(broker_->log(), Not(HasSubstr("does not take alerts")));
}

TEST_F(WebhooksHttpsTest, WithoutAFileTheSystemSaysWhoIsTrusted) {
  TlsSink trusted(ours_.issue({}));
  TlsSink other(Authority("Somebody else").issue({}));
  add("trusted", trusted.url(), "");
  add("other", other.url(), "");
  options_.environment = {{"SSL_CERT_FILE", dir_ / "ca.pem"}, {"SSL_CERT_DIR", dir_ / "none"}};
  serve_and_fail();
  ASSERT_TRUE(comes_to("trusted", "outcome", "delivered"));
  ASSERT_TRUE(comes_to("other", "last_answer", "its issuer is unknown: it is nobody whom the system trusts"));
  EXPECT_TRUE(other.posts().empty());
}

/// Each is a try that failed, with a reason for people; the next one that finds who it should delivers.
TEST_F(WebhooksHttpsTest, WhoCannotShowWhoHeIsGetsNothingUntilHeCan) {
  const Authority others("Somebody else");
  TlsSink elsewhere(ours_.issue({.hosts = "DNS:alerts.example.org,IP:127.0.0.2"}));
  TlsSink unknown(others.issue({}));
  TlsSink alone(self_signed({}));
  TlsSink expired(ours_.issue({.valid_from = -2h, .valid_until = -1h}));
  TlsSink plain(ours_.issue({}));
  plain.speak_plain_http();
  TlsSink stalled(ours_.issue({}));
  stalled.say_nothing();
  struct Case {
    std::string name;
    TlsSink* sink;
    std::string reason;
  };
  // The one that takes longest last: by then the others have been tried for a few seconds only.
  const std::vector<Case> cases = {
      {"elsewhere", &elsewhere, "its certificate is not for localhost"},
      {"unknown", &unknown, "its issuer is unknown: it is nobody whose certificate is in " + (dir_ / "ca.pem")},
      {"alone", &alone, "its issuer is unknown"},
      {"expired", &expired, "its certificate, or one that it rests on, has expired"},
      {"plain", &plain, "it does not speak TLS"},
      {"stalled", &stalled, "it took too long over the TLS handshake"}};
  for (const Case& one : cases) add(one.name, one.sink->url(), dir_ / "ca.pem");
  serve_and_fail();
  for (const Case& one : cases) {
    ASSERT_TRUE(comes_to(one.name, "last_answer", one.reason)) << one.name << ": " << delivery(one.name, "last_answer");
    EXPECT_EQ(delivery(one.name, "outcome"), "waiting");
    EXPECT_TRUE(one.sink->posts().empty()) << one.name << " has been told something";
    EXPECT_TRUE(logs("webhook " + one.name + ": does not take alerts, which wait and are sent again: " + one.reason));
    one.sink->show(ours_.issue({}));
  }
  EXPECT_GE(stalled.kept_waiting(), 1u);
  for (const Case& one : cases) {
    ASSERT_TRUE(comes_to(one.name, "outcome", "delivered")) << one.name << ": " << delivery(one.name, "last_answer");
    ASSERT_EQ(one.sink->posts().size(), 1u) << one.name;
    const PostBox::Post post = one.sink->posts().front();
    EXPECT_NE(post.headers.at("x-lazaret-attempt"), "1") << one.name;
    EXPECT_EQ(post.headers.at("x-lazaret-signature"), post.expected_signature(kSecret));
    EXPECT_TRUE(logs("webhook " + one.name + ": takes alerts again"));
    EXPECT_GE(tries(one.name, "unreachable"), 1);
  }
}

TEST_F(WebhooksHttpsTest, AHandshakeThatStallsHoldsUpNeitherOthersNorAStop) {
  TlsSink good(ours_.issue({}));
  TlsSink stalled(ours_.issue({}));
  stalled.say_nothing();
  add("stalled", stalled.url(), dir_ / "ca.pem");
  add("good", good.url(), dir_ / "ca.pem");
  serve_and_fail();
  ASSERT_TRUE(eventually([&] { return stalled.kept_waiting() >= 1; }));
  ASSERT_TRUE(comes_to("good", "outcome", "delivered"));
  // At the beginning of a try: its handshake would take five seconds from here.
  const std::size_t before = stalled.kept_waiting();
  ASSERT_TRUE(eventually([&] { return stalled.kept_waiting() > before; }));
  EXPECT_EQ(broker_->terminate(3s), 0);
}

TEST_F(WebhooksHttpsTest, AFileThatIsNoUseEndsTheStartWithASentence) {
  write_file(dir_ / "lazaret.toml", "[alerts.webhooks.ops]\nurl = \"https://localhost/\"\nsecret_file = \"" +
                                        (dir_ / "secret") + "\"\nca_file = \"" + (dir_ / "secret") + "\"\n");
  const Outcome refused = run({binary("lazaretd"), "--config", dir_ / "lazaret.toml", "--check-config"});
  EXPECT_EQ(refused.exit, 78);
  EXPECT_EQ(refused.err, "lazaretd: BAD_CONFIGURATION: " + (dir_ / "lazaret.toml") +
                             ":4: alerts.webhooks.ops.ca_file is no use: there is no certificate in PEM in " +
                             (dir_ / "secret") + "\n");
  write_file(dir_ / "lazaret.toml", "[alerts.webhooks.ops]\nurl = \"https://localhost/\"\nsecret_file = \"" +
                                        (dir_ / "secret") + "\"\nca_file = \"" + (dir_ / "ca.pem") + "\"\n");
  const Outcome valid = run({binary("lazaretd"), "--config", dir_ / "lazaret.toml", "--check-config"});
  EXPECT_EQ(valid.exit, 0) << valid.err;
}

}  // namespace
}  // namespace lazaret::testing

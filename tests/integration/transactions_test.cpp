// Transactions on a real broker, through the client library, the command line and HTTP: an ack and what it publishes
// are one, wherever it goes; so are publishes to several places; and nobody's death leaves half of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <map>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class TransactionsTest : public ::testing::Test {
 protected:
  TransactionsTest() : client_(connect("service")) {
    QueueSpec orders;
    orders.name = "orders";
    orders.max_attempts = 1;
    client_.create(orders);
    // Six queues are on both shards.
    for (int i = 0; i < 6; ++i) {
      QueueSpec other;
      other.name = "step" + std::to_string(i);
      client_.create(other);
      steps_.push_back(other.name);
    }
  }
  Client connect(const std::string& name) { return Client::connect(broker_.url(), {.name = name, .drain = 5s}); }
  std::int64_t ready(const std::string& queue) { return QueueView(broker_, queue)["ready"]; }
  Verdict to_all(const std::string& body) {
    Verdict verdict = Verdict::done();
    for (const std::string& step : steps_) verdict = std::move(verdict).publish(step, {.body = body});
    return verdict;
  }
  /// Everything of a queue, as the consumer gets it, until nothing more comes.
  std::map<std::string, int> drain(const std::string& queue) {
    std::map<std::string, int> bodies;
    for (const auto& line : broker_.cli_json({"consume", queue, "--print", "--idle-exit", "300ms"})) {
      ++bodies[text_of(line.as_object(), "body")];
    }
    return bodies;
  }

  Broker broker_;
  Client client_;
  std::vector<std::string> steps_;
};

TEST_F(TransactionsTest, AnAckPublishesToEveryShardWithItself) {
  const Consumer consumer = client_.consume("orders", [&](Delivery& delivery) {
    return Verdict::done()
        .publish("step0", {.body = "invoice for " + delivery.message().body.str(), .type = "invoice", .key = "k"})
        .publish("step1", {.body = "parcel"});
  });
  const Receipt order = client_.publish("orders", {.body = "tea"});
  Inbox invoices, parcels;
  const Consumer first = client_.consume("step0", [&](Delivery& delivery) { invoices.add(delivery); });
  const Consumer second = client_.consume("step1", [&](Delivery& delivery) { parcels.add(delivery); });
  ASSERT_TRUE(eventually([&] { return invoices.size() == 1 && parcels.size() == 1; }));
  const Message invoice = invoices.at(0).message;
  EXPECT_EQ(invoice.body.view(), "invoice for tea");
  EXPECT_EQ(invoice.type, "invoice");
  EXPECT_EQ(invoice.key, "k");
  EXPECT_EQ(invoice.causation_id, order.id.to_string());
  EXPECT_EQ(invoice.correlation_id, parcels.at(0).message.correlation_id);
  for (const char* queue : {"orders", "step0", "step1"}) EXPECT_EQ(QueueView(broker_, queue).wrong_sums(), "");
}

TEST_F(TransactionsTest, WithNowhereToGoTheAttemptFails) {
  std::atomic<int> refusals{0};
  ConsumeOptions options;
  options.on_refused = [&](error_code code, const Problem& problem, Verdict::Kind meant) {
    const bool is_this = code == errc::not_found && problem.text.find("nowhere") != std::string::npos;
    if (is_this && meant == Verdict::Kind::done) ++refusals;
  };
  const Consumer consumer = client_.consume(
      "orders",
      [&](Delivery&) { return Verdict::done().publish("step0", {.body = "x"}).publish("nowhere", {.body = "x"}); },
      options);
  client_.publish("orders", {.body = "tea"});
  ASSERT_TRUE(eventually([&] { return cases_of(broker_, "orders").size() == 1; }));
  const auto failed = cases_of(broker_, "orders").at(0).as_object();
  EXPECT_EQ(text_of(failed, "error_type"), "lazaret.publish_refused");
  EXPECT_THAT(text_of(failed, "error_message"), HasSubstr("NOT_FOUND: there is no queue or topic 'nowhere'"));
  EXPECT_EQ(ready("step0"), 0);
  EXPECT_EQ(refusals, 1) << "whoever consumes is told";
}

/// Whoever counts verdicts takes a refused one from where it was counted.
TEST_F(TransactionsTest, ARefusalSaysOfWhichKindTheVerdictWas) {
  std::atomic<int> answers{0}, declines{0}, others{0};
  ConsumeOptions options;
  options.on_refused = [&](error_code, const Problem&, Verdict::Kind meant) {
    ++(meant == Verdict::Kind::answer ? answers : meant == Verdict::Kind::decline ? declines : others);
  };
  const Consumer consumer = client_.consume(
      "orders",
      [](Delivery& delivery) {
        const bool good = delivery.message().body.view() == "tea?";
        return (good ? Verdict::answer({.body = "yes"}) : Verdict::decline("no")).publish("nowhere", {.body = "x"});
      },
      options);
  for (const char* body : {"tea?", "coffee?"}) {
    EXPECT_EQ(client_.within(60s).request("orders", {.body = body}).outcome, lazaret::Outcome::failed) << body;
  }
  EXPECT_EQ(answers, 1);
  EXPECT_EQ(declines, 1);
  EXPECT_EQ(others, 0);
}

/// "At ten", said a moment after ten.
TEST_F(TransactionsTest, ADelayThatIsOverIsNone) {
  const Consumer consumer = client_.consume("orders", [](Delivery&) {
    return Verdict::done()
        .publish("step0", {.body = "x", .delay = milliseconds(-1)})
        .publish("step1", {.body = "x", .ttl = milliseconds(-1)});
  });
  client_.publish("orders", {.body = "tea"});
  EXPECT_TRUE(eventually([&] { return ready("step0") == 1; }));
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "step1")["expired_total"] == 1; }));
  EXPECT_TRUE(cases_of(broker_, "orders").empty());
  EXPECT_EQ(error_of([&] { client_.publish("step0", {.body = "x", .delay = milliseconds(-1)}); }), errc::bad_request);
}

TEST_F(TransactionsTest, WhatIsTooLargeFailsBeforeItIsSent) {
  const Consumer consumer = client_.consume("orders", [&](Delivery&) {
    Verdict verdict = Verdict::done();
    for (int i = 0; i < 3; ++i) verdict = std::move(verdict).publish("step0", {.body = std::string(6u << 20, 'x')});
    return verdict;
  });
  client_.publish("orders", {.body = "tea"});
  ASSERT_TRUE(eventually([&] { return cases_of(broker_, "orders").size() == 1; }));
  EXPECT_THAT(text_of(cases_of(broker_, "orders").at(0).as_object(), "error_message"), HasSubstr("MESSAGE_TOO_LARGE"));
  EXPECT_EQ(ready("step0"), 0);
}

TEST_F(TransactionsTest, AnAnswerPublishesToo) {
  const Consumer consumer = client_.consume("orders", [&](Delivery&) {
    return Verdict::answer({.body = "yes"}).publish("step0", {.body = "note"}).publish("step1", {.body = "note"});
  });
  EXPECT_EQ(client_.within(60s).request("orders", {.body = "tea?"}).message.body.view(), "yes");
  EXPECT_TRUE(eventually([&] { return ready("step0") == 1 && ready("step1") == 1; }));
}

TEST_F(TransactionsTest, SeveralPlacesAtOnceOrNone) {
  std::vector<Addressed> messages;
  for (const std::string& step : steps_) messages.push_back({step, {.body = "all"}});
  const Receipt receipt = client_.publish_all(messages);
  EXPECT_FALSE(receipt.duplicate);
  for (const std::string& step : steps_) EXPECT_TRUE(eventually([&] { return ready(step) == 1; })) << step;
  messages.push_back({"nowhere", {.body = "all"}});
  EXPECT_EQ(error_of([&] { client_.publish_all(messages); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.publish_all({}); }), errc::bad_request);
  auto published = client_.async_publish_all({{"step0", {.body = "x"}}, {"step1", {.body = "x"}}}, asio::use_future);
  EXPECT_EQ(published.get().offset, 1u);
  for (const std::string& step : {steps_[2], steps_[3]}) EXPECT_EQ(ready(step), 1) << step;
}

TEST_F(TransactionsTest, TheCommandLineAndHttpDoTheSame) {
  const auto lines = broker_.cli_json({"publish", "step0", "--together"},
                                      "{\"body\": \"a\"}\n{\"to\": \"step1\", \"body\": \"b\", \"key\": \"k\"}\n");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(text_of(lines.at(1).as_object(), "to"), "step1");
  EXPECT_TRUE(eventually([&] { return ready("step0") == 1 && ready("step1") == 1; }));
  EXPECT_EQ(broker_.cli({"publish", "--together"}, "{\"body\": \"a\"}\n").exit, 65);
  EXPECT_EQ(broker_.cli({"publish", "--together"}, "{\"to\": \"nowhere\", \"body\": \"a\"}\n").exit, 66);
  EXPECT_EQ(broker_.cli({"publish"}, "x").exit, 64);

  const auto made = http(broker_.admin(), "POST", "/api/v1/transactions",
                         R"({"messages": [{"to": "step2", "body": "a"}, {"to": "step3", "body": "b"}]})");
  EXPECT_EQ(made.status, 201) << made.body;
  EXPECT_TRUE(eventually([&] { return ready("step2") == 1 && ready("step3") == 1; }));
  for (const char* bad : {"{}", R"({"messages": []})", R"({"messages": [{"body": "a"}]})", R"({"messages": [7]})",
                          R"({"messages": [{"to": "step4", "body": "a"}, {"to": "step5", "colour": 1}]})"}) {
    EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/transactions", bad).status, 400) << bad;
  }
  EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/transactions",
                 R"({"messages": [{"to": "step4", "body": "a"}, {"to": "nowhere", "body": "b"}]})")
                .status,
            404);
  EXPECT_EQ(ready("step4"), 0);
}

/// Its places may be named in any order.
TEST_F(TransactionsTest, AFullQueueTakesASetAlsoAsItsFirst) {
  client_.create({.name = "full", .max_messages = 1});
  client_.publish("full", {.body = "there"});
  client_.publish_all({{"full", {.body = "a"}}, {"step0", {.body = "a"}}});
  client_.publish_all({{"step0", {.body = "b"}}, {"full", {.body = "b"}}});
  const std::string set = R"({"messages": [{"to": "full", "body": "c"}, {"to": "step1", "body": "c"}]})";
  EXPECT_EQ(http(broker_.admin(), "POST", "/api/v1/transactions", set).status, 201);
  const std::string lines = R"({"to": "full", "body": "d"})"
                            "\n"
                            R"({"to": "step1", "body": "d"})"
                            "\n";
  EXPECT_EQ(broker_.cli({"publish", "--together"}, lines).exit, 0);
  ASSERT_TRUE(eventually([&] { return ready("full") == 5; }));
  EXPECT_EQ(error_of([&] { client_.publish("full", {.body = "alone"}); }), errc::exhausted);
  EXPECT_EQ(drain("full").size(), 5u);
}

TEST_F(TransactionsTest, TheOutputOfACommandGoesOutWithTheAck) {
  broker_.cli({"publish", "orders", "--key", "k", "--body", "tea"});
  broker_.cli({"publish", "orders", "--body", "nothing"});
  const Outcome consumed =
      broker_.cli({"consume", "orders", "--count", "2", "--publish-to", "step0", "--publish-to", "step1", "--", "sh",
                   "-c", "read word; test $word = nothing || echo made $word"},
                  "");
  EXPECT_EQ(consumed.exit, 0) << consumed.err;
  EXPECT_TRUE(eventually([&] { return ready("step0") == 1 && ready("step1") == 1; }));
  EXPECT_THAT(drain("step0"), Contains(std::pair<const std::string, int>("made tea\n", 1)));
  EXPECT_EQ(broker_.cli({"consume", "orders", "--print", "--publish-to", "step0"}).exit, 64);

  // What cannot go out has failed, whatever the command says; and which of the places is missing.
  const std::string large = broker_.dir() / "large";
  write_file(large, std::string(17u << 20, 'x'));
  const std::pair<std::vector<std::string>, std::string> refused[] = {
      {{"--publish-to", "step0", "--publish-to", "nope", "--", "cat"}, "NOT_FOUND: there is no queue or topic 'nope'"},
      {{"--publish-to", "step0", "--", "cat", large}, "MESSAGE_TOO_LARGE"}};
  for (const auto& [rest, why] : refused) {
    client_.publish("orders", {.body = "tea"});
    std::vector<std::string> arguments{"consume", "orders", "--count", "1"};
    arguments.insert(arguments.end(), rest.begin(), rest.end());
    const auto ended = broker_.cli(arguments);
    EXPECT_EQ(ended.exit, 0) << ended.err;
    EXPECT_THAT(ended.err, HasSubstr("consumed 0, failed 1,"));
    EXPECT_THAT(ended.err, HasSubstr(why));
  }
}

/// The broker is killed over and over while transactions are under way.
TEST_F(TransactionsTest, DeathsOfTheBrokerLeaveNoHalves) {
  QueueSpec many;
  many.name = "many";
  client_.create(many);
  constexpr int kOrders = 200;
  for (int i = 0; i < kOrders; ++i) client_.within(60s).publish("many", {.body = std::to_string(i)});
  const Consumer consumer = client_.consume(
      "many", [&](Delivery& delivery) { return to_all(delivery.message().body.str()); }, {.concurrency = 4});
  for (int round = 0; round < 4; ++round) {
    ASSERT_TRUE(eventually([&] { return client_.within(60s).show("many").acked_total >= (round + 1) * 30u; }));
    broker_.restart();
  }
  ASSERT_TRUE(eventually([&] { return client_.within(60s).show("many").acked_total == kOrders; }));
  const std::map<std::string, int> first = [&] {
    EXPECT_TRUE(eventually([&] { return ready(steps_[0]) >= kOrders; }));
    return drain(steps_[0]);
  }();
  EXPECT_THAT(first, SizeIs(kOrders));
  for (const auto& [body, count] : first) EXPECT_EQ(count, 1) << body;
  for (const std::string& step : steps_) {
    if (step == steps_[0]) continue;
    EXPECT_TRUE(eventually([&] { return ready(step) == kOrders; })) << step << ready(step);
    EXPECT_EQ(drain(step), first) << step;
  }
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

}  // namespace
}  // namespace lazaret::testing

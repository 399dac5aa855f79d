// Leases over the bare protocol: tokens that are presented again after a reconnect or a restart, recalls, leases that
// are lost, consumers that are ended, and what a broker says when it stops.
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <set>

#include "integration/support/api.h"
#include "integration/support/wire_client.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using base::Code;
using model::VerdictKind;

std::set<std::string> bodies_of(const std::vector<wire::Delivery>& deliveries) {
  std::set<std::string> bodies;
  for (const wire::Delivery& one : deliveries) bodies.insert(std::string(one.body.view()));
  return bodies;
}

wire::Hello again(wire::Hello hello, const wire::Welcome& before, std::uint32_t consumers) {
  hello.resume = wire::Hello::Resume{before.session, consumers};
  return hello;
}

wire::Verdict verdict_of(VerdictKind kind, const wire::Token& token) {
  wire::Verdict verdict;
  verdict.kind = kind;
  verdict.token = token;
  return verdict;
}

class ProtocolTokens : public ::testing::Test {
 protected:
  void TearDown() override {
    if (broker_.running()) expect_serves(broker_);
  }
  void fill(const std::string& queue, const std::vector<std::string>& bodies, wire::OptionsPatch options = {}) {
    WireClient client(broker_);
    client.say_hello();
    client.ensure_queue(queue, std::move(options));
    std::vector<wire::PublishItem> items;
    for (const std::string& body : bodies) items.push_back(item_of(body));
    client.publish(client.open_producer(queue), items);
  }

  Broker broker_{{.settings = {"broker.reconnect_grace=30s", "broker.resume_grace=30s"}, .arguments = {}}};
};

TEST_F(ProtocolTokens, WhatIsPresentedAgainStaysAndTheRestIsDeliveredAnew) {
  fill("q", {"a", "b", "c", "d"});
  const wire::Hello hello = fresh_hello();
  WireClient first(broker_);
  const wire::Welcome welcome = first.say_hello(hello);
  first.open_consumer(1, "q", 3);
  const auto had = first.take(3);
  first.send(wire::encode(wire::Started{1, had[0].delivery}));

  WireClient second(broker_);
  second.say_hello(again(hello, welcome, 1));
  EXPECT_TRUE(first.read_end().ok());  // the old connection has been replaced
  wire::Token forged = had[1].token;
  forged.grant = model::Grant(forged.grant.value + 1);
  const wire::ConsumerOpened opened =
      second.open_consumer(1, "q", 3, {{had[0].token, true, had[0].delivery}, {forged, false, had[1].delivery}});
  EXPECT_EQ(opened.held, (std::vector<bool>{true, false}));
  const auto fresh = second.take(2);
  EXPECT_EQ(bodies_of(fresh), (std::set<std::string>{"b", "c"}));
  for (const wire::Delivery& one : fresh) EXPECT_GT(one.delivery, had[1].delivery);
  EXPECT_TRUE(second.settle(1, {had[0].token, fresh[0].token, fresh[1].token}).results.empty());
  const auto last = second.take(1);
  EXPECT_EQ(last[0].body.view(), "d");
  EXPECT_TRUE(second.settle(1, {last[0].token}).results.empty());
  EXPECT_EQ(QueueView(broker_, "q")["acked_total"], 4);
}

TEST_F(ProtocolTokens, AVerdictThatIsSentAgainIsAnsweredAsTheFirstTime) {
  fill("q", {"a", "b"});
  const wire::Hello hello = fresh_hello();
  WireClient first(broker_);
  const wire::Welcome welcome = first.say_hello(hello);
  first.open_consumer(1, "q", 10);
  const auto had = first.take(2);
  first.send(wire::encode(wire::Started{1, had[1].delivery}));
  EXPECT_TRUE(first.settle(1, {had[0].token}).results.empty());
  const wire::Settled rejected = first.settle(1, {}, {verdict_of(VerdictKind::reject, had[1].token)});
  ASSERT_EQ(rejected.results.size(), 1u);
  ASSERT_TRUE(rejected.results[0].second.case_id);
  first.hang_up();

  WireClient second(broker_);
  second.say_hello(again(hello, welcome, 1));
  second.open_consumer(1, "q", 10);
  EXPECT_TRUE(second.settle(1, {had[0].token}).results.empty());
  const wire::Settled repeated = second.settle(1, {}, {verdict_of(VerdictKind::reject, had[1].token)});
  ASSERT_EQ(repeated.results.size(), 1u);
  EXPECT_EQ(repeated.results[0].second.case_id, rejected.results[0].second.case_id);
  EXPECT_EQ(cases_of(broker_, "q").size(), 1u);
}

TEST_F(ProtocolTokens, ATokenIsGoodOnlyForTheInstanceThatHasIt) {
  fill("q", {"a"});
  WireClient owner(broker_);
  const wire::Welcome welcome = owner.say_hello();
  owner.open_consumer(1, "q", 10);
  const auto had = owner.take(1);

  WireClient thief(broker_);
  thief.say_hello(again(fresh_hello(), welcome, 1));
  EXPECT_EQ(thief.open_consumer(1, "q", 10, {{had[0].token, true, 1}}).held, std::vector<bool>{false});
  owner.send(wire::encode(wire::Ping{3}));
  EXPECT_EQ(owner.read<wire::Pong>().number, 3u);
  EXPECT_TRUE(owner.settle(1, {had[0].token}).results.empty());
}

TEST_F(ProtocolTokens, TokensInSeveralFramesAreAnsweredOnce) {
  std::vector<std::string> bodies;
  for (int i = 0; i < 10; ++i) bodies.push_back("m" + std::to_string(i));
  fill("q", bodies);
  const wire::Hello hello = fresh_hello();
  WireClient first(broker_);
  const wire::Welcome welcome = first.say_hello(hello);
  first.open_consumer(4, "q", 10);
  const auto had = first.take(10);
  first.hang_up();

  WireClient second(broker_);
  second.say_hello(again(hello, welcome, 1));
  for (const wire::Delivery& one : had) {
    wire::OpenConsumer frame{second.next_request(), 4, "q", 10, 1u << 20, {{one.token, false, one.delivery}}, true};
    frame.more = &one != &had.back();
    second.send(wire::encode(frame));
  }
  const auto opened = second.read<wire::ConsumerOpened>();
  // A connection that is closed releases what has not begun; one that is replaced does not. Either came first.
  EXPECT_EQ(opened.held.size(), 10u);
  EXPECT_EQ(second.take(static_cast<std::size_t>(std::count(opened.held.begin(), opened.held.end(), false))).size() +
                static_cast<std::size_t>(std::count(opened.held.begin(), opened.held.end(), true)),
            10u);
}

TEST_F(ProtocolTokens, ARestartOfTheBrokerLeavesWithTheClientWhatItPresents) {
  fill("q", {"a", "b"});
  const wire::Hello hello = fresh_hello();
  WireClient first(broker_);
  const wire::Welcome welcome = first.say_hello(hello);
  first.open_consumer(1, "q", 1);
  const auto had = first.take(1);
  first.send(wire::encode(wire::Started{1, had[0].delivery}));
  broker_.restart();

  WireClient second(broker_);
  EXPECT_NE(second.say_hello(again(hello, welcome, 1)).broker_instance, welcome.broker_instance);
  const wire::ConsumerOpened opened = second.open_consumer(1, "q", 1, {{had[0].token, true, had[0].delivery}});
  EXPECT_EQ(opened.held, std::vector<bool>{true});
  EXPECT_TRUE(second.settle(1, {had[0].token}).results.empty());
  const auto rest = second.take(1);
  EXPECT_EQ(rest[0].body.view(), "b");
  EXPECT_TRUE(second.settle(1, {rest[0].token}).results.empty());
}

TEST_F(ProtocolTokens, ALeaseThatExpiresIsSaidAndALateVerdictLearnsWhereTheMessageIs) {
  wire::OptionsPatch options;
  options.lease_duration = 300ms;
  options.backoff_initial = 0ms;
  fill("q", {"slow"}, options);
  WireClient client(broker_);
  client.say_hello();
  client.open_consumer(1, "q", 1);
  const auto had = client.take(1);
  client.send(wire::encode(wire::Started{1, had[0].delivery}));
  const auto ended = client.find<wire::LeaseEnded>();
  EXPECT_EQ(ended.tokens, std::vector<wire::Token>{had[0].token});
  const auto anew = client.take(1);
  EXPECT_EQ(anew[0].attempt, 2u);
  EXPECT_TRUE(anew[0].redelivered);
  const wire::Settled late = client.settle(1, {had[0].token});
  ASSERT_EQ(late.results.size(), 1u);
  EXPECT_EQ(late.results[0].second.code, Code::LEASE_LOST);
  EXPECT_EQ(late.results[0].second.where, model::Whereabouts::leased);
  EXPECT_TRUE(client.settle(1, {anew[0].token}).results.empty());
  const wire::Settled again = client.settle(1, {}, {verdict_of(VerdictKind::extend, anew[0].token)});
  ASSERT_EQ(again.results.size(), 1u);
  EXPECT_EQ(again.results[0].second.where, model::Whereabouts::acked);
}

TEST_F(ProtocolTokens, AConsumerThatIsClosedIsToldSoOnceAndMaySettleWhatItHasBegun) {
  fill("q", {"begun", "not begun"});
  WireClient client(broker_);
  client.say_hello();
  client.open_consumer(1, "q", 2);
  const auto had = client.take(2);
  client.send(wire::encode(wire::Started{1, had[0].delivery}));
  client.send(wire::encode(wire::CloseConsumer{client.next_request(), 1}));
  const auto ended = client.read<wire::ConsumerEnded>();
  EXPECT_EQ(ended.consumer, 1u);
  EXPECT_TRUE(ended.status.ok());
  EXPECT_TRUE(client.settle(1, {had[0].token}).results.empty());
  client.send(wire::encode(wire::CloseConsumer{99, 1}));
  const auto refused = client.read<wire::Error>();
  EXPECT_EQ(refused.request, 99u);
  EXPECT_EQ(refused.status.code(), Code::NOT_FOUND);
  client.open_consumer(2, "q", 1);
  EXPECT_EQ(client.take(1)[0].body.view(), "not begun");
}

TEST_F(ProtocolTokens, ADeletedQueueEndsItsConsumers) {
  fill("q", {"a"});
  WireClient client(broker_);
  client.say_hello();
  client.open_consumer(1, "q", 1);
  const auto had = client.take(1);
  EXPECT_EQ(broker_.cli({"queue", "delete", "q", "--force"}).exit, 0);
  const auto ended = client.find<wire::ConsumerEnded>();
  EXPECT_EQ(ended.consumer, 1u);
  EXPECT_EQ(ended.status.code(), Code::NOT_FOUND);
  const wire::Settled lost = client.settle(1, {had[0].token});
  ASSERT_EQ(lost.results.size(), 1u);
  EXPECT_EQ(lost.results[0].second.code, Code::LEASE_LOST);
  EXPECT_EQ(lost.results[0].second.where, model::Whereabouts::purged);
}

TEST_F(ProtocolTokens, AFailureInAnotherEncodingIsAnAttemptLikeAnyOther) {
  wire::OptionsPatch once;
  once.max_attempts = 1;
  fill("q", {"x"}, once);
  WireClient client(broker_);
  client.say_hello();
  client.open_consumer(1, "q", 1);
  const auto had = client.take(1);
  wire::Verdict failed = verdict_of(VerdictKind::fail, had[0].token);
  failed.error = {"Caf\xe9",
                  "la carte n'est pas trouv\xe9"
                  "e",
                  "\xff\xfe"};
  const auto settled = client.settle(1, {}, {failed});
  ASSERT_EQ(settled.results.size(), 1u);
  EXPECT_TRUE(settled.results[0].second.case_id.has_value());
  const auto cases = cases_of(broker_, "q");
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(text_of(cases[0].at("attempts").at(0), "error_type"), "Caf\xef\xbf\xbd");
  EXPECT_EQ(text_of(cases[0].at("attempts").at(0), "error_message"),
            "la carte n'est pas trouv\xef\xbf\xbd"
            "e");
}

TEST_F(ProtocolTokens, ABrokerThatStopsRecallsWaitsAndSaysThatItCloses) {
  fill("q", {"begun", "not begun"});
  WireClient client(broker_);
  client.say_hello();
  client.open_consumer(1, "q", 2);
  const auto had = client.take(2);
  client.send(wire::encode(wire::Started{1, had[0].delivery}));
  client.send(wire::encode(wire::Ping{1}));
  client.read<wire::Pong>();
  broker_.signal(SIGTERM);
  EXPECT_EQ(client.find<wire::ConsumerEnded>().status.code(), Code::SHUTTING_DOWN);
  EXPECT_TRUE(client.settle(1, {had[0].token}, {verdict_of(VerdictKind::not_begun, had[1].token)}).results.empty());
  EXPECT_EQ(client.find<wire::Closing>().status.code(), Code::SHUTTING_DOWN);
  EXPECT_FALSE(client.next());
  client.hang_up();
  EXPECT_EQ(broker_.wait(), 0);
  broker_.start();
  WireClient after(broker_);
  after.say_hello();
  after.open_consumer(1, "q", 2);
  EXPECT_EQ(after.take(1)[0].body.view(), "not begun");
}

// --- Suspects -------------------------------------------------------------------------------------------------------

TEST(ProtocolIsolation, AProcessIsRecalledAndTheSuspectsComeOneByOne) {
  Broker broker({.settings = {"broker.reconnect_grace=0s"}, .arguments = {}});
  WireClient publisher(broker);
  publisher.say_hello();
  publisher.ensure_queue("q");
  const std::uint32_t producer = publisher.open_producer("q");
  publisher.publish(producer, {item_of("suspect 1"), item_of("suspect 2")});
  WireClient killed(broker);
  killed.say_hello();
  killed.open_consumer(1, "q", 2);
  const auto begun = killed.take(2);

  WireClient other(broker);
  other.say_hello();
  other.open_consumer(1, "q", 10);
  publisher.publish(producer, {item_of("innocent")});
  const auto innocent = other.take(1);
  EXPECT_EQ(innocent[0].body.view(), "innocent");
  killed.send(wire::encode(wire::Started{1, begun[1].delivery}));
  killed.hang_up();

  EXPECT_EQ(other.find<wire::Recall>().consumer, 1u);
  other.settle(1, {}, {verdict_of(VerdictKind::not_begun, innocent[0].token)});
  std::set<std::string> isolated;
  while (isolated.size() < 2) {
    const auto one = other.take(1);
    ASSERT_EQ(one.size(), 1u);
    other.send(wire::encode(wire::Started{1, one[0].delivery}));
    if (one[0].isolated) isolated.insert(std::string(one[0].body.view()));
    EXPECT_TRUE(other.settle(1, {one[0].token}).results.empty());
  }
  EXPECT_EQ(isolated, (std::set<std::string>{"suspect 1", "suspect 2"}));
  expect_serves(broker);
}

}  // namespace
}  // namespace lazaret::testing

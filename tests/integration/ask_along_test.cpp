// Durable requests that go out with a verdict, or in a set without one, on a real broker: the ack, what it publishes
// and what it asks are one, on whatever shards the queues are, and nobody's death leaves half of them or takes a reply.
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
using Ended = lazaret::Outcome;  // of a request; another one here is of a process
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using ::testing::SizeIs;

class AskAlongTest : public ::testing::Test {
 protected:
  AskAlongTest() : client_(connect("service")) {
    // On two shards: the broker spreads queues in turn.
    client_.create({.name = "orders", .max_attempts = 1});
    client_.create({.name = "far", .max_attempts = 1});
    client_.create({.name = "near", .max_attempts = 1, .colocate_with = "orders"});
    client_.create({.name = "near.replies", .colocate_with = "orders"});
    client_.create({.name = "far.replies", .colocate_with = "far"});
    client_.create({.name = "audit", .colocate_with = "far"});
  }
  Client connect(const std::string& name) {
    return Client::connect(broker_.url(), {.name = name, .timeout = 60s, .drain = 5s});
  }
  /// A set over HTTP.
  HttpAnswer together(const std::string& messages) {
    return http(broker_.admin(), "POST", "/api/v1/transactions", R"({"messages": [)" + messages + "]}");
  }
  std::int64_t ready(const std::string& queue) { return QueueView(broker_, queue)["ready"]; }
  /// How the attempt of an order failed whose handler returns this.
  std::string refusal(Verdict verdict) {
    const std::size_t before = cases_of(broker_, "orders").size();
    Consumer consumer = client_.consume("orders", [&](Delivery&) { return verdict; });
    client_.publish("orders", {.body = "tea"});
    EXPECT_TRUE(eventually([&] { return cases_of(broker_, "orders").size() == before + 1; }));
    consumer.close(5s);
    const auto failed = cases_of(broker_, "orders").back().as_object();
    EXPECT_EQ(text_of(failed, "error_type"), "lazaret.publish_refused");
    return text_of(failed, "error_message");
  }
  /// The request to each queue, and its reply.
  struct Answered {
    std::vector<Received> asked;
    Message price;  // near, to far.replies
    Message stock;  // far, to near.replies
  };
  void answer_both(Answered& out) {
    Inbox asked, prices, stocks;
    const auto answer = [&](Delivery& delivery) {
      EXPECT_TRUE(delivery.is_request());
      asked.add(delivery);
      return Verdict::answer({.body = "re: " + delivery.message().body.str()});
    };
    const Consumer near = client_.consume("near", answer);
    const Consumer far = client_.consume("far", answer);
    const Consumer first = client_.consume("far.replies", [&](Delivery& delivery) { prices.add(delivery); });
    const Consumer second = client_.consume("near.replies", [&](Delivery& delivery) { stocks.add(delivery); });
    ASSERT_TRUE(prices.reaches(1) && stocks.reaches(1));
    out = {asked.all(), prices.at(0).message, stocks.at(0).message};
    ASSERT_TRUE(out.price.reply != nullptr && out.stock.reply != nullptr);
  }

  Broker broker_;
  Client client_;
};

TEST_F(AskAlongTest, AnAckAsksOnEveryShardAndAnyInstanceGetsTheReply) {
  Receipt order;
  {
    Client passing = connect("gone before the answer");
    Inbox done;
    Consumer consumer = passing.consume("orders", [&](Delivery& delivery) {
      done.add(delivery);
      const std::string what = delivery.message().body.str();
      return Verdict::done()
          .publish("audit", {.body = what})
          .ask({.to = "near", .message = {.body = "price of " + what}}, "far.replies", {{"order", "17"}})
          .ask({.to = "far", .message = {.body = "stock of " + what, .correlation_id = "mine"}, .within = 72h},
               "near.replies", {{"order", "17"}, {"secret", std::string("\0\xff", 2)}});
    });
    order = passing.publish("orders", {.body = "tea"});
    EXPECT_TRUE(done.reaches(1));
    consumer.close(10s);
  }
  EXPECT_TRUE(eventually([&] { return ready("audit") == 1; }));
  Answered answered;
  ASSERT_NO_FATAL_FAILURE(answer_both(answered));
  const auto& [asked, price, stock] = answered;
  EXPECT_EQ(price.reply->outcome, Ended::answered);
  EXPECT_THAT(price.reply->context, ElementsAre(Pair("order", "17")));
  EXPECT_EQ(price.body.view(), "re: price of tea");
  EXPECT_EQ(price.correlation_id, order.id.to_string());
  EXPECT_EQ(price.causation_id, price.reply->request.to_string());
  EXPECT_THAT(stock.reply->context, ElementsAre(Pair("order", "17"), Pair("secret", std::string("\0\xff", 2))));
  EXPECT_EQ(stock.correlation_id, "mine");
  for (const Received& one : asked) {
    EXPECT_EQ(one.message.causation_id, order.id.to_string());
    EXPECT_THAT(one.message.headers, SizeIs(0)) << "the context is nobody's but the asker's";
    EXPECT_THAT(one.message.reply_to, HasSubstr(".replies"));
  }
  for (const char* queue : {"orders", "near", "far", "near.replies", "far.replies"}) {
    EXPECT_EQ(QueueView(broker_, queue).wrong_sums(), "") << queue;
  }
}

TEST_F(AskAlongTest, AnAnswerAsksToo) {
  const Consumer consumer = client_.consume("orders", [&](Delivery&) {
    return Verdict::answer({.body = "yes"}).ask({.to = "far", .message = {.body = "then?"}}, "near.replies");
  });
  EXPECT_EQ(client_.request("orders", {.body = "tea?"}).message.body.view(), "yes");
  EXPECT_TRUE(eventually([&] { return ready("far") == 1; }));
}

TEST_F(AskAlongTest, WhatCannotBeAskedFailsTheAttemptAndPublishesNothing) {
  const auto asking = [](Ask ask, const std::string& replies, Headers context = {}) {
    return Verdict::done().publish("audit", {.body = "x"}).ask(std::move(ask), replies, std::move(context));
  };
  client_.ensure_topic({.name = "news"});
  EXPECT_THAT(refusal(asking({"nowhere", {}}, "near.replies")), HasSubstr("NOT_FOUND"));
  EXPECT_THAT(refusal(asking({"near", {}}, "nowhere")), HasSubstr("NOT_FOUND"));
  EXPECT_THAT(refusal(asking({"near", {}}, "near")), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"far", {}}, "far")), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"news", {}}, "near.replies")), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"near", {}}, "news")), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"near", {}}, "no/name")), HasSubstr("INVALID_NAME"));
  EXPECT_THAT(refusal(asking({"near", {.ttl = 1min}}, "near.replies")), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"near", {}}, "near.replies", {{"", "x"}})), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"near", {}}, "near.replies", {{"\xff", "x"}})), HasSubstr("BAD_REQUEST"));
  EXPECT_THAT(refusal(asking({"near", {}}, "near.replies", {{"x", std::string(65'536, 'x')}})),
              HasSubstr("HEADERS_TOO_LARGE"));
  EXPECT_THAT(refusal(asking({"near", {}}, "near.replies", Headers(257, {"x", "y"}))), HasSubstr("HEADERS_TOO_LARGE"));
  EXPECT_THAT(refusal(asking({"near", {}}, "near.replies", Headers(17, {"x", std::string(64'000, 'x')}))),
              HasSubstr("HEADERS_TOO_LARGE"))
      << "more than goes into one frame";
  for (const char* queue : {"audit", "near", "far"}) EXPECT_EQ(ready(queue), 0) << queue;
}

TEST_F(AskAlongTest, WhatWasAskedBeforeIsNotAskedAgain) {
  Message known;
  known.id = MessageId::make();
  known.body = "the first";
  client_.ask({"far", known}, "near.replies", {{"from", "the first"}});
  known.body = "the second";
  const Consumer consumer = client_.consume("orders", [&](Delivery&) {
    return Verdict::done()
        .publish("audit", {.body = "x"})
        .ask({"far", known}, "near.replies", {{"from", "the second"}});
  });
  client_.publish("orders", {.body = "tea"});
  EXPECT_TRUE(eventually([&] { return ready("audit") == 1; }));
  const Consumer far = client_.consume(
      "far", [](Delivery& delivery) { return Verdict::answer({.body = "re: " + delivery.message().body.str()}); });
  Inbox replies;
  const Consumer reader = client_.consume("near.replies", [&](Delivery& delivery) { replies.add(delivery); });
  ASSERT_TRUE(replies.reaches(1));
  EXPECT_EQ(replies.at(0).message.body.view(), "re: the first");
  EXPECT_EQ(QueueView(broker_, "far")["acked_total"], 1);
  EXPECT_EQ(QueueView(broker_, "near.replies")["entered_total"], 1);
}

TEST_F(AskAlongTest, ASetPublishesAndAsksOnEveryShardOrNothing) {
  const std::vector<DurableAsk> asks = {
      {{.to = "near", .message = {.body = "price of tea"}}, "far.replies", {{"order", "17"}}},
      {{.to = "far", .message = {.body = "stock of tea"}, .within = 72h}, "near.replies", {{"order", "17"}}}};
  const Receipt receipt = client_.publish_all({{"audit", {.body = "tea"}}}, asks);
  EXPECT_FALSE(receipt.duplicate);
  for (const char* queue : {"audit", "near", "far"})
    EXPECT_TRUE(eventually([&] { return ready(queue) == 1; })) << queue;
  const auto answer = [](Delivery& delivery) {
    EXPECT_THAT(delivery.message().headers, SizeIs(0));
    return Verdict::answer({.body = "re: " + delivery.message().body.str()});
  };
  const Consumer near = client_.consume("near", answer);
  const Consumer far = client_.consume("far", answer);
  Inbox prices, stocks;
  const Consumer first = client_.consume("far.replies", [&](Delivery& delivery) { prices.add(delivery); });
  const Consumer second = client_.consume("near.replies", [&](Delivery& delivery) { stocks.add(delivery); });
  ASSERT_TRUE(prices.reaches(1) && stocks.reaches(1));
  EXPECT_EQ(prices.at(0).message.body.view(), "re: price of tea");
  EXPECT_EQ(stocks.at(0).message.body.view(), "re: stock of tea");
  EXPECT_THAT(stocks.at(0).message.reply->context, ElementsAre(Pair("order", "17")));

  const auto refusal = [&](std::vector<Addressed> messages, std::vector<DurableAsk> some) {
    return error_of([&] { client_.publish_all(std::move(messages), std::move(some)); });
  };
  const DurableAsk good{{.to = "far", .message = {.body = "x"}}, "near.replies", {}};
  EXPECT_EQ(refusal({{"audit", {}}}, {good, {{.to = "near"}, "nowhere", {}}}), errc::not_found);
  EXPECT_EQ(refusal({{"audit", {}}}, {good, {{.to = "near"}, "near", {}}}), errc::bad_request);
  EXPECT_EQ(refusal({{"nowhere", {}}}, {good}), errc::not_found);
  EXPECT_EQ(refusal({}, {good, {{.to = "near"}, "nowhere", {}}}), errc::not_found);
  EXPECT_EQ(refusal({}, {{{.to = "near"}, "near", {}}, good}), errc::bad_request);
  EXPECT_EQ(refusal({}, {{{.to = "near"}, "near.replies", {{"", "x"}}}, good}), errc::bad_request);
  const auto in_a_year = std::chrono::system_clock::now() + 8760h;
  for (const Message& timed : {Message{.delay = 1s}, Message{.deliver_at = in_a_year}, Message{.ttl = 1s}}) {
    EXPECT_EQ(refusal({}, {{{.to = "near", .message = timed}, "near.replies", {}}, good}), errc::bad_request);
    EXPECT_EQ(refusal({{"audit", {}}}, {{{.to = "near", .message = timed}, "near.replies", {}}}), errc::bad_request);
    EXPECT_EQ(error_of([&] { client_.ask({.to = "near", .message = timed}, "near.replies"); }), errc::bad_request);
  }
  client_.ensure_topic({.name = "news"});
  EXPECT_EQ(refusal({}, {{{.to = "news"}, "near.replies", {}}, good}), errc::bad_request);
  EXPECT_EQ(ready("audit"), 1);
  EXPECT_EQ(QueueView(broker_, "far")["entered_total"], 1);
  EXPECT_EQ(QueueView(broker_, "near")["entered_total"], 1);
}

TEST_F(AskAlongTest, ASetMayBeRequestsOnlyAndIsAskedOnce) {
  std::vector<DurableAsk> asks = {
      {{.to = "near", .message = {.body = "one", .id = MessageId::make()}}, "far.replies", {{"n", "1"}}},
      {{.to = "far", .message = {.body = "two", .id = MessageId::make()}}, "near.replies", {{"n", "2"}}}};
  EXPECT_FALSE(client_.publish_all({}, asks).duplicate);
  // Whoever does not know whether it was asked asks again, also from another process, and over a death of the broker.
  broker_.restart();
  EXPECT_TRUE(connect("another").publish_all({}, asks).duplicate);
  auto again = client_.async_publish_all({}, asks, asio::use_future);
  EXPECT_TRUE(again.get().duplicate);
  std::vector<DurableAsk> otherwise = {asks[0], {{.to = "far", .message = {.body = "three"}}, "near.replies", {}}};
  otherwise[0].reply_queue = "near.replies";
  EXPECT_EQ(error_of([&] { connect("a third").publish_all({}, otherwise); }), errc::mismatch);
  const auto answer = [](Delivery& delivery) {
    EXPECT_TRUE(delivery.is_request());
    return Verdict::answer({.body = "re: " + delivery.message().body.str()});
  };
  const Consumer near = client_.consume("near", answer);
  const Consumer far = client_.consume("far", answer);
  for (const auto& [queue, body] : {std::pair("far.replies", "re: one"), std::pair("near.replies", "re: two")}) {
    Inbox replies;
    const Consumer reader = client_.consume(queue, [&](Delivery& delivery) { replies.add(delivery); });
    ASSERT_TRUE(replies.reaches(1)) << queue;
    EXPECT_EQ(replies.at(0).message.body.view(), body);
    EXPECT_EQ(QueueView(broker_, queue)["entered_total"], 1);
  }
  for (const char* queue : {"near", "far"}) EXPECT_EQ(QueueView(broker_, queue)["entered_total"], 1) << queue;
}

TEST_F(AskAlongTest, TheCommandLineAsksTogether) {
  const auto lines = broker_.cli_json(
      {"publish", "audit", "--together"},
      "{\"body\": \"tea\"}\n"
      "{\"to\": \"near\", \"body\": \"may we?\", \"reply_queue\": \"far.replies\", \"deadline\": \"72h\", "
      "\"context\": {\"order\": \"17\"}}\n");
  ASSERT_THAT(lines, SizeIs(2));
  EXPECT_EQ(text_of(lines.at(1).as_object(), "to"), "near");
  EXPECT_TRUE(eventually([&] { return ready("near") == 1 && ready("audit") == 1; }));
  const auto answered = broker_.cli({"respond", "near", "--count", "1", "--", "sh", "-c", "cat > /dev/null; echo yes"});
  EXPECT_EQ(answered.exit, 0) << answered.err;
  Inbox replies;
  const Consumer reader = client_.consume("far.replies", [&](Delivery& delivery) { replies.add(delivery); });
  ASSERT_TRUE(replies.reaches(1));
  ASSERT_NE(replies.at(0).message.reply, nullptr);
  EXPECT_THAT(replies.at(0).message.reply->context, ElementsAre(Pair("order", "17")));
  const std::string ask = "{\"to\": \"near\", \"body\": \"x\", \"reply_queue\": \"far.replies\"";
  EXPECT_EQ(broker_.cli({"publish", "--together"}, ask + "}\n").exit, 0) << "a request alone";
  for (const char* bad : {"\"deadline\": \"soon\"", "\"deadline\": 7", "\"deadline\": \"0s\"", "\"context\": 7",
                          "\"context\": {\"a\": 7}", "\"ttl\": \"5s\"", "\"deadline\": \"400d\""}) {
    EXPECT_EQ(broker_.cli({"publish", "--together"}, ask + ", " + bad + "}\n").exit, 65) << bad;
  }
  const std::string message = "{\"to\": \"audit\", \"body\": \"x\"";
  const auto no_ask = broker_.cli({"publish", "--together"}, message + ", \"context\": {\"a\": \"b\"}}\n");
  EXPECT_EQ(no_ask.exit, 65);
  EXPECT_THAT(no_ask.err, HasSubstr("reply_queue")) << "a context comes back with a reply";
  EXPECT_EQ(ready("audit"), 1) << "none of them has published anything";
}

TEST_F(AskAlongTest, HttpAsksTogether) {
  const auto made = together(
      R"({"to": "near", "body": "price of tea", "type": "price.asked", "reply_queue": "far.replies",
          "context": {"order": "17", "who": ["ann", "bob"]}},
         {"to": "audit", "body": "tea"},
         {"to": "far", "body": "stock of tea", "correlation_id": "mine", "reply_queue": "near.replies",
          "deadline": "72h"})");
  ASSERT_EQ(made.status, 201) << made.body;
  const auto items = made.json().at("items").as_array();
  ASSERT_THAT(items, SizeIs(3));
  const char* const places[] = {"near", "audit", "far"};
  for (std::size_t i = 0; i < items.size(); ++i) {
    EXPECT_EQ(text_of(items[i], "to"), places[i]);
    EXPECT_EQ(items[i].at("duplicate"), false);
    EXPECT_EQ(items[i].as_object().contains("reply_queue"), i != 1) << "each says whether it is a request";
  }
  EXPECT_TRUE(items[1].as_object().contains("offset")) << "the first message is the one that all are known by";
  EXPECT_TRUE(eventually([&] { return ready("audit") == 1; }));
  Answered answered;
  ASSERT_NO_FATAL_FAILURE(answer_both(answered));
  const auto& [asked, price, stock] = answered;
  EXPECT_EQ(price.body.view(), "re: price of tea");
  EXPECT_EQ(price.reply->request.to_string(), text_of(items[0], "id"));
  EXPECT_EQ(price.correlation_id, text_of(items[0], "id"));
  EXPECT_THAT(price.reply->context, ElementsAre(Pair("order", "17"), Pair("who", "ann"), Pair("who", "bob")));
  EXPECT_EQ(stock.correlation_id, "mine");
  const auto now = std::chrono::system_clock::now();
  for (const Received& one : asked) {
    const bool is_price = one.message.type == "price.asked";
    EXPECT_EQ(one.message.reply_to, is_price ? "far.replies" : "near.replies");
    EXPECT_THAT(one.message.headers, SizeIs(0)) << "the context is nobody's but the asker's";
    const auto ahead = is_price ? 8760h : 72h;
    EXPECT_LE(one.message.deadline, now + ahead + 1h);
    EXPECT_GE(one.message.deadline, now + ahead - 1h);
  }
  for (const char* queue : {"near", "far", "near.replies", "far.replies"}) {
    EXPECT_EQ(QueueView(broker_, queue).wrong_sums(), "") << queue;
  }
}

TEST_F(AskAlongTest, OverHttpRequestsOnlyAreASetThatIsAskedOnce) {
  const std::string one = R"({"to": "near", "body": "one", "id": ")" + MessageId::make().to_string() + R"(", )";
  const std::string two = R"({"to": "far", "body": "two", "id": ")" + MessageId::make().to_string() +
                          R"(", "reply_queue": "near.replies"})";
  const std::string set = one + R"("reply_queue": "far.replies"}, )" + two;
  const auto asked = together(set);
  ASSERT_EQ(asked.status, 201) << asked.body;
  broker_.restart();
  const auto again = together(set);
  ASSERT_EQ(again.status, 201) << again.body;
  for (const auto& [answer, duplicate] : {std::pair(asked, false), std::pair(again, true)}) {
    const auto items = answer.json().at("items");
    for (const auto& item : items.as_array()) EXPECT_EQ(item.at("duplicate"), duplicate);
    EXPECT_EQ(items.at(0).at("offset"), 0);
  }
  const auto otherwise = together(one + R"("reply_queue": "near.replies"}, )" + two);
  EXPECT_EQ(otherwise.status, 409) << otherwise.body;
  EXPECT_EQ(text_of(otherwise.json(), "code"), "OPTIONS_MISMATCH");
  EXPECT_TRUE(eventually([&] { return ready("near") == 1 && ready("far") == 1; }));
  for (const char* queue : {"near", "far"}) EXPECT_EQ(QueueView(broker_, queue)["entered_total"], 1) << queue;
}

TEST_F(AskAlongTest, OverHttpTwoRequestsOfOneIdAreRefusedAndNeitherIsAsked) {
  const std::string id = MessageId::make().to_string();
  const std::string one = R"({"to": "near", "reply_queue": "far.replies", "id": ")" + id + "\"}";
  const auto refused = together(one + R"(, {"to": "audit", "body": "x"}, )" + one);
  EXPECT_EQ(refused.status, 400) << refused.body;
  EXPECT_EQ(text_of(refused.json(), "code"), "BAD_REQUEST");
  ASSERT_EQ(together(R"({"to": "audit", "body": "marker"}, )" + one).status, 201) << "what was refused asked nothing";
  EXPECT_TRUE(eventually([&] { return ready("near") == 1; }));
  for (const char* queue : {"audit", "near"}) EXPECT_EQ(QueueView(broker_, queue)["entered_total"], 1) << queue;
}

TEST_F(AskAlongTest, OverHttpWhatCannotBeAskedAsksAndPublishesNothing) {
  client_.ensure_topic({.name = "news"});
  const auto code = [&](const std::string& ask) {
    const auto refused =
        together(R"({"to": "audit", "body": "x"}, {"to": "far", "reply_queue": "near.replies"}, )" + ask);
    EXPECT_NE(refused.status, 201) << ask;
    return text_of(refused.json(), "code");
  };
  EXPECT_EQ(code(R"({"to": "nowhere", "reply_queue": "near.replies"})"), "NOT_FOUND");
  EXPECT_EQ(code(R"({"to": "near", "reply_queue": "nowhere"})"), "NOT_FOUND");
  EXPECT_EQ(code(R"({"to": "near", "reply_queue": "near"})"), "BAD_REQUEST");
  EXPECT_EQ(code(R"({"to": "news", "reply_queue": "near.replies"})"), "BAD_REQUEST");
  EXPECT_EQ(code(R"({"to": "near", "reply_queue": "news"})"), "BAD_REQUEST");
  EXPECT_EQ(code(R"({"to": "near", "reply_queue": "near.replies", "ttl": "1m"})"), "BAD_REQUEST");
  EXPECT_EQ(code(R"({"to": "near", "reply_queue": "near.replies", "context": {"": "x"}})"), "BAD_REQUEST");
  const std::string large = R"({"to": "near", "reply_queue": "near.replies", "context": {"x": ")";
  EXPECT_EQ(code(large + std::string(65'536, 'x') + "\"}}"), "HEADERS_TOO_LARGE");
  // Whatever else were on its way from the shard of `audit` would come before this.
  ASSERT_EQ(together(R"({"to": "audit", "body": "marker"}, {"to": "near", "body": "marker"},
                        {"to": "far", "body": "marker"})")
                .status,
            201);
  for (const char* queue : {"audit", "near", "far"}) {
    ASSERT_TRUE(eventually([&] { return ready(queue) > 0; })) << queue;
    EXPECT_EQ(client_.peek(queue).messages.at(0).message.body.view(), "marker") << queue;
    EXPECT_EQ(QueueView(broker_, queue)["entered_total"], 1) << queue;
  }
}

/// The broker is killed over and over while verdicts publish and ask, responders answer, and replies arrive.
TEST_F(AskAlongTest, DeathsOfTheBrokerLeaveNoHalvesAndOneReplyEach) {
  constexpr int kOrders = 120;
  for (int i = 0; i < kOrders; ++i) client_.publish("orders", {.body = std::to_string(i)});
  const auto answer = [](Delivery& delivery) { return Verdict::answer({.body = delivery.message().body}); };
  Client responder = connect("responder");
  const Consumer near = responder.consume("near", answer, {.concurrency = 2});
  const Consumer far = responder.consume("far", answer, {.concurrency = 2});
  const Consumer orders =
      client_.consume("orders",
                      [](Delivery& delivery) {
                        const std::string body = delivery.message().body.str();
                        return Verdict::done()
                            .publish("audit", {.body = body})
                            .ask({.to = "near", .message = {.body = body}}, "far.replies", {{"order", body}})
                            .ask({.to = "far", .message = {.body = body}}, "near.replies", {{"order", body}});
                      },
                      {.concurrency = 4});
  for (int round = 1; round <= 4; ++round) {
    ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total >= round * 20u; }));
    broker_.restart();
  }
  ASSERT_TRUE(eventually([&] { return client_.show("orders").acked_total == kOrders; }));
  for (const char* queue : {"audit", "near.replies", "far.replies"}) {
    ASSERT_TRUE(eventually([&] { return ready(queue) >= kOrders; })) << queue << ready(queue);
  }
  for (const char* queue : {"near.replies", "far.replies"}) {
    Inbox replies;
    Consumer reader = client_.consume(queue, [&](Delivery& delivery) { replies.add(delivery); });
    EXPECT_TRUE(replies.reaches(kOrders));
    reader.close(5s);
    std::map<std::string, int> ends;
    for (const Received& one : replies.all()) {
      ASSERT_NE(one.message.reply, nullptr);
      EXPECT_EQ(one.message.reply->outcome, Ended::answered);
      EXPECT_EQ(one.message.reply->context.at(0).second, one.message.body.view());
      ++ends[one.message.body.str()];
    }
    EXPECT_THAT(ends, SizeIs(kOrders)) << queue;
    for (const auto& [order, count] : ends) EXPECT_EQ(count, 1) << queue << " " << order;
  }
  EXPECT_EQ(ready("audit"), kOrders);
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

}  // namespace
}  // namespace lazaret::testing

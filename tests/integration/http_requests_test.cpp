// Requests over HTTP: asked with a deadline, answered with the reply, however it ends; those that wait hold up nobody.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/connect.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <boost/json/serialize.hpp>
#include <future>
#include <optional>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

namespace asio = boost::asio;
namespace json = boost::json;
using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

class HttpRequestsTest : public ::testing::Test {
 protected:
  explicit HttpRequestsTest(BrokerOptions options = {})
      : broker_(std::move(options)),
        client_(Client::connect(broker_.url(), {.name = "service", .timeout = 60s, .drain = 5s})) {
    QueueSpec prices;
    prices.name = "prices";
    prices.max_attempts = 1;
    client_.create(prices);
  }
  HttpAnswer ask(const std::string& body, const std::string& queue = "prices") {
    return http(broker_.admin(), "POST", "/api/v1/queues/" + queue + "/requests", body);
  }
  std::future<HttpAnswer> ask_aside(const std::string& body) {
    return std::async(std::launch::async, [this, body] { return ask(body); });
  }
  json::object reply(const std::string& body) {
    const HttpAnswer answer = ask(body);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json().as_object();
  }
  std::string code(const HttpAnswer& answer) { return text_of(answer.json(), "code"); }
  /// Until the broker has so many open requests.
  bool are_open(std::int64_t count) {
    return eventually([&] { return QueueView(broker_, "prices")["entered_total"] >= count; });
  }

  Broker broker_;
  Client client_;
};

/// A connection whose bytes the test sends itself.
class RawHttp {
 public:
  explicit RawHttp(const std::string& address) : address_(address), socket_(io_) {
    const auto colon = address.rfind(':');
    asio::ip::tcp::resolver resolver(io_);
    asio::connect(socket_, resolver.resolve(address.substr(0, colon), address.substr(colon + 1)));
  }
  void send(const std::string& method, const std::string& target, const std::string& body = "") {
    const std::string bytes = method + " " + target + " HTTP/1.1\r\nHost: " + address_ +
                              "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) +
                              "\r\n\r\n" + body;
    asio::write(socket_, asio::buffer(bytes));
  }
  void hang_up() { socket_.shutdown(asio::ip::tcp::socket::shutdown_send); }
  /// What was sent until the broker closed its side, or until `end` was among it; nullopt when that takes too long.
  std::optional<std::string> heard(const std::string& end = "") {
    bool done = false;
    const auto then = [&](const boost::system::error_code& error, std::size_t) {
      done = end.empty() ? error == asio::error::eof : !error;
    };
    if (end.empty()) {
      asio::async_read(socket_, asio::dynamic_buffer(said_), then);
    } else {
      asio::async_read_until(socket_, asio::dynamic_buffer(said_), end, then);
    }
    io_.restart();
    io_.run_for(20s);
    const auto said = done ? std::optional(said_) : std::nullopt;
    socket_.cancel();  // what has not come in time refers to this function
    io_.restart();
    io_.run();
    return said;
  }

 private:
  const std::string address_;
  asio::io_context io_;
  asio::ip::tcp::socket socket_;
  std::string said_;
};

TEST_F(HttpRequestsTest, IsAnsweredByTicket) {
  Inbox inbox;
  const Consumer consumer = client_.consume("prices", [&](Delivery& delivery) { inbox.add(delivery); });
  const auto answer = [&](std::size_t which, const std::string& body) {
    const std::string id = inbox.at(which).message.id.to_string();
    return http(broker_.admin(), "POST", "/api/v1/queues/prices/requests/" + id + "/answer", body);
  };
  auto answered = ask_aside(R"({"deadline": "30s", "body": "tea"})");
  ASSERT_TRUE(inbox.reaches(1));
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "prices")["acked_total"] == 1; }));
  const HttpAnswer note = answer(0, R"({"progress": true, "body": "weighing it"})");
  EXPECT_EQ(note.status, 200) << note.body;
  EXPECT_EQ(note.json().at("told"), true);
  const HttpAnswer final = answer(0, R"({"body": "3 euros", "type": "price"})");
  EXPECT_EQ(final.status, 200) << final.body;
  EXPECT_EQ(final.json().at("told"), true);
  const json::object reply = answered.get().json().as_object();
  EXPECT_EQ(text_of(reply, "status"), "answered");
  EXPECT_EQ(text_of(reply, "body"), "3 euros");
  EXPECT_EQ(text_of(reply, "type"), "price");
  EXPECT_EQ(answer(0, R"({"body": "4 euros"})").json().at("told"), false);

  auto declined = ask_aside(R"({"deadline": "30s", "body": "salt"})");
  ASSERT_TRUE(inbox.reaches(2));
  EXPECT_EQ(answer(1, R"({"decline": "sold out", "body": "x"})").status, 400);
  EXPECT_EQ(answer(1, json::serialize(json::object{{"decline", std::string(4097, 'x')}})).status, 400);
  EXPECT_EQ(answer(1, R"({"body": "x", "delay": "1s"})").status, 400);
  EXPECT_EQ(answer(1, R"({"progress": "half"})").status, 400);
  EXPECT_EQ(answer(1, R"({"decline": "sold out"})").json().at("told"), true);
  const json::object no = declined.get().json().as_object();
  EXPECT_EQ(text_of(no, "status"), "declined");
  EXPECT_EQ(text_of(no, "reason"), "sold out");
  const std::string places = "/api/v1/queues/prices/requests/";
  EXPECT_EQ(http(broker_.admin(), "POST", places + "00000000-0000-7000-8000-000000000001/answer", "{}").status, 404);
  EXPECT_EQ(http(broker_.admin(), "POST", places + "first/answer", "{}").status, 400);
}

TEST_F(HttpRequestsTest, IsAnsweredWithTheReply) {
  const auto before = std::chrono::system_clock::now();
  Inbox asked;
  const Consumer consumer = client_.consume("prices", [&](Delivery& delivery) {
    EXPECT_TRUE(delivery.is_request());
    asked.add(delivery);
    delivery.progress({.body = "a note on the way, which nobody hears"});
    Message reply;
    reply.body = "17 for " + delivery.message().body.str();
    reply.type = "price";
    reply.headers = {{"currency", "EUR"}};
    return Verdict::answer(std::move(reply));
  });
  const json::object got = reply(R"({"body": "tea", "type": "price.asked", "key": "k", "deadline": "20s"})");
  EXPECT_EQ(text_of(got, "status"), "answered");
  EXPECT_EQ(text_of(got, "body"), "17 for tea");
  EXPECT_EQ(text_of(got, "type"), "price");
  EXPECT_EQ(text_of(got.at("headers"), "currency"), "EUR");
  EXPECT_EQ(text_of(got, "causation_id"), text_of(got, "request"));
  EXPECT_TRUE(got.at("reached").is_null() && got.at("case_id").is_null() && got.at("reason").is_null());
  EXPECT_EQ(got.at("late"), false);
  for (const char* of_a_queue : {"source", "offset", "attempt"}) EXPECT_FALSE(got.contains(of_a_queue)) << of_a_queue;
  const Message request = asked.at(0).message;
  EXPECT_EQ(request.id.to_string(), text_of(got, "request"));
  EXPECT_EQ(request.key, "k");
  EXPECT_EQ(request.correlation_id, request.id.to_string());
  EXPECT_GE(request.deadline, before + 20s - 5s) << "clocks may differ a little";
  EXPECT_LE(request.deadline, std::chrono::system_clock::now() + 20s + 5s);
  // The same request has the same reply: who has lost his connection asks again.
  const json::object again = reply(R"({"id": ")" + text_of(got, "request") + R"(", "body": "tea", "deadline": "20s"})");
  EXPECT_EQ(text_of(again, "body"), "17 for tea");
  EXPECT_EQ(again.at("id"), got.at("id"));
  EXPECT_EQ(asked.size(), 1u);
  EXPECT_EQ(QueueView(broker_, "prices").wrong_sums(), "");
}

TEST_F(HttpRequestsTest, SaysHowElseItEnded) {
  EXPECT_EQ(text_of(reply(R"({"body": "x", "deadline": "50ms"})"), "reached"), "not_delivered");
  EXPECT_EQ(QueueView(broker_, "prices")["ready"], 0) << "it is not delivered any more";
  std::atomic<bool> declines{true};
  const Consumer consumer = client_.consume("prices", [&](Delivery&) {
    return declines ? Verdict::decline("we sell no tea") : Verdict::reject("what is tea?");
  });
  const json::object declined = reply(R"({"body": "tea", "deadline": "20s"})");
  EXPECT_EQ(text_of(declined, "status"), "declined");
  EXPECT_EQ(text_of(declined, "reason"), "we sell no tea");
  EXPECT_FALSE(declined.contains("body"));
  declines = false;
  const json::object failed = reply(R"({"body": "tea", "deadline": "20s"})");
  EXPECT_EQ(text_of(failed, "status"), "failed");
  EXPECT_EQ(text_of(failed, "reason"), "what is tea?");
  EXPECT_EQ(text_of(failed, "case_id"), text_of(cases_of(broker_, "prices").at(0), "id"));
}

TEST_F(HttpRequestsTest, BytesComeBackAsBytes) {
  const Consumer consumer =
      client_.consume("prices", [&](Delivery& delivery) { return Verdict::answer({.body = delivery.message().body}); });
  EXPECT_EQ(text_of(reply(R"({"body_base64": "AP8=", "deadline": "20s"})"), "body_base64"), "AP8=");
}

TEST_F(HttpRequestsTest, WhatIsWrongIsRefusedBeforeItIsAsked) {
  for (const char* bad :
       {R"({"body": "x"})", R"({"body": "x", "deadline": ""})", R"({"body": "x", "deadline": "31s"})",
        R"({"body": "x", "deadline": "1us"})", R"({"body": "x", "deadline": 5})",
        R"({"body": "x", "deadline": "2030-01-01T00:00:00Z"})", R"({"body": "x", "deadline": "5s", "ttl": "5s"})",
        R"({"body": "x", "deadline": "5s", "delay": "5s"})", R"({"body": "x", "deadline": "5s", "colour": "red"})",
        "[]", ""}) {
    const HttpAnswer answer = ask(bad);
    EXPECT_EQ(answer.status, 400) << bad << answer.body;
    EXPECT_EQ(code(answer), "BAD_REQUEST") << bad;
  }
  client_.ensure_topic({.name = "news"});
  EXPECT_EQ(ask(R"({"body": "x", "deadline": "5s"})", "nowhere").status, 404);
  EXPECT_EQ(ask(R"({"body": "x", "deadline": "5s"})", "news").status, 404) << "a topic answers nothing";
  const HttpAnswer published =
      http(broker_.admin(), "POST", "/api/v1/queues/prices/messages", R"({"body": "x", "deadline": "5s"})");
  EXPECT_EQ(published.status, 400);
  EXPECT_THAT(published.body, HasSubstr("/requests"));
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 0);
}

/// There are two workers, and places for 64 that wait.
TEST_F(HttpRequestsTest, ThoseThatWaitHoldUpNobody) {
  constexpr int kPlaces = 64;
  std::vector<std::future<HttpAnswer>> waiting;
  for (int i = 0; i < kPlaces; ++i) {
    waiting.push_back(ask_aside(R"({"body": ")" + std::to_string(i) + R"(", "deadline": "30s"})"));
    // Few at a time: of those that are with the workers at one moment there is a limit, too.
    if (i % 16 == 15) {
      ASSERT_TRUE(are_open(i + 1));
    }
  }
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/queues").status, 200);
  const HttpAnswer refused = ask(R"({"body": "one too many", "deadline": "30s"})");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_EQ(code(refused), "RESOURCE_EXHAUSTED");
  EXPECT_EQ(text_of(refused.json(), "limit"), "awaited_replies");
  {
    const Consumer consumer = client_.consume(
        "prices", [&](Delivery& delivery) { return Verdict::answer({.body = delivery.message().body}); });
    for (int i = 0; i < kPlaces; ++i) {
      const HttpAnswer answer = waiting[static_cast<std::size_t>(i)].get();
      ASSERT_EQ(answer.status, 200) << answer.body;
      EXPECT_EQ(text_of(answer.json(), "body"), std::to_string(i));
    }
    EXPECT_EQ(ask(R"({"body": "there is a place again", "deadline": "30s"})").status, 200);
  }
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], kPlaces + 1);
}

/// More often than a request takes waiters, and than there are places here.
TEST_F(HttpRequestsTest, WhoeverHangsUpKeepsNoPlace) {
  const std::string body = R"({"id": ")" + MessageId::make().to_string() + R"(", "body": "tea", "deadline": "30s"})";
  for (int i = 0; i < 65; ++i) {
    RawHttp caller(broker_.admin());
    caller.send("POST", "/api/v1/queues/prices/requests", body);
    caller.hang_up();
    const auto heard = caller.heard();
    ASSERT_TRUE(heard.has_value()) << "the broker has not seen that caller " << i << " has gone";
    ASSERT_EQ(*heard, "") << i;
  }
  auto waiting = ask_aside(body);
  const Consumer consumer = client_.consume("prices", [&](Delivery&) { return Verdict::answer({.body = "17"}); });
  const HttpAnswer answer = waiting.get();
  ASSERT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(text_of(answer.json(), "body"), "17");
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 1) << "it was one request";
}

/// What is read while a reply is awaited is the next request, and has its turn.
TEST_F(HttpRequestsTest, WhatIsSentBehindItIsAnsweredBehindIt) {
  RawHttp caller(broker_.admin());
  caller.send("POST", "/api/v1/queues/prices/requests", R"({"body": "tea", "deadline": "30s"})");
  ASSERT_TRUE(are_open(1));
  // One that is larger than what is read ahead.
  caller.send("POST", "/api/v1/queues/prices/messages", R"({"body": ")" + std::string(100'000, 'x') + R"("})");
  caller.send("GET", "/api/v1/queues/none");
  {
    const Consumer consumer = client_.consume("prices", [&](Delivery& delivery) {
      return delivery.is_request() ? Verdict::answer({.body = "17 euros"}) : Verdict::done();
    });
    const auto heard = caller.heard("NOT_FOUND");
    ASSERT_TRUE(heard.has_value());
    EXPECT_LT(heard->find("17 euros"), heard->find("HTTP/1.1 201"));
    EXPECT_LT(heard->find("HTTP/1.1 201"), heard->find("HTTP/1.1 404"));
    EXPECT_NE(heard->find("HTTP/1.1 404"), std::string::npos);
  }
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 2);
}

TEST_F(HttpRequestsTest, AStopTellsThoseThatWaitAndTheyAskAgain) {
  const std::string id = MessageId::make().to_string();
  auto waiting = ask_aside(R"({"id": ")" + id + R"(", "body": "tea", "deadline": "30s"})");
  ASSERT_TRUE(are_open(1));
  EXPECT_EQ(broker_.terminate(), 0);
  const HttpAnswer stopped = waiting.get();
  EXPECT_EQ(stopped.status, 504) << stopped.body;
  EXPECT_EQ(code(stopped), "OUTCOME_UNKNOWN");
  EXPECT_THAT(stopped.body, HasSubstr(id));
  broker_.start();
  const Consumer consumer = client_.consume("prices", [&](Delivery&) { return Verdict::answer({.body = "17"}); });
  EXPECT_EQ(text_of(reply(R"({"id": ")" + id + R"(", "body": "tea", "deadline": "30s"})"), "body"), "17");
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 1) << "it was one request";
}

TEST_F(HttpRequestsTest, ADeletedQueueEndsThem) {
  auto waiting = ask_aside(R"({"body": "tea", "deadline": "30s"})");
  ASSERT_TRUE(are_open(1));
  client_.remove("prices", true);
  EXPECT_EQ(waiting.get().status, 404);
}

class MaskedHttpRequests : public HttpRequestsTest {
 protected:
  MaskedHttpRequests()
      : HttpRequestsTest({.settings = {"hospital.masked_paths=/card/number", "hospital.masked_headers=authorization"},
                          .arguments = {}}) {}
};

TEST_F(MaskedHttpRequests, NobodySeesInAReplyWhatIsMasked) {
  std::atomic<bool> is_json{true};
  const Consumer consumer = client_.consume("prices", [&](Delivery&) {
    Message reply;
    reply.body = is_json ? R"({"card": {"number": "s3cr3t", "month": 7}})" : "card=s3cr3t";
    reply.headers = {{"Authorization", "s3cr3t"}};
    return Verdict::answer(std::move(reply));
  });
  const json::object got = reply(R"({"body": "x", "deadline": "20s"})");
  EXPECT_THAT(json::serialize(got), Not(HasSubstr("s3cr3t")));
  EXPECT_THAT(text_of(got, "body"), HasSubstr("\"month\""));
  EXPECT_EQ(got.at("masked"), true);
  is_json = false;
  const json::object withheld = reply(R"({"body": "x", "deadline": "20s"})");
  EXPECT_THAT(json::serialize(withheld), Not(HasSubstr("s3cr3t")));
  EXPECT_TRUE(withheld.at("body").is_null());
  EXPECT_TRUE(withheld.contains("withheld"));
}

}  // namespace
}  // namespace lazaret::testing

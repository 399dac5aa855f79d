// Durable requests on a real broker: the reply comes on a queue, to whoever consumes it, with the context and once,
// whatever is killed on the way; and what the command line and the HTTP API say of it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <future>

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
using ::testing::IsEmpty;
using ::testing::Pair;

class AskTest : public ::testing::Test {
 protected:
  AskTest() : client_(connect("requester")) {
    // On two shards: the broker spreads queues in turn.
    client_.create({.name = "prices", .max_attempts = 1});
    client_.create({.name = "replies"});
    client_.create({.name = "beside", .colocate_with = "prices"});
  }
  Client connect(const std::string& name) {
    return Client::connect(broker_.url(), {.name = name, .timeout = 60s, .drain = 5s});
  }
  Receipt ask(const std::string& body, const std::string& reply_queue = "replies") {
    return client_.ask({.to = "prices", .message = {.body = body}}, reply_queue, {{"for", body}});
  }
  /// The first replies on a queue, in the order in which they came.
  std::vector<Reply> replies(std::size_t count, const std::string& queue = "replies") {
    Client other = connect("another instance");
    Inbox inbox;
    const Consumer consumer = other.consume(queue, [&](Delivery& delivery) { inbox.add(delivery); });
    EXPECT_TRUE(inbox.reaches(count));
    std::vector<Reply> all;
    for (const Received& one : inbox.all()) {
      if (one.message.reply == nullptr) {
        ADD_FAILURE() << "no reply: " << one.message.body;
        continue;
      }
      all.push_back(*one.message.reply);
      all.back().message = one.message;
    }
    return all;
  }
  std::int64_t lost() const { return QueueView(broker_, "prices")["lost_replies_total"]; }

  Broker broker_;
  Client client_;
};

// --- The reply -------------------------------------------------------------------------------------------------------

TEST_F(AskTest, AnyInstanceGetsTheReplyWithTheContextThatNobodyElseHasSeen) {
  Receipt receipt;
  {
    Client passing = connect("gone before the answer");
    receipt = passing.ask({.to = "prices", .message = {.body = "tea", .correlation_id = "order 17"}}, "replies",
                          {{"order", "17"}, {"order", "again"}, {"secret", std::string("\0\xff", 2)}});
  }
  EXPECT_FALSE(receipt.duplicate);
  Inbox asked;
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    EXPECT_FALSE(delivery.reply().has_value());
    EXPECT_TRUE(delivery.is_request());
    asked.add(delivery);
    return Verdict::answer({.body = "3 euros", .type = "price", .headers = {{"currency", "EUR"}}});
  });
  const std::vector<Reply> came = replies(1);
  ASSERT_EQ(came.size(), 1u);
  const Reply& reply = came[0];
  EXPECT_EQ(reply.outcome, Ended::answered);
  EXPECT_TRUE(reply.final);
  EXPECT_FALSE(reply.late);
  EXPECT_EQ(reply.request, receipt.id);
  EXPECT_THAT(reply.context,
              ElementsAre(Pair("order", "17"), Pair("order", "again"), Pair("secret", std::string("\0\xff", 2))));
  EXPECT_EQ(reply.message.body.view(), "3 euros");
  EXPECT_EQ(reply.message.type, "price");
  EXPECT_THAT(reply.message.headers, ElementsAre(Pair("currency", "EUR")));
  EXPECT_EQ(reply.message.correlation_id, "order 17");
  EXPECT_EQ(reply.message.causation_id, receipt.id.to_string());
  EXPECT_THAT(asked.at(0).message.headers, IsEmpty());
  EXPECT_EQ(asked.at(0).message.reply_to, "replies");
  EXPECT_EQ(QueueView(broker_, "prices").wrong_sums(), "");
  EXPECT_EQ(QueueView(broker_, "replies").wrong_sums(), "");
}

TEST_F(AskTest, HoweverItEndsThatIsTold) {
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery& delivery) {
    const std::string body = delivery.message().body.str();
    if (body == "gold") return Verdict::decline("sold out");
    if (body == "lead") return Verdict::fail("no database");
    return Verdict::done();
  });
  ask("gold");
  ask("lead");
  client_.ask({.to = "prices", .message = {.body = "tea"}, .within = 300ms}, "replies", {{"for", "tea"}});
  std::map<std::string, Reply> ends;
  for (const Reply& reply : replies(3)) ends[reply.context.at(0).second] = reply;
  EXPECT_EQ(ends["gold"].outcome, Ended::declined);
  EXPECT_EQ(ends["gold"].reason, "sold out");
  EXPECT_EQ(ends["lead"].outcome, Ended::failed);
  EXPECT_EQ(ends["lead"].case_id, text_of(cases_of(broker_, "prices").at(0), "id"));
  EXPECT_EQ(ends["tea"].outcome, Ended::timed_out);
  EXPECT_EQ(ends["tea"].reached, Reached::settled);
}

TEST_F(AskTest, NotesComeBeforeTheEnd) {
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery& delivery) {
    delivery.progress({.body = "looking"});
    return Verdict::answer({.body = "3 euros"});
  });
  ask("tea");
  const std::vector<Reply> came = replies(2);
  ASSERT_EQ(came.size(), 2u);
  EXPECT_FALSE(came[0].final);
  EXPECT_EQ(came[0].message.body.view(), "looking");
  EXPECT_EQ(came[0].context, came[1].context);
  EXPECT_TRUE(came[1].final);
}

// --- What is killed --------------------------------------------------------------------------------------------------

TEST_F(AskTest, ABrokerThatDiesBetweenTheAnswerAndTheReplyLosesNothing) {
  for (const char* queue : {"replies", "beside"}) {
    const Receipt receipt = ask("tea", queue);
    Inbox settled;
    Client service = connect("service");
    std::atomic<std::size_t> done = 0;
    Consumer consumer = service.consume("prices", [](Delivery&) { return Verdict::answer({.body = "3 euros"}); },
                                        {.on_settled = [&](std::size_t count) { done += count; }});
    EXPECT_TRUE(eventually([&] { return done > 0; }));
    broker_.restart();
    const std::vector<Reply> came = replies(1, queue);
    ASSERT_EQ(came.size(), 1u) << queue;
    EXPECT_EQ(came[0].request, receipt.id);
    EXPECT_EQ(came[0].message.body.view(), "3 euros");
  }
  EXPECT_EQ(lost(), 0);
}

TEST_F(AskTest, EachHasOneReplyThroughManyKills) {
  constexpr int kAsked = 40;
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery& delivery) {
    return Verdict::answer({.body = "price of " + delivery.message().body.str()});
  });
  std::map<std::string, int> ends;
  for (int i = 0; i < kAsked; ++i) {
    ask("thing " + std::to_string(i), i % 2 == 0 ? "replies" : "beside");
    if (i % 8 == 3) broker_.restart();
  }
  for (const char* queue : {"replies", "beside"}) {
    for (const Reply& reply : replies(kAsked / 2, queue)) {
      EXPECT_EQ(reply.message.body.view(), "price of " + reply.context.at(0).second);
      ++ends[reply.context.at(0).second];
    }
  }
  EXPECT_EQ(ends.size(), static_cast<std::size_t>(kAsked));
  for (const auto& [name, count] : ends) EXPECT_EQ(count, 1) << name;
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
}

TEST_F(AskTest, ATicketAnswersFromAnotherProcessAfterAKill) {
  ask("tea");
  std::string ticket;
  {
    Client service = connect("service");
    Inbox taken;
    const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
      ticket = delivery.reply_later().to_string();
      taken.add(delivery);
    });
    EXPECT_TRUE(taken.reaches(1));
  }
  broker_.restart();
  Client clerk = connect("clerk");
  EXPECT_TRUE(clerk.answer(*ReplyTicket::parse(ticket), Verdict::answer({.body = "3 euros"})));
  EXPECT_FALSE(clerk.answer(*ReplyTicket::parse(ticket), Verdict::answer({.body = "4 euros"})));
  EXPECT_EQ(replies(1).at(0).message.body.view(), "3 euros");
}

TEST_F(AskTest, TheNewestNoteOutlivesTheBroker) {
  Inbox taken;
  Gate gate;
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    delivery.progress({.body = "looking"});
    taken.add(delivery);
    gate.pass();
    return Verdict::answer({.body = "3 euros"});
  });
  std::atomic<int> notes = 0;
  Client asker = client_.within(120s).on_progress([&](const Reply& note) {
    if (note.message.body.view() == "looking") ++notes;
  });
  std::future<Reply> reply =
      std::async(std::launch::async, [asker]() mutable { return asker.request("prices", {.body = "tea"}); });
  EXPECT_TRUE(eventually([&] { return notes == 1; }));
  client_.publish("beside", {.body = "a write"});
  broker_.restart();
  EXPECT_TRUE(eventually([&] { return notes == 2; })) << "whoever asks again is told it again";
  gate.open();
  EXPECT_EQ(reply.get().message.body.view(), "3 euros");
}

// --- What is refused, and what is lost -------------------------------------------------------------------------------

TEST_F(AskTest, WhatCannotBeAskedIsRefused) {
  const auto refusal = [&](Ask what, const std::string& queue, Headers context = {}) {
    return error_of([&] { client_.ask(std::move(what), queue, std::move(context)); });
  };
  EXPECT_EQ(refusal({"prices", {}}, "nowhere"), errc::not_found);
  EXPECT_EQ(refusal({"nowhere", {}}, "replies"), errc::not_found);
  EXPECT_EQ(refusal({"prices", {}}, "prices"), errc::bad_request);
  EXPECT_EQ(refusal({"prices", {}}, "replies", {{"", "x"}}), errc::bad_request);
  EXPECT_EQ(refusal({"prices", {}}, "replies", {{"x", std::string(65'536, 'x')}}), errc::headers_too_large);
  EXPECT_EQ(refusal({"prices", {}}, "replies", Headers(257, {"x", "y"})), errc::headers_too_large);
  EXPECT_EQ(refusal({"prices", {}}, "replies", {{std::string(1025, 'x'), "y"}}), errc::headers_too_large);
  client_.ensure_topic({.name = "news"});
  EXPECT_EQ(refusal({"prices", {}}, "news"), errc::bad_request);
  EXPECT_EQ(QueueView(broker_, "prices")["ready"], 0);
  Message known;
  known.id = MessageId::make();
  EXPECT_FALSE(client_.ask({"prices", known}, "replies").duplicate);
  EXPECT_TRUE(client_.ask({"prices", known}, "replies").duplicate);
  EXPECT_EQ(refusal({"prices", known}, "beside"), errc::mismatch);
  EXPECT_EQ(error_of([&] { client_.request("prices", known); }), errc::mismatch);
  EXPECT_EQ(QueueView(broker_, "prices")["ready"], 1);
}

TEST_F(AskTest, ARepliesQueueThatIsDeletedMeanwhileIsCounted) {
  ask("tea", "replies");
  ask("milk", "beside");
  client_.remove("replies");
  client_.remove("beside");
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery&) { return Verdict::answer({.body = "3 euros"}); });
  EXPECT_TRUE(eventually([&] { return lost() == 2; }));
  const std::string metrics = http(broker_.admin(), "GET", "/metrics").body;
  EXPECT_THAT(metrics, HasSubstr("lazaret_queue_lost_replies_total{queue=\"prices\"} 2"));
}

TEST_F(AskTest, OnlyTheBrokerSaysWhatAReplyIs) {
  ask("tea");
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery&) { return Verdict::answer({.body = "3 euros"}); });
  Message copy = replies(1).at(0).message;
  copy.id = {};
  client_.publish("beside", copy);
  Inbox inbox;
  const Consumer reader = service.consume("beside", [&](Delivery& delivery) { inbox.add(delivery); });
  EXPECT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).message.reply, nullptr) << "published by a client it is no reply";
}

// --- Cases of what was answered --------------------------------------------------------------------------------------

TEST_F(AskTest, ACaseOfWhatWasAnsweredIsReplayedByForceOnly) {
  Client service = connect("service");
  Client clerk = connect("clerk");
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    if (delivery.message().body.view() == "tea" && delivery.attempt() == 1) {
      clerk.answer(delivery.reply_later(), Verdict::answer({.body = "3 euros"}));
    }
    if (delivery.attempt() == 1) return Verdict::fail("and then it broke");
    return Verdict::done();
  });
  ask("tea");
  ask("milk");
  EXPECT_TRUE(eventually([&] { return cases_of(broker_, "prices").size() == 2; }));
  const std::string id = text_of(cases_of(broker_, "prices").at(0), "id");
  const auto post = [&](const std::string& body) {
    return http(broker_.admin(), "POST", "/api/v1/hospital/cases/" + id + "/replay", body);
  };
  EXPECT_EQ(post("{}").status, 409);
  EXPECT_EQ(text_of(post("{}").json(), "code"), "ALREADY_ANSWERED");
  EXPECT_EQ(post(R"({"force": 1})").status, 400);
  const Outcome several = broker_.cli({"hospital", "replay", "--all", "--yes"});
  EXPECT_NE(several.exit, 0);
  EXPECT_THAT(several.err, HasSubstr(id));
  EXPECT_THAT(several.err, HasSubstr("ALREADY_ANSWERED"));
  EXPECT_TRUE(eventually([&] {
    return cases_of(broker_, "prices").size() == 2 &&
           text_of(cases_of(broker_, "prices").at(1), "state") == "discharged";
  }));
  EXPECT_EQ(text_of(cases_of(broker_, "prices").at(0), "state"), "admitted");
  EXPECT_EQ(broker_.cli({"hospital", "replay", id, "--force", "--wait"}).exit, 0);
}

// --- The command line ------------------------------------------------------------------------------------------------

TEST_F(AskTest, TheCommandLineAsksAndShowsTheReply) {
  const Outcome plain = broker_.cli({"request", "prices", "--reply-to", "replies", "--body", "tea"});
  EXPECT_EQ(plain.exit, 0) << plain.err;
  EXPECT_THAT(plain.out, HasSubstr("asked: "));
  const auto receipt = broker_.cli_json({"request", "prices", "--reply-to", "replies", "--body", "gold", "--deadline",
                                         "1h", "--context", "order=17", "--context", "from=web"})[0];
  EXPECT_EQ(receipt.at("duplicate"), false);
  EXPECT_EQ(receipt.at("offset"), 1);
  EXPECT_EQ(broker_.cli({"request", "prices", "--body", "x"}).exit, 64);
  EXPECT_EQ(broker_.cli({"request", "prices", "--deadline", "1s", "--context", "a=b", "--body", "x"}).exit, 64);
  const Outcome responder =
      broker_.cli({"respond", "prices", "--count", "2", "--", "sh", "-c",
                   "grep -q gold && { echo sold out >&2; exit 65; }; env | grep -c order=17 || true"});
  EXPECT_EQ(responder.exit, 0) << responder.err;
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "replies")["ready"] == 2; }));
  const auto peeked = api(broker_, "/queues/replies/messages").at("items").as_array();
  const Outcome shell =
      broker_.cli({"consume", "replies", "--count", "1", "--exec",
                   "echo $LAZARET_MSG_STATUS for $LAZARET_MSG_CONTEXT_ORDER; exit 75", "--retry-after", "1ms"});
  EXPECT_THAT(shell.out, HasSubstr("answered for\n")) << "the first was asked without a context";
  const auto printed = broker_.cli_json({"consume", "replies", "--print", "--count", "2"});
  for (const auto& messages : {peeked, printed}) {
    ASSERT_EQ(messages.size(), 2u);
    EXPECT_EQ(text_of(messages[0], "status"), "answered");
    EXPECT_EQ(text_of(messages[0], "body"), "0\n") << "the context is not in the environment";
    EXPECT_EQ(text_of(messages[1], "status"), "declined");
    EXPECT_EQ(text_of(messages[1], "reason"), "sold out");
    EXPECT_EQ(text_of(messages[1], "request"), text_of(receipt, "id"));
    EXPECT_EQ(text_of(messages[1].at("context"), "order"), "17");
    EXPECT_EQ(messages[1].at("late"), false);
    EXPECT_EQ(messages[1].at("final"), true);
    EXPECT_TRUE(messages[1].at("reached").is_null());
    EXPECT_TRUE(messages[1].at("case_id").is_null());
  }
}

}  // namespace
}  // namespace lazaret::testing

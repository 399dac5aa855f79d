// Requests and replies on a real broker, through the client library: every way in which one ends, who dies on the way,
// and what is carried on from one service to the next.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <future>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using Ended = lazaret::Outcome;  // of a request; another one here is of a process
using ::testing::AllOf;
using ::testing::AnyOf;
using ::testing::Each;
using ::testing::Field;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class RequestsTest : public ::testing::Test {
 protected:
  RequestsTest() : client_(connect("requester")) {
    QueueSpec prices;
    prices.name = "prices";
    prices.max_attempts = 1;
    client_.create(prices);
  }
  Client connect(const std::string& name) { return Client::connect(broker_.url(), {.name = name, .drain = 5s}); }
  /// For as long as it takes.
  Client patient() { return client_.within(60s); }

  Broker broker_;
  Client client_;
};

// --- How a request ends ----------------------------------------------------------------------------------------------

TEST_F(RequestsTest, AnAnswerIsAMessage) {
  Client service = connect("service");
  Inbox asked;
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    asked.add(delivery);
    return Verdict::answer({.body = "3 euros", .type = "price", .headers = {{"currency", "EUR"}}});
  });
  const Reply reply = patient().request("prices", {.body = "tea", .type = "price.asked"});
  EXPECT_EQ(reply.outcome, Ended::answered);
  EXPECT_EQ(reply.message.body.view(), "3 euros");
  EXPECT_EQ(reply.message.type, "price");
  EXPECT_THAT(reply.message.headers, SizeIs(1));
  EXPECT_FALSE(reply.late);
  const Message request = asked.at(0).message;
  EXPECT_FALSE(request.correlation_id.empty());
  EXPECT_FALSE(request.reply_to.empty());
  EXPECT_GT(request.deadline, std::chrono::system_clock::time_point());
  EXPECT_EQ(reply.message.correlation_id, request.correlation_id);
  EXPECT_EQ(reply.message.causation_id, request.id.to_string());
  EXPECT_EQ(QueueView(broker_, "prices").wrong_sums(), "");
}

TEST_F(RequestsTest, AThousandThatAreDeclinedLeaveNoCase) {
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery&) { return Verdict::decline("sold out"); });
  std::vector<Ask> asks(1000, Ask{"prices", {.body = "tea"}});
  const std::vector<Reply> replies = patient().gather(std::move(asks));
  EXPECT_THAT(replies, SizeIs(1000));
  EXPECT_THAT(replies, Each(AllOf(Field(&Reply::outcome, Ended::declined), Field(&Reply::reason, "sold out"))));
  EXPECT_THAT(cases_of(broker_, "prices"), IsEmpty());
  EXPECT_TRUE(eventually([&] { return client_.show("prices").acked_total == 1000; }));
}

TEST_F(RequestsTest, AFailureNamesItsCase) {
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery&) { throw std::runtime_error("no database"); });
  const Reply reply = patient().request("prices", {.body = "tea"});
  EXPECT_EQ(reply.outcome, Ended::failed);
  EXPECT_EQ(reply.reason, "no database");
  EXPECT_EQ(text_of(cases_of(broker_, "prices").at(0).as_object(), "id"), reply.case_id);
}

TEST_F(RequestsTest, AReplyThatNoBrokerTakesIsAFailure) {
  Client service = connect("service");
  const Consumer consumer =
      service.consume("prices", [](Delivery&) { return Verdict::answer({.body = std::string((16u << 20) + 1, 'x')}); });
  const Reply reply = patient().request("prices", {.body = "tea"});
  EXPECT_EQ(reply.outcome, Ended::failed);
  EXPECT_THAT(reply.reason, HasSubstr("at most"));
}

TEST_F(RequestsTest, WhoHasNoTimeLeftIsToldThatItWasNotDelivered) {
  for (const milliseconds none : {0ms, -1ms, milliseconds::min()}) {
    const Reply reply = client_.within(none).request("prices", {.body = "tea"});
    EXPECT_EQ(reply.outcome, Ended::timed_out) << none.count();
    EXPECT_EQ(reply.reached, Reached::not_delivered) << none.count();
  }
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 0);
  EXPECT_EQ(error_of([&] { patient().request("prices", {.body = "x", .delay = -1ms}); }), errc::bad_request);
}

TEST_F(RequestsTest, WithoutAnybodyThereItWasNotDelivered) {
  const Reply reply = client_.within(200ms).request("prices", {.body = "tea"});
  EXPECT_EQ(reply.outcome, Ended::timed_out);
  EXPECT_EQ(reply.reached, Reached::not_delivered);
  Client service = connect("service");
  Inbox inbox;
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    inbox.add(delivery);
    return Verdict::answer({.body = "x"});
  });
  // It is not delivered any more: the next one comes first.
  EXPECT_EQ(patient().request("prices", {.body = "coffee"}).outcome, Ended::answered);
  EXPECT_THAT(inbox.all(), SizeIs(1));
  EXPECT_EQ(QueueView(broker_, "prices")["expired_total"], 1);
  EXPECT_EQ(QueueView(broker_, "prices").wrong_sums(), "");
}

TEST_F(RequestsTest, InAHandlerItHasStartedAndTheHandlerIsToldToStop) {
  Client service = connect("service");
  std::promise<void> stopped;
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    EXPECT_TRUE(delivery.is_request());
    EXPECT_TRUE(eventually([&] { return delivery.stop_token().stop_requested(); }));
    EXPECT_GE(std::chrono::steady_clock::now(), delivery.deadline());
    stopped.set_value();
    return Verdict::answer({.body = "too late"});
  });
  const Reply reply = client_.within(300ms).request("prices", {.body = "tea"});
  EXPECT_EQ(reply.outcome, Ended::timed_out);
  EXPECT_EQ(reply.reached, Reached::started);
  stopped.get_future().get();
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "prices")["late_replies_total"] == 1; }));
}

TEST_F(RequestsTest, BehindAHandlerThatSaysNothingItIsSettled) {
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery&) {});
  // The ack may be behind the deadline only where the machine stands still for so long.
  const Reply reply = client_.within(3s).request("prices", {.body = "tea"});
  EXPECT_EQ(reply.outcome, Ended::timed_out);
  EXPECT_EQ(reply.reached, Reached::settled);
}

TEST_F(RequestsTest, WhatCannotBeAskedIsAnError) {
  EXPECT_EQ(error_of([&] { client_.request("nothing", {.body = "x"}); }), errc::not_found);
  client_.ensure_topic({.name = "news"});
  EXPECT_EQ(error_of([&] { client_.request("news", {.body = "x"}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.request("no name", {.body = "x"}); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client_.request("prices", {.body = "x", .delay = 1s}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.request("prices", {.body = std::string((16u << 20) + 1, 'x')}); }),
            errc::message_too_large);
  EXPECT_EQ(error_of([&] { client_.answer({"prices", MessageId::make()}, Verdict::decline("no")); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.answer({"prices", MessageId::make()}, Verdict::done()); }), errc::bad_request);
}

TEST_F(RequestsTest, ABrokerThatIsNotThereIsUnreachable) {
  broker_.kill9();
  EXPECT_TRUE(eventually([&] { return !client_.connected(); }));
  EXPECT_EQ(error_of([&] { client_.within(300ms).request("prices", {.body = "x"}); }), errc::unreachable);
}

// --- Several at once -------------------------------------------------------------------------------------------------

TEST_F(RequestsTest, RepliesComeInTheOrderOfTheAsks) {
  Client service = connect("service");
  const Consumer consumer = service.consume("prices",
                                            [](Delivery& delivery) {
                                              const std::string what = delivery.message().body.str();
                                              pause_for(what == "slow" ? 100ms : 0ms);
                                              if (what == "none") return Verdict::decline("none");
                                              return Verdict::answer({.body = what + "!"});
                                            },
                                            {.concurrency = 4});
  const auto replies = patient().gather({{"prices", {.body = "slow"}},
                                         {"prices", {.body = "none"}},
                                         {"prices", {.body = "fast"}},
                                         {"nowhere", {.body = "fast"}}});
  EXPECT_EQ(replies[0].message.body.view(), "slow!");
  EXPECT_EQ(replies[1].outcome, Ended::declined);
  EXPECT_EQ(replies[2].message.body.view(), "fast!");
  ASSERT_NE(replies[3].problem, nullptr);
  EXPECT_EQ(replies[3].problem->code, "NOT_FOUND");
}

TEST_F(RequestsTest, WhenOneIsEnoughTheOthersAreCancelled) {
  client_.ensure({.name = "nobody"});
  Client service = connect("service");
  const Consumer consumer = service.consume("prices", [](Delivery&) { return Verdict::answer({.body = "first"}); });
  const auto replies = patient().gather({{"nobody", {.body = "a"}}, {"prices", {.body = "b"}}}, 1);
  EXPECT_EQ(replies[0].outcome, Ended::timed_out);
  EXPECT_EQ(replies[1].message.body.view(), "first");
  // The loser is not delivered, long before its deadline.
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "nobody")["expired_total"] == 1; }));
  EXPECT_EQ(QueueView(broker_, "nobody")["pending_requests"], 0);
}

TEST_F(RequestsTest, ACancelledOneIsDropped) {
  asio::io_context io;
  asio::cancellation_signal cancel;
  error_code ended;
  patient().async_request(
      "prices", {.body = "tea"},
      asio::bind_cancellation_slot(
          cancel.slot(), asio::bind_executor(io.get_executor(), [&](error_code code, const Reply&) { ended = code; })));
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "prices")["pending_requests"] == 1; }));
  cancel.emit(asio::cancellation_type::terminal);
  io.run();
  EXPECT_EQ(ended, errc::cancelled);
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "prices")["expired_total"] == 1; }));
}

TEST_F(RequestsTest, BlockingWhereItCouldNeverEndFailsAtOnce) {
  asio::io_context io;
  Client borrowed(io.get_executor(), broker_.url());
  EXPECT_EQ(error_of([&] { borrowed.request("prices", {.body = "x"}); }), errc::would_deadlock);
  EXPECT_EQ(error_of([&] { borrowed.gather({}); }), errc::would_deadlock);
  EXPECT_EQ(error_of([&] {
              borrowed.answer({"prices", MessageId::make()}, Verdict::decline("no"));
            }),
            errc::would_deadlock);
  std::promise<error_code> inside;
  client_.async_publish("prices", {.body = "x"}, [&](error_code, const Receipt&) {
    inside.set_value(error_of([&] { client_.request("prices", {.body = "x"}); }));
  });
  EXPECT_EQ(inside.get_future().get(), errc::would_deadlock);
}

TEST_F(RequestsTest, TheSameRequestIsAskedOnce) {
  Client service = connect("service");
  Gate gate;
  Inbox inbox;
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    return Verdict::answer({.body = "3 euros"});
  });
  Message message{.body = "tea"};
  message.id = MessageId::make();
  auto first = patient().async_request("prices", message, asio::use_future);
  EXPECT_TRUE(inbox.reaches(1));
  Client other = connect("other");
  auto second = other.within(60s).async_request("prices", message, asio::use_future);
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 1);
  gate.open();
  EXPECT_EQ(first.get().message.body.view(), "3 euros");
  EXPECT_EQ(second.get().message.body.view(), "3 euros");
  EXPECT_EQ(patient().request("prices", message).message.body.view(), "3 euros");
  EXPECT_THAT(inbox.all(), SizeIs(1));
}

// --- Who dies on the way ---------------------------------------------------------------------------------------------

TEST_F(RequestsTest, AKillOfTheBrokerLosesNoRequestAndNoReply) {
  Client service = connect("service");
  Gate gate;
  Inbox inbox;
  const auto handle = [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    return Verdict::answer({.body = delivery.message().body.str() + "!"});
  };
  const Consumer consumer = service.consume("prices", handle, {.concurrency = 2, .prefetch = 4});
  std::vector<std::future<Reply>> replies;
  for (int i = 0; i < 20; ++i) {
    replies.push_back(patient().async_request("prices", {.body = std::to_string(i)}, asio::use_future));
  }
  EXPECT_TRUE(inbox.reaches(2));
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "prices")["pending_requests"] == 20; }));
  broker_.restart();
  gate.open();
  for (int i = 0; i < 20; ++i) {
    const Reply reply = replies[static_cast<std::size_t>(i)].get();
    EXPECT_EQ(reply.outcome, Ended::answered) << i << ": " << name_of(reply.reached);
    EXPECT_EQ(reply.message.body.view(), std::to_string(i) + "!");
  }
  for (const auto& [body, count] : inbox.counts()) EXPECT_EQ(count, 1) << body;
  EXPECT_EQ(QueueView(broker_, "prices")["entered_total"], 20);
  EXPECT_EQ(QueueView(broker_, "prices").wrong_sums(), "");
}

TEST_F(RequestsTest, AReplyIsThereForARequesterThatComesBack) {
  Client service = connect("service");
  Gate gate;
  Inbox inbox;
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    return Verdict::answer({.body = "3 euros"});
  });
  Message message{.body = "tea"};
  message.id = MessageId::make();
  {
    Client short_lived = connect("short-lived");
    auto lost = short_lived.within(60s).async_request("prices", message, asio::use_future);
    EXPECT_TRUE(inbox.reaches(1));
    auto also = patient().async_request("prices", message, asio::use_future);
    EXPECT_TRUE(eventually([&] { return QueueView(broker_, "prices")["pending_requests"] == 1; }));
    gate.open();
    EXPECT_EQ(also.get().outcome, Ended::answered);
  }
  broker_.restart();
  EXPECT_EQ(patient().request("prices", message).message.body.view(), "3 euros");
  EXPECT_THAT(inbox.all(), SizeIs(1));
}

// --- What is carried on ----------------------------------------------------------------------------------------------

/// Four services in a chain: each asks the next, through the client of its delivery.
class ChainTest : public RequestsTest {
 protected:
  ChainTest() {
    for (int i = 1; i <= 4; ++i) client_.ensure({.name = name(i)});
  }
  static std::string name(int i) { return "service" + std::to_string(i); }
  /// `wait(i, delivery)` runs before the i-th asks the next.
  template <class Wait>
  void start(Wait wait) {
    for (int i = 1; i <= 4; ++i) {
      services_.push_back(connect(name(i)));
      consumers_.push_back(services_.back().consume(name(i), [this, i, wait](Delivery& delivery) {
        inboxes_[static_cast<std::size_t>(i)].add(delivery);
        left_[static_cast<std::size_t>(i)] = delivery.deadline() - std::chrono::steady_clock::now();
        wait(i, delivery);
        if (i == 4) return Verdict::answer({.body = "from the fourth"});
        const Reply reply = delivery.client().request(name(i + 1), {.body = "go on"});
        if (reply.outcome == Ended::answered) return Verdict::answer(reply.message);
        return Verdict::decline(std::string(name_of(reply.outcome)) + ", " + std::string(name_of(reply.reached)));
      }));
    }
  }

  std::array<Inbox, 5> inboxes_;
  std::array<std::chrono::steady_clock::duration, 5> left_{};
  std::vector<Client> services_;
  std::vector<Consumer> consumers_;
};

TEST_F(ChainTest, WhatTheFirstHasIsAllThatTheFourthHas) {
  start([](int, Delivery&) {});
  const Reply reply = client_.within(20s).request("service1", {.body = "go", .correlation_id = "order 7"});
  EXPECT_EQ(reply.message.body.view(), "from the fourth");
  for (std::size_t i = 1; i <= 4; ++i) {
    ASSERT_THAT(inboxes_[i].all(), SizeIs(1));
    EXPECT_LT(left_[i], 20s);
    EXPECT_EQ(inboxes_[i].at(0).message.correlation_id, "order 7");
    if (i == 1) continue;
    EXPECT_EQ(inboxes_[i].at(0).message.causation_id, inboxes_[i - 1].at(0).message.id.to_string());
  }
}

TEST_F(ChainTest, WithHalfASecondAtTheTopTheFourthIsNotRunOnceThatIsOver) {
  const auto third_is_through = std::make_shared<std::promise<void>>();
  start([third_is_through](int i, Delivery& delivery) {
    if (i != 3) return;
    EXPECT_TRUE(eventually([&] { return std::chrono::steady_clock::now() > delivery.deadline(); }));
    third_is_through->set_value();
  });
  const Reply reply = client_.within(500ms).request("service1", {.body = "go"});
  // All have one deadline: the first may have heard of it, and declined, before the broker says so to whoever asked.
  EXPECT_THAT(reply.outcome, AnyOf(Ended::timed_out, Ended::declined));
  if (inboxes_[3].all().empty()) return;  // the machine was too slow to come so far: nothing to see
  third_is_through->get_future().get();
  for (auto& consumer : consumers_) consumer.close(5s);
  EXPECT_THAT(inboxes_[4].all(), IsEmpty());
  EXPECT_EQ(QueueView(broker_, "service4")["entered_total"], 0);
}

// --- Work of days ----------------------------------------------------------------------------------------------------

TEST_F(RequestsTest, ATicketAnswersFromAnotherProcessBehindARestart) {
  std::string ticket;
  std::promise<void> taken;
  {
    Client service = connect("service");
    const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
      delivery.progress({.body = "ordered"});
      ticket = delivery.reply_later().to_string();
      taken.set_value();
    });
    std::promise<std::string> note;
    auto reply = patient()
                     .on_progress([&](const Reply& on_the_way) {
                       EXPECT_FALSE(on_the_way.final);
                       note.set_value(on_the_way.message.body.str());
                     })
                     .async_request("prices", {.body = "tea"}, asio::use_future);
    taken.get_future().get();
    EXPECT_EQ(note.get_future().get(), "ordered");
    EXPECT_TRUE(eventually([&] { return client_.show("prices").acked_total == 1; }));
    broker_.restart();
    Client later = connect("later");
    const auto parsed = ReplyTicket::parse(ticket);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->queue, "prices");
    EXPECT_TRUE(later.answer(*parsed, Verdict::answer({.body = "arrived"})));
    EXPECT_FALSE(later.answer(*parsed, Verdict::decline("broken")));
    EXPECT_EQ(reply.get().message.body.view(), "arrived");
  }
  EXPECT_FALSE(ReplyTicket::parse("prices").has_value());
  EXPECT_FALSE(ReplyTicket::parse("prices/7").has_value());
}

TEST_F(RequestsTest, WhatIsNoRequestHasNoTicket) {
  Client service = connect("service");
  std::promise<error_code> ended;
  const Consumer consumer = service.consume("prices", [&](Delivery& delivery) {
    EXPECT_FALSE(delivery.is_request());
    ended.set_value(error_of([&] { delivery.reply_later(); }));
    return Verdict::answer({.body = "to nobody"});
  });
  client_.publish("prices", {.body = "x"});
  EXPECT_EQ(ended.get_future().get(), errc::bad_request);
  EXPECT_TRUE(eventually([&] { return client_.show("prices").acked_total == 1; }));
  EXPECT_EQ(QueueView(broker_, "prices")["late_replies_total"], 1);
}

}  // namespace
}  // namespace lazaret::testing

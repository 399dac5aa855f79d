// The client library against a real broker: publishing, queues, handlers and what their verdicts come to.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <stdexcept>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;

struct NoCard : std::runtime_error {
  using std::runtime_error::runtime_error;
};

class SdkTest : public ::testing::Test {
 protected:
  SdkTest() { client_.ensure(quick("q")); }

  static QueueSpec quick(const std::string& name, std::uint32_t attempts = 5) {
    QueueSpec spec;
    spec.name = name;
    spec.max_attempts = attempts;
    spec.backoff_initial = 1ms;
    spec.backoff_jitter = 0;
    return spec;
  }
  void expect_acked(std::uint64_t count) {
    EXPECT_TRUE(eventually([&] { return client_.show("q").acked_total == count; })) << client_.show("q").acked_total;
    EXPECT_EQ(QueueView(broker_, "q").wrong_sums(), "");
  }
  boost::json::value only_case() {
    EXPECT_TRUE(eventually([&] { return client_.show("q").in_hospital == 1; }));
    const auto cases = cases_of(broker_, "q");
    return cases.size() == 1 ? cases[0] : boost::json::value(boost::json::object());
  }

  Broker broker_;
  Client client_ = Client::connect(broker_.url(), {.name = "billing", .version = "1.2", .host = "web1", .drain = 5s});
};

// --- Messages --------------------------------------------------------------------------------------------------------

TEST_F(SdkTest, AMessageArrivesAsItWasPublished) {
  Message message{.body = "{\"n\": 1}",
                  .type = "order.created",
                  .key = "customer-7",
                  .content_type = "application/json",
                  .headers = {{"a", "1"}, {"b", ""}, {"a", "2"}},
                  .correlation_id = "c1",
                  .causation_id = "c2",
                  .reply_to = "answers",
                  .schema_id = "order/1",
                  .traceparent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"};
  const auto before = std::chrono::system_clock::now();
  const Receipt receipt = client_.publish("q", message);
  EXPECT_FALSE(receipt.id.is_nil());
  EXPECT_FALSE(receipt.duplicate);

  Inbox inbox;
  const Consumer consumer = client_.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(1));
  const Received got = inbox.at(0);
  EXPECT_EQ(got.message.body.view(), message.body.view());
  EXPECT_EQ(got.message.type, message.type);
  EXPECT_EQ(got.message.key, message.key);
  EXPECT_EQ(got.message.content_type, message.content_type);
  EXPECT_EQ(got.message.headers, message.headers);
  EXPECT_EQ(got.message.correlation_id, message.correlation_id);
  EXPECT_EQ(got.message.causation_id, message.causation_id);
  EXPECT_EQ(got.message.reply_to, message.reply_to);
  EXPECT_EQ(got.message.schema_id, message.schema_id);
  EXPECT_EQ(got.message.traceparent, message.traceparent);
  EXPECT_EQ(got.message.id, receipt.id);
  EXPECT_EQ(got.message.offset, receipt.offset);
  EXPECT_EQ(got.message.source, "q");
  EXPECT_LT(std::chrono::abs(got.message.published_at - before), 60s);
  EXPECT_EQ(got.attempt, 1);
  EXPECT_FALSE(got.redelivered);
  EXPECT_FALSE(got.isolated);
  expect_acked(1);
}

TEST_F(SdkTest, BodiesOfAllSizesArriveWhole) {
  const std::vector<std::size_t> sizes = {0, 1, 4095, 4096, 65'536, 300'000, 5'000'000};
  for (const std::size_t size : sizes) client_.publish("q", {.body = std::string(size, 'x')});
  Inbox inbox;
  const Consumer consumer = client_.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(sizes.size()));
  for (std::size_t i = 0; i < sizes.size(); ++i) EXPECT_EQ(inbox.at(i).message.body.size(), sizes[i]);
  expect_acked(sizes.size());
}

TEST_F(SdkTest, WhatTheBrokerDoesNotTakeIsAnErrorWithItsReason) {
  EXPECT_EQ(error_of([&] { client_.publish("nowhere", {.body = "x"}); }), errc::not_found);
  Message wide{.body = "x"};
  for (int i = 0; i < 100; ++i) wide.headers.emplace_back("name", std::string(1000, 'v'));
  EXPECT_EQ(error_of([&] { client_.publish("q", wide); }), errc::headers_too_large);
  try {
    client_.publish("q", {.body = std::string(17u << 20, 'x')});
    FAIL() << "17 MiB were taken";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), errc::message_too_large);
    EXPECT_EQ(error.code(), retry::pointless);
    EXPECT_EQ(error.problem.code, "MESSAGE_TOO_LARGE");
    EXPECT_EQ(error.problem.fault, "caller");
    EXPECT_EQ(error.problem.limit, "max_message_bytes");
    EXPECT_EQ(error.problem.value, 16 << 20);
  }
  EXPECT_EQ(client_.show("q").entered_total, 0u);
  client_.publish("q", {.body = "the connection lives"});
}

TEST_F(SdkTest, OneSequenceIsStoredOnce) {
  Client numbered = Client::connect(broker_.url(), {.name = "numbered", .producer_id = MessageId::make()});
  const Receipt first = numbered.publish("q", {.body = "a", .sequence = 5});
  const Receipt again = numbered.publish("q", {.body = "a", .sequence = 5});
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.offset, first.offset);
  EXPECT_EQ(error_of([&] { numbered.publish("q", {.body = "another", .sequence = 5}); }), errc::sequence_reused);
  numbered.publish("q", {.body = "b", .sequence = 5005});
  EXPECT_EQ(error_of([&] { numbered.publish("q", {.body = "c", .sequence = 6}); }), errc::sequence_too_old);
  EXPECT_EQ(client_.show("q").entered_total, 2u);
}

TEST_F(SdkTest, AMessageIdIsStoredOnceWithinTheWindowOfItsQueue) {
  EXPECT_EQ(client_.ensure({.name = "payments", .deduplicate_for = 1h}).spec.deduplicate_for, 1h);
  const MessageId id = MessageId::make();
  const Receipt first = client_.publish("payments", {.body = "pay", .id = id});
  Client another = Client::connect(broker_.url(), {.name = "another"});
  const Receipt again = another.publish("payments", {.body = "pay", .id = id});
  EXPECT_FALSE(first.duplicate);
  EXPECT_TRUE(again.duplicate);
  EXPECT_EQ(again.offset, first.offset);
  EXPECT_FALSE(another.publish("payments", {.body = "pay"}).duplicate) << "another id";
  EXPECT_EQ(client_.show("payments").entered_total, 2u);
  client_.ensure_topic({.name = "events", .deduplicate_for = 1min});
  EXPECT_EQ(client_.show("events").topic_spec.deduplicate_for, 1min);
  EXPECT_FALSE(client_.publish("events", {.body = "e", .id = id}).duplicate) << "each queue and topic for itself";
  EXPECT_TRUE(client_.publish("events", {.body = "e", .id = id}).duplicate);
}

// --- Queues ----------------------------------------------------------------------------------------------------------

TEST_F(SdkTest, QueuesAreMadeComparedChangedAndRemoved) {
  QueueSpec spec = quick("orders", 3);
  spec.lease_duration = 7s;
  EXPECT_TRUE(client_.ensure(spec).created);
  const QueueInfo there = client_.ensure({.name = "orders"});
  EXPECT_FALSE(there.created);
  EXPECT_EQ(there.spec.max_attempts, 3u);
  EXPECT_EQ(there.spec.lease_duration, 7s);
  spec.lease_duration = 8s;
  EXPECT_EQ(error_of([&] { client_.ensure(spec); }), errc::mismatch);
  EXPECT_EQ(error_of([&] { client_.create(spec); }), errc::exists);
  EXPECT_EQ(client_.update(spec).spec.lease_duration, 8s);
  EXPECT_EQ(client_.show("orders").spec.lease_duration, 8s);
  QueueSpec forever;
  forever.name = "orders";
  forever.max_attempts = unlimited;
  EXPECT_EQ(client_.update(forever).spec.max_attempts, unlimited);

  EXPECT_EQ(error_of([&] { client_.ensure({.name = "no spaces"}); }), errc::invalid_name);
  EXPECT_EQ(error_of([&] { client_.ensure({.name = "z", .max_attempts = 0}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client_.ensure({.name = "z", .durability = "hope"}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client_.show("nothing"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.purge("nothing"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.peek("nothing"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.remove("nothing"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { client_.consume("nothing", [](Delivery&) {}); }), errc::not_found);

  const QueueList all = client_.list();
  ASSERT_EQ(all.queues.size(), 2u);
  EXPECT_EQ(all.queues[0].spec.name, "orders");
  EXPECT_EQ(all.queues[1].spec.name, "q");
  ASSERT_EQ(client_.list("orders", 1).queues.size(), 1u);

  client_.publish("orders", {.body = "x"});
  EXPECT_EQ(error_of([&] { client_.remove("orders"); }), errc::not_empty);
  client_.remove("orders", true);
  EXPECT_EQ(error_of([&] { client_.show("orders"); }), errc::not_found);
}

TEST_F(SdkTest, AQueueWithConsumersIsRemovedByForceAndTheyHearOfIt) {
  std::promise<std::pair<error_code, std::string>> ended;
  const Consumer consumer =
      client_.consume("q", [](Delivery&) {}, {.on_end = [&](error_code code, const Problem& problem) {
                        ended.set_value({code, problem.code});
                      }});
  EXPECT_EQ(error_of([&] { client_.remove("q"); }), errc::in_use);
  client_.remove("q", true);
  auto future = ended.get_future();
  ASSERT_EQ(future.wait_for(30s), std::future_status::ready);
  const auto [code, name] = future.get();
  EXPECT_EQ(code, errc::not_found);
  EXPECT_EQ(name, "NOT_FOUND");
}

TEST_F(SdkTest, PeekShowsAndPurgeTakesWhatNobodyHas) {
  for (int i = 0; i < 5; ++i) client_.publish("q", {.body = std::to_string(i), .type = "t"});
  Inbox inbox;
  Gate gate;
  Consumer consumer = client_.consume("q",
                                      [&](Delivery& delivery) {
                                        inbox.add(delivery);
                                        gate.pass();
                                      },
                                      {.prefetch = 1});
  ASSERT_TRUE(inbox.reaches(1));
  const Peeked first = client_.peek("q", 0, 3);
  ASSERT_EQ(first.messages.size(), 3u);
  EXPECT_EQ(first.messages[0].state, "leased");
  EXPECT_EQ(first.messages[1].state, "ready");
  EXPECT_EQ(first.messages[1].message.body.view(), "1");
  EXPECT_EQ(first.messages[1].message.type, "t");
  ASSERT_NE(first.next, 0u);
  const Peeked rest = client_.peek("q", first.next, 10);
  ASSERT_EQ(rest.messages.size(), 2u);
  EXPECT_EQ(rest.messages[1].message.body.view(), "4");
  EXPECT_EQ(rest.next, 0u);

  EXPECT_EQ(client_.purge("q"), 4u);
  EXPECT_EQ(client_.show("q").ready, 0u);
  gate.open();
  expect_acked(1);
  EXPECT_EQ(inbox.size(), 1u);
}

// --- Handlers --------------------------------------------------------------------------------------------------------

TEST_F(SdkTest, WhatAHandlerThrowsIsTheErrorOfItsAttempt) {
  client_.update(quick("q", 3));
  client_.publish("q", {.body = "x", .type = "order"});
  const Consumer consumer = client_.consume("q", [](Delivery& delivery) {
    if (delivery.attempt() == 1) throw std::invalid_argument("bad amount");
    if (delivery.attempt() == 2) throw NoCard("no card");
    throw 42;
  });
  const auto found = only_case();
  EXPECT_EQ(text_of(found, "reason"), "attempts_exhausted");
  const auto& attempts = found.at("attempts").as_array();
  ASSERT_EQ(attempts.size(), 3u);
  EXPECT_EQ(text_of(attempts[0], "outcome"), "nacked");
  EXPECT_EQ(text_of(attempts[0], "error_type"), "std::invalid_argument");
  EXPECT_EQ(text_of(attempts[0], "error_message"), "bad amount");
  EXPECT_NE(text_of(attempts[1], "error_type").find("NoCard"), std::string::npos);
  EXPECT_EQ(text_of(attempts[1], "error_message"), "no card");
  EXPECT_EQ(text_of(attempts[2], "error_type"), "int");
  const auto& who = attempts[0].at("consumer");
  EXPECT_EQ(text_of(who, "name"), "billing");
  EXPECT_EQ(text_of(who, "version"), "1.2");
  EXPECT_EQ(text_of(who, "host"), "web1");
}

TEST_F(SdkTest, FailKeepsWhatTheHandlerSays) {
  client_.update(quick("q", 1));
  client_.publish("q", {.body = "x"});
  const std::string details(100'000, 'd');
  const Consumer consumer =
      client_.consume("q", [&](Delivery&) { return Verdict::fail("card refused", "Payment", details); });
  const auto found = only_case();
  const auto& attempts = found.at("attempts").as_array();
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(text_of(attempts[0], "error_type"), "Payment");
  EXPECT_EQ(text_of(attempts[0], "error_message"), "card refused");
  const std::string kept = text_of(attempts[0], "error_details");
  EXPECT_GE(kept.size(), 60'000u);
  EXPECT_LE(kept.size(), 65'536u);
}

TEST_F(SdkTest, AReportThatIsNoTextIsMadeText) {
  client_.update(quick("q", 1));
  client_.publish("q", {.body = "x"});
  const std::string details = std::string((64u << 10) - 2, 'd') + "\xc3\xa9\xc3\xa9";  // a character over the limit
  const Consumer consumer =
      client_.consume("q", [&](Delivery&) { return Verdict::fail("caf\xe9", "\xff\xfe", details); });
  const auto found = only_case();
  const auto& attempts = found.at("attempts").as_array();
  ASSERT_EQ(attempts.size(), 1u);
  EXPECT_EQ(text_of(attempts[0], "error_message"), "caf\xef\xbf\xbd");
  EXPECT_EQ(text_of(attempts[0], "error_type"), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(text_of(attempts[0], "error_details").substr(0, 1000), std::string(1000, 'd'));
}

TEST_F(SdkTest, RejectIsTheHospitalAtOnce) {
  client_.publish("q", {.body = "x"});
  const Consumer consumer = client_.consume("q", [](Delivery&) { return Verdict::reject("no such order", "Gone"); });
  const auto found = only_case();
  EXPECT_EQ(text_of(found, "reason"), "rejected");
  EXPECT_EQ(found.at("attempts").as_array().size(), 1u);
  EXPECT_EQ(text_of(found, "error_type"), "Gone");
}

TEST_F(SdkTest, ReleaseCountsNoFailure) {
  client_.update(quick("q", 1));
  client_.publish("q", {.body = "x"});
  Inbox inbox;
  const Consumer consumer = client_.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    if (inbox.size() == 1) return Verdict::release();
    if (inbox.size() == 2) return Verdict::release(200ms);
    return Verdict::done();
  });
  ASSERT_TRUE(inbox.reaches(3));
  EXPECT_GE(inbox.at(2).at - inbox.at(1).at, 190ms);
  EXPECT_TRUE(inbox.at(2).redelivered);
  expect_acked(1);
  EXPECT_EQ(client_.show("q").in_hospital, 0u);
}

TEST_F(SdkTest, RetryAfterTakesThePlaceOfTheBackoff) {
  QueueSpec slow = quick("q");
  slow.backoff_initial = std::chrono::hours(1);
  slow.backoff_max = std::chrono::hours(1);
  client_.update(slow);
  client_.publish("q", {.body = "x"});
  Inbox inbox;
  const Consumer consumer = client_.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    return delivery.attempt() == 1 ? Verdict::fail("not yet").retry_after(300ms) : Verdict::done();
  });
  ASSERT_TRUE(inbox.reaches(2));
  EXPECT_GE(inbox.at(1).at - inbox.at(0).at, 290ms);
  EXPECT_EQ(inbox.at(1).attempt, 2);
  expect_acked(1);
}

TEST_F(SdkTest, AHandlerThatTakesTooLongIsToldToStopAndItsAttemptFails) {
  client_.update(quick("q", 1));
  client_.publish("q", {.body = "x"});
  std::atomic<bool> told{false};
  const Consumer consumer = client_.consume(
      "q", [&](Delivery& delivery) { told = eventually([&] { return delivery.stop_token().stop_requested(); }); },
      {.longest = 100ms});
  const auto found = only_case();
  EXPECT_TRUE(eventually([&] { return told.load(); }));
  EXPECT_EQ(text_of(found.at("attempts").as_array().at(0), "outcome"), "handler_timeout");
}

TEST_F(SdkTest, ALeaseIsExtendedWhileTheHandlerRuns) {
  QueueSpec spec = quick("q");
  spec.lease_duration = 200ms;
  client_.update(spec);
  client_.publish("q", {.body = "x"});
  Inbox inbox;
  const auto slow = [&](Delivery& delivery) {
    inbox.add(delivery);
    EXPECT_FALSE(eventually([&] { return delivery.stop_token().stop_requested(); }, 900ms));
  };
  const Consumer one = client_.consume("q", slow);
  const Consumer other = client_.consume("q", slow);
  expect_acked(1);
  EXPECT_EQ(inbox.size(), 1u);
}

TEST_F(SdkTest, CoroutinesRunOnTheirExecutorSideBySide) {
  constexpr int kCount = 12;
  for (int i = 0; i < kCount; ++i) client_.publish("q", {.body = std::to_string(i)});
  asio::thread_pool pool(1);
  std::atomic<std::thread::id> pool_thread{};
  asio::post(pool, [&] { pool_thread = std::this_thread::get_id(); });
  ASSERT_TRUE(eventually([&] { return pool_thread.load() != std::thread::id(); }));
  Inbox inbox;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> elsewhere{0};
  Consumer consumer = client_.consume("q",
                                      [&](Delivery& delivery) -> asio::awaitable<Verdict> {
                                        if (std::this_thread::get_id() != pool_thread.load()) ++elsewhere;
                                        most = std::max(most.load(), ++running);
                                        asio::steady_timer timer(co_await asio::this_coro::executor, 30ms);
                                        co_await timer.async_wait(asio::use_awaitable);
                                        --running;
                                        inbox.add(delivery);
                                        if (delivery.message().body.view() == "3" && delivery.attempt() == 1)
                                          throw NoCard("no card");
                                        co_return Verdict::done();
                                      },
                                      {.concurrency = 4, .run_on = pool.get_executor()});
  expect_acked(kCount);
  EXPECT_EQ(inbox.size(), kCount + 1u);
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(most, 4);
  consumer.close(5s);
  pool.join();
}

TEST_F(SdkTest, PlainFunctionsRunOnTheExecutorThatIsGivenSoManyAtATime) {
  constexpr int kCount = 200;
  for (int i = 0; i < kCount; ++i) client_.async_publish("q", {.body = std::to_string(i)}, asio::use_future);
  asio::thread_pool pool(4);
  Inbox inbox;
  std::atomic<int> running{0};
  std::atomic<int> most{0};
  std::atomic<int> elsewhere{0};
  const auto executor = pool.get_executor();
  Consumer consumer = client_.consume("q",
                                      [&](Delivery& delivery) {
                                        if (!executor.running_in_this_thread()) ++elsewhere;
                                        most = std::max(most.load(), ++running);
                                        if (inbox.size() < 20) std::this_thread::sleep_for(5ms);
                                        --running;
                                        inbox.add(delivery);
                                        if (delivery.message().body.view() == "3" && delivery.attempt() == 1)
                                          throw NoCard("no card");
                                      },
                                      {.concurrency = 2, .run_on = executor});
  expect_acked(kCount);
  EXPECT_EQ(inbox.size(), kCount + 1u);
  EXPECT_EQ(elsewhere, 0);
  EXPECT_EQ(most, 2);
  consumer.close(5s);
  pool.join();
}

/// Fast handlers report together, and so what they announced ahead may be behind one that is not fast at all.
TEST_F(SdkTest, AVerdictDoesNotWaitForTheHandlerThatFollows) {
  constexpr int kFast = 200;
  Gate gate;
  std::atomic<bool> slow_began{false};
  for (int i = 0; i < kFast; ++i) client_.async_publish("q", {.body = "fast"}, asio::use_future);
  client_.publish("q", {.body = "slow"});
  const Consumer consumer = client_.consume("q",
                                            [&](Delivery& delivery) {
                                              if (delivery.message().body.view() != "slow") return;
                                              slow_began = true;
                                              gate.pass();
                                            },
                                            {.prefetch = 300});
  ASSERT_TRUE(eventually([&] { return slow_began.load(); }));
  expect_acked(kFast);
  gate.open();
  expect_acked(kFast + 1);
}

/// Its release would be an attempt in the history.
TEST_F(SdkTest, WhatAHandlerDidNotBeginWasNeverThere) {
  client_.publish("q", {.body = "x"});
  std::atomic<int> calls{0};
  Inbox inbox;
  const Consumer consumer = client_.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    return ++calls < 3 ? Verdict::not_begun() : Verdict::reject("enough");
  });
  ASSERT_TRUE(inbox.reaches(3));
  EXPECT_EQ(inbox.at(2).attempt, 1);
  ASSERT_TRUE(eventually([&] { return cases_of(broker_, "q").size() == 1; }));
  EXPECT_EQ(cases_of(broker_, "q")[0].at("attempt_count"), 1);
}

TEST_F(SdkTest, CoroutinesWithoutAResultAreDoneWhenTheyEnd) {
  client_.publish("q", {.body = "x"});
  const Consumer consumer = client_.consume("q", [](Delivery&) -> asio::awaitable<void> { co_return; });
  expect_acked(1);
}

// --- Closing ---------------------------------------------------------------------------------------------------------

TEST_F(SdkTest, CloseLetsWhatRunsFinishAndGivesTheRestBack) {
  for (int i = 0; i < 10; ++i) client_.publish("q", {.body = std::to_string(i)});
  Inbox inbox;
  Gate gate;
  Consumer consumer = client_.consume("q",
                                      [&](Delivery& delivery) {
                                        inbox.add(delivery);
                                        gate.pass();
                                      },
                                      {.prefetch = 10});
  ASSERT_TRUE(inbox.reaches(1));
  ASSERT_TRUE(eventually([&] { return client_.show("q").leased == 10; }));
  auto closing = consumer.async_close(20s, asio::use_future);
  ASSERT_TRUE(eventually([&] { return client_.show("q").ready == 9; }));
  EXPECT_NE(closing.wait_for(0s), std::future_status::ready);
  gate.open();
  const Closed closed = closing.get();
  EXPECT_EQ(closed.finished, 1u);
  EXPECT_EQ(closed.released, 9u);
  EXPECT_EQ(closed.abandoned, 0u);
  EXPECT_EQ(inbox.size(), 1u);
  expect_acked(1);
  const Closed again = consumer.close(0s);
  EXPECT_EQ(again.finished, 1u);
  EXPECT_EQ(client_.show("q").ready, 9u);
}

TEST_F(SdkTest, CloseAbandonsWhatDoesNotEndInTime) {
  client_.publish("q", {.body = "x"});
  Inbox inbox;
  Gate gate;
  std::atomic<bool> ended{false};
  Consumer consumer = client_.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    EXPECT_TRUE(eventually([&] { return delivery.stop_token().stop_requested(); }));
    gate.pass();
    ended = true;
  });
  ASSERT_TRUE(inbox.reaches(1));
  const Closed closed = consumer.close(50ms);
  EXPECT_EQ(closed.finished, 0u);
  EXPECT_EQ(closed.released, 0u);
  EXPECT_EQ(closed.abandoned, 1u);
  gate.open();
  EXPECT_TRUE(eventually([&] { return ended.load(); }));
}

TEST_F(SdkTest, AClosedClientRefusesEverything) {
  for (int i = 0; i < 3; ++i) client_.publish("q", {.body = "x"});
  Inbox inbox;
  const Consumer consumer = client_.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(3));
  client_.close(5s);
  EXPECT_EQ(error_of([&] { client_.publish("q", {.body = "x"}); }), errc::closed);
  EXPECT_EQ(error_of([&] { client_.show("q"); }), errc::closed);
  EXPECT_EQ(error_of([&] { client_.peek("q"); }), errc::closed);
  EXPECT_EQ(error_of([&] { client_.consume("q", [](Delivery&) {}); }), errc::closed);
  client_.close(5s);
  client_ = Client::connect(broker_.url());
  expect_acked(3);
}

}  // namespace
}  // namespace lazaret::testing

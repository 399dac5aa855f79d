// The client library when things break: no broker, a frozen one, one that dies and comes back, workers that are killed,
// orderly stops.
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <csignal>
#include <future>
#include <optional>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "integration/support/workers.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

class SdkFaultsTest : public ::testing::Test {
 protected:
  SdkFaultsTest() {
    client_ = connect("faults");
    QueueSpec spec;
    spec.name = "q";
    spec.lease_duration = 2s;
    client_->ensure(spec);
  }
  Client connect(const std::string& name) {
    return Client::connect(broker_.url(), {.name = name, .timeout = 60s, .drain = 2s});
  }
  void expect_acked(std::uint64_t count) {
    EXPECT_TRUE(eventually([&] { return client_->show("q").acked_total == count; }))
        << client_->show("q").acked_total << " of " << count;
    EXPECT_EQ(QueueView(broker_, "q").wrong_sums(), "");
  }

  Broker broker_{
      {.settings = {"broker.reconnect_grace=1s", "broker.resume_grace=3s", "broker.heartbeat=1s"}, .arguments = {}}};
  std::optional<Client> client_;
};

// --- No answer -------------------------------------------------------------------------------------------------------

TEST_F(SdkFaultsTest, WithoutABrokerCallsAreUnreachableAtTheirDeadline) {
  const auto begin = SteadyClock::now();
  const std::string nowhere = "lazaret://127.0.0.1:" + std::to_string(free_port());
  EXPECT_EQ(error_of([&] { Client::connect(nowhere, {.connect = 200ms}); }), errc::unreachable);
  EXPECT_EQ(error_of([&] { Client::connect("lazaret://", {}); }), errc::bad_request);
  broker_.kill9();
  ASSERT_TRUE(eventually([&] { return !client_->connected(); }));
  Client hasty = client_->within(200ms);
  EXPECT_EQ(error_of([&] { hasty.publish("q", {.body = "x"}); }), errc::unreachable);
  EXPECT_EQ(error_of([&] { hasty.publish("q", {.body = "x"}); }), retry::later);
  EXPECT_EQ(error_of([&] { hasty.show("q"); }), errc::unreachable);
  EXPECT_LT(SteadyClock::now() - begin, 20s);
}

TEST_F(SdkFaultsTest, APublishWithoutAnAnswerIsUnknownAndMayBeRepeated) {
  client_->publish("q", {.body = "the producer is open"});
  Client hasty = client_->within(200ms);
  Message message{.body = "once", .id = MessageId::make()};
  broker_.signal(SIGSTOP);
  const error_code unknown = error_of([&] { hasty.publish("q", message); });
  EXPECT_EQ(unknown, errc::outcome_unknown);
  EXPECT_EQ(unknown, retry::same_call);
  EXPECT_EQ(error_of([&] { hasty.show("q"); }), errc::deadline);
  EXPECT_EQ(error_of([&] { hasty.publish("q", message); }), errc::outcome_unknown);
  broker_.signal(SIGCONT);
  const Receipt receipt = client_->publish("q", message);
  EXPECT_EQ(receipt.id, message.id);
  EXPECT_EQ(client_->show("q").entered_total, 2u);
  client_->publish("q", {.body = "another"});
  EXPECT_EQ(client_->show("q").entered_total, 3u);
}

/// Whoever was told that nobody knows may repeat it, also when the confirm came in between.
TEST_F(SdkFaultsTest, AConfirmThatCameTooLateMakesARepeatedPublishNoOther) {
  client_->publish("q", {.body = "the producer is open"});
  const Message message{.body = "once", .id = MessageId::make()};
  broker_.signal(SIGSTOP);
  EXPECT_EQ(error_of([&] { client_->within(100ms).publish("q", message); }), errc::outcome_unknown);
  broker_.signal(SIGCONT);
  ASSERT_TRUE(eventually([&] { return client_->show("q").entered_total == 2; }));
  EXPECT_TRUE(client_->publish("q", message).duplicate);
  EXPECT_EQ(client_->show("q").entered_total, 2u);
}

TEST_F(SdkFaultsTest, APublishWhoseAnswerWasLostWithTheBrokerIsStoredOnce) {
  client_->publish("q", {.body = "the producer is open"});
  for (int round = 0; round < 3; ++round) {
    Message message{.body = "once", .id = MessageId::make()};
    broker_.signal(SIGSTOP);
    EXPECT_EQ(error_of([&] { client_->within(100ms).publish("q", message); }), errc::outcome_unknown);
    if (round > 0) broker_.signal(SIGCONT);  // now it may have stored it, or not
    broker_.kill9();
    broker_.start();
    EXPECT_EQ(client_->publish("q", message).id, message.id);
    EXPECT_EQ(client_->show("q").entered_total, 2u + static_cast<std::uint64_t>(round));
  }
}

// --- The broker dies -------------------------------------------------------------------------------------------------

TEST_F(SdkFaultsTest, UnconfirmedPublishesAreSentAgainAndStoredOnce) {
  constexpr int kCount = 4000;
  std::vector<std::future<Receipt>> receipts;
  for (int i = 0; i < kCount; ++i) {
    receipts.push_back(client_->async_publish("q", {.body = std::to_string(i)}, asio::use_future));
    if (i == kCount / 2) broker_.restart();
  }
  broker_.restart();
  std::set<std::uint64_t> offsets;
  for (auto& one : receipts) offsets.insert(one.get().offset);
  EXPECT_EQ(offsets.size(), static_cast<std::size_t>(kCount));
  EXPECT_EQ(client_->show("q").entered_total, static_cast<std::uint64_t>(kCount));
}

TEST_F(SdkFaultsTest, HandlersGoOnWithTheirTokensOverARestart) {
  constexpr int kCount = 40;
  for (int i = 0; i < kCount; ++i) client_->publish("q", {.body = std::to_string(i)});
  Gate gate;
  Inbox inbox;
  const auto handler = [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    EXPECT_FALSE(delivery.stop_token().stop_requested());
  };
  Client second = connect("second");
  const Consumer one = client_->consume("q", handler, {.concurrency = 4, .prefetch = 10});
  const Consumer other = second.consume("q", handler, {.concurrency = 4, .prefetch = 10});
  ASSERT_TRUE(inbox.reaches(8));
  broker_.restart();
  // A queue that is read is one that its consumers are back on.
  ASSERT_TRUE(eventually([&] { return client_->show("q").consumers == 2; }));
  EXPECT_EQ(inbox.size(), 8u);
  gate.open();
  expect_acked(kCount);
  for (const auto& [body, count] : inbox.counts()) EXPECT_EQ(count, 1) << body;
  EXPECT_EQ(inbox.counts().size(), static_cast<std::size_t>(kCount));
}

TEST_F(SdkFaultsTest, VerdictsGivenWhileTheBrokerIsDeadCount) {
  for (int i = 0; i < 4; ++i) client_->publish("q", {.body = std::to_string(i)});
  Gate gate;
  Inbox inbox;
  std::atomic<int> ended{0};
  const Consumer consumer = client_->consume("q",
                                             [&](Delivery& delivery) {
                                               inbox.add(delivery);
                                               gate.pass();
                                               ++ended;
                                             },
                                             {.concurrency = 4});
  ASSERT_TRUE(inbox.reaches(4));
  broker_.kill9();
  gate.open();
  ASSERT_TRUE(eventually([&] { return ended == 4; }));
  broker_.start();
  expect_acked(4);
  EXPECT_EQ(inbox.size(), 4u);
}

TEST_F(SdkFaultsTest, AStuckHandlerCostsNoLaterDelivery) {
  QueueSpec spec;
  spec.name = "q";
  spec.backoff_initial = 60s;
  client_->update(spec);
  client_->publish("q", {.body = "stuck"});
  Gate gate;
  Inbox inbox;
  const Consumer consumer = client_->consume("q",
                                             [&](Delivery& delivery) {
                                               inbox.add(delivery);
                                               if (delivery.message().body.view() == "stuck") gate.pass();
                                             },
                                             {.concurrency = 2, .longest = 100ms});
  ASSERT_TRUE(inbox.reaches(1));
  ASSERT_TRUE(eventually([&] { return client_->show("q").waiting == 1; })) << "its attempt has not failed";
  broker_.restart();
  // The new connection counts deliveries anew; the number of the stuck one is given out again.
  for (int i = 0; i < 3; ++i) client_->publish("q", {.body = std::to_string(i)});
  EXPECT_TRUE(inbox.reaches(4, 20s)) << inbox.size();
  expect_acked(3);
  gate.open();
}

TEST_F(SdkFaultsTest, AFrozenBrokerIsLeftAndComeBackTo) {
  client_->publish("q", {.body = "x"});
  broker_.signal(SIGSTOP);
  ASSERT_TRUE(eventually([&] { return !client_->connected(); }, 20s)) << "two heartbeats of silence were not noticed";
  auto waiting = client_->async_publish("q", {.body = "y"}, asio::use_future);
  broker_.signal(SIGCONT);
  waiting.get();
  EXPECT_EQ(client_->show("q").entered_total, 2u);
}

// --- Workers are killed ----------------------------------------------------------------------------------------------

TEST_F(SdkFaultsTest, WhatAKilledWorkerHadBegunGoesToAnother) {
  const std::string file = broker_.dir() / "worker";
  for (int i = 0; i < 5; ++i) client_->publish("q", {.body = std::to_string(i)});
  Process worker = start_worker(broker_, "q", file, {"--handler-ms", "60000"});
  ASSERT_TRUE(eventually([&] { return worker_lines(file).size() == 1; }));
  worker.kill9();
  Inbox inbox;
  const Consumer consumer = client_->consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  expect_acked(5);
  for (const Received& one : inbox.all()) {
    const bool killer = one.message.body.view() == "0";
    EXPECT_EQ(one.attempt, killer ? 2 : 1) << one.message.body;
    EXPECT_EQ(one.isolated, killer) << one.message.body;
  }
  EXPECT_EQ(inbox.size(), 5u);
}

// --- Orderly stops ---------------------------------------------------------------------------------------------------

TEST_F(SdkFaultsTest, AStoppingBrokerWaitsForHandlersInProgress) {
  for (int i = 0; i < 5; ++i) client_->publish("q", {.body = std::to_string(i)});
  Gate gate;
  Inbox inbox;
  const Consumer consumer = client_->consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
  });
  ASSERT_TRUE(inbox.reaches(1));
  Client late = connect("late");
  broker_.signal(SIGTERM);
  ASSERT_TRUE(eventually([&] { return broker_.log().find("stopping") != std::string::npos; }));
  EXPECT_TRUE(
      eventually([&] { return error_of([&] { late.consume("q", [](Delivery&) {}); }) == errc::shutting_down; }));
  EXPECT_EQ(broker_.wait(300ms), -1) << "it did not wait";
  gate.open();
  EXPECT_EQ(broker_.wait(20s), 0);
  EXPECT_EQ(inbox.size(), 1u) << "something began while the broker stopped";
  broker_.start();
  expect_acked(5);
  for (const auto& [body, count] : inbox.counts()) EXPECT_EQ(count, 1) << body;
  for (const Received& one : inbox.all()) EXPECT_EQ(one.attempt, 1);
}

TEST_F(SdkFaultsTest, APublishDuringAStopIsRefusedOrUnknownNeverLost) {
  std::vector<std::future<Receipt>> receipts;
  for (int i = 0; i < 500; ++i) {
    receipts.push_back(client_->async_publish("q", {.body = std::to_string(i)}, asio::use_future));
    if (i == 250) broker_.signal(SIGTERM);
  }
  EXPECT_EQ(broker_.wait(20s), 0);
  broker_.start();
  std::size_t stored = 0;
  for (auto& one : receipts) {
    try {
      one.get();
      ++stored;
    } catch (const boost::system::system_error& error) {
      EXPECT_EQ(error.code(), errc::shutting_down);
    }
  }
  EXPECT_EQ(client_->show("q").entered_total, stored);
}

TEST_F(SdkFaultsTest, ASecondSignalGivesBackWhatIsInAHandlerAndBlamesNobody) {
  QueueSpec spec;
  spec.name = "q";
  spec.max_attempts = 1;
  client_->update(spec);
  client_->publish("q", {.body = "x"});
  const std::string file = broker_.dir() / "worker";
  Process worker = start_worker(broker_, "q", file, {"--handler-ms", "600000", "--deaf", "yes"});
  ASSERT_TRUE(eventually([&] { return worker_lines(file).size() == 1; }));
  worker.signal(SIGTERM);
  // It takes no more: it has heard the first one.
  ASSERT_TRUE(eventually([&] { return client_->show("q").consumers == 0; }));
  worker.signal(SIGTERM);
  EXPECT_EQ(worker.wait(20s).value_or(-1), 0);
  Inbox inbox;
  const Consumer consumer = client_->consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  expect_acked(1);
  EXPECT_EQ(client_->show("q").in_hospital, 0u);
  EXPECT_FALSE(inbox.at(0).isolated);
}

/// A drain that no test outlasts: what ends before it did not wait for it.
constexpr auto kForEver = 1h;

TEST_F(SdkFaultsTest, ADestructorWithoutABrokerWaitsForItsHandlersOnly) {
  client_->publish("q", {.body = "x"});
  Client client = Client::connect(broker_.url(), {.name = "patient", .drain = kForEver});
  Gate gate;
  Inbox inbox;
  std::atomic<bool> ended{false};
  std::optional<Consumer> busy = client.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    ended = true;
  });
  ASSERT_TRUE(inbox.reaches(1));
  std::optional<Consumer> idle = client.consume("q", [](Delivery&) {});
  broker_.kill9();
  ASSERT_TRUE(eventually([&] { return !client.connected(); }));

  auto idle_gone = std::async(std::launch::async, [&] { idle.reset(); });
  EXPECT_EQ(idle_gone.wait_for(60s), std::future_status::ready);
  auto busy_gone = std::async(std::launch::async, [&] {
    busy.reset();
    return ended.load();
  });
  EXPECT_EQ(busy_gone.wait_for(100ms), std::future_status::timeout);
  gate.open();
  ASSERT_EQ(busy_gone.wait_for(60s), std::future_status::ready);
  EXPECT_TRUE(busy_gone.get()) << "its handler was waited for";
  client.close(0ms);
}

/// Verdicts that the broker has not confirmed are worth the drain to whoever closes by name.
TEST_F(SdkFaultsTest, ACloseWithoutABrokerWaitsForItToHearTheVerdicts) {
  client_->publish("q", {.body = "x"});
  Client client = Client::connect(broker_.url(), {.name = "patient"});
  Gate gate;
  Inbox inbox;
  std::atomic<bool> ended{false};
  Consumer consumer = client.consume("q", [&](Delivery& delivery) {
    inbox.add(delivery);
    gate.pass();
    ended = true;
  });
  ASSERT_TRUE(inbox.reaches(1));
  Consumer idle = client.consume("q", [](Delivery&) {});
  broker_.kill9();
  ASSERT_TRUE(eventually([&] { return !client.connected(); }));
  gate.open();
  ASSERT_TRUE(eventually([&] { return ended.load(); }));
  auto nothing_held = idle.async_close(kForEver, asio::use_future);
  EXPECT_EQ(nothing_held.wait_for(60s), std::future_status::ready);
  auto closed = consumer.async_close(kForEver, asio::use_future);
  EXPECT_EQ(closed.wait_for(100ms), std::future_status::timeout);
  broker_.start();
  ASSERT_EQ(closed.wait_for(60s), std::future_status::ready);
  expect_acked(1);
  EXPECT_EQ(inbox.size(), 1u);
}

TEST_F(SdkFaultsTest, DestructorsEndWhateverTheBrokerDoes) {
  const auto begin = SteadyClock::now();
  const auto use_and_destroy = [&](auto break_it) {
    client_->publish("q", {.body = "x"});
    Client client = Client::connect(broker_.url(), {.name = "doomed", .drain = 300ms});
    Gate gate;
    Inbox inbox;
    const Consumer consumer = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
    EXPECT_TRUE(inbox.reaches(1));
    auto unanswered = client.async_publish("q", {.body = "y"}, asio::use_future);
    break_it();
    auto hopeless = client.async_publish("q", {.body = "z"}, asio::use_future);
  };
  use_and_destroy([] {});
  use_and_destroy([&] { broker_.signal(SIGSTOP); });
  broker_.signal(SIGCONT);
  use_and_destroy([&] { broker_.kill9(); });
  EXPECT_LT(SteadyClock::now() - begin, 20s);
}

}  // namespace
}  // namespace lazaret::testing

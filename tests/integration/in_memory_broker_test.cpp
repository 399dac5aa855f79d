// lazaret/testing.h: a broker in the test's own process, whose time the test moves. And the programs of tools/examples,
// each against one.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/asio/use_future.hpp>
#include <future>
#include <latch>
#include <mutex>
#include <sstream>
#include <stdexcept>

#include "integration/support/broker.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "integration/support/workers.h"
#include "lazaret/lazaret.h"
#include "lazaret/testing.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using std::chrono::minutes;
using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::StartsWith;
using ::testing::UnorderedElementsAre;

class InMemoryBrokerTest : public ::testing::Test {
 protected:
  Client connect(const std::string& name = "service") {
    return Client::connect(broker_.url(), {.name = name, .drain = 5s});
  }
  InMemoryBroker broker_{{.patience = 5s}};
};

// --- Time -----------------------------------------------------------------------------------------------------------

TEST_F(InMemoryBrokerTest, AFailingHandlerGoesThroughAnHourOfRetriesAtOnceAndItsMessageBecomesACase) {
  Client client = connect();
  client.ensure({.name = "orders",
                 .max_attempts = 6,
                 .backoff_initial = 1min,
                 .backoff_multiplier = 2,
                 .backoff_max = 1h,
                 .backoff_jitter = 0});
  std::mutex mutex;
  std::vector<InMemoryBroker::Time> tried;
  const Consumer consumer = client.consume("orders", [&](Delivery&) {
    const std::lock_guard lock(mutex);
    tried.push_back(broker_.now());
    throw std::runtime_error("no such order");
  });
  const auto attempts = [&] {
    const std::lock_guard lock(mutex);
    return tried.size();
  };
  const auto begun = std::chrono::steady_clock::now();
  client.publish("orders", {.body = "{\"order\": 1}", .type = "order.created", .key = "customer-7"});

  broker_.advance(0s);
  EXPECT_EQ(attempts(), 1u);
  EXPECT_EQ(broker_.queue("orders").waiting, 1u);
  broker_.advance(59s);
  EXPECT_EQ(attempts(), 1u) << "its minute is not over";
  broker_.advance(1s);
  EXPECT_EQ(attempts(), 2u);
  EXPECT_THAT(broker_.cases("orders"), IsEmpty());
  broker_.advance(1h);
  EXPECT_LT(std::chrono::steady_clock::now() - begun, 30s) << "of real time, for an hour";

  ASSERT_EQ(attempts(), 6u);
  for (std::size_t i = 1; i < tried.size(); ++i) EXPECT_EQ(tried[i] - tried[i - 1], minutes(1 << (i - 1))) << i;
  const auto cases = broker_.cases("orders");
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].reason, "attempts_exhausted");
  EXPECT_EQ(cases[0].state, "admitted");
  EXPECT_EQ(cases[0].queue, "orders");
  EXPECT_EQ(cases[0].attempts, 6u);
  EXPECT_EQ(cases[0].error, "no such order");
  EXPECT_THAT(cases[0].error_type, HasSubstr("runtime_error"));
  EXPECT_EQ(cases[0].type, "order.created");
  EXPECT_EQ(cases[0].key, "customer-7");
  EXPECT_EQ(cases[0].body.view(), "{\"order\": 1}");
  EXPECT_EQ(broker_.queue("orders").in_hospital, 1u);
}

TEST_F(InMemoryBrokerTest, AReplayIsDeliveredAndDischargesTheCase) {
  Client client = connect();
  client.ensure({.name = "orders"});
  std::atomic<bool> mended{false};
  const Consumer consumer =
      client.consume("orders", [&](Delivery&) { return mended ? Verdict::done() : Verdict::reject("a bug of ours"); });
  client.publish("orders", {.body = "1"});
  broker_.advance(0s);
  const auto cases = broker_.cases();
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].reason, "rejected");
  EXPECT_EQ(cases[0].error, "a bug of ours");

  mended = true;
  broker_.replay(cases[0].id);
  broker_.advance(0s);
  EXPECT_EQ(broker_.cases().at(0).state, "discharged");
  EXPECT_EQ(broker_.queue("orders").acked_total, 1u);
  EXPECT_EQ(broker_.queue("orders").in_hospital, 0u);
  EXPECT_EQ(error_of([&] { broker_.replay(cases[0].id); }), errc::case_busy);
  EXPECT_EQ(error_of([&] { broker_.replay("0-1-1-99"); }), errc::not_found);
  EXPECT_EQ(error_of([&] { broker_.replay("nonsense"); }), errc::not_found);
}

TEST_F(InMemoryBrokerTest, ADelayedMessageComesWhenItsTimeHasComeAndNotBefore) {
  Client client = connect();
  client.ensure({.name = "reminders"});
  Inbox inbox;
  const Consumer consumer = client.consume("reminders", [&](Delivery& delivery) { inbox.add(delivery); });
  client.publish("reminders", {.body = "delay", .delay = 24h});
  client.publish("reminders", {.body = "at", .deliver_at = broker_.now() + 48h});

  broker_.advance(24h - 1ms);
  EXPECT_EQ(inbox.size(), 0u);
  EXPECT_EQ(broker_.queue("reminders").scheduled, 2u);
  broker_.advance(1ms);
  ASSERT_EQ(inbox.size(), 1u);
  EXPECT_EQ(inbox.at(0).message.body.view(), "delay");
  broker_.advance(24h);
  ASSERT_EQ(inbox.size(), 2u);
  EXPECT_EQ(inbox.at(1).message.body.view(), "at");
}

TEST_F(InMemoryBrokerTest, WhatAVerdictAsksIsAnsweredOrTimesOut) {
  Client client = connect();
  for (const char* queue : {"orders", "approvals", "approved"}) client.ensure({.name = queue});
  const Consumer orders = client.consume("orders", [&](Delivery& delivery) {
    return Verdict::done().ask({.to = "approvals", .message = {.body = delivery.message().body}, .within = 72h},
                               "approved", {{"order", delivery.message().body.str()}});
  });
  Inbox replies;
  const Consumer approved = client.consume("approved", [&](Delivery& delivery) { replies.add(delivery); });
  client.publish("orders", {.body = "17"});
  broker_.advance(71h);
  EXPECT_EQ(broker_.queue("approvals").ready, 1u);
  EXPECT_EQ(replies.size(), 0u);
  broker_.advance(2h);
  ASSERT_EQ(replies.size(), 1u);
  const auto late = replies.at(0).message.reply;
  ASSERT_NE(late, nullptr);
  EXPECT_EQ(late->outcome, lazaret::Outcome::timed_out);
  EXPECT_EQ(late->reached, Reached::not_delivered);

  const Consumer approvals = client.consume("approvals", [](Delivery&) { return Verdict::answer({.body = "yes"}); });
  client.publish("orders", {.body = "18"});
  broker_.advance(0s);
  ASSERT_EQ(replies.size(), 2u);
  EXPECT_EQ(replies.at(1).message.body.view(), "yes");
  EXPECT_EQ(replies.at(1).message.reply->context.at(0).second, "18");
}

TEST_F(InMemoryBrokerTest, AnEphemeralSubscriptionLivesAsLongAsItsConsumer) {
  Client client = connect();
  client.ensure_topic({.name = "prices"});
  EXPECT_TRUE(client.ensure_subscription({.name = "screen", .topic = "prices", .ephemeral = true}).ephemeral);
  EXPECT_EQ(error_of([&] { client.ensure_subscription({.name = "screen", .topic = "prices", .ephemeral = false}); }),
            errc::mismatch);
  Inbox inbox;
  Consumer consumer = client.consume("screen", [&](Delivery& delivery) { inbox.add(delivery); });
  broker_.advance(24h);
  client.publish("prices", {.body = "7"});
  broker_.advance(0s);
  EXPECT_EQ(inbox.size(), 1u);
  consumer.close(1s);
  broker_.advance(29s);
  EXPECT_TRUE(client.show("screen").ephemeral);
  broker_.advance(2s);
  EXPECT_EQ(error_of([&] { client.show("screen"); }), errc::not_found);
  EXPECT_EQ(client.show("prices").subscriptions, 0u);
}

TEST_F(InMemoryBrokerTest, WhatIsPastItsTimeToLiveIsDroppedOrBecomesACase) {
  Client client = connect();
  client.ensure({.name = "bids", .ttl = 10min});
  client.ensure({.name = "claims", .ttl = 10min, .on_expiry = "hospital"});
  client.publish("bids", {.body = "bid"});
  client.publish("claims", {.body = "claim"});
  broker_.advance(9min);
  EXPECT_EQ(broker_.queue("bids").ready, 1u);
  EXPECT_EQ(broker_.queue("claims").ready, 1u);
  broker_.advance(2min);
  EXPECT_EQ(broker_.queue("bids").ready, 0u);
  EXPECT_EQ(broker_.queue("bids").expired_total, 1u);
  EXPECT_THAT(broker_.cases("bids"), IsEmpty());
  const auto cases = broker_.cases("claims");
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].reason, "expired");
  EXPECT_EQ(cases[0].attempts, 0u);
}

TEST_F(InMemoryBrokerTest, AHandlerThatHangsLosesItsLeaseAndTheMessageIsTriedAgain) {
  InMemoryBroker broker({.patience = 100ms});
  Client client = Client::connect(broker.url(), {.name = "service", .drain = 5s});
  client.ensure({.name = "orders", .backoff_initial = 1s, .backoff_jitter = 0, .lease_duration = 1min});
  std::latch begun(1);
  std::latch go_on(1);
  Inbox inbox;
  Consumer consumer = client.consume("orders",
                                     [&](Delivery& delivery) {
                                       if (delivery.attempt() == 1) {
                                         begun.count_down();
                                         go_on.wait();
                                       } else {
                                         inbox.add(delivery);
                                       }
                                     },
                                     {.concurrency = 2});
  client.publish("orders", {.body = "1"});
  begun.wait();

  broker.advance(59s);
  EXPECT_EQ(broker.queue("orders").leased, 1u);
  EXPECT_EQ(inbox.size(), 0u);
  broker.advance(3min);
  EXPECT_EQ(inbox.size(), 1u);
  EXPECT_EQ(broker.queue("orders").acked_total, 1u);
  go_on.count_down();
  EXPECT_EQ(consumer.close(10s).abandoned, 0u);
  EXPECT_EQ(broker.queue("orders").acked_total, 1u) << "what the first says now is not heard";
}

TEST_F(InMemoryBrokerTest, AWorkerThatDiedIsGivenUpByTheBrokersTime) {
  InMemoryBroker broker({.patience = 100ms});
  Client client = Client::connect(broker.url(), {.name = "service", .drain = 5s});
  client.ensure({.name = "orders", .backoff_initial = 1s, .backoff_jitter = 0});
  client.publish("orders", {.body = "1"});
  const TempDir dir;
  const std::string file = dir / "lines";
  ProcessOptions options;
  options.command = {binary("lazaret_test_worker"),
                     "--url",
                     broker.url(),
                     "--queue",
                     "orders",
                     "--file",
                     file,
                     "--handler-ms",
                     "600000"};
  Process worker(options);
  ASSERT_TRUE(eventually([&] { return worker_lines(file).size() == 1; }));
  worker.kill9();
  ASSERT_TRUE(eventually([&] { return broker.queue("orders").consumers == 0; }));

  broker.advance(4s);
  EXPECT_EQ(broker.queue("orders").leased, 1u) << "it may still come back";
  broker.advance(10s);
  EXPECT_EQ(broker.queue("orders").leased, 0u);
  Inbox inbox;
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).attempt, 2);
}

TEST_F(InMemoryBrokerTest, ConnectionsOutliveAYearAndTheRestOfADayIsTakenInSteps) {
  Client client = connect();
  client.ensure({.name = "orders",
                 .max_attempts = unlimited,
                 .backoff_initial = 1s,
                 .backoff_multiplier = 1,
                 .backoff_max = 1s,
                 .backoff_jitter = 0});
  Inbox inbox;
  std::atomic<int> failed{0};
  std::atomic<bool> mended{true};
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) {
    if (!mended) {
      ++failed;
      return Verdict::fail("not yet");
    }
    inbox.add(delivery);
    return Verdict::done();
  });
  const auto start = broker_.now();
  broker_.advance(24h * 365);
  EXPECT_EQ(broker_.now() - start, 24h * 365);
  EXPECT_TRUE(client.connected());
  EXPECT_EQ(broker_.queue("orders").consumers, 1u);
  client.publish("orders", {.body = "1"});
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).attempt, 1);

  mended = false;
  client.publish("orders", {.body = "2"});
  broker_.advance(24h);
  EXPECT_GE(failed, 10'000) << "once a second";
  EXPECT_LE(failed, 12'000) << "and then in steps";
}

TEST_F(InMemoryBrokerTest, ARequestEndsWhenTheBrokersTimeIsPastItsDeadline) {
  Client client = connect();
  client.ensure({.name = "prices"});
  std::future<Reply> reply = client.within(10min).async_request("prices", {.body = "tea"}, boost::asio::use_future);
  ASSERT_TRUE(eventually([&] { return broker_.queue("prices").ready == 1; }));
  broker_.advance(9min);
  EXPECT_EQ(reply.wait_for(0s), std::future_status::timeout);
  broker_.advance(2min);
  ASSERT_EQ(reply.wait_for(30s), std::future_status::ready);
  const Reply ended = reply.get();
  EXPECT_EQ(ended.outcome, lazaret::Outcome::timed_out);
  EXPECT_EQ(ended.reached, Reached::not_delivered);
}

TEST_F(InMemoryBrokerTest, TimeDoesNotGoByItself) {
  const auto start = InMemoryBroker::Time(1'000'000s);
  InMemoryBroker broker({.start = start});
  EXPECT_EQ(broker.now(), start);
  Client client = Client::connect(broker.url(), {.name = "service"});
  client.ensure({.name = "orders"});
  client.publish("orders", {.body = "1"});
  EXPECT_EQ(client.peek("orders").messages.at(0).message.published_at, start);
  EXPECT_EQ(error_of([&] { broker.advance(-1s); }), errc::bad_request);
  EXPECT_EQ(broker.now(), start);
}

TEST_F(InMemoryBrokerTest, ABrokerThatNeverBecomesQuietSaysSo) {
  InMemoryBroker broker({.limit = 500ms});
  Client client = Client::connect(broker.url(), {.name = "service", .drain = 5s});
  client.ensure({.name = "echoes"});
  Consumer consumer =
      client.consume("echoes", [](Delivery&) { return Verdict::done().publish("echoes", {.body = "again"}); });
  client.publish("echoes", {.body = "once"});
  EXPECT_EQ(error_of([&] { broker.advance(1s); }), errc::deadline);
  consumer.close(10s);
}

// --- What became of messages, and restarts --------------------------------------------------------------------------

TEST_F(InMemoryBrokerTest, WhatNobodyHasMadeIsNotThere) {
  EXPECT_EQ(error_of([&] { broker_.queue("orders"); }), errc::not_found);
  EXPECT_THAT(broker_.cases("orders"), IsEmpty());
  Client client = connect();
  EXPECT_EQ(error_of([&] { client.publish("orders", {.body = "1"}); }), errc::not_found);
  InMemoryBroker makes({.auto_create = true});
  Client::connect(makes.url(), {.name = "service"}).publish("orders", {.body = "1"});
  EXPECT_EQ(makes.queue("orders").ready, 1u);
}

TEST_F(InMemoryBrokerTest, ARestartKeepsWhatWasStoredAndClientsComeBack) {
  Client client = connect();
  client.ensure({.name = "orders"});
  Inbox inbox;
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) {
    if (delivery.message().body.view() == "bad") return Verdict::reject("bad");
    inbox.add(delivery);
    return Verdict::done();
  });
  client.publish("orders", {.body = "bad"});
  client.publish("orders", {.body = "late", .delay = 1h});
  broker_.advance(1min);
  const std::string url = broker_.url();
  const auto time = broker_.now();

  broker_.restart();
  EXPECT_EQ(broker_.url(), url);
  EXPECT_EQ(broker_.now(), time);
  ASSERT_THAT(broker_.cases("orders"), SizeIs(1));
  EXPECT_EQ(broker_.cases("orders")[0].body.view(), "bad");
  EXPECT_EQ(broker_.queue("orders").scheduled, 1u);
  ASSERT_TRUE(eventually([&] { return broker_.queue("orders").consumers == 1; })) << "it comes back by itself";
  broker_.advance(1h);
  ASSERT_EQ(inbox.size(), 1u);
  EXPECT_EQ(inbox.at(0).message.body.view(), "late");
}

// --- The programs of tools/examples ---------------------------------------------------------------------------------

class ExamplesInMemoryTest : public ::testing::Test {
 protected:
  /// The lines that it prints, while time goes on in steps.
  std::vector<std::string> example(const std::string& name, std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), {binary("lazaret_example_" + name), broker_.url()});
    ProcessOptions options;
    options.command = arguments;
    options.output_file = dir_ / ("lines-" + std::to_string(++runs_));
    Process process(options);
    const auto end = std::chrono::steady_clock::now() + 60s;
    auto exit = process.wait(5ms);
    for (; !exit && std::chrono::steady_clock::now() < end; exit = process.wait(5ms)) broker_.advance(20ms);
    EXPECT_EQ(exit, 0) << name;
    std::istringstream text(read_file(options.output_file));
    std::vector<std::string> lines;
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    return lines;
  }
  void expect_nothing_left(const std::string& name) {
    const InMemoryBroker::Queue queue = broker_.queue(name);
    EXPECT_EQ(queue.ready + queue.leased + queue.waiting + queue.scheduled, 0u) << name;
  }
  TempDir dir_;
  int runs_ = 0;
  InMemoryBroker broker_;
};

TEST_F(ExamplesInMemoryTest, WorkQueue) {
  EXPECT_THAT(example("work_queue"), AllOf(SizeIs(6), Contains("printed the invoice of order 3")));
  expect_nothing_left("invoices");
  EXPECT_EQ(broker_.queue("invoices").acked_total, 3u);
}

TEST_F(ExamplesInMemoryTest, CompetingConsumers) {
  EXPECT_THAT(example("competing_consumers"),
              AllOf(SizeIs(20), Contains(StartsWith("worker-1 made ")), Contains(StartsWith("worker-2 made "))));
  expect_nothing_left("thumbnails");
}

TEST_F(ExamplesInMemoryTest, PublishSubscribe) {
  EXPECT_THAT(example("publish_subscribe"),
              UnorderedElementsAre("billed order 1", "billed order 2", "counted order 1", "counted order 2"));
}

TEST_F(ExamplesInMemoryTest, RequestReply) {
  EXPECT_THAT(example("request_reply"), ElementsAre("tea costs 3 euros", "gold: we do not sell gold"));
  EXPECT_THAT(broker_.cases(), IsEmpty());
}

TEST_F(ExamplesInMemoryTest, AskTogether) {
  EXPECT_THAT(example("ask_together"), UnorderedElementsAre("noted order 17", "tea for order 17: 3 euros",
                                                            "coffee for order 17: there is none"));
  for (const char* queue : {"books", "tea-house", "roastery", "offers"}) expect_nothing_left(queue);
}

TEST_F(ExamplesInMemoryTest, OrderingKeys) {
  EXPECT_THAT(example("ordering_keys"), AllOf(SizeIs(6), Contains("account-7: close"), Contains("account-8: close")));
  expect_nothing_left("ledger");
}

TEST_F(ExamplesInMemoryTest, Later) {
  EXPECT_THAT(example("later"), ElementsAre("put on the kettle", "drink your tea"));
  EXPECT_EQ(broker_.queue("reminders").expired_total, 1u);
  expect_nothing_left("reminders");
}

TEST_F(ExamplesInMemoryTest, Urgent) {
  EXPECT_THAT(example("urgent"), ElementsAre("a fire", "a leak", "a question", "another question"));
  expect_nothing_left("calls");
}

TEST_F(ExamplesInMemoryTest, FanIn) {
  EXPECT_THAT(example("fan_in"), AllOf(SizeIs(4), Contains("write about another order, 1 of orders.events")));
}

TEST_F(ExamplesInMemoryTest, OnlySome) {
  EXPECT_THAT(example("only_some"), AllOf(SizeIs(4), Contains("ship tea"), Contains("saw order.app.paid")));
  Client client = Client::connect(broker_.url(), {.name = "test", .drain = 5s});
  EXPECT_TRUE(client.show("looking-on").ephemeral);
  broker_.advance(31s);
  EXPECT_EQ(error_of([&] { client.show("looking-on"); }), errc::not_found);
  EXPECT_EQ(client.show("eu-shipping").acked_total, 1u);
}

TEST_F(ExamplesInMemoryTest, Once) {
  EXPECT_THAT(example("once"), ElementsAre("stored", "was there already", "1 message"));
}

TEST_F(ExamplesInMemoryTest, RetryAndHospital) {
  EXPECT_THAT(example("retry_and_hospital"), AllOf(Contains("trying 1000 JPY at attempt 3"), SizeIs(7)));
  const auto cases = broker_.cases("payments");
  ASSERT_THAT(cases, SizeIs(1));
  EXPECT_EQ(cases[0].error, "no such currency: JPY");
  EXPECT_EQ(cases[0].body.view(), "1000 JPY");
  broker_.replay(cases[0].id);
  EXPECT_THAT(example("retry_and_hospital", {"mended"}),
              ElementsAre("trying 1000 JPY at attempt 4", "paid 1000 JPY at attempt 4"));
  EXPECT_EQ(broker_.cases("payments").at(0).state, "discharged");
}

TEST_F(ExamplesInMemoryTest, IdempotentReceiver) {
  const std::string file = dir_ / "ids";
  EXPECT_THAT(example("idempotent_receiver", {file}), UnorderedElementsAre("charged card 1", "charged card 2"));
  EXPECT_THAT(example("idempotent_receiver", {file}), ElementsAre("charged card 2"));
  expect_nothing_left("charges");
}

TEST_F(ExamplesInMemoryTest, Transaction) {
  EXPECT_THAT(example("transaction"), AllOf(SizeIs(4), Contains("made a parcel of coffee")));
  for (const char* queue : {"carts", "invoices", "parcels"}) expect_nothing_left(queue);
}

TEST_F(ExamplesInMemoryTest, Pipeline) {
  EXPECT_THAT(example("pipeline"), UnorderedElementsAre("stored the words of page 1", "stored the words of page 2",
                                                        "stored the words of page 3"));
  expect_nothing_left("scans");
  expect_nothing_left("texts");
}

TEST_F(ExamplesInMemoryTest, Gather) {
  EXPECT_THAT(example("gather"), ElementsAre("all: tea at shop.north", "all: tea at shop.south", "first: nothing",
                                             "first: rice at shop.north", "meanwhile", "async: milk at shop.south"));
}

TEST_F(ExamplesInMemoryTest, Progress) {
  EXPECT_THAT(example("progress"), ElementsAre("on the way: counting", "answered: 42 of them"));
  expect_nothing_left("reports");
}

TEST_F(ExamplesInMemoryTest, Versions) {
  EXPECT_THAT(example("versions"),
              UnorderedElementsAre("the old worker took one of version 1", "the old worker took one of version 1",
                                   "the new worker took one of version 2"));
  expect_nothing_left("parcels");
}

TEST_F(ExamplesInMemoryTest, Compressed) {
  EXPECT_THAT(example("compressed"), ElementsAre("stored as zstd, small", "read 100000 bytes"));
  expect_nothing_left("books");
}

TEST_F(ExamplesInMemoryTest, Ask) {
  const std::string ticket = dir_ / "ticket";
  EXPECT_THAT(example("ask", {"ask"}), ElementsAre("asked at offset 0"));
  EXPECT_THAT(example("ask", {"work", ticket}), ElementsAre("somebody has to think about: may we buy tea?"));
  broker_.advance(48h);
  EXPECT_THAT(example("ask", {"answer", ticket}), ElementsAre("answered"));
  EXPECT_THAT(example("ask", {"take"}), ElementsAre("order 17: yes"));
  for (const char* queue : {"approvals", "approved"}) expect_nothing_left(queue);
}

}  // namespace
}  // namespace lazaret::testing

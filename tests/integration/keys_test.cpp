// Ordering keys on a real broker: order proven from the consumers' own record, and what is shown of keys that wait.
// LAZARET_LONG=1 takes 100,000 keys, and compares the speed of the healthy ones with a run without poison.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <deque>
#include <future>
#include <iostream>

#include <boost/asio/use_future.hpp>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

constexpr int kAttempts = 3;

/// What handlers did, key by key, in the order in which they did it.
class Record {
 public:
  explicit Record(std::size_t keys) : logs_(keys) {}

  struct Line {
    enum class What { begins, done, failed } what;
    std::size_t number = 0;
    int attempt = 0;
  };
  void add(std::size_t key, Line line) {
    const std::lock_guard lock(mutexes_[key % mutexes_.size()]);
    logs_.at(key).push_back(line);
    if (line.what == Line::What::done) ++done_;
  }
  std::size_t done() const { return done_; }

  /// "" or what is wrong: a message begins when nothing of its key runs, and all before it are done or given up.
  std::string disorder(std::size_t key, std::size_t messages) const {
    std::size_t next = 0;
    bool runs = false;
    for (const Line& line : logs_.at(key)) {
      const std::string at = "key " + std::to_string(key) + " message " + std::to_string(line.number) + ": ";
      if (line.what == Line::What::begins && runs) return at + "begins beside another";
      if (line.number != next) return at + "out of order, " + std::to_string(next) + " is next";
      runs = line.what == Line::What::begins;
      const bool given_up = line.what == Line::What::failed && line.attempt == kAttempts;
      if (line.what == Line::What::done || given_up) ++next;
    }
    return next == messages ? "" : "key " + std::to_string(key) + " ends at " + std::to_string(next);
  }

 private:
  std::vector<std::vector<Line>> logs_;
  std::array<std::mutex, 64> mutexes_;
  std::atomic<std::size_t> done_{0};
};

/// Messages of many keys on a queue of their own, eight consumers, and a record of what these did.
class Load {
 public:
  struct Numbers {
    std::size_t keys;
    std::size_t messages;  // of each key
    std::size_t poisoned;  // keys whose second message always fails
  };
  Load(Broker& broker, std::string queue, Numbers numbers)
      : queue_(std::move(queue)), numbers_(numbers), record_(numbers.keys) {
    for (int i = 0; i < 8; ++i) {
      clients_.push_back(Client::connect(broker.url(), {.name = "worker" + std::to_string(i)}));
    }
    clients_[0].create({.name = queue_,
                        .max_attempts = kAttempts,
                        .backoff_initial = 100ms,
                        .backoff_multiplier = 1,
                        .order_by_key = true,
                        .breaker = false});  // the poisoned keys are the first: it would open
  }

  /// Message after message of all keys in turn.
  void publish() {
    std::deque<std::future<Receipt>> unconfirmed;
    for (std::size_t number = 0; number < numbers_.messages; ++number) {
      for (std::size_t key = 0; key < numbers_.keys; ++key) {
        Message message;
        message.key = std::to_string(key);
        message.body = std::to_string(number);
        unconfirmed.push_back(clients_[0].async_publish(queue_, std::move(message), boost::asio::use_future));
        for (; unconfirmed.size() > 512; unconfirmed.pop_front()) unconfirmed.front().get();
      }
    }
    for (auto& receipt : unconfirmed) receipt.get();
  }

  void consume() {
    for (Client& client : clients_) {
      consumers_.push_back(
          client.consume(queue_, [this](Delivery& delivery) { handle(delivery); }, {.concurrency = 2}));
    }
  }

  std::size_t expected() const { return numbers_.keys * numbers_.messages - numbers_.poisoned; }
  const Record& record() const { return record_; }
  QueueInfo show() { return clients_[0].show(queue_); }
  void stop() {
    for (Consumer& consumer : consumers_) consumer.close(10s);
    consumers_.clear();
  }
  std::string disorder() const {
    for (std::size_t key = 0; key < numbers_.keys; ++key) {
      if (std::string wrong = record_.disorder(key, numbers_.messages); !wrong.empty()) return wrong;
    }
    return "";
  }

 private:
  void handle(const Delivery& delivery) {
    const std::size_t key = std::stoul(delivery.message().key);
    const std::size_t number = std::stoul(delivery.message().body.str());
    const int attempt = delivery.attempt();
    record_.add(key, {Record::Line::What::begins, number, attempt});
    const bool fails = number == 1 && key < numbers_.poisoned;
    record_.add(key, {fails ? Record::Line::What::failed : Record::Line::What::done, number, attempt});
    if (fails) throw std::runtime_error("poison");
  }

  const std::string queue_;
  const Numbers numbers_;
  Record record_;
  std::vector<Client> clients_;
  std::vector<Consumer> consumers_;
};

TEST(KeysTest, EachKeyIsInOrderOverFailuresAndAKillOfTheBroker) {
  Broker broker;
  Load load(broker, "orders", is_long() ? Load::Numbers{100'000, 5, 1000} : Load::Numbers{300, 10, 3});
  load.publish();
  load.consume();
  ASSERT_TRUE(eventually([&] { return load.record().done() > load.expected() / 3; }, 120s));
  broker.restart();
  ASSERT_TRUE(eventually(
      [&] {
        const QueueInfo info = load.show();
        return info.ready + info.leased + info.waiting + info.held == 0;
      },
      300s));
  load.stop();
  EXPECT_EQ(load.disorder(), "");
  EXPECT_EQ(load.record().done(), load.expected()) << "once each";
  EXPECT_EQ(load.show().in_hospital, is_long() ? 1000u : 3u);
  EXPECT_EQ(QueueView(broker, "orders").wrong_sums(), "");
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

/// Messages a second until the healthy ones are done.
double speed(Broker& broker, const std::string& queue, std::size_t poisoned) {
  Load load(broker, queue, {100'000, 3, poisoned});
  load.publish();
  const auto begin = std::chrono::steady_clock::now();
  load.consume();
  const std::size_t healthy = (100'000 - poisoned) * 3;
  EXPECT_TRUE(eventually([&] { return load.record().done() >= healthy; }, 300s));
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  EXPECT_TRUE(eventually([&] { return load.record().done() == load.expected(); }, 60s));
  load.stop();
  EXPECT_EQ(load.disorder(), "");
  return static_cast<double>(healthy) / took.count();
}

TEST(KeysTest, PoisonSlowsNoOtherKey) {
  if (!is_long()) GTEST_SKIP() << "LAZARET_LONG=1 measures";
  Broker broker;
  std::vector<double> ratios;
  for (int i = 0; i < 5; ++i) {
    const double well = speed(broker, "well" + std::to_string(i), 0);
    const double poisoned = speed(broker, "poisoned" + std::to_string(i), 1000);
    std::cout << "without poison " << well << "/s, with " << poisoned << "/s\n";
    ratios.push_back(poisoned / well);
  }
  std::sort(ratios.begin(), ratios.end());
  EXPECT_GE(ratios[2], 0.9);
}

// --- Held keys, and what is said of them ----------------------------------------------------------------------------

class HeldKeysTest : public ::testing::Test {
 protected:
  Client connect() { return Client::connect(broker_.url(), {.name = "keys", .drain = 5s}); }
  void publish(const std::string& key, const std::string& body) {
    const auto done = broker_.cli({"publish", "orders", "--key", key}, body);
    ASSERT_EQ(done.exit, 0) << done.err;
  }
  Broker broker_;
};

TEST_F(HeldKeysTest, ACaseHoldsItsKeyUntilItIsResolved) {
  ASSERT_EQ(broker_.cli({"queue", "create", "orders", "--order-by-key", "--on-key-failure", "hold"}).exit, 0);
  for (const char* body : {"first", "second", "third"}) publish("a", body);
  publish("b", "other");
  Client client = connect();
  Inbox inbox;
  std::atomic<bool> broken{true};
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) {
    inbox.add(delivery);
    const bool first = delivery.message().body.view() == "first";
    return first && broken ? Verdict::reject("not yet") : Verdict::done();
  });
  ASSERT_TRUE(eventually([&] { return client.show("orders").acked_total == 1; }));
  EXPECT_EQ(client.show("orders").held, 2u);
  EXPECT_EQ(QueueView(broker_, "orders")["held"], 2);
  const auto peeked = client.peek("orders", 0);
  ASSERT_EQ(peeked.messages.size(), 3u);
  EXPECT_EQ(peeked.messages[1].state, "held");
  EXPECT_EQ(peeked.messages[1].held_by, 0u);
  const auto shown = broker_.cli_json({"peek", "orders", "--state", "held"});
  ASSERT_EQ(shown.size(), 2u);
  EXPECT_EQ(shown[0].at("key"), "a");
  EXPECT_EQ(shown[0].at("held_by"), 0);
  EXPECT_THAT(broker_.cli({"why", "orders", "1"}).out, HasSubstr("until message 0 of its key is settled"));
  // Also over a restart. The replay goes first.
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  broken = false;
  ASSERT_EQ(broker_.cli({"hospital", "replay", "--all", "--yes"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return client.show("orders").acked_total == 4; }));
  std::vector<std::string> of_a;
  for (const Received& one : inbox.all()) {
    if (one.message.key == "a") of_a.push_back(one.message.body.str());
  }
  EXPECT_THAT(of_a, ElementsAre("first", "first", "second", "third"));
}

TEST_F(HeldKeysTest, TheOptionsAreCheckedComparedAndShown) {
  Client client = connect();
  EXPECT_TRUE(client.ensure({.name = "orders", .order_by_key = true}).created);
  EXPECT_FALSE(client.ensure({.name = "orders"}).created);
  EXPECT_EQ(client.show("orders").spec.order_by_key, true);
  EXPECT_EQ(client.show("orders").spec.on_key_failure, "continue");
  EXPECT_EQ(error_of([&] { client.ensure({.name = "orders", .order_by_key = false}); }), errc::mismatch);
  EXPECT_EQ(error_of([&] { client.update({.name = "orders", .order_by_key = false}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.update({.name = "orders", .on_key_failure = "stop"}); }), errc::invalid_option);
  EXPECT_EQ(error_of([&] { client.create({.name = "plain", .on_key_failure = "hold"}); }), errc::invalid_option);
  EXPECT_EQ(client.update({.name = "orders", .on_key_failure = "hold"}).spec.on_key_failure, "hold");
  client.ensure_topic({.name = "news"});
  EXPECT_EQ(client.create_subscription({.name = "s", .topic = "news", .order_by_key = true}).spec.order_by_key, true);
  const auto shown = broker_.cli_json({"queue", "show", "orders"});
  EXPECT_EQ(shown.at(0).at("order_by_key"), true);
  EXPECT_EQ(shown.at(0).at("on_key_failure"), "hold");
  EXPECT_EQ(shown.at(0).at("held_full"), false);
  EXPECT_EQ(broker_.cli({"queue", "ensure", "orders", "--order-by-key", "--on-key-failure", "continue"}).exit, 73);
  EXPECT_EQ(broker_.cli({"subscription", "ensure", "s", "--topic", "news", "--order-by-key"}).exit, 0);
  EXPECT_NE(broker_.cli({"topic", "create", "t", "--order-by-key"}).exit, 0);
}

}  // namespace
}  // namespace lazaret::testing

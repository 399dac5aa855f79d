// Peers that are there and say nothing, and workers that die with what they were sent unread: over a proxy that goes
// silent, and, where namespaces are permitted, over a cable that leads nowhere.
#include <gtest/gtest.h>

#include <csignal>
#include <filesystem>

#include "faults/descriptors.h"
#include "faults/proxy.h"
#include "integration/support/api.h"
#include "integration/support/inbox.h"
#include "integration/support/wire_client.h"
#include "integration/support/workers.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;
using Way = Proxy::Way;

milliseconds since(SteadyClock::time_point begin) {
  return std::chrono::duration_cast<milliseconds>(SteadyClock::now() - begin);
}

class HalfOpen : public ::testing::Test {
 protected:
  HalfOpen() {
    client_ = Client::connect(broker_.url(), {.name = "healthy", .drain = 2s});
    client_->create({.name = "q", .backoff_initial = 1ms, .lease_duration = 60s});
  }
  void publish(int count) {
    for (int i = 0; i < count; ++i) client_->publish("q", {.body = std::to_string(i)});
  }
  void expect_acked(std::uint64_t count) {
    EXPECT_TRUE(eventually([&] { return client_->show("q").acked_total == count; })) << client_->show("q").acked_total;
    EXPECT_EQ(QueueView(broker_, "q").wrong_sums(), "");
    EXPECT_EQ(QueueView(broker_, "q")["in_hospital"], 0);
  }

  Broker broker_{{.settings = {"broker.heartbeat=1s", "broker.reconnect_grace=1s"}, .arguments = {}}};
  std::optional<Client> client_;
};

TEST_F(HalfOpen, APeerThatIsCutOffBothWaysIsDeadForBothSides) {
  const std::size_t sockets = open_sockets(broker_.pid());
  Proxy proxy(broker_.broker());
  Client lost = Client::connect(proxy.url(), {.name = "lost", .drain = 2s});
  Inbox had;
  Gate gate;
  const Consumer behind = lost.consume("q",
                                       [&](Delivery& delivery) {
                                         had.add(delivery);
                                         gate.pass();
                                       },
                                       {.prefetch = 10});
  publish(10);
  ASSERT_TRUE(had.reaches(1));
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "q")["leased"] == 10; }));
  const auto begin = SteadyClock::now();
  proxy.silence();
  Inbox inbox;
  const Consumer healthy = client_->consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(9));
  std::cout << "its messages are with another after " << since(begin) << " (heartbeat 1 s, grace 1 s)\n";
  ASSERT_TRUE(inbox.reaches(10));
  for (const Received& one : inbox.all()) {
    const bool begun = one.message.body.view() == had.at(0).message.body.view();
    EXPECT_EQ(one.attempt, begun ? 2 : 1) << one.message.body;
    EXPECT_EQ(one.isolated, begun) << one.message.body;
  }
  EXPECT_TRUE(eventually([&] { return open_sockets(broker_.pid()) == sockets; })) << "descriptors are still open";
  EXPECT_TRUE(eventually([&] { return !lost.connected(); }));
  std::cout << "the client knows of it after " << since(begin) << "\n";
  expect_acked(10);
  // Both are well again as soon as the network is.
  proxy.speak();
  ASSERT_TRUE(eventually([&] { return client_->show("q").consumers == 2; }));
  gate.open();
  publish(20);
  expect_acked(30);
  EXPECT_GT(had.size(), 1u);
}

TEST_F(HalfOpen, APeerThatIsNotHeardComesBackWithWhatItHas) {
  for (const Way way : {Way::to_broker, Way::to_client}) {
    Proxy proxy(broker_.broker());
    Client deaf = Client::connect(proxy.url(), {.name = "deaf", .drain = 2s});
    Inbox inbox;
    Gate gate;
    const Consumer consumer = deaf.consume("q",
                                           [&](Delivery& delivery) {
                                             inbox.add(delivery);
                                             gate.pass();
                                           },
                                           {.concurrency = 2, .prefetch = 10});
    const std::uint64_t before = client_->show("q").acked_total;
    publish(10);
    ASSERT_TRUE(inbox.reaches(2));
    proxy.freeze(way);
    ASSERT_TRUE(eventually([&] { return proxy.connections() == 2 && deaf.connected(); }));
    ASSERT_TRUE(eventually([&] { return client_->show("q").consumers == 1; }));
    gate.open();
    expect_acked(before + 10);
    EXPECT_EQ(inbox.size(), 10u);
    for (const Received& one : inbox.all()) EXPECT_EQ(one.attempt, 1) << one.message.body;
  }
}

// --- A cable that leads nowhere -------------------------------------------------------------------------------------

/// A network namespace at the other end of a cable; frames on it can be sent to an address that nobody has, so that
/// neither side gets anything back, no error either.
class Namespace {
 public:
  Namespace() {
    const std::string number = std::to_string(getpid());
    name_ = "lazaret-" + number;
    here_ = "lz" + number + "a";
    there_ = "lz" + number + "b";
    network_ = "169.254." + std::to_string(64 + getpid() % 128) + ".";
    exists_ = ip({"netns", "add", name_}) && ip({"link", "add", here_, "type", "veth", "peer", "name", there_}) &&
              ip({"link", "set", there_, "netns", name_}) &&
              ip({"addr", "add", address_here() + "/30", "dev", here_}) &&
              inside({"addr", "add", address_there() + "/30", "dev", there_}) && ip({"link", "set", here_, "up"}) &&
              inside({"link", "set", there_, "up"}) && inside({"link", "set", "lo", "up"});
  }
  ~Namespace() {
    ip({"netns", "del", name_});
    ip({"link", "del", here_});
  }
  bool exists() const { return exists_; }
  const std::string& name() const { return name_; }
  std::string address_here() const { return network_ + "1"; }
  std::string address_there() const { return network_ + "2"; }
  bool silence() {
    const std::string nobody = "02:00:00:00:00:99";
    return ip({"neigh", "replace", address_there(), "lladdr", nobody, "dev", here_, "nud", "permanent"}) &&
           inside({"neigh", "replace", address_here(), "lladdr", nobody, "dev", there_, "nud", "permanent"});
  }
  bool speak() {
    return ip({"neigh", "del", address_there(), "dev", here_}) &&
           inside({"neigh", "del", address_here(), "dev", there_});
  }

 private:
  static bool ip(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), "ip");
    return run(arguments).exit == 0;
  }
  bool inside(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"-n", name_});
    return ip(std::move(arguments));
  }
  std::string name_, here_, there_, network_;
  bool exists_ = false;
};

TEST(HalfOpenCable, AWorkerBehindIt) {
  Namespace network;
  if (!network.exists()) GTEST_SKIP() << "network namespaces are not permitted here; the proxy's tests cover it";
  Broker broker({.settings = {"broker.heartbeat=1s", "broker.reconnect_grace=1s", "broker.allow_unauthenticated=true"},
                 .arguments = {},
                 .host = network.address_here()});
  const std::string url = broker.url();
  Client client = Client::connect(url, {.name = "healthy"});
  client.create({.name = "q", .backoff_initial = 1ms, .lease_duration = 60s});
  const std::size_t sockets = open_sockets(broker.pid());
  const std::string file = broker.dir() / "worker";
  ProcessOptions command;
  command.command = {"ip",
                     "netns",
                     "exec",
                     network.name(),
                     binary("lazaret_test_worker"),
                     "--url",
                     url,
                     "--queue",
                     "q",
                     "--file",
                     file,
                     "--prefetch",
                     "10",
                     "--handler-ms",
                     "600000"};
  Process worker(command);
  ASSERT_TRUE(eventually([&] { return client.show("q").consumers == 1; }));
  for (int i = 0; i < 10; ++i) client.publish("q", {.body = std::to_string(i)});
  ASSERT_TRUE(eventually([&] { return worker_lines(file).size() == 1; }));
  ASSERT_TRUE(eventually([&] { return client.show("q").leased == 10; }));
  const auto begin = SteadyClock::now();
  ASSERT_TRUE(network.silence());
  Inbox inbox;
  const Consumer healthy = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(9));
  std::cout << "its messages are with another after " << since(begin) << " (heartbeat 1 s, grace 1 s)\n";
  ASSERT_TRUE(inbox.reaches(10));
  for (const Received& one : inbox.all()) {
    EXPECT_EQ(one.attempt, one.message.body.view() == worker_lines(file).at(0).body ? 2 : 1) << one.message.body;
  }
  EXPECT_TRUE(eventually([&] { return open_sockets(broker.pid()) == sockets; })) << "descriptors are still open";
  EXPECT_TRUE(eventually([&] { return client.show("q").acked_total == 10; }));
  // The worker has found it too: it is back as soon as frames arrive.
  ASSERT_TRUE(network.speak());
  EXPECT_TRUE(eventually([&] { return client.show("q").consumers == 2; }, 60s));
  int begun = 0;
  for (const WorkerLine& line : worker_lines(file)) begun += line.finished ? 0 : 1;
  EXPECT_EQ(begun, 1);
}

// --- Workers that die with unread deliveries ------------------------------------------------------------------------

class DiesWithUnread : public HalfOpen {
 protected:
  static constexpr std::size_t kCount = 40;
  static constexpr std::size_t kBody = 64u << 10;

  /// A client that has been sent everything and has read only some of it.
  std::vector<wire::Delivery> begin(WireClient& client) {
    WireClient publisher(broker_);
    publisher.say_hello();
    const std::uint32_t producer = publisher.open_producer("q");
    for (std::size_t i = 0; i < kCount; ++i) {
      std::string body = std::to_string(i) + " ";
      body.resize(kBody, 'x');
      publisher.publish(producer, {item_of(body)});
    }
    client.say_hello();
    client.open_consumer(1, "q", kCount);
    auto had = client.take(3);
    EXPECT_TRUE(eventually([&] { return QueueView(broker_, "q")["leased"] == static_cast<std::int64_t>(kCount); }));
    EXPECT_LT(had.size(), kCount) << "all of it was read";
    return had;
  }
  /// What the next one gets, by the number that stands in the body.
  std::map<std::string, Received> rest(std::size_t count) {
    Inbox inbox;
    const Consumer consumer = client_->consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
    EXPECT_TRUE(inbox.reaches(count)) << inbox.size();
    expect_acked(kCount);
    EXPECT_EQ(inbox.size(), count);
    std::map<std::string, Received> found;
    for (const Received& one : inbox.all()) {
      const std::string body = one.message.body.str();
      found.emplace(body.substr(0, body.find(' ')), one);
    }
    return found;
  }
};

TEST_F(DiesWithUnread, WhatItSaidCountsAndTheRestIsNotBlamed) {
  WireClient client(broker_);
  const auto had = begin(client);
  // In one packet, right before the end: the kernel resets the connection over what is unread.
  client.send_bytes(bytes_of(wire::encode(wire::Started{1, had[0].delivery})) +
                    bytes_of(wire::encode(wire::Settle{0, 1, {had[0].token}, {}})) +
                    bytes_of(wire::encode(wire::Started{1, had[1].delivery})));
  client.hang_up();
  const auto found = rest(kCount - 1);
  EXPECT_FALSE(found.contains("0")) << "its ack was sent";
  for (const auto& [number, one] : found) {
    EXPECT_EQ(one.attempt, number == "1" ? 2 : 1) << number;
    EXPECT_EQ(one.isolated, number == "1") << number;
  }
}

TEST_F(DiesWithUnread, WhoHadBegunNothingBlamesNothing) {
  WireClient client(broker_);
  begin(client);
  client.hang_up();
  for (const auto& [number, one] : rest(kCount)) {
    EXPECT_EQ(one.attempt, 1) << number;
    EXPECT_FALSE(one.isolated) << number;
  }
}

TEST_F(DiesWithUnread, AProcessOfTheLibraryThatIsFrozenAndKilled) {
  const std::string file = broker_.dir() / "worker";
  Process worker = start_worker(broker_, "q", file, {"--prefetch", "40", "--handler-ms", "600000"});
  ASSERT_TRUE(eventually([&] { return client_->show("q").consumers == 1; }));
  client_->publish("q", {.body = "0 " + std::string(kBody, 'x')});
  ASSERT_TRUE(eventually([&] { return worker_lines(file).size() == 1; }));
  worker.signal(SIGSTOP);
  for (std::size_t i = 1; i < kCount; ++i)
    client_->publish("q", {.body = std::to_string(i) + " " + std::string(kBody, 'x')});
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "q")["leased"] == static_cast<std::int64_t>(kCount); }));
  worker.kill9();
  for (const auto& [number, one] : rest(kCount)) {
    EXPECT_EQ(one.attempt, number == "0" ? 2 : 1) << number;
    EXPECT_EQ(one.isolated, number == "0") << number;
  }
}

}  // namespace
}  // namespace lazaret::testing

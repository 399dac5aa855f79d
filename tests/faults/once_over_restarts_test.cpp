// What a handler has begun is not begun again by anybody, whatever happens to its connection and its broker meanwhile:
// the real client library, in this process and in others, over a network that resets and a daemon that is killed or
// stopped. LAZARET_LONG=1 takes handlers of 20 and 10 seconds.
#include <gtest/gtest.h>

#include <atomic>
#include <csignal>
#include <cstdlib>
#include <set>

#include "faults/proxy.h"
#include "integration/support/api.h"
#include "integration/support/inbox.h"
#include "integration/support/workers.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using SteadyClock = std::chrono::steady_clock;

bool is_long() { return std::getenv("LAZARET_LONG") != nullptr; }

void expect_clean_directory(Broker& broker) {
  EXPECT_EQ(broker.terminate(), 0);
  const Outcome check = run_cli({"check", "--data-dir", broker.data_dir()});
  EXPECT_EQ(check.exit, 0) << check.out << check.err;
}

/// Nothing is left, nothing failed, and the sums are right.
void expect_settled(const Broker& broker, const std::string& queue, std::int64_t count) {
  EXPECT_TRUE(eventually([&] { return QueueView(broker, queue)["acked_total"] >= count; }, 120s));
  const QueueView view(broker, queue);
  EXPECT_EQ(view["acked_total"], count);
  EXPECT_EQ(view["entered_total"], count);
  for (const char* place : {"ready", "leased", "waiting", "in_hospital", "suspects"})
    EXPECT_EQ(view[place], 0) << place;
  EXPECT_EQ(view.wrong_sums(), "");
}

// --- One long handler -----------------------------------------------------------------------------------------------

TEST(OnceOverRestarts, ALongHandlerUnderThreeResetsAndAKill) {
  const milliseconds duration = is_long() ? 20'000ms : 3'000ms;
  const milliseconds lease = is_long() ? 4'000ms : 800ms;
  Broker broker({.settings = {"broker.heartbeat=1s"}, .arguments = {}});
  Proxy proxy(broker.broker());
  Client publisher = Client::connect(broker.url(), {.name = "publisher"});
  publisher.create({.name = "q", .lease_duration = lease});
  Client client = Client::connect(proxy.url(), {.name = "slow", .drain = 1s});
  Inbox inbox;
  Gate gate;
  std::atomic<bool> told_to_stop{false};
  std::atomic<int> settled{0};
  const Consumer consumer =
      client.consume("q",
                     [&](Delivery& delivery) {
                       inbox.add(delivery);
                       gate.pass();
                       told_to_stop = delivery.stop_token().stop_requested();
                     },
                     {.on_settled = [&](std::size_t count) { settled += static_cast<int>(count); }});
  publisher.publish("q", {.body = "long"});
  ASSERT_TRUE(inbox.reaches(1));
  const auto began = SteadyClock::now();
  // Whatever were granted anew would be taken at once by this one.
  Client thief = Client::connect(broker.url(), {.name = "thief", .drain = 1s});
  Inbox stolen;
  const Consumer other = thief.consume("q", [&](Delivery& delivery) { stolen.add(delivery); });
  for (int fault = 0; fault < 4; ++fault) {
    pause_for(duration / 5);
    const std::size_t before = proxy.connections();
    fault == 2 ? broker.restart() : proxy.reset_all();
    ASSERT_TRUE(eventually([&] { return proxy.connections() > before && client.connected(); })) << "fault " << fault;
    ASSERT_TRUE(eventually([&] { return publisher.show("q").consumers == 2u; })) << "fault " << fault;
    EXPECT_EQ(QueueView(broker, "q")["leased"], 1) << "fault " << fault;
  }
  while (SteadyClock::now() - began < duration) pause_for(10ms);
  EXPECT_EQ(QueueView(broker, "q")["leased"], 1);
  gate.open();
  expect_settled(broker, "q", 1);
  EXPECT_TRUE(eventually([&] { return settled == 1; }));
  EXPECT_EQ(inbox.size(), 1u);
  EXPECT_EQ(stolen.size(), 0u);
  EXPECT_EQ(inbox.at(0).attempt, 1);
  EXPECT_FALSE(inbox.at(0).redelivered);
  EXPECT_FALSE(told_to_stop);
  EXPECT_TRUE(cases_of(broker, "q").empty());
  expect_clean_directory(broker);
}

// --- Many handlers in several processes -----------------------------------------------------------------------------

struct Crew {
  int processes = 4;
  int concurrency = 25;
  int prefetch = 25;
  int messages = 100;
  milliseconds handler{0};
};

class OnceUnderACrew : public ::testing::Test {
 protected:
  /// Workers with all their handlers at work on a queue that is full.
  void start(Broker& broker, const Crew& crew) {
    crew_ = crew;
    Client client = Client::connect(broker.url(), {.name = "publisher"});
    client.create({.name = "q", .lease_duration = is_long() ? 3s : 1s});
    for (int i = 0; i < crew.processes; ++i) {
      files_.push_back(broker.dir() / ("worker" + std::to_string(i)));
      processes_.push_back(
          start_worker(broker, "q", files_.back(),
                       {"--concurrency", std::to_string(crew.concurrency), "--prefetch", std::to_string(crew.prefetch),
                        "--handler-ms", std::to_string(crew.handler.count())}));
    }
    ASSERT_TRUE(eventually([&] { return client.show("q").consumers == static_cast<std::uint32_t>(crew.processes); }));
    for (int i = 0; i < crew.messages; ++i) client.publish("q", {.body = std::to_string(i)});
    const std::size_t all = static_cast<std::size_t>(std::min(crew.messages, crew.processes * crew.concurrency));
    ASSERT_TRUE(eventually([&] { return lines().size() >= all; }));
  }
  std::vector<WorkerLine> lines() const {
    std::vector<WorkerLine> all;
    for (const std::string& file : files_) {
      const auto more = worker_lines(file);
      all.insert(all.end(), more.begin(), more.end());
    }
    return all;
  }
  /// Every message began once and ended once, at its first attempt; or later, where it may have begun under a broker
  /// that was killed and nobody could say that it had not.
  void expect_once_each(int interruptions) const {
    std::multiset<std::string> begun, finished;
    for (const WorkerLine& one : lines()) {
      (one.finished ? finished : begun).insert(one.body);
      EXPECT_LE(one.attempt, 1 + interruptions) << one.body;
      EXPECT_FALSE(one.isolated) << one.body;
    }
    for (int i = 0; i < crew_.messages; ++i) {
      EXPECT_EQ(begun.count(std::to_string(i)), 1u) << i;
      EXPECT_EQ(finished.count(std::to_string(i)), 1u) << i;
    }
  }
  void expect_all_goes_well(Broker& broker, int interruptions = 0) {
    expect_settled(broker, "q", crew_.messages);
    EXPECT_TRUE(cases_of(broker, "q").empty());
    expect_once_each(interruptions);
    for (Process& process : processes_) process.signal(SIGTERM);
    for (Process& process : processes_) EXPECT_EQ(process.wait(60s).value_or(-1), 0);
    expect_once_each(interruptions);
    expect_clean_directory(broker);
  }

  Crew crew_;
  std::vector<std::string> files_;
  std::vector<Process> processes_;
};

TEST_F(OnceUnderACrew, AHundredHandlersUnderAKill) {
  Broker broker;
  start(broker, {.handler = is_long() ? 10s : 2s});
  broker.restart();
  expect_all_goes_well(broker);
}

TEST_F(OnceUnderACrew, AHundredHandlersUnderAnOrderlyRestart) {
  Broker broker;
  start(broker, {.handler = is_long() ? 10s : 2s});
  EXPECT_EQ(broker.terminate(), 0);
  broker.start();
  expect_all_goes_well(broker);
}

TEST_F(OnceUnderACrew, AHundredHandlersUnderARestartThatDoesNotWaitForThem) {
  Broker broker({.settings = {"broker.stop_wait=100ms"}, .arguments = {}});
  start(broker, {.handler = is_long() ? 10s : 2s});
  EXPECT_EQ(broker.terminate(), 0);
  broker.start();
  expect_all_goes_well(broker);
}

/// Most of what they hold waits for a handler, in the worker or on the way to it.
TEST_F(OnceUnderACrew, WhatIsHeldAndHasNotBegunUnderKills) {
  Broker broker;
  start(broker, {.processes = 3, .concurrency = 4, .prefetch = 40, .messages = 150, .handler = is_long() ? 1s : 300ms});
  const int kills = is_long() ? 6 : 2;
  for (int kill = 0; kill < kills; ++kill) {
    broker.restart();
    const std::size_t before = lines().size();
    ASSERT_TRUE(eventually([&] { return lines().size() > before + 12; }));
  }
  expect_all_goes_well(broker, kills);
}

TEST_F(OnceUnderACrew, WhatIsHeldAndHasNotBegunUnderOrderlyRestarts) {
  Broker broker;
  start(broker, {.processes = 3, .concurrency = 4, .prefetch = 40, .messages = 150, .handler = is_long() ? 1s : 300ms});
  for (int stop = 0; stop < (is_long() ? 6 : 2); ++stop) {
    EXPECT_EQ(broker.terminate(), 0);
    broker.start();
    const std::size_t before = lines().size();
    ASSERT_TRUE(eventually([&] { return lines().size() > before + 12; }));
  }
  expect_all_goes_well(broker);
}

}  // namespace
}  // namespace lazaret::testing

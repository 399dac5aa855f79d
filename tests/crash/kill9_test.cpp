// kill -9 of the daemon at random moments under publishers and workers; a checker over the history says whether it kept
// its promises. LAZARET_ROUNDS=100 LAZARET_SEED=7 makes it longer, or another.
#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <random>

#include "crash/actors.h"
#include "crash/checker.h"
#include "integration/support/api.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;
using testing::Broker;
using testing::eventually;
using testing::QueueView;

constexpr std::uint64_t kLimit = 3;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

QueueSpec spec(const std::string& name) {
  QueueSpec spec;
  spec.name = name;
  spec.max_attempts = kLimit;
  spec.backoff_initial = 50ms;
  spec.backoff_multiplier = 2;
  spec.lease_duration = 3s;
  return spec;
}

class Kill9 : public ::testing::Test {
 protected:
  Kill9() : random_(seed_) {
    Client client = Client::connect(broker_.url(), {.name = "crash"});
    for (const std::string& queue : stage_.queues) client.ensure(spec(queue));
  }

  /// Sometimes again before it is ready, or shortly after.
  void kill_and_start() {
    testing::pause_for(milliseconds(30 + random_() % 900));
    broker_.kill9();
    broker_.start();
    if (random_() % 4 == 0) {
      testing::pause_for(milliseconds(random_() % 30));
      broker_.kill9();
      broker_.start();
    }
  }

  bool drained() {
    for (const std::string& queue : stage_.queues) {
      const QueueView view(broker_, queue);
      if (view["ready"] + view["leased"] + view["waiting"] > 0) return false;
    }
    return true;
  }

  std::map<std::string, FinalQueue> what_is_left() {
    std::map<std::string, FinalQueue> left;
    for (const std::string& name : stage_.queues) {
      const QueueView view(broker_, name);
      EXPECT_EQ(view.wrong_sums(), "") << name;
      const auto number = [&](const char* counter) { return static_cast<std::uint64_t>(view[counter]); };
      FinalQueue& queue = left[name];
      queue = {kLimit, number("entered_total"), number("acked_total"), number("in_hospital"), {}};
      for (const auto& one : testing::cases_of(broker_, name)) {
        FinalCase& final_case = queue.cases.emplace_back();
        final_case.offset = one.at("offset").to_number<std::uint64_t>();
        final_case.body = testing::text_of(one.at("message"), "body");
        for (const auto& attempt : one.at("attempts").as_array()) {
          final_case.outcomes.push_back(testing::text_of(attempt, "outcome"));
        }
      }
    }
    return left;
  }

  /// Where to look: the whole history, beside what the checker says.
  void report(const std::vector<std::string>& findings) {
    if (findings.empty()) return;
    const std::string path = ::testing::TempDir() + "kill9-history-" + std::to_string(seed_) + ".txt";
    std::ofstream file(path);
    for (const Event& event : history_.events()) file << to_string(event) << "\n";
    for (const std::string& finding : findings) ADD_FAILURE() << finding;
    ADD_FAILURE() << "LAZARET_SEED=" << seed_ << "; the history is in " << path;
  }

  const std::uint64_t seed_ = number_from("LAZARET_SEED", 1);
  const std::uint64_t rounds_ = number_from("LAZARET_ROUNDS", 6);
  std::mt19937_64 random_;
  Broker broker_{{.settings = {"broker.reconnect_grace=1s", "broker.resume_grace=5s"}, .arguments = {}}};
  History history_;
  Stage stage_{.broker = broker_, .history = history_, .queues = {"alpha", "beta", "gamma"}};
};

TEST_F(Kill9, NothingConfirmedIsLostOrBlamedOrDoneAgain) {
  {
    std::vector<std::unique_ptr<PublisherActor>> publishers;
    std::vector<std::unique_ptr<WireWorker>> wire_workers;
    LibraryWorker first(stage_, "library-1");
    LibraryWorker second(stage_, "library-2");
    for (int i = 0; i < 3; ++i) {
      publishers.push_back(std::make_unique<PublisherActor>(stage_, "p" + std::to_string(i), random_()));
    }
    for (int i = 0; i < 2; ++i) {
      wire_workers.push_back(std::make_unique<WireWorker>(stage_, "wire-" + std::to_string(i), random_()));
    }
    for (std::uint64_t round = 1; round <= rounds_; ++round) kill_and_start();
    stage_.wild = false;
    publishers.clear();
    EXPECT_EQ(stage_.unconfirmed, 0u);
    EXPECT_TRUE(eventually([&] { return drained(); }, 120s)) << "something is never worked off";
    stage_.over = true;
  }
  const auto left = what_is_left();
  report(check(history_.events(), left));
  std::uint64_t entered = 0;
  for (const auto& [name, queue] : left) entered += queue.entered;
  std::cout << "seed " << seed_ << ": " << rounds_ << " rounds, " << entered << " messages, " << history_.size()
            << " events\n";
  EXPECT_GT(entered, 0u);
  ASSERT_EQ(broker_.terminate(), 0);
  const testing::Outcome checked = testing::run_cli({"check", "--data-dir", broker_.data_dir()});
  EXPECT_EQ(checked.exit, 0) << checked.out << checked.err;
}

/// The limit holds over restarts: the daemon is killed between attempts.
TEST_F(Kill9, NoFourthAttempt) {
  Client client = Client::connect(broker_.url(), {.name = "attempts", .timeout = 60s});
  QueueSpec patient = spec("patient");
  patient.backoff_initial = 300ms;
  client.ensure(patient);
  std::atomic<int> deliveries{0};
  auto consumer = client.consume("patient", [&](Delivery&) {
    ++deliveries;
    throw std::runtime_error("it fails each time");
  });
  client.publish("patient", {.body = "m"});
  for (int attempt = 1; attempt <= static_cast<int>(kLimit); ++attempt) {
    ASSERT_TRUE(eventually([&] { return deliveries >= attempt; })) << "attempt " << attempt;
    const auto told = [&] {
      const QueueView view(broker_, "patient");
      return view["waiting"] + view["in_hospital"] == 1;
    };
    ASSERT_TRUE(eventually(told)) << "attempt " << attempt;
    broker_.restart();
  }
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "patient")["in_hospital"] == 1; }));
  broker_.restart();
  ASSERT_TRUE(eventually([&] { return client.connected(); }));
  // Another message shows that the consumer is there again and has nothing else to do.
  client.publish("patient", {.body = "next"});
  ASSERT_TRUE(eventually([&] { return QueueView(broker_, "patient")["in_hospital"] == 2; }));
  EXPECT_EQ(deliveries, 2 * static_cast<int>(kLimit));
  const auto cases = testing::cases_of(broker_, "patient");
  ASSERT_EQ(cases.size(), 2u);
  EXPECT_EQ(cases[0].at("attempts").as_array().size(), kLimit);
  EXPECT_EQ(cases[0].at("failure_count").to_number<std::uint64_t>(), kLimit);
}

}  // namespace
}  // namespace lazaret::crash

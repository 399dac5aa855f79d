#include "crash/ordeal.h"

#include <cstdlib>
#include <fstream>
#include <iostream>

#include "integration/support/api.h"

namespace lazaret::crash {

using namespace std::chrono_literals;
using testing::eventually;
using testing::QueueView;

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* text = std::getenv(variable);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

QueueSpec spec_of(const std::string& name) {
  QueueSpec spec;
  spec.name = name;
  spec.max_attempts = kLimit;
  spec.backoff_initial = 50ms;
  spec.backoff_multiplier = 2;
  spec.lease_duration = 3s;
  // What is discarded keeps its place for so long, in the way of trims.
  spec.case_retention = 1s;
  return spec;
}

Ordeal::Ordeal(testing::BrokerOptions options)
    : broker_([&] {
        options.settings.insert(options.settings.end(), {"broker.reconnect_grace=1s", "broker.resume_grace=5s"});
        return options;
      }()) {
  Client client = Client::connect(broker_.url(), {.name = "crash"});
  for (const std::string& queue : stage_.queues) client.ensure(spec_of(queue));
  // The end of the process takes nothing of a relaxed queue either.
  QueueSpec relaxed;
  relaxed.name = stage_.queues.back();
  relaxed.durability = "relaxed";
  client.update(relaxed);
}

void Ordeal::endure(const std::function<void()>& rounds) {
  {
    std::vector<std::unique_ptr<PublisherActor>> publishers;
    std::vector<std::unique_ptr<WireWorker>> wire_workers;
    OperatorActor an_operator(stage_, random_());
    LibraryWorker first(stage_, "library-1");
    LibraryWorker second(stage_, "library-2");
    for (int i = 0; i < 3; ++i) {
      publishers.push_back(std::make_unique<PublisherActor>(stage_, "p" + std::to_string(i), random_()));
    }
    for (int i = 0; i < 2; ++i) {
      wire_workers.push_back(std::make_unique<WireWorker>(stage_, "wire-" + std::to_string(i), random_()));
    }
    rounds();
    stage_.wild = false;
    publishers.clear();
    EXPECT_EQ(stage_.unconfirmed, 0u);
    EXPECT_TRUE(eventually([&] { return drained(); }, 120s)) << "something is never worked off";
    stage_.over = true;
  }
  const auto left = what_is_left();
  report(history_, seed_, check(history_.events(), left, stage_.polite));
  std::uint64_t entered = 0;
  for (const auto& [name, queue] : left) entered += queue.entered;
  std::cout << "seed " << seed_ << ": " << entered << " messages, " << history_.size() << " events\n";
  EXPECT_GT(entered, 0u);
  ASSERT_EQ(broker_.terminate(), 0);
  const testing::Outcome checked = testing::run_cli({"check", "--data-dir", broker_.data_dir()});
  EXPECT_EQ(checked.exit, 0) << checked.out << checked.err;
}

bool Ordeal::drained() {
  for (const std::string& queue : stage_.queues) {
    const QueueView view(broker_, queue);
    if (view["ready"] + view["leased"] + view["waiting"] > 0) return false;
  }
  return true;
}

std::map<std::string, FinalQueue> Ordeal::what_is_left() {
  std::map<std::string, FinalQueue> left;
  for (const std::string& name : stage_.queues) left[name] = what_is_left_of(broker_, name, kLimit);
  return left;
}

FinalQueue what_is_left_of(const testing::Broker& broker, const std::string& name, std::uint64_t limit,
                           const std::string& kind) {
  const QueueView view(broker, name, kind);
  EXPECT_EQ(view.wrong_sums(), "") << name;
  const auto number = [&](const char* counter) { return static_cast<std::uint64_t>(view[counter]); };
  FinalQueue queue{limit, number("entered_total"), number("acked_total"), number("in_hospital"), {}};
  queue.expired = number("expired_total");
  queue.dropped = number("dropped_total");
  for (const auto& one : testing::cases_of(broker, name)) {
    if (testing::text_of(one, "state") != "admitted") continue;
    FinalCase& final_case = queue.cases.emplace_back();
    final_case.offset = place_of(testing::text_of(one, "source"), one.at("offset").to_number<std::uint64_t>());
    final_case.body = testing::text_of(one.at("message"), "body");
    final_case.replays = one.at("replay_count").to_number<std::uint64_t>();
    for (const auto& attempt : one.at("attempts").as_array()) {
      final_case.outcomes.push_back(testing::text_of(attempt, "outcome"));
    }
  }
  return queue;
}

void report(const History& history, std::uint64_t seed, const std::vector<std::string>& findings) {
  if (findings.empty()) return;
  const std::string path = ::testing::TempDir() + "crash-history-" + std::to_string(seed) + ".txt";
  std::ofstream file(path);
  for (const Event& event : history.events()) file << to_string(event) << "\n";
  for (const std::string& finding : findings) ADD_FAILURE() << finding;
  ADD_FAILURE() << "LAZARET_SEED=" << seed << "; the history is in " << path;
}

}  // namespace lazaret::crash

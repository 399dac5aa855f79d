// One message that kills whichever worker takes it, among 500 that are good: real worker processes, restarted whenever
// they die. Exactly that one ends in the hospital, no other counts a failed attempt, and once the first worker has
// died never more than one is at risk.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <set>

#include "integration/support/api.h"
#include "integration/support/workers.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::Each;
using ::testing::ElementsAre;

constexpr std::size_t kMessages = 500;
constexpr std::size_t kPoisonAt = 100;
const std::string kPoison = "poison";

struct CrewOptions {
  int workers = 1;
  int concurrency = 1;
  bool speaks_started = true;
  int handler_ms = 2;
};

/// Workers, and who starts them again.
class Crew {
 public:
  Crew(const Broker& broker, CrewOptions options) : broker_(broker), options_(options) {
    for (int i = 0; i < options.workers; ++i) workers_.push_back(start());
  }
  void look_after() {
    for (Process& worker : workers_) {
      if (worker.running()) continue;
      ++deaths_;
      worker = start();
    }
  }
  int deaths() const { return deaths_; }
  std::string file() const { return broker_.dir() / "workers"; }

 private:
  Process start() const {
    std::vector<std::string> more = {"--prefetch",    "50",
                                     "--concurrency", std::to_string(options_.concurrency),
                                     "--handler-ms",  std::to_string(options_.handler_ms),
                                     "--kill-on",     kPoison};
    if (!options_.speaks_started) more.emplace_back("--no-started");
    return start_worker(broker_, "q", file(), more);
  }

  const Broker& broker_;
  const CrewOptions options_;
  std::vector<Process> workers_;
  int deaths_ = 0;
};

class Isolation : public ::testing::Test {
 protected:
  /// `max_attempts` 1: a single failed attempt of a good message would show in the hospital.
  void publish(std::uint32_t max_attempts) {
    Client client = Client::connect(broker_.url(), {.name = "isolation"});
    QueueSpec spec;
    spec.name = "q";
    spec.max_attempts = max_attempts;
    spec.backoff_initial = 50ms;
    client.create(spec);
    for (std::size_t i = 0; i < kMessages; ++i) {
      client.publish("q", {.body = i == kPoisonAt ? kPoison : "good " + std::to_string(i)});
    }
  }

  void work_off(Crew& crew) {
    const auto done = [&] {
      crew.look_after();
      const QueueView q(broker_, "q");
      return q["acked_total"] + q["in_hospital"] == static_cast<std::int64_t>(kMessages);
    };
    ASSERT_TRUE(eventually(done, 120s));
    lines_ = worker_lines(crew.file());
  }

  /// `but`: these may have been done once more.
  void expect_each_good_one_done_once(const std::set<std::string>& but = {}) {
    std::map<std::string, int> finished;
    for (const WorkerLine& line : lines_) finished[line.body] += line.finished ? 1 : 0;
    EXPECT_EQ(finished.size(), kMessages);
    for (const auto& [body, times] : finished) {
      if (but.contains(body) && times == 2) continue;
      EXPECT_EQ(times, body == kPoison ? 0 : 1) << body;
    }
    EXPECT_EQ(QueueView(broker_, "q").wrong_sums(), "");
  }

  /// What each worker had finished last, as many as it has handlers, when it began the poison, which killed it. Where
  /// the poison had not to wait until their acks had gone out (another handler had said `started` of it before, or
  /// nobody ever says that), these may have died with the worker.
  std::set<std::string> finished_just_before_a_death(std::size_t handlers) const {
    std::map<int, std::deque<std::string>> last;  // by pid; lines of one worker are in their order
    std::set<std::string> bodies;
    for (const WorkerLine& line : lines_) {
      std::deque<std::string>& mine = last[line.pid];
      if (line.finished) mine.push_back(line.body);
      if (mine.size() > handlers) mine.pop_front();
      if (!line.finished && line.body == kPoison) bodies.insert(mine.begin(), mine.end());
    }
    return bodies;
  }

  /// The only case, with how its attempts ended.
  std::vector<std::string> outcomes_of_the_poison(const std::string& reason) {
    const auto cases = cases_of(broker_, "q");
    std::vector<std::string> outcomes;
    EXPECT_EQ(cases.size(), 1u);
    if (cases.size() != 1) return outcomes;
    EXPECT_EQ(text_of(cases[0].at("message"), "body"), kPoison);
    EXPECT_EQ(text_of(cases[0], "reason"), reason);
    for (const auto& attempt : cases[0].at("attempts").as_array()) outcomes.push_back(text_of(attempt, "outcome"));
    return outcomes;
  }

  /// After the first death the poison goes out alone: its worker runs nothing else, and nobody else tries a suspect.
  void expect_one_at_risk() {
    std::sort(lines_.begin(), lines_.end(), [](const auto& a, const auto& b) { return a.at_ns < b.at_ns; });
    std::map<int, std::set<std::string>> running;  // pid → bodies
    std::set<std::string> suspects;                // in handlers
    int deaths = 0;
    for (const WorkerLine& line : lines_) {
      if (line.finished) {
        running[line.pid].erase(line.body);
        suspects.erase(line.body);
        continue;
      }
      if (line.isolated) {
        EXPECT_TRUE(running[line.pid].empty()) << line.body << " is tried beside " << *running[line.pid].begin();
        EXPECT_TRUE(suspects.empty()) << line.body << " is tried while " << *suspects.begin() << " is";
        suspects.insert(line.body);
      }
      running[line.pid].insert(line.body);
      if (line.body != kPoison) continue;
      ++deaths;
      EXPECT_TRUE(deaths == 1 || line.isolated) << "death " << deaths;
      suspects.erase(line.body);
      running.erase(line.pid);
    }
  }

  Broker broker_{{.settings = {"broker.reconnect_grace=500ms"}, .arguments = {}}};
  std::vector<WorkerLine> lines_;
};

TEST_F(Isolation, AWorkerThatDiesOverAMessageBlamesNoOther) {
  publish(1);
  Crew crew(broker_, {});
  work_off(crew);
  expect_each_good_one_done_once();
  expect_one_at_risk();
  EXPECT_EQ(outcomes_of_the_poison("attempts_exhausted").back(), "consumer_lost");
}

TEST_F(Isolation, AMessageKillsTwoWorkersAfterItIsSuspectAndNoMore) {
  publish(5);
  Crew crew(broker_, {});
  work_off(crew);
  expect_each_good_one_done_once();
  const auto outcomes = outcomes_of_the_poison("killed_workers");
  EXPECT_EQ(std::count(outcomes.begin(), outcomes.end(), "consumer_lost"), 2);
  EXPECT_EQ(crew.deaths(), static_cast<int>(outcomes.size()));
  EXPECT_LE(crew.deaths(), 3);
}

TEST_F(Isolation, WithFourHandlersInEachOfThreeWorkers) {
  publish(1);
  Crew crew(broker_, {.workers = 3, .concurrency = 4, .handler_ms = 5});
  work_off(crew);
  expect_each_good_one_done_once(finished_just_before_a_death(4));
  expect_one_at_risk();
  EXPECT_EQ(outcomes_of_the_poison("attempts_exhausted").back(), "consumer_lost");
  EXPECT_LE(crew.deaths(), 3);
}

TEST_F(Isolation, WithWorkersThatNeverSayStarted) {
  publish(1);
  Crew crew(broker_, {.workers = 3, .speaks_started = false});
  work_off(crew);
  expect_each_good_one_done_once(finished_just_before_a_death(1));
  expect_one_at_risk();
  EXPECT_EQ(outcomes_of_the_poison("attempts_exhausted").back(), "consumer_lost");
  EXPECT_LE(crew.deaths(), 3);
}

}  // namespace
}  // namespace lazaret::testing

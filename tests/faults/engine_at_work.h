// EngineAtWork: the engine on a store, in this process, with a publisher, a worker and an operator who keep a ledger of
// what they were told. Everything that goes to the disk in Lazaret happens while it runs.
//
// Threading: `start` and `stop` from the test's thread; the actors have threads of their own.
#pragma once

#include <atomic>
#include <future>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "engine/desk.h"
#include "engine/engine.h"
#include "faults/ledger.h"
#include "model/store.h"

namespace lazaret::faults {

/// Small, so that memtables are switched and logs are trimmed every moment.
inline constexpr std::uint64_t kMemtableBytes = 1u << 20;
/// Failed attempts of a message before it is a case.
inline constexpr std::uint32_t kLimit = 2;
inline constexpr const char* kQueue = "work";

/// The one that publishes.
model::ProducerId the_producer();

/// An engine on `store`, which it owns; aborts when the store fails.
class EngineOn {
 public:
  explicit EngineOn(std::unique_ptr<model::Store> store);
  ~EngineOn();
  engine::Engine& engine() { return *engine_; }
  model::Store& store() { return *store_; }

  /// Sends the command.
  template <class Answer, class Command>
  std::future<Answer> begin(model::ShardId shard, Command command);
  /// And waits for its answer.
  template <class Answer, class Command>
  Answer ask(model::ShardId shard, Command command) {
    return begin<Answer>(shard, std::move(command)).get();
  }
  engine::QueueRef create(const std::string& name, model::Durability durability = model::Durability::fsync);
  /// With few attempts, soon after one another.
  engine::QueueRef create(model::CreateQueue create);
  /// Cases of the queue in this state.
  std::vector<model::CaseRecord> cases(const engine::QueueRef& queue, std::optional<model::CaseState> state);

 private:
  std::unique_ptr<model::Store> store_;
  std::unique_ptr<engine::Clock> clock_;
  std::unique_ptr<engine::Engine> engine_;
  std::shared_ptr<engine::Desk> desk_;
};

class WorkerOutbox;

class EngineAtWork {
 public:
  EngineAtWork(std::unique_ptr<model::Store> store, Ledger& ledger);
  ~EngineAtWork();
  /// Publisher, worker and operator begin.
  void start(std::uint64_t seed);
  /// They end what they are at, and the engine stops.
  void stop();

 private:
  void publish(std::mt19937_64 random);
  void operate(std::mt19937_64 random);
  void edit(const model::CaseRecord& one);
  void churn(std::mt19937_64& random);

  Ledger& ledger_;
  EngineOn on_;
  engine::QueueRef queue_;
  std::shared_ptr<WorkerOutbox> worker_;
  std::atomic<bool> over_{false};
  std::thread publisher_;
  std::thread operator_;
};

/// What is wrong with a data directory as a power loss left it, for whoever was told `told`; empty when all is well.
/// Works everything off.
std::vector<std::string> broken_promises(const std::string& data_dir, const Snapshot& told);

template <class Answer, class Command>
std::future<Answer> EngineOn::begin(model::ShardId shard, Command command) {
  // Shared with the callback: an answer that comes after a test gave up finds it still there.
  auto promise = std::make_shared<std::promise<Answer>>();
  auto answer = promise->get_future();
  desk_->ask(shard, std::move(command), [promise](model::Answer&& one) {
    auto* wanted = std::get_if<Answer>(&one);
    promise->set_value(wanted != nullptr ? std::move(*wanted) : Answer{});
  });
  return answer;
}

}  // namespace lazaret::faults

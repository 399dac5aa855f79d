// BrokerFixture: the engine on a real store in a directory of the test's own, and workers that consume from it.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <condition_variable>
#include <deque>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "engine/desk.h"
#include "engine/engine.h"

namespace lazaret::engine {

using namespace std::chrono_literals;

/// A client process with one connection. It keeps what it is told until the test takes it.
class Worker : public Outbox, public std::enable_shared_from_this<Worker> {
 public:
  struct Held {
    model::LeaseToken token;
    std::uint64_t consumer = 0;
    model::Delivered what;
    bool begun = false;
  };

  explicit Worker(std::uint8_t name);

  void connect(Engine& engine);
  /// Opens a consumer, presenting what is still held of the queue. Waits for the answer.
  model::ConsumerOpened consume(const QueueRef& queue, std::uint64_t number, std::uint64_t credit);
  void resumed() { engine_->instance_resumed(session_); }
  void end(Engine::End how) { engine_->end_session(session_, how); }
  /// Says that all that was delivered to this consumer so far has begun.
  void start(const Held& held);
  void settle(Held one, model::VerdictKind kind, bool confirm = false);
  /// The next delivery; nothing when none comes in time.
  std::optional<Held> take(std::chrono::milliseconds patience = 5000ms);
  /// The next answer of this kind; nothing when none comes in time.
  template <class Answer>
  std::optional<Answer> hear(std::chrono::milliseconds patience = 5000ms) {
    std::unique_lock lock(mutex_);
    std::optional<Answer> found;
    told_.wait_for(lock, patience, [&] {
      for (auto it = answers_.begin(); it != answers_.end(); ++it) {
        if (auto* answer = std::get_if<Answer>(&*it)) {
          found = std::move(*answer);
          answers_.erase(it);
          return true;
        }
      }
      return false;
    });
    return found;
  }
  const model::InstanceRecord& instance() const { return instance_; }
  /// What it was delivered and has not settled, by the subscription and the offset in the queue's log.
  std::map<std::pair<model::SubscriptionId, model::Offset>, Held> held;

  void tell(std::vector<model::Answer>&& answers) override;
  void resume_reading() override {}
  void replaced() override {}

 private:
  model::ConsumerKey key(std::uint64_t number) const { return {instance_.id, number}; }

  Engine* engine_ = nullptr;
  model::InstanceRecord instance_;
  model::SessionId session_;
  std::uint64_t last_request_ = 0;
  std::mutex mutex_;
  std::condition_variable told_;
  std::map<model::SubscriptionId, model::ShardId> shards_;  // GUARDED_BY(mutex_)
  std::deque<Held> deliveries_;                             // GUARDED_BY(mutex_)
  std::deque<model::Answer> answers_;                       // GUARDED_BY(mutex_)
};

class BrokerFixture : public ::testing::Test {
 protected:
  BrokerFixture();
  ~BrokerFixture() override;

  void start();
  /// Stops the engine and closes the store; without a drain, as after SIGKILL but with everything written.
  void stop();
  void open_store();

  template <class Answer, class Command>
  Answer ask(model::ShardId shard, Command command) {
    std::promise<Answer> promise;
    auto answer = promise.get_future();
    desk_->ask(shard, std::move(command), [&promise](model::Answer&& one) {
      if (auto* wanted = std::get_if<Answer>(&one)) {
        promise.set_value(std::move(*wanted));
      } else {
        promise.set_value({});
      }
    });
    if (answer.wait_for(20s) != std::future_status::ready) {
      ADD_FAILURE() << "no answer came";
      std::abort();
    }
    return answer.get();
  }
  QueueRef create(const std::string& name, model::QueueOptions options = {});
  model::Published publish(const QueueRef& queue, const std::vector<std::string>& bodies,
                           std::optional<model::ProducerId> producer = std::nullopt, std::uint64_t sequence = 0);
  model::QueueStats show(const QueueRef& queue);
  /// Waits until the queue's figures are as `wanted` says.
  bool eventually(const std::function<bool()>& wanted);
  void expect_sums(const QueueRef& queue);
  std::vector<model::CaseRecord> cases(const QueueRef& queue, model::CaseState state);
  std::vector<std::string> findings();
  std::shared_ptr<Worker> worker(std::uint8_t name);

  std::string dir_;
  EngineConfig config_;
  std::unique_ptr<model::Store> store_;
  std::unique_ptr<Clock> clock_;
  std::unique_ptr<Engine> engine_;
  std::shared_ptr<Desk> desk_;
};

}  // namespace lazaret::engine

// SmallBroker: shards, committer and TCP server of a daemon inside this process, on a store in memory that complains of
// whatever does not fit. Small enough to be started anew for every input of a fuzz target.
//
// Threading: one thread uses it.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "engine/desk.h"
#include "engine/engine.h"
#include "net/server.h"
#include "simulation/memory_store.h"

namespace lazaret::fuzz {

/// A clock that goes on by itself, and faster when it is told to.
class HurriedClock final : public engine::Clock {
 public:
  base::Instant now() const override { return clock_.now() + base::Duration(ahead_us_.load()); }
  void advance(base::Duration by) { ahead_us_.fetch_add(by.count()); }

 private:
  engine::SystemClock clock_{base::Instant{}};
  std::atomic<std::int64_t> ahead_us_{0};
};

/// A MemoryStore that several threads may use.
class SharedStore final : public model::Store {
 public:
  explicit SharedStore(std::uint16_t shards) : store_(shards) {}

  base::Result<std::vector<model::RecoveredShard>> recover() override;
  base::Status commit(std::span<const model::MutationGroup> groups, bool sync) override;
  base::Result<model::MessagePage> read_messages(model::ShardId shard, model::LogId log, model::Offset from,
                                                 model::Offset until, std::size_t max_messages,
                                                 std::size_t max_bytes) override;
  base::Result<model::MessagePage> read_prioritised(model::ShardId shard, model::LogId log, std::uint8_t priority,
                                                    model::Offset from, model::Offset until, std::size_t max_messages,
                                                    std::size_t max_bytes) override;
  base::Result<std::vector<model::RecoveredDelivery>> read_waiting(model::ShardId shard,
                                                                   model::SubscriptionId subscription,
                                                                   model::WaitingPlace after, std::size_t max) override;
  base::Result<std::vector<model::OutboxEntryRef>> read_outbox(model::ShardId shard, model::ShardId to,
                                                               std::uint64_t from, std::size_t max_entries,
                                                               std::size_t max_bytes) override;
  base::Result<model::CasePage> list_cases(const model::CaseQuery& query, const std::string& cursor,
                                           std::size_t max) override;
  base::Result<model::CaseCount> count_cases(const model::CaseQuery& query, const std::string& cursor) override;
  base::Result<model::GroupPage> list_groups(const model::CaseQuery& query, model::GroupSort sort,
                                             const std::string& cursor, std::size_t max) override;
  base::Result<model::GroupRecord> read_group(model::GroupId id) override;
  base::Result<model::CaseRecord> read_case(const model::CaseId& id) override;
  base::Result<std::vector<model::Attempt>> read_attempts(const model::CaseId& id) override;
  base::Result<std::optional<model::CaseId>> find_imported(model::ShardId shard, model::SubscriptionId subscription,
                                                           const model::CaseOrigin& origin) override;
  base::Result<std::vector<model::CaseEdit>> read_edits(const model::CaseId& id) override;
  base::Result<model::MessageRef> read_version(const model::CaseId& id, std::uint32_t version) override;
  base::Result<std::vector<model::ClosedCase>> read_closed(model::ShardId shard, model::SubscriptionId subscription,
                                                           const model::ClosedCase& after, std::size_t max) override;
  base::Result<model::CaseSums> case_sums(model::ShardId shard, model::SubscriptionId subscription) override;
  base::Result<std::vector<model::ReplayJobRecord>> read_replay_jobs() override;
  base::Result<model::ReplayChunk> read_replay_chunk(model::ReplayJobId job, std::uint32_t number) override;
  base::Result<model::AuditPage> read_audit(const model::AuditQuery& query, std::uint64_t before,
                                            std::size_t max) override;
  base::Result<model::KeptAlerts> read_alerts() override;
  base::Result<std::vector<model::GroupRecord>> recent_groups(base::Instant since, std::size_t max) override;
  base::Result<std::vector<model::CaseRecord>> oldest_open_cases(std::size_t max) override;
  model::StoreUsage usage() override { return {}; }
  base::Status flush() override { return {}; }
  base::Result<model::CheckReport> check(const std::function<bool(std::uint64_t)>& progress) override;
  base::Result<std::vector<model::BackupRecord>> list_backups(const std::string& directory) override {
    return store_.list_backups(directory);
  }
  base::Result<model::BackupRecord> back_up(const model::BackupPlan& plan,
                                            const std::function<bool(std::uint64_t)>& progress) override {
    return store_.back_up(plan, progress);
  }

  /// Power loss, while nobody uses it.
  void crash(std::size_t keep_unsynced);
  std::vector<std::string> complaints();

 private:
  std::mutex mutex_;
  simulation::MemoryStore store_;  // GUARDED_BY(mutex_)
};

class SmallBroker {
 public:
  static constexpr std::uint16_t kShards = 2;
  /// Small, so that what is too large is found soon.
  static constexpr std::uint64_t kMessageBytesMost = 16u << 10;

  SmallBroker();
  ~SmallBroker();

  /// Where it listens, on loopback.
  std::uint16_t port() const { return port_; }
  engine::Engine& engine() { return *engine_; }
  model::Store& store() { return store_; }

  /// Time passes for the engine; what is due then has been stepped when this returns.
  void advance(base::Duration by);
  /// No new leases, as before a stop.
  void drain();
  bool draining() const { return draining_; }
  /// Stops and starts. With `crash`, all but so many of the commits that were not synced are lost.
  void restart(std::optional<std::size_t> crash);
  /// Everything that was submitted before has been stepped by every shard.
  void settle_down();
  /// Asserts that all connections have ended with all they had under way, that every queue's sums are right, and that
  /// the store has seen nothing that contradicts it.
  void check();

  /// Asks a shard as an operator, and waits for the answer.
  template <class Command>
  model::Answer ask(model::ShardId shard, Command command);

 private:
  void start();
  void stop();

  SharedStore store_{kShards};
  HurriedClock clock_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<net::Server> server_;
  std::shared_ptr<engine::Desk> desk_;
  std::uint16_t port_ = 0;
  bool draining_ = false;
};

}  // namespace lazaret::fuzz

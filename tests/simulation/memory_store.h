// MemoryStore: a Store that keeps everything in memory, loses what is not synced when it is told to crash, and
// complains of every mutation that does not fit what is stored. It is the plain reading of model/mutation.h, against
// which the core is simulated.
//
// Threading: none; one thread uses it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "model/store.h"

namespace lazaret::simulation {

class MemoryStore final : public model::Store {
 public:
  explicit MemoryStore(std::uint16_t shards);

  // --- model::Store
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
  base::Result<model::CheckReport> check(const std::function<bool(std::uint64_t)>&) override {
    return model::CheckReport{};
  }
  base::Result<std::vector<model::BackupRecord>> list_backups(const std::string&) override {
    return base::Status(base::Code::BAD_REQUEST, "there are no backups of memory");
  }
  base::Result<model::BackupRecord> back_up(const model::BackupPlan&,
                                            const std::function<bool(std::uint64_t)>&) override {
    return base::Status(base::Code::BAD_REQUEST, "there are no backups of memory");
  }

  // --- For tests
  /// Power loss: of the commits after the last sync only the first `keep_unsynced` remain.
  void crash(std::size_t keep_unsynced = 0);
  /// A bit of this message flips: it is read as damaged from now on.
  void damage(model::LogId log, model::Offset offset);
  /// How many waiting records recovery returns; the others are named as parked.
  void set_waiting_in_memory(std::size_t most) { waiting_in_memory_ = most; }
  /// Mutations that contradicted what was stored, in words. Empty: all is well.
  const std::vector<std::string>& complaints() const { return complaints_; }
  /// Whether this message would be there after a crash.
  bool is_durable(model::LogId log, model::Offset offset) const;
  /// Where a log ends, what is not synced included.
  model::Offset end_of(model::LogId log) const;
  /// What a crash would leave of a subscription's state; null: nothing.
  const model::SubscriptionState* durable_subscription(model::SubscriptionId subscription) const;
  /// Whether a subscription has settled this message, and a crash would not change that; `written`: or a stop of the
  /// process only.
  bool is_settled(model::SubscriptionId subscription, model::Offset offset, bool written) const;
  /// Messages in runs, and copied out.
  std::size_t stored_messages(model::LogId log) const;
  std::size_t evacuated_messages(model::LogId log) const;
  std::size_t cases() const { return live_.cases.size(); }
  /// Cases that were closed by being sent elsewhere, at any time.
  std::uint64_t redirected() const { return live_.redirected; }
  /// Messages that the index of priorities names.
  std::size_t prioritised_messages(model::LogId log) const;
  /// How many message ids are kept for the deduplication of this log.
  std::size_t ids_of(model::LogId log) const;
  /// The attempts of a message that is not (yet) a case.
  std::vector<model::Attempt> attempts_of(model::SubscriptionId subscription, model::LogId log,
                                          model::Offset offset) const;
  /// How often a body of a transaction, "tx …", or a reply (ReplyText::name) was appended to this log, by what a crash
  /// has left.
  std::size_t times_appended(model::LogId log, const std::string& body) const;
  /// What shards owe each other.
  std::size_t owed() const;
  /// Requests of a queue, open and remembered.
  std::size_t requests(model::SubscriptionId subscription) const;
  /// Delivery records of a subscription, in its log and its lane.
  std::size_t delivery_records(model::SubscriptionId subscription) const;
  const model::SubscriptionState* subscription(model::SubscriptionId subscription) const;
  bool has_queue(const std::string& name) const;
  /// What is wrong with the chain of the audit trail, in words; "": nothing.
  std::string audit_problem() const;
  std::size_t audit_entries() const { return live_.audit.size(); }
  /// Groups whose counts are not those of their cases, in words.
  std::vector<std::string> miscounted_groups() const;

 private:
  using Place = std::pair<model::LogId, model::Offset>;
  struct Log {
    model::LogState state;
    std::map<model::Offset, std::vector<model::MessageRef>> runs;
    std::map<model::Offset, model::MessageRef> evacuated;
    std::map<model::ProducerId, model::RecoveredProducer> producers;
    std::vector<model::StoredIds> ids;
    std::set<std::pair<std::uint8_t, model::Offset>> prioritised;
    model::Offset end() const;
    model::MessageRef find(model::Offset offset) const;
    model::Offset explained_up_to(model::Offset at) const;
  };
  struct Subscription {
    std::optional<model::SubscriptionState> state;
    std::map<std::uint64_t, model::AckChunk> chunks;
    std::map<Place, model::DeliveryRecord> deliveries;
    struct InLane {
      model::CaseId id;
      bool edited = false;
      std::uint32_t failures_before = 0;
      bool single_attempt = false;
      std::string only_for{};
    };
    std::map<model::Offset, InLane> lane;
    std::map<model::MessageId, model::RequestRecord> requests;
    std::map<std::uint64_t, model::QuarantineRecord> quarantines;
  };
  struct Shard {
    model::ShardMeta meta;
    std::map<model::LogId, Log> logs;
    std::map<model::SubscriptionId, Subscription> subscriptions;
    std::map<model::InstanceId, model::InstanceRecord> instances;
    struct Outbox {
      std::uint64_t taken = 0;
      std::map<std::uint64_t, model::OutboxEntryRef> entries;
    };
    std::map<model::ShardId, Outbox> outboxes;
    std::map<model::ShardId, std::uint64_t> inboxes;
  };
  struct State {
    std::vector<Shard> shards;
    std::map<std::string, model::QueueRecord> queues;
    std::map<model::CaseId, model::CaseRecord> cases;
    std::map<std::pair<model::ShardId, model::GroupId>, model::GroupRecord> groups;
    std::map<model::CaseId, std::map<std::uint32_t, model::Attempt>> attempts;
    std::map<model::CaseId, std::vector<std::pair<model::CaseEdit, model::MessageRef>>> edits;
    std::map<std::pair<model::LogId, std::string>, std::size_t> transacted;
    std::uint64_t redirected = 0;
    struct ReplayJob {
      model::ReplayJobRecord record;
      std::map<std::uint32_t, model::ReplayChunk> chunks;
    };
    std::map<model::ReplayJobId, ReplayJob> replay_jobs;
    std::map<std::uint64_t, model::AuditEntry> audit;
    model::AuditPoint audit_anchor;
    base::Instant alerts_looked_at{};
    base::Duration alerts_case_age{};
    std::map<model::AlertId, model::AlertRecord> alerts{};
  };
  class Writer;

  model::RecoveredQueue recover(const model::QueueRecord& queue);
  std::vector<model::OrphanedCases> orphaned_cases(model::ShardId shard,
                                                   const std::set<model::SubscriptionId>& named) const;
  model::RecoveredSubscription recover(const Subscription& subscription);
  const Log* log(model::LogId id) const;

  State live_;
  State durable_;
  std::vector<std::vector<model::MutationGroup>> unsynced_;
  std::set<Place> damaged_;
  std::size_t waiting_in_memory_;
  std::vector<std::string> complaints_;
};

}  // namespace lazaret::simulation

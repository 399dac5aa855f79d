// Engine: runs the shards. Mailboxes in, group commits down, effects out; instances and their sessions beside them.
//
//   session ─submit─▶ mailbox ─▶ Shard::step ─▶ mutations ─▶ committer (one batch, one sync for all shards)
//                                     └─▶ effects ── held until their group is durable ──▶ Outbox::tell
//
// Threads: one per shard (steps), one committer (writes), one reader (pages for consumers that lag, timers of
// instances, disk space). What each may touch is said at its class.
//
// Threading: every public function may be called from any thread, `start` and `stop` from one.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/status.h"
#include "core/shard.h"
#include "engine/backups.h"
#include "engine/clock.h"
#include "engine/directory.h"
#include "engine/outbox.h"
#include "model/command.h"
#include "model/store.h"

namespace lazaret::engine {

struct EngineConfig {
  /// Acks that nobody asked to have confirmed are on the disk at most this much later; the others, if that is less,
  /// after ShardPipeline::kRideMost.
  base::Duration ack_sync_max = std::chrono::milliseconds(5);
  /// What was confirmed by queues with durability "relaxed" is on the disk at most this much later.
  base::Duration relaxed_sync_max = std::chrono::milliseconds(200);
  /// How long a confirm waits, at most, for consumers that its publisher outruns. 0: not at all.
  base::Duration confirm_hold_max = std::chrono::milliseconds(50);
  /// How long a lost instance may come back and keep what it had begun.
  base::Duration reconnect_grace = std::chrono::seconds(5);
  /// How long, after a start, messages wait for the instances that held them.
  base::Duration resume_grace = std::chrono::seconds(5);
  /// Publishes are refused when less than the larger of the two is free; looks, when less than an eighth of that is.
  std::uint64_t disk_reserve_bytes = 256ull << 20;
  double disk_reserve_percent = 5;
  /// The store's active memtables are trimmed and flushed when they reach five eighths of this: what is settled by then
  /// never reaches a file, and the store does not flush by itself (at seven eighths) before.
  std::uint64_t memtable_bytes = 64ull << 20;
  /// Where backups go, and how fast. Its reserve is the one above.
  BackupsConfig backups = {};
  /// How long entries of the audit trail are kept. 0: for ever.
  base::Duration audit_retain_for = std::chrono::hours(24 * 400);
  /// Seed of the jitter.
  std::uint64_t seed = 0;
  /// As core::ShardConfig.
  core::KeyOf key_of = nullptr;
  core::ReadFacts read_facts = nullptr;
  core::ReplyEnvelope reply_envelope = nullptr;
  /// Called on shards' threads when a circuit breaker opens or closes; nullptr: nobody wants to know.
  std::function<void(const core::BreakerChanged&)> on_breaker;
  /// The same when a hospital fills, is full, or has room again.
  std::function<void(const core::HospitalLevelChanged&)> on_hospital_level;
  /// Called once, on any thread, when a write failed. Must not return: the process has to end.
  std::function<void(const base::Status&)> on_fatal;
};

/// What health and metrics want to know of the whole engine.
struct EngineStats {
  std::uint64_t queues = 0;
  std::uint64_t sessions = 0;
  std::uint64_t instances = 0;
  std::uint64_t out = 0;               // deliveries that consumers have and have not settled
  std::uint64_t commits = 0;           // group commits
  std::uint64_t committed_groups = 0;  // shards' parts of them
  std::uint64_t steps = 0;
  std::uint64_t ingest_bytes = 0;  // read from connections and not yet durable
  std::uint64_t held_effects = 0;
  std::uint64_t confirms_held = 0;  // for consumers, since the start
  std::int64_t breakers_open = 0;   // or half open
  std::int64_t hospitals_full = 0;
  bool publishes_refused = false;  // short of disk space
  bool looks_refused = false;      // very short of it
  bool resuming = false;           // still waiting for instances after the start
  bool draining = false;
  base::Duration last_commit{};
  base::Duration relaxed_sync_max{};
  base::Duration longest_commit{};  // since the start
  model::StoreUsage store;
  BackupStats backups;
};

class AuditTrail;

class Engine {
 public:
  /// Recovers all shards from `store` and runs them. `store` and `clock` outlive the engine.
  static base::Result<std::unique_ptr<Engine>> start(EngineConfig config, model::Store& store,
                                                     std::vector<model::RecoveredShard> recovered, const Clock& clock);
  /// Calls stop().
  ~Engine();

  // --- Sessions -----------------------------------------------------------------------------------------------------

  /// A session that consumes or publishes for `instance`, which will have so many when all that it had are there again.
  /// The outbox is kept until end_session.
  model::SessionId open_session(std::shared_ptr<Outbox> outbox, const model::InstanceRecord& instance,
                                std::uint32_t connections = 1);
  /// A session of the broker's own (admin), of no instance.
  model::SessionId open_desk(std::shared_ptr<Outbox> outbox);
  /// Asks `old_session` to end as replaced and calls `done` when it has (at once when there is no such session of
  /// this instance). `done` runs on the thread that ends the old session.
  void replace_session(model::SessionId old_session, const model::InstanceId& instance, std::function<void()> done);
  /// The instance behind this session has opened all consumers of this session again (or has none to open).
  void instance_resumed(model::SessionId session);
  /// A heartbeat was missed, or something was heard again.
  void session_quiet(model::SessionId session, bool quiet);
  enum class End : std::uint8_t { goodbye, closed, silent, replaced };
  /// Everything that the session read has been submitted before. Nothing is told to its outbox afterwards, except
  /// what other threads are just telling it.
  void end_session(model::SessionId session, End how);

  // --- Work ---------------------------------------------------------------------------------------------------------

  /// Hands a command of this session to a shard. `bytes` is what it holds in memory beside itself (kCommandBytes).
  /// False: taken, but stop reading until Outbox::resume_reading (what waits has reached kIngestBytes).
  bool submit(model::SessionId session, model::ShardId shard, model::Command command, std::size_t bytes);
  std::uint16_t shard_count() const;

  /// What every call that changes something, or shows a message, goes through.
  AuditTrail& audit();
  Backups& backups();
  /// A look writes, since it is noted. RESOURCE_EXHAUSTED when less than an eighth of the disk's reserve is free: that
  /// is left for what settles and frees messages, and for changes.
  base::Status may_look() const;
  const Directory& directory() const;
  /// For what is only read: cases, attempts, messages.
  model::Store& store();
  EngineStats stats() const;
  base::Instant now() const;
  /// All that was done up to then can be read in the store, and nothing more will be done at such a time.
  base::Instant seen_until() const;

  // --- Stopping -----------------------------------------------------------------------------------------------------

  /// No new leases; every consumer is told ConsumerEnded(SHUTTING_DOWN) and asked for what has not begun.
  void drain();
  /// Commits what was submitted and joins the threads. Idempotent.
  void stop();

 private:
  struct Impl;
  explicit Engine(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
  std::unique_ptr<AuditTrail> audit_;
  std::unique_ptr<Backups> backups_;
};

}  // namespace lazaret::engine

// Store: all that the engine knows of storage.
//
// Threading: `commit` is called by one thread, the committer; everything else by any thread at any time.
// Readers see whole commits only.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/status.h"
#include "model/alert.h"
#include "model/audit_query.h"
#include "model/backup.h"
#include "model/case_list.h"
#include "model/case_record.h"
#include "model/ids.h"
#include "model/message.h"
#include "model/mutation.h"
#include "model/records.h"
#include "model/replay_job.h"

namespace lazaret::model {

// --- Recovery -------------------------------------------------------------------------------------------------------

struct RecoveredProducer {
  ProducerState state;
  std::vector<DedupEntry> window;  // ascending, within kDedupWindow below the highest
};
struct RecoveredLog {
  LogState state;  // `next` is the true end, looked up
  std::vector<RecoveredProducer> producers;
  /// Evacuated offsets, ascending.
  std::vector<Offset> evacuated;
  std::vector<StoredIds> ids;  // oldest first
};
struct RecoveredDelivery {
  LogId log;  // the log or the lane
  DeliveryRecord record;
};
struct RecoveredKey {
  Offset offset;
  KeyHash key;
  bool holds = true;  // of a case: what is behind it waits, where the queue says so
};
/// A closed case, as the store lists them: those that were closed first come first.
struct ClosedCase {
  base::Instant closed_at;
  LogId log;
  Offset offset;
  auto operator<=>(const ClosedCase&) const = default;
};
/// A case whose message was edited, open or closed.
struct EditedCase {
  Offset offset;
  std::uint32_t version = 0;  // the newest
};
/// Of all cases of a subscription together.
struct CaseSums {
  std::uint64_t bytes = 0;   // what they keep of messages (CaseRecord::kept_bytes)
  std::uint64_t closed = 0;  // how many are closed: discharged or discarded
  bool operator==(const CaseSums&) const = default;
};
struct RecoveredSubscription {
  SubscriptionState state;
  std::vector<AckChunk> chunks;  // of its one source, ascending
  /// Records in state granted or ready, all of them; of the waiting the earliest kWaitingInMemory.
  std::vector<RecoveredDelivery> deliveries;
  /// Offsets (of the log) of those that wait and are not in `deliveries`: all are due at or after its last one.
  std::vector<Offset> parked;
  /// The same of those that are `scheduled`.
  std::vector<Offset> parked_scheduled;
  /// Open cases, ascending: those admitted, and those replaying with their place in the lane.
  std::vector<Offset> admitted;
  std::vector<LaneEntry> lane;
  /// Closed cases that were discarded, ascending: their messages are kept.
  std::vector<Offset> discarded;
  std::vector<EditedCase> edited;             // ascending
  std::optional<base::Instant> first_closed;  // when the case was closed that has been closed longest
  CaseSums case_sums;
  /// Of a subscription that orders by key: the keys of those of `parked` whose records name one or none, and of the
  /// open cases that have one, by the offsets of their messages.
  std::vector<RecoveredKey> parked_keys;
  std::vector<RecoveredKey> case_keys;
  /// Requests, open and remembered, ascending by id.
  std::vector<RequestRecord> requests;
  /// Ascending by number.
  std::vector<QuarantineRecord> quarantines;
};
/// A queue, a topic or a subscription.
struct RecoveredQueue {
  QueueRef queue;
  RecoveredLog log;  // of a queue or a topic
  /// nullopt: the catalog knows the queue, but its shard has not yet written anything.
  std::optional<RecoveredSubscription> subscription;
};
/// What a shard owed another when the broker stopped: entries (taken, last].
struct RecoveredOutbox {
  ShardId to;
  std::uint64_t taken = 0;
  std::uint64_t last = 0;
};
struct RecoveredInbox {
  ShardId from;
  std::uint64_t taken = 0;
};
/// Closed cases of a subscription that the catalog does not name.
struct OrphanedCases {
  SubscriptionId subscription;
  base::Instant first_closed;  // when the one was closed that has been closed longest
};
/// State, never messages: what recovery reads is independent of the backlog.
struct RecoveredShard {
  ShardMeta meta;                         // epoch 0 when the directory is new
  std::vector<RecoveredQueue> queues;     // of this shard, ascending by subscription id
  std::vector<InstanceRecord> instances;  // connected or awaited when the broker stopped, ascending by id
  /// Subscriptions whose state says `deleting`, or that the catalog no longer names: to be finished.
  std::vector<RecoveredSubscription> orphans;
  std::vector<OrphanedCases> orphaned_cases;  // ascending
  std::vector<RecoveredOutbox> outboxes;      // ascending by shard, as are the inboxes
  std::vector<RecoveredInbox> inboxes;
  /// Shard 0: the newest entry of the audit trail, and when the oldest was written; never(): there is none.
  AuditPoint audit_head;
  base::Instant audit_oldest = base::Instant::never();
};

// --- Reading --------------------------------------------------------------------------------------------------------

struct PagedMessage {
  Offset offset;
  MessageRef message;  // null: damaged, or gone without an explanation
  /// Where it is null: it came with an imported case all the same, so by way of the log it is nobody's. Of the others
  /// the message says it.
  bool imported = false;
};
struct MessagePage {
  /// Ascending. Offsets that were trimmed are left out, except where they share a run with others.
  std::vector<PagedMessage> messages;
  /// Where the next page begins; everything before it is in this page or trimmed.
  Offset next;
};
struct StoreUsage {
  std::uint64_t disk_free_bytes = 0;
  std::uint64_t disk_total_bytes = 0;
  std::uint64_t data_bytes = 0;  // of the data directory, logs aside
  std::uint64_t memtable_bytes = 0;
  std::uint64_t trimmed_unflushed = 0;  // messages: what they take in files is freed behind the next flush
  std::uint64_t commits = 0;
  std::uint64_t syncs = 0;
  std::uint64_t written_bytes = 0;  // to the WAL
};
/// One thing that the integrity check found.
struct CheckFinding {
  std::string where;  // "queue orders", "log 12 offset 400", a file
  std::string what;   // a sentence
};
struct CheckReport {
  std::uint64_t queues = 0, topics = 0, subscriptions = 0, logs = 0, runs = 0, messages = 0, cases = 0, bytes = 0;
  std::uint64_t audit_entries = 0;
  std::vector<CheckFinding> findings;  // empty: all is well. At most 1,000
};

/// A place in the order in which messages of a subscription wait.
struct WaitingPlace {
  base::Instant due;
  LogId log;
  Offset offset;
  auto operator<=>(const WaitingPlace&) const = default;
  /// Behind all that are due then.
  static WaitingPlace behind(base::Instant due) { return {due, LogId(~0ull), Offset(~0ull)}; }
};

class Store {
 public:
  virtual ~Store() = default;

  /// All shards of the directory, in order. Called once, before the first commit.
  virtual base::Result<std::vector<RecoveredShard>> recover() = 0;

  /// Writes all groups in one batch and, when it returns OK with `sync`, they are on the disk. An error is final:
  /// the caller must end the process and never retry.
  virtual base::Status commit(std::span<const MutationGroup> groups, bool sync) = 0;

  /// Messages of `log` from `from` up to `until` (exclusive), at most so many and about so many bytes (one at least).
  /// Damage is in the page, not in the status; an error means that the log could not be read at all.
  virtual base::Result<MessagePage> read_messages(ShardId shard, LogId log, Offset from, Offset until,
                                                  std::size_t max_messages, std::size_t max_bytes) = 0;
  /// The same of those that were published with this priority, 1 to kHighestPriority, as far as its index names them.
  /// What is not there any more is left out.
  virtual base::Result<MessagePage> read_prioritised(ShardId shard, LogId log, std::uint8_t priority, Offset from,
                                                     Offset until, std::size_t max_messages, std::size_t max_bytes) = 0;
  /// Waiting records of a subscription behind `after`, in the order of their places.
  virtual base::Result<std::vector<RecoveredDelivery>> read_waiting(ShardId shard, SubscriptionId subscription,
                                                                    WaitingPlace after, std::size_t max) = 0;
  /// Entries that `shard` owes to `to`, from number `from` on, at most so many and about so many bytes (one at least,
  /// if there is one). STORAGE_DAMAGED when one cannot be read whole.
  virtual base::Result<std::vector<OutboxEntryRef>> read_outbox(ShardId shard, ShardId to, std::uint64_t from,
                                                                std::size_t max_entries, std::size_t max_bytes) = 0;
  /// A page of those that match, from the newest admission to the oldest, or as `by_message` says; it looks at a
  /// bounded number of cases. BAD_REQUEST for a cursor that is none.
  virtual base::Result<CasePage> list_cases(const CaseQuery& query, const std::string& cursor, std::size_t max) = 0;
  /// How many match. At once where the counts of groups say it, else as a page.
  virtual base::Result<CaseCount> count_cases(const CaseQuery& query, const std::string& cursor) = 0;
  /// REQUIRES that the query was checked (check_group_query).
  virtual base::Result<GroupPage> list_groups(const CaseQuery& query, GroupSort sort, const std::string& cursor,
                                              std::size_t max) = 0;
  /// NOT_FOUND when there is no such group.
  virtual base::Result<GroupRecord> read_group(GroupId id) = 0;
  /// NOT_FOUND when there is no such case.
  virtual base::Result<CaseRecord> read_case(const CaseId& id) = 0;
  virtual base::Result<std::vector<Attempt>> read_attempts(const CaseId& id) = 0;
  /// The case that this one became here, or that it is itself, when it comes from here; whatever its state. nullopt: it
  /// was not imported, or is not kept any more.
  virtual base::Result<std::optional<CaseId>> find_imported(ShardId shard, SubscriptionId subscription,
                                                            const CaseOrigin& origin) = 0;
  /// Who made its versions, from 1 on.
  virtual base::Result<std::vector<CaseEdit>> read_edits(const CaseId& id) = 0;
  /// The message as this version of the case has it, from 1 on. NOT_FOUND: there is none; null: it is damaged.
  virtual base::Result<MessageRef> read_version(const CaseId& id, std::uint32_t version) = 0;
  /// Closed cases of a subscription behind `after`, at most so many.
  virtual base::Result<std::vector<ClosedCase>> read_closed(ShardId shard, SubscriptionId subscription,
                                                            const ClosedCase& after, std::size_t max) = 0;
  /// Of all cases of a subscription together, without looking at them.
  virtual base::Result<CaseSums> case_sums(ShardId shard, SubscriptionId subscription) = 0;
  /// The records of all replay jobs, oldest first.
  virtual base::Result<std::vector<ReplayJobRecord>> read_replay_jobs() = 0;
  /// Part `number` of what a job was chosen for; an empty one when there is none.
  virtual base::Result<ReplayChunk> read_replay_chunk(ReplayJobId job, std::uint32_t number) = 0;
  /// Entries of the audit trail that match, from the newest below number `before` (0: from the newest) on; it looks at
  /// kAuditLooks at most. One that cannot be read has its number only.
  virtual base::Result<AuditPage> read_audit(const AuditQuery& query, std::uint64_t before, std::size_t max) = 0;

  /// What is kept of alerts.
  virtual base::Result<KeptAlerts> read_alerts() = 0;
  /// Groups whose newest admission came behind `since`, the newest first, at most so many.
  virtual base::Result<std::vector<GroupRecord>> recent_groups(base::Instant since, std::size_t max) = 0;
  /// Of each subscription that has admitted cases, those that were deleted too, the one admitted first; of at most so
  /// many subscriptions.
  virtual base::Result<std::vector<CaseRecord>> oldest_open_cases(std::size_t max) = 0;

  virtual StoreUsage usage() = 0;
  /// Moves what is in memory to SST files, so that the WAL gets short. Called by the committer's thread.
  virtual base::Status flush() = 0;
  /// Reads everything: checksums, indexes, the sums of invariant 10. `progress` gets the bytes read so far, every now
  /// and then; when it says false the check ends with CANCELLED.
  virtual base::Result<CheckReport> check(const std::function<bool(std::uint64_t)>& progress) = 0;

  /// Those of a directory, the newest first; none when it is not there.
  virtual base::Result<std::vector<BackupRecord>> list_backups(const std::string& directory) = 0;
  /// Copies all that was committed before the call, and perhaps later commits, each whole and none before an earlier
  /// one. When it returns OK the copy is on the disk; that older ones could not be dropped is `not_dropped` then.
  /// Commits go on meanwhile. `progress` gets the bytes copied so far; when it says false the backup ends with
  /// CANCELLED. It is called once more when the backup is whole, and then ends nothing. IN_USE: somebody else makes one
  /// there. RESOURCE_EXHAUSTED: the plan's reserve would be touched, or a disk is full. After an error nothing is left
  /// of the copy, and the store goes on.
  virtual base::Result<BackupRecord> back_up(const BackupPlan& plan,
                                             const std::function<bool(std::uint64_t)>& progress) = 0;
};

}  // namespace lazaret::model

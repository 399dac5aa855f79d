// Mutations: every change of state that the core can ask for. The core makes them, the committer writes them,
// and nothing else changes the store. The same list in the same order gives the same store, on any node.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "model/alert.h"
#include "model/audit_entry.h"
#include "model/case_record.h"
#include "model/group_record.h"
#include "model/ids.h"
#include "model/message.h"
#include "model/outbox_entry.h"
#include "model/quarantine.h"
#include "model/records.h"
#include "model/replay_job.h"
#include "model/request_record.h"

namespace lazaret::model {

// --- Logs -----------------------------------------------------------------------------------------------------------

/// Consecutive new messages of a log. The store joins neighbours of one group into runs, and notes those that have a
/// priority in the log's index of these.
struct AppendMessages {
  LogId log;
  Offset first;
  std::vector<MessageRef> messages;
};
/// Removes the runs of `range` (all of it is persisted) that lie wholly in what is trimmed, by `state`, the log's
/// record afterwards: a run that holds anything else stays. Nothing in the range is needed any more, except `evacuate`,
/// which is copied to `evacuated` in the same write.
struct TrimLog {
  OffsetRange range;
  std::vector<Offset> evacuate;
  LogState state;
  /// Of a log whose state says `prioritised`: what of the range stands in `evacuated` now. The index goes on naming it.
  std::vector<OffsetRange> copied;
};
/// The state of a log, by itself: a stretch of offsets was reserved, or left out.
struct PutLog {
  LogState state;
};
/// Nobody needs this evacuated message any more.
struct DropEvacuated {
  LogId log;
  Offset offset;
  /// The log is `prioritised`: its index may name the message.
  bool prioritised = false;
};
/// Nothing is left of the log: the index of what had a priority goes.
struct DropPriorities {
  LogId log;
};

// --- Subscriptions --------------------------------------------------------------------------------------------------

struct PutSubscription {
  SubscriptionState state;
};
/// Everything of a deleted subscription but its cases, their attempts and their evacuated messages. What is left of its
/// state says `deleting`, until DropQueue takes that too: a restart in between finds the deletion to be finished.
struct DropSubscription {
  SubscriptionId subscription;
  LogId log;
  LogId lane;
  /// The log is a topic's, and stays with all that belongs to it.
  bool keep_log = false;
};
/// Everything of a topic's log but what `kept` names of its evacuated messages.
struct DropLog {
  SubscriptionId topic;
  LogId log;
  std::vector<OffsetRange> kept;
};
struct PutAckChunk {
  SubscriptionId subscription;
  LogId log;
  AckChunk chunk;
};
struct DropAckChunk {
  SubscriptionId subscription;
  LogId log;
  std::uint64_t number = 0;
};
/// Of a message that is `scheduled` the store keeps its place in the schedule only.
/// `previous_due`: when the record that this one replaces waited on disk's schedule, its due time (else 0).
struct PutDelivery {
  SubscriptionId subscription;
  LogId log;
  DeliveryRecord record;
  base::Instant previous_due;
};
struct DropDelivery {
  SubscriptionId subscription;
  LogId log;
  Offset offset;
  base::Instant previous_due;
  /// Whoever drops it does not have it in memory: the store looks for `previous_due`.
  bool look_up = false;
};
/// All that is `scheduled`. REQUIRES that nothing else waits, or that it is dropped in the same group.
struct DropSchedule {
  SubscriptionId subscription;
};
/// An attempt of the message at (log, offset), the log it was published to, also when it came through the lane.
struct PutAttempt {
  SubscriptionId subscription;
  LogId log;
  Offset offset;
  Attempt attempt;
};
/// The message was settled without ever being a case: its history goes.
struct DropAttempts {
  SubscriptionId subscription;
  LogId log;
  Offset offset;
  std::uint32_t count = 0;  // attempts 1 to count; 0: all that there are
};

// --- The hospital: each is one transition of one case, whole --------------------------------------------------------

/// Admits a message, or, when the case exists, admits it again (a relapse: counts add up, first_admitted_at stays).
/// The store fills `record.summary` from the message. `lane_offset` is the entry that goes, on a relapse.
struct AdmitCase {
  CaseRecord record;
  bool relapse = false;
  Offset lane_offset;
  /// Of a subscription of several topics: their names, by which the store fills in `record.source` too.
  std::vector<std::pair<LogId, std::string>> topics;
};
/// admitted → replaying, with its new entry at the end of the lane.
struct ReplayCase {
  CaseId id;
  LogId lane;
  Offset lane_offset;
  /// Not 0: this version of the message is copied to `evacuated` under the entry's place, from where it is delivered.
  /// It goes with a DropEvacuated beside whatever takes the entry.
  std::uint32_t version = 0;
  std::uint32_t failures_before = 0;  // as LaneEntry says
  ReplayJobId job{};                  // that did it
  bool single_attempt = false;
  std::string only_for{};  // as LaneEntry says
  base::Instant at{};
  std::string by{};  // who asked for it, as CaseEvent says
};
/// replaying → admitted without having failed for good: a purge of the lane, or its queue is deleted. What was tried
/// counts: `attempt_count` is the length of the history now, `failures` those since the replay.
struct RecallCase {
  CaseId id;
  LogId lane;
  Offset lane_offset;
  std::uint32_t attempt_count = 0;
  std::uint32_t failures = 0;
  base::Instant at{};
  ReplayJobId job{};  // as CaseEvent says, and why
  std::string reason{};
};
/// replaying → discharged (acked after replay), or admitted → discharged (`late`: acked with its last token).
/// `drop_evacuated`: nobody needs the evacuated message any more.
struct DischargeCase {
  CaseId id;
  base::Instant at;
  bool late = false;
  LogId lane;
  Offset lane_offset;               // this and what follows is meaningless when it was admitted
  std::uint32_t attempt_count = 0;  // length of the history
  std::uint32_t failures = 0;       // since the replay
  bool drop_evacuated = false;
};
/// admitted → discarded.
struct DiscardCase {
  CaseId id;
  base::Instant at;
  std::string reason;
  bool drop_evacuated = false;
  std::string by{};  // as CaseEvent says
};

/// Of an admitted case: its message has a new version, one above the last.
struct EditCase {
  CaseId id;
  CaseEdit edit;
  MessageRef message;
};
/// discarded → admitted.
struct RestoreCase {
  CaseId id;
  base::Instant at{};
  std::string by{};  // as CaseEvent says
};
/// admitted → discharged: its message was published to `to` in the same write. `job`: that has sent it; none: by hand.
struct RedirectCase {
  CaseId id;
  base::Instant at;
  std::string to;
  bool drop_evacuated = false;
  ReplayJobId job{};
  std::string by{};  // as CaseEvent says
};
/// A case of another broker, with its history. Its message is appended to its log in the same write; this one has its
/// priority too, which the store fills `record.summary` from.
struct ImportCase {
  CaseRecord record;
  MessageRef message;
  std::vector<Attempt> attempts;
};
/// Everything of a case that was closed at that time, and is closed since, goes.
struct DropCase {
  CaseId id;
  base::Instant closed_at;
  bool drop_evacuated = false;
  /// The same only if it was discarded: whoever drops it does not know, since its queue was deleted.
  bool drop_discarded = false;
};

/// What enters a subscription again begins anew: its closed cases in `range`, and their attempts, go.
struct DropClosedCases {
  SubscriptionId subscription;
  LogId log;
  OffsetRange range;
};

/// What people have noted about a group; nothing if it is gone.
struct PatchGroup {
  GroupId id;
  GroupPatch patch;
  base::Instant at;
};

/// Shard 0: a replay job, as ReplayJobChange says.
struct PutReplayJob {
  ReplayJobChange change;
};
/// Shard 0: everything of it.
struct DropReplayJob {
  ReplayJobId job;
};

/// Shard 0: the newest entry of the audit trail, complete with its hash.
struct AppendAudit {
  AuditEntry entry;
};
/// Shard 0: of the oldest entries those go that were written before `older_than`, at most so many. The last of them is
/// the new anchor.
struct TrimAudit {
  base::Instant older_than;
  std::size_t max = 0;
};
/// Shard 0: alerts, as AlertChange says.
struct PutAlerts {
  AlertChange change;
};

/// A quarantine rule is there, or has caught something: its record as a whole.
struct PutQuarantine {
  QuarantineRecord record;
};
/// It was lifted, or its time is over.
struct DropQuarantine {
  SubscriptionId subscription;
  std::uint64_t number = 0;
};

// --- Deduplication --------------------------------------------------------------------------------------------------

/// What a producer published in this group, with its state afterwards.
struct PutDedup {
  LogId log;
  ProducerState producer;
  std::vector<DedupEntry> entries;  // ascending by sequence
};
/// Forgets this producer's sequences below `below`.
struct TrimDedup {
  LogId log;
  ProducerId producer;
  std::uint64_t below = 0;
};
struct DropProducer {
  LogId log;
  ProducerId producer;
};
/// Ids of messages that came in this group, of a log that deduplicates by them. At least one.
struct PutMessageIds {
  LogId log;
  StoredIds stored;
};
/// Forgets all groups of them whose last offset lies before `below`.
struct TrimMessageIds {
  LogId log;
  Offset below;
};

// --- Requests -------------------------------------------------------------------------------------------------------

/// A request was asked, or has changed: its record as a whole.
struct PutRequest {
  SubscriptionId subscription;
  RequestRecord record;
};
/// Nobody will be told of it any more.
struct DropRequest {
  SubscriptionId subscription;
  MessageId id;
};

// --- Between shards -------------------------------------------------------------------------------------------------

/// Messages that a transaction of this shard has published on another one: kept until they are durable there.
struct PutOutbox {
  OutboxEntryRef entry;
};
/// All entries for that shard up to `taken` are durable there. `first`: of those that go.
struct DropOutbox {
  ShardId to;
  std::uint64_t first = 0;
  std::uint64_t taken = 0;
};
/// All that `from` has handed over up to this number is in the logs of this shard, or had nowhere to go any more.
struct PutInbox {
  ShardId from;
  std::uint64_t taken = 0;
};

// --- Catalog (shard 0), instances, the shard itself -----------------------------------------------------------------

struct PutQueue {
  QueueRecord record;
};
struct DropQueue {
  std::string name;
};
struct PutInstance {
  InstanceRecord record;
};
struct DropInstance {
  InstanceId id;
};
/// Exactly one per shard and group, last.
struct PutShardMeta {
  ShardMeta meta;
};

using Mutation =
    std::variant<AppendMessages, TrimLog, PutLog, DropEvacuated, PutSubscription, DropSubscription, DropLog,
                 PutAckChunk, DropAckChunk, PutDelivery, DropDelivery, PutAttempt, DropAttempts, AdmitCase, ReplayCase,
                 RecallCase, DischargeCase, DiscardCase, DropClosedCases, PutDedup, TrimDedup, DropProducer, PutQueue,
                 DropQueue, PutInstance, DropInstance, PutShardMeta, DropSchedule, PutRequest, DropRequest, PutOutbox,
                 DropOutbox, PutInbox, PutMessageIds, TrimMessageIds, DropPriorities, PatchGroup, EditCase, RestoreCase,
                 RedirectCase, DropCase, ImportCase, PutReplayJob, DropReplayJob, PutQuarantine, DropQuarantine,
                 AppendAudit, TrimAudit, PutAlerts>;

/// What one shard writes in one commit.
struct MutationGroup {
  ShardId shard;
  std::vector<Mutation> mutations;
  /// It counts as persisted when it is written: all of it is of queues with durability "relaxed".
  bool relaxed = false;
};

}  // namespace lazaret::model

// Commands: what clients and operators ask of a shard. The core takes them as events; net and admin make them.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/boxed.h"
#include "base/time.h"
#include "model/accepted_types.h"
#include "model/alert.h"
#include "model/audit_entry.h"
#include "model/case_record.h"
#include "model/group_record.h"
#include "model/ids.h"
#include "model/message.h"
#include "model/records.h"
#include "model/replay_job.h"
#include "model/request_record.h"

namespace lazaret::model {

/// Who asked, and under which number the answer goes back. request 0: no answer is wanted.
struct Origin {
  SessionId session;
  std::uint64_t request = 0;
  bool operator==(const Origin&) const = default;
};

// --- Publishing -----------------------------------------------------------------------------------------------------

/// What is published with something else in one atomic write (core/transactions.cpp): all of it, to all these places,
/// or nothing.
struct Outgoing {
  struct To {
    ShardId shard;
    LogId log;  // a queue's or a topic's
    std::vector<std::shared_ptr<Message>> messages;
    /// Those of them that are durable requests, in their order; then it is a queue's log.
    std::vector<AskedAlong> asks{};
  };
  std::vector<To> to;
  /// Of a publish, whose log is then a queue's: its item is a durable request itself. `place` says nothing. Where its
  /// id was asked before with another reply queue, or without, nothing becomes of it: OPTIONS_MISMATCH.
  std::optional<AskedAlong> item{};
  /// Also where a message of the same id came lately, and the log deduplicates by ids.
  bool repeats = false;
  /// Whoever took it in says why nothing may become of it.
  base::Code problem = base::Code::OK;
};
using OutgoingRef = std::shared_ptr<const Outgoing>;

struct PublishItem {
  std::uint64_t sequence = 0;  // of the producer; 0: without deduplication
  std::shared_ptr<Message> message;
};
/// Answered by Published, one result an item, in order. Each item stands alone: one may be refused, the next taken.
struct Publish {
  Origin origin;
  LogId log;  // a queue's or a topic's
  std::optional<ProducerId> producer;
  std::vector<PublishItem> items;
  /// Of a publish of one item: what is published together with it, and whether it is a request. Where the item was
  /// stored before, or asked with the same reply queue, this was taken with it, and is passed over. Null: nothing.
  OutgoingRef outgoing = nullptr;
};
/// A message whose requester waits for a reply. Answered by Replied: once it has ended, and before that by the notes
/// that its responder sends. With an id that the queue's shard knows it joins that request, or gets its reply at once.
struct Request {
  Origin origin;
  SubscriptionId subscription;  // of a queue
  MessageId id;                 // of the message
  /// From now to the deadline.
  base::Duration time_left{};
  std::shared_ptr<Message> message;
  /// A durable request: answered by Asked when it is on the disk, and the reply goes there. With an id that is known
  /// it is not asked again. Null: whoever asks waits.
  ReplyAddressRef reply_to = nullptr;
};
/// Its requester on this session waits no more. If nobody else does, its deadline is now: what has not begun is not
/// delivered. Not answered.
struct CancelRequest {
  SessionId session;
  SubscriptionId subscription;
  MessageId id;
};
/// Whoever asked with this origin has gone, as if with a connection of his own: the request stays what it is, for
/// others who wait and for whoever asks again. Not answered, and neither is the Request any more.
struct LeaveRequest {
  Origin origin;  // of the Request
  SubscriptionId subscription;
  MessageId id;
};
/// What a responder says of a request whose message it does not have in hand (any more). Answered by Done: `count` is 1
/// if that is the reply, 0 if the request had ended.
struct AnswerRequest {
  Origin origin;
  SubscriptionId subscription;
  MessageId id;
  ResponderReplyRef reply;
};
/// Answered by ProducerOpened: the last sequence of this producer on this queue or topic.
struct OpenProducer {
  Origin origin;
  LogId log;
  ProducerId producer;
};

// --- Consuming ------------------------------------------------------------------------------------------------------

/// A token that the client still holds after a reconnect.
struct HeldToken {
  LeaseToken token;
  bool begun = false;
  std::uint64_t delivery = 0;  // its delivery sequence on the consumer, which goes on counting
};
/// Attaches a consumer, or attaches it again after a reconnect or a restart of the broker: `held` is then everything
/// that the client still has of this shard for it. Answered by ConsumerOpened.
struct OpenConsumer {
  Origin origin;
  ConsumerKey consumer;
  InstanceRecord instance;
  SubscriptionId subscription;
  std::uint64_t credit_messages = 0;
  std::uint64_t credit_bytes = 0;
  std::vector<HeldToken> held;
  /// So many bytes of deliveries of this shard may wait in the session's outbox, for all its consumers together; the
  /// session says what went out with Written. 0: it takes everything at once, and says nothing.
  std::uint64_t outbox_bytes = 0;
  AcceptedTypesRef accepts = nullptr;
};
/// Deliveries of so many bytes have left the session's outbox. Not answered.
struct Written {
  SessionId session;
  std::uint64_t bytes = 0;
};
/// Adds to the consumer's credit. Settling a message gives its credit back without this.
struct AddCredit {
  ConsumerKey consumer;
  SubscriptionId subscription;
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
};
/// Handlers are about to begin on all deliveries of this consumer up to `delivery`, a delivery sequence.
struct Started {
  ConsumerKey consumer;
  SubscriptionId subscription;
  std::uint64_t delivery = 0;
};
/// Goodbye of one consumer: what had not begun is released, what had begun keeps its lease.
struct CloseConsumer {
  Origin origin;
  ConsumerKey consumer;
  SubscriptionId subscription;
};

enum class VerdictKind : std::uint8_t {
  ack = 1,
  fail = 2,       // nack: a failed attempt
  reject = 3,     // to the hospital at once
  extend = 4,     // the lease: now + lease_duration
  release = 5,    // given back, no attempt
  not_begun = 6,  // given back although announced as started: it never was
};
struct Verdict {
  VerdictKind kind = VerdictKind::ack;
  LeaseToken token;
  ErrorReport error;             // fail, reject
  bool handler_timeout = false;  // fail: the SDK's longest processing time was over
  /// fail and release: when it may be delivered again, in place of the backoff.
  std::optional<base::Duration> delay;
  /// ack of a request: what its requester is told, in the same write. Null: nothing.
  ResponderReplyRef reply = nullptr;
  /// ack: what is published in the same write. Null: nothing.
  OutgoingRef outgoing = nullptr;
};
/// Answered by Settled, one result a verdict, unless origin.request is 0.
struct Settle {
  Origin origin;
  std::vector<Verdict> verdicts;
};

// --- Queues, topics and subscriptions -------------------------------------------------------------------------------

/// Shard 0. `ensure`: an existing queue with the same options is fine. Answered by QueueAnswer.
struct CreateQueue {
  Origin origin;
  std::string name;
  QueueOptions options;
  bool ensure = false;
  /// Put it on the shard of this queue or topic ("" for the broker's choice).
  std::string colocate_with;
  Kind kind = Kind::queue;
  std::string topic;  // of a subscription
  /// Of a subscription. A time in the future is INVALID_OPTION, or the latest where it is near. An offset is
  /// the first that there is from there on: whoever sends this has asked the topic's shard whether that lies beyond its
  /// end (start_problem).
  StartPoint start;
  /// Of a subscription of several topics, in place of `topic`: at least two, no two the same.
  std::vector<std::string> topics{};
};
/// Shard 0. Options that are not named stay as they are: two updates at the same time both hold. Answered by
/// QueueAnswer.
struct UpdateQueue {
  Origin origin;
  std::string name;
  base::Boxed<OptionsPatch> options;  // rare, and larger than any other command
};
/// Its own shard. NOT_EMPTY (of a topic: it has subscriptions) or IN_USE unless `force`. Answered by Done when it is
/// gone, with the open cases that stay in the hospital as its `count`.
struct DeleteQueue {
  Origin origin;
  SubscriptionId subscription;
  bool force = false;
};
/// Takes what is ready and waiting, and with `scheduled` also what was published with a delay that is not over.
/// Answered by Done with `count`.
struct PurgeQueue {
  Origin origin;
  SubscriptionId subscription;
  bool scheduled = false;
};
/// Takes one message whose delay is not over; by the id of a topic from all its subscriptions. It counts as purged.
/// Answered by Done with `count`, of subscriptions; NOT_FOUND when it is not, or not any more, scheduled.
struct CancelScheduled {
  Origin origin;
  SubscriptionId subscription;
  Offset offset;
};
/// Moves a subscription of a topic: forward, what lies between counts as purged; back, what was settled enters again,
/// but for what is a case that is not closed. Leases end, their tokens are void. INVALID_OPTION beyond the topic's end,
/// and for a time in the future, but for a near one, which is the latest (start_problem). Answered by SeekDone.
struct SeekSubscription {
  Origin origin;
  SubscriptionId subscription;
  StartPoint to;
};
/// Answered by QueueStats.
struct ShowQueue {
  Origin origin;
  SubscriptionId subscription;
};
/// The state of messages [from, from + count) on a subscription. Answered by MessageStates.
struct ShowStates {
  Origin origin;
  SubscriptionId subscription;
  std::optional<Offset> from;  // nullopt: the first that is not settled
  std::size_t count = 0;
};

// --- The hospital ---------------------------------------------------------------------------------------------------

/// Answered by CaseDone when the case is in its lane.
struct ReplayCaseCommand {
  Origin origin;
  CaseId id;
  /// Length of the history (`CaseRecord::attempt_count`) when whoever asks looked; numbers go on from there, or from
  /// what the shard knows to have come since.
  std::uint32_t attempts = 0;
  /// Of the message, as its case says.
  std::uint8_t priority = 0;
  /// Although it is a request that was answered meanwhile.
  bool force = false;
  /// Failed attempts of before that count against the limit: what is left of it is left, one at least.
  std::uint32_t failures_before = 0;
  /// Of a job, which wants the case as it is on record: CASE_BUSY when somebody has replayed it since.
  ReplayJobId job{};
  /// A canary: the first failure returns it to its case, whatever max_attempts says.
  bool single_attempt = false;
  /// Not "": a VersionRange. It goes only to consumers whose version is in it; NO_CONSUMER when none is attached.
  std::string only_for{};
  std::string by{};  // who asks, for the case's history; "" of a job
};
/// Returns what is in the replay lane, and not with a consumer, to its case. Answered by CaseDone.
struct RecallCaseCommand {
  Origin origin;
  CaseId id;
  ReplayJobId job{};  // that asks; the case's history says it
};
/// Shard 0: the record of a replay job, with those of its chunks that are new or have changed. Answered by Done.
struct SaveReplayJob {
  Origin origin;
  ReplayJobChange change;
};
/// Shard 0: everything of a job that has ended, but what it did to its cases. Answered by Done.
struct ForgetReplayJob {
  Origin origin;
  ReplayJobId job;
};
/// Shard 0: an entry of the audit trail, but for its number, time and hashes. Answered by Done when it is on the disk;
/// `count` is its number.
struct AppendAuditCommand {
  Origin origin;
  base::Boxed<AuditEntry> entry;  // rare, and large
};
/// Shard 0: alerts that are new or have changed, or go. Answered by Done.
struct SaveAlerts {
  Origin origin;
  AlertChange change;
};
/// A rule that sends messages to the hospital (core/quarantine.cpp). Answered by QuarantineAnswer with it, as are the
/// following: INVALID_OPTION for a filter that is none, RESOURCE_EXHAUSTED when there are too many.
struct AddQuarantine {
  Origin origin;
  SubscriptionId subscription;
  std::string filter;
  std::string reason;
  base::Instant until;  // 0: until it is lifted
};
/// What it has caught stays in the hospital. NOT_FOUND when there is no such rule, or not any more.
struct LiftQuarantine {
  Origin origin;
  SubscriptionId subscription;
  std::uint64_t number = 0;
};
/// Those of a subscription, or of all of the shard (0), behind `after`, ascending.
struct ListQuarantines {
  Origin origin;
  SubscriptionId subscription;
  std::pair<SubscriptionId, std::uint64_t> after;
  std::size_t max = 0;
};
/// Answered by CaseDone. Also of a queue that was deleted: whoever asks has read that the case is admitted.
struct DiscardCaseCommand {
  Origin origin;
  CaseId id;
  std::string reason;
  std::string by{};  // who asks, for the case's history
};
/// Answered by Done. To every shard that has the group: whoever asks has looked.
struct UpdateGroup {
  Origin origin;
  GroupId id;
  GroupPatch patch;
};

/// A new version of the message of an admitted case. Answered by CaseDone; STALE_VERSION when it has another version by
/// now than whoever asks has seen. Also of a queue that was deleted: whoever asks has read that the case is admitted.
struct EditCaseCommand {
  Origin origin;
  CaseId id;
  std::uint32_t version = 0;  // that was seen
  std::string by;
  std::string note;
  MessageRef message;
};
/// A discarded case is admitted again. Answered by CaseDone. Also of a queue that was deleted: whoever asks has read
/// that the case is discarded.
struct RestoreCaseCommand {
  Origin origin;
  CaseId id;
  KeyHash key;                // as its record says
  bool holds_key = true;      // what is behind it waits, where its subscription says so
  base::Instant closed_at{};  // as its record says: of a queue that was deleted only the store knows it
  std::string by{};           // who asks, for the case's history
};
/// The message of an admitted case is published elsewhere, and the case closed. Answered by CaseDone; STALE_VERSION as
/// for an edit. Also of a queue that was deleted: whoever asks has read that the case is admitted.
struct RedirectCaseCommand {
  Origin origin;
  CaseId id;
  std::uint32_t version = 0;  // of the message that is published
  std::string to;             // its name
  OutgoingRef outgoing;
  bool force = false;          // as for a replay
  ReplayJobId job{};           // as for a replay
  std::uint32_t attempts = 0;  // of a job: in its history, as whoever asks has read
  std::string by{};            // who asks, for the case's history
};
/// A case of another broker is admitted here, to a queue or a subscription, and to no other of its topic: whoever asks
/// has read that it was not brought before. Answered by CaseDone.
struct ImportCaseCommand {
  Origin origin;
  SubscriptionId subscription;
  ImportedCaseRef what;
};

using Command = std::variant<Publish, OpenProducer, OpenConsumer, Written, AddCredit, Started, CloseConsumer, Settle,
                             CreateQueue, UpdateQueue, DeleteQueue, PurgeQueue, SeekSubscription, ShowQueue, ShowStates,
                             ReplayCaseCommand, DiscardCaseCommand, CancelScheduled, Request, CancelRequest,
                             LeaveRequest, AnswerRequest, UpdateGroup, EditCaseCommand, RestoreCaseCommand,
                             RedirectCaseCommand, ImportCaseCommand, RecallCaseCommand, SaveReplayJob, ForgetReplayJob,
                             AddQuarantine, LiftQuarantine, ListQuarantines, AppendAuditCommand, SaveAlerts>;

}  // namespace lazaret::model

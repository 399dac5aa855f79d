// Events: everything that can happen to a shard. Read from top to bottom this is the table of contents of the
// delivery rules. Time, randomness and durability arrive here; the core asks for none of them.
#pragma once

#include <cstdint>
#include <variant>
#include <vector>

#include "base/time.h"
#include "model/answer.h"
#include "model/command.h"
#include "model/feed.h"
#include "model/ids.h"
#include "model/store.h"

namespace lazaret::core {

// --- From the engine: durability, time, pages -----------------------------------------------------------------------

/// All groups up to this one are on the disk (or, for lazy ones, written with a synced one).
struct Persisted {
  model::GroupNumber group;
};
/// Engine time has reached what `Shard::next_wakeup` asked for. Also the first event after a start.
struct WakeUp {};
/// What a LoadMessages effect asked for. Discarded when `generation` is not the subscription's any more.
struct MessagesLoaded {
  model::SubscriptionId subscription;
  std::uint64_t generation = 0;
  model::Offset from;
  model::MessagePage page;
  std::uint8_t priority = 0;
};
/// What a LoadOne effect asked for: the message of a retry or of a lane entry. Null: damaged.
struct OneLoaded {
  model::SubscriptionId subscription;
  std::uint64_t generation = 0;
  model::LogId log;  // of the entry: log or lane
  model::Offset offset;
  model::MessageRef message;
};
/// What a FindTime effect asked for: the first message that was published at that time or later, else the end of what
/// was looked at.
struct TimeFound {
  model::SubscriptionId subscription;
  model::Offset offset;
};
/// What a LoadWaiting effect asked for.
struct WaitingLoaded {
  model::SubscriptionId subscription;
  std::uint64_t generation = 0;
  std::vector<model::RecoveredDelivery> records;
};
/// What a LoadClosed effect asked for. `at_end`: there are no more.
struct ClosedLoaded {
  model::SubscriptionId subscription;
  std::vector<model::ClosedCase> cases;
  bool at_end = false;
};
/// What a CountHospital effect asked for.
struct HospitalCounted {
  model::SubscriptionId subscription;
  model::CaseSums sums;
};
/// The disk is short of space (publishes are refused) or has enough again.
struct DiskPressure {
  bool refuse_publishes = false;
  std::uint64_t free_bytes = 0;
  std::uint64_t reserve_bytes = 0;
};
/// The memtables are nearly full: trim what can be trimmed, before the switch.
struct TrimNow {};
/// The broker stops: no new leases; consumers get ConsumerEnded(SHUTTING_DOWN), what had not begun is recalled.
struct Drain {};

// --- From the engine: sessions and instances ------------------------------------------------------------------------

/// A session ended. All its frames were stepped before.
struct SessionEnded {
  model::SessionId session;
  enum class How : std::uint8_t {
    goodbye,   // every consumer of it says goodbye
    closed,    // closed or reset by the peer: what had not begun is released at once
    silent,    // nothing heard for two heartbeats: released when the instance is given up
    replaced,  // by a reconnect: consumers wait for their OpenConsumer with the tokens held
  } how = How::closed;
};
/// The instance has no live connection, or missed a heartbeat: its leases do not expire meanwhile.
struct InstanceAway {
  model::InstanceId instance;
};
/// It is connected again, and has opened all its consumers again.
struct InstanceBack {
  model::InstanceId instance;
};
/// reconnect_grace is over and it did not come back. `begun_total` counts what it had begun, on all shards.
struct InstanceLost {
  model::InstanceId instance;
  std::uint64_t begun_total = 0;
  bool speaks_started = true;
};
/// It said goodbye with its last connection: nobody waits for it any more.
struct InstanceGone {
  model::InstanceId instance;
};
/// After a restart: no awaited instance is missing any more, or resume_grace is over. What nobody claimed is granted.
struct ResumeOver {};

// --- From the engine: isolation (the instance record decides, design section 4) -------------------------------------

/// Some subscription isolates on this instance: grant nothing more to it and recall what has not begun.
struct InstanceReserved {
  model::InstanceId instance;
};
/// No shard has anything out to the reserved instance: its suspect may go.
struct IsolationReady {
  model::InstanceId instance;
  model::SubscriptionId subscription;
};
/// Another subscription isolates there already; ask for another instance, or again after InstanceFree.
struct ReservationRefused {
  model::InstanceId instance;
  model::SubscriptionId subscription;
};
/// The isolation on this instance is over.
struct InstanceFree {
  model::InstanceId instance;
};

// --- Between shards: the catalog (shard 0) and the owner of a queue -------------------------------------------------

/// To the owner: shard 0 has persisted this queue, or its new options.
struct QueueAssigned {
  model::QueueRef queue;
  bool created = false;  // false: other options; if it is gone meanwhile, they come too late
  bool ends = false;     // it goes: a feeder, or a subscription of several topics of which none is left
};
/// To shard 0: the owner has removed everything of this queue.
struct QueueRemoved {
  std::string name;
  model::SubscriptionId subscription;
};

// --- Between shards: what transactions publish (core/transactions.cpp) ----------------------------------------------

/// What another shard owes to this one; durable there.
struct HandedOver {
  model::ShardId from;
  model::OutboxEntryRef entry;
};
/// All that this shard handed over to `by` up to this number is durable there.
struct HandOverTaken {
  model::ShardId by;
  std::uint64_t taken = 0;
  model::SubscriptionId lost{};  // as ConfirmHandOver says
};
/// What a LoadOutbox effect asked for.
struct OutboxLoaded {
  model::ShardId to;
  std::vector<model::OutboxEntryRef> entries;
};

// --- Between shards: a topic and its subscriptions that have others beside it (core/fan_in.cpp) ----------------------

/// To the subscription's shard: messages that a feeder hands over, or none, to learn how far that is; durable there.
struct Fed {
  model::FeedLetterRef letter;
};
/// To the feeder's: everything of its topic up to `end` is durable there.
struct FeedTaken {
  model::SubscriptionId feeder;
  model::Offset end;
};

struct Event {
  base::Instant now;
  /// The group that the mutations of this step go into.
  model::GroupNumber group;
  using What = std::variant<
      model::Publish, model::OpenProducer, model::OpenConsumer, model::Written, model::AddCredit, model::Started,
      model::CloseConsumer, model::Settle, model::CreateQueue, model::UpdateQueue, model::DeleteQueue,
      model::PurgeQueue, model::SeekSubscription, model::ShowQueue, model::ShowStates, model::ReplayCaseCommand,
      model::DiscardCaseCommand, model::CancelScheduled, model::Request, model::CancelRequest, model::LeaveRequest,
      model::AnswerRequest, model::UpdateGroup, model::RecallCaseCommand, model::SaveReplayJob, model::ForgetReplayJob,
      model::EditCaseCommand, model::RestoreCaseCommand, model::RedirectCaseCommand, model::ImportCaseCommand,
      model::AddQuarantine, model::LiftQuarantine, model::ListQuarantines, model::AppendAuditCommand, model::SaveAlerts,
      Persisted, WakeUp, MessagesLoaded, OneLoaded, TimeFound, WaitingLoaded, DiskPressure, TrimNow, Drain,
      SessionEnded, InstanceAway, InstanceBack, InstanceLost, InstanceGone, ResumeOver, InstanceReserved,
      IsolationReady, ReservationRefused, InstanceFree, QueueAssigned, QueueRemoved, HandedOver, HandOverTaken,
      OutboxLoaded, Fed, FeedTaken, ClosedLoaded, HospitalCounted>;
  What what;
};

}  // namespace lazaret::core

// Effects: everything that a shard can ask the engine to do. Answers wait for the disk; the rest, marked below,
// is done at once, because nobody outside can see it before something durable follows.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "model/answer.h"
#include "model/breaker.h"
#include "model/feed.h"
#include "model/hospital_budget.h"
#include "model/ids.h"
#include "model/mutation.h"
#include "model/store.h"

namespace lazaret::core {

/// To a session, when the steps so far are durable. In step order per session.
struct Tell {
  model::SessionId session;
  model::Answer answer;
};

// --- Done at once ---------------------------------------------------------------------------------------------------

struct LoadMessages {
  model::SubscriptionId subscription;
  std::uint64_t generation = 0;
  model::LogId log;
  model::Offset from;
  model::Offset until;  // exclusive; persisted
  std::size_t max_messages = 0;
  std::size_t max_bytes = 0;
  std::uint8_t priority = 0;  // not 0: only those that were published with it
};
/// One message out of order: `source_*` says where it stands, `log` and `offset` which entry asks.
struct LoadOne {
  model::SubscriptionId subscription;
  std::uint64_t generation = 0;
  model::LogId log;
  model::Offset offset;
  model::LogId source_log;
  model::Offset source_offset;
};
/// Which message of [begin, end), all of it persisted, was the first to be published at `time` or later.
struct FindTime {
  model::SubscriptionId subscription;
  model::LogId log;
  model::Offset begin;
  model::Offset end;
  base::Instant time;
};
struct LoadWaiting {
  model::SubscriptionId subscription;
  std::uint64_t generation = 0;
  base::Instant after;
  std::size_t max = 0;
};
/// Closed cases, those closed longest first.
struct LoadClosed {
  model::SubscriptionId subscription;
  model::ClosedCase after;
  std::size_t max = 0;
};
/// What the cases of a subscription keep of messages, and how many are closed.
struct CountHospital {
  model::SubscriptionId subscription;
};
/// What this shard owes to another one, from a number on.
struct LoadOutbox {
  model::ShardId to;
  std::uint64_t from = 0;
  std::size_t max_entries = 0;
  std::size_t max_bytes = 0;
};
/// What this shard has out to an instance. `begun` counts, for a client that never says started, everything.
struct InstanceLoad {
  model::InstanceId instance;
  std::int64_t begun_change = 0;
  std::int64_t out_change = 0;  // granted and not settled, begun or not
};
/// The circuit breaker of a subscription has changed its state (core/breaker.h): for whoever watches.
struct BreakerChanged {
  model::QueueRef queue;
  model::BreakerState before = model::BreakerState::closed;
  model::BreakerStats breaker;
};
/// The hospital of a subscription is at another level of its budget: for whoever watches. After a start it says where
/// it is, if that is not `below`.
struct HospitalLevelChanged {
  model::QueueRef queue;
  model::HospitalLevel before = model::HospitalLevel::below;
  model::HospitalLevel level = model::HospitalLevel::below;
  std::uint64_t bytes = 0;
};
/// A subscription has suspects and wants this instance to itself.
struct ReserveInstance {
  model::InstanceId instance;
  model::SubscriptionId subscription;
};
/// It does not need the instance any more.
struct ReleaseInstance {
  model::InstanceId instance;
  model::SubscriptionId subscription;
};

// --- Done when durable, like answers --------------------------------------------------------------------------------

/// From shard 0 to the queue's owner (as QueueAssigned), and into the directory of names.
struct AssignQueue {
  model::QueueRef queue;
  bool created = false;  // false: other options
  bool ends = false;     // it goes
};
/// From the owner to shard 0 (as QueueRemoved). The name leaves the directory at once.
struct ForgetQueue {
  std::string name;
  model::SubscriptionId subscription;
};

/// From the shard of a transaction to the one of a log that it published to (as HandedOver).
struct HandOver {
  model::OutboxEntryRef entry;
};
/// From there back (as HandOverTaken).
struct ConfirmHandOver {
  model::ShardId to;
  std::uint64_t taken = 0;
  /// The last of it was a reply, and its queue is gone: of a request to this queue.
  model::SubscriptionId lost{};
};

/// From a feeder's shard to its subscription's (as Fed).
struct Feed {
  model::FeedLetterRef letter;
};
/// From there back (as FeedTaken).
struct ConfirmFeed {
  model::ShardId to;
  model::SubscriptionId feeder;
  model::Offset end;
};

using Effect = std::variant<Tell, LoadMessages, LoadOne, FindTime, LoadWaiting, InstanceLoad, ReserveInstance,
                            ReleaseInstance, AssignQueue, ForgetQueue, LoadOutbox, HandOver, ConfirmHandOver, Feed,
                            ConfirmFeed, LoadClosed, BreakerChanged, CountHospital, HospitalLevelChanged>;

/// What a step leaves behind. The engine hands the same object to many steps of one group.
struct Output {
  std::vector<model::Mutation> mutations;
  std::vector<Effect> effects;
  /// A mutation of this step must be durable before later effects leave. Stays false for acks: they ride the next
  /// group, at most ack_sync_max later.
  bool urgent = false;
  /// And durable means synced: something of this step is not of a queue with durability "relaxed".
  bool sync = false;
  /// Acks of this step are to be confirmed: their Settled needs this group, and may be overtaken by deliveries. A short
  /// ride is still theirs.
  bool rides = false;
  /// Somebody waits for what is in the group (a consumer is out of credit): let it go now, although nothing is urgent.
  bool hurry = false;
};

}  // namespace lazaret::core

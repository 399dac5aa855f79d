// What the store keeps beside messages: the state that a shard needs to go on after a restart.
// How each is laid out on disk: src/storage/FORMAT.md.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "model/case_record.h"
#include "model/ids.h"
#include "model/kind.h"
#include "model/message.h"
#include "model/options.h"
#include "model/start_point.h"

namespace lazaret::model {

/// One of the topics of a subscription that has several.
struct FanInSource {
  std::string topic;
  LogId log;              // of the topic, by which messages say where they come from
  ShardId shard;          // of the topic
  SubscriptionId feeder;  // what hands over its messages
  bool gone = false;      // the topic was deleted
  bool operator==(const FanInSource&) const = default;
};

/// Whom a feeder hands over to.
struct FeederTarget {
  SubscriptionId subscription;
  ShardId shard;
  std::string name;
  bool operator==(const FeederTarget&) const = default;
};

/// An entry of the catalog, which shard 0 owns: a queue, a topic, a subscription, or a feeder of one.
struct QueueRecord {
  std::string name;
  SubscriptionId subscription;  // of a topic: an id like any, that nobody consumes from
  LogId log;                    // its own, or its one topic's
  LogId lane;                   // the replay lane: its entries point to cases
  ShardId shard;                // chosen at creation, never recomputed; of what reads a topic's log: the topic's
  QueueOptions options;
  base::Instant created_at;
  Kind kind = Kind::queue;
  std::string topic;                 // of a subscription of one topic, or of a feeder
  StartPoint start;                  // of a subscription
  std::vector<FanInSource> sources;  // of a subscription of several topics: all that it ever had
  FeederTarget into;                 // of a feeder
  bool is_fan_in() const { return !sources.empty(); }
  /// Its log is a topic's, which others read as well.
  bool reads_topic() const { return kind == Kind::feeder || (kind == Kind::subscription && !is_fan_in()); }
  /// Its log is its own, and nobody else reads it.
  bool owns_log() const { return kind == Kind::queue || is_fan_in(); }
  /// Where its messages were published: the topic of a subscription of one, else itself. Of several, each says so.
  const std::string& source() const { return reads_topic() ? topic : name; }
  /// The same of one message of it.
  const std::string& source_of(const MessageSource& source) const;
  /// The topics of a subscription that are still there.
  std::vector<std::string> topics() const;
  bool operator==(const QueueRecord&) const = default;
};
/// There are many, and each is known in several places: they share it, and other options make another record.
using QueueRef = std::shared_ptr<const QueueRecord>;

/// In words, that these are not the topics of a subscription; "": they are, in whatever order.
std::string other_topics(const QueueRecord& record, std::vector<std::string> wanted);

/// The sums of invariant 10. `entered` = what is still on the subscription + in_hospital + the other sums.
struct Counters {
  std::uint64_t entered = 0;
  std::uint64_t acked = 0;
  std::uint64_t discarded = 0;
  std::uint64_t expired = 0;
  std::uint64_t purged = 0;
  std::uint64_t dropped = 0;
  std::uint64_t lost_to_retention = 0;
  std::uint64_t redirected = 0;
  std::uint64_t in_hospital = 0;  // cases in state admitted
  /// Not of that sum: replies that came when the request had ended, or was forgotten.
  std::uint64_t late_replies = 0;
  /// Nor: what its filter has turned away, or came into the topic with another subscription's case (an import), which
  /// do not count as entered.
  std::uint64_t filtered = 0;
  /// Nor: replies to durable requests whose reply queue was deleted before they came.
  std::uint64_t lost_replies = 0;
  bool operator==(const Counters&) const = default;
};

/// What a subscription has settled of one of its logs. A queue has one source.
struct SourceState {
  LogId log;
  /// Everything before it is settled.
  Offset cursor;
  /// High-water mark: only offsets below it may have been granted without a DeliveryRecord of their own.
  Offset mark;
  /// Settled stretches beyond the cursor, ascending, at most kAckRanges; more stand in AckChunks.
  std::vector<OffsetRange> settled;
  /// What lies before it is in `Counters::entered`. A publish to a topic writes nothing of its subscriptions, so the
  /// messages from here to the end of the log have entered as well.
  Offset entered_to;
  bool operator==(const SourceState&) const = default;
};

/// What a subscription of several topics has taken over of one of them.
struct TakenSource {
  LogId log;
  /// Everything before it was taken, or is nothing to it.
  Offset end;
  /// Of what the feeder has counted so far, what is in this subscription's counters.
  std::uint64_t lost = 0;
  std::uint64_t filtered = 0;
  bool operator==(const TakenSource&) const = default;
};

/// One small record per group and subscription: this is what an ack costs.
struct SubscriptionState {
  SubscriptionId subscription;
  LogId lane;
  Offset lane_next;  // where the next replay goes in the lane
  Counters counters;
  std::vector<SourceState> sources;
  /// Grants up to this one were given before it was moved: a restart takes none of their tokens.
  Grant void_grants;
  /// It is to begin with what was published from this time on, and which message that is, is being looked up. 0: no.
  base::Instant seeking;
  /// Of what it holds, about: of messages that left it without having been delivered the size may not be known.
  std::uint64_t bytes = 0;
  /// The queue is being deleted: cases keep their messages, everything else goes, step by step.
  bool deleting = false;
  /// Of a subscription of several topics.
  std::vector<TakenSource> taken;
  bool operator==(const SubscriptionState&) const = default;
};

/// Settled offsets of [number × kAckChunkOffsets, …): 4096 bits, offset order, least significant bit first.
struct AckChunk {
  std::uint64_t number = 0;
  std::vector<std::uint64_t> words;  // kAckChunkOffsets / 64
  bool operator==(const AckChunk&) const = default;
};

/// Where a message with a record of its own stands.
enum class DeliveryState : std::uint8_t {
  granted = 1,  // out to a consumer
  waiting = 2,  // until `due`: backoff, or a delay that a consumer asked for
  ready = 3,    // may be granted
};

/// A message (or lane entry) whose delivery is not its first. Written before the delivery leaves.
struct DeliveryRecord {
  Offset offset;  // in its log or lane
  DeliveryState state = DeliveryState::ready;
  Grant grant;  // the last one given; 0 if none is on record
  /// The consumer that has it, while granted.
  ConsumerKey consumer;
  std::uint32_t attempts = 0;  // in the history, over replays too
  std::uint32_t failures = 0;  // since admission to the subscription or the last replay
  std::uint32_t convictions = 0;
  bool suspect = false;
  base::Instant due;  // when waiting
  /// It waits for its first delivery, as its publisher asked; but for `due`, `offset` and `priority` nothing is set.
  bool scheduled = false;
  /// When granted: when the delivery began, as far as known (0: had not begun).
  base::Instant started_at;
  /// Of a subscription that orders by key: the key that it locks, or none. nullopt: not known, or it does not order.
  std::optional<KeyHash> key;
  /// Of its message.
  std::uint8_t priority = 0;
  bool operator==(const DeliveryRecord&) const = default;
};

/// An entry of a replay lane.
struct LaneEntry {
  Offset offset;  // in the lane
  CaseId target;
  std::uint32_t attempts = 0;  // length of the case's history
  std::uint8_t priority = 0;   // of its message
  /// The message was edited: its newest version of then stands in `evacuated` under this place in the lane.
  bool edited = false;
  std::uint32_t failures_before = 0;  // failed attempts before the replay that count against the limit all the same
  bool single_attempt = false;
  std::string only_for{};  // a VersionRange: only consumers of such a version get it; "": all do
  bool operator==(const LaneEntry&) const = default;
};

/// A place in a topic's log whose messages are kept or lost by age and size: what stands before `offset` was published
/// until `at`, and has `bytes` from the beginning of the log.
struct LogMark {
  Offset offset;
  base::Instant at;
  std::uint64_t bytes = 0;
  /// Of the offsets before it, how many count for no limit: LogState::uncounted as it was there.
  std::uint64_t uncounted = 0;
  bool operator==(const LogMark&) const = default;
};

/// The state of a log. Its end is found by looking at its last run (or here, when nothing is left).
struct LogState {
  LogId log;
  /// Nothing is stored at or beyond it. Written when a trim takes the last run, so that offsets are never reused.
  Offset next;
  /// Stretches whose runs were removed; what is still needed of them stands in `evacuated`. Ascending.
  std::vector<OffsetRange> trimmed;
  /// Offsets that an unclean start left out, because a relaxed log may have lost messages there. Ascending.
  std::vector<OffsetRange> gaps;
  /// Of a relaxed log: offsets below it may have been given to messages that are not on the disk, so an unclean start
  /// goes on there. It is on the disk before any of them is. At or below `next`: none.
  Offset reserved;
  /// Evacuated messages that cases of deleted subscriptions of a topic have, for as long as the topic is there.
  std::vector<OffsetRange> kept;
  /// Of a topic that keeps, or loses, messages by age or size. Ascending, at most kLogMarks.
  std::vector<LogMark> marks;
  /// Messages with a time to live of their own came to it since it was empty.
  bool expires = false;
  /// Messages with a priority came to it since it was empty.
  bool prioritised = false;
  /// Of a topic: offsets that nothing was published under, ever, so that no limit counts them: what came with imported
  /// cases, and what unclean starts left out.
  std::uint64_t uncounted = 0;
  bool operator==(const LogState&) const = default;
};

/// What one producer published to one log in one group.
struct DedupEntry {
  std::uint64_t sequence = 0;
  Offset offset;
  std::uint32_t body_crc = 0;
  bool operator==(const DedupEntry&) const = default;
};

/// The ids of messages that were stored in one group, and where.
struct StoredIds {
  struct One {
    MessageId id;
    Offset offset;
    bool operator==(const One&) const = default;
  };
  base::Instant at;
  std::vector<One> ids;  // ascending by offset
  bool operator==(const StoredIds&) const = default;
};

struct ProducerState {
  ProducerId producer;
  std::uint64_t highest = 0;
  base::Instant last_used;
  bool operator==(const ProducerState&) const = default;
};

/// An instance that had, or may still have, deliveries of this shard.
struct InstanceRecord {
  InstanceId id;
  std::string name;
  std::string host;
  std::string version;
  /// Whether it tells when a handler begins.
  bool speaks_started = true;
  bool operator==(const InstanceRecord&) const = default;
};

/// One per shard and group: what the group is.
struct ShardMeta {
  std::uint32_t epoch = 0;
  std::uint64_t applied_index = 0;  // groups applied, ever
  base::Instant engine_time;
  /// Shard 0 only: the next log and subscription id.
  std::uint64_t next_id = 1;
  bool operator==(const ShardMeta&) const = default;
};

}  // namespace lazaret::model

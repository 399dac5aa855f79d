// Shard: the delivery rules of one shard, as a deterministic state machine. It owns logs, subscriptions, what is in
// flight, and (shard 0) the catalog. It has no clock, no threads, no I/O and logs nothing.
//
// Threading: none of its own; one owner calls everything.
//
// Durability: `step` only says what should be written and told. Whoever calls it writes the mutations of a group
// before it does the effects of that group's steps (Output says which may go at once).
#pragma once

#include <cstdint>
#include <memory>

#include "base/time.h"
#include "core/effect.h"
#include "core/event.h"
#include "model/message_facts.h"
#include "model/store.h"

namespace lazaret::core {

/// The ordering key of a message, as its envelope has it. Pure: it is asked again after a restart.
using KeyOf = model::KeyHash (*)(const model::Message& message);

/// What a message says of itself. Pure, as that.
using ReadFacts = void (*)(const model::Message& message, model::MessageFacts& facts);

/// The envelope of a reply on its way to a reply queue. Pure, as those.
using ReplyEnvelope = base::SharedBytes (*)(const model::PublishedReply& reply);

struct ShardConfig {
  model::ShardId shard;
  /// Shards of the directory; shard 0 spreads new queues over them.
  std::uint16_t shards = 1;
  /// This start's number: the recovered epoch + 1. The upper 24 bits of every grant.
  std::uint32_t epoch = 1;
  /// For jitter.
  std::uint64_t seed = 0;
  /// Whether there is anybody to wait for after this start. If not, ResumeOver need not come.
  bool awaiting_instances = false;
  /// Asked by subscriptions that order by key only. nullptr: no message has a key.
  KeyOf key_of = nullptr;
  /// Asked by subscriptions that have a filter, and where a consumer says what it accepts, only. nullptr: they say
  /// nothing.
  ReadFacts read_facts = nullptr;
  /// Asked by durable requests only. nullptr: their replies have no envelope.
  ReplyEnvelope reply_envelope = nullptr;
  /// How long confirms are held for consumers that are about to fall behind, at most (core/flow_control.cpp). 0: never.
  base::Duration confirm_hold_max{};
  /// Messages that wait for the consumers of a subscription, in memory, before they count as about to fall behind.
  std::size_t hold_above_messages = model::limits::kTailMessages / 2;
  /// Shard 0: how long entries of the audit trail are kept. 0: for ever.
  base::Duration audit_retain_for{};
  /// Shard 0 only: the whole catalog, all shards' queues.
  std::vector<model::QueueRef> catalog;
};

class Shard {
 public:
  Shard(ShardConfig config, model::RecoveredShard recovered, base::Instant now);
  ~Shard();
  Shard(Shard&&) noexcept;

  /// One event. Appends to `out`.
  void step(Event event, Output& out);
  /// Ends a group: appends the records of which there is one per group (subscription states, dedup, ack chunks).
  /// ShardMeta is added by the engine, with `next_id` from here.
  void seal(Output& out);
  /// Whether seal would append something.
  bool has_unsealed() const;
  std::uint64_t next_id() const;
  /// When the next WakeUp is due; Instant::never() when nothing waits for time.
  base::Instant next_wakeup() const;
  /// Confirms that waited, or wait, for consumers to catch up (core/flow_control.cpp), since the start.
  std::uint64_t confirms_held() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace lazaret::core

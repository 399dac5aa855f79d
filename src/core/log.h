// Log: an append-only sequence of messages on this shard, and who reads it: the one subscription of a queue, or those
// of a topic, of which there may be none.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/fifo.h"
#include "base/on_demand.h"
#include "core/dedup.h"
#include "core/flow_control.h"
#include "core/interval_set.h"
#include "core/recent_ids.h"
#include "model/command.h"
#include "model/message.h"
#include "model/records.h"

namespace lazaret::core {

struct Subscription;

/// Of a topic: see QueueOptions.
struct Retention {
  base::Duration retain_for{};
  base::Duration age{};
  std::uint64_t messages = 0;
  std::uint64_t bytes = 0;
  static Retention of(const model::QueueOptions& options) {
    return {options.retain_for, options.retention_age, options.retention_messages, options.retention_bytes};
  }
  bool operator==(const Retention&) const = default;
};

/// Of each priority, from 1, behind the last message that came with it.
using PriorityEnds = std::array<model::Offset, model::kHighestPriority>;

struct Log {
  model::LogState state;                                          // but `trimmed` and `kept`; `next` is kept current
  bool changed = false;                                           // its state goes into this group
  bool is_topic = false;                                          // else it is a queue's own
  bool limited = false;                                           // it is a queue's that holds so much at most
  bool deleting = false;                                          // nothing is published to it any more
  bool relaxed = false;                                           // durability of its queue or topic
  model::Offset persisted_end;                                    // everything before it is on the disk
  base::Fifo<std::pair<model::GroupNumber, model::Offset>> ends;  // not yet durable
  base::OnDemand<std::map<model::ProducerId, ProducerWindow>> producers;
  base::OnDemand<std::set<model::ProducerId>> changed_producers;
  std::unique_ptr<RecentIds> ids;  // where it deduplicates by them
  IntervalSet trimmed;
  IntervalSet evacuated;
  IntervalSet kept;  // of `evacuated`, what cases of deleted subscriptions of a topic have
  std::uint64_t bytes_since_trim = 0;
  base::Instant last_trim;
  model::Offset head_looked_to;  // the lowest cursor when what is before it was last looked at
  model::Offset trim_looked_to;  // stretches beyond the cursors were looked at up to here
  model::Offset drained_at;      // the log's end when it was last trimmed with nothing left
  std::vector<Subscription*> readers;
  HoldingRest holding_rest;
  std::unique_ptr<PriorityEnds> priority_ends;  // where any came with a priority since it was empty

  // --- Of a topic that keeps or loses messages by age or size
  Retention retention;
  bool retains = false;        // it has any of those limits
  bool marks_changed = false;  // they, or how many offsets are uncounted, go into this group
  std::uint64_t bytes = 0;     // of all messages that were ever published to it, about
  model::Offset kept_before;   // when it was last trimmed for that
  model::Offset lost_to;       // what lies before it was lost to retention, where it was not read
  base::Instant alarm = base::Instant::never();

  /// Its end, as a mark.
  model::LogMark end_mark(base::Instant now) const { return {state.next, now, bytes, state.uncounted}; }
  /// The first offset that may be there.
  model::Offset begin() const { return trimmed.next_missing(model::Offset(0)); }
  /// What a subscription can begin with; what was lost may not be trimmed yet.
  model::Offset first_kept() const { return std::max(begin(), lost_to); }
};

/// A topic that is this shard's. Its subscriptions are subscriptions like any.
struct Topic {
  model::QueueRef record;
  Log* log = nullptr;  // which says when it is being deleted
  model::Origin delete_origin;
};

}  // namespace lazaret::core

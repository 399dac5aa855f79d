// Subscription: a cursor over a log, a queue's own or a topic's, and every message on it that is not simply before or
// after.
//
//   fresh ─▶ granted ─▶ settled                    Only messages that are, or have been, granted have an Entry;
//              │  ▲                                fresh ones are just offsets at or beyond the frontier.
//              ▼  │
//      waiting ─▶ ready ─▶ …                       Suspects are ready too, but go out alone (isolation).
//                                                  With ordering keys: core/key_locks.h.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/fifo.h"
#include "base/on_demand.h"
#include "core/ack_set.h"
#include "core/breaker.h"
#include "core/case_book.h"
#include "core/fan_in.h"
#include "core/flow_control.h"
#include "core/interval_set.h"
#include "core/key_locks.h"
#include "core/log.h"
#include "core/position.h"
#include "core/priority_levels.h"
#include "core/quarantine.h"
#include "core/type_lines.h"
#include "model/answer.h"
#include "model/command.h"
#include "model/filter.h"
#include "model/limits.h"
#include "model/records.h"

namespace lazaret::core {

struct Consumer;
struct InstanceView;
struct PendingRequest;

/// Parked messages read at once.
inline constexpr std::size_t kParkedPage = model::limits::kPageMessages * 4;

/// An attempt without the details of its error, but for the functions that these name.
struct EndedAttempt : model::Attempt {
  std::string frames;
};

/// A message that was granted at least once, or waits for its time, and is not settled.
struct Entry {
  Position position;
  model::DeliveryState state = model::DeliveryState::ready;
  /// The last grant. While granted, the one valid token.
  model::Grant grant;
  /// While granted: who has it. nullptr: reserved after a restart for `holder`.
  Consumer* consumer = nullptr;
  model::ConsumerKey holder;
  std::uint64_t delivery = 0;
  std::uint32_t bytes = 0;

  bool begun = false;
  bool isolated = false;  // this grant is alone with its instance
  bool suspect = false;
  bool has_record = false;  // a DeliveryRecord is on disk
  bool redelivered = false;
  bool interrupted = false;  // an `interrupted` attempt goes into the history with the next grant
  bool loading = false;      // a LoadOne is under way
  bool scheduled = false;    // it waits for its first delivery, as its publisher asked
  // Of a subscription that orders by key.
  bool key_known = false;
  bool waits_for_key = false;   // ready, but the key is somebody else's
  bool single_attempt = false;  // of an entry of the lane: its first failure returns it to its case
  std::uint8_t priority = 0;    // of its message
  model::KeyHash key;           // none: its order does not matter
  // Ready, and set aside because nobody accepts it: where, and what of `message` is counted there.
  TypeLines::Line* line = nullptr;
  std::uint32_t bytes_aside = 0;
  std::uint32_t attempts = 0;  // ended ones, in the history
  std::uint32_t failures = 0;
  std::uint32_t convictions = 0;
  base::Instant due;           // while waiting
  base::Instant recorded_due;  // the due time that the record on disk has (0: none)
  base::Instant started_at;
  base::Instant deadline = base::Instant::never();
  std::set<std::pair<base::Instant, Position>>::iterator deadline_at;  // unless it is never
  // Of an entry of the lane.
  std::optional<model::CaseId> replays;
  std::uint32_t failures_before = 0;  // failed attempts before the replay that count all the same
  VersionRangeRef only_for;           // the versions of consumers that it may go to, if not to all
  bool edited = false;                // its message stands in `evacuated`, under its place in the lane
  /// For a retry: loaded before it is granted.
  model::MessageRef message;
  /// The attempt that ended last, while its token may still say something about it.
  std::unique_ptr<EndedAttempt> last_attempt;
};

/// What a session's outbox has room for: deliveries of this shard that are told and have not gone out.
struct OutboxRoom {
  std::uint64_t bytes_most = 0;
  std::uint64_t bytes_used = 0;
  bool full() const { return bytes_most != 0 && bytes_used >= bytes_most; }
};

/// A consumer, attached or (while it has something out) detached.
struct Consumer {
  model::ConsumerKey key;
  model::SubscriptionId subscription;
  InstanceView* instance = nullptr;  // which stays as long as it has consumers
  model::SessionId session;          // 0: detached
  OutboxRoom* room = nullptr;        // of its session, while it is attached
  /// Who hears that a lease has ended: its session, also when the consumer was closed and a handler still runs.
  model::SessionId listener;
  model::ConsumerInfo info;
  bool speaks_started = true;
  bool ended = false;  // gets nothing more
  model::AcceptedTypesRef accepts;
  std::uint64_t credit_messages = 0;
  std::uint64_t credit_bytes = 0;
  /// Out and not settled, or settled by something that is not durable yet.
  std::uint64_t used_messages = 0;
  std::uint64_t used_bytes = 0;
  std::uint64_t last_delivery = 0;
  std::map<std::uint64_t, Position> out;  // by delivery sequence
  std::uint64_t begun_up_to = 0;          // all of `out` up to here have begun
  /// Credit that comes back when a group is durable.
  struct Return {
    model::GroupNumber group;
    std::uint64_t messages = 0;
    std::uint64_t bytes = 0;
  };
  std::deque<Return> returns;
};

/// Messages that were parked in one group. A page of what waits that was read before that group was written says of
/// them what was true before, or nothing.
struct ParkedLately {
  model::GroupNumber group;
  base::Instant earliest;  // due
  IntervalSet offsets;
};

/// Who isolates for this subscription, and how far that is.
struct Isolation {
  enum class Phase { none, asked, ready } phase = Phase::none;
  model::InstanceId instance;
  std::optional<Position> out;  // the suspect that is with it
};

/// What a subscription takes of its topic.
struct SubscriptionFilter {
  model::Filter filter;
  std::optional<model::Offset> wanted;  // the last one that it takes
};

struct Subscription {
  model::QueueRef queue;
  model::Counters counters;
  AckSet acked;
  Log* log = nullptr;
  std::uint64_t bytes = 0;   // of what it holds, about; where the log is its own
  model::Offset entered_to;  // what lies before it is in `counters.entered`

  // --- The replay lane and the open cases
  model::Offset lane_next;
  IntervalSet admitted;                                         // offsets of cases in state admitted
  base::OnDemand<std::map<model::Offset, model::Offset>> lane;  // origin offset → lane offset, of replaying cases
  std::unique_ptr<CaseBook> book;                               // where there ever was a case

  // --- What is in flight
  std::map<Position, Entry> entries;
  ReadyLine returned;  // ready, never failed: first in line
  ReadyLine retries;   // ready after a failure or a delay, or from the lane
  ReadyLine suspects;  // ready, to go alone
  base::OnDemand<std::set<std::pair<base::Instant, Position>>> waiting;
  base::OnDemand<std::set<std::pair<base::Instant, Position>>> deadlines;  // of begun leases
  std::uint64_t leased = 0;
  std::uint64_t leased_retries = 0;
  /// Waiting, but only on the disk: those due at or after `parked_from`, when there were too many for the memory.
  IntervalSet parked;
  IntervalSet parked_scheduled;           // the same of those that wait for their first delivery
  std::uint64_t scheduled_in_memory = 0;  // of `waiting`
  base::Instant parked_from = base::Instant::never();
  base::Fifo<ParkedLately>
      parked_lately;  // not on the disk when the page that is under way, or the next, was asked for
  std::size_t parked_page = kParkedPage;
  bool loading_waiting = false;
  std::uint32_t loads_under_way = 0;

  // --- Fresh messages
  model::Offset frontier;     // the next to be granted for the first time is at or beyond it
  model::Offset window_next;  // where the window goes on
  base::Fifo<model::PagedMessage> window;
  std::uint64_t window_bytes = 0;
  bool loading_window = false;
  TakingRate taking;             // from `frontier`
  std::uint64_t generation = 1;  // of loads; a purge or the end of the resume phase makes a new one
  model::Offset mark;            // high-water mark, as it will be or is on the disk
  model::Offset durable_mark;
  base::Fifo<std::pair<model::GroupNumber, model::Offset>> marks;  // not yet durable
  /// Unsettled offsets below it, without an entry, may have begun before the restart.
  model::Offset recovered_mark;

  // --- What has a priority (core/priority.cpp): all that is said above of ready and fresh ones is without it
  std::unique_ptr<PriorityLevels> levels;

  // --- Times to live: when it is looked for what is past its time
  base::Instant sweep_at = base::Instant::never();
  base::Instant swept_at;
  bool sweeping = false;  // and something has to be read first
  // --- Order
  std::unique_ptr<KeyLocks> keys;  // where it orders by key
  // --- What it takes, and what nobody accepts (core/filtering.cpp, core/accepting.cpp)
  std::unique_ptr<SubscriptionFilter> filter;
  std::unique_ptr<TypeLines> aside;
  bool choosy = false;  // some consumer accepts certain types only, or some message is for certain versions only
  /// That replays are for, as long as there are some.
  base::OnDemand<std::map<std::string, std::weak_ptr<const model::VersionRange>>> ranges;
  // --- Of several topics (core/fan_in.cpp)
  std::unique_ptr<FanIn> fan_in;
  std::unique_ptr<Feeder> feeder;     // it is what hands over to one of these: nobody consumes from it
  std::uint64_t failed_attempts = 0;  // since the start
  // --- While something has failed lately, or had
  std::unique_ptr<Breaker> breaker;
  // --- Rules that send messages to the hospital
  std::unique_ptr<Quarantine> quarantine;
  // --- Requests, by their messages; those of `pending_requests` that are its
  base::OnDemand<std::map<model::Offset, PendingRequest*>> requests;

  // --- Who consumes
  std::vector<Consumer*> consumers;  // in order of attachment
  Isolation isolation;
  base::Instant unused_until = base::Instant::never();  // of an ephemeral one without a consumer: then it goes
  bool deleting = false;
  model::Offset deletes_to;  // no case of it lies behind that; its deletion goes on when all before it is on the disk
  model::Origin delete_origin;
  std::optional<base::Instant> seeking;  // which message was published then is being looked up
  bool finding = false;                  // the store has been asked
  model::Origin seek_origin;             // who is told
  model::Grant void_grants;              // given before it was moved
  bool dirty = false;                    // its record goes into this group
  base::Instant alarm = base::Instant::never();

  /// Whether a case needs the message.
  bool has_case_of(model::Offset offset) const {
    return admitted.contains(offset) || lane.contains(offset) || (book != nullptr && book->discarded.contains(offset));
  }
  bool is_lane(model::LogId id) const { return id == queue->lane; }
  bool is_relaxed() const { return log->relaxed; }
  bool is_parked(model::Offset offset) const { return parked.contains(offset) || parked_scheduled.contains(offset); }
  bool has_parked() const { return !parked.empty() || !parked_scheduled.empty(); }
  std::uint64_t scheduled() const { return scheduled_in_memory + parked_scheduled.size(); }
  /// Whether messages of it may have an end.
  bool expires() const { return feeder == nullptr && (queue->options.ttl.count() > 0 || log->state.expires); }
  /// Not settled, wherever it stands; lane entries included.
  std::uint64_t unsettled() const { return acked.unsettled_below(log->state.next) + lane.size(); }
};

}  // namespace lazaret::core

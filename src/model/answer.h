// Answers: what a shard tells a session. They are released only when everything that they could have seen is
// durable, in step order per session.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/breaker.h"
#include "model/case_record.h"
#include "model/hospital_budget.h"
#include "model/ids.h"
#include "model/message.h"
#include "model/quarantine.h"
#include "model/records.h"
#include "model/request_record.h"

namespace lazaret::model {

struct PublishResult {
  base::Code code = base::Code::OK;
  Offset offset;
  bool duplicate = false;  // it was stored before: this is the offset of then
};
struct Published {
  std::uint64_t request = 0;
  std::vector<PublishResult> results;
  /// For refusals: which limit, its value, when to try again.
  base::Status status;
};
struct ProducerOpened {
  std::uint64_t request = 0;
  base::Status status;
  std::uint64_t last_sequence = 0;
};

struct ConsumerOpened {
  std::uint64_t request = 0;
  base::Status status;
  /// Which of the tokens that were presented are still good, in the order in which they were presented.
  std::vector<bool> held;
  base::Duration lease_duration{};
};
struct Delivered {
  std::uint64_t delivery = 0;  // rises by one per consumer from 1
  LogId log;                   // of the token: the queue's log, or its lane
  Offset offset;               // of the token
  Grant grant;
  std::uint32_t attempt = 1;
  bool redelivered = false;
  bool isolated = false;  // begin nothing else until this one is settled
  Offset source_offset;   // in the log that it was published to
  MessageRef message;
  base::Instant deadline{};  // of a request; 0: it is none
};
struct Deliver {
  ConsumerKey consumer;
  SubscriptionId subscription;
  ShardId shard;
  std::vector<Delivered> messages;
};
/// Give back, as not begun, everything of this consumer that has not begun: the broker makes room for a suspect.
struct Recall {
  ConsumerKey consumer;
  /// Only these, by their delivery sequence: requests whose deadline has passed. Empty: everything.
  std::vector<std::uint64_t> deliveries{};
};
/// These leases have ended without the consumer's doing.
struct LeaseEnded {
  ConsumerKey consumer;
  std::vector<LeaseToken> tokens;
};
/// The consumer gets nothing more: its queue was deleted, or the broker stops.
struct ConsumerEnded {
  ConsumerKey consumer;
  base::Status status;
};

/// Where a message is whose lease is lost.
enum class Whereabouts : std::uint8_t {
  unknown = 0,
  leased = 1,  // to somebody else
  acked = 2,
  in_case = 3,
  purged = 4,
  ready = 5,    // waiting to be granted anew
  expired = 6,  // past its time to live, and dropped
};
struct VerdictResult {
  base::Code code = base::Code::OK;
  Whereabouts where = Whereabouts::unknown;  // with LEASE_LOST
  std::optional<CaseId> case_id;             // with in_case, and with OK when the verdict made it a case
  bool late = false;                         // accepted after the lease had ended
  std::string text = {};                     // why what was to go with an ack cannot, where a session knows
};
struct Settled {
  std::uint64_t request = 0;
  std::vector<VerdictResult> results;
};

/// To whoever asked: how its request ended or, not `final`, what its responder says on the way.
struct Replied {
  std::uint64_t request = 0;
  base::Status status;  // not OK: there is no such request, and will be none
  RequestOutcome outcome = RequestOutcome::open;
  Reached reached = Reached::unknown;  // timed_out
  bool late = false;
  bool final = true;
  std::string reason;             // declined, failed
  std::optional<CaseId> case_id;  // failed
  MessageRef message;             // answered, or a note
};

/// A durable request is on the disk.
struct Asked {
  std::uint64_t request = 0;
  base::Status status;
  Offset offset;
  bool duplicate = false;  // it had been asked before, and stands there
};

struct QueueAnswer {
  std::uint64_t request = 0;
  base::Status status;
  QueueRef queue;        // nullptr where it was refused
  bool created = false;  // false: it was there, with the same options
};
/// For what has no answer of its own.
struct Done {
  std::uint64_t request = 0;
  base::Status status;
  std::uint64_t count = 0;
};
/// Where a subscription was moved to.
struct SeekDone {
  std::uint64_t request = 0;
  base::Status status;
  Offset offset;              // the first that it reads, if it is not settled
  std::uint64_t entered = 0;  // again
  std::uint64_t purged = 0;   // left behind unread
};
struct ConsumerStats {
  ConsumerInfo info;
  std::uint64_t in_flight = 0;
  std::uint64_t begun = 0;
  // What may keep it from getting more.
  std::uint64_t credit_messages = 0, credit_bytes = 0;
  std::uint64_t used_messages = 0, used_bytes = 0;
  bool outbox_full = false;            // it does not read
  bool away = false;                   // its instance is silent or lost
  bool isolating = false;              // a suspect is tried on its instance
  bool standby = false;                // it is not, or not yet, the single active one
  std::vector<std::string> accepts{};  // the types that it takes; none: everything
};
/// Of one topic of a subscription of several, as its feeder counts.
struct SourceStats {
  std::string topic;
  std::uint64_t lag = 0;  // not taken over yet
  std::uint64_t lost_to_retention = 0;
  std::uint64_t filtered = 0;
  std::uint64_t damaged = 0;  // cases of messages that could not be read there
  double retention_used = 0;
};
struct QueueStats {
  std::uint64_t request = 0;
  base::Status status;
  QueueRecord queue;
  std::uint64_t ready = 0, leased = 0, waiting = 0, scheduled = 0, held = 0;
  std::uint64_t suspects = 0;
  std::uint64_t failed_attempts = 0;  // since the broker was started
  Counters counters;
  /// Offset of the oldest ready message, when there is one and it is known; its time is read from the store.
  std::optional<base::Instant> oldest_ready_at;
  Offset oldest_ready;
  Offset cursor;                          // everything before it is settled
  Offset log_begin;                       // the first that may be there
  std::uint64_t bytes = 0;                // of what it holds, about
  bool seeking = false;                   // to a time that is being looked up
  std::optional<base::Instant> next_due;  // of those in memory that wait
  double retention_used = 0;              // of what its topic allows; at 1 messages are lost unread
  Offset log_end;
  /// Offsets that unclean starts left out (durability "relaxed"): they were never a message, or one that was lost.
  std::uint64_t offsets_left_out = 0;
  std::vector<ConsumerStats> consumers;
  std::uint64_t subscriptions = 0;  // of a topic
  /// Of a subscription that orders by key: it remembers as many held messages as it may (kHeldMessages), so a message
  /// of a locked key lets nothing by that is behind it.
  bool held_full = false;
  std::uint64_t pending_requests = 0;  // that have not ended
  /// Ready ones that were met, and that no consumer accepts; what the first of them is; and whether so many are set
  /// aside (kAsideMessages) that the next lets nothing by that is behind it.
  std::uint64_t unaccepted = 0;
  std::string unaccepted_type;
  std::string unaccepted_schema;
  std::string unaccepted_versions{};  // that it is replayed to, if it is to some only
  bool aside_full = false;
  /// Of a subscription of several topics: filled in by whoever asks its feeders too.
  std::vector<SourceStats> sources{};
  BreakerStats breaker{};
  /// What its cases keep of messages, which `hospital_max_bytes` bounds (model/hospital_budget.h).
  std::uint64_t hospital_bytes = 0;
  HospitalLevel hospital_level = HospitalLevel::below;
  /// Closed cases that are still kept, as the store counted last, which `case_retention_count` bounds; and how many of
  /// them were discarded, the others were discharged.
  std::uint64_t closed_cases = 0;
  std::uint64_t discarded_cases = 0;
  /// Quarantine rules, and what those that there are have caught.
  std::uint64_t quarantines = 0;
  std::uint64_t caught_by_quarantines = 0;
};
enum class MessageState : std::uint8_t {
  settled = 0,
  ready = 1,
  leased = 2,
  waiting = 3,
  in_hospital = 4,
  replaying = 5,
  scheduled = 6,  // waits for its first delivery, as its publisher asked
  held = 7,       // its ordering key is locked
};
struct MessageStates {
  std::uint64_t request = 0;
  base::Status status;
  struct Item {
    Offset offset;
    MessageState state = MessageState::ready;
    std::uint32_t attempt = 0;  // attempts so far, the running one included
    bool redelivered = false;
    std::optional<base::Instant> until;  // of a wait or a lease
    std::optional<ConsumerInfo> consumer;
    /// It waits for its ordering key, which the message, or the case of the message, at this offset has.
    std::optional<Offset> held_by;
    bool unaccepted = false;  // it is ready, and no consumer accepts it
  };
  Offset first_unsettled;
  Offset log_end;
  std::vector<Item> items;
};
struct CaseDone {
  std::uint64_t request = 0;
  base::Status status;
  CaseId id;
  std::uint64_t lane_offset = 0;
  std::uint32_t version = 0;  // of an edit or a redirection: the newest, also where it is refused for that
  bool known = false;         // of an import: it was brought before
};

/// The rule that was added or lifted, or those that were asked for.
struct QuarantineAnswer {
  std::uint64_t request = 0;
  base::Status status;
  std::vector<QuarantineRecord> rules;
};

using Answer =
    std::variant<Published, ProducerOpened, ConsumerOpened, Deliver, Recall, LeaseEnded, ConsumerEnded, Settled,
                 QueueAnswer, Done, QueueStats, MessageStates, CaseDone, SeekDone, Replied, Asked, QuarantineAnswer>;

}  // namespace lazaret::model

// The hospital's records: an attempt of a delivery, and the case of a message that failed.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "model/ids.h"
#include "model/message.h"

namespace lazaret::model {

/// How a delivery that began, or may have begun, ended.
enum class AttemptOutcome : std::uint8_t {
  running = 0,  // has not ended
  acked = 1,
  nacked = 2,           // failed: the consumer said so
  lease_expired = 3,    // failed
  handler_timeout = 4,  // failed: the SDK gave up on its handler
  consumer_lost = 5,    // failed: the instance died over it
  rejected = 6,
  released = 7,     // given back after it had begun; nobody's fault
  interrupted = 8,  // the broker died, or its instance died with several begun; nobody's fault
};
/// Whether it counts against max_attempts, unless it is `uncounted`.
constexpr bool is_failure(AttemptOutcome outcome) {
  return outcome == AttemptOutcome::nacked || outcome == AttemptOutcome::lease_expired ||
         outcome == AttemptOutcome::handler_timeout || outcome == AttemptOutcome::consumer_lost;
}
std::string_view to_string(AttemptOutcome outcome);

/// What a consumer says of a failure. Cut to the limits by the wire; a cut text ends in "… [cut]".
struct ErrorReport {
  std::string type;
  std::string message;
  std::string details;
  bool operator==(const ErrorReport&) const = default;
};

/// Who a message was delivered to, as the hospital shows it.
struct ConsumerInfo {
  std::string name;
  std::string host;
  std::string version;
  InstanceId instance;
  bool operator==(const ConsumerInfo&) const = default;
};

struct Attempt {
  std::uint32_t number = 0;  // from 1, over replays too
  ConsumerInfo consumer;
  base::Instant started_at;
  base::Instant ended_at;
  AttemptOutcome outcome = AttemptOutcome::running;
  ErrorReport error;
  /// An ack came after the lease had ended and before the message was granted anew.
  bool late = false;
  /// A failure that does not count against max_attempts: the circuit breaker was not closed.
  bool uncounted = false;
  bool operator==(const Attempt&) const = default;
};

inline bool counts(const Attempt& attempt) { return is_failure(attempt.outcome) && !attempt.uncounted; }

enum class CaseReason : std::uint8_t {
  attempts_exhausted = 1,
  killed_workers = 2,
  rejected = 3,
  expired = 4,
  quarantined = 5,
  damaged = 6,
};
/// Whether the messages of its key wait for the case, where on_key_failure is "hold": not if nobody has failed it.
constexpr bool holds_key(CaseReason reason) {
  return reason != CaseReason::expired && reason != CaseReason::quarantined;
}
std::string_view to_string(CaseReason reason);
std::optional<CaseReason> parse_case_reason(std::string_view text);

enum class CaseState : std::uint8_t { admitted = 1, replaying = 2, discharged = 3, discarded = 4 };
std::string_view to_string(CaseState state);
std::optional<CaseState> parse_case_state(std::string_view text);

/// What became of the last replay of a case.
enum class ReplayOutcome : std::uint8_t {
  none = 0,        // never replayed, or not yet
  queued = 1,      // in its replay lane, or with a consumer
  discharged = 2,  // acked
  relapsed = 3,    // failed again
  recalled = 4,    // returned to its case before it had an outcome: recalled, purged, or its queue was deleted
  refused = 5,     // of a case of a job: it could not be replayed
  other = 6,       // of a case of a job: somebody replayed it anew, or it went, before its outcome was seen
};
std::string_view to_string(ReplayOutcome outcome);
std::optional<ReplayOutcome> parse_replay_outcome(std::string_view text);

/// What a list of cases shows of the message; filled in by the store from the envelope when the case is admitted.
/// Empty for a damaged message.
struct MessageSummary {
  MessageId message_id;
  std::string type;
  std::string key;
  std::string correlation_id;
  std::uint64_t body_bytes = 0;
  std::uint8_t priority = 0;
  MessageSource published;  // with a log where that is not the case's own
  bool operator==(const MessageSummary&) const = default;
};

/// An edit of a case's message: who made version `version` of it, and when. Version 0 is what was published, and has
/// none.
struct CaseEdit {
  std::uint32_t version = 0;
  base::Instant at;
  std::string by;
  std::string note;
  bool operator==(const CaseEdit&) const = default;
};

/// What was done to a case, or became of it, after it was admitted. Edits of its message are CaseEdits.
enum class CaseChange : std::uint8_t {
  replayed = 1,
  recalled = 2,    // returned to its case: recalled, purged, or its queue was deleted
  relapsed = 3,    // failed again
  discharged = 4,  // acknowledged
  discarded = 5,
  restored = 6,
  redirected = 7,
};
std::string_view to_string(CaseChange change);
std::optional<CaseChange> parse_case_change(std::string_view text);

/// One entry of a case's history. Small on the disk: a job makes two for each of a million cases.
struct CaseEvent {
  base::Instant at;
  CaseChange what = CaseChange::replayed;
  std::string by{};      // who asked for it; "": a job did, or nobody
  ReplayJobId job{};     // that did it
  std::string reason{};  // of a discard, or of a recall that nobody asked for; "": none was given
  std::string to{};      // redirected: where it was published
  bool operator==(const CaseEvent&) const = default;
};

/// Which case it was, of one that was imported from elsewhere. The time tells brokers apart whose ids are the same.
struct CaseOrigin {
  CaseId id;
  MessageId message_id;
  base::Instant admitted_at;  // for the first time
  auto operator<=>(const CaseOrigin&) const = default;
};

/// A case. The message itself stays in its log, or in `evacuated` when the log around it is trimmed; the
/// attempts stand beside it under the same id.
struct CaseRecord {
  CaseId id;
  std::string subscription;  // the name at admission; ids are never reused, names may be
  std::string source;        // the queue or topic
  MessageSummary summary;
  CaseReason reason = CaseReason::attempts_exhausted;
  CaseState state = CaseState::admitted;
  std::uint32_t attempt_count = 0;  // length of the history, over all replays
  std::uint32_t failure_count = 0;  // failed attempts, over all replays
  std::uint32_t replay_count = 0;
  std::uint32_t relapse_count = 0;
  ErrorReport last_error;     // details left out
  base::Instant admitted_at;  // of the last admission: a relapse renews it
  base::Instant first_admitted_at;
  base::Instant closed_at;  // discharged or discarded; 0 while open
  /// Discharged by an ack that came after the admission.
  bool late_ack = false;
  std::string discard_reason;
  /// The key of the message, which an open case locks where on_key_failure is "hold". Filled in by the store where the
  /// core does not know it.
  KeyHash key;
  /// Who had it when it failed, as consumers call themselves; "" where nobody had it.
  std::string consumer_name;
  std::string consumer_version;
  /// The top of the stack that the last error came with, at most three functions, one a line (model/fingerprint.h).
  std::string error_frames;
  /// The cases of the same cause. Filled in by the store when the case is admitted.
  GroupId group;
  /// Of its message, the newest; 0: as it was published.
  std::uint32_t version = 0;
  /// Discharged by being published there instead.
  std::string redirected_to;
  bool is_open() const { return state == CaseState::admitted || state == CaseState::replaying; }
  /// The job that replayed it last (none: somebody did by hand, or nobody), written in the same write: a case that has
  /// a job's number was replayed by that job already.
  ReplayJobId replay_job;
  ReplayOutcome replay_outcome = ReplayOutcome::none;
  /// Reason `quarantined`: the number of the rule.
  std::uint64_t quarantine = 0;
  std::optional<CaseOrigin> origin;
  /// What its message takes as it was published, headers and body, filled in by the store when the case is admitted;
  /// and what all edited versions of it take together.
  std::uint64_t message_bytes = 0;
  std::uint64_t edited_bytes = 0;
  /// What it keeps of them: of a discharged case the message is nobody's any more. As the hospital's budget counts.
  std::uint64_t kept_bytes() const { return (state == CaseState::discharged ? 0 : message_bytes) + edited_bytes; }
  /// What was done to it, the oldest first: the newest kCaseHistory, and how many more there were. Written with the
  /// change itself, so it costs nothing of a case to which nothing was done.
  std::vector<CaseEvent> history{};
  std::uint64_t history_left_out = 0;
  void note(CaseEvent event);
  /// Where the message has its offset in `source`.
  Offset source_offset() const { return summary.published.log ? summary.published.offset : id.offset; }
  /// It is that case, or became it here: what an import must not bring again.
  bool is_or_was(const CaseOrigin& other) const {
    const bool is_it =
        id == other.id && summary.message_id == other.message_id && first_admitted_at == other.admitted_at;
    return is_it || origin == other;
  }
  bool operator==(const CaseRecord&) const = default;
};

/// A case that was replayed has failed again: `now` says how, and the rest stays as it was. Its group is made anew.
/// `keeps_source`: of a subscription of several topics, where `now` does not know it.
CaseRecord relapsed(const CaseRecord& before, const CaseRecord& now, bool keeps_source);

/// What is known of a case that comes from elsewhere.
struct ImportedCase {
  CaseOrigin origin;
  CaseReason reason = CaseReason::attempts_exhausted;
  ErrorReport last_error;
  std::string error_frames;  // as CaseRecord says, and the consumer too
  std::string consumer_name;
  std::string consumer_version;
  std::vector<Attempt> attempts;   // numbered from 1
  std::vector<CaseEvent> history;  // as CaseRecord says; of no job, whose number would be another's here
  std::uint64_t history_left_out = 0;
  MessageRef message;
};
using ImportedCaseRef = std::shared_ptr<const ImportedCase>;

}  // namespace lazaret::model

// The rules of a replay job, without thread, clock or store: what it does next, given what is known of its cases.
//
//              pause          resume         cancel, recall   by itself
//   choosing   paused         -              cancelled        canary or running: the set is known; done: it is empty
//   canary     paused         -              cancelled        running: enough were cured; stopped: too few
//   running    paused         -              cancelled        finishing: all are sent; stopped: too many have failed
//   paused     -              as before      cancelled        -
//   finishing  -              -              cancelled        done: all have an outcome; stopped: too many have failed
//   done       refused        refused        refused          -
//   cancelled  refused        refused        recalls          -
//   stopped    refused        refused        recalls          -
//
// A job that was cancelled, or has stopped, sends nothing more; what it has sent goes on, and its outcomes are noted.
// "-" is no mistake and changes nothing.
//
// Never twice: a case that carries the job's number was sent by it, whatever its own record says; and one that was
// admitted after the job was created has been replayed by somebody since, and is not the case that was chosen.
//
// Elsewhere: a case that is published to another queue or topic is discharged by that, in the same write. It can
// neither relapse nor be recalled, and so proves nothing of those behind it: such a job has no canary and no ratio.
//
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "base/time.h"
#include "model/replay_job.h"

namespace lazaret::hospital {

enum class ReplayVerb : std::uint8_t { pause, resume, cancel, recall };
std::string_view to_string(ReplayVerb verb);

/// CASE_BUSY when the job has ended; the record is then unchanged.
base::Status apply(ReplayVerb verb, model::ReplayJobRecord& job, base::Instant now);

/// BAD_REQUEST naming the option; INVALID_OPTION for versions that are none.
base::Status check(const model::ReplayOptions& options);

/// How many of so many go first.
std::uint32_t canary_of(const model::ReplayOptions& options, std::uint64_t total);
/// The set is known: settles the canary. REQUIRES that the state is `choosing`.
void set_is_known(model::ReplayJobRecord& job, base::Instant now);
/// The job ends by itself, for a reason in words.
void stop(model::ReplayJobRecord& job, std::string because, base::Instant now);
/// Whatever follows from what is known. `unanswered` of those that were looked at have been sent, and the answer is on
/// its way.
void advance(model::ReplayJobRecord& job, std::uint64_t unanswered, base::Instant now);
/// Whether one more may be looked at, rate aside.
bool may_send(const model::ReplayJobRecord& job, std::uint64_t unanswered);
/// Nothing more will change.
bool is_settled(const model::ReplayJobRecord& job, std::uint64_t unanswered);

/// What to do with a case of the set, before it is sent.
struct Look {
  enum class What : std::uint8_t { send, is_sent, refuse } what = What::send;
  model::ReplayOutcome outcome = model::ReplayOutcome::none;  // is_sent: so far
  base::Code because = base::Code::OK;                        // refuse
};
Look look_at(const model::CaseRecord& record, const model::ReplayJobRecord& job);
/// What became of a case that the job has sent.
model::ReplayOutcome outcome_of(const model::CaseRecord& record, model::ReplayJobId job);

/// So many a second: a tenth of a second's worth at once at most. Of a rate above 40, 40 bursts a second of as many as
/// that makes: a wake-up, a write and a read of the log then serve all of a burst, where live traffic would feel each.
class Pace {
 public:
  explicit Pace(std::uint32_t rate) : rate_(rate) {}
  /// How many may go now.
  std::uint64_t allowance(base::Instant now);
  /// REQUIRES that one may go.
  void take();
  /// When the next may go, as seen at the last call.
  base::Instant next() const;

 private:
  std::uint64_t needed() const;

  std::uint32_t rate_;
  base::Instant at_;
  bool rests_ = false;        // until a burst is due
  std::uint64_t credit_ = 0;  // in millionths of a case
};

}  // namespace lazaret::hospital

#include "hospital/replay_rules.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "model/version_range.h"

namespace lazaret::hospital {

using base::Code;
using base::Instant;
using base::Status;
using model::ReplayJobRecord;
using model::ReplayJobState;
using model::ReplayOutcome;
namespace limits = model::limits;

namespace {

constexpr std::uint64_t kOneCase = 1'000'000;
constexpr std::uint32_t kBurstsASecond = 40;

void end(ReplayJobRecord& job, ReplayJobState state, Instant now) {
  job.state = state;
  job.ended_at = now;
  job.waiting_for_version = false;
}

/// Where a job goes on whose set is known.
ReplayJobState sending_state(const ReplayJobRecord& job) {
  if (!job.chosen) return ReplayJobState::choosing;
  return job.canary > 0 && !job.canary_passed ? ReplayJobState::canary : ReplayJobState::running;
}

std::uint64_t samples_of(const ReplayJobRecord& job) { return job.counts.discharged + job.counts.relapsed; }

/// Of a small job the sample is all that can have an outcome. Those without one count as cured: as soon as the ratio is
/// reached all the same the rest cannot change it.
bool too_many_fail(const ReplayJobRecord& job) {
  const model::ReplayCounts& counts = job.counts;
  if (job.options.stop_at_failure_ratio <= 0 || counts.relapsed == 0) return false;
  const std::uint64_t samples = samples_of(job);
  const std::uint64_t possible = job.total - counts.refused - counts.recalled - counts.other;
  if (samples < limits::kReplaySamples && possible >= limits::kReplaySamples) return false;
  const std::uint64_t sample = std::max(samples, std::min<std::uint64_t>(limits::kReplaySamples, possible));
  return static_cast<double>(counts.relapsed) >= job.options.stop_at_failure_ratio * static_cast<double>(sample);
}

std::string canary_sentence(const ReplayJobRecord& job, std::uint64_t needed) {
  return "of the " + std::to_string(job.counts.accepted()) + " that went first " +
         std::to_string(job.counts.discharged) + " were cured, and " + std::to_string(needed) + " had to be";
}

/// All that will ever be sent has been.
bool is_exhausted(const ReplayJobRecord& job, std::uint64_t unanswered) {
  return job.next == job.total && unanswered == 0;
}

/// What is of replays to the case's own queue, where it may fail again.
Status check_redirection(const model::ReplayOptions& options) {
  const auto wrong = [](const std::string& name) {
    return Status(Code::BAD_REQUEST, name +
                                         " is of replays to where the cases have failed: what goes elsewhere (to) has "
                                         "its outcome when it is stored there");
  };
  if (options.canary.value_or(0) > 0) return wrong("canary");
  if (options.canary_needed.value_or(0) > 0) return wrong("canary_needed");
  if (options.stop_at_failure_ratio != 0) return wrong("stop_at_failure_ratio");
  if (!options.after_version.empty()) return wrong("after_version");
  if (options.keep_attempts) return wrong("keep_attempts");
  return {};
}

void judge_canary(ReplayJobRecord& job, std::uint64_t unanswered, Instant now) {
  const model::ReplayCounts& counts = job.counts;
  const bool exhausted = is_exhausted(job, unanswered);
  const std::uint64_t sent = exhausted ? std::min<std::uint64_t>(job.canary, counts.accepted()) : job.canary;
  const std::uint64_t needed = std::min<std::uint64_t>(job.canary_needed, sent);
  const std::uint64_t not_cured = counts.accepted() - counts.queued - counts.discharged;
  if (not_cured + needed > sent) return stop(job, canary_sentence(job, needed), now);
  if (counts.accepted() < sent || counts.queued > 0 || unanswered > 0) return;
  job.canary_passed = true;
  job.state = ReplayJobState::running;
}

}  // namespace

std::string_view to_string(ReplayVerb verb) {
  switch (verb) {
    case ReplayVerb::pause: return "pause";
    case ReplayVerb::resume: return "resume";
    case ReplayVerb::cancel: return "cancel";
    case ReplayVerb::recall: return "recall";
  }
  return "unknown";
}

Status apply(ReplayVerb verb, ReplayJobRecord& job, Instant now) {
  const bool recalls_the_rest = verb == ReplayVerb::recall && job.state != ReplayJobState::done;
  if (model::has_ended(job.state) && !recalls_the_rest) {
    if (verb == ReplayVerb::cancel && job.state == ReplayJobState::cancelled) return {};
    return Status(Code::CASE_BUSY, "replay job " + std::to_string(job.id.value) + " is " +
                                       std::string(model::to_string(job.state)) + " already");
  }
  switch (verb) {
    case ReplayVerb::pause:
      if (job.state != ReplayJobState::finishing) job.state = ReplayJobState::paused;
      break;
    case ReplayVerb::resume:
      if (job.state == ReplayJobState::paused) job.state = sending_state(job);
      break;
    case ReplayVerb::recall: job.recalling = true; [[fallthrough]];
    case ReplayVerb::cancel:
      if (!model::has_ended(job.state)) end(job, ReplayJobState::cancelled, now);
      break;
  }
  return {};
}

Status check(const model::ReplayOptions& options) {
  const auto out_of = [](const char* name, std::uint64_t most) {
    return Status(Code::BAD_REQUEST, std::string(name) + " must be 1 to " + std::to_string(most))
        .with_limit(name, static_cast<std::int64_t>(most));
  };
  if (options.rate == 0 || options.rate > limits::kReplayRateMost) return out_of("rate", limits::kReplayRateMost);
  if (options.concurrency == 0 || options.concurrency > limits::kReplayConcurrencyMost) {
    return out_of("concurrency", limits::kReplayConcurrencyMost);
  }
  if (!options.to.empty()) LZ_RETURN_IF_ERROR(check_redirection(options));
  if (options.canary && *options.canary > options.concurrency) {
    return Status(Code::BAD_REQUEST,
                  "canary must not be more than concurrency, " + std::to_string(options.concurrency));
  }
  if (options.canary_needed && (!options.canary || *options.canary_needed > *options.canary)) {
    return Status(Code::BAD_REQUEST, "canary_needed must not be more than canary");
  }
  if (!options.after_version.empty()) {
    const Status range = model::VersionRange::check(options.after_version);
    if (!range.ok()) return Status(range.code(), "after_version: " + range.text());
  }
  if (!(options.stop_at_failure_ratio >= 0 && options.stop_at_failure_ratio <= 1)) {
    return Status(Code::BAD_REQUEST, "stop_at_failure_ratio must be between 0 (never) and 1");
  }
  return {};
}

std::uint32_t canary_of(const model::ReplayOptions& options, std::uint64_t total) {
  const bool by_itself = options.to.empty() && total > limits::kReplaysWithoutCanary;
  return options.canary.value_or(by_itself ? 1 : 0);
}

void set_is_known(ReplayJobRecord& job, Instant now) {
  job.chosen = true;
  job.canary = canary_of(job.options, job.total);
  job.canary_needed = job.options.canary_needed.value_or(job.canary);
  if (job.total == 0) return end(job, ReplayJobState::done, now);
  job.state = sending_state(job);
}

void stop(ReplayJobRecord& job, std::string because, Instant now) {
  job.ended_because = std::move(because);
  end(job, ReplayJobState::stopped, now);
}

void advance(ReplayJobRecord& job, std::uint64_t unanswered, Instant now) {
  if (job.state == ReplayJobState::canary) judge_canary(job, unanswered, now);
  const bool judged = job.state == ReplayJobState::running || job.state == ReplayJobState::finishing;
  if (judged && too_many_fail(job)) {
    return stop(job,
                "of the first " + std::to_string(samples_of(job)) + " that have an outcome " +
                    std::to_string(job.counts.relapsed) + " have failed again",
                now);
  }
  if (job.state == ReplayJobState::running && is_exhausted(job, unanswered)) job.state = ReplayJobState::finishing;
  if (job.state == ReplayJobState::finishing && job.counts.queued == 0) end(job, ReplayJobState::done, now);
}

bool may_send(const ReplayJobRecord& job, std::uint64_t unanswered) {
  const bool sends = job.state == ReplayJobState::canary || job.state == ReplayJobState::running;
  if (!sends || job.counts.queued + unanswered >= job.options.concurrency) return false;
  return job.state == ReplayJobState::running || job.counts.accepted() + unanswered < job.canary;
}

bool is_settled(const ReplayJobRecord& job, std::uint64_t unanswered) {
  return model::has_ended(job.state) && job.counts.queued == 0 && unanswered == 0 && !job.recalling;
}

Look look_at(const model::CaseRecord& record, const ReplayJobRecord& job) {
  if (record.replay_job == job.id) return {Look::What::is_sent, outcome_of(record, job.id), Code::OK};
  if (record.state != model::CaseState::admitted || record.admitted_at > job.created_at) {
    return {Look::What::refuse, ReplayOutcome::none, Code::CASE_BUSY};
  }
  return {};
}

ReplayOutcome outcome_of(const model::CaseRecord& record, model::ReplayJobId job) {
  return record.replay_job == job ? record.replay_outcome : ReplayOutcome::other;
}

std::uint64_t Pace::allowance(Instant now) {
  const std::uint64_t most = std::max<std::uint64_t>(rate_ / 10, 1) * kOneCase;
  if (at_.us == 0) {
    credit_ = kOneCase;
  } else if (now > at_) {
    const auto passed = std::min<std::int64_t>((now - at_).count(), 10 * static_cast<std::int64_t>(kOneCase));
    credit_ = std::min(most, credit_ + static_cast<std::uint64_t>(passed) * rate_);
  }
  at_ = std::max(at_, now);
  return credit_ < needed() ? 0 : credit_ / kOneCase;
}

void Pace::take() {
  credit_ -= kOneCase;
  rests_ = credit_ < kOneCase;
}

Instant Pace::next() const {
  if (credit_ >= needed()) return at_;
  return at_ + base::Duration(static_cast<std::int64_t>((needed() - credit_ + rate_ - 1) / rate_));
}

std::uint64_t Pace::needed() const {
  return rests_ ? std::max<std::uint64_t>(rate_ / kBurstsASecond, 1) * kOneCase : kOneCase;
}

}  // namespace lazaret::hospital

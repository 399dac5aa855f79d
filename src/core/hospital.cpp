// Admission, replay, discharge, discard. A case is one message on one subscription; its name says which.
#include <algorithm>

#include "core/shard_state.h"
#include "model/fingerprint.h"

namespace lazaret::core {

using base::Code;
using base::Status;

/// Takes the message off its subscription and makes it a case, in one write. REQUIRES that it was taken back.
/// Whoever is told that it is in the hospital finds its case there.
void Shard::State::admit(Subscription& sub, Entry& entry, model::CaseReason reason, const model::ErrorReport& error,
                         std::uint64_t quarantine) {
  const model::Offset origin = entry.replays ? entry.replays->offset : entry.position.offset;
  model::AdmitCase admission;
  model::CaseRecord& record = admission.record;
  const model::CaseId id{config.shard, sub.queue->subscription, sub.queue->log, origin};
  record.id = id;
  record.subscription = sub.feeder == nullptr ? sub.queue->name : sub.queue->into.name;
  record.source = sub.queue->source();
  for (const model::FanInSource& source : sub.queue->sources) admission.topics.emplace_back(source.log, source.topic);
  record.reason = reason;
  record.quarantine = quarantine;
  record.attempt_count = entry.attempts;
  record.failure_count = entry.failures;
  record.last_error = {error.type, error.message, ""};
  const bool by_consumer = reason == model::CaseReason::attempts_exhausted || reason == model::CaseReason::rejected ||
                           reason == model::CaseReason::killed_workers;
  if (by_consumer && entry.last_attempt != nullptr) {
    const EndedAttempt& last = *entry.last_attempt;
    record.error_frames = error.details.empty() ? last.frames : model::top_frames(error.details);
    record.consumer_name = last.consumer.name;
    record.consumer_version = last.consumer.version;
  }
  record.admitted_at = now;
  record.first_admitted_at = now;
  admission.relapse = entry.replays.has_value();
  record.key = entry.key;
  if (sub.keys != nullptr) sub.keys->open_case(origin, entry.key, model::holds_key(reason));
  drop_record(sub, entry);
  if (entry.replays) {
    admission.lane_offset = entry.position.offset;
    sub.lane.erase(origin);
    relapses.remember(id, entry.attempts);
    drop_edited_copy(sub, entry);
  } else {
    relapses.forget(id);
    orphans.forget(id);
  }
  const std::uint64_t admitted_bytes = entry.replays ? 0 : entry.bytes;  // a relapse keeps what it kept
  mutate(std::move(admission), false);
  hold_effects(sub);
  if (!entry.replays) {
    sub.acked.settle(origin);
    left(sub, entry.bytes);
  }
  sub.admitted.insert(origin);
  ++sub.counters.in_hospital;
  if (entry.grant) case_tokens.admitted(id, entry.grant);
  if (!sub.requests.empty() && !entry.replays) request_failed(sub, origin, error);
  cases_changed(sub, admitted_bytes);
  forget_entry(sub, entry);
}

/// A message that cannot be read, met where it would have been granted for the first time.
void Shard::State::admit_damaged(Subscription& sub, model::Offset offset) {
  Entry& entry = sub.entries[{sub.queue->log, offset}];
  entry.position = {sub.queue->log, offset};
  admit(sub, entry, model::CaseReason::damaged,
        {"lazaret.damaged", "the stored message cannot be read or does not match its checksum", ""});
}

/// The entry is gone after this; the reference too.
void Shard::State::forget_entry(Subscription& sub, Entry& entry) {
  if (sub.keys != nullptr) leave_key(sub, entry);
  leave_line(sub, entry);
  leave_range(sub, entry);
  sub.entries.erase(Position(entry.position));
}

/// Back to the hospital, with what was tried since the replay.
void Shard::State::recall(Subscription& sub, const Entry& entry, model::Offset origin, const std::string& reason,
                          model::ReplayJobId job) {
  const model::CaseId id{config.shard, sub.queue->subscription, sub.queue->log, origin};
  relapses.remember(id, entry.attempts);
  drop_edited_copy(sub, entry);
  model::RecallCase recall{id, sub.queue->lane, entry.position.offset, entry.attempts, entry.failures, now};
  recall.job = job;
  recall.reason = reason;
  mutate(std::move(recall), true);
}

/// The same of one that is ready or waits. The entry is gone after this.
void Shard::State::return_to_case(Subscription& sub, Entry& entry, const std::string& reason, model::ReplayJobId job) {
  const model::Offset origin = entry.replays->offset;
  take_back(sub, entry);
  drop_record(sub, entry);
  recall(sub, entry, origin, reason, job);
  sub.lane.erase(origin);
  sub.admitted.insert(origin);
  ++sub.counters.in_hospital;
  touch(sub);
  forget_entry(sub, entry);
}

/// Acked after a replay.
void Shard::State::discharge(Subscription& sub, Entry& entry, bool late) {
  const model::Offset origin = entry.replays->offset;
  model::DischargeCase discharge;
  discharge.id = *entry.replays;
  discharge.at = now;
  discharge.late = late;
  discharge.lane = sub.queue->lane;
  discharge.lane_offset = entry.position.offset;
  discharge.attempt_count = entry.attempts;
  discharge.failures = entry.failures;
  sub.lane.erase(origin);
  discharge.drop_evacuated = drop_copy(*sub.log, origin);
  drop_edited_copy(sub, entry);
  orphans.remember(*entry.replays, OrphanCases::State::discharged);
  mutate(std::move(discharge), false);
  case_closed(sub);
  if (sub.keys != nullptr) close_case_of_key(sub, origin);
  drop_record(sub, entry);
  touch(sub);
}

/// Why nothing can be done to the case, or OK and its subscription.
Status Shard::State::case_problem(const model::CaseId& id, Subscription*& sub) {
  sub = find(id.subscription);
  if (sub == nullptr || sub->deleting || sub->queue->log != id.log) {
    sub = nullptr;
    return Status(Code::DESTINATION_NEEDED, "the queue of case " + id.to_string() +
                                                " is gone: there is no such case, or nowhere to replay it to");
  }
  if (sub->admitted.contains(id.offset)) {
    if (id.offset < sub->log->persisted_end) return {};
    return Status(Code::CASE_BUSY, "case " + id.to_string() + " is just being imported");
  }
  if (sub->lane.contains(id.offset)) {
    return Status(Code::CASE_BUSY, "case " + id.to_string() + " is being replayed");
  }
  return Status(Code::NOT_FOUND, "there is no open case " + id.to_string());
}

/// The same of what is done to a case where it is, for which a queue is needed only while it is just being deleted.
Status Shard::State::treatment_problem(const model::CaseId& id, Subscription*& sub) {
  const Status problem = case_problem(id, sub);
  if (problem.code() != Code::DESTINATION_NEEDED) return problem;
  return Status(Code::CASE_BUSY, "the queue of case " + id.to_string() + " is just being deleted");
}

/// Why nothing can be replayed to these versions now, or OK.
Status Shard::State::version_problem(const Subscription& sub, const std::string& only_for) {
  if (only_for.empty()) return {};
  const auto range = model::VersionRange::parse(only_for);
  if (!range.ok()) return range.status();
  if (has_version(sub, *range)) return {};
  return Status(Code::NO_CONSUMER,
                "no consumer of " + sub.queue->name + " with a version " + range->text() + " is connected");
}

void Shard::State::on(model::ReplayCaseCommand& command) {
  Subscription* sub = nullptr;
  model::CaseDone answer{command.origin.request, case_problem(command.id, sub), command.id, 0};
  if (answer.status.ok() && sub->feeder != nullptr) {
    answer.status = Status(Code::BAD_REQUEST, "the message of case " + command.id.to_string() +
                                                  " could not be read to be handed over: it can only be discarded");
  } else if (answer.status.ok() && sub->keys != nullptr &&
             sub->keys->unknown.contains({command.id.log, command.id.offset})) {
    answer.status = Status(Code::CASE_BUSY, "the ordering key of case " + command.id.to_string() + " is being read");
  }
  if (answer.status.ok() && command.job && relapses.length(command.id, command.attempts) != command.attempts) {
    answer.status = Status(Code::CASE_BUSY, "case " + command.id.to_string() + " was replayed meanwhile");
  }
  if (answer.status.ok()) answer.status = version_problem(*sub, command.only_for);
  const PendingRequest* request = answer.status.ok() && !command.force ? request_at(*sub, command.id.offset) : nullptr;
  if (request != nullptr && has_reply(*request)) {
    answer.status = Status(Code::ALREADY_ANSWERED, "the request of case " + command.id.to_string() +
                                                       " was answered meanwhile; replay it with force all the same");
  }
  if (answer.status.ok()) {
    const model::Offset lane_offset = sub->lane_next;
    sub->lane_next = lane_offset.next();
    sub->admitted.erase(command.id.offset);
    case_tokens.touched(command.id);
    sub->lane.emplace(command.id.offset, lane_offset);
    --sub->counters.in_hospital;
    const std::uint32_t version = version_of(*sub, command.id.offset);
    mutate(model::ReplayCase{command.id, sub->queue->lane, lane_offset, version, command.failures_before, command.job,
                             command.single_attempt, command.only_for, now, command.by},
           true);
    if (version > 0) sub->book->copying.emplace(lane_offset, group);
    const Position position{sub->queue->lane, lane_offset};
    Entry& entry = sub->entries[position];
    entry.position = position;
    entry.replays = command.id;
    entry.edited = version > 0;
    entry.failures_before = command.failures_before;
    entry.redelivered = true;
    entry.single_attempt = command.single_attempt;
    entry.only_for = range_of(*sub, command.only_for);
    entry.priority = std::min(command.priority, model::kHighestPriority);
    entry.attempts = relapses.length(command.id, command.attempts);
    if (sub->keys != nullptr) {
      entry.key = sub->keys->key_of_case(command.id.offset);
      entry.key_known = true;
    }
    make_ready(*sub, entry);
    answer.lane_offset = lane_offset.value;
  }
  tell(command.origin.session, std::move(answer));
}

void Shard::State::on(model::DiscardCaseCommand& command) {
  Subscription* sub = find(command.id.subscription);
  if (sub == nullptr) return discard_orphan(command);
  model::CaseDone answer{command.origin.request, treatment_problem(command.id, sub), command.id, 0};
  if (answer.status.ok()) {
    sub->admitted.erase(command.id.offset);
    case_tokens.touched(command.id);
    --sub->counters.in_hospital;
    ++sub->counters.discarded;
    // Its message stays until its time is over: until then it can be restored.
    book_of(*sub).discarded.insert(command.id.offset);
    orphans.remember(command.id, OrphanCases::State::discarded);
    mutate(model::DiscardCase{command.id, now, command.reason, false, std::move(command.by)}, true);
    case_closed(*sub);
    if (sub->keys != nullptr) close_case_of_key(*sub, command.id.offset);
    touch(*sub);
  }
  tell(command.origin.session, std::move(answer));
}

/// The core knows no groups: they are what the store makes of cases.
void Shard::State::on(model::UpdateGroup& command) {
  mutate(model::PatchGroup{command.id, std::move(command.patch), now}, true);
  tell(command.origin.session, model::Done{command.origin.request, {}, 0});
}

}  // namespace lazaret::core

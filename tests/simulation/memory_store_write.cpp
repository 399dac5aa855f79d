// How each mutation changes a MemoryStore.
#include "simulation/memory_store_write.h"

#include <algorithm>

#include "model/fingerprint.h"
#include "model/limits.h"
#include "simulation/envelope_text.h"
#include "simulation/reply_text.h"

namespace lazaret::simulation {

using model::CaseState;
using model::Offset;
namespace limits = model::limits;

void MemoryStore::Writer::complain(const std::string& what) {
  complaints_.push_back("shard " + std::to_string(shard_id_.value) + ": " + what);
}

std::string MemoryStore::Writer::at(model::LogId log, Offset offset) {
  return "log " + std::to_string(log.value) + " offset " + std::to_string(offset.value);
}

// --- Logs -----------------------------------------------------------------------------------------------------------

void MemoryStore::Writer::apply(const model::AppendMessages& append) {
  Log& log = shard_.logs[append.log];
  if (log.end() != append.first) complain("append beside the end, at " + at(append.log, append.first));
  std::vector<model::MessageRef>* run = nullptr;
  std::size_t run_bytes = 0;
  Offset next = append.first;
  for (const model::MessageRef& message : append.messages) {
    const bool full =
        run == nullptr || run->size() == limits::kRunMessages || run_bytes + message->size() > limits::kRunBytes;
    if (full) {
      run = &log.runs[next];
      run_bytes = 0;
    }
    run->push_back(message);
    if (message->priority > 0) log.prioritised.emplace(message->priority, next);
    run_bytes += message->size();
    if (message->body.view().starts_with("tx ")) {
      ++state_.transacted[{append.log, std::string(message->body.view())}];
    }
    if (ReplyText::is_one(message->envelope.view())) {
      const ReplyText reply = ReplyText::of(message->envelope.view());
      ++state_.transacted[{append.log, ReplyText::name(reply.request, reply.kind)}];
    }
    next = next.next();
  }
  log.state.log = append.log;
  log.state.next = next;
}

void MemoryStore::Writer::apply(const model::TrimLog& trim) {
  Log& log = shard_.logs[trim.state.log];
  for (Offset offset : trim.evacuate) {
    model::MessageRef message = log.find(offset);
    if (!message) complain("evacuates what is not there: " + at(trim.state.log, offset));
    log.evacuated[offset] = message;
  }
  std::erase_if(log.runs, [&trim](const auto& run) {
    const Offset end(run.first.value + run.second.size());
    return std::any_of(trim.state.trimmed.begin(), trim.state.trimmed.end(),
                       [&](const auto& range) { return range.begin <= run.first && end <= range.end; });
  });
  std::erase_if(log.prioritised, [&](const auto& one) {
    const Offset offset = one.second;
    const bool goes = trim.state.prioritised && trim.range.begin <= offset && offset < trim.range.end;
    return goes && std::none_of(trim.copied.begin(), trim.copied.end(), [offset](const model::OffsetRange& range) {
             return range.begin <= offset && offset < range.end;
           });
  });
  const Offset next = std::max(log.state.next, trim.state.next);
  log.state = trim.state;
  log.state.next = next;
}

void MemoryStore::Writer::apply(const model::PutLog& put) {
  Log& log = shard_.logs[put.state.log];
  if (put.state.next < log.state.next) complain("takes offsets back: " + at(put.state.log, put.state.next));
  log.state = put.state;
}

void MemoryStore::Writer::apply(const model::DropEvacuated& drop) {
  if (drop.prioritised) {
    std::erase_if(shard_.logs[drop.log].prioritised, [&](const auto& one) { return one.second == drop.offset; });
  }
  drop_evacuated(drop.log, drop.offset);
}

void MemoryStore::Writer::apply(const model::DropPriorities& drop) { shard_.logs[drop.log].prioritised.clear(); }

void MemoryStore::Writer::drop_evacuated(model::LogId log, Offset offset) {
  if (shard_.logs[log].evacuated.erase(offset) == 0) {
    complain("drops what was not evacuated: " + at(log, offset));
  }
}

// --- Subscriptions --------------------------------------------------------------------------------------------------

void MemoryStore::Writer::apply(const model::PutSubscription& put) {
  shard_.subscriptions[put.state.subscription].state = put.state;
  for (const model::SourceState& source : put.state.sources) {
    if (source.settled.size() > limits::kAckRanges) {
      complain("a record with " + std::to_string(source.settled.size()) + " settled ranges");
    }
    if (source.mark > shard_.logs[source.log].end()) {
      complain("the mark is beyond the end of log " + std::to_string(source.log.value));
    }
  }
}

void MemoryStore::Writer::apply(const model::DropSubscription& drop) {
  Subscription& subscription = shard_.subscriptions[drop.subscription] = {};
  subscription.state.emplace();
  subscription.state->subscription = drop.subscription;
  subscription.state->deleting = true;
  if (!drop.keep_log) {
    Log& log = shard_.logs[drop.log];
    log.runs.clear();
    log.producers.clear();
    log.prioritised.clear();
    std::erase_if(log.evacuated, [&](const auto& copy) {
      return !state_.cases.contains(model::CaseId{shard_id_, drop.subscription, drop.log, copy.first});
    });
    log.state = {};
  }
  std::erase_if(state_.attempts, [&](const auto& entry) {
    return entry.first.subscription == drop.subscription && !state_.cases.contains(entry.first);
  });
}

void MemoryStore::Writer::apply(const model::DropLog& drop) {
  Subscription& gone = shard_.subscriptions[drop.topic] = {};
  gone.state.emplace();
  gone.state->subscription = drop.topic;
  gone.state->deleting = true;
  Log& log = shard_.logs[drop.log];
  log.runs.clear();
  log.producers.clear();
  log.prioritised.clear();
  std::erase_if(log.evacuated, [&](const auto& copy) {
    return std::none_of(drop.kept.begin(), drop.kept.end(), [&](const model::OffsetRange& range) {
      return range.begin <= copy.first && copy.first < range.end;
    });
  });
  log.state = {};
}

void MemoryStore::Writer::apply(const model::PutAckChunk& put) {
  shard_.subscriptions[put.subscription].chunks[put.chunk.number] = put.chunk;
}

void MemoryStore::Writer::apply(const model::DropAckChunk& drop) {
  if (shard_.subscriptions[drop.subscription].chunks.erase(drop.number) == 0) {
    complain("drops chunk " + std::to_string(drop.number) + ", which is not there");
  }
}

void MemoryStore::Writer::check_previous(const Subscription& subscription, model::LogId log, Offset offset,
                                         base::Instant previous_due) {
  const auto found = subscription.deliveries.find({log, offset});
  const bool waited = found != subscription.deliveries.end() && found->second.state == model::DeliveryState::waiting;
  const base::Instant due = waited ? found->second.due : base::Instant{};
  if (due != previous_due) complain("the schedule keeps an entry of " + at(log, offset));
}

void MemoryStore::Writer::apply(const model::PutDelivery& put) {
  Subscription& subscription = shard_.subscriptions[put.subscription];
  check_previous(subscription, put.log, put.record.offset, put.previous_due);
  subscription.deliveries[{put.log, put.record.offset}] = put.record;
}

void MemoryStore::Writer::apply(const model::DropDelivery& drop) {
  Subscription& subscription = shard_.subscriptions[drop.subscription];
  if (!drop.look_up) check_previous(subscription, drop.log, drop.offset, drop.previous_due);
  if (subscription.deliveries.erase({drop.log, drop.offset}) == 0) {
    complain("drops a delivery record that is not there: " + at(drop.log, drop.offset));
  }
}

void MemoryStore::Writer::apply(const model::DropSchedule& drop) {
  std::erase_if(shard_.subscriptions[drop.subscription].deliveries,
                [](const auto& one) { return one.second.scheduled; });
}

void MemoryStore::Writer::apply(const model::PutAttempt& put) {
  auto& attempts = state_.attempts[{shard_id_, put.subscription, put.log, put.offset}];
  if (put.attempt.number > attempts.size() + 1 || put.attempt.number == 0) {
    complain("attempt " + std::to_string(put.attempt.number) + " after " + std::to_string(attempts.size()) + " of " +
             at(put.log, put.offset));
  }
  attempts[put.attempt.number] = put.attempt;
}

void MemoryStore::Writer::apply(const model::DropAttempts& drop) {
  const model::CaseId id{shard_id_, drop.subscription, drop.log, drop.offset};
  const auto found = state_.attempts.find(id);
  if (drop.count == 0) {
    state_.attempts.erase(id);
    return;
  }
  if (found == state_.attempts.end() || found->second.size() != drop.count) {
    complain("drops a history of another length: " + at(drop.log, drop.offset));
  }
  state_.attempts.erase(id);
}

// --- The hospital ---------------------------------------------------------------------------------------------------

model::CaseRecord* MemoryStore::Writer::case_in(const model::CaseId& id, CaseState expected) {
  const auto found = state_.cases.find(id);
  if (found == state_.cases.end()) {
    complain("there is no case " + id.to_string());
    return nullptr;
  }
  if (found->second.state != expected) {
    complain("case " + id.to_string() + " is " + std::string(to_string(found->second.state)));
  }
  return &found->second;
}

void MemoryStore::Writer::leave_lane(const model::CaseId& id, Offset lane_offset) {
  auto& lane = shard_.subscriptions[id.subscription].lane;
  const auto entry = lane.find(lane_offset);
  if (entry == lane.end() || entry->second.id != id) complain("the lane has no such entry for " + id.to_string());
  lane.erase(lane_offset);
}

void MemoryStore::Writer::count(const model::CaseRecord* before, const model::CaseRecord* now) {
  if (before != nullptr && now != nullptr && model::counts_alike(*before, *now)) return;
  if (before != nullptr) {
    const auto from = state_.groups.find({shard_id_, before->group});
    if (from == state_.groups.end()) return complain("case " + before->id.to_string() + " has no group");
    model::leave(from->second, *before);
    if (now == nullptr && from->second.is_empty()) state_.groups.erase(from);
  }
  if (now == nullptr) return;
  model::GroupRecord& to = state_.groups[{shard_id_, now->group}];
  to.id = now->group;
  model::enter(to, *now, before == nullptr || before->admitted_at != now->admitted_at);
  if (before != nullptr && now->relapse_count > before->relapse_count) model::relapse(to, *now);
  if (before == nullptr || before->group == now->group) return;
  const auto from = state_.groups.find({shard_id_, before->group});
  if (from != state_.groups.end() && from->second.is_empty()) state_.groups.erase(from);
}

void MemoryStore::Writer::apply(const model::PatchGroup& patch) {
  const auto found = state_.groups.find({shard_id_, patch.id});
  if (found == state_.groups.end()) return;
  model::apply(patch.patch, patch.at, found->second);
  if (found->second.is_empty()) state_.groups.erase(found);
}

void MemoryStore::Writer::apply(const model::AdmitCase& admit) {
  const model::CaseId& id = admit.record.id;
  if (admit.record.attempt_count != state_.attempts[id].size()) {
    complain("case " + id.to_string() + " is admitted with a history of another length");
  }
  if (admit.relapse) {
    leave_lane(id, admit.lane_offset);
    model::CaseRecord* old = case_in(id, CaseState::replaying);
    if (old == nullptr) return;
    const model::CaseRecord record = model::relapsed(*old, admit.record, !admit.topics.empty());
    count(old, &record);
    *old = record;
    return;
  }
  if (state_.cases.contains(id)) complain("case " + id.to_string() + " is admitted twice");
  model::CaseRecord record = admit.record;
  if (model::MessageRef message = shard_.logs[id.log].find(id.offset)) {
    record.summary.body_bytes = message->body.size();
    record.message_bytes = message->size();
    record.summary.priority = message->priority;
    record.summary.published = message->source;
    for (const auto& [log, topic] : admit.topics) {
      if (log == message->source.log) record.source = topic;
    }
    const bool readable = record.reason != model::CaseReason::damaged && message->due.us == 0;
    // As World has it.
    if (!record.key && readable) record.key = model::hash_of_key(envelope_text(message->envelope.view()).key);
  }
  record.group = model::group_of(record);
  count(nullptr, &record);
  state_.cases[id] = record;
}

void MemoryStore::Writer::apply(const model::ReplayCase& replay) {
  model::CaseRecord* record = case_in(replay.id, CaseState::admitted);
  if (record == nullptr) return;
  const model::CaseRecord before = *record;
  record->state = CaseState::replaying;
  count(&before, record);
  ++record->replay_count;
  if (replay.version != record->version) complain("case " + replay.id.to_string() + " is replayed as it was before");
  if (replay.version > 0) {
    const auto& edits = state_.edits[replay.id];
    shard_.logs[replay.lane].evacuated[replay.lane_offset] = edits.empty() ? nullptr : edits.back().second;
  }
  record->replay_job = replay.job;
  record->replay_outcome = model::ReplayOutcome::queued;
  record->note({replay.at, model::CaseChange::replayed, replay.by, replay.job});
  auto& lane = shard_.subscriptions[replay.id.subscription].lane;
  const Subscription::InLane entry{replay.id, replay.version > 0, replay.failures_before, replay.single_attempt,
                                   replay.only_for};
  if (!lane.emplace(replay.lane_offset, entry).second) {
    complain("the lane's offset " + std::to_string(replay.lane_offset.value) + " is given twice");
  }
}

void MemoryStore::Writer::apply(const model::RecallCase& recall) {
  leave_lane(recall.id, recall.lane_offset);
  if (model::CaseRecord* record = case_in(recall.id, CaseState::replaying)) {
    const model::CaseRecord before = *record;
    record->state = CaseState::admitted;
    record->replay_outcome = model::ReplayOutcome::recalled;
    count(&before, record);
    record->attempt_count = recall.attempt_count;
    record->failure_count += recall.failures;
    record->note({recall.at, model::CaseChange::recalled, "", recall.job, recall.reason});
    if (record->attempt_count != state_.attempts[recall.id].size()) {
      complain("case " + recall.id.to_string() + " is recalled with a history of another length");
    }
  }
}

void MemoryStore::Writer::apply(const model::DischargeCase& discharge) {
  // `late` may also mean: after the lease of a replay had ended.
  const auto found = state_.cases.find(discharge.id);
  const bool replaying = found != state_.cases.end() && found->second.state == CaseState::replaying;
  if (replaying) leave_lane(discharge.id, discharge.lane_offset);
  model::CaseRecord* record =
      case_in(discharge.id, discharge.late && !replaying ? CaseState::admitted : CaseState::replaying);
  if (record == nullptr) return;
  const model::CaseRecord before = *record;
  if (replaying) record->replay_outcome = model::ReplayOutcome::discharged;
  record->state = CaseState::discharged;
  count(&before, record);
  record->closed_at = discharge.at;
  record->late_ack = discharge.late;
  if (replaying) record->attempt_count = discharge.attempt_count;
  record->failure_count += discharge.failures;
  record->note({discharge.at, model::CaseChange::discharged});
  if (record->attempt_count != state_.attempts[discharge.id].size()) {
    complain("case " + discharge.id.to_string() + " is discharged with a history of another length");
  }
  if (discharge.drop_evacuated) drop_evacuated(discharge.id.log, discharge.id.offset);
}

void MemoryStore::Writer::apply(const model::DiscardCase& discard) {
  model::CaseRecord* record = case_in(discard.id, CaseState::admitted);
  if (record == nullptr) return;
  const model::CaseRecord before = *record;
  record->state = CaseState::discarded;
  count(&before, record);
  record->closed_at = discard.at;
  record->discard_reason = discard.reason;
  record->note({discard.at, model::CaseChange::discarded, discard.by, {}, discard.reason});
  if (discard.drop_evacuated) drop_evacuated(discard.id.log, discard.id.offset);
}

void MemoryStore::Writer::apply(const model::DropClosedCases& drop) {
  std::erase_if(state_.cases, [&](const auto& one) {
    const auto& [id, record] = one;
    const bool its = id.subscription == drop.subscription && id.log == drop.log;
    if (!its || record.is_open() || id.offset < drop.range.begin || id.offset >= drop.range.end) return false;
    state_.attempts.erase(id);
    count(&record, nullptr);
    state_.edits.erase(id);
    return true;
  });
}

void MemoryStore::Writer::apply(const model::EditCase& edit) {
  model::CaseRecord* record = case_in(edit.id, CaseState::admitted);
  if (record == nullptr) return;
  if (edit.edit.version != ++record->version) complain("case " + edit.id.to_string() + " skips a version");
  record->summary.body_bytes = edit.message->body.size();
  state_.edits[edit.id].emplace_back(edit.edit, edit.message);
}

void MemoryStore::Writer::apply(const model::RestoreCase& restore) {
  model::CaseRecord* record = case_in(restore.id, CaseState::discarded);
  if (record == nullptr) return;
  const model::CaseRecord before = *record;
  record->state = CaseState::admitted;
  count(&before, record);
  record->closed_at = {};
  record->discard_reason.clear();
  record->note({restore.at, model::CaseChange::restored, restore.by});
  const bool has_message =
      record->reason == model::CaseReason::damaged || shard_.logs[restore.id.log].find(restore.id.offset) != nullptr;
  if (!has_message) complain("case " + restore.id.to_string() + " is restored without its message");
}

void MemoryStore::Writer::apply(const model::RedirectCase& redirect) {
  model::CaseRecord* record = case_in(redirect.id, CaseState::admitted);
  if (record == nullptr) return;
  const model::CaseRecord before = *record;
  record->state = CaseState::discharged;
  count(&before, record);
  record->closed_at = redirect.at;
  record->redirected_to = redirect.to;
  if (redirect.job) {
    record->replay_job = redirect.job;
    record->replay_outcome = model::ReplayOutcome::discharged;
  }
  record->note({redirect.at, model::CaseChange::redirected, redirect.by, redirect.job, "", redirect.to});
  ++state_.redirected;
  if (redirect.drop_evacuated) drop_evacuated(redirect.id.log, redirect.id.offset);
}

void MemoryStore::Writer::apply(const model::ImportCase& import) {
  const model::CaseId& id = import.record.id;
  if (state_.cases.contains(id)) complain("case " + id.to_string() + " is imported to where one is");
  const model::MessageRef message = shard_.logs[id.log].find(id.offset);
  if (message == nullptr) complain("case " + id.to_string() + " comes without its message");
  if (message != nullptr && !message->imported) complain("case " + id.to_string() + ": its message is anybody's");
  for (const auto& [other, record] : state_.cases) {
    const bool same = other.subscription == id.subscription && record.origin == import.record.origin;
    if (same) complain("case " + id.to_string() + " is imported twice");
  }
  for (const model::Attempt& attempt : import.attempts) {
    apply(model::PutAttempt{id.subscription, id.log, id.offset, attempt});
  }
  if (import.record.attempt_count != state_.attempts[id].size()) {
    complain("case " + id.to_string() + " is imported with a history of another length");
  }
  model::CaseRecord record = import.record;
  record.summary.body_bytes = import.message->body.size();
  record.message_bytes = import.message->size();
  record.summary.priority = import.message->priority;
  if (!record.key) record.key = model::hash_of_key(envelope_text(import.message->envelope.view()).key);
  record.group = model::group_of(record);
  count(nullptr, &record);
  state_.cases[id] = record;
}

void MemoryStore::Writer::apply(const model::DropCase& drop) {
  if (drop.drop_evacuated) drop_evacuated(drop.id.log, drop.id.offset);
  const auto found = state_.cases.find(drop.id);
  if (found == state_.cases.end()) return;
  if (found->second.is_open() || found->second.closed_at != drop.closed_at) return;
  if (drop.drop_discarded && found->second.state == CaseState::discarded) drop_evacuated(drop.id.log, drop.id.offset);
  count(&found->second, nullptr);
  state_.cases.erase(found);
  state_.attempts.erase(drop.id);
  state_.edits.erase(drop.id);
}

void MemoryStore::Writer::apply(const model::PutReplayJob& put) {
  if (shard_id_.value != 0) complain("replay jobs are shard 0's");
  State::ReplayJob& job = state_.replay_jobs[put.change.record.id];
  job.record = put.change.record;
  for (const model::ReplayChunk& chunk : put.change.chosen) {
    model::ReplayChunk& known = job.chunks[chunk.number];
    if (chunk.cases.size() <= known.cases.size()) complain("the set of a replay job is written twice");
    known = chunk;
  }
  for (const model::ReplayChunk& chunk : put.change.outcomes) {
    const auto found = job.chunks.find(chunk.number);
    if (found == job.chunks.end() || chunk.outcomes.size() > found->second.cases.size()) {
      complain("a replay job has outcomes of more cases than it was chosen for");
      continue;
    }
    found->second.outcomes = chunk.outcomes;
    found->second.refusals = chunk.refusals;
  }
}

void MemoryStore::Writer::apply(const model::DropReplayJob& drop) {
  if (state_.replay_jobs.erase(drop.job) == 0) complain("drops an unknown replay job");
}

// --- The audit trail ------------------------------------------------------------------------------------------------

void MemoryStore::Writer::apply(const model::AppendAudit& append) {
  if (shard_id_.value != 0) complain("the audit trail is shard 0's");
  const model::AuditPoint head = state_.audit.empty() ? state_.audit_anchor : state_.audit.rbegin()->second.point();
  if (append.entry.number != head.number + 1 || append.entry.previous != head.hash) {
    complain("an entry of the audit trail does not follow from the one before");
  }
  state_.audit[append.entry.number] = append.entry;
}

void MemoryStore::Writer::apply(const model::TrimAudit& trim) {
  for (std::size_t i = 0; i < trim.max && !state_.audit.empty(); ++i) {
    const model::AuditEntry& oldest = state_.audit.begin()->second;
    if (oldest.at >= trim.older_than) break;
    state_.audit_anchor = oldest.point();
    state_.audit.erase(state_.audit.begin());
  }
}

void MemoryStore::Writer::apply(const model::PutAlerts& put) {
  if (shard_id_.value != 0) complain("alerts are shard 0's");
  if (put.change.looked_at.us != 0) {
    state_.alerts_looked_at = put.change.looked_at;
    state_.alerts_case_age = put.change.case_age;
  }
  for (const model::AlertRecord& alert : put.change.put) state_.alerts[alert.number] = alert;
  for (const model::AlertId number : put.change.forgotten) {
    if (state_.alerts.erase(number) == 0) complain("forgets an unknown alert");
  }
}

// --- Deduplication, catalog, instances ------------------------------------------------------------------------------

void MemoryStore::Writer::apply(const model::PutDedup& put) {
  model::RecoveredProducer& producer = shard_.logs[put.log].producers[put.producer.producer];
  producer.state = put.producer;
  for (const model::DedupEntry& entry : put.entries) producer.window.push_back(entry);
  std::sort(producer.window.begin(), producer.window.end(),
            [](const auto& a, const auto& b) { return a.sequence < b.sequence; });
}

void MemoryStore::Writer::apply(const model::TrimDedup& trim) {
  std::erase_if(shard_.logs[trim.log].producers[trim.producer].window,
                [&](const model::DedupEntry& entry) { return entry.sequence < trim.below; });
}

void MemoryStore::Writer::apply(const model::DropProducer& drop) {
  if (shard_.logs[drop.log].producers.erase(drop.producer) == 0) complain("drops an unknown producer");
}

void MemoryStore::Writer::apply(const model::PutMessageIds& put) {
  if (put.stored.ids.empty()) complain("ids of no message");
  shard_.logs[put.log].ids.push_back(put.stored);
}

void MemoryStore::Writer::apply(const model::TrimMessageIds& trim) {
  std::erase_if(shard_.logs[trim.log].ids,
                [&](const model::StoredIds& stored) { return stored.ids.back().offset < trim.below; });
}

void MemoryStore::Writer::apply(const model::PutQueue& put) {
  if (shard_id_.value != 0) complain("the catalog is shard 0's");
  state_.queues[put.record.name] = put.record;
}

void MemoryStore::Writer::apply(const model::DropQueue& drop) {
  const auto found = state_.queues.find(drop.name);
  if (found == state_.queues.end()) return complain("there is no queue " + drop.name);
  state_.shards.at(found->second.shard.value).subscriptions.erase(found->second.subscription);
  state_.queues.erase(found);
}

void MemoryStore::Writer::apply(const model::PutRequest& put) {
  Subscription& subscription = shard_.subscriptions[put.subscription];
  const bool known = subscription.requests.contains(put.record.id);
  if (!known && put.record.outcome != model::RequestOutcome::open) complain("a request that was never asked has ended");
  subscription.requests[put.record.id] = put.record;
}

void MemoryStore::Writer::apply(const model::DropRequest& drop) {
  if (shard_.subscriptions[drop.subscription].requests.erase(drop.id) == 0) complain("drops an unknown request");
}

void MemoryStore::Writer::apply(const model::PutQuarantine& put) {
  Subscription& subscription = shard_.subscriptions[put.record.subscription];
  const auto [rule, fresh] = subscription.quarantines.try_emplace(put.record.number, put.record);
  if (fresh && put.record.caught != 0) complain("a quarantine rule that is not there has caught something");
  if (put.record.caught < rule->second.caught) complain("a quarantine rule has caught less than before");
  rule->second = put.record;
}

void MemoryStore::Writer::apply(const model::DropQuarantine& drop) {
  if (shard_.subscriptions[drop.subscription].quarantines.erase(drop.number) == 0) {
    complain("drops an unknown quarantine rule");
  }
}

void MemoryStore::Writer::apply(const model::PutOutbox& put) {
  Shard::Outbox& outbox = shard_.outboxes[put.entry->to];
  const std::uint64_t last = outbox.entries.empty() ? outbox.taken : outbox.entries.rbegin()->first;
  if (put.entry->number != last + 1) complain("an outbox has a gap, or gives a number twice");
  if (put.entry->messages.empty()) complain("an entry of an outbox is empty");
  std::size_t least = 0;
  for (const model::AskedAlong& ask : put.entry->asks) {
    const bool fits = ask.place >= least && ask.place < put.entry->messages.size() && ask.reply_to != nullptr;
    if (!fits) complain("an entry of an outbox asks with a message that it does not have");
    least = ask.place + std::size_t{1};
  }
  outbox.entries[put.entry->number] = put.entry;
}

void MemoryStore::Writer::apply(const model::DropOutbox& drop) {
  Shard::Outbox& outbox = shard_.outboxes[drop.to];
  if (drop.first != outbox.taken + 1) complain("an outbox is not emptied in order");
  const auto inbox = state_.shards.at(drop.to.value).inboxes.find(shard_id_);
  if (inbox == state_.shards.at(drop.to.value).inboxes.end() || inbox->second < drop.taken) {
    complain("what was not taken leaves an outbox");
  }
  for (std::uint64_t number = drop.first; number <= drop.taken; ++number) {
    if (outbox.entries.erase(number) == 0) complain("drops an unknown entry of an outbox");
  }
  outbox.taken = drop.taken;
}

void MemoryStore::Writer::apply(const model::PutInbox& put) {
  std::uint64_t& taken = shard_.inboxes[put.from];
  if (put.taken <= taken) complain("an inbox goes back");
  taken = put.taken;
}

void MemoryStore::Writer::apply(const model::PutInstance& put) { shard_.instances[put.record.id] = put.record; }

void MemoryStore::Writer::apply(const model::DropInstance& drop) { shard_.instances.erase(drop.id); }

void MemoryStore::Writer::apply(const model::PutShardMeta& put) {
  if (put.meta.applied_index != shard_.meta.applied_index + 1) complain("a group is missing or repeated");
  shard_.meta = put.meta;
}

}  // namespace lazaret::simulation

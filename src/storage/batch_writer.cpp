#include "storage/batch_writer.h"
#include "storage/alerts.h"

#include <algorithm>
#include <utility>

#include "model/fingerprint.h"
#include "model/limits.h"
#include "storage/audit_trail.h"
#include "storage/case_history.h"
#include "storage/message_reader.h"
#include "storage/outbox.h"
#include "storage/priorities.h"
#include "storage/records.h"
#include "storage/run.h"

namespace lazaret::storage {
namespace {

using base::Status;
using model::LogId;
using model::Offset;

/// Fewer runs than this go one by one: a range tombstone would cost every later read more than they do.
constexpr std::size_t kFewRuns = 64;
/// The same of what the index of priorities names: these are small, and more of them come in a trim.
constexpr std::size_t kFewPlaces = 4096;

/// After looking for runs to trim: those that cannot be read at all stay, and are never looked at again.
Status left_over(const rocksdb::Iterator& it) {
  const Status status = status_of(it.status(), "trimming");
  return status.code() == base::Code::STORAGE_DAMAGED ? Status() : status;
}

}  // namespace

Status BatchWriter::write(const model::MutationGroup& group) {
  shard_ = group.shard;
  for (const model::Mutation& mutation : group.mutations) {
    LZ_RETURN_IF_ERROR(std::visit([this](const auto& one) { return apply(one); }, mutation));
  }
  LZ_RETURN_IF_ERROR(index_status_);
  LZ_RETURN_IF_ERROR(indexes_.finish());
  return write_runs();
}

Status BatchWriter::put(Family family, const std::string& key, const std::string& value) {
  return status_of(batch_.Put(database_.family(family), slice(key), slice(value)), "filling a batch");
}
Status BatchWriter::erase(Family family, const std::string& key) {
  return status_of(batch_.Delete(database_.family(family), slice(key)), "filling a batch");
}
Status BatchWriter::erase_prefix(Family family, const std::string& prefix) {
  const std::string end = keys::behind(prefix);
  return status_of(batch_.DeleteRange(database_.family(family), slice(prefix), slice(end)), "filling a batch");
}

// --- Logs -----------------------------------------------------------------------------------------------------------

Status BatchWriter::apply(const model::AppendMessages& m) {
  auto& stretches = appended_[m.log];
  const bool goes_on =
      !stretches.empty() && stretches.back().first.value + stretches.back().second.size() == m.first.value;
  if (!goes_on) stretches.push_back({m.first, {}});
  auto& messages = stretches.back().second;
  messages.insert(messages.end(), m.messages.begin(), m.messages.end());
  Offset offset = m.first;
  for (const model::MessageRef& message : m.messages) {
    if (message->priority > 0) {
      LZ_RETURN_IF_ERROR(put(Family::state, keys::prioritised(shard_, m.log, message->priority, offset), ""));
    }
    offset = offset.next();
  }
  return {};
}

Status BatchWriter::write_runs() {
  std::vector<rocksdb::Slice> parts;
  for (const auto& [log, stretches] : appended_) {
    for (const auto& [begin, messages] : stretches) {
      Offset first = begin;
      for (std::span<const model::MessageRef> rest(messages); !rest.empty();) {
        const std::size_t count = run_length(rest);
        const RunParts run = encode_run(log, first, rest.first(count));
        parts.assign(1, slice(run.index));
        for (const std::string_view part : run.data) parts.push_back(slice(part));
        const std::string key = keys::message(shard_, log, first);
        const rocksdb::Slice key_slice = slice(key);
        const rocksdb::Status status = batch_.Put(database_.family(Family::log), rocksdb::SliceParts(&key_slice, 1),
                                                  rocksdb::SliceParts(parts.data(), static_cast<int>(parts.size())));
        LZ_RETURN_IF_ERROR(status_of(status, "filling a batch"));
        first = Offset(first.value + count);
        rest = rest.subspan(count);
      }
    }
  }
  if (!appended_.empty()) earlier_.emplace_back(shard_, std::exchange(appended_, {}));
  return {};
}

/// Also one that this commit appends: a rule, or the end of its time, makes a case of a message at once. nullptr: it is
/// damaged, or not there.
model::MessageRef BatchWriter::message_at(LogId log, Offset offset) {
  if (const model::MessageRef here = find_in(appended_, log, offset)) return here;
  for (const auto& [shard, appended] : earlier_) {
    const model::MessageRef before = shard == shard_ ? find_in(appended, log, offset) : nullptr;
    if (before != nullptr) return before;
  }
  return MessageReader(database_, nullptr).read_one(shard_, log, offset);
}

model::MessageRef BatchWriter::find_in(const Appended& appended, LogId log, Offset offset) {
  const auto found = appended.find(log);
  if (found == appended.end()) return nullptr;
  for (const auto& [first, messages] : found->second) {
    if (first <= offset && offset.value - first.value < messages.size()) return messages[offset.value - first.value];
  }
  return nullptr;
}

Status BatchWriter::apply(const model::TrimLog& m) {
  trimmed_ += m.range.size();
  for (const Offset offset : m.evacuate) LZ_RETURN_IF_ERROR(evacuate(m.state.log, offset));
  if (m.range.begin < m.range.end) LZ_RETURN_IF_ERROR(trim_runs(m.state, m.range));
  if (m.state.prioritised) LZ_RETURN_IF_ERROR(trim_priorities(m));
  return put(Family::state, keys::log_state(shard_, m.state.log), encode(m.state));
}

Status BatchWriter::apply(const model::PutLog& m) {
  return put(Family::state, keys::log_state(shard_, m.state.log), encode(m.state));
}

/// Runs that touch the range and lie wholly in what is trimmed: one that shares the edge with messages that are still
/// needed stays, and goes when the stretch on the other side does.
Status BatchWriter::trim_runs(const model::LogState& state, model::OffsetRange range) {
  const auto around = std::find_if(state.trimmed.begin(), state.trimmed.end(), [&](const model::OffsetRange& trimmed) {
    return trimmed.begin <= range.begin && range.end <= trimmed.end;
  });
  const model::OffsetRange trimmed = around == state.trimmed.end() ? range : *around;
  // No run that begins further back reaches into the range.
  const Offset reach(range.begin.value - std::min<std::uint64_t>(range.begin.value, model::limits::kRunMessages));
  const std::string lower_key = keys::message(shard_, state.log, std::max(trimmed.begin, reach));
  const std::string upper_key = keys::message(shard_, state.log, range.end);
  const rocksdb::Slice lower = slice(lower_key);
  const rocksdb::Slice upper = slice(upper_key);
  rocksdb::ReadOptions read;
  read.iterate_lower_bound = &lower;
  read.iterate_upper_bound = &upper;
  // A damaged block is no reason to keep what nobody needs any more, let alone to refuse the whole write.
  read.verify_checksums = false;
  const std::unique_ptr<rocksdb::Iterator> it(database_.db().NewIterator(read, database_.family(Family::log)));
  const auto end_of_run = [&it] {
    return Offset(keys::last_number(view(it->key())) + run_count(view(it->value())).value_or(1));
  };
  // The first: it may begin before the range, left over from the stretch before. Looked for forwards: backwards the
  // iterator would step over all that was ever trimmed.
  it->Seek(lower);
  while (it->Valid() && end_of_run() <= range.begin) it->Next();
  if (!it->Valid()) it->Seek(slice(keys::message(shard_, state.log, range.begin)));  // behind what cannot be read
  if (!it->Valid()) return left_over(*it);
  const std::string begin = it->key().ToString();
  const Offset first(keys::last_number(begin));
  // The last run that begins in the range: where the trim must end if the run goes on behind what is trimmed.
  it->SeekToLast();
  if (!it->Valid()) return left_over(*it);
  const std::string end = end_of_run() > trimmed.end ? it->key().ToString() : upper_key;
  std::vector<std::string> few;
  for (it->Seek(slice(begin)); it->Valid() && it->key().compare(slice(end)) < 0 && few.size() <= kFewRuns; it->Next()) {
    few.push_back(it->key().ToString());
  }
  if (few.size() > kFewRuns) {
    const std::string from = keys::before_message(shard_, state.log, first);
    return status_of(batch_.DeleteRange(database_.family(Family::log), slice(from), slice(end)), "trimming");
  }
  for (const std::string& key : few) LZ_RETURN_IF_ERROR(erase(Family::log, key));
  return left_over(*it);
}

/// Copies one message out of its log. An empty record stands for a damaged one: with none it would pass for trimmed.
Status BatchWriter::evacuate(model::LogId log, Offset offset) {
  const model::MessageRef message = message_at(log, offset);
  if (message == nullptr) return put(Family::evacuated, keys::message(shard_, log, offset), "");
  return put(Family::evacuated, keys::message(shard_, log, offset), encode_alone(log, offset, message));
}

Status BatchWriter::apply(const model::DropEvacuated& m) {
  // Which priority it had is not worth a read.
  for (std::uint8_t priority = 1; m.prioritised && priority <= model::kHighestPriority; ++priority) {
    LZ_RETURN_IF_ERROR(erase(Family::state, keys::prioritised(shard_, m.log, priority, m.offset)));
  }
  return erase(Family::evacuated, keys::message(shard_, m.log, m.offset));
}

Status BatchWriter::trim_priorities(const model::TrimLog& m) {
  for (std::uint8_t priority = 1; priority <= model::kHighestPriority; ++priority) {
    const auto going = prioritised_in(database_, shard_, m.state.log, priority, m.range, m.copied);
    if (!going.ok()) return going.status();
    if (going->size() > kFewPlaces && m.copied.empty()) {
      const std::string begin = keys::prioritised(shard_, m.state.log, priority, m.range.begin);
      const std::string end = keys::prioritised(shard_, m.state.log, priority, m.range.end);
      LZ_RETURN_IF_ERROR(
          status_of(batch_.DeleteRange(database_.family(Family::state), slice(begin), slice(end)), "trimming"));
      continue;
    }
    for (const Offset offset : *going) {
      LZ_RETURN_IF_ERROR(erase(Family::state, keys::prioritised(shard_, m.state.log, priority, offset)));
    }
  }
  return {};
}

Status BatchWriter::apply(const model::DropPriorities& m) {
  return erase_prefix(Family::state, keys::prioritised_prefix(shard_, m.log));
}

// --- Subscriptions --------------------------------------------------------------------------------------------------

Status BatchWriter::apply(const model::PutSubscription& m) {
  return put(Family::state, keys::subscription(shard_, m.state.subscription), encode(m.state));
}

Status BatchWriter::apply(const model::DropSubscription& m) {
  // What says that it was deleted stays until the catalog has forgotten the name (DropQueue).
  model::SubscriptionState gone;
  gone.subscription = m.subscription;
  gone.deleting = true;
  LZ_RETURN_IF_ERROR(put(Family::state, keys::subscription(shard_, m.subscription), encode(gone)));
  for (const keys::Kind kind : {keys::Kind::ack_chunk, keys::Kind::delivery, keys::Kind::lane_entry,
                                keys::Kind::request, keys::Kind::quarantine}) {
    LZ_RETURN_IF_ERROR(erase_prefix(Family::state, keys::Key(shard_, kind).add(m.subscription.value).str()));
  }
  LZ_RETURN_IF_ERROR(drop_what_is_no_case(m));
  LZ_RETURN_IF_ERROR(erase_prefix(Family::schedule, keys::schedule_prefix(shard_, m.subscription)));
  return m.keep_log ? Status() : drop_log(m.log);
}

/// But its evacuated messages.
Status BatchWriter::drop_log(model::LogId log) {
  LZ_RETURN_IF_ERROR(erase(Family::state, keys::log_state(shard_, log)));
  LZ_RETURN_IF_ERROR(erase_prefix(Family::state, keys::prioritised_prefix(shard_, log)));
  LZ_RETURN_IF_ERROR(erase_prefix(Family::dedup, keys::log_prefix(shard_, log)));
  LZ_RETURN_IF_ERROR(erase_prefix(Family::dedup, keys::ids_prefix(shard_, log)));
  return erase_prefix(Family::log, keys::log_prefix(shard_, log));
}

Status BatchWriter::apply(const model::DropLog& m) {
  // What says that it was deleted stays until the catalog has forgotten the name (DropQueue).
  model::SubscriptionState gone;
  gone.subscription = m.topic;
  gone.deleting = true;
  LZ_RETURN_IF_ERROR(put(Family::state, keys::subscription(shard_, m.topic), encode(gone)));
  Status inner;
  LZ_RETURN_IF_ERROR(
      database_.scan(Family::evacuated, keys::log_prefix(shard_, m.log), [&](std::string_view key, std::string_view) {
        const Offset offset(keys::last_number(key));
        const bool kept = std::any_of(m.kept.begin(), m.kept.end(), [offset](const model::OffsetRange& range) {
          return range.begin <= offset && offset < range.end;
        });
        if (!kept) inner = erase(Family::evacuated, std::string(key));
        return inner.ok();
      }));
  LZ_RETURN_IF_ERROR(inner);
  return drop_log(m.log);
}

/// The attempts and the evacuated messages of a deleted subscription that belong to no case.
Status BatchWriter::drop_what_is_no_case(const model::DropSubscription& m) {
  Status inner;
  bool is_case = false;
  Offset last;
  const auto look = [&](Offset offset, bool first) {
    if (first || offset != last) {
      const model::CaseId id{shard_, m.subscription, m.log, offset};
      const auto record = database_.get(Family::hospital, keys::case_record(id));
      if (!record.ok()) inner = record.status();
      is_case = cases_.contains(id) || (record.ok() && *record);
      last = offset;
    }
    return is_case || !inner.ok();
  };
  bool first = true;
  const std::string attempts = keys::Key(shard_, keys::Kind::attempt).add(m.subscription.value).add(m.log.value).str();
  LZ_RETURN_IF_ERROR(database_.scan(Family::state, attempts, [&](std::string_view key, std::string_view) {
    const bool keep = look(Offset(keys::number_at(key, attempts.size())), std::exchange(first, false));
    if (!keep) inner = erase(Family::state, std::string(key));
    return inner.ok();
  }));
  LZ_RETURN_IF_ERROR(inner);
  if (m.keep_log) return {};
  first = true;
  LZ_RETURN_IF_ERROR(
      database_.scan(Family::evacuated, keys::log_prefix(shard_, m.log), [&](std::string_view key, std::string_view) {
        const bool keep = look(Offset(keys::last_number(key)), std::exchange(first, false));
        if (!keep) inner = erase(Family::evacuated, std::string(key));
        return inner.ok();
      }));
  return inner;
}

Status BatchWriter::apply(const model::PutAckChunk& m) {
  return put(Family::state, keys::ack_chunk(shard_, m.subscription, m.log, m.chunk.number), encode(m.chunk));
}
Status BatchWriter::apply(const model::DropAckChunk& m) {
  return erase(Family::state, keys::ack_chunk(shard_, m.subscription, m.log, m.number));
}

Status BatchWriter::apply(const model::PutDelivery& m) {
  const model::DeliveryRecord& record = m.record;
  if (record.scheduled) {
    const std::string place = keys::scheduled(shard_, m.subscription, record.due, m.log, record.offset);
    waiting_here_[{shard_, m.subscription, m.log, record.offset}] = record.due;
    return put(Family::schedule, place, keys::scheduled_value(record.priority));
  }
  if (m.previous_due.us != 0 && m.previous_due != record.due) {
    LZ_RETURN_IF_ERROR(
        erase(Family::schedule, keys::scheduled(shard_, m.subscription, m.previous_due, m.log, record.offset)));
  }
  if (record.state == model::DeliveryState::waiting) {
    waiting_here_[{shard_, m.subscription, m.log, record.offset}] = record.due;
    LZ_RETURN_IF_ERROR(
        put(Family::schedule, keys::scheduled(shard_, m.subscription, record.due, m.log, record.offset), ""));
  }
  return put(Family::state, keys::delivery(shard_, m.subscription, m.log, record.offset), encode(record));
}

Status BatchWriter::apply(const model::DropDelivery& m) {
  base::Instant due = m.previous_due;
  const std::string key = keys::delivery(shard_, m.subscription, m.log, m.offset);
  if (m.look_up) {
    const auto found = due_of(m, key);
    if (!found.ok()) return found.status();
    due = *found;
  }
  if (due.us != 0)
    LZ_RETURN_IF_ERROR(erase(Family::schedule, keys::scheduled(shard_, m.subscription, due, m.log, m.offset)));
  return erase(Family::state, key);
}

/// Until when it waits, as this batch says, or its record, or, of a scheduled one, the message itself; if that is not
/// readable, it is looked for.
base::Result<base::Instant> BatchWriter::due_of(const model::DropDelivery& m, const std::string& key) {
  const auto here = waiting_here_.find({shard_, m.subscription, m.log, m.offset});
  if (here != waiting_here_.end()) return here->second;
  model::DeliveryRecord record;
  const auto stored = database_.get(Family::state, key);
  if (stored.ok() && *stored && decode(**stored, record)) return record.due;
  const model::MessageRef message = message_at(m.log, m.offset);
  if (message != nullptr) return message->due;
  base::Instant due;
  const std::string prefix = keys::schedule_prefix(shard_, m.subscription);
  LZ_RETURN_IF_ERROR(database_.scan(Family::schedule, prefix, [&](std::string_view place, std::string_view) {
    const bool its =
        LogId(keys::number_at(place, prefix.size() + 8)) == m.log && Offset(keys::last_number(place)) == m.offset;
    if (its) due.us = static_cast<std::int64_t>(keys::number_at(place, prefix.size()));
    return !its;
  }));
  return due;
}

Status BatchWriter::apply(const model::DropSchedule& m) {
  return erase_prefix(Family::schedule, keys::schedule_prefix(shard_, m.subscription));
}

Status BatchWriter::apply(const model::PutAttempt& m) {
  return put(Family::state, keys::attempt(shard_, m.subscription, m.log, m.offset, m.attempt.number),
             encode(m.attempt));
}

Status BatchWriter::apply(const model::DropAttempts& m) {
  if (m.count == 0) return erase_prefix(Family::state, keys::attempts_of(shard_, m.subscription, m.log, m.offset));
  for (std::uint32_t number = 1; number <= m.count; ++number) {
    LZ_RETURN_IF_ERROR(erase(Family::state, keys::attempt(shard_, m.subscription, m.log, m.offset, number)));
  }
  return {};
}

// --- The hospital ---------------------------------------------------------------------------------------------------

base::Result<model::CaseRecord> BatchWriter::case_of(const model::CaseId& id) {
  if (const auto it = cases_.find(id); it != cases_.end()) return it->second;
  const auto bytes = database_.get(Family::hospital, keys::case_record(id));
  if (!bytes.ok()) return bytes.status();
  model::CaseRecord record;
  record.id = id;
  if (!*bytes || !decode(**bytes, record)) {
    return Status(base::Code::STORAGE_DAMAGED, "case " + id.to_string() + " has no readable record");
  }
  cases_[id] = record;
  return record;
}

/// `previous_admission`: 0 of a case that is new; any other was asked for (case_of) before it was changed.
void BatchWriter::put_case(const model::CaseRecord& record, base::Instant previous_admission) {
  const auto before = previous_admission.us == 0 ? cases_.end() : cases_.find(record.id);
  const Status status = indexes_.change(before == cases_.end() ? nullptr : &before->second, &record);
  if (!status.ok()) index_status_ = status;
  put(Family::hospital, keys::case_record(record.id), encode(record)).ok();
  cases_[record.id] = record;
}

Status BatchWriter::apply(const model::AdmitCase& m) {
  model::CaseRecord record = m.record;
  if (!m.relapse) {
    const model::MessageRef message = message_at(record.id.log, record.id.offset);
    if (message != nullptr) {
      record.summary = summary_of(*message);
      record.message_bytes = message->size();
    }
    for (const auto& [log, topic] : m.topics) {
      if (log == record.summary.published.log) record.source = topic;
    }
    // It may not have been known yet. What was scheduled has none.
    const bool has_key = message != nullptr && message->due.us == 0;
    if (!record.key && has_key) record.key = model::hash_of_key(record.summary.key);
    record.group = model::group_of(record);
    put_case(record, {});
    return {};
  }
  const auto before = case_of(record.id);
  if (!before.ok()) return before.status();
  put_case(model::relapsed(*before, m.record, !m.topics.empty()), before->admitted_at);
  return erase(Family::state, keys::lane_entry(shard_, record.id.subscription, m.lane_offset));
}

Status BatchWriter::apply(const model::ReplayCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  record->state = model::CaseState::replaying;
  record->replay_count += 1;
  record->replay_job = m.job;
  record->replay_outcome = model::ReplayOutcome::queued;
  record->note({m.at, model::CaseChange::replayed, m.by, m.job});
  put_case(*record, record->admitted_at);
  if (m.version != 0) LZ_RETURN_IF_ERROR(copy_version(m));
  return put(Family::state, keys::lane_entry(shard_, m.id.subscription, m.lane_offset),
             encode(model::LaneEntry{m.lane_offset, m.id, record->attempt_count, record->summary.priority,
                                     m.version != 0, m.failures_before, m.single_attempt, m.only_for}));
}

Status BatchWriter::apply(const model::RecallCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  record->state = model::CaseState::admitted;
  record->replay_outcome = model::ReplayOutcome::recalled;
  record->attempt_count = m.attempt_count;
  record->failure_count += m.failures;
  record->note({m.at, model::CaseChange::recalled, "", m.job, m.reason});
  put_case(*record, record->admitted_at);
  return erase(Family::state, keys::lane_entry(shard_, m.id.subscription, m.lane_offset));
}

Status BatchWriter::apply(const model::DischargeCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  if (record->state == model::CaseState::replaying) record->replay_outcome = model::ReplayOutcome::discharged;
  record->state = model::CaseState::discharged;
  record->closed_at = m.at;
  record->late_ack = m.late;
  if (m.attempt_count > 0) record->attempt_count = m.attempt_count;
  record->failure_count += m.failures;
  record->note({m.at, model::CaseChange::discharged});
  put_case(*record, record->admitted_at);
  LZ_RETURN_IF_ERROR(list_closed(*record));
  if (m.drop_evacuated) LZ_RETURN_IF_ERROR(erase(Family::evacuated, keys::message(shard_, m.id.log, m.id.offset)));
  if (m.late && m.attempt_count == 0) return {};  // an untouched case: it is in no lane
  return erase(Family::state, keys::lane_entry(shard_, m.id.subscription, m.lane_offset));
}

Status BatchWriter::apply(const model::DiscardCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  record->state = model::CaseState::discarded;
  record->closed_at = m.at;
  record->discard_reason = m.reason;
  record->note({m.at, model::CaseChange::discarded, m.by, {}, m.reason});
  put_case(*record, record->admitted_at);
  LZ_RETURN_IF_ERROR(list_closed(*record));
  return m.drop_evacuated ? erase(Family::evacuated, keys::message(shard_, m.id.log, m.id.offset)) : Status();
}

Status BatchWriter::apply(const model::DropClosedCases& m) {
  const std::string begin = keys::case_record({shard_, m.subscription, m.log, m.range.begin});
  const std::string end = keys::case_record({shard_, m.subscription, m.log, m.range.end});
  std::map<model::CaseId, model::CaseRecord> closed;
  bool readable = true;
  LZ_RETURN_IF_ERROR(
      database_.scan_range(Family::hospital, begin, end, [&](std::string_view key, std::string_view value) {
        model::CaseRecord record;
        record.id = {shard_, m.subscription, m.log, Offset(keys::last_number(key))};
        readable = decode(value, record);
        if (readable) closed[record.id] = std::move(record);
        return readable;
      }));
  if (!readable) return Status(base::Code::STORAGE_DAMAGED, "a case of the subscription has no readable record");
  for (const auto& [id, record] : cases_) {  // as earlier mutations of this commit left them
    const bool its = id.shard == shard_ && id.subscription == m.subscription && id.log == m.log;
    if (its && id.offset >= m.range.begin && id.offset < m.range.end) closed[id] = record;
  }
  for (const auto& [id, record] : closed) {
    if (!record.is_open()) LZ_RETURN_IF_ERROR(drop_case(record));
  }
  return {};
}

Status BatchWriter::apply(const model::PatchGroup& m) { return indexes_.patch(shard_, m); }

Status BatchWriter::drop_case(const model::CaseRecord& record) {
  const model::CaseId id = record.id;
  LZ_RETURN_IF_ERROR(indexes_.change(&record, nullptr));
  LZ_RETURN_IF_ERROR(erase(Family::hospital, keys::case_record(id)));
  LZ_RETURN_IF_ERROR(drop_case_history(record));
  LZ_RETURN_IF_ERROR(apply(model::DropAttempts{id.subscription, id.log, id.offset, 0}));
  cases_.erase(id);
  return {};
}

// --- Replay jobs ----------------------------------------------------------------------------------------------------

Status BatchWriter::apply(const model::PutReplayJob& m) {
  const model::ReplayJobId job = m.change.record.id;
  for (const model::ReplayChunk& chunk : m.change.chosen) {
    LZ_RETURN_IF_ERROR(put(Family::hospital_index, keys::replay_cases(job, chunk.number), encode_cases(chunk)));
  }
  for (const model::ReplayChunk& chunk : m.change.outcomes) {
    LZ_RETURN_IF_ERROR(put(Family::hospital_index, keys::replay_outcomes(job, chunk.number), encode_outcomes(chunk)));
  }
  return put(Family::hospital_index, keys::replay_job(job), encode(m.change.record));
}

Status BatchWriter::apply(const model::DropReplayJob& m) {
  LZ_RETURN_IF_ERROR(erase_prefix(Family::hospital_index, keys::replay_cases_of(m.job)));
  LZ_RETURN_IF_ERROR(erase_prefix(Family::hospital_index, keys::replay_outcomes_of(m.job)));
  return erase(Family::hospital_index, keys::replay_job(m.job));
}

// --- The audit trail ------------------------------------------------------------------------------------------------

Status BatchWriter::apply(const model::AppendAudit& m) {
  LZ_RETURN_IF_ERROR(put(Family::audit, keys::audit_entry(m.entry.number), encode(m.entry)));
  return put(Family::audit, keys::audit_head(), encode(m.entry.point()));
}

/// What this commit itself appends is never too old.
Status BatchWriter::apply(const model::TrimAudit& m) {
  if (!anchor_here_) {
    const auto anchor = audit_anchor(database_, nullptr);
    if (!anchor.ok()) return anchor.status();
    anchor_here_ = *anchor;
  }
  const auto old = old_audit_entries(database_, *anchor_here_, m.older_than, m.max);
  if (!old.ok()) return old.status();
  if (old->empty()) return {};
  for (const model::AuditPoint& point : *old) {
    LZ_RETURN_IF_ERROR(erase(Family::audit, keys::audit_entry(point.number)));
  }
  anchor_here_ = old->back();
  return put(Family::audit, keys::audit_anchor(), encode(*anchor_here_));
}

Status BatchWriter::apply(const model::PutAlerts& m) {
  for (const model::AlertRecord& alert : m.change.put) {
    LZ_RETURN_IF_ERROR(put(Family::hospital_index, keys::alert(alert.number), encode(alert)));
  }
  for (const model::AlertId number : m.change.forgotten) {
    LZ_RETURN_IF_ERROR(erase(Family::hospital_index, keys::alert(number)));
  }
  if (m.change.looked_at.us == 0) return {};
  std::string mark;
  base::append_le(mark, static_cast<std::uint64_t>(m.change.looked_at.us));
  base::append_le(mark, static_cast<std::uint64_t>(m.change.case_age.count()));
  return put(Family::hospital_index, keys::alerts_looked_at(), mark);
}

// --- Deduplication, catalog, instances ------------------------------------------------------------------------------

Status BatchWriter::apply(const model::PutDedup& m) {
  LZ_RETURN_IF_ERROR(put(Family::dedup, keys::producer(shard_, m.log, m.producer.producer), encode(m.producer)));
  if (m.entries.empty()) return {};
  return put(Family::dedup, keys::sequences(shard_, m.log, m.producer.producer, m.entries.back().sequence),
             encode(m.entries));
}

Status BatchWriter::apply(const model::TrimDedup& m) {
  const std::string begin = keys::before_sequences(shard_, m.log, m.producer);
  const std::string end = keys::sequences(shard_, m.log, m.producer, m.below);
  return status_of(batch_.DeleteRange(database_.family(Family::dedup), slice(begin), slice(end)), "filling a batch");
}

Status BatchWriter::apply(const model::DropProducer& m) {
  return erase_prefix(Family::dedup, keys::log_prefix(shard_, m.log) + std::string(m.producer.raw()));
}

Status BatchWriter::apply(const model::PutMessageIds& m) {
  return put(Family::dedup, keys::ids(shard_, m.log, m.stored.ids.back().offset), encode(m.stored));
}

Status BatchWriter::apply(const model::TrimMessageIds& m) {
  const std::string begin = keys::ids_prefix(shard_, m.log);
  const std::string end = keys::ids(shard_, m.log, m.below);
  return status_of(batch_.DeleteRange(database_.family(Family::dedup), slice(begin), slice(end)), "filling a batch");
}

Status BatchWriter::apply(const model::PutQueue& m) {
  return put(Family::catalog, keys::queue(m.record.name), encode(m.record));
}

Status BatchWriter::apply(const model::DropQueue& m) {
  const std::string key = keys::queue(m.name);
  model::QueueRecord queue;
  const auto bytes = database_.get(Family::catalog, key);
  if (bytes.ok() && *bytes && decode(**bytes, queue)) {
    LZ_RETURN_IF_ERROR(erase(Family::state, keys::subscription(queue.shard, queue.subscription)));
  }
  return erase(Family::catalog, key);
}

Status BatchWriter::apply(const model::PutInstance& m) {
  return put(Family::state, keys::instance(shard_, m.record.id), encode(m.record));
}
Status BatchWriter::apply(const model::DropInstance& m) { return erase(Family::state, keys::instance(shard_, m.id)); }

Status BatchWriter::apply(const model::PutShardMeta& m) {
  return put(Family::state, keys::shard_meta(shard_), encode(m.meta));
}

Status BatchWriter::apply(const model::PutQuarantine& m) {
  return put(Family::state, keys::quarantine(shard_, m.record.subscription, m.record.number), encode(m.record));
}

Status BatchWriter::apply(const model::DropQuarantine& m) {
  return erase(Family::state, keys::quarantine(shard_, m.subscription, m.number));
}

Status BatchWriter::apply(const model::PutRequest& m) {
  return put(Family::state, keys::request(shard_, m.subscription, m.record.id), encode(m.record));
}
Status BatchWriter::apply(const model::DropRequest& m) {
  return erase(Family::state, keys::request(shard_, m.subscription, m.id));
}

// --- Between shards -------------------------------------------------------------------------------------------------

Status BatchWriter::apply(const model::PutOutbox& m) {
  const model::OutboxEntry& entry = *m.entry;
  const std::string head = encode_head(entry);
  const RunParts run = encode_run(entry.log, Offset(entry.number), entry.messages);
  std::vector<rocksdb::Slice> parts{slice(head), slice(run.index)};
  for (const std::string_view part : run.data) parts.push_back(slice(part));
  const std::string key = keys::outbox_entry(shard_, entry.to, entry.number);
  const rocksdb::Slice key_slice = slice(key);
  return status_of(batch_.Put(database_.family(Family::outbox), rocksdb::SliceParts(&key_slice, 1),
                              rocksdb::SliceParts(parts.data(), static_cast<int>(parts.size()))),
                   "filling a batch");
}

Status BatchWriter::apply(const model::DropOutbox& m) {
  for (std::uint64_t number = m.first; number <= m.taken; ++number) {
    LZ_RETURN_IF_ERROR(erase(Family::outbox, keys::outbox_entry(shard_, m.to, number)));
  }
  return put(Family::outbox, keys::outbox_taken(shard_, m.to), encode_number(m.taken));
}

Status BatchWriter::apply(const model::PutInbox& m) {
  return put(Family::outbox, keys::inbox_taken(shard_, m.from), encode_number(m.taken));
}

}  // namespace lazaret::storage

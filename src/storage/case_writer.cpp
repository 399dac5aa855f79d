// The part of BatchWriter that concerns the messages of cases: their versions, and how long they are kept.
#include "model/fingerprint.h"
#include "storage/batch_writer.h"
#include "storage/case_history.h"
#include "storage/keys.h"
#include "storage/records.h"

namespace lazaret::storage {

using base::Status;
using model::CaseState;

Status BatchWriter::apply(const model::EditCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  record->version = m.edit.version;
  record->summary.body_bytes = m.message->body.size();
  record->edited_bytes += m.message->size();
  put_case(*record, record->admitted_at);
  versions_here_[m.id] = {m.edit.version, m.message};
  return put(Family::state, keys::case_edit(m.id, m.edit.version), encode_edit(m.id, m.edit, m.message));
}

/// To where its entry in the lane is read from. An empty record stands for a damaged one.
Status BatchWriter::copy_version(const model::ReplayCase& m) {
  model::MessageRef message;
  const auto here = versions_here_.find(m.id);
  if (here != versions_here_.end() && here->second.first == m.version) {
    message = here->second.second;
  } else {
    auto stored = read_version(database_, m.id, m.version);
    if (!stored.ok()) return stored.status();
    message = std::move(*stored);
  }
  const std::string value = message == nullptr ? "" : encode_alone(m.lane, m.lane_offset, message);
  return put(Family::evacuated, keys::message(shard_, m.lane, m.lane_offset), value);
}

Status BatchWriter::apply(const model::RestoreCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  const std::string place = keys::closed_case(m.id, record->closed_at);
  record->state = CaseState::admitted;
  record->closed_at = {};
  record->discard_reason.clear();
  record->note({m.at, model::CaseChange::restored, m.by});
  put_case(*record, record->admitted_at);
  return erase(Family::state, place);
}

Status BatchWriter::apply(const model::RedirectCase& m) {
  auto record = case_of(m.id);
  if (!record.ok()) return record.status();
  record->state = CaseState::discharged;
  record->closed_at = m.at;
  record->redirected_to = m.to;
  if (m.job) {
    record->replay_job = m.job;
    record->replay_outcome = model::ReplayOutcome::discharged;
  }
  record->note({m.at, model::CaseChange::redirected, m.by, m.job, "", m.to});
  put_case(*record, record->admitted_at);
  LZ_RETURN_IF_ERROR(list_closed(*record));
  return m.drop_evacuated ? erase(Family::evacuated, keys::message(shard_, m.id.log, m.id.offset)) : Status();
}

Status BatchWriter::apply(const model::DropCase& m) {
  if (m.drop_evacuated) LZ_RETURN_IF_ERROR(erase(Family::evacuated, keys::message(shard_, m.id.log, m.id.offset)));
  LZ_RETURN_IF_ERROR(erase(Family::state, keys::closed_case(m.id, m.closed_at)));
  const auto record = case_of(m.id);
  // Nothing is wrong when it is not there: it went when its subscription was moved.
  const bool still = record.ok() && !record->is_open() && record->closed_at == m.closed_at;
  if (still && m.drop_discarded && record->state == CaseState::discarded) {
    LZ_RETURN_IF_ERROR(erase(Family::evacuated, keys::message(shard_, m.id.log, m.id.offset)));
  }
  return still ? drop_case(*record) : Status();
}

Status BatchWriter::apply(const model::ImportCase& m) {
  model::CaseRecord record = m.record;
  record.summary = summary_of(*m.message);
  record.summary.published = {};
  record.message_bytes = m.message->size();
  if (!record.key) record.key = model::hash_of_key(record.summary.key);
  record.group = model::group_of(record);
  for (const model::Attempt& attempt : m.attempts) {
    LZ_RETURN_IF_ERROR(apply(model::PutAttempt{record.id.subscription, record.id.log, record.id.offset, attempt}));
  }
  put_case(record, {});
  return {};
}

Status BatchWriter::list_closed(const model::CaseRecord& record) {
  return put(Family::state, keys::closed_case(record.id, record.closed_at), "");
}

/// Of one that goes.
Status BatchWriter::drop_case_history(const model::CaseRecord& record) {
  versions_here_.erase(record.id);
  LZ_RETURN_IF_ERROR(erase(Family::state, keys::closed_case(record.id, record.closed_at)));
  for (std::uint32_t version = 1; version <= record.version; ++version) {
    LZ_RETURN_IF_ERROR(erase(Family::state, keys::case_edit(record.id, version)));
  }
  return {};
}

}  // namespace lazaret::storage

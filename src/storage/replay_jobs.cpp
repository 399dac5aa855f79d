#include "storage/replay_jobs.h"

#include "base/fixed_int.h"
#include "lazaret/storage/v1/records.pb.h"
#include "storage/records.h"

namespace lazaret::storage {

using base::Code;
using base::Instant;
using base::Status;
using model::ReplayJobRecord;

std::string encode(const ReplayJobRecord& record) {
  v1::ReplayJob out;
  out.set_state(static_cast<std::uint32_t>(record.state));
  out.set_filter(record.filter);
  out.set_by_ids(record.by_ids);
  out.set_rate(record.options.rate);
  out.set_concurrency(record.options.concurrency);
  if (record.options.canary) out.set_canary_asked(*record.options.canary);
  if (record.options.canary_needed) out.set_canary_needed_asked(*record.options.canary_needed);
  out.set_stop_at_failure_ratio(record.options.stop_at_failure_ratio);
  out.set_after_version(record.options.after_version);
  out.set_waiting_for_version(record.waiting_for_version);
  out.set_force(record.options.force);
  out.set_keep_attempts(record.options.keep_attempts);
  out.set_to(record.options.to);
  out.set_created_at_us(record.created_at.us);
  out.set_created_by(record.created_by);
  out.set_ended_at_us(record.ended_at.us);
  out.set_chosen(record.chosen);
  out.set_total(record.total);
  out.set_next(record.next);
  out.set_canary(record.canary);
  out.set_canary_needed(record.canary_needed);
  out.set_canary_passed(record.canary_passed);
  out.set_recalling(record.recalling);
  out.set_queued(record.counts.queued);
  out.set_discharged(record.counts.discharged);
  out.set_relapsed(record.counts.relapsed);
  out.set_recalled(record.counts.recalled);
  out.set_refused(record.counts.refused);
  out.set_other(record.counts.other);
  out.set_ended_because(record.ended_because);
  return out.SerializeAsString();
}

bool decode(std::string_view bytes, ReplayJobRecord& record) {
  v1::ReplayJob in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  record.state = static_cast<model::ReplayJobState>(in.state());
  record.filter = in.filter();
  record.by_ids = in.by_ids();
  record.options.rate = in.rate();
  record.options.concurrency = in.concurrency();
  if (in.has_canary_asked()) record.options.canary = in.canary_asked();
  if (in.has_canary_needed_asked()) record.options.canary_needed = in.canary_needed_asked();
  record.options.stop_at_failure_ratio = in.stop_at_failure_ratio();
  record.options.after_version = in.after_version();
  record.waiting_for_version = in.waiting_for_version();
  record.options.force = in.force();
  record.options.keep_attempts = in.keep_attempts();
  record.options.to = in.to();
  record.created_at = Instant{in.created_at_us()};
  record.created_by = in.created_by();
  record.ended_at = Instant{in.ended_at_us()};
  record.chosen = in.chosen();
  record.total = in.total();
  record.next = in.next();
  record.canary = in.canary();
  record.canary_needed = in.canary_needed();
  record.canary_passed = in.canary_passed();
  record.recalling = in.recalling();
  record.counts = {in.queued(), in.discharged(), in.relapsed(), in.recalled(), in.refused(), in.other()};
  record.ended_because = in.ended_because();
  return record.next <= record.total;
}

std::string encode_cases(const model::ReplayChunk& chunk) {
  std::string bytes;
  for (const model::CaseId& id : chunk.cases) {
    base::append_le(bytes, id.shard.value);
    base::append_le(bytes, id.subscription.value);
    base::append_le(bytes, id.log.value);
    base::append_le(bytes, id.offset.value);
  }
  return bytes;
}

bool decode_cases(std::string_view bytes, model::ReplayChunk& chunk) {
  base::Reader reader{bytes};
  while (reader.ok && !reader.rest.empty()) {
    model::CaseId id;
    id.shard = model::ShardId(reader.le<std::uint16_t>());
    id.subscription = model::SubscriptionId(reader.le<std::uint64_t>());
    id.log = model::LogId(reader.le<std::uint64_t>());
    id.offset = model::Offset(reader.le<std::uint64_t>());
    if (reader.ok) chunk.cases.push_back(id);
  }
  return reader.ok;
}

std::string encode_outcomes(const model::ReplayChunk& chunk) {
  v1::ReplayOutcomes out;
  for (const model::ReplayOutcome outcome : chunk.outcomes) {
    out.mutable_outcomes()->push_back(static_cast<char>(outcome));
  }
  for (const model::ReplayRefusal& refusal : chunk.refusals) {
    v1::ReplayRefusal* one = out.add_refusals();
    one->set_place(refusal.place);
    one->set_code(static_cast<std::uint32_t>(refusal.code));
  }
  return out.SerializeAsString();
}

bool decode_outcomes(std::string_view bytes, model::ReplayChunk& chunk) {
  v1::ReplayOutcomes in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  for (const char outcome : in.outcomes()) chunk.outcomes.push_back(static_cast<model::ReplayOutcome>(outcome));
  for (const v1::ReplayRefusal& refusal : in.refusals()) {
    chunk.refusals.push_back({refusal.place(), static_cast<Code>(refusal.code())});
  }
  return true;
}

base::Result<std::vector<ReplayJobRecord>> read_replay_jobs(Database& database) {
  std::vector<ReplayJobRecord> jobs;
  bool good = true;
  const Status status =
      database.scan(Family::hospital_index, keys::replay_jobs(), [&](std::string_view key, std::string_view value) {
        ReplayJobRecord& job = jobs.emplace_back();
        job.id = model::ReplayJobId(keys::last_number(key));
        good = decode(value, job);
        return good;
      });
  if (!status.ok()) return status;
  if (!good) {
    return Status(Code::STORAGE_DAMAGED, "the record of replay job " + std::to_string(jobs.back().id.value));
  }
  return jobs;
}

base::Result<model::ReplayChunk> read_replay_chunk(Database& database, model::ReplayJobId job, std::uint32_t number) {
  model::ReplayChunk chunk;
  chunk.number = number;
  const auto cases = database.get(Family::hospital_index, keys::replay_cases(job, number));
  if (!cases.ok()) return cases.status();
  const auto outcomes = database.get(Family::hospital_index, keys::replay_outcomes(job, number));
  if (!outcomes.ok()) return outcomes.status();
  if ((*cases && !decode_cases(**cases, chunk)) || (*outcomes && !decode_outcomes(**outcomes, chunk)) ||
      chunk.outcomes.size() > chunk.cases.size()) {
    return Status(Code::STORAGE_DAMAGED,
                  "part " + std::to_string(number) + " of replay job " + std::to_string(job.value));
  }
  return chunk;
}

}  // namespace lazaret::storage

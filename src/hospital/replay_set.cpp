#include "hospital/replay_set.h"

#include <utility>

namespace lazaret::hospital {

using base::Code;
using base::Result;
using base::Status;
using model::ReplayOutcome;

namespace {

constexpr std::uint64_t kPart = model::limits::kReplayChunkCases;

Status not_there(model::ReplayJobId job, std::uint64_t index) {
  return Status(Code::STORAGE_DAMAGED,
                "replay job " + std::to_string(job.value) + " has lost case " + std::to_string(index) + " of its set");
}

}  // namespace

std::uint32_t ReplaySet::number_of(std::uint64_t index) { return static_cast<std::uint32_t>(index / kPart); }
std::uint32_t ReplaySet::place_of(std::uint64_t index) { return static_cast<std::uint32_t>(index % kPart); }

void ReplaySet::add(const std::vector<model::CaseId>& cases) {
  for (const model::CaseId& id : cases) {
    last_.cases.push_back(id);
    if (last_.cases.size() < kPart) continue;
    const std::uint32_t number = last_.number;
    chosen_.push_back(std::exchange(last_, {}));
    last_.number = number + 1;
  }
  if (!cases.empty() && !last_.cases.empty()) chosen_.push_back(last_);
}

Result<model::CaseId> ReplaySet::case_at(std::uint64_t index) {
  if (!has_sending_ || sending_.number != number_of(index)) {
    auto chunk = store_.read_replay_chunk(job_, number_of(index));
    if (!chunk.ok()) return chunk.status();
    sending_ = std::move(*chunk);
    has_sending_ = true;
  }
  if (place_of(index) >= sending_.cases.size()) return not_there(job_, index);
  return sending_.cases[place_of(index)];
}

Result<ReplaySet::Part*> ReplaySet::part_of(std::uint64_t index) {
  const std::uint32_t number = number_of(index);
  if (const auto known = parts_.find(number); known != parts_.end()) return &known->second;
  auto chunk = store_.read_replay_chunk(job_, number);
  if (!chunk.ok()) return chunk.status();
  if (place_of(index) >= chunk->cases.size()) return not_there(job_, index);
  Part& part = parts_[number];
  chunk->outcomes.resize(chunk->cases.size(), ReplayOutcome::none);
  chunk->cases = {};
  part.chunk = std::move(*chunk);
  for (const ReplayOutcome outcome : part.chunk.outcomes) part.queued += outcome == ReplayOutcome::queued ? 1 : 0;
  return &part;
}

Result<ReplayOutcome> ReplaySet::outcome_at(std::uint64_t index) {
  const auto part = part_of(index);
  if (!part.ok()) return part.status();
  return (*part)->chunk.outcomes[place_of(index)];
}

Status ReplaySet::note(model::ReplayCounts& counts, std::uint64_t index, ReplayOutcome outcome, Code because) {
  const auto found = part_of(index);
  if (!found.ok()) return found.status();
  Part& part = **found;
  ReplayOutcome& known = part.chunk.outcomes[place_of(index)];
  if (known == outcome) return {};
  if (known != ReplayOutcome::none) --counts.of(known);
  if (outcome != ReplayOutcome::none) ++counts.of(outcome);
  if (known == ReplayOutcome::queued) --part.queued;
  if (outcome == ReplayOutcome::queued) ++part.queued;
  known = outcome;
  if (outcome == ReplayOutcome::refused) part.chunk.refusals.push_back({place_of(index), because});
  part.changed = true;
  return {};
}

void ReplaySet::take_changes(model::ReplayJobChange& change) {
  change.chosen = std::exchange(chosen_, {});
  for (auto& [number, part] : parts_) {
    if (std::exchange(part.changed, false)) change.outcomes.push_back(part.chunk);
  }
}

void ReplaySet::changes_are_durable() {
  std::erase_if(parts_, [](const auto& one) { return one.second.queued == 0 && !one.second.changed; });
}

}  // namespace lazaret::hospital

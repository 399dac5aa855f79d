#include "model/case_record.h"

#include <array>
#include <cstddef>
#include <utility>

#include "model/fingerprint.h"
#include "model/limits.h"

namespace lazaret::model {
namespace {

template <class Enum>
struct Named {
  Enum value;
  std::string_view name;
};

constexpr std::array kReasons = {
    Named<CaseReason>{CaseReason::attempts_exhausted, "attempts_exhausted"},
    Named<CaseReason>{CaseReason::killed_workers, "killed_workers"},
    Named<CaseReason>{CaseReason::rejected, "rejected"},
    Named<CaseReason>{CaseReason::expired, "expired"},
    Named<CaseReason>{CaseReason::quarantined, "quarantined"},
    Named<CaseReason>{CaseReason::damaged, "damaged"},
};

constexpr std::array kStates = {
    Named<CaseState>{CaseState::admitted, "admitted"},
    Named<CaseState>{CaseState::replaying, "replaying"},
    Named<CaseState>{CaseState::discharged, "discharged"},
    Named<CaseState>{CaseState::discarded, "discarded"},
};

constexpr std::array kOutcomes = {
    Named<AttemptOutcome>{AttemptOutcome::running, "running"},
    Named<AttemptOutcome>{AttemptOutcome::acked, "acked"},
    Named<AttemptOutcome>{AttemptOutcome::nacked, "nacked"},
    Named<AttemptOutcome>{AttemptOutcome::lease_expired, "lease_expired"},
    Named<AttemptOutcome>{AttemptOutcome::handler_timeout, "handler_timeout"},
    Named<AttemptOutcome>{AttemptOutcome::consumer_lost, "consumer_lost"},
    Named<AttemptOutcome>{AttemptOutcome::rejected, "rejected"},
    Named<AttemptOutcome>{AttemptOutcome::released, "released"},
    Named<AttemptOutcome>{AttemptOutcome::interrupted, "interrupted"},
};

constexpr std::array kReplayOutcomes = {
    Named<ReplayOutcome>{ReplayOutcome::none, "none"},
    Named<ReplayOutcome>{ReplayOutcome::queued, "queued"},
    Named<ReplayOutcome>{ReplayOutcome::discharged, "discharged"},
    Named<ReplayOutcome>{ReplayOutcome::relapsed, "relapsed"},
    Named<ReplayOutcome>{ReplayOutcome::recalled, "recalled"},
    Named<ReplayOutcome>{ReplayOutcome::refused, "refused"},
    Named<ReplayOutcome>{ReplayOutcome::other, "other"},
};

constexpr std::array kChanges = {
    Named<CaseChange>{CaseChange::replayed, "replayed"},     Named<CaseChange>{CaseChange::recalled, "recalled"},
    Named<CaseChange>{CaseChange::relapsed, "relapsed"},     Named<CaseChange>{CaseChange::discharged, "discharged"},
    Named<CaseChange>{CaseChange::discarded, "discarded"},   Named<CaseChange>{CaseChange::restored, "restored"},
    Named<CaseChange>{CaseChange::redirected, "redirected"},
};

template <class Table, class Enum>
std::string_view name_in(const Table& table, Enum value) {
  for (const auto& row : table) {
    if (row.value == value) return row.name;
  }
  return "unknown";
}

template <class Enum, class Table>
std::optional<Enum> value_in(const Table& table, std::string_view name) {
  for (const auto& row : table) {
    if (row.name == name) return row.value;
  }
  return std::nullopt;
}

}  // namespace

std::string_view to_string(AttemptOutcome outcome) { return name_in(kOutcomes, outcome); }
std::string_view to_string(CaseReason reason) { return name_in(kReasons, reason); }
std::optional<CaseReason> parse_case_reason(std::string_view text) { return value_in<CaseReason>(kReasons, text); }
std::string_view to_string(CaseState state) { return name_in(kStates, state); }
std::optional<CaseState> parse_case_state(std::string_view text) { return value_in<CaseState>(kStates, text); }
std::string_view to_string(ReplayOutcome outcome) { return name_in(kReplayOutcomes, outcome); }
std::optional<ReplayOutcome> parse_replay_outcome(std::string_view text) {
  return value_in<ReplayOutcome>(kReplayOutcomes, text);
}

std::string_view to_string(CaseChange change) { return name_in(kChanges, change); }
std::optional<CaseChange> parse_case_change(std::string_view text) { return value_in<CaseChange>(kChanges, text); }

void CaseRecord::note(CaseEvent event) {
  if (history.size() >= limits::kCaseHistory) {
    const auto too_many = static_cast<std::ptrdiff_t>(history.size() - limits::kCaseHistory + 1);
    history.erase(history.begin(), history.begin() + too_many);
    history_left_out += static_cast<std::uint64_t>(too_many);
  }
  history.push_back(std::move(event));
}

CaseRecord relapsed(const CaseRecord& before, const CaseRecord& now, bool keeps_source) {
  CaseRecord record = before;
  record.subscription = now.subscription;
  if (!keeps_source) record.source = now.source;
  record.reason = now.reason;
  record.state = CaseState::admitted;
  record.attempt_count = now.attempt_count;
  record.failure_count += now.failure_count;
  record.relapse_count += 1;
  record.last_error = now.last_error;
  record.error_frames = now.error_frames;
  record.consumer_name = now.consumer_name;
  record.consumer_version = now.consumer_version;
  record.admitted_at = now.admitted_at;
  record.closed_at = {};
  record.quarantine = now.quarantine;
  record.replay_outcome = ReplayOutcome::relapsed;
  record.group = group_of(record);
  record.note({now.admitted_at, CaseChange::relapsed});
  return record;
}

}  // namespace lazaret::model

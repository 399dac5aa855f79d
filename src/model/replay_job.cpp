#include "model/replay_job.h"

#include "base/assert.h"

namespace lazaret::model {

std::string_view to_string(ReplayJobState state) {
  switch (state) {
    case ReplayJobState::choosing: return "choosing";
    case ReplayJobState::canary: return "canary";
    case ReplayJobState::running: return "running";
    case ReplayJobState::paused: return "paused";
    case ReplayJobState::finishing: return "finishing";
    case ReplayJobState::done: return "done";
    case ReplayJobState::cancelled: return "cancelled";
    case ReplayJobState::stopped: return "stopped";
  }
  return "unknown";
}

std::uint64_t& ReplayCounts::of(ReplayOutcome outcome) {
  switch (outcome) {
    case ReplayOutcome::none: break;
    case ReplayOutcome::queued: return queued;
    case ReplayOutcome::discharged: return discharged;
    case ReplayOutcome::relapsed: return relapsed;
    case ReplayOutcome::recalled: return recalled;
    case ReplayOutcome::refused: return refused;
    case ReplayOutcome::other: return other;
  }
  LZ_ASSERT(outcome != ReplayOutcome::none);
  return other;
}

}  // namespace lazaret::model

// ReplaySet: the cases of one job, and what became of each, as far as they are needed: the part that is being sent, and
// the outcomes of those parts of which cases are out. So a job of a million cases takes as little memory as one of ten.
//
// Threading: none of its own; the thread of ReplayJobs uses it.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "base/status.h"
#include "model/replay_job.h"
#include "model/store.h"

namespace lazaret::hospital {

class ReplaySet {
 public:
  ReplaySet(model::Store& store, model::ReplayJobId job) : store_(store), job_(job) {}

  /// Adds to the end of the set. REQUIRES that what was added before was taken.
  void add(const std::vector<model::CaseId>& cases);
  base::Result<model::CaseId> case_at(std::uint64_t index);
  base::Result<model::ReplayOutcome> outcome_at(std::uint64_t index);
  /// Notes it, and counts it. `because`: of one that is refused.
  base::Status note(model::ReplayCounts& counts, std::uint64_t index, model::ReplayOutcome outcome, base::Code because);

  /// What is to be written since the last call.
  void take_changes(model::ReplayJobChange& change);
  /// They are durable: parts that nothing is out of are forgotten.
  void changes_are_durable();

 private:
  struct Part {
    model::ReplayChunk chunk;
    std::uint32_t queued = 0;
    bool changed = false;  // since take_changes
  };
  base::Result<Part*> part_of(std::uint64_t index);
  static std::uint32_t number_of(std::uint64_t index);
  static std::uint32_t place_of(std::uint64_t index);

  model::Store& store_;
  const model::ReplayJobId job_;
  std::map<std::uint32_t, Part> parts_;  // their cases are kept in `sending_` only
  model::ReplayChunk sending_;           // the part that was asked for last
  bool has_sending_ = false;
  model::ReplayChunk last_;                 // while the set is chosen: its last part
  std::vector<model::ReplayChunk> chosen_;  // to be written
};

}  // namespace lazaret::hospital

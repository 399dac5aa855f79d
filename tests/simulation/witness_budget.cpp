// Witness: how much hospitals keep. What cases keep is counted here from what the store has of them; when a shard
// says that it is full, nothing but replays is delivered until it says otherwise.
#include "simulation/witness.h"

namespace lazaret::simulation {

using model::HospitalLevel;

void Witness::see_level(const core::HospitalLevelChanged& changed) {
  Queue* of = queue(changed.queue->subscription);
  if (of == nullptr) return;
  if (changed.before == changed.level) find(of->record.name + ": its hospital is said to be where it was");
  const std::uint64_t most = changed.queue->options.hospital_max_bytes;
  // A hospital whose queue goes is forgotten, however full.
  if (changed.level == HospitalLevel::full && (most == 0 || changed.bytes < most)) {
    find(of->record.name + ": its hospital is said to be full, and is not");
  }
  of->full_since.reset();
  if (changed.level == HospitalLevel::full) of->full_since = world_.now();
}

/// What was granted before may still be on its way.
void Witness::check_budget(const Queue& of, const model::Delivered& one, bool from_lane) {
  if (from_lane || !of.full_since || *of.full_since + kGrantedBeforeMost > world_.now()) return;
  find(where(of, one.source_offset.value) + "delivered while the hospital is full");
}

/// A replay that may have passed what is before it: nothing else goes while the hospital is full, which a shard knows
/// before the store has counted it.
bool Witness::goes_for_budget(const Queue& of, const model::Delivered& one) {
  return of.tight && one.log == of.record.lane;
}

void Witness::check_level(const model::QueueStats& stats) {
  const std::uint64_t most = stats.queue.options.hospital_max_bytes;
  const bool full = most != 0 && stats.hospital_bytes >= most;
  if ((stats.hospital_level == HospitalLevel::full) != full) find(stats.queue.name + ": its hospital is misjudged");
}

void Witness::finish_budget(const Queue& of, const model::QueueStats& stats) {
  const auto kept = [&] { return world_.store().case_sums(of.record.shard, of.record.subscription).value(); };
  model::CaseSums sums = kept();
  std::uint64_t counted = stats.hospital_bytes;
  if (counted != sums.bytes) {
    // A case whose time ends at this very moment is counted a moment later.
    world_.run_for(base::Duration(1'000'000));
    counted = world_.show(of.record.name).hospital_bytes;
    sums = kept();
  }
  if (counted != sums.bytes) {
    find(of.record.name + ": its cases keep " + std::to_string(sums.bytes) + " bytes, where " +
         std::to_string(counted) + " are counted");
  }
  const std::uint64_t most = stats.queue.options.case_retention_count;
  if (most != 0 && sums.closed > most) {
    find(of.record.name + ": " + std::to_string(sums.closed) + " closed cases stay, of " + std::to_string(most));
  }
}

}  // namespace lazaret::simulation

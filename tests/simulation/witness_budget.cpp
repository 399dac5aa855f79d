// Witness: how much hospitals keep. What cases keep is counted here from what the store has of them; when a shard
// says that it is full, nothing but replays is delivered until it says otherwise. A shard may also be mistaken: nothing
// else is delivered either while the store keeps as much as the budget that was confirmed, whatever the shard believes.
#include "simulation/witness.h"

namespace lazaret::simulation {

using model::CaseState;
using model::HospitalLevel;

namespace {

/// A group that is sealed waits for the one that is being synced, and is synced itself: then it is in the store, and
/// its shard has been told.
constexpr base::Duration kCommittedWithin = 50ms;

/// What is in the store is known to its shard: it may have to wait for one count, and for another that begins then.
constexpr base::Duration kCountedWithin = 100ms;

}  // namespace

/// What was sealed lately is in the store now, or will be when the next one is told.
void Witness::hear(model::ShardId shard, const core::Persisted&) {
  for (auto& [id, of] : queues_) {
    const bool may_differ = of.cases_changed_at + kCommittedWithin >= world_.now();
    if (of.record.shard == shard && may_differ) judge_budget(of);
  }
}

/// A count may come at the moment when there is room, also if that is filled again before the next Persisted: with
/// what makes room the time when it was full all along is over.
void Witness::see_kept(const model::Mutation& mutation) {
  Queue* of = nullptr;
  bool makes_room = true;
  if (const auto* admit = std::get_if<model::AdmitCase>(&mutation)) {
    of = queue(admit->record.id.subscription);
    makes_room = false;
  } else if (const auto* import = std::get_if<model::ImportCase>(&mutation)) {
    of = queue(import->record.id.subscription);
    makes_room = false;
  } else if (const auto* edit = std::get_if<model::EditCase>(&mutation)) {
    of = queue(edit->id.subscription);
    makes_room = false;
  } else if (const auto* discharge = std::get_if<model::DischargeCase>(&mutation)) {
    of = queue(discharge->id.subscription);
  } else if (const auto* redirect = std::get_if<model::RedirectCase>(&mutation)) {
    of = queue(redirect->id.subscription);
  } else if (const auto* drop = std::get_if<model::DropCase>(&mutation)) {
    of = queue(drop->id.subscription);
  } else if (const auto* forget = std::get_if<model::DropClosedCases>(&mutation)) {
    of = queue(forget->subscription);
  }
  if (of == nullptr) return;
  of->cases_changed_at = world_.now();
  if (makes_room) of->kept_full_since.reset();
}

/// By the store, which was written to just now.
void Witness::judge_budget(Queue& of) {
  const std::uint64_t most = of.record.options.hospital_max_bytes;
  const auto kept = [&] { return world_.store().case_sums(of.record.shard, of.record.subscription)->bytes; };
  if (most == 0 || of.deleted || kept() < most) {
    of.kept_full_since.reset();
  } else if (!of.kept_full_since) {
    of.kept_full_since = world_.now();
  }
}

/// Of each case its message, while it has not been acknowledged or sent elsewhere, and each version: added up here,
/// since a shard believes the sums of the store.
std::uint64_t Witness::kept_by_cases(const Queue& of) {
  std::uint64_t bytes = 0;
  for (const CaseState state :
       {CaseState::admitted, CaseState::replaying, CaseState::discharged, CaseState::discarded}) {
    for (const model::CaseRecord& record : world_.cases(of.record.name, state)) {
      if (state != CaseState::discharged) bytes += record.message_bytes;
      for (std::uint32_t version = 1; version <= record.version; ++version) {
        const model::MessageRef message = world_.version(record.id, version);
        if (message == nullptr) find("case " + record.id.to_string() + ": a version is gone");
        bytes += message == nullptr ? 0 : message->size();
      }
    }
  }
  return bytes;
}

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
  if (from_lane) return;
  const base::Instant granted_by = world_.now() - kGrantedBeforeMost;
  if (of.full_since && *of.full_since <= granted_by) {
    find(where(of, one.source_offset.value) + "delivered while the hospital is full");
  }
  if (!of.deleted && of.kept_full_since && *of.kept_full_since + kCountedWithin <= granted_by) {
    find(where(of, one.source_offset.value) + "delivered while cases keep as much as they may");
  }
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
  std::uint64_t kept = kept_by_cases(of);
  std::uint64_t counted = stats.hospital_bytes;
  if (counted != kept) {
    // A case whose time ends at this very moment is counted a moment later.
    world_.run_for(base::Duration(1'000'000));
    counted = world_.show(of.record.name).hospital_bytes;
    kept = kept_by_cases(of);
  }
  if (counted != kept) {
    find(of.record.name + ": its cases keep " + std::to_string(kept) + " bytes, where " + std::to_string(counted) +
         " are counted");
  }
  const std::uint64_t closed = world_.store().case_sums(of.record.shard, of.record.subscription)->closed;
  const std::uint64_t most = stats.queue.options.case_retention_count;
  if (most != 0 && closed > most) {
    find(of.record.name + ": " + std::to_string(closed) + " closed cases stay, of " + std::to_string(most));
  }
}

}  // namespace lazaret::simulation

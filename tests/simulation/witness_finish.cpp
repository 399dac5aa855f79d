// What the witness asks when a run is over and everything is drained.
#include <algorithm>

#include "simulation/witness.h"

namespace lazaret::simulation {

using model::CaseState;

void Witness::finish() {
  for (const std::string& complaint : world_.store().complaints()) find("the store: " + complaint);
  for (auto& [id, queue] : queues_) {
    const std::string& name = queue.record.name;
    if (!queue.deleted && world_.has_queue(name) && world_.queue(name).subscription == id) finish(queue);
  }
}

void Witness::finish(Queue& of) {
  const std::string& name = of.record.name;
  const model::QueueStats stats = world_.show(name);
  if (stats.ready + stats.leased + stats.waiting > 0) find(name + ": not everything was worked off (1)");
  if (of.purges_unanswered == 0 && stats.counters.purged != of.purged) {
    find(name + ": " + std::to_string(of.purged) + " were said to be purged, and " +
         std::to_string(stats.counters.purged) + " are (10)");
  }
  if (world_.store().delivery_records(of.record.subscription) > 0) find(name + ": records of nothing are left");
  std::set<std::uint64_t> cases;
  std::uint64_t open = 0;
  std::uint64_t discharged = 0;
  for (const CaseState state :
       {CaseState::admitted, CaseState::replaying, CaseState::discharged, CaseState::discarded}) {
    for (const model::CaseRecord& record : world_.cases(name, state)) {
      cases.insert(record.id.offset.value);
      open += state == CaseState::admitted ? 1 : 0;
      discharged += state == CaseState::discharged ? 1 : 0;
      if (state == CaseState::replaying) find("case " + record.id.to_string() + ": replayed for ever (1)");
      check_history(of, record);
    }
  }
  if (open != stats.counters.in_hospital) {
    find(name + ": " + std::to_string(stats.counters.in_hospital) + " are counted in the hospital, where " +
         std::to_string(open) + " are (6)");
  }
  std::uint64_t acked = 0;
  std::uint64_t unseen = 0;
  for (const auto& [offset, message] : of.messages) {
    acked += message.acked ? 1 : 0;
    const bool seen = message.newest > 0 || cases.contains(offset);
    unseen += message.confirmed && !seen ? 1 : 0;
    if (message.confirmed && offset >= stats.log_end.value) find(where(of, offset) + "confirmed, and gone (1)");
    if (message.acked && cases.contains(offset)) {
      const auto record =
          world_.store().read_case({of.record.shard, of.record.subscription, of.record.log, model::Offset(offset)});
      if (record.value().state != CaseState::discharged) find(where(of, offset) + "acked, and yet a case (3)");
    }
  }
  if (unseen > stats.counters.purged) find(name + ": confirmed, and gone without a trace (1)");
  if (stats.counters.acked < acked) find(name + ": fewer are acked than were confirmed to be (3)");
  // What was not purged is acked or a case: nothing else can become of a message here.
  if (stats.counters.entered != stats.counters.acked + stats.counters.purged + cases.size() - discharged) {
    find(name + ": some became nothing (1)");
  }
}

void Witness::check_history(const Queue& of, const model::CaseRecord& record) {
  const auto attempts = world_.store().read_attempts(record.id).value();
  const std::string at = "case " + record.id.to_string() + ": ";
  if (attempts.size() != record.attempt_count) find(at + "its history has another length than it says (6)");
  std::uint64_t failures = 0;
  std::uint64_t reported = 0;
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    if (attempts[i].number != i + 1) find(at + "an attempt is missing in the history (6)");
    failures += model::is_failure(attempts[i].outcome) ? 1 : 0;
    reported += attempts[i].outcome == model::AttemptOutcome::nacked ? 1 : 0;
  }
  if (failures != record.failure_count) find(at + "its failures do not add up (6)");
  if (of.limit && failures > *of.limit * (record.replay_count + 1)) find(at + "more failures than allowed (6)");
  const auto found = of.messages.find(record.id.offset.value);
  if (found == of.messages.end()) return find(at + "of a message that nobody has seen");
  const Message& message = found->second;
  if (reported < message.fails) find(at + "a failure that was confirmed is not in the history (6)");
  std::uint64_t to_blame = 0;
  for (const std::uint64_t grant : message.begun) to_blame += message.settled_well.contains(grant) ? 0 : 1;
  if (failures > to_blame)
    find(at + "blamed " + std::to_string(failures) + " times, began " + std::to_string(to_blame) + " times (11)");
}

}  // namespace lazaret::simulation

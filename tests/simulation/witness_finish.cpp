// What the witness asks when a run is over and everything is drained.
#include <algorithm>

#include "simulation/witness.h"

namespace lazaret::simulation {

using model::CaseState;

void Witness::finish() {
  judge_company(base::Instant::never());
  for (const std::string& complaint : world_.store().complaints()) find("the store: " + complaint);
  for (const std::string& wrong : world_.store().miscounted_groups()) find(wrong);
  for (auto& [id, queue] : queues_) {
    const std::string& name = queue.record.name;
    if (queue.record.kind == model::Kind::topic) continue;
    if (!queue.deleted && world_.has_queue(name) && world_.queue(name).subscription == id) finish(queue);
  }
  finish_requests();
  finish_transactions();
  finish_redirections();
}

void Witness::finish(Queue& of) {
  const std::string& name = of.record.name;
  const model::QueueStats stats = world_.show(name);
  if (stats.ready + stats.leased + stats.waiting + stats.scheduled + stats.held > 0)
    find(name + ": not everything was worked off (1)");
  if (of.purges_unanswered == 0 && stats.counters.purged != of.purged) {
    find(name + ": " + std::to_string(of.purged) + " were said to be purged, and " +
         std::to_string(stats.counters.purged) + " are (10)");
  }
  std::set<std::uint64_t> cases;
  std::vector<model::MessageSource> sources;  // of the cases, where it has several topics
  std::uint64_t open = 0;
  std::uint64_t discharged = 0;
  for (const CaseState state :
       {CaseState::admitted, CaseState::replaying, CaseState::discharged, CaseState::discarded}) {
    for (const model::CaseRecord& record : world_.cases(name, state)) {
      cases.insert(record.id.offset.value);
      if (record.summary.published.log) sources.push_back(record.summary.published);
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
  std::uint64_t last_unseen = 0;
  for (const auto& [offset, message] : of.messages) {
    acked += message.acked ? 1 : 0;
    const bool seen = message.newest > 0 || message.was_case || cases.contains(offset);
    const bool missed = message.confirmed && !seen && has_to_be_delivered(of, offset);
    unseen += missed ? 1 : 0;
    if (missed) last_unseen = offset;
    if (message.confirmed && offset >= stats.log_end.value) find(where(of, offset) + "confirmed, and gone (1)");
    if (message.acked && cases.contains(offset)) {
      const auto record =
          world_.store().read_case({of.record.shard, of.record.subscription, of.record.log, model::Offset(offset)});
      if (record.value().state != CaseState::discharged) find(where(of, offset) + "acked, and yet a case (3)");
    }
  }
  check_what_is_left(of, cases, open);
  const std::uint64_t gone = stats.counters.purged + stats.counters.lost_to_retention + stats.counters.expired;
  if (missing_of_fan_in(of, sources) > gone) find(name + ": confirmed to a topic, and gone without a trace (1)");
  if (unseen > gone) find(where(of, last_unseen) + "confirmed, and gone without a trace (1)");
  const bool filters = std::any_of(of.filters.begin(), of.filters.end(), [](const auto& one) { return !one.empty(); });
  if (stats.counters.filtered > passed_over_most(of) && !filters) {
    find(name + ": some were turned away by a filter that it never had");
  }
  if (stats.counters.acked < acked) find(name + ": fewer are acked than were confirmed to be (3)");
  if (stats.counters.expired > 0 && !of.some_end)
    find(name + ": some are said to be past a time that they do not have");
  // What was not purged, and not past its time, is acked or a case: nothing else can become of a message here.
  // What was restored has entered again. Of what was moved back, or closed for long, the cases are forgotten.
  if (stats.counters.discarded < cases.size() - discharged - open) find(name + ": more are discarded than were");
  const std::uint64_t elsewhere = stats.counters.discarded + stats.counters.redirected;
  if (stats.counters.entered != stats.counters.acked + gone + open + elsewhere) {
    find(name + ": some became nothing (1)");
  }
  finish_budget(of, stats);  // last, since it may let time pass
}

/// Everything is settled: only the cases are left, and what belongs to them.
void Witness::check_what_is_left(const Queue& of, const std::set<std::uint64_t>& cases, std::uint64_t open) {
  const std::string& name = of.record.name;
  MemoryStore& store = world_.store();
  if (store.delivery_records(of.record.subscription) > 0) find(name + ": records of nothing are left");
  // Of a topic others may need them.
  const bool own_log = of.record.owns_log();
  const std::size_t discarded = world_.cases(name, CaseState::discarded).size();
  if (store.evacuated_messages(of.record.lane) > 0) find(name + ": copies for replays are left in its lane");
  if (own_log && store.evacuated_messages(of.record.log) > open + discarded)
    find(name + ": copies of messages that nobody needs are left");
  for (const auto& [offset, message] : of.messages) {
    if (cases.contains(offset)) continue;
    if (!store.attempts_of(of.record.subscription, of.record.log, model::Offset(offset)).empty()) {
      find(where(of, offset) + "its history is left");
    }
  }
  for (const model::CaseRecord& record : world_.cases(name, CaseState::admitted)) {
    const auto page =
        store.read_messages(record.id.shard, record.id.log, record.id.offset, record.id.offset.next(), 1, 1);
    if (page->messages.empty() || page->messages[0].message == nullptr) {
      find("case " + record.id.to_string() + ": its message is gone (1)");
    }
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
    failures += model::counts(attempts[i]) ? 1 : 0;
    reported += attempts[i].outcome == model::AttemptOutcome::nacked ? 1 : 0;
  }
  const bool by_a_rule = rules_.contains({of.record.subscription, record.quarantine});
  if (record.reason == model::CaseReason::quarantined && !by_a_rule) find(at + "quarantined by no rule");
  if (failures != record.failure_count) find(at + "its failures do not add up (6)");
  if (of.limit && failures > *of.limit * (record.replay_count + 1)) find(at + "more failures than allowed (6)");
  const auto found = of.messages.find(record.id.offset.value);
  if (found == of.messages.end()) {
    // One that was past its time before anybody had it may have come before the subscription, or never been confirmed.
    const bool never_had = !model::holds_key(record.reason) && attempts.empty();
    return never_had ? void() : find(at + "of a message that nobody has seen");
  }
  if (reported < found->second.fails) find(at + "a failure that was confirmed is not in the history (6)");
  check_blame(of, record, attempts);
}

void Witness::check_blame(const Queue& of, const model::CaseRecord& record,
                          const std::vector<model::Attempt>& attempts) {
  const std::string at = "case " + record.id.to_string() + ": ";
  const auto count = [&](auto wanted) {
    return static_cast<std::uint64_t>(std::count_if(attempts.begin(), attempts.end(), wanted));
  };
  const std::uint64_t failures = count([](const model::Attempt& one) { return model::is_failure(one.outcome); });
  const std::uint64_t deaths =
      count([](const model::Attempt& one) { return one.outcome == model::AttemptOutcome::consumer_lost; });
  if (deaths > std::uint64_t{of.deaths} * (record.replay_count + 1)) find(at + "killed more workers than it may");
  if (record.reason == model::CaseReason::damaged) find(at + "nothing was damaged here (1)");
  const Message& message = of.messages.at(record.id.offset.value);
  std::uint64_t to_blame = message.failed_elsewhere;
  for (const std::uint64_t grant : message.begun) to_blame += message.settled_well.contains(grant) ? 0 : 1;
  if (failures > to_blame)
    find(at + "blamed " + std::to_string(failures) + " times, began " + std::to_string(to_blame) + " times (11)");
}

}  // namespace lazaret::simulation

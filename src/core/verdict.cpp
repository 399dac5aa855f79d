// What becomes of a delivery: ack, fail, reject, extend, release (semantics: "Leases", "Verdicts").
#include <algorithm>

#include "core/shard_state.h"
#include "model/fingerprint.h"

namespace lazaret::core {

using base::Code;
using model::AttemptOutcome;
using model::DeliveryState;
using model::VerdictKind;
using model::VerdictResult;
using model::Whereabouts;

void Shard::State::on(model::Settle& command) {
  model::Settled answer{command.origin.request, {}};
  if (command.origin.request != 0) answer.results.reserve(command.verdicts.size());
  bool sync = false;
  for (const model::Verdict& verdict : command.verdicts) {
    VerdictResult result = settle(verdict);
    if (command.origin.request == 0) continue;
    const Subscription* sub = find(verdict.token.subscription);
    sync = sync || sub == nullptr || !sub->is_relaxed();
    answer.results.push_back(std::move(result));
  }
  if (command.origin.request == 0) return;
  // The confirm says that the verdicts are durable: they are in this group, or in the one in flight.
  // Somebody waits for a reply.
  const bool acks = std::all_of(command.verdicts.begin(), command.verdicts.end(), [](const model::Verdict& verdict) {
    return verdict.kind == VerdictKind::ack && verdict.reply == nullptr && verdict.outgoing == nullptr;
  });
  (acks ? out->rides : out->urgent) = true;
  out->sync = out->sync || sync;
  tell(command.origin.session, std::move(answer));
}

VerdictResult Shard::State::settle(const model::Verdict& verdict) {
  Subscription* sub = find(verdict.token.subscription);
  if (sub == nullptr || sub->deleting) return {Code::LEASE_LOST, Whereabouts::purged, std::nullopt, false};
  if (verdict.reply != nullptr && verdict.reply->problem != Code::OK) {
    return {verdict.reply->problem, Whereabouts::unknown, std::nullopt, false};
  }
  const auto it = sub->entries.find({verdict.token.log, verdict.token.offset});
  if (it == sub->entries.end() || it->second.grant != verdict.token.grant) return lost_token(*sub, verdict);
  if (const Code problem = problem_of(verdict); problem != Code::OK) {
    return {problem, Whereabouts::unknown, std::nullopt, false};
  }
  Entry& entry = it->second;
  if (entry.state != DeliveryState::granted) return after_lease(*sub, entry, verdict);
  if (entry.consumer == nullptr) return {Code::LEASE_LOST, Whereabouts::leased, std::nullopt, false};
  switch (verdict.kind) {
    case VerdictKind::ack: return ack(*sub, entry, false, verdict);
    case VerdictKind::fail: return fail(*sub, entry, verdict);
    case VerdictKind::reject: return reject(*sub, entry, verdict);
    case VerdictKind::release:
    case VerdictKind::not_begun: return release(*sub, entry, verdict);
    case VerdictKind::extend:
      if (!entry.begun && entry.consumer->speaks_started) return {};  // its clock does not run yet
      end_at(*sub, entry, now + sub->queue->options.lease_duration);
      pumped_later.insert(sub->queue->subscription);
      return {};
  }
  return {Code::BAD_REQUEST, Whereabouts::unknown, std::nullopt, false};
}

/// Why nothing may become of what it publishes.
Code Shard::State::problem_of(const model::Verdict& verdict) {
  const bool publishes = verdict.kind == VerdictKind::ack && verdict.outgoing != nullptr;
  return publishes ? outgoing_problem(*verdict.outgoing) : Code::OK;
}

/// The token is not the last one of a message in flight: answered as the first time, or LEASE_LOST with where it is.
VerdictResult Shard::State::lost_token(Subscription& sub, const model::Verdict& verdict) {
  const model::LeaseToken& token = verdict.token;
  if (const auto before = settled_tokens.find(token.grant, verdict.kind)) return *before;
  const std::optional<model::CaseId> untouched = case_tokens.find(token.grant);
  if (untouched && untouched->subscription == token.subscription && verdict.kind == VerdictKind::ack) {
    return late_ack_of_case(sub, *untouched, verdict);
  }
  if (const auto expired = expired_tokens.find(token.grant, VerdictKind::ack)) return *expired;
  VerdictResult lost{Code::LEASE_LOST, Whereabouts::unknown, std::nullopt, false};
  const auto it = sub.entries.find({token.log, token.offset});
  if (untouched) {
    lost.where = Whereabouts::in_case;
    lost.case_id = untouched;
  } else if (it != sub.entries.end()) {
    lost.where = it->second.state == DeliveryState::granted ? Whereabouts::leased : Whereabouts::ready;
  } else if (token.log == sub.queue->log && sub.admitted.contains(token.offset)) {
    lost.where = Whereabouts::in_case;
    lost.case_id = model::CaseId{config.shard, sub.queue->subscription, sub.queue->log, token.offset};
  } else if (sub.is_lane(token.log) || (token.log == sub.queue->log && sub.acked.is_settled(token.offset))) {
    lost.where = Whereabouts::acked;
  } else if (token.log == sub.queue->log && token.offset < sub.log->state.next) {
    lost.where = Whereabouts::ready;
  }
  return lost;
}

/// The lease has ended, and the message is not granted anew: an ack or a reject still acts, a fail adds its words.
VerdictResult Shard::State::after_lease(Subscription& sub, Entry& entry, const model::Verdict& verdict) {
  if (const auto before = settled_tokens.find(entry.grant, verdict.kind)) return *before;
  switch (verdict.kind) {
    case VerdictKind::ack: return ack(sub, entry, true, verdict);
    case VerdictKind::reject: return reject(sub, entry, verdict);
    case VerdictKind::fail:
      if (entry.last_attempt != nullptr && entry.last_attempt->error.details.empty()) {
        entry.last_attempt->error = verdict.error;
        entry.last_attempt->frames = model::top_frames(verdict.error.details);
        const model::Offset origin = entry.replays ? entry.replays->offset : entry.position.offset;
        mutate(model::PutAttempt{sub.queue->subscription, sub.queue->log, origin, *entry.last_attempt}, false);
      }
      return {Code::OK, Whereabouts::ready, std::nullopt, true};
    default: return {Code::LEASE_LOST, Whereabouts::ready, std::nullopt, false};
  }
}

VerdictResult Shard::State::ack(Subscription& sub, Entry& entry, bool late, const model::Verdict& verdict) {
  const VerdictResult done{Code::OK, Whereabouts::unknown, std::nullopt, late};
  settled_tokens.remember(entry.grant, VerdictKind::ack, done);
  const model::Offset origin = entry.replays ? entry.replays->offset : entry.position.offset;
  if (sub.breaker != nullptr && !late) note_outcome(sub, entry, false);
  if (entry.replays) {
    if (late && entry.last_attempt != nullptr) {
      // One delivery is one attempt. What the consumer itself said of it stands, and is not here in full any more.
      const AttemptOutcome ended = entry.last_attempt->outcome;
      const bool its_word = ended == AttemptOutcome::nacked || ended == AttemptOutcome::handler_timeout;
      if (!its_word) amend_attempt(sub, entry);
    } else {
      end_attempt(sub, entry, AttemptOutcome::acked, {});
    }
    take_back(sub, entry);
    discharge(sub, entry, late);
  } else {
    if (entry.attempts > 0) {
      mutate(model::DropAttempts{sub.queue->subscription, sub.queue->log, origin, entry.attempts}, false);
    }
    take_back(sub, entry);
    drop_record(sub, entry);
    settled(sub, origin);
    left(sub, entry.bytes);
  }
  ++sub.counters.acked;
  if (!sub.requests.empty() || verdict.reply != nullptr) request_acked(sub, origin, verdict.reply);
  forget_entry(sub, entry);
  if (verdict.outgoing != nullptr) publish_along(*verdict.outgoing);
  return done;
}

VerdictResult Shard::State::fail(Subscription& sub, Entry& entry, const model::Verdict& verdict) {
  const model::Grant grant = entry.grant;
  const auto outcome = verdict.handler_timeout ? AttemptOutcome::handler_timeout : AttemptOutcome::nacked;
  end_attempt(sub, entry, outcome, verdict.error);
  take_back(sub, entry);
  entry.suspect = false;
  const model::CaseId id{config.shard, sub.queue->subscription, sub.queue->log,
                         entry.replays ? entry.replays->offset : entry.position.offset};
  failed(sub, entry, verdict.delay);
  VerdictResult result;
  if (sub.admitted.contains(id.offset)) result.case_id = id;
  settled_tokens.remember(grant, verdict.kind, result);
  return result;
}

VerdictResult Shard::State::reject(Subscription& sub, Entry& entry, const model::Verdict& verdict) {
  const model::CaseId id{config.shard, sub.queue->subscription, sub.queue->log,
                         entry.replays ? entry.replays->offset : entry.position.offset};
  const bool late = entry.state != DeliveryState::granted;
  const VerdictResult result{Code::OK, Whereabouts::unknown, id, late};
  settled_tokens.remember(entry.grant, verdict.kind, result);
  if (late && entry.last_attempt != nullptr) {
    entry.last_attempt->error = verdict.error;
    amend_attempt(sub, entry);
  } else {
    end_attempt(sub, entry, AttemptOutcome::rejected, verdict.error);
  }
  take_back(sub, entry);
  admit(sub, entry, model::CaseReason::rejected, verdict.error);
  return result;
}

VerdictResult Shard::State::release(Subscription& sub, Entry& entry, const model::Verdict& verdict) {
  settled_tokens.remember(entry.grant, verdict.kind, {});
  const bool begun = entry.begun && verdict.kind == VerdictKind::release;
  if (entry.begun && !begun && !sub.requests.empty() && !entry.replays) {
    PendingRequest* request = request_at(sub, entry.position.offset);
    if (request != nullptr && request->begun > 0) --request->begun;
  }
  if (begun) end_attempt(sub, entry, AttemptOutcome::released, {});
  take_back(sub, entry);
  put_back(sub, entry, verdict.delay);
  return {};
}

/// The one exception to LEASE_LOST: the last token of a case that nobody has touched still acks it.
VerdictResult Shard::State::late_ack_of_case(Subscription& sub, const model::CaseId& id,
                                             const model::Verdict& verdict) {
  if (const Code problem = problem_of(verdict); problem != Code::OK) {
    return {problem, Whereabouts::in_case, id, false};
  }
  sub.admitted.erase(id.offset);
  const bool evacuated = drop_copy(*sub.log, id.offset);
  case_tokens.touched(id);
  --sub.counters.in_hospital;
  ++sub.counters.acked;
  orphans.remember(id, OrphanCases::State::discharged);
  mutate(model::DischargeCase{id, now, true, sub.queue->lane, {}, 0, 0, evacuated}, false);
  case_closed(sub);
  if (sub.keys != nullptr) close_case_of_key(sub, id.offset);
  touch(sub);
  const VerdictResult done{Code::OK, Whereabouts::unknown, id, true};
  settled_tokens.remember(verdict.token.grant, VerdictKind::ack, done);
  if (verdict.reply != nullptr) request_acked(sub, id.offset, verdict.reply);
  if (verdict.outgoing != nullptr) publish_along(*verdict.outgoing);
  return done;
}

}  // namespace lazaret::core

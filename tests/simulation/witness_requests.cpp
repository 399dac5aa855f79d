// What the witness knows of requests: each is told exactly one reply, that somebody gave; not before its deadline that
// the deadline is over; what is said to have never begun has not, and never does; and a reply that its responder was
// told to be safe is there for whoever asks again.
#include <algorithm>

#include "simulation/witness.h"

namespace lazaret::simulation {

using base::Code;
using model::RequestOutcome;

namespace {

/// As long as a request that has ended is remembered for certain.
constexpr base::Duration kSurelyRemembered = 55s;
/// Between a step and what is seen of it: a sync, or two.
constexpr base::Duration kOnItsWay = 100ms;

model::MessageId id_of(const model::Message& message) {
  return model::MessageId::from_raw(message.envelope.view()).value_or(model::MessageId());
}

std::string name_of(const model::MessageId& id) { return "request " + id.to_string().substr(24) + ": "; }

}  // namespace

void Witness::hear(model::ShardId, const model::Request& request) {
  const base::Instant deadline = world_.now() + request.time_left;
  if (Queue* of = queue(request.subscription)) of->some_end = true;
  asked_[{request.origin.session, request.origin.request}] = {{request.subscription, request.id}, deadline, false};
  const auto [found, fresh] = requests_.try_emplace({request.subscription, request.id});
  Request& known = found->second;
  if (!fresh && (known.deadline <= world_.now() || known.cancelled)) {
    // It may have left meanwhile: what comes may be another message.
    known.offsets.clear();
    known.never_begins.clear();
    known.deadline = {};
    known.cancelled = false;
  }
  known.earliest = known.deadline.us == 0 ? deadline : std::min(known.earliest, deadline);
  known.deadline = std::max(known.deadline, deadline);
}

void Witness::hear(model::ShardId, const model::CancelRequest& cancel) {
  for (auto& [request, asked] : asked_) {
    const bool its = request.first == cancel.session && asked.key == RequestKey{cancel.subscription, cancel.id};
    if (!its) continue;
    asked.cancelled = true;
    requests_[asked.key].cancelled = true;
  }
}

void Witness::hear(model::ShardId, const model::AnswerRequest& answer) {
  if (answer.reply->final) said({answer.subscription, answer.id}, *answer.reply);
}

void Witness::said(const RequestKey& key, const model::ResponderReply& reply) {
  if (reply.problem != Code::OK) return;
  const auto found = requests_.find(key);
  if (found == requests_.end()) return;
  found->second.said.insert(reply.message == nullptr ? reply.reason : std::string(reply.message->body.view()));
}

/// The request whose message this grant was of.
std::optional<Witness::RequestKey> Witness::request_of(model::SubscriptionId of, std::uint64_t offset) const {
  const auto found = requests_at_.find({of, offset});
  return found == requests_at_.end() ? std::nullopt : std::optional(found->second);
}

void Witness::request_delivered(Queue& of, const model::Delivered& one) {
  const model::MessageId id = id_of(*one.message);
  if (id.is_nil()) return;
  const std::uint64_t offset = one.source_offset.value;
  const RequestKey key{of.record.subscription, id};
  requests_at_[{of.record.subscription, offset}] = key;
  Request& request = requests_[key];
  request.offsets.insert(offset);
  if (request.offsets.size() > 1) find(name_of(id) + "asked once, and delivered as two messages");
  const bool of_lane = one.log == of.record.lane;
  if (!of_lane && request.deadline + kOnItsWay < world_.now()) find(name_of(id) + "delivered behind its deadline");
}

/// Its responder was told that what it said is safe.
void Witness::reply_confirmed(model::SubscriptionId of, std::uint64_t offset) {
  const auto key = request_of(of, offset);
  if (!key) return;
  Request& request = requests_.at(*key);
  // Much later it may have been forgotten before.
  if (request.deadline + kSurelyRemembered < world_.now()) return;
  request.replied_until = std::max(request.deadline, world_.now()) + kSurelyRemembered;
}

void Witness::see(const core::Tell& tell, const model::Replied& reply) {
  const auto found = asked_.find({tell.session, reply.request});
  if (found == asked_.end()) return find("a reply to a question that is not open");
  const Asked asked = found->second;
  if (!reply.final) return;
  asked_.erase(found);
  if (!reply.status.ok()) return;
  Request& request = requests_.at(asked.key);
  const std::string at = name_of(asked.key.second);
  const std::string words = reply.message == nullptr ? reply.reason : std::string(reply.message->body.view());
  switch (reply.outcome) {
    case RequestOutcome::open: find(at + "a reply that says nothing"); break;
    case RequestOutcome::answered:
    case RequestOutcome::declined:
      if (!request.said.contains(words)) find(at + "nobody has said " + words);
      break;
    case RequestOutcome::failed:
      if (!reply.case_id || !world_.store().read_case(*reply.case_id).ok()) find(at + "failed without a case");
      break;
    case RequestOutcome::timed_out:
      if (world_.now() < asked.deadline && !asked.cancelled) find(at + "timed out before its deadline");
      if (reply.reached == model::Reached::not_delivered) {
        request.never_begins.insert(request.offsets.begin(), request.offsets.end());
      }
      break;
  }
  const bool lost = reply.outcome == RequestOutcome::timed_out || reply.outcome == RequestOutcome::failed;
  if (lost && world_.now() < request.replied_until) find(at + "its reply was confirmed, and is lost");
  check_never_begun(asked.key, request);
}

/// What was said never to begin has not.
void Witness::check_never_begun(const RequestKey& key, const Request& request) {
  const Queue* of = queue(key.first);
  if (of == nullptr) return;
  for (const std::uint64_t offset : request.never_begins) {
    const auto message = of->messages.find(offset);
    if (message == of->messages.end()) continue;
    const Message& known = message->second;
    const bool begun = std::any_of(known.begun.begin(), known.begun.end(), [&](std::uint64_t grant) {
      return grant > known.forgotten && !known.given_back.contains(grant);
    });
    if (begun) find(name_of(key.second) + "said to have never begun, and it has");
  }
}

/// Nobody asked who is gone; and of what was asked again something may not have been on the disk.
void Witness::requests_after_a_crash() {
  asked_.clear();
  for (auto& [key, request] : requests_) {
    request.deadline = request.earliest;
    const Queue* of = queue(key.first);
    if (of == nullptr || !of->relaxed) continue;
    request.replied_until = {};
    request.offsets.clear();
    request.never_begins.clear();
  }
}

void Witness::finish_requests() {
  for (const auto& [key, request] : requests_) check_never_begun(key, request);
  for (const auto& [request, asked] : asked_) {
    if (!ended_.contains(request.first)) find(name_of(asked.key.second) + "its requester still waits");
  }
}

}  // namespace lazaret::simulation

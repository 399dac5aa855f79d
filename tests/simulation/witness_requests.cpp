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
  Queue* of = queue(request.subscription);
  if (of != nullptr) of->some_end = true;
  const Question question{request.origin.session, request.origin.request};
  if (request.reply_to != nullptr) {
    durable_asked_[question] = {request.subscription, request.id};
    durable_[request.id.to_string()].insert({request.subscription, request.id});
    reply_log_ = request.reply_to->log;
  } else {
    asked_[question] = {{request.subscription, request.id}, deadline, false};
  }
  const auto [found, fresh] = requests_.try_emplace({request.subscription, request.id});
  Request& known = found->second;
  if (request.reply_to != nullptr) {
    known.context = request.reply_to->context[0].first + "=" + request.reply_to->context[0].second;
  }
  // A durable one is what it was, whoever asks for it once more.
  if (!fresh && known.context.empty() && (known.kept_until <= world_.now() || known.cancelled)) {
    // It may have left meanwhile: what comes may be another message.
    known.offsets.clear();
    known.never_begins.clear();
    known.deadline = known.kept_until = {};
    known.cancelled = false;
  }
  // Once it is on the disk it keeps its deadline, whoever asks for it again.
  if (known.asked && of != nullptr && !of->relaxed) return;
  known.earliest = known.deadline.us == 0 ? deadline : std::min(known.earliest, deadline);
  known.deadline = std::max(known.deadline, deadline);
  known.kept_until = std::max(known.kept_until, deadline);
}

void Witness::hear(model::ShardId, const model::CancelRequest& cancel) {
  for (auto& [request, asked] : asked_) {
    const bool its = request.first == cancel.session && asked.key == RequestKey{cancel.subscription, cancel.id};
    if (!its || asked.left) continue;
    asked.cancelled = true;
    requests_[asked.key].cancelled = true;
  }
}

void Witness::hear(model::ShardId, const model::LeaveRequest& leave) {
  const auto found = asked_.find({leave.origin.session, leave.origin.request});
  if (found != asked_.end()) found->second.left = true;
}

void Witness::hear(model::ShardId, const model::AnswerRequest& answer) {
  if (answer.reply->final) return said({answer.subscription, answer.id}, *answer.reply);
  const auto found = requests_.find({answer.subscription, answer.id});
  if (found != requests_.end()) found->second.noted.insert(std::string(answer.reply->message->body.view()));
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
  if (request.kept_until + kSurelyRemembered < world_.now()) return;
  request.replied_until = std::max(request.kept_until, world_.now()) + kSurelyRemembered;
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
      if (!reply.case_id || !had_case(*reply.case_id)) find(at + "failed without a case");
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

void Witness::see(const core::Tell& tell, const model::Asked& asked) {
  const auto found = durable_asked_.extract({tell.session, asked.request});
  if (found.empty()) return find("a durable request is confirmed that nobody has asked");
  if (asked.status.ok()) requests_.at(found.mapped()).asked = true;
}

// --- In transactions -------------------------------------------------------------------------------------------------

std::optional<Witness::RequestKey> Witness::key_of(model::LogId log, const model::AskedAlong& ask) const {
  for (const auto& [id, queue] : queues_) {
    if (queue.record.log == log) return RequestKey{id, ask.id};
  }
  return std::nullopt;
}

/// Perhaps: the transaction may come to nothing. REQUIRES that their ids are new.
void Witness::asked_along(const model::Outgoing& outgoing) {
  for (const model::Outgoing::To& to : outgoing.to) {
    for (const model::AskedAlong& ask : to.asks) {
      const auto key = key_of(to.log, ask);
      if (!key) continue;
      durable_[ask.id.to_string()].insert(*key);
      reply_log_ = ask.reply_to->log;
      Request& request = requests_[*key];
      request.context = ask.reply_to->context[0].first + "=" + ask.reply_to->context[0].second;
      request.deadline = request.earliest = request.kept_until = ask.deadline;
      if (Queue* of = queue(key->first)) of->some_end = true;
    }
  }
}

void Witness::asked_along_confirmed(const model::Outgoing& outgoing) {
  for (const model::Outgoing::To& to : outgoing.to) {
    for (const model::AskedAlong& ask : to.asks) {
      if (const auto key = key_of(to.log, ask)) requests_.at(*key).asked = true;
    }
  }
}

// --- On the reply queue ---------------------------------------------------------------------------------------------

/// It says what became of a request, with the context of that.
void Witness::check_reply(const Queue& of, const model::Delivered& one) {
  const ReplyText text = ReplyText::of(one.message->envelope.view());
  const std::string at = "reply to " + text.request.substr(24) + ": ";
  if (of.record.log != reply_log_) find(at + "it went to " + of.record.name);
  const auto known = durable_.find(text.request);
  if (known == durable_.end()) return find(at + "nobody has asked that");
  bool context = false;
  for (const RequestKey& key : known->second) context = context || requests_.at(key).context == text.context;
  if (!context) find(at + "with the context " + text.context);
  if (known->second.size() == 1) check_words(at, *known->second.begin(), one);
}

void Witness::check_words(const std::string& at, const RequestKey& key, const model::Delivered& one) {
  const ReplyText text = ReplyText::of(one.message->envelope.view());
  const Request& request = requests_.at(key);
  const std::string body(one.message->body.view());
  if (text.kind == "note" && !request.noted.contains(body)) find(at + "nobody has noted " + body);
  if (text.outcome == "answered" && !request.said.contains(body)) find(at + "nobody has said " + body);
  if (text.outcome == "declined" && !request.said.contains(text.reason)) find(at + "nobody has said " + text.reason);
  if (text.outcome == "timed_out" && world_.now() < request.earliest) find(at + "timed out before its deadline");
  if (text.outcome != "failed" || text.case_id == "-") return;  // "-": its queue was deleted
  if (!had_case(*model::CaseId::parse(text.case_id))) find(at + "failed without a case");
}

/// Each that was confirmed has exactly one reply that is not late, and perhaps one that is.
void Witness::finish_durable_requests() {
  for (const auto& [id, keys] : durable_) {
    const std::string at = "durable request " + id.substr(24) + ": ";
    const std::size_t replies = world_.store().times_appended(reply_log_, ReplyText::name(id, "final"));
    const std::size_t late = world_.store().times_appended(reply_log_, ReplyText::name(id, "late"));
    if (replies > keys.size()) find(at + std::to_string(replies) + " replies");
    if (late > replies) find(at + std::to_string(late) + " late replies");
    for (const RequestKey& key : keys) {
      const Queue* of = queue(key.first);
      const bool relaxed = of == nullptr || of->relaxed;
      if (requests_.at(key).asked && !relaxed && replies == 0) find(at + "no reply");
    }
  }
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
  durable_asked_.clear();
  for (auto& [key, request] : requests_) {
    request.kept_until = request.earliest;
    const Queue* of = queue(key.first);
    if (of == nullptr || !of->relaxed) continue;
    request.replied_until = {};
    request.offsets.clear();
    request.never_begins.clear();
  }
}

void Witness::finish_requests() {
  finish_durable_requests();
  for (const auto& [key, request] : requests_) check_never_begun(key, request);
  for (const auto& [request, asked] : asked_) {
    if (!ended_.contains(request.first) && !asked.left) find(name_of(asked.key.second) + "its requester still waits");
  }
}

}  // namespace lazaret::simulation

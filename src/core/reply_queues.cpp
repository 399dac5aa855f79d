// Replies to durable requests are published to the reply queue that the request named: in the write that ends it, or
// through the outbox where that queue is on another shard. And what responders say on the way is kept, written behind:
// a note of a durable request is published with the next write that is synced anyway, and of any other request its
// record has the newest one. Notes cause no write of their own, so a crash takes those that came since the last.
#include <algorithm>

#include "core/shard_state.h"

namespace lazaret::core {

using base::Code;
using base::Status;
using model::RequestOutcome;

/// It is known; asked again, whether it is as it was.
Status Shard::State::reply_queue_problem(const PendingRequest& request, const model::ReplyAddress* given) {
  const model::ReplyAddress* known = request.record.reply_to.get();
  if (known == nullptr) return Status(Code::OPTIONS_MISMATCH, "it was asked before, without a reply queue");
  if (given != nullptr && known->log == given->log) return {};
  return Status(Code::OPTIONS_MISMATCH, "it was asked before, with the reply queue " + known->queue);
}

bool Shard::State::has_reply(const PendingRequest& request) {
  const RequestOutcome outcome = request.record.outcome;
  return outcome == RequestOutcome::answered || outcome == RequestOutcome::declined;
}

/// How it ended, as its record says. What was said on the way comes before it.
void Shard::State::publish_end(Subscription& sub, PendingRequest& request, bool has_case) {
  model::RequestRecord& record = request.record;
  if (record.note != nullptr) publish_note(sub, request);
  model::PublishedReply reply{{}, record.id, *record.reply_to};
  reply.outcome = record.outcome;
  reply.reached = record.reached;
  reply.late = record.late;
  reply.reason = record.reason;
  if (record.outcome == RequestOutcome::failed && has_case) {
    reply.case_id = model::CaseId{config.shard, sub.queue->subscription, sub.queue->log, record.offset};
  }
  reply.message = record.reply.get();
  publish_reply(sub.queue->subscription, reply);
  record.reply = nullptr;
}

void Shard::State::publish_note(Subscription& sub, PendingRequest& request) {
  model::PublishedReply reply{{}, request.key.id, *request.record.reply_to};
  reply.message = request.record.note.get();
  publish_reply(sub.queue->subscription, reply);
}

/// The queue that they were on their way to is gone: nobody will ever answer.
void Shard::State::publish_unasked(const std::vector<model::AskedAlong>& asks) {
  for (const model::AskedAlong& one : asks) {
    model::PublishedReply reply{{}, one.id, *one.reply_to};
    reply.outcome = RequestOutcome::failed;
    reply.reason = "the queue that was asked was deleted before the request came to it";
    publish_reply({}, reply);
  }
}

/// A message of its own. Where its queue is gone it is lost, and counted on the one that was `asked`, if that is there.
void Shard::State::publish_reply(model::SubscriptionId asked, const model::PublishedReply& reply) {
  auto message = std::make_shared<model::Message>();
  if (reply.message != nullptr) {
    message->body = reply.message->body;
    message->body_crc = reply.message->body_crc;
    message->priority = reply.message->priority;
  }
  model::PublishedReply named = reply;
  const std::uint64_t high = random.next();
  named.id = base::Uuid::v7(now.us / 1000, high, random.next());
  if (config.reply_envelope != nullptr) message->envelope = config.reply_envelope(named);
  out->urgent = true;
  if (reply.to.shard != config.shard) {
    return owe({reply.to.shard, reply.to.log, {std::move(message)}}, asked);
  }
  if (Log* log = find(reply.to.log); publish_problem(log).ok()) return append_along(*log, {std::move(message)}, {});
  if (Subscription* sub = find(asked)) {
    ++sub->counters.lost_replies;
    touch(*sub);
  }
}

// --- Notes ----------------------------------------------------------------------------------------------------------

void Shard::State::keep_note(PendingRequest& request, const model::MessageRef& note) {
  pending_requests.keep_note(request, nullptr);
  if (note == nullptr || !pending_requests.has_room(note->size())) return;
  pending_requests.keep_note(request, note);
  noted.insert(request.key);
}

/// Whether this group will be synced, whatever else comes.
bool Shard::State::is_to_be_synced() {
  if (out->sync || draining) return true;
  return std::any_of(dirty.begin(), dirty.end(), [&](model::SubscriptionId id) {
    const Subscription* sub = find(id);
    return sub != nullptr && !sub->is_relaxed();
  });
}

void Shard::State::publish_notes() {
  if (!is_to_be_synced()) return;
  for (auto it = noted.begin(); it != noted.end();) {
    PendingRequest* request = pending_requests.find(*it);
    const bool waits = request != nullptr && request->record.note != nullptr && request->record.reply_to == nullptr;
    if (waits) {  // for the seal
      ++it;
      continue;
    }
    it = noted.erase(it);
    if (request == nullptr || request->record.note == nullptr) continue;
    publish_note(*find(request->key.subscription), *request);
    pending_requests.keep_note(*request, nullptr);
  }
}

/// With what is written anyway.
void Shard::State::put_notes() {
  for (auto it = noted.begin(); it != noted.end();) {
    const PendingRequest* request = pending_requests.find(*it);
    const bool is_published = request != nullptr && request->record.reply_to != nullptr;
    if (is_published) {  // when something is synced
      ++it;
      continue;
    }
    it = noted.erase(it);
    const bool has_note = request != nullptr && request->record.note != nullptr;
    if (has_note) mutate(model::PutRequest{request->key.subscription, request->record}, false);
  }
}

}  // namespace lazaret::core

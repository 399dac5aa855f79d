// Requests: messages whose requester waits for a reply. Each has a record of its own from its publish on, which
// outlives the ack of its message. However it ends (a reply, a case, the deadline), that is written before anybody is
// told.
#include <algorithm>

#include "core/shard_state.h"
#include "model/limits.h"

namespace lazaret::core {
namespace {

using base::Code;
using base::Instant;
using base::Status;
using model::DeliveryState;
using model::Offset;
using model::Reached;
using model::RequestOutcome;
namespace limits = model::limits;

/// Requests that are looked at in vain, because they cannot be forgotten yet, in one step.
constexpr int kMostPassedOver = 16;

Reached reached_by(const PendingRequest& request) {
  if (request.record.settled) return Reached::settled;
  return request.begun > 0 ? Reached::started : Reached::not_delivered;
}

model::Replied refusal(const model::Origin& origin, Status status) {
  model::Replied replied;
  replied.request = origin.request;
  replied.status = std::move(status);
  return replied;
}

Instant forgotten_at(const model::RequestRecord& record) {
  return std::max(record.deadline, record.ended_at) + limits::kRequestRememberedFor;
}

}  // namespace

// --- Asked ----------------------------------------------------------------------------------------------------------

void Shard::State::on(model::Request& command) {
  Subscription* sub = find(command.subscription);
  const bool durable = command.reply_to != nullptr;
  const auto refuse = [&](Status status) {
    if (durable) return tell(command.origin.session, model::Asked{command.origin.request, std::move(status), {}});
    tell(command.origin.session, refusal(command.origin, std::move(status)));
  };
  if (sub == nullptr || sub->deleting) return refuse(Status(Code::NOT_FOUND, "the queue was deleted"));
  if (sub->queue->kind != model::Kind::queue) return refuse(Status(Code::BAD_REQUEST, "a request goes to a queue"));
  const Instant deadline = now + std::min(command.time_left, limits::kRequestTimeMost);
  PendingRequest* known = pending_requests.find({command.subscription, command.id});
  if (known != nullptr && (durable || known->record.reply_to != nullptr)) {
    if (Status other = reply_queue_problem(*known, command.reply_to.get()); !other.ok())
      return refuse(std::move(other));
    return tell(command.origin.session, model::Asked{command.origin.request, {}, known->record.offset, true});
  }
  if (known != nullptr && !is_gone(*sub, *known)) return join(*sub, *known, command.origin, deadline);
  if (deadline <= now && durable) return refuse(Status(Code::DEADLINE_EXCEEDED));
  if (deadline <= now) {
    model::Replied late;
    late.request = command.origin.request;
    late.outcome = RequestOutcome::timed_out;
    late.reached = known == nullptr ? Reached::not_delivered : known->record.reached;
    return tell(command.origin.session, std::move(late));
  }
  if (Status full = request_problem(*sub, command); !full.ok()) return refuse(std::move(full));
  Log& log = *sub->log;
  put_changed_log(log);
  model::PublishItem item{0, std::move(command.message)};
  Arrivals arrivals;
  const model::PublishResult stored = store(log, {}, item, arrivals);
  if (stored.code != Code::OK) return refuse(queue_is_full(log));
  const Offset offset = stored.offset;
  if (stored.duplicate && durable) {  // it was asked, and its end is forgotten; the queue still knows its id
    return tell(command.origin.session, model::Asked{command.origin.request, {}, offset, true});
  }
  if (!stored.duplicate) append(log, offset, std::move(arrivals));
  if (known != nullptr) erase_request(*sub, *known);  // it begins anew; its record is written over
  PendingRequest& request = note_asked(*sub, offset, {0, command.id, deadline, std::move(command.reply_to)});
  if (!durable) return pending_requests.add_waiter(request, command.origin);
  tell(command.origin.session, model::Asked{command.origin.request, {}, offset});
}

/// Its message got that offset in this step; its record goes into the same write.
PendingRequest& Shard::State::note_asked(Subscription& sub, Offset offset, const model::AskedAlong& asked) {
  model::RequestRecord record;
  record.id = asked.id;
  record.offset = offset;
  record.deadline = asked.deadline;
  record.reply_to = asked.reply_to;
  PendingRequest& request = pending_requests.add(sub.queue->subscription, std::move(record));
  sub.requests.emplace(offset, &request);
  pending_requests.set_alarm(request, asked.deadline);
  put_request(sub, request);
  return request;
}

/// Of so many more, with so much context.
Status Shard::State::room_for_requests(std::size_t count, std::size_t bytes) const {
  if (pending_requests.open() + count > limits::kPendingRequests) {
    return Status(Code::RESOURCE_EXHAUSTED, "too many requests wait for their replies")
        .with_limit("pending_requests", static_cast<std::int64_t>(limits::kPendingRequests))
        .with_retry_after_ms(1000);
  }
  if (pending_requests.has_room(bytes)) return {};
  return Status(Code::RESOURCE_EXHAUSTED, "too much context of requests that wait for their replies")
      .with_limit("request_bytes", static_cast<std::int64_t>(limits::kRequestBytes))
      .with_retry_after_ms(1000);
}

/// Why no further request is taken.
Status Shard::State::request_problem(const Subscription& sub, const model::Request& command) {
  if (refuse_publishes) return disk_is_short();
  if (command.reply_to == nullptr) return room_for_requests(1, 0);
  const model::ReplyAddress& to = *command.reply_to;
  LZ_RETURN_IF_ERROR(room_for_requests(1, to.size()));
  if (to.log == sub.queue->log) {
    return Status(Code::BAD_REQUEST, "the reply to a request goes to another queue than the request");
  }
  if (to.shard == config.shard && !publish_problem(find(to.log)).ok()) {
    return Status(Code::NOT_FOUND, "the reply queue " + to.queue + " was deleted");
  }
  return {};
}

/// Whether its message left without any reply to come: whoever asks once more begins anew.
bool Shard::State::is_gone(const Subscription& sub, const PendingRequest& request) {
  const Offset offset = request.record.offset;
  return request.record.outcome == RequestOutcome::timed_out && !request.record.settled &&
         sub.acked.is_settled(offset) && !sub.admitted.contains(offset) && !sub.lane.contains(offset);
}

/// Asked again, after a reconnect for instance: it waits for the same reply, or is told it.
void Shard::State::join(Subscription& sub, PendingRequest& request, const model::Origin& origin, Instant deadline) {
  model::RequestRecord& record = request.record;
  const bool waits_again = record.outcome == RequestOutcome::timed_out && deadline > now;
  if (!request.is_open() && !waits_again) {
    if (!request.told) pending_requests.now_told(request);
    return tell_reply(request, origin);
  }
  if (request.waiters.size() >= limits::kWaitersPerRequest) {
    return tell(origin.session,
                refusal(origin, Status(Code::LIMIT_REACHED, "too many connections wait for the reply of this request")
                                    .with_limit("waiters", static_cast<std::int64_t>(limits::kWaitersPerRequest))));
  }
  if (waits_again) {
    pending_requests.reopened(request);
    record.outcome = RequestOutcome::open;
    record.reached = Reached::unknown;
    record.ended_at = {};
  }
  pending_requests.add_waiter(request, origin);
  if (record.note != nullptr) tell_note(origin, record.note);
  if (deadline <= record.deadline && !waits_again) return;
  record.deadline = std::max(record.deadline, deadline);
  request.recalled = false;
  pending_requests.set_alarm(request, record.deadline);
  put_request(sub, request);
}

void Shard::State::on(model::CancelRequest& command) {
  Subscription* sub = find(command.subscription);
  PendingRequest* request = pending_requests.find({command.subscription, command.id});
  if (sub == nullptr || request == nullptr || !request->is_open()) return;
  const auto its = [&](const model::Origin& waiter) { return waiter.session == command.session; };
  const auto& waiters = request->waiters;
  if (std::none_of(waiters.begin(), waiters.end(), its)) return;
  if (!std::all_of(waiters.begin(), waiters.end(), its)) {
    for (const model::Origin& waiter : pending_requests.take_waiters(*request)) {
      if (!its(waiter)) {
        pending_requests.add_waiter(*request, waiter);
        continue;
      }
      model::Replied gone;
      gone.request = waiter.request;
      gone.outcome = RequestOutcome::timed_out;
      gone.reached = request->begun > 0 ? reached_by(*request) : Reached::unknown;
      tell(waiter.session, std::move(gone));
    }
    return;
  }
  if (request->recalled) return;
  request->record.deadline = std::min(request->record.deadline, now);
  pass_deadline(*sub, *request);
  if (request->is_open()) put_request(*sub, *request);
}

void Shard::State::on(model::LeaveRequest& command) {
  PendingRequest* request = pending_requests.find({command.subscription, command.id});
  if (request != nullptr) pending_requests.remove_waiter(*request, command.origin);
}

// --- Answered -------------------------------------------------------------------------------------------------------

void Shard::State::on(model::AnswerRequest& command) {
  const model::ResponderReply& reply = *command.reply;
  if (reply.problem != Code::OK) return done(command.origin, Status(reply.problem));
  Subscription* sub = find(command.subscription);
  if (sub == nullptr || sub->deleting) return done(command.origin, Status(Code::NOT_FOUND, "the queue was deleted"));
  PendingRequest* request = pending_requests.find({command.subscription, command.id});
  if (reply.final) {
    const bool taken = take_reply(*sub, request, reply);
    if (request != nullptr) return done(command.origin, {}, taken ? 1 : 0);
  } else if (request != nullptr) {
    if (request->is_open()) {
      for (const model::Origin& waiter : request->waiters) tell_note(waiter, reply.message);
      keep_note(*request, reply.message);
    }
    return done(command.origin, {}, request->is_open() ? 1 : 0);
  }
  done(command.origin, Status(Code::NOT_FOUND, "there is no such request (any more)"));
}

void Shard::State::request_begun(Subscription& sub, Offset offset) {
  PendingRequest* request = request_at(sub, offset);
  if (request == nullptr) return;
  ++request->begun;
  if (request->recalled) time_out(sub, *request);  // that is the word that was waited for
}

/// The message at `origin` was acked, with a reply or without: then it is answered by a ticket, or not at all.
void Shard::State::request_acked(Subscription& sub, Offset origin, const model::ResponderReplyRef& reply) {
  PendingRequest* request = request_at(sub, origin);
  if (request != nullptr) request->begun = std::max(request->begun, 1u);
  if (reply != nullptr) {
    take_reply(sub, request, *reply);
  } else if (request != nullptr && !request->record.settled) {
    request->record.settled = true;
    if (request->recalled) return time_out(sub, *request);
    put_request(sub, *request);
  }
}

/// Whether that is the reply. One that comes too late is kept for whoever asks again, unless there was another.
bool Shard::State::take_reply(Subscription& sub, PendingRequest* request, const model::ResponderReply& reply) {
  const auto write = [&](model::RequestRecord& record) {
    record.reply = reply.message;
    record.reason = reply.reason;
  };
  if (request != nullptr && request->is_open()) {
    write(request->record);
    end_request(sub, *request, reply.outcome);
    return true;
  }
  ++sub.counters.late_replies;
  touch(sub);
  const bool has_none = request != nullptr && (request->record.outcome == RequestOutcome::timed_out ||
                                               request->record.outcome == RequestOutcome::failed);
  if (!has_none) return false;
  pending_requests.take_from_remembered(*request);
  write(request->record);
  request->record.outcome = reply.outcome;
  request->record.reached = Reached::unknown;
  request->record.late = true;
  request->record.ended_at = now;
  request->told = request->record.reply_to != nullptr;
  if (request->told) publish_end(sub, *request);
  pending_requests.put_to_remembered(*request);
  pending_requests.set_alarm(*request, forgotten_at(request->record));
  put_request(sub, *request);
  requests_ended = true;
  return false;
}

/// Its message became a case.
void Shard::State::request_failed(Subscription& sub, Offset origin, const model::ErrorReport& error) {
  PendingRequest* request = request_at(sub, origin);
  if (request == nullptr || !request->is_open()) return;
  request->record.reason = error.message;
  end_request(sub, *request, RequestOutcome::failed);
}

// --- The deadline ---------------------------------------------------------------------------------------------------

void Shard::State::wake_requests() {
  while (PendingRequest* due = pending_requests.due(now)) {
    Subscription& sub = *find(due->key.subscription);
    if (!due->is_open()) {
      forget_in_time(sub, *due);
    } else if (due->recalled) {
      ++due->begun;  // nobody says that it has not
      time_out(sub, *due);
    } else {
      pass_deadline(sub, *due);
    }
  }
}

/// Past it the message is not delivered any more. Whoever has it and has not begun is asked for it: only its word says
/// for certain that no handler will run.
void Shard::State::pass_deadline(Subscription& sub, PendingRequest& request) {
  const Offset offset = request.record.offset;
  const auto it = sub.entries.find({sub.queue->log, offset});
  if (it == sub.entries.end()) {
    if (resuming && offset < sub.recovered_mark) {
      request.begun = std::max(request.begun, 1u);  // whoever has it may come back for it
    } else if (!sub.acked.is_settled(offset) && !is_passed(sub, offset)) {
      expire_request(sub, offset);
    }
    return time_out(sub, request);
  }
  Entry& entry = it->second;
  if (entry.state != DeliveryState::granted) {
    take_back(sub, entry);
    expire_request(sub, entry);
    return time_out(sub, request);
  }
  if (entry.consumer == nullptr) request.begun = std::max(request.begun, 1u);  // reserved since a restart
  if (request.begun > 0) return time_out(sub, request);
  request.recalled = true;
  pending_requests.set_alarm(request, now + limits::kRecallPatience);
  const Consumer& consumer = *entry.consumer;
  if (consumer.session) tell(consumer.session, model::Recall{consumer.key, {entry.delivery}});
}

void Shard::State::time_out(Subscription& sub, PendingRequest& request) {
  request.record.reached = reached_by(request);
  end_request(sub, request, RequestOutcome::timed_out);
}

/// Whether it is a request that is of no use any more. A replay is: an operator wants it.
bool Shard::State::is_overdue(const Subscription& sub, const Position& position) const {
  const auto it = position.log == sub.queue->log ? sub.requests.find(position.offset) : sub.requests.end();
  if (it == sub.requests.end()) return false;
  const model::RequestRecord& record = it->second->record;
  return record.outcome == RequestOutcome::timed_out || record.deadline <= now;
}

/// It was given back behind its deadline. REQUIRES that it was taken back. The entry is gone after this.
void Shard::State::drop_overdue(Subscription& sub, Entry& entry) {
  PendingRequest* request = request_at(sub, entry.position.offset);
  expire_request(sub, entry);
  if (request->is_open()) time_out(sub, *request);
}

/// Drops a message that has an entry. REQUIRES that it was taken back. The entry is gone after this.
void Shard::State::expire_request(Subscription& sub, Entry& entry) {
  const Offset offset = entry.position.offset;
  if (entry.attempts > 0) {
    mutate(model::DropAttempts{sub.queue->subscription, sub.queue->log, offset, entry.attempts}, false);
  }
  drop_record(sub, entry);
  ++sub.counters.expired;
  settled(sub, offset);
  left(sub, entry.bytes);
  forget_entry(sub, entry);
}

/// It waits for its key: it is dropped when its turn comes.
bool Shard::State::is_passed(const Subscription& sub, Offset offset) {
  return sub.keys != nullptr && (sub.keys->held().contains(offset) || sub.keys->freed().contains(offset));
}

/// One that has none: it was never granted, or waits on the disk only.
void Shard::State::expire_request(Subscription& sub, Offset offset) {
  if (sub.keys != nullptr && sub.parked.contains(offset)) leave_parked(sub, {offset, offset.next()});
  if (sub.parked.erase(offset)) {
    mutate(model::DropDelivery{sub.queue->subscription, sub.queue->log, offset, {}, true}, false);
    mutate(model::DropAttempts{sub.queue->subscription, sub.queue->log, offset, 0}, false);
  }
  ++sub.counters.expired;
  settled(sub, offset);
  left_unread(sub, 1);
  if (sub.keys != nullptr) hold_effects(sub);  // the next of its key leaves when this is durable
}

// --- Ended, and forgotten -------------------------------------------------------------------------------------------

/// REQUIRES that its record says all but this.
void Shard::State::end_request(Subscription& sub, PendingRequest& request, RequestOutcome outcome) {
  request.record.outcome = outcome;
  request.record.ended_at = now;
  request.recalled = false;
  request.told = !request.waiters.empty() || request.record.reply_to != nullptr;
  if (request.record.reply_to != nullptr) publish_end(sub, request);
  pending_requests.ended(request);
  pending_requests.set_alarm(request, forgotten_at(request.record));
  put_request(sub, request);
  for (const model::Origin& waiter : pending_requests.take_waiters(request)) tell_reply(request, waiter);
  requests_ended = true;
}

void Shard::State::tell_reply(const PendingRequest& request, const model::Origin& to) {
  const model::RequestRecord& record = request.record;
  model::Replied replied;
  replied.request = to.request;
  replied.outcome = record.outcome;
  replied.reached = record.reached;
  replied.late = record.late;
  replied.reason = record.reason;
  replied.message = record.reply;
  if (record.outcome == RequestOutcome::failed) {
    const Subscription& sub = *find(request.key.subscription);
    replied.case_id = model::CaseId{config.shard, request.key.subscription, sub.queue->log, record.offset};
  }
  tell(to.session, std::move(replied));
}

void Shard::State::tell_note(const model::Origin& to, const model::MessageRef& message) {
  model::Replied note;
  note.request = to.request;
  note.final = false;
  note.message = message;
  tell(to.session, std::move(note));
}

void Shard::State::put_request(const Subscription& sub, const PendingRequest& request) {
  mutate(model::PutRequest{sub.queue->subscription, request.record}, false);
  hold_effects(sub);
}

PendingRequest* Shard::State::request_at(const Subscription& sub, Offset offset) {
  const auto it = sub.requests.find(offset);
  return it == sub.requests.end() ? nullptr : it->second;
}

/// At the end of a step, since whoever ended one still has it in hand.
void Shard::State::forget_too_many() {
  requests_ended = false;
  for (int passed_over = 0; passed_over < kMostPassedOver;) {
    PendingRequest* oldest = pending_requests.one_too_many();
    if (oldest == nullptr) return;
    Subscription& sub = *find(oldest->key.subscription);
    if (may_come_back(sub, *oldest)) {
      pending_requests.pass_over(*oldest);
      ++passed_over;
    } else {
      forget_with_message(sub, *oldest);
      pumped_later.insert(sub.queue->subscription);
    }
  }
}

void Shard::State::forget_in_time(Subscription& sub, PendingRequest& request) {
  const bool is_answered_case = sub.admitted.contains(request.record.offset) && has_reply(request);
  if (is_answered_case || may_come_back(sub, request)) {  // nobody is to replay it unawares
    return pending_requests.set_alarm(request, now + limits::kRequestRememberedFor);
  }
  forget_with_message(sub, request);
}

/// Whether its message is out, or waits for its key: when it comes back it must not be taken for any other.
bool Shard::State::may_come_back(const Subscription& sub, const PendingRequest& request) const {
  const Offset offset = request.record.offset;
  if (sub.acked.is_settled(offset)) return false;
  const auto it = sub.entries.find({sub.queue->log, offset});
  const bool is_out =
      it == sub.entries.end() ? resuming && offset < sub.recovered_mark : it->second.state == DeliveryState::granted;
  return is_out || is_passed(sub, offset);
}

/// A message that nobody has had is of no use any more. REQUIRES that it may not come back. The request is gone then.
void Shard::State::forget_with_message(Subscription& sub, PendingRequest& request) {
  const Offset offset = request.record.offset;
  if (!sub.acked.is_settled(offset)) {
    if (const auto it = sub.entries.find({sub.queue->log, offset}); it != sub.entries.end()) {
      take_back(sub, it->second);
      expire_request(sub, it->second);
    } else {
      expire_request(sub, offset);
    }
  }
  forget_request(sub, request);
}

void Shard::State::forget_request(Subscription& sub, PendingRequest& request) {
  mutate(model::DropRequest{request.key.subscription, request.key.id}, false);
  erase_request(sub, request);
}

void Shard::State::erase_request(Subscription& sub, PendingRequest& request) {
  sub.requests.erase(request.record.offset);
  pending_requests.erase(request);
}

/// Its queue is being deleted: their records go with all that is its.
void Shard::State::end_requests_of(Subscription& sub) {
  const Status gone(Code::NOT_FOUND, "queue " + sub.queue->name + " was deleted");
  while (!sub.requests.empty()) {
    PendingRequest& request = *sub.requests.begin()->second;
    for (const model::Origin& waiter : pending_requests.take_waiters(request)) {
      tell(waiter.session, refusal(waiter, gone));
    }
    if (request.is_open() && request.record.reply_to != nullptr) {
      request.record.outcome = RequestOutcome::failed;
      request.record.reason = gone.text();
      publish_end(sub, request, false);
      request.record.outcome = RequestOutcome::open;
    }
    erase_request(sub, request);
  }
}

// --- After a start --------------------------------------------------------------------------------------------------

void Shard::State::recover_requests(Subscription& sub, std::vector<model::RequestRecord>& records) {
  for (model::RequestRecord& record : records) {
    PendingRequest& request = pending_requests.add(sub.queue->subscription, std::move(record));
    const Offset offset = request.record.offset;
    sub.requests.emplace(offset, &request);
    pending_requests.set_alarm(request, request.is_open() ? request.record.deadline : forgotten_at(request.record));
    const auto it = sub.entries.find({sub.queue->log, offset});
    const bool may_have_begun = it == sub.entries.end() ? offset < sub.recovered_mark || sub.parked.contains(offset)
                                                        : it->second.attempts > 0 || it->second.interrupted ||
                                                              it->second.state == DeliveryState::granted;
    request.begun = may_have_begun ? 1 : 0;
  }
}

}  // namespace lazaret::core

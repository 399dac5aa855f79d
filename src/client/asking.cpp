#include "client/asking.h"

#include <algorithm>
#include <vector>

#include "client/client_core.h"
#include "client/message_codec.h"

namespace lazaret::detail {
namespace {

using base::Code;
using base::Status;

/// The broker tells how far a request got at its deadline, after asking whoever has it. So long we wait for its word.
constexpr auto kPatience = std::chrono::milliseconds(500);

base::Result<Reply> reply_of(wire::Reply& frame) {
  Reply reply;
  reply.outcome = static_cast<Outcome>(frame.outcome);
  reply.reached = static_cast<Reached>(frame.reached);
  reply.late = frame.late;
  reply.final = frame.final;
  reply.reason = std::move(frame.reason);
  if (frame.case_id) reply.case_id = frame.case_id->to_string();
  const bool has_message = !frame.final || frame.outcome == model::RequestOutcome::answered;
  if (!has_message) return reply;
  const base::Status decoded =
      decode_message(frame.envelope, frame.body, frame.body_crc, frame.published_at, reply.message);
  if (!decoded.ok()) return decoded;
  return reply;
}

Reply timed_out(Reached reached) {
  Reply reply;
  reply.reached = reached;
  return reply;
}

}  // namespace

void Inherited::apply_to(Message& message) const {
  if (message.correlation_id.empty()) message.correlation_id = correlation_id;
  if (message.causation_id.empty()) message.causation_id = causation_id;
  if (message.traceparent.empty()) message.traceparent = traceparent;
}

void Asking::submit(Question question) {
  const std::uint64_t operation = question.operation;
  Question& placed = open_.emplace(operation, std::move(question)).first->second;
  if (client_.is_open()) send(placed);
}

void Asking::send(Question& question) {
  const wire::Welcome& told = client_.welcome();
  const auto it = open_.find(question.operation);
  if (std::find(told.features.begin(), told.features.end(), wire::kFeatureRequests) == told.features.end()) {
    return fail(it, Status(Code::UNKNOWN_FRAME, "this broker knows no requests"));
  }
  if (const Status size = check_size(told, question.envelope.size(), question.body.size()); !size.ok()) {
    return fail(it, size);
  }
  const auto time_left =
      std::chrono::duration_cast<base::Duration>(question.deadline - std::chrono::steady_clock::now());
  if (time_left.count() <= 0) return;  // it ends as soon as its deadline is looked at
  question.sent = true;
  question.number = client_.next_request();
  numbers_[question.number] = question.operation;
  client_.send(wire::encode(
      wire::Request{question.number, question.queue, time_left, question.envelope, question.body, question.body_crc}));
}

void Asking::connected() {
  std::vector<std::uint64_t> operations;
  for (const auto& [operation, question] : open_) operations.push_back(operation);
  for (const std::uint64_t operation : operations) send(open_.at(operation));
}

void Asking::disconnected() {
  numbers_.clear();
  for (auto& [operation, question] : open_) question.number = 0;
}

void Asking::on(wire::Reply&& frame) {
  const auto number = numbers_.find(frame.request);
  if (number == numbers_.end()) return;  // it was cancelled
  const auto it = open_.find(number->second);
  if (!frame.status.ok()) return fail(it, frame.status);
  auto reply = reply_of(frame);
  if (frame.final) return reply.ok() ? finish(it, std::move(*reply)) : fail(it, reply.status());
  const auto on_note = it->second.on_note;
  if (reply.ok() && on_note != nullptr) client_.call_user([&] { (*on_note)(*reply); });
}

bool Asking::refused(std::uint64_t request, const Status& status) {
  const auto number = numbers_.find(request);
  if (number == numbers_.end()) return false;
  fail(open_.find(number->second), status);
  return true;
}

// --- Ending without a reply ------------------------------------------------------------------------------------------

void Asking::cancel(std::uint64_t operation) {
  const auto it = open_.find(operation);
  if (it == open_.end()) return;
  tell_cancelled(it->second);
  fail(it, Status(Code::CANCELLED));
}

void Asking::tell_cancelled(const Question& question) {
  if (question.number != 0) client_.send(wire::encode(wire::CancelRequest{question.queue, uuid_of(question.id)}));
}

SteadyTime Asking::expire(SteadyTime now) {
  SteadyTime next = SteadyTime::max();
  for (auto it = open_.begin(); it != open_.end();) {
    const auto current = it++;
    const Question& question = current->second;
    const bool asked = question.number != 0;
    const SteadyTime until = asked ? question.deadline + kPatience : question.deadline;
    if (until > now) {
      next = std::min(next, until);
    } else if (question.sent) {
      finish(current, timed_out(Reached::unknown));
    } else if (client_.is_open()) {
      finish(current, timed_out(Reached::not_delivered));
    } else {
      fail(current, client_.why_not_connected());
    }
  }
  return next;
}

void Asking::fail_all(const Status& status) {
  for (const auto& [operation, question] : open_) tell_cancelled(question);
  fail_unanswered(Status(Code::OUTCOME_UNKNOWN, "the client was closed before the reply came"));
  fail_where([](const Question&) { return true; }, status);
}

void Asking::fail_unanswered(const Status& status) {
  fail_where([](const Question& question) { return question.sent; },
             status.code() == Code::OUTCOME_UNKNOWN
                 ? status
                 : Status(Code::OUTCOME_UNKNOWN, "the broker ended the connection, " + status.text()));
}

void Asking::fail_unsent(const Status& status) {
  fail_where([](const Question& question) { return !question.sent; }, status);
}

template <class Which>
void Asking::fail_where(Which which, const Status& status) {
  for (auto it = open_.begin(); it != open_.end();) {
    const auto current = it++;
    if (which(current->second)) fail(current, status);
  }
}

void Asking::finish(Open::iterator it, Reply reply) {
  numbers_.erase(it->second.number);
  auto node = open_.extract(it);
  node.mapped().completion.done(std::move(reply));
}

void Asking::fail(Open::iterator it, const Status& status) {
  numbers_.erase(it->second.number);
  auto node = open_.extract(it);
  node.mapped().completion.fail(status);
}

}  // namespace lazaret::detail

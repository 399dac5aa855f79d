// Requests: a message whose sender waits for the reply, and what responders say.
#include "model/limits.h"
#include "net/session.h"
#include "wire/envelope.h"

namespace lazaret::net {

namespace limits = model::limits;
using base::Code;
using base::Status;

base::Status Session::on(wire::Request&& frame) {
  if (frame.request == 0) return Status(Code::BAD_FRAME, "REQUEST needs a number: somebody waits");
  if (!requests_.insert(frame.request).second) return used_twice(frame.request);
  const std::uint64_t number = frame.request;
  const bool creating = create_missing(frame.queue, [this, frame, number](Status status) mutable {
    if (status.ok()) status = ask(std::move(frame));
    if (!status.ok()) refuse_request(number, std::move(status));
  });
  if (creating) return {};
  if (Status status = ask(std::move(frame)); !status.ok()) refuse_request(number, std::move(status));
  return {};
}

void Session::refuse_request(std::uint64_t request, Status status) {
  requests_.erase(request);
  refuse(request, std::move(status));
}

/// What is wrong with it, if it is not submitted.
Status Session::ask(wire::Request&& frame) {
  if (requests_.size() > limits::kRequestsPerConnection) {
    return Status(Code::LIMIT_REACHED, "this connection has " + std::to_string(requests_.size()) + " requests")
        .with_limit("requests", static_cast<std::int64_t>(limits::kRequestsPerConnection));
  }
  const auto queue = context_.engine.directory().find(frame.queue);
  if (queue == nullptr) return Status(Code::NOT_FOUND, "there is no queue '" + frame.queue + "'");
  if (queue->kind != model::Kind::queue) {
    const std::string kind(model::name_of(queue->kind));
    return Status(Code::BAD_REQUEST, frame.queue + " is a " + kind + ": a request goes to a queue");
  }
  wire::EnvelopeFacts facts;
  LZ_RETURN_IF_ERROR(check(frame.envelope, frame.body, frame.body_crc, facts));
  const std::size_t bytes = frame.envelope.size() + frame.body.size();
  model::Request command;
  command.origin = {session_, frame.request};
  command.subscription = queue->subscription;
  command.time_left = std::min(frame.time_left, limits::kRequestTimeMost);
  command.message = message_of(std::move(frame.envelope), std::move(frame.body), frame.body_crc, facts);
  command.id = wire::decode_envelope(command.message->envelope.view())->id;
  submit(queue->shard, std::move(command), bytes);
  return {};
}

base::Status Session::on(wire::CancelRequest&& frame) {
  const auto queue = context_.engine.directory().find(frame.queue);
  if (queue == nullptr) return {};  // and nobody waits
  submit(queue->shard, model::CancelRequest{session_, queue->subscription, frame.id});
  return {};
}

base::Status Session::on(wire::Answer&& frame) {
  const auto queue = context_.engine.directory().find(frame.queue);
  if (queue == nullptr) {
    refuse(frame.request, Status(Code::NOT_FOUND, "there is no queue '" + frame.queue + "'"));
    return {};
  }
  model::AnswerRequest command;
  if (frame.request != 0) {
    command.origin = expect([this, request = frame.request](model::Answer&& answer) {
      auto& done = std::get<model::Done>(answer);
      send(wire::encode(wire::Answered{request, std::move(done.status), done.count > 0}));
    });
  }
  command.subscription = queue->subscription;
  command.id = frame.id;
  command.reply = reply_of(frame.reply, !frame.note);
  submit(queue->shard, std::move(command), frame.reply.envelope.size() + frame.reply.body.size());
  return {};
}

/// As it goes on; if it cannot, it says why.
model::ResponderReplyRef Session::reply_of(const wire::ResponderReply& reply, bool final) const {
  auto out = std::make_shared<model::ResponderReply>();
  out->outcome = reply.outcome;
  out->reason = reply.reason;
  out->final = final;
  if (reply.outcome != model::RequestOutcome::answered) return out;
  wire::EnvelopeFacts facts;
  if (const Status status = check(reply.envelope, reply.body, reply.body_crc, facts); !status.ok()) {
    out->problem = status.code();
    return out;
  }
  auto message = std::make_shared<model::Message>();
  message->envelope = reply.envelope;
  message->body = reply.body;
  message->body_crc = reply.body_crc;
  message->published_at = context_.engine.now();
  out->message = std::move(message);
  return out;
}

void Session::on(model::Replied&& answer) {
  if (answer.final) requests_.erase(answer.request);
  wire::Reply frame;
  frame.request = answer.request;
  frame.status = std::move(answer.status);
  frame.outcome = answer.outcome;
  frame.reached = answer.reached;
  frame.late = answer.late;
  frame.final = answer.final;
  frame.reason = std::move(answer.reason);
  frame.case_id = answer.case_id;
  if (answer.message != nullptr) {
    frame.envelope = answer.message->envelope;
    frame.body = answer.message->body;
    frame.body_crc = answer.message->body_crc;
    frame.published_at = answer.message->published_at;
  }
  send(wire::encode(frame));
}

}  // namespace lazaret::net

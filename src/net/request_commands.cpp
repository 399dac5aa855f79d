// Requests: a message whose sender waits for the reply, and what responders say.
#include "engine/asked_along.h"
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

namespace {

/// Where requests go, if it is there.
base::Result<engine::QueueRef> queue_for_requests(const engine::Directory& directory, const std::string& name) {
  auto queue = directory.find(name);
  if (queue == nullptr) return Status(Code::NOT_FOUND, "there is no queue '" + name + "'");
  if (queue->kind == model::Kind::queue) return queue;
  return Status(Code::BAD_REQUEST,
                name + " is a " + std::string(model::name_of(queue->kind)) + ": a request goes to a queue");
}

}  // namespace

/// What is wrong with it, if it is not submitted.
Status Session::ask(wire::Request&& frame) {
  if (requests_.size() > limits::kRequestsPerConnection) {
    return Status(Code::LIMIT_REACHED, "this connection has " + std::to_string(requests_.size()) + " requests")
        .with_limit("requests", static_cast<std::int64_t>(limits::kRequestsPerConnection));
  }
  const auto queue = queue_for_requests(context_.engine.directory(), frame.queue);
  if (!queue.ok()) return queue.status();
  wire::EnvelopeFacts facts;
  LZ_RETURN_IF_ERROR(check(frame.envelope, frame.body, frame.body_crc, facts));
  const std::size_t bytes = frame.envelope.size() + frame.body.size();
  model::Request command;
  command.origin = {session_, frame.request};
  command.subscription = (*queue)->subscription;
  command.time_left = std::min(frame.time_left, limits::kRequestTimeMost);
  command.message = message_of(std::move(frame.envelope), std::move(frame.body), frame.body_crc, facts);
  command.id = wire::decode_envelope(command.message->envelope.view())->id;
  submit((*queue)->shard, std::move(command), bytes);
  return {};
}

base::Status Session::on(wire::Ask&& frame) {
  if (frame.request == 0) return Status(Code::BAD_FRAME, "ASK needs a number: somebody waits for its answer");
  std::vector<std::string> missing;
  add_missing(frame.queue, missing);
  add_missing(frame.reply_queue, missing);
  if (!missing.empty()) {
    create_all(std::move(missing), [this, frame]() mutable { return on(std::move(frame)); });
    return {};
  }
  const std::uint64_t number = frame.request;
  if (Status status = ask(std::move(frame)); !status.ok()) refuse(number, std::move(status));
  return {};
}

/// The same of a durable one.
Status Session::ask(wire::Ask&& frame) {
  const auto queue = queue_for_requests(context_.engine.directory(), frame.queue);
  if (!queue.ok()) return why_missing(frame.queue, queue.status());
  wire::EnvelopeFacts facts;
  LZ_RETURN_IF_ERROR(check(frame.envelope, frame.body, frame.body_crc, facts));
  const std::size_t bytes = frame.envelope.size() + frame.body.size();
  model::Request command;
  command.message = message_of(std::move(frame.envelope), std::move(frame.body), frame.body_crc, facts);
  auto address = address_of(std::move(frame.reply_queue), std::move(frame.context), *command.message);
  if (!address.ok()) return address.status();
  const std::size_t kept = (*address)->size();
  command.reply_to = std::move(*address);
  command.subscription = (*queue)->subscription;
  command.time_left = std::min(frame.time_left, limits::kRequestTimeMost);
  command.id = wire::decode_envelope(command.message->envelope.view())->id;
  command.origin = expect([this, request = frame.request](model::Answer&& answer) {
    auto& asked = std::get<model::Asked>(answer);
    send(wire::encode(wire::Asked{request, std::move(asked.status), asked.offset, asked.duplicate}));
  });
  submit((*queue)->shard, std::move(command), bytes + kept);
  return {};
}

/// The same of one that goes out in the same write as something else: `item` is to become `message`.
base::Result<model::AskedAlong> Session::asked_along(const wire::PublishItem& item, wire::AskTerms terms,
                                                     const model::QueueRecord& queue,
                                                     const model::Message& message) const {
  const bool timed = item.delay.count() != 0 || item.deliver_at.us != 0 || item.ttl.count() != 0;
  if (timed) return Status(Code::BAD_REQUEST, "a request has a deadline, and neither a delay nor a time to live");
  auto address = address_of(std::move(terms.reply_queue), std::move(terms.context), message);
  if (!address.ok()) return address.status();
  const base::Instant deadline = context_.engine.now() + std::min(terms.time_left, limits::kRequestTimeMost);
  const model::MessageId id = wire::decode_envelope(message.envelope.view())->id;
  return engine::asked_along(queue, id, deadline, std::move(*address));
}

base::Result<model::ReplyAddressRef> Session::address_of(std::string reply_queue, wire::Context context,
                                                         const model::Message& message) const {
  const std::string name = reply_queue;
  auto address = engine::reply_address(context_.engine.directory(), std::move(reply_queue), std::move(context),
                                       wire::decode_envelope(message.envelope.view())->correlation_id);
  return address.code() == Code::NOT_FOUND ? why_missing(name, address.status()) : std::move(address);
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
  message->priority = facts.priority;
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

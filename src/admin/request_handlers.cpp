// Requests over HTTP: a message is asked, and the answer of the call is its reply. A worker asks, the session waits,
// and a worker makes the answer of what has come (http_front.h).
#include "admin/auto_create.h"
#include "admin/awaited_reply.h"
#include "admin/desk_wait.h"
#include "admin/given_message.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "admin/problem.h"
#include "admin/request_json.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;

/// The broker tells how far a request got at its deadline, after asking whoever has it. So long we wait for its word.
constexpr std::chrono::milliseconds kPatience{500};
static_assert(kPatience > model::limits::kRecallPatience);

}  // namespace

Result<Response> request_reply(Broker& broker, const Request& request) {
  auto given = read_request_json(request.body);
  if (!given.ok()) return given.status();
  const auto queue = find_or_create_queue(broker, request, request.arguments[0]);
  if (!queue.ok()) return queue.status();
  const base::Duration deadline = given->deadline;
  const base::Instant now = broker.engine.now();
  wire::Envelope& envelope = given->message.envelope;
  if (envelope.id.is_nil()) envelope.id = new_id(now);
  make_request(envelope, model::kToRequester, now + deadline);

  model::Request command;
  command.subscription = (*queue)->subscription;
  command.id = envelope.id;
  auto message = make_message(broker.config, now, std::move(given->message));
  if (!message.ok()) return message.status();
  command.time_left = deadline;
  command.message = std::move(*message);
  const std::size_t bytes = command.message->size();
  model::LeaveRequest leave{{}, command.subscription, command.id};
  auto awaited = std::make_shared<AwaitedReply>(command.id, std::chrono::steady_clock::now() + deadline + kPatience);
  const auto then = [awaited](model::Answer&& answer) {
    auto* replied = std::get_if<model::Replied>(&answer);
    if (replied == nullptr) {
      awaited->arrive(unanswered(answer));
    } else if (!replied->status.ok()) {
      awaited->arrive(std::move(replied->status));
    } else {
      awaited->arrive(std::move(*replied));
    }
  };
  leave.origin = broker.desk.ask((*queue)->shard, std::move(command), then, bytes);
  awaited->on_leave([&desk = broker.desk, shard = (*queue)->shard, leave] { desk.leave(shard, leave); });
  Response response;
  response.awaited = std::move(awaited);
  return response;
}

Result<Response> answer_request(Broker& broker, const Request& request) {
  auto given = read_answer_json(request.body);
  if (!given.ok()) return given.status();
  const auto id = model::MessageId::parse(request.arguments[1]);
  if (!id) return Status(Code::BAD_REQUEST, "a request is named by its id, not \"" + request.arguments[1] + "\"");
  const auto queue = find_named(broker, request.arguments[0], model::Kind::queue);
  if (!queue.ok()) return queue.status();
  auto reply = std::make_shared<model::ResponderReply>();
  reply->final = !given->progress;
  if (given->decline) {
    reply->outcome = model::RequestOutcome::declined;
    reply->reason = std::move(*given->decline);
  } else {
    const base::Instant now = broker.engine.now();
    auto message = make_message(broker.config, now, std::move(given->message));
    if (!message.ok()) return message.status();
    (*message)->published_at = now;
    reply->message = std::move(*message);
  }
  const auto done =
      ask<model::Done>(broker.desk, (*queue)->shard,
                       model::AnswerRequest{{}, (*queue)->subscription, *id, std::move(reply)}, request.deadline);
  if (!done.ok()) return done.status();
  return json_response(200, json::object{{"told", done->count > 0}});
}

Response reply_response(const Broker& broker, const AwaitedReply& awaited) {
  const auto reply = awaited.reply();
  if (reply && !reply->ok()) return problem(reply->status());
  model::Replied unknown;
  unknown.outcome = model::RequestOutcome::timed_out;
  return json_response(200, reply_json(awaited.request(), reply ? **reply : unknown, broker.config.mask));
}

}  // namespace lazaret::admin

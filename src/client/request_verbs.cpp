// Requests: asking, answering later, and what a handler carries on to what it asks itself.
#include <algorithm>
#include <condition_variable>
#include <mutex>

#include "base/crc32c.h"
#include "client/blocking.h"
#include "client/client_core.h"
#include "client/message_codec.h"
#include "client/publisher.h"
#include "client/verdicts.h"
#include "client/words.h"
#include "lazaret/lazaret.h"

namespace lazaret {

using base::Code;
using base::Status;
using detail::check_may_block;
using detail::ClientCore;
using detail::Completion;
using detail::raise;
using detail::Requests;
using detail::wait_for;

std::string_view name_of(Outcome outcome) { return model::name_of(static_cast<model::RequestOutcome>(outcome)); }
std::string_view name_of(Reached reached) { return model::name_of(static_cast<model::Reached>(reached)); }

std::string ReplyTicket::to_string() const { return queue + "/" + id.to_string(); }

std::optional<ReplyTicket> ReplyTicket::parse(std::string_view text) {
  const std::size_t slash = text.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto id = MessageId::parse(text.substr(slash + 1));
  if (!id || !detail::check_queue_name(text.substr(0, slash)).ok()) return std::nullopt;
  return ReplyTicket{std::string(text.substr(0, slash)), *id};
}

// --- Asking ----------------------------------------------------------------------------------------------------------

namespace {

/// When the time of a request is over.
detail::SteadyTime deadline_of(milliseconds timeout, const std::shared_ptr<const detail::Inherited>& inherited) {
  const auto own = detail::deadline_in(timeout);
  return inherited == nullptr ? own : std::min(own, inherited->deadline);
}

/// What several requests have come to so far.
struct Gathering {
  explicit Gathering(std::size_t count) : replies(count) {}
  void add(std::size_t place, const error_code& code, Reply reply) {
    const std::lock_guard lock(mutex);
    answered += !code && reply.outcome == Outcome::answered ? 1 : 0;
    ++ended;
    replies[place] = std::move(reply);
    changed.notify_all();
  }

  std::mutex mutex;
  std::condition_variable changed;
  std::vector<std::optional<Reply>> replies;  // GUARDED_BY(mutex)
  std::size_t answered = 0;                   // GUARDED_BY(mutex)
  std::size_t ended = 0;                      // GUARDED_BY(mutex)
};

}  // namespace

void Client::start_request(std::string&& to, Message&& message, detail::Handler<Reply> handler) {
  if (inherited_ != nullptr) inherited_->apply_to(message);
  core().ask(std::move(to), std::move(message), deadline_of(timeout_, inherited_), on_note_, std::move(handler));
}

Reply Client::request(std::string_view to, Message message) {
  check_may_block(core().would_deadlock());
  return wait_for<Reply>([&](auto handler) { start_request(std::string(to), std::move(message), std::move(handler)); });
}

std::vector<Reply> Client::gather(std::vector<Ask> asks, std::size_t enough) {
  check_may_block(core().would_deadlock());
  const auto gathering = std::make_shared<Gathering>(asks.size());
  const auto deadline = deadline_of(timeout_, inherited_);
  std::vector<std::uint64_t> operations;
  for (std::size_t place = 0; place < asks.size(); ++place) {
    if (inherited_ != nullptr) inherited_->apply_to(asks[place].message);
    operations.push_back(core().ask(std::move(asks[place].to), std::move(asks[place].message), deadline, on_note_,
                                    detail::Handler<Reply>([gathering, place](const error_code& code, Reply reply) {
                                      gathering->add(place, code, std::move(reply));
                                    })));
  }
  std::unique_lock lock(gathering->mutex);
  gathering->changed.wait(
      lock, [&] { return gathering->answered >= enough || gathering->ended == gathering->replies.size(); });
  std::vector<Reply> replies;
  for (std::size_t place = 0; place < operations.size(); ++place) {
    const bool open = !gathering->replies[place].has_value();
    replies.push_back(open ? Reply() : *gathering->replies[place]);
    if (!open) continue;
    core().post(
        [self = core().shared_from_this(), operation = operations[place]] { self->cancel_question(operation); });
  }
  return replies;
}

Client Client::on_progress(std::function<void(const Reply&)> tell) const {
  Client other = *this;
  other.on_note_ = std::make_shared<const detail::OnNote>(std::move(tell));
  return other;
}

// --- Asking durably --------------------------------------------------------------------------------------------------

namespace {

/// Whether the broker knows how, and how much it takes.
Status check_ask(const wire::Welcome& told, const wire::Ask& frame) {
  const auto& known = told.features;
  if (std::find(known.begin(), known.end(), wire::kFeatureAsks) == known.end()) {
    return {Code::UNKNOWN_FRAME, "this broker knows no durable requests"};
  }
  return detail::check_size(told, frame.envelope.size(), frame.body.size());
}

wire::Ask ask_frame(Ask&& ask, std::string&& reply_queue, Headers&& context) {
  Message& message = ask.message;
  wire::Ask frame;
  frame.time_left = detail::make_durable(message, ask.within, reply_queue);
  frame.queue = std::move(ask.to);
  frame.reply_queue = std::move(reply_queue);
  frame.envelope = detail::encode_envelope(message);
  frame.body = detail::shared_body(message.body);
  frame.body_crc = base::crc32c(message.body.view());
  frame.context = std::move(context);
  return frame;
}

}  // namespace

void Client::start_ask(Ask ask, std::string reply_queue, Headers context, detail::Handler<Receipt> handler) {
  Requests::Request request;
  request.operation = core().next_operation();
  core().on_cancel(
      handler, [](ClientCore& self, std::uint64_t operation) { self.cancel_request(operation); }, request.operation);
  const auto completion = std::make_shared<Completion<Receipt>>(std::move(handler), core().home());
  if (inherited_ != nullptr) inherited_->apply_to(ask.message);
  for (const Status& words :
       {detail::check_queue_name(ask.to), detail::check_queue_name(reply_queue), detail::check_request(ask.message),
        detail::check_within(ask.within), detail::check_context(context)}) {
    if (!words.ok()) return completion->fail(words);
  }
  // Behind its deadline nobody would know it any more if it were sent again.
  request.deadline = detail::deadline_in(ask.within.count() > 0 ? std::min(ask.within, timeout_) : timeout_);
  if (ask.message.id.is_nil()) ask.message.id = MessageId::make();
  const MessageId id = ask.message.id;
  const auto frame =
      std::make_shared<const wire::Ask>(ask_frame(std::move(ask), std::move(reply_queue), std::move(context)));
  request.check = [frame](const wire::Welcome& told) { return check_ask(told, *frame); };
  request.frame = [frame, from = std::chrono::steady_clock::now()](std::uint64_t number) {
    wire::Ask now = *frame;
    now.request = number;
    now.time_left -= std::chrono::duration_cast<base::Duration>(std::chrono::steady_clock::now() - from);
    return wire::encode(now);
  };
  request.answer = [completion, id](const Status& status, const wire::QueueResponse& response, const wire::Peeked&) {
    if (!status.ok()) return completion->fail(status);
    completion->done(Receipt{id, response.offset.value, response.count > 0, nullptr});
  };
  request.repeatable = request.weighty = true;  // with the same id it is asked once
  core().request(std::move(request));
}

Receipt Client::ask(Ask ask, std::string_view reply_queue, Headers context) {
  check_may_block(core().would_deadlock());
  return wait_for<Receipt>([&](auto handler) {
    start_ask(std::move(ask), std::string(reply_queue), std::move(context), std::move(handler));
  });
}

// --- Answering later -------------------------------------------------------------------------------------------------

void Client::start_answer(const ReplyTicket& ticket, const Verdict& verdict, detail::Handler<Count> handler,
                          bool note) {
  Requests::Request request;
  request.operation = core().next_operation();
  core().on_cancel(
      handler, [](ClientCore& self, std::uint64_t operation) { self.cancel_request(operation); }, request.operation);
  const auto completion = std::make_shared<Completion<Count>>(std::move(handler), core().home());
  if (const Status words = detail::check_queue_name(ticket.queue); !words.ok()) return completion->fail(words);
  // Its size is for the broker to refuse: the limits that hold here may not be known yet.
  auto reply = detail::reply_of(verdict, nullptr, {});
  if (!reply.ok()) return completion->fail(reply.status());
  wire::Answer frame;
  frame.queue = ticket.queue;
  frame.id = detail::uuid_of(ticket.id);
  frame.reply = std::move(*reply);
  frame.note = note;
  request.frame = [frame = std::move(frame)](std::uint64_t number) mutable {
    frame.request = number;
    return wire::encode(frame);
  };
  request.answer = [completion](const Status& status, const wire::QueueResponse& response, const wire::Peeked&) {
    if (!status.ok()) return completion->fail(status);
    completion->done(Count{response.count, nullptr});
  };
  request.deadline = detail::deadline_in(timeout_);
  request.repeatable = true;  // the first reply is the one that counts
  core().request(std::move(request));
}

bool Client::answer(const ReplyTicket& ticket, Verdict verdict) {
  check_may_block(core().would_deadlock());
  return wait_for<Count>([&](auto handler) { start_answer(ticket, verdict, std::move(handler)); }).count > 0;
}

bool Client::progress(const ReplyTicket& ticket, Message note) {
  check_may_block(core().would_deadlock());
  const Verdict said = Verdict::answer(std::move(note));
  return wait_for<Count>([&](auto handler) { start_answer(ticket, said, std::move(handler), true); }).count > 0;
}

// --- In a handler ----------------------------------------------------------------------------------------------------

Client Delivery::client() const {
  const auto core = by_ == nullptr ? nullptr : by_->client.lock();
  if (core == nullptr) raise(Status(Code::CLOSED));
  Client client;
  client.self_ = core->owner();
  client.timeout_ = core->options().timeout;
  const std::string id = message_.id.to_string();
  client.inherited_ = std::make_shared<const detail::Inherited>(detail::Inherited{
      message_.correlation_id.empty() ? id : message_.correlation_id, id, message_.traceparent, deadline_});
  return client;
}

void Delivery::progress(Message note) const {
  const auto core = by_ == nullptr ? nullptr : by_->client.lock();
  const bool texts = detail::check_texts(note).ok();
  if (core != nullptr && is_request() && texts) core->send_note(by_->queue, message_.id, std::move(note));
}

ReplyTicket Delivery::reply_later() const {
  if (!is_request() || by_ == nullptr) raise(Status(Code::BAD_REQUEST, "nobody waits for a reply to this message"));
  return {by_->queue, message_.id};
}

}  // namespace lazaret

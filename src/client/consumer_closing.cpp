// How a consumer ends: what it has not begun goes back, what it has begun may finish, and what does not finish in time
// is answered for as long as the client lives.
#include <algorithm>

#include "client/client_core.h"
#include "client/consumer_core.h"
#include "client/verdicts.h"
#include "model/limits.h"

namespace lazaret::detail {

using base::Code;
using base::Status;
using model::VerdictKind;
namespace limits = model::limits;

bool ConsumerCore::would_deadlock() const { return client_->would_deadlock() || is_inside_handler_of(this); }

void ConsumerCore::close(std::chrono::milliseconds drain, Handler<Closed> handler, Patience patience) {
  const std::uint64_t operation = client_->next_operation();
  client_->on_cancel(
      handler,
      [weak = weak_from_this()](ClientCore&, std::uint64_t number) {
        if (const auto self = weak.lock()) self->cancel_close(number);
      },
      operation);
  const auto shared = std::make_shared<Completion<Closed>>(std::move(handler), client_->home());
  const bool posted = client_->post([self = shared_from_this(), drain, patience, operation, shared] {
    if (self->over_) return shared->done(self->closed_);
    self->closers_.emplace(operation, std::move(*shared));
    if (patience == Patience::handlers_only) self->patience_ = patience;
    if (!self->closing_) return self->begin_close(drain);
    if (deadline_in(drain) < self->drain_timer_.expiry()) self->give_up_after(drain);
    self->check_closed();
  });
  // The client is gone, and closed its consumers before that: nothing is left to do, and no thread to do it.
  if (!posted) shared->done_without_client(closed_);
}

/// Nobody waits for it any more; it goes on.
void ConsumerCore::cancel_close(std::uint64_t operation) {
  if (const auto closer = closers_.extract(operation)) closer.mapped().fail(Status(Code::CANCELLED));
}

void ConsumerCore::give_up_after(std::chrono::milliseconds drain) {
  drain_timer_.expires_at(deadline_in(drain));
  drain_timer_.async_wait([self = shared_from_this()](boost::system::error_code error) {
    if (!error && !self->over_) self->finish_close();
  });
}

/// What it was given and has not begun goes back; what it has begun may still be settled.
void ConsumerCore::say_close() {
  closing_request_ = client_->next_request();
  client_->send(wire::encode(wire::CloseConsumer{closing_request_, number_}));
}

void ConsumerCore::begin_close(std::chrono::milliseconds drain) {
  collect_finished();
  // What was announced and has not begun is given back first, so that the broker does not take it for begun.
  closed_.released += take_back();
  flush();
  closing_ = true;
  // Whoever blocks until it is open hears of it; of whoever does not, it is the wish.
  if (const auto opened = std::exchange(opened_, nullptr); opened && client_->owns_thread()) {
    opened(Status(Code::CLOSED));
  }
  held_.each_buffered([this](const Held& held) {
    ++closed_.released;
    held_.erase(held_.find(held.work->number));  // CloseConsumer releases it
    return true;
  });
  if (open_ || opening_ != 0) {
    say_close();
  } else if (!ever_open_) {
    said_close_ = true;
  }
  give_up_after(drain);
  check_closed();
}

void ConsumerCore::check_closed() {
  if (!closing_ || over_) return;
  if ((said_close_ && held_.empty() && orphans_.empty()) || nothing_can_come()) finish_close();
}

/// No broker to take a verdict or a goodbye, and no handler to wait for. Verdicts may still get there, within the drain
/// of whoever has set one; a destructor lets them go, and the messages are delivered again.
bool ConsumerCore::nothing_can_come() const {
  return !client_->is_open() && busy_ == 0 && (held_.empty() || patience_ == Patience::handlers_only);
}

void ConsumerCore::finish_close() {
  collect_finished();
  flush();
  over_ = true;
  drain_timer_.cancel();
  open_again_.cancel();
  watch_.cancel();
  collect_.cancel();
  runner_->stop();
  closed_.abandoned += orphans_.size();
  bool lingers = false;
  for (const Held* held : held_.in_order()) {
    if (held->stage() == Stage::judged && !held->timed_out) continue;
    ++closed_.abandoned;
    held->work->stop.request_stop();
    lingers = lingers || (held->stage() == Stage::handed && !held->lost);
  }
  for (auto& [operation, closer] : std::exchange(closers_, {})) closer.done(closed_);
  held_.erase_if([](const Held& held) { return held.stage() != Stage::handed || held.lost; });
  if (lingers && open_) {
    client_->let_linger(shared_from_this());
  } else {
    client_->forget_consumer(number_);
  }
}

void ConsumerCore::abandon() {
  if (!over_ && !closing_) begin_close(std::chrono::milliseconds(0));
  if (!over_) finish_close();
  release_begun();
}

void ConsumerCore::release_begun() {
  if (!open_) return;
  wire::Settle frame;
  frame.consumer = number_;
  for (const Held* held : held_.in_order()) {
    if (frame.verdicts.size() == limits::kBatchItems) {
      client_->send(wire::encode(frame));
      frame.verdicts.clear();
    }
    wire::Verdict& verdict = frame.verdicts.emplace_back();
    verdict.kind = VerdictKind::release;
    verdict.token = held->token;
  }
  if (!frame.verdicts.empty()) client_->send(wire::encode(frame));
  held_.clear();
}

}  // namespace lazaret::detail

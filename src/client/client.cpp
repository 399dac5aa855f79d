// The public face: blocking verbs are asynchronous ones that are waited for.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <future>

#include "client/client_core.h"
#include "client/message_codec.h"
#include "lazaret/lazaret.h"

namespace lazaret {
namespace {

using base::Code;
using base::Status;
using detail::ClientCore;
using detail::Completion;

[[noreturn]] void raise(const Status& status) { throw Error(detail::code_of(status), *detail::problem_of(status)); }

/// Starts an operation and waits for its end.
template <class R, class Start>
R wait_for(Start start) {
  std::promise<std::pair<error_code, R>> promise;
  auto future = promise.get_future();
  start(detail::Handler<R>([&promise](error_code code, R result) { promise.set_value({code, std::move(result)}); }));
  auto [code, result] = future.get();
  if (code) throw Error(code, result.problem ? *result.problem : Problem());
  return std::move(result);
}

void check_may_block(bool would_deadlock) {
  if (would_deadlock) raise(Status(Code::WOULD_DEADLOCK));
}

base::Result<wire::OptionsPatch> patch_of(const QueueSpec& spec) {
  wire::OptionsPatch patch;
  if (spec.max_attempts) {
    if (*spec.max_attempts == 0) return Status(Code::INVALID_OPTION, "max_attempts must be at least 1, or unlimited");
    patch.max_attempts = *spec.max_attempts == unlimited ? 0 : *spec.max_attempts;
  }
  if (spec.backoff_initial) patch.backoff_initial = *spec.backoff_initial;
  if (spec.backoff_max) patch.backoff_max = *spec.backoff_max;
  if (spec.lease_duration) patch.lease_duration = *spec.lease_duration;
  patch.backoff_multiplier = spec.backoff_multiplier;
  patch.backoff_jitter = spec.backoff_jitter;
  patch.max_worker_deaths = spec.max_worker_deaths;
  patch.durability = spec.durability;
  return patch;
}

milliseconds to_ms(base::Duration duration) { return std::chrono::duration_cast<milliseconds>(duration); }

QueueInfo info_of(const wire::QueueInfo& in, bool created) {
  QueueInfo out;
  out.spec.name = in.name;
  out.spec.max_attempts = in.options.max_attempts.value_or(unlimited);
  out.spec.backoff_initial = to_ms(in.options.backoff_initial);
  out.spec.backoff_multiplier = in.options.backoff_multiplier;
  out.spec.backoff_max = to_ms(in.options.backoff_max);
  out.spec.backoff_jitter = in.options.backoff_jitter;
  out.spec.lease_duration = to_ms(in.options.lease_duration);
  out.spec.max_worker_deaths = in.options.max_worker_deaths;
  out.spec.durability = in.options.durability == model::Durability::fsync ? "fsync" : "relaxed";
  out.ready = in.ready;
  out.leased = in.leased;
  out.waiting = in.waiting;
  out.in_hospital = in.in_hospital;
  out.entered_total = in.entered;
  out.acked_total = in.acked;
  out.consumers = in.consumers;
  out.created = created;
  return out;
}

detail::SteadyTime deadline_in(milliseconds timeout) { return std::chrono::steady_clock::now() + timeout; }

/// A request about queues; `convert` makes the result of the broker's answer.
template <class R, class Convert>
void ask(ClientCore& core, wire::QueueRequest frame, milliseconds timeout, bool repeatable, detail::Handler<R> handler,
         Convert convert) {
  auto completion = std::make_shared<Completion<R>>(std::move(handler), core.executor());
  detail::Requests::Request request;
  request.frame = [frame = std::move(frame)](std::uint64_t number) mutable {
    frame.request = number;
    return wire::encode(frame);
  };
  request.answer = [completion, convert](const Status& status, wire::QueueResponse&& response, wire::Peeked&&) {
    if (!status.ok()) return completion->fail(status);
    completion->done(convert(response));
  };
  request.deadline = deadline_in(timeout);
  request.repeatable = repeatable;
  core.request(std::move(request));
}

QueueInfo first_of(const wire::QueueResponse& response) {
  return response.queues.empty() ? QueueInfo() : info_of(response.queues.front(), response.created);
}

const char* state_name(model::MessageState state) {
  switch (state) {
    case model::MessageState::settled: return "settled";
    case model::MessageState::ready: return "ready";
    case model::MessageState::leased: return "leased";
    case model::MessageState::waiting: return "waiting";
    case model::MessageState::in_hospital: return "in_hospital";
    case model::MessageState::replaying: return "replaying";
  }
  return "ready";
}

Peeked peeked_of(const wire::Peeked& frame, const std::string& queue) {
  Peeked peeked;
  peeked.next = frame.next.value;
  for (const wire::PeekedMessage& one : frame.messages) {
    PeekedMessage& out = peeked.messages.emplace_back();
    out.state = state_name(one.state);
    out.attempt = one.attempt;
    out.damaged = one.damaged;
    out.message.offset = one.offset.value;
    auto message =
        detail::decode_message(one.envelope, one.body, one.body_crc, queue, one.offset.value, one.published_at);
    if (!one.damaged && message.ok()) {
      out.message = std::move(*message);
    } else {
      out.damaged = true;
    }
  }
  return peeked;
}

}  // namespace

// --- Client ----------------------------------------------------------------------------------------------------------

Client Client::connect(std::string_view url, Options options) {
  auto address = detail::parse_url(url);
  if (!address.ok()) raise(address.status());
  Client client;
  client.timeout_ = options.timeout;
  const milliseconds within = options.connect;
  client.self_ = std::make_shared<detail::ClientOwner>(std::move(*address), std::move(options));
  const auto connected = std::make_shared<std::promise<Status>>();
  auto future = connected->get_future();
  client.core().wait_connected(within, [connected](const Status& status) { connected->set_value(status); });
  if (const Status status = future.get(); !status.ok()) raise(status);
  return client;
}

Client::Client(asio::any_io_executor yours, std::string_view url, Options options) : timeout_(options.timeout) {
  auto address = detail::parse_url(url);
  if (!address.ok()) raise(address.status());
  self_ = std::make_shared<detail::ClientOwner>(std::move(yours), std::move(*address), std::move(options));
}

ClientCore& Client::core() const { return self_->core(); }

Client Client::within(milliseconds timeout) const {
  Client other = *this;
  other.timeout_ = timeout;
  return other;
}

Receipt Client::publish(std::string_view to, Message message) {
  check_may_block(core().would_deadlock());
  return wait_for<Receipt>([&](detail::Handler<Receipt> handler) {
    start_publish(std::string(to), std::move(message), std::move(handler));
  });
}

void Client::start_publish(std::string to, Message message, detail::Handler<Receipt> handler) {
  core().publish(std::move(to), std::move(message), timeout_, std::move(handler));
}

Consumer Client::start_consumer(std::string from, detail::AnyHandler handler, ConsumeOptions options) {
  if (!core().owns_thread()) {
    const auto tell = options.on_end;
    return Consumer(self_->handle_of(
        core().make_consumer(std::move(from), handler, std::move(options), [tell](const Status& status) {
          if (!status.ok() && tell) tell(detail::code_of(status), *detail::problem_of(status));
        })));
  }
  check_may_block(core().would_deadlock());
  // Owned by the callback too: it may be called after we gave up waiting.
  const auto opened = std::make_shared<std::promise<Status>>();
  auto future = opened->get_future();
  auto self = core().make_consumer(std::move(from), handler, std::move(options),
                                   [opened](const Status& status) { opened->set_value(status); });
  if (future.wait_for(timeout_) != std::future_status::ready) {
    self->close(milliseconds(0), Completion<Closed>());
    raise(Status(Code::DEADLINE_EXCEEDED, "the broker did not accept the consumer in time"));
  }
  if (const Status status = future.get(); !status.ok()) raise(status);
  return Consumer(self_->handle_of(std::move(self)));
}

void Client::start_queue(Verb verb, QueueSpec spec, detail::Handler<QueueInfo> handler) {
  wire::QueueRequest frame;
  frame.name = spec.name;
  frame.colocate_with = spec.colocate_with;
  const auto patch = patch_of(spec);
  if (!patch.ok()) return Completion<QueueInfo>(std::move(handler), core().executor()).fail(patch.status());
  frame.options = *patch;
  switch (verb) {
    case Verb::ensure: frame.verb = wire::QueueVerb::ensure; break;
    case Verb::create: frame.verb = wire::QueueVerb::create; break;
    case Verb::update: frame.verb = wire::QueueVerb::update; break;
    case Verb::show: frame.verb = wire::QueueVerb::show; break;
  }
  ask<QueueInfo>(core(), std::move(frame), timeout_, verb != Verb::create, std::move(handler), first_of);
}

QueueInfo Client::ensure(const QueueSpec& spec) {
  check_may_block(core().would_deadlock());
  return wait_for<QueueInfo>([&](auto handler) { start_queue(Verb::ensure, spec, std::move(handler)); });
}

QueueInfo Client::create(const QueueSpec& spec) {
  check_may_block(core().would_deadlock());
  return wait_for<QueueInfo>([&](auto handler) { start_queue(Verb::create, spec, std::move(handler)); });
}

QueueInfo Client::update(const QueueSpec& spec) {
  check_may_block(core().would_deadlock());
  return wait_for<QueueInfo>([&](auto handler) { start_queue(Verb::update, spec, std::move(handler)); });
}

QueueInfo Client::show(std::string_view queue) {
  check_may_block(core().would_deadlock());
  QueueSpec spec;
  spec.name = queue;
  return wait_for<QueueInfo>([&](auto handler) { start_queue(Verb::show, spec, std::move(handler)); });
}

QueueList Client::list(std::string_view after, std::uint32_t max) {
  check_may_block(core().would_deadlock());
  wire::QueueRequest frame;
  frame.verb = wire::QueueVerb::list;
  frame.name = after;
  frame.max = max;
  return wait_for<QueueList>([&](auto handler) {
    ask<QueueList>(core(), frame, timeout_, true, std::move(handler), [](const wire::QueueResponse& response) {
      QueueList list;
      for (const wire::QueueInfo& info : response.queues) list.queues.push_back(info_of(info, false));
      return list;
    });
  });
}

void Client::remove(std::string_view queue, bool force) {
  check_may_block(core().would_deadlock());
  wire::QueueRequest frame;
  frame.verb = wire::QueueVerb::remove;
  frame.name = queue;
  frame.force = force;
  wait_for<Count>([&](auto handler) {
    ask<Count>(core(), frame, timeout_, false, std::move(handler), [](const wire::QueueResponse&) { return Count(); });
  });
}

std::uint64_t Client::purge(std::string_view queue) {
  check_may_block(core().would_deadlock());
  wire::QueueRequest frame;
  frame.verb = wire::QueueVerb::purge;
  frame.name = queue;
  const auto count = wait_for<Count>([&](auto handler) {
    ask<Count>(core(), frame, timeout_, false, std::move(handler), [](const wire::QueueResponse& response) {
      return Count{response.count, nullptr};
    });
  });
  return count.count;
}

Peeked Client::peek(std::string_view queue, std::optional<std::uint64_t> from, std::uint32_t max) {
  check_may_block(core().would_deadlock());
  return wait_for<Peeked>([&](detail::Handler<Peeked> handler) {
    auto completion = std::make_shared<Completion<Peeked>>(std::move(handler), core().executor());
    detail::Requests::Request request;
    request.frame = [name = std::string(queue), from, max](std::uint64_t number) {
      wire::Peek peek{number, name, std::nullopt, max};
      if (from) peek.from = model::Offset(*from);
      return wire::encode(peek);
    };
    request.answer = [completion, name = std::string(queue)](const Status& status, wire::QueueResponse&&,
                                                             wire::Peeked&& peeked) {
      if (!status.ok()) return completion->fail(status);
      completion->done(peeked_of(peeked, name));
    };
    request.deadline = deadline_in(timeout_);
    request.repeatable = true;
    core().request(std::move(request));
  });
}

std::string Client::admin_address() const { return core().admin_address(); }
bool Client::connected() const { return core().connected(); }

Closed Client::close(milliseconds drain) {
  check_may_block(core().would_deadlock());
  return wait_for<Closed>([&](auto handler) { start_close(drain, std::move(handler)); });
}

void Client::start_close(milliseconds drain, detail::Handler<Closed> handler) {
  core().close(drain, Completion<Closed>(std::move(handler), core().executor()));
}

// --- Consumer --------------------------------------------------------------------------------------------------------

Consumer& Consumer::operator=(Consumer&& other) noexcept {
  std::swap(self_, other.self_);
  return *this;
}

Consumer::~Consumer() {
  if (self_ == nullptr) return;
  if (self_->would_deadlock()) {
    self_->close(milliseconds(0), Completion<Closed>());
    return;
  }
  // A failure here would be of a client that is closed already: nothing is left to close.
  close(self_->client().options().drain);
}

Closed Consumer::close(milliseconds drain) {
  if (self_ == nullptr) return {};
  check_may_block(self_->would_deadlock());
  return wait_for<Closed>([&](auto handler) { start_close(self_, drain, std::move(handler)); });
}

void Consumer::start_close(const std::shared_ptr<detail::ConsumerCore>& self, milliseconds drain,
                           detail::Handler<Closed> handler) {
  const asio::any_io_executor executor = self->client().executor();
  self->close(drain, Completion<Closed>(std::move(handler), executor));
}

// --- Signals ---------------------------------------------------------------------------------------------------------

Closed run_until_signal(Client& client, milliseconds drain) {
  boost::asio::io_context io(1);
  boost::asio::signal_set signals(io, SIGTERM, SIGINT);
  Closed closed;
  error_code failed;
  signals.async_wait([&](error_code, int) {
    client.async_close(drain, asio::bind_executor(io.get_executor(), [&](error_code code, Closed result) {
                         failed = code;
                         closed = std::move(result);
                         signals.cancel();  // nothing is waited for any more: run() returns
                       }));
    signals.async_wait([&](error_code error, int) {
      if (!error) client.async_close(milliseconds(0), [](error_code, const Closed&) {});
    });
  });
  io.run();
  if (failed) throw Error(failed, closed.problem ? *closed.problem : Problem());
  return closed;
}

}  // namespace lazaret

// The public face, but for the verbs about queues: blocking verbs are asynchronous ones that are waited for.
#include <boost/asio/bind_executor.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>
#include <future>

#include "client/blocking.h"
#include "client/client_core.h"
#include "lazaret/lazaret.h"

namespace lazaret {

using base::Code;
using base::Status;
using detail::check_may_block;
using detail::ClientCore;
using detail::raise;
using detail::wait_for;

// --- Client ----------------------------------------------------------------------------------------------------------

Client Client::connect(std::string_view url, Options options) {
  auto address = detail::parse_url(url);
  if (!address.ok()) raise(address.status());
  Client client;
  client.timeout_ = options.timeout;
  const milliseconds within = options.connect;
  client.self_ = std::make_shared<detail::ClientOwner>(std::move(*address), std::move(options));
  client.core().set_owner(client.self_);
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
  core().set_owner(self_);
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

void Client::start_publish(std::string&& to, Message&& message, detail::Handler<Receipt> handler) {
  if (inherited_ != nullptr) inherited_->apply_to(message);
  core().publish(std::move(to), std::move(message), timeout_, std::move(handler));
}

Receipt Client::publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks) {
  check_may_block(core().would_deadlock());
  return wait_for<Receipt>([&](detail::Handler<Receipt> handler) {
    start_publish_all(std::move(messages), std::move(asks), std::move(handler));
  });
}

void Client::start_publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks,
                               detail::Handler<Receipt> handler) {
  if (inherited_ != nullptr) {
    for (Addressed& one : messages) inherited_->apply_to(one.message);
    for (DurableAsk& one : asks) inherited_->apply_to(one.ask.message);
  }
  core().publish_all(std::move(messages), std::move(asks), timeout_, std::move(handler));
}

Consumer Client::start_consumer(std::string from, detail::AnyHandler handler, ConsumeOptions options) {
  if (!core().owns_thread()) {
    const auto tell = options.on_end;
    return Consumer(self_->handle_of(core().make_consumer(
        std::move(from), handler, std::move(options), [tell, client = &core()](const Status& status) {
          if (status.ok() || !tell) return;
          client->call_user([&] { tell(detail::code_of(status), *detail::problem_of(status)); });
        })));
  }
  check_may_block(core().would_deadlock());
  // Owned by the callback too: it may be called after we gave up waiting.
  const auto opened = std::make_shared<std::promise<Status>>();
  auto future = opened->get_future();
  auto self = core().make_consumer(std::move(from), handler, std::move(options),
                                   [opened](const Status& status) { opened->set_value(status); });
  if (future.wait_until(detail::deadline_in(timeout_)) != std::future_status::ready) {
    self->close(milliseconds(0), detail::Handler<Closed>([](error_code, const Closed&) {}));
    raise(core().connected() ? Status(Code::DEADLINE_EXCEEDED, "the broker did not accept the consumer in time")
                             : Status(Code::UNREACHABLE));
  }
  if (const Status status = future.get(); !status.ok()) raise(status);
  return Consumer(self_->handle_of(std::move(self)));
}

std::string Client::admin_address() const { return core().admin_address(); }
bool Client::connected() const { return core().connected(); }

Closed Client::close(milliseconds drain) {
  check_may_block(core().close_would_deadlock());
  return wait_for<Closed>([&](auto handler) { start_close(drain, std::move(handler)); });
}

void Client::start_close(milliseconds drain, detail::Handler<Closed> handler) {
  core().close(drain, std::move(handler));
}

// --- Consumer --------------------------------------------------------------------------------------------------------

Consumer& Consumer::operator=(Consumer&& other) noexcept {
  std::swap(self_, other.self_);
  return *this;
}

Consumer::~Consumer() {
  if (self_ == nullptr) return;
  if (self_->would_deadlock()) {
    self_->close(milliseconds(0), detail::Handler<Closed>([](error_code, const Closed&) {}));
    return;
  }
  // A failure here would be of a client that is closed already: nothing is left to close.
  wait_for<Closed>([&](auto handler) {
    self_->close(self_->client().options().drain, std::move(handler), detail::ConsumerCore::Patience::handlers_only);
  });
}

Closed Consumer::close(milliseconds drain) {
  if (self_ == nullptr) return {};
  check_may_block(self_->would_deadlock());
  return wait_for<Closed>([&](auto handler) { start_close(self_, drain, std::move(handler)); });
}

void Consumer::start_close(const std::shared_ptr<detail::ConsumerCore>& self, milliseconds drain,
                           detail::Handler<Closed> handler) {
  self->close(drain, std::move(handler));
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

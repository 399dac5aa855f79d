// What a consumer's handler is given, and what it returns.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/deferred.hpp>
#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <string_view>
#include <type_traits>

#include "lazaret/detail/operation.h"
#include "lazaret/error.h"
#include "lazaret/types.h"

namespace lazaret {

class Client;

namespace asio = boost::asio;
using Default = asio::deferred_t;
template <class T, class R>
concept Token = asio::completion_token_for<T, void(error_code, R)>;

/// What becomes of a delivery. Returning nothing means done().
class Verdict {
 public:
  enum class Kind { done, fail, reject, release, not_begun, answer, decline };

  static Verdict done() { return Verdict(Kind::done); }
  /// Not now, nobody's fault: no attempt is counted. Delivered again after `delay` (a year at most), or at once.
  static Verdict release(milliseconds delay = {}) {
    Verdict verdict(Kind::release);
    if (delay.count() > 0) verdict.delay_ = delay;
    return verdict;
  }
  /// As if the handler had never been called: it has done nothing with the message, and another may have it at once.
  static Verdict not_begun() { return Verdict(Kind::not_begun); }
  /// An attempt failed; so does any exception, with its type and text. Cut at 4 KiB, 200 B and 64 KiB.
  static Verdict fail(std::string text, std::string type = {}, std::string details = {}) {
    Verdict verdict(Kind::fail);
    verdict.text_ = std::move(text);
    verdict.type_ = std::move(type);
    verdict.details_ = std::move(details);
    return verdict;
  }
  /// Hopeless: to the hospital at once.
  static Verdict reject(std::string text, std::string type = {}, std::string details = {}) {
    Verdict verdict = fail(std::move(text), std::move(type), std::move(details));
    verdict.kind_ = Kind::reject;
    return verdict;
  }
  /// Done, and this is the reply to the request: one write with the ack. To what is no request: done.
  static Verdict answer(Message reply) {
    Verdict verdict(Kind::answer);
    verdict.reply_ = std::make_shared<const Message>(std::move(reply));
    return verdict;
  }
  /// Done: the answer is no. There is no case, and no failed attempt. Cut at 4 KiB.
  static Verdict decline(std::string reason) {
    Verdict verdict(Kind::decline);
    verdict.text_ = std::move(reason);
    return verdict;
  }
  /// Of done, an answer and a decline: this goes out as well, in the same atomic write as the ack, to any queue or
  /// topic on any shard. All of it happens, or nothing: if the broker cannot take one of them (not_found, too large),
  /// the attempt fails with the reason; if it can later (a full disk), the message comes again, with no attempt counted
  /// (ConsumeOptions::on_refused). It counts where it goes, but is not refused for a queue's limits. A delay of less
  /// than 0, which passed while the handler worked, is none; a ttl of less than 0 is the shortest, a millisecond.
  Verdict publish(std::string to, Message message) && {
    publishes_.push_back({std::move(to), std::move(message)});
    return std::move(*this);
  }
  /// Of done, an answer and a decline: this is asked as well, as Client::ask would, in the same atomic write as the ack
  /// and as what it publishes: the request is there with the ack, or neither is, on whatever shards the three queues
  /// are. Its two queues are there, and are not one, or the attempt fails (not_found, bad_request), as it does where
  /// the broker is of a version that does not know this. Exactly one reply that is not `late` comes to `reply_queue`,
  /// with `context` (headers_too_large: there is too much of it). The message carries on what the one in hand belongs
  /// to, as through Delivery::client. Ask::within counts from when the broker takes the verdict; of less than 0,
  /// which passed while the handler worked, it is a millisecond. What was asked with the same id before, and is open or
  /// remembered, is not asked again. Requests come behind what the verdict publishes to the same queue; they count
  /// where they go, but are not refused for a queue's limits, nor for how many are open.
  Verdict ask(Ask ask, std::string_view reply_queue, Headers context = {}) && {
    asks_.push_back({std::move(ask), std::string(reply_queue), std::move(context)});
    return std::move(*this);
  }
  /// Of a failure: the next attempt after this, in place of the queue's backoff. At once for less than 0; a year at
  /// most.
  Verdict retry_after(milliseconds delay) && {
    delay_ = delay;
    return std::move(*this);
  }

  Kind kind() const { return kind_; }
  const std::string& text() const { return text_; }
  const std::string& type() const { return type_; }
  const std::string& details() const { return details_; }
  const std::optional<milliseconds>& delay() const { return delay_; }
  /// Of an answer; null: it is none.
  const std::shared_ptr<const Message>& reply() const { return reply_; }
  const std::vector<Addressed>& publishes() const { return publishes_; }
  const std::vector<DurableAsk>& asks() const { return asks_; }

 private:
  explicit Verdict(Kind kind) : kind_(kind) {}
  Kind kind_;
  std::string text_, type_, details_;
  std::optional<milliseconds> delay_;
  std::shared_ptr<const Message> reply_;
  std::vector<Addressed> publishes_;
  std::vector<DurableAsk> asks_;
};

namespace detail {
class ClientCore;
/// Of a consumer: through which client its deliveries come, and from which queue.
struct DeliveredBy {
  std::weak_ptr<ClientCore> client;
  std::string queue;
};
}  // namespace detail

/// A message in the hands of a handler; alive until the handler returns. All members are nouns but `progress`: none
/// crosses the network or blocks.
class Delivery {
 public:
  using SteadyTime = std::chrono::steady_clock::time_point;

  Delivery(Message message, int attempt, bool redelivered, bool isolated, std::stop_token stop,
           std::shared_ptr<const detail::DeliveredBy> by = nullptr, SteadyTime deadline = SteadyTime::max())
      : message_(std::move(message)),
        attempt_(attempt),
        redelivered_(redelivered),
        isolated_(isolated),
        stop_(std::move(stop)),
        by_(std::move(by)),
        deadline_(deadline) {}

  const Message& message() const { return message_; }
  /// This attempt's number, from 1; for people.
  int attempt() const { return attempt_; }
  /// It may have been delivered before.
  bool redelivered() const { return redelivered_; }
  /// A suspect: this process does nothing else until it is settled.
  bool isolated() const { return isolated_; }
  /// Lease lost, longest processing time over, deadline passed, or closing and out of time.
  std::stop_token stop_token() const { return stop_; }

  /// The reply to a durable request of anybody (Client::ask), on its reply queue; not `final`: a note on the way to it.
  /// nullopt for every other message.
  std::optional<Reply> reply() const {
    if (message_.reply == nullptr) return std::nullopt;
    Reply reply = *message_.reply;
    reply.message = message_;
    return reply;
  }
  /// Somebody waits for a reply: Verdict::answer or decline.
  bool is_request() const { return deadline_ != SteadyTime::max(); }
  /// Of a request; never for anything else.
  SteadyTime deadline() const { return deadline_; }
  /// The same client, whose publishes and requests carry on what this message belongs to: correlation id (of a message
  /// without one, its id), causation id (its id), traceparent; requests end with its deadline at the latest.
  LAZARET_API Client client() const;
  /// Tells the requester of a request something on the way; written behind, never blocks. It is told if it is there.
  LAZARET_API void progress(Message note) const;
  /// For work of hours or days: return done(), and `Client::answer` the ticket when the reply is there. Throws Error
  /// (bad_request) for what is no request.
  LAZARET_API ReplyTicket reply_later() const;

 private:
  Message message_;
  int attempt_;
  bool redelivered_;
  bool isolated_;
  std::stop_token stop_;
  std::shared_ptr<const detail::DeliveredBy> by_;
  SteadyTime deadline_;
};

namespace detail {

struct AnyHandler {
  std::function<Verdict(Delivery&)> plain;
  // Optional: what Asio's co_spawn completes with must have a default.
  std::function<asio::awaitable<std::optional<Verdict>>(Delivery&)> coroutine;
};

template <class T>
inline constexpr bool is_awaitable =
    std::same_as<T, asio::awaitable<void>> || std::same_as<T, asio::awaitable<Verdict>>;

template <class H>
asio::awaitable<std::optional<Verdict>> run_coroutine(std::shared_ptr<H> handler, Delivery& delivery) {
  if constexpr (std::same_as<std::invoke_result_t<H&, Delivery&>, asio::awaitable<void>>) {
    co_await (*handler)(delivery);
    co_return Verdict::done();
  } else {
    co_return co_await (*handler)(delivery);
  }
}

template <class H>
AnyHandler erase(H handler) {
  using Result = std::invoke_result_t<H&, Delivery&>;
  auto shared = std::make_shared<H>(std::move(handler));
  AnyHandler any;
  if constexpr (is_awaitable<Result>) {
    any.coroutine = [shared](Delivery& delivery) { return run_coroutine<H>(shared, delivery); };
  } else if constexpr (std::is_void_v<Result>) {
    any.plain = [shared](Delivery& delivery) {
      (*shared)(delivery);
      return Verdict::done();
    };
  } else {
    any.plain = [shared](Delivery& delivery) { return (*shared)(delivery); };
  }
  return any;
}

class ConsumerCore;

}  // namespace detail

template <class H>
concept Handler = std::invocable<H&, Delivery&> &&(std::is_void_v<std::invoke_result_t<H&, Delivery&>> ||
                                                   std::same_as<std::invoke_result_t<H&, Delivery&>, Verdict> ||
                                                   detail::is_awaitable<std::invoke_result_t<H&, Delivery&>>);

struct ConsumeOptions {
  /// Handlers that run at the same time.
  int concurrency = 1;
  /// Messages, and bytes, that the broker may have out to this consumer. At least `concurrency` messages.
  int prefetch = 32;
  std::size_t prefetch_bytes = 8u << 20;
  /// Which types of messages it takes, and which versions of their schemas, e.g. {"order.created@2", "order.#@>=3"}: a
  /// pattern of types (* is one word, # any number of words), and behind an @ a version, a range such as 2..4, or >=,
  /// >, <= or < and a version. The version of a message is the number that its schema_id ends with. Others are not
  /// offered to this consumer; they stay ready for one that takes them, and no attempt is counted. Empty: everything.
  std::vector<std::string> accepts = {};
  /// Longest time that one handler may take; then its stop token fires and the attempt fails as handler_timeout.
  milliseconds longest = std::chrono::minutes(10);
  /// Where handlers run, at most `concurrency` at the same time. A plain function must not block it for long. Empty:
  /// plain functions run on threads of the consumer's own, coroutines on the client's executor.
  asio::any_io_executor run_on = {};
  /// Called when verdicts are on the broker's disk (or were refused because their lease was lost): how many. On the
  /// client's thread: must not block.
  std::function<void(std::size_t)> on_settled = {};
  /// Called once when the consumer ends although nobody closed it: its queue is gone, say.
  std::function<void(error_code, const Problem&)> on_end = {};
  /// Called when a verdict cannot go out as the handler meant it, for what it publishes, asks or answers: why, and of
  /// which kind it was (done, answer or decline). Its attempt fails, or, where the same may go well later
  /// (retry::later, retry::same_call), it is released. On the client's thread: must not block.
  std::function<void(error_code, const Problem&, Verdict::Kind)> on_refused = {};
};

/// What `close` did: handlers that finished since, deliveries given back, handlers that still run.
struct Closed {
  std::size_t finished = 0, released = 0, abandoned = 0;
  ProblemRef problem;
};

/// Takes messages off a queue until it is closed. Move-only.
class LAZARET_API Consumer {
 public:
  Consumer() = default;
  explicit Consumer(std::shared_ptr<detail::ConsumerCore> self) : self_(std::move(self)) {}
  Consumer(Consumer&&) noexcept = default;
  Consumer& operator=(Consumer&& other) noexcept;
  /// close(Options::drain) when the client has a thread of its own; otherwise it releases and returns at once. While
  /// the broker is away it waits for handlers only: what they say then is not heard, and their messages are delivered
  /// again.
  ~Consumer();

  /// Takes nothing new, lets what began finish for `drain`, and gives the rest back. Verdicts that a broker which is
  /// away has not confirmed are kept for it for so long. Repeatable; any thread but a handler's (WOULD_DEADLOCK).
  Closed close(milliseconds drain);
  template <Token<Closed> T = Default>
  auto async_close(milliseconds drain, T&& token = {}) {
    return detail::operation<Closed>(token, [self = self_, drain](detail::Handler<Closed> handler) mutable {
      start_close(self, drain, std::move(handler));
    });
  }

 private:
  static void start_close(const std::shared_ptr<detail::ConsumerCore>& self, milliseconds drain,
                          detail::Handler<Closed> handler);
  std::shared_ptr<detail::ConsumerCore> self_;
};

}  // namespace lazaret

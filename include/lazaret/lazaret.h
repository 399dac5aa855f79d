// The client library of Lazaret.
//
// Verbs cross the network and have a deadline; nouns never do. `async_x(…, token)` never blocks and takes any Asio
// completion token; `x(…)` blocks and throws lazaret::Error.
//
//   auto client = lazaret::Client::connect("lazaret://127.0.0.1:7350", {.name = "billing"});
//   client.ensure({.name = "orders"});
//   client.publish("orders", {.body = "{}", .type = "order.created"});
//   auto consumer = client.consume("orders", [](lazaret::Delivery& d) { charge(d.message()); });
//   lazaret::run_until_signal(client);
//
// Threading: Client and Consumer may be used from any thread.
#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/async_result.hpp>
#include <boost/asio/deferred.hpp>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "lazaret/consumer.h"
#include "lazaret/detail/operation.h"
#include "lazaret/error.h"
#include "lazaret/types.h"

namespace lazaret {

namespace detail {
class ClientCore;
class ClientOwner;
struct Inherited;
using OnNote = std::function<void(const Reply&)>;
}  // namespace detail

/// A cheap handle: copies share one connection. It reconnects, opens its consumers again with what they hold, and
/// sends unconfirmed publishes again with the same sequence, so that they are stored once.
class LAZARET_API Client {
 public:
  /// `url`: lazaret://HOST:PORT. With a thread of its own; throws Error (unreachable) when the broker cannot be reached
  /// within Options::connect.
  static Client connect(std::string_view url, Options options = {});
  /// On your executor: no threads, never blocks, connects in the background; blocking verbs throw WOULD_DEADLOCK.
  /// Throws Error (bad_request) for a malformed url.
  Client(asio::any_io_executor yours, std::string_view url, Options options = {});

  /// The same connection with another deadline: client.within(250ms).publish(…).
  Client within(milliseconds timeout) const;

  // --- Publishing -----------------------------------------------------------------------------------------------

  /// Returns when the message is on the broker's disk. Errors: not_found, message_too_large, headers_too_large,
  /// exhausted (retry::later), unreachable (nothing was sent), outcome_unknown (safe to repeat with the same id).
  /// In a coroutine under g++ 12 name the message first: the compiler destroys a {.body = …} inside co_await twice.
  Receipt publish(std::string_view to, Message message);
  template <Token<Receipt> T = Default>
  auto async_publish(std::string_view to, Message message, T&& token = {}) {
    return detail::operation<Receipt>(token, [self = *this, to = std::string(to),
                                              message = std::move(message)](detail::Handler<Receipt> handler) mutable {
      self.start_publish(std::move(to), std::move(message), std::move(handler));
    });
  }

  /// All of them in one atomic write, to any queues and topics on any shard, or none. The Receipt is of the first,
  /// which also says whether they are duplicates: tried again, hand over the same messages in the same order. At most
  /// 1,024, and together no larger than one message may be. Errors as of publish; bad_request: the broker is older.
  ///
  /// `asks` are durable requests in the same write, as Client::ask makes them: the first of all is a message, unless
  /// there are only requests. Their time counts from when the broker takes them. One whose id is open or remembered
  /// where it goes is not asked again (the others are; the first makes all of them a duplicate, or is refused
  /// as a mismatch if its reply queue was another one). Their queues are there, and the two of each are not one
  /// (not_found, bad_request). How many requests are open refuses none of them.
  Receipt publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks = {});
  template <Token<Receipt> T = Default>
  auto async_publish_all(std::vector<Addressed> messages, T&& token = {}) {
    return async_publish_all(std::move(messages), std::vector<DurableAsk>(), std::forward<T>(token));
  }
  template <Token<Receipt> T = Default>
  auto async_publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks, T&& token = {}) {
    return detail::operation<Receipt>(token, [self = *this, messages = std::move(messages),
                                              asks = std::move(asks)](detail::Handler<Receipt> handler) mutable {
      self.start_publish_all(std::move(messages), std::move(asks), std::move(handler));
    });
  }

  // --- Requests -------------------------------------------------------------------------------------------------

  /// Asks the service behind this queue, and waits for its reply until the deadline (`within`, Options::timeout), which
  /// the broker enforces: past it the request is not delivered any more, and the reply says timed_out and how far it
  /// got; should the broker not say so itself, half a second later at most. The request is on the broker's disk before
  /// it is delivered, and sent again after a reconnect: it is asked once. Errors: unreachable (nothing was sent),
  /// not_found, message_too_large, headers_too_large, limit_reached, exhausted (retry::later).
  Reply request(std::string_view to, Message message);
  /// Cancelled it ends as errc::cancelled, and tells the broker: what has not begun is not delivered.
  template <Token<Reply> T = Default>
  auto async_request(std::string_view to, Message message, T&& token = {}) {
    return detail::operation<Reply>(token, [self = *this, to = std::string(to),
                                            message = std::move(message)](detail::Handler<Reply> handler) mutable {
      self.start_request(std::move(to), std::move(message), std::move(handler));
    });
  }
  /// All of them at once, and their replies in the order of `asks`. Waits until `enough` are answered, or all have
  /// ended; the rest come back timed_out, and are cancelled at the broker. One that could not be asked has a `problem`.
  std::vector<Reply> gather(std::vector<Ask> asks, std::size_t enough = static_cast<std::size_t>(-1));
  /// The same client, whose requests tell of what their responders say on the way (Reply::final is false). On the
  /// client's thread: must not block.
  Client on_progress(std::function<void(const Reply&)> tell) const;

  /// A durable request, which outlives this process: returns when it is on the broker's disk. Its reply goes to the
  /// queue `reply_queue`, which is there, as a message of its own: whoever consumes it has the Reply from
  /// Delivery::reply, days later too, with `context`, which nobody else has seen. Exactly one that is not `late`,
  /// however it ends; an answer behind a timed_out or failed one follows, marked late. Asked again with the same id and
  /// reply queue it is asked once (Receipt::duplicate), as long as it is open or remembered. The deadline is
  /// Ask::within; that of `within` is the call's. Errors: not_found (either queue), mismatch (another reply queue),
  /// bad_request, message_too_large, headers_too_large (also of the context), exhausted, unreachable, outcome_unknown.
  Receipt ask(Ask ask, std::string_view reply_queue, Headers context = {});
  template <Token<Receipt> T = Default>
  auto async_ask(Ask ask, std::string_view reply_queue, Headers context, T&& token = {}) {
    return detail::operation<Receipt>(token, [self = *this, ask = std::move(ask), queue = std::string(reply_queue),
                                              context = std::move(context)](detail::Handler<Receipt> handler) mutable {
      self.start_ask(std::move(ask), std::move(queue), std::move(context), std::move(handler));
    });
  }

  /// The reply to a request whose handler has taken a ticket: Verdict::answer or decline. False: the request had ended
  /// before. Errors: not_found (it is forgotten), bad_request (another verdict).
  bool answer(const ReplyTicket& ticket, Verdict verdict);
  template <Token<Count> T = Default>
  auto async_answer(ReplyTicket ticket, Verdict verdict, T&& token = {}) {
    return detail::operation<Count>(
        token, [self = *this, ticket = std::move(ticket), verdict = std::move(verdict)](
                   detail::Handler<Count> handler) mutable { self.start_answer(ticket, verdict, std::move(handler)); });
  }

  /// What its requester is told on the way, as by Delivery::progress, from wherever the ticket is. False and errors as
  /// of `answer`. Behind a lost connection it may be told twice.
  bool progress(const ReplyTicket& ticket, Message note);
  template <Token<Count> T = Default>
  auto async_progress(ReplyTicket ticket, Message note, T&& token = {}) {
    return detail::operation<Count>(token, [self = *this, ticket = std::move(ticket),
                                            note = std::move(note)](detail::Handler<Count> handler) mutable {
      self.start_answer(ticket, Verdict::answer(std::move(note)), std::move(handler), true);
    });
  }

  // --- Consuming ------------------------------------------------------------------------------------------------

  /// Calls `handler` for each message. A client with a thread of its own returns when the broker has accepted the
  /// consumer, and throws Error (not_found) otherwise; one on your executor returns at once and tells `on_end`.
  template <Handler H>
  Consumer consume(std::string_view from, H handler, ConsumeOptions options = {}) {
    return start_consumer(std::string(from), detail::erase(std::move(handler)), std::move(options));
  }

  // --- Queues, topics and subscriptions ----------------------------------------------------------------------------

  /// Creates the queue, or compares the options that are given: a different one is errc::mismatch naming it.
  QueueInfo ensure(const QueueSpec& spec);
  /// errc::exists when the name is taken.
  QueueInfo create(const QueueSpec& spec);
  /// The same of a topic, and of a subscription of one (errc::not_found: there is no such topic).
  QueueInfo ensure_topic(const TopicSpec& spec);
  QueueInfo create_topic(const TopicSpec& spec);
  QueueInfo ensure_subscription(const SubscriptionSpec& spec);
  QueueInfo create_subscription(const SubscriptionSpec& spec);
  /// Changes the options that are given, of a queue or a subscription.
  QueueInfo update(const QueueSpec& spec);
  QueueInfo update_topic(const TopicSpec& spec);
  /// `topic` and `start` are not looked at.
  QueueInfo update_subscription(const SubscriptionSpec& spec);
  /// Nothing is granted from here on, until it is resumed; what is out already goes on. Of a queue or a subscription.
  QueueInfo pause(std::string_view queue);
  QueueInfo resume(std::string_view queue);
  /// Moves a subscription, to what SubscriptionSpec::start may be. Forward, messages in between count as purged; back,
  /// they are read again, but for those that are open cases. Leases end; their verdicts are refused as lease_lost.
  /// errc::bad_request: it is no subscription.
  Moved seek(std::string_view subscription, std::string_view to);
  /// From here on also of topics and subscriptions: names are unique among all of them. Only `purge` is of no topic
  /// (errc::not_found): what waits is a matter of each subscription.
  QueueInfo show(std::string_view queue);
  /// In the order of their names, those behind `after`; at most `max` (1,000), and fewer where they have so many topics
  /// that their names fill a frame.
  QueueList list(std::string_view after = {}, std::uint32_t max = 100, Kind kind = Kind::queue);
  /// errc::not_empty or in_use unless `force`.
  void remove(std::string_view queue, bool force = false);
  /// Takes what is ready and waiting, and with `scheduled` also what was published with a delay that is not over; says
  /// how many.
  std::uint64_t purge(std::string_view queue, bool scheduled = false);
  /// Looks at messages of a queue, subscription or topic without taking them: from an offset on, or from the first that
  /// is not settled; of a topic at all that it keeps, from an offset on or from the oldest (bad_request: the broker is
  /// of an older version).
  Peeked peek(std::string_view queue, std::optional<std::uint64_t> from = {}, std::uint32_t max = 10);

  /// What was published with a delay that is not over, the earliest first: of a queue or a subscription (bad_request:
  /// of a topic). `after`: ScheduledList::next of the page before. At most `max` (1,000), and fewer where their texts
  /// fill a frame. Of a broker of an older version bad_request, as of cancel_scheduled.
  ScheduledList list_scheduled(std::string_view queue, std::string_view after = {}, std::uint32_t max = 100);
  /// Drops one of them before its time, which counts as purged. errc::not_found: it is not scheduled, or not any more.
  /// Of a topic, by its offset there: for all its subscriptions; says for how many.
  std::uint64_t cancel_scheduled(std::string_view queue, std::uint64_t offset);
  /// The same by the message's id, looked for among the 200,000 that are due first (beyond: bad_request). No topic's.
  std::uint64_t cancel_scheduled(std::string_view queue, const MessageId& id);

  // The same with a completion token. Cancelled, they end as errc::cancelled; create, remove, purge and
  // cancel_scheduled, once they were sent, as outcome_unknown.
  template <Token<QueueInfo> T = Default>
  auto async_ensure(QueueSpec spec, T&& token = {}) {
    return begin_queue(Verb::ensure, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_create(QueueSpec spec, T&& token = {}) {
    return begin_queue(Verb::create, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_ensure_topic(TopicSpec spec, T&& token = {}) {
    return begin_queue(Verb::ensure, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_create_topic(TopicSpec spec, T&& token = {}) {
    return begin_queue(Verb::create, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_ensure_subscription(SubscriptionSpec spec, T&& token = {}) {
    return begin_queue(Verb::ensure, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_create_subscription(SubscriptionSpec spec, T&& token = {}) {
    return begin_queue(Verb::create, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_update(QueueSpec spec, T&& token = {}) {
    return begin_queue(Verb::update, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_update_subscription(SubscriptionSpec spec, T&& token = {}) {
    return begin_queue(Verb::update, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_update_topic(TopicSpec spec, T&& token = {}) {
    return begin_queue(Verb::update, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_pause(std::string_view queue, T&& token = {}) {
    return async_update(QueueSpec{.name = std::string(queue), .paused = true}, std::forward<T>(token));
  }
  template <Token<QueueInfo> T = Default>
  auto async_resume(std::string_view queue, T&& token = {}) {
    return async_update(QueueSpec{.name = std::string(queue), .paused = false}, std::forward<T>(token));
  }
  template <Token<Moved> T = Default>
  auto async_seek(std::string_view subscription, std::string_view to, T&& token = {}) {
    return detail::operation<Moved>(token, [self = *this, name = std::string(subscription),
                                            to = std::string(to)](detail::Handler<Moved> handler) mutable {
      self.start_seek(std::move(name), to, std::move(handler));
    });
  }
  template <Token<QueueInfo> T = Default>
  auto async_show(std::string_view queue, T&& token = {}) {
    QueueSpec spec;
    spec.name = queue;
    return begin_queue(Verb::show, of(std::move(spec)), std::forward<T>(token));
  }
  template <Token<QueueList> T = Default>
  auto async_list(std::string_view after, std::uint32_t max, T&& token = {}) {
    return async_list(Kind::queue, after, max, std::forward<T>(token));
  }
  template <Token<QueueList> T = Default>
  auto async_list(Kind kind, std::string_view after, std::uint32_t max, T&& token = {}) {
    return detail::operation<QueueList>(
        token, [self = *this, kind, after = std::string(after), max](detail::Handler<QueueList> handler) mutable {
          self.start_list(kind, std::move(after), max, std::move(handler));
        });
  }
  template <Token<Count> T = Default>
  auto async_remove(std::string_view queue, bool force, T&& token = {}) {
    return detail::operation<Count>(
        token, [self = *this, name = std::string(queue), force](detail::Handler<Count> handler) mutable {
          self.start_remove(std::move(name), force, std::move(handler));
        });
  }
  template <Token<Count> T = Default>
  auto async_purge(std::string_view queue, T&& token = {}) {
    return async_purge(queue, false, std::forward<T>(token));
  }
  template <Token<Count> T = Default>
  auto async_purge(std::string_view queue, bool scheduled, T&& token = {}) {
    return detail::operation<Count>(
        token, [self = *this, name = std::string(queue), scheduled](detail::Handler<Count> handler) mutable {
          self.start_purge(std::move(name), scheduled, std::move(handler));
        });
  }
  template <Token<Peeked> T = Default>
  auto async_peek(std::string_view queue, std::optional<std::uint64_t> from, std::uint32_t max, T&& token = {}) {
    return detail::operation<Peeked>(
        token, [self = *this, name = std::string(queue), from, max](detail::Handler<Peeked> handler) mutable {
          self.start_peek(std::move(name), from, max, std::move(handler));
        });
  }

  template <Token<ScheduledList> T = Default>
  auto async_list_scheduled(std::string_view queue, std::string_view after, std::uint32_t max, T&& token = {}) {
    return detail::operation<ScheduledList>(token, [self = *this, name = std::string(queue), after = std::string(after),
                                                    max](detail::Handler<ScheduledList> handler) mutable {
      self.start_list_scheduled(std::move(name), std::move(after), max, std::move(handler));
    });
  }
  template <Token<Count> T = Default>
  auto async_cancel_scheduled(std::string_view queue, std::uint64_t offset, T&& token = {}) {
    return detail::operation<Count>(
        token, [self = *this, name = std::string(queue), offset](detail::Handler<Count> handler) mutable {
          self.start_cancel_scheduled(std::move(name), offset, {}, std::move(handler));
        });
  }
  template <Token<Count> T = Default>
  auto async_cancel_scheduled(std::string_view queue, const MessageId& id, T&& token = {}) {
    return detail::operation<Count>(
        token, [self = *this, name = std::string(queue), id](detail::Handler<Count> handler) mutable {
          self.start_cancel_scheduled(std::move(name), {}, id, std::move(handler));
        });
  }

  // --- The connection -------------------------------------------------------------------------------------------

  /// host:port of the broker's HTTP API, as the handshake told; "" before the first connection. A noun.
  std::string admin_address() const;
  bool connected() const;

  /// Closes all consumers, waits for unconfirmed publishes, says goodbye: within `drain`. Repeatable. Afterwards every
  /// verb fails with errc::closed.
  Closed close(milliseconds drain);
  template <Token<Closed> T = Default>
  auto async_close(milliseconds drain, T&& token = {}) {
    return detail::operation<Closed>(token, [self = *this, drain](detail::Handler<Closed> handler) mutable {
      self.start_close(drain, std::move(handler));
    });
  }

 private:
  friend class Delivery;
  enum class Verb { ensure, create, update, show };
  Client() = default;
  void start_request(std::string&& to, Message&& message, detail::Handler<Reply> handler);
  void start_ask(Ask ask, std::string reply_queue, Headers context, detail::Handler<Receipt> handler);
  void start_answer(const ReplyTicket& ticket, const Verdict& verdict, detail::Handler<Count> handler,
                    bool note = false);
  void start_publish(std::string&& to, Message&& message, detail::Handler<Receipt> handler);
  void start_publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks,
                         detail::Handler<Receipt> handler);
  /// One of the three kinds of spec.
  struct AnySpec {
    Kind kind = Kind::queue;
    QueueSpec queue = {};
    std::string topic = {};
    std::string start = {};
    TopicSpec retention;                // of a topic
    std::optional<std::string> filter;  // of a subscription
    std::optional<bool> ephemeral;      // of a subscription
    std::vector<std::string> topics;    // of a subscription of several
  };
  static AnySpec of(QueueSpec spec);
  static AnySpec of(TopicSpec spec);
  static AnySpec of(SubscriptionSpec spec);
  void start_queue(Verb verb, AnySpec spec, detail::Handler<QueueInfo> handler);
  void start_list(Kind kind, std::string after, std::uint32_t max, detail::Handler<QueueList> handler);
  void start_remove(std::string queue, bool force, detail::Handler<Count> handler);
  void start_purge(std::string queue, bool scheduled, detail::Handler<Count> handler);
  void start_seek(std::string subscription, const std::string& to, detail::Handler<Moved> handler);
  void start_peek(std::string queue, std::optional<std::uint64_t> from, std::uint32_t max,
                  detail::Handler<Peeked> handler);
  void start_list_scheduled(std::string queue, std::string after, std::uint32_t max,
                            detail::Handler<ScheduledList> handler);
  void start_cancel_scheduled(std::string queue, std::optional<std::uint64_t> offset, const MessageId& id,
                              detail::Handler<Count> handler);
  QueueInfo wait_queue(Verb verb, AnySpec spec);
  template <class T>
  auto begin_queue(Verb verb, AnySpec spec, T&& token) {
    return detail::operation<QueueInfo>(
        token, [self = *this, verb, spec = std::move(spec)](detail::Handler<QueueInfo> handler) mutable {
          self.start_queue(verb, std::move(spec), std::move(handler));
        });
  }
  void start_close(milliseconds drain, detail::Handler<Closed> handler);
  Consumer start_consumer(std::string from, detail::AnyHandler handler, ConsumeOptions options);
  detail::ClientCore& core() const;

  std::shared_ptr<detail::ClientOwner> self_;
  milliseconds timeout_{};
  std::shared_ptr<const detail::Inherited> inherited_;  // from a delivery that is being handled
  std::shared_ptr<const detail::OnNote> on_note_;
};

/// Blocks until SIGTERM or SIGINT, then closes the client with `drain`; a second signal shortens it.
LAZARET_API Closed run_until_signal(Client& client, milliseconds drain = std::chrono::seconds(25));

}  // namespace lazaret

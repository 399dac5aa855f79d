// ClientCore: a client over all its connections. Connects, reconnects, and passes frames to who they concern.
//
// Threading: the client's executor (a strand, or the client's own thread), except where it says "any thread".
#pragma once

#include <atomic>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "base/random.h"
#include "client/asking.h"
#include "client/completion.h"
#include "client/consumer_core.h"
#include "client/publisher.h"
#include "client/requests.h"
#include "client/transport.h"
#include "lazaret/lazaret.h"

namespace lazaret::detail {

class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
  struct Address {
    std::string host;
    std::string port;
  };

  ClientCore(Home home, Address address, Options options, bool own_thread);

  // Any thread.
  void start();
  const Home& home() const { return home_; }
  const asio::any_io_executor& executor() const { return home_.client; }
  const Options& options() const { return options_; }
  bool owns_thread() const { return own_thread_; }
  /// Whether a blocking call on this thread would wait for itself.
  bool would_deadlock() const { return !own_thread_ || std::this_thread::get_id() == thread_.load(); }
  /// The same for closing, which waits for the handlers.
  bool close_would_deadlock() const { return would_deadlock() || is_inside_handler_of(this); }
  void set_thread(std::thread::id id) { thread_ = id; }
  /// What the client's own thread runs on, which must outlive everything that is posted to it. Before start().
  void set_io(std::weak_ptr<void> io) { io_ = std::move(io); }
  /// Keeps it while `io` lives; false when the client is gone. A client on the user's executor is never gone.
  bool hold(std::shared_ptr<void>& io) const;
  /// Runs `call` on the client's executor; false when its thread has ended. Any thread.
  template <class Call>
  bool post(Call call) {
    const std::lock_guard lock(mutex_);
    if (thread_ended_) return false;
    asio::post(home_.client, std::move(call));
    return true;
  }
  /// The last thing before the client's own thread runs what was posted, and ends.
  void end_thread();
  void publish(std::string&& queue, Message&& message, milliseconds timeout, Handler<Receipt> handler);
  /// With what goes out in the same write; null: nothing.
  struct Together {
    wire::AddressedItems items;
    wire::AskTermsRef ask;         // the message itself is a durable request; null: it is none
    std::size_t largest_body = 0;  // before any was compressed
  };
  void submit(std::string&& queue, Message&& message, Together together, milliseconds timeout,
              Handler<Receipt> handler);
  void publish_all(std::vector<Addressed> messages, std::vector<DurableAsk> asks, milliseconds timeout,
                   Handler<Receipt> handler);
  void request(Requests::Request request);
  /// A request to a service; names it for `cancel_question`.
  std::uint64_t ask(std::string&& queue, Message&& message, SteadyTime deadline, std::shared_ptr<const OnNote> on_note,
                    Handler<Reply> handler);
  /// A note of a responder; nobody waits.
  void send_note(const std::string& queue, const MessageId& id, Message note);
  void set_owner(std::weak_ptr<ClientOwner> owner) { owner_ = std::move(owner); }
  /// What the handles of this client share; of one whose handles are gone, one that ends nothing.
  std::shared_ptr<ClientOwner> owner();
  std::shared_ptr<ConsumerCore> make_consumer(std::string queue, const AnyHandler& handler, ConsumeOptions options,
                                              ConsumerCore::Opened opened);
  /// Calls `then` at the first connection, or with the reason when `within` is over first.
  void wait_connected(milliseconds within, std::function<void(const base::Status&)> then);
  void close(milliseconds drain, Handler<Closed> handler);
  /// Names an operation, for its cancellation.
  std::uint64_t next_operation() { return ++last_operation_; }
  /// When `handler` is cancelled, calls `cancel` with this client and the operation, on the client's executor.
  template <class R, class Cancel>
  void on_cancel(const Handler<R>& handler, Cancel cancel, std::uint64_t operation) {
    auto slot = asio::get_associated_cancellation_slot(handler);
    if (!slot.is_connected()) return;
    slot.assign([weak = weak_from_this(), cancel, operation](asio::cancellation_type) {
      const auto self = weak.lock();
      if (self) self->post([self, cancel, operation] { cancel(*self, operation); });
    });
  }
  /// What a callback of the user threw: goes to Options::on_exception.
  void report(const std::exception_ptr& thrown) const;
  /// Calls one; what it throws is reported.
  template <class Call>
  void call_user(Call call) const {
    try {
      call();
    } catch (...) {
      report(std::current_exception());
    }
  }
  std::string admin_address() const;
  bool connected() const { return connected_.load(); }

  // The client's executor: for its parts.
  bool is_open() const { return connected_.load(std::memory_order_relaxed); }
  /// What the broker said in the handshake of the last connection: its limits.
  const wire::Welcome& welcome() const { return welcome_; }
  std::size_t compress_from() const { return options_.compress_from; }
  /// UNREACHABLE, and why.
  base::Status why_not_connected() const;
  std::uint64_t next_request() { return ++last_request_; }
  /// The same for a Settle of that consumer: who the answer goes to.
  std::uint64_t next_settle(std::uint64_t consumer);
  void send(wire::OutFrame frame);
  void after_written(std::function<void()> then);
  void cancel_request(std::uint64_t operation) { requests_.cancel(operation); }
  void cancel_question(std::uint64_t operation) { asking_.cancel(operation); }
  void forget_consumer(std::uint64_t number);
  /// It is closed, and handlers of it still run: what they say is still passed on.
  void let_linger(const std::shared_ptr<ConsumerCore>& consumer);
  const Publisher& publisher() const { return publisher_; }

 private:
  struct Submitted {
    std::string queue;
    Outgoing message;
  };

  void connect();
  void tell_awaiting(const base::Status& status);
  void connect_later();
  wire::Hello hello();
  void on_open(const wire::Welcome& welcome);
  void on_gone(const base::Status& status, Transport::Gone how);
  void tell_hopeless(const base::Status& status, Transport::Gone how);
  base::Status on_frame(const wire::Frame& frame);
  base::Status on_error(const wire::Error& error);
  void fail_unanswered(const base::Status& status);
  void dismiss(std::uint64_t consumer);
  template <class Tell>
  void with_consumer(std::uint64_t number, Tell tell);
  void take_submitted();
  void due_by(SteadyTime deadline);
  void expire();
  class Closing;
  void close_now(milliseconds drain);
  void let_go_of_consumers();
  void cancel_close(std::uint64_t operation);
  void check_closed();
  void finish_close();
  void say_closed();

  const Home home_;
  const Address address_;
  const Options options_;
  const bool own_thread_;
  std::atomic<std::thread::id> thread_{};
  std::weak_ptr<void> io_;
  std::weak_ptr<ClientOwner> owner_;
  const model::InstanceRecord instance_;

  std::shared_ptr<Transport> transport_;
  std::atomic<bool> connected_{false};
  base::Status last_failure_;
  bool refused_ = false;  // and it was the broker's word
  SteadyTime opened_at_;
  wire::Welcome welcome_;  // of the last connection
  std::vector<std::shared_ptr<ConsumerCore>> resuming_;
  int failures_ = 0;
  base::Random random_;
  asio::steady_timer reconnect_;
  struct Awaiting {
    std::function<void(const base::Status&)> then;
    std::shared_ptr<asio::steady_timer> patience;
  };
  std::vector<Awaiting> awaiting_connection_;

  std::uint64_t last_request_ = 0;
  PendingCount pending_;  // outlives the publishes that have their place in it
  Publisher publisher_;
  Requests requests_;
  Asking asking_;
  std::map<std::uint64_t, std::shared_ptr<ConsumerCore>> consumers_;
  std::map<std::uint64_t, std::shared_ptr<ConsumerCore>> lingering_;
  std::unordered_map<std::uint64_t, std::uint64_t> settling_;  // request → consumer, on this connection
  std::vector<Submitted> taken_;                               // empty but while it is gone through: keeps its memory
  std::set<std::uint64_t> dismissed_;  // unknown here, and the broker was told so on this connection
  std::atomic<std::uint64_t> last_consumer_{0};
  asio::steady_timer deadlines_;
  SteadyTime next_deadline_ = SteadyTime::max();

  bool closing_ = false;
  std::atomic<bool> closed_{false};
  Closed result_;
  std::size_t consumers_closing_ = 0;
  std::map<std::uint64_t, Completion<Closed>> closers_;  // by operation
  asio::steady_timer close_timer_;
  asio::steady_timer idle_poll_;
  std::shared_ptr<Transport> parting_;  // on which we say goodbye

  std::atomic<std::uint64_t> last_operation_{0};
  mutable std::mutex mutex_;
  std::vector<Submitted> submitted_;  // GUARDED_BY(mutex_)
  bool thread_ended_ = false;         // GUARDED_BY(mutex_)
  std::string admin_address_;         // GUARDED_BY(mutex_)
};

/// What the handles of a client share. The last one closes it.
class ClientOwner {
 public:
  /// With a thread of its own, or on the user's executor.
  ClientOwner(ClientCore::Address address, Options options);
  ClientOwner(asio::any_io_executor executor, ClientCore::Address address, Options options);
  /// Of a client that is closed.
  explicit ClientOwner(std::shared_ptr<ClientCore> core) : core_(std::move(core)), ends_it_(false) {}
  ~ClientOwner();
  ClientCore& core() { return *core_; }
  /// As a handle of it: what it needs to run lives as long as the handle, even when the client is gone.
  std::shared_ptr<ConsumerCore> handle_of(std::shared_ptr<ConsumerCore> consumer) const;

 private:
  struct OwnThread;
  std::shared_ptr<OwnThread> thread_;
  std::shared_ptr<ClientCore> core_;
  bool ends_it_ = true;
};

/// lazaret://[user@]HOST[:PORT]; BAD_REQUEST otherwise.
base::Result<ClientCore::Address> parse_url(std::string_view url);

}  // namespace lazaret::detail

// Client: a client process with one connection, as the SDK behaves, told by a test what to do. What it gets and what
// it is answered goes into the world's trace.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "simulation/world.h"

namespace lazaret::simulation {

class Client {
 public:
  struct Delivery {
    std::string queue;
    std::uint64_t consumer = 0;
    model::LeaseToken token;
    model::Delivered what;
    bool begun = false;
    bool held = true;  // not settled, not ended, not lost, as far as the client knows
  };
  struct Options {
    bool speaks_started = true;
    /// Says `started` for everything as soon as it is delivered.
    bool starts_at_once = false;
    /// Gives back what has not begun when it is asked to.
    bool answers_recall = true;
    bool silent_trace = false;
    std::uint64_t credit_bytes = 1 << 20;
    /// What its connection has room for; it says what went out as soon as it has it, unless `reads` is off.
    std::uint64_t outbox_bytes = 0;
    bool reads = true;
    /// The types that it takes; none: everything.
    std::vector<std::string> accepts{};
    std::string version{};
  };

  /// Connects.
  Client(World& world, std::string name, Options options);
  Client(World& world, std::string name) : Client(world, std::move(name), Options{}) {}
  /// A second part of the process of `beside`, on the same connection: it comes and goes with it, has consumers of its
  /// own (of other numbers), and knows of its own deliveries only. `beside` has one such part at most.
  Client(Client& beside, std::string name);

  // --- Connection
  void connect();
  /// Connects again and presents what it holds; `resumed` follows at once.
  void reconnect();
  void goodbye() { end(core::SessionEnded::How::goodbye); }
  /// The process is gone: the peer closed the connection.
  void die() { end(core::SessionEnded::How::closed); }
  /// The network is gone: two heartbeats were missed.
  void vanish() { end(core::SessionEnded::How::silent); }
  void quiet(bool quiet) { world_.session_quiet(*session_, quiet); }
  bool connected() const { return session_.has_value(); }
  /// The broker went: the connection is gone, what is held is kept.
  void disconnected() { set_session(std::nullopt); }
  /// The process starts anew: another instance, which holds nothing.
  void restart();

  // --- Consuming
  void consume(const std::string& queue, std::uint64_t credit, std::uint64_t number = 1);
  /// What the next reconnect will say of the consumer.
  void consume_later(const std::string& queue, std::uint64_t credit, std::uint64_t number = 1) {
    consumers_[number] = {queue, credit};
  }
  void add_credit(std::uint64_t messages, std::uint64_t number = 1);
  void close_consumer(std::uint64_t number = 1);
  bool consumes(std::uint64_t number = 1) const {
    const auto found = consumers_.find(number);
    return found != consumers_.end() && !found->second.closed;
  }
  /// Handlers begin on everything delivered up to (and with) the message at `offset`.
  void start(std::uint64_t offset);
  void ack(std::uint64_t offset) { settle(model::VerdictKind::ack, offset); }
  void nack(std::uint64_t offset, const std::string& message = "it failed",
            std::optional<base::Duration> delay = std::nullopt, const std::string& details = "");
  void reject(std::uint64_t offset, const std::string& message = "it is no good");
  void extend(std::uint64_t offset) { settle(model::VerdictKind::extend, offset); }
  void release(std::uint64_t offset, std::optional<base::Duration> delay = std::nullopt);
  void not_begun(std::uint64_t offset) { settle(model::VerdictKind::not_begun, offset); }
  /// Acks the message, a request, and says this to its requester.
  void answer(std::uint64_t offset, const std::string& body);
  void decline(std::uint64_t offset, const std::string& reason);

  /// Acks the message, and publishes one with this body to each of these queues or topics in the same write.
  void ack_with(std::uint64_t offset, const std::vector<std::string>& queues, const std::string& body);
  /// The same, and asks in that write too, with the body behind theirs.
  struct Along {
    std::string queue;
    std::uint64_t number = 0;
    base::Duration time_left{};
    std::string reply_queue;
  };
  void ack_with(std::uint64_t offset, const std::vector<std::string>& queues, const std::string& body,
                const std::vector<Along>& asks);
  model::OutgoingRef outgoing(const std::vector<std::string>& queues, const std::string& body,
                              const std::vector<Along>& asks);
  /// The same of a publish that is a request itself.
  model::OutgoingRef outgoing_of(const Along& item, const std::vector<std::string>& queues, const std::string& body,
                                 const std::vector<Along>& asks);

  // --- Asking
  /// A request with this number as its id. Asked again, its body is another one.
  void ask(const std::string& queue, std::uint64_t number, base::Duration time_left);
  /// The same, durably: its reply goes to `reply_queue`, with the context "ctx=NUMBER".
  void ask_durably(const std::string& queue, std::uint64_t number, base::Duration time_left,
                   const std::string& reply_queue);
  void cancel(const std::string& queue, std::uint64_t number);
  /// Its caller has gone, and the connection stays: nobody is told of it any more, however often it was asked.
  void leave(const std::string& queue, std::uint64_t number);
  static model::MessageId id_of(std::uint64_t number);
  static model::ResponderReplyRef answered(const std::string& body);
  static model::ResponderReplyRef declined(const std::string& reason);

  /// The connection has written so many bytes of what was delivered from this queue.
  void written(const std::string& queue, std::uint64_t bytes);
  void settle(model::Verdict verdict);
  void settle(model::VerdictKind kind, std::uint64_t offset);

  /// The last delivery of the message at `offset` (in the log that it was published to).
  const Delivery& delivery(std::uint64_t offset) const { return deliveries_.at(offset); }
  const std::map<std::uint64_t, Delivery>& deliveries() const { return deliveries_; }
  std::vector<std::uint64_t> held() const;
  const std::string& name() const { return name_; }
  /// As if it had never heard what became of this delivery.
  void believes_to_hold(std::uint64_t offset) { deliveries_.at(offset).held = true; }
  const model::InstanceId& instance() const { return instance_.id; }
  const model::InstanceRecord& record() const { return instance_; }

  /// Called with each delivery, verdict result; for the random simulation.
  std::function<void(const Delivery&)> on_delivery;
  std::function<void(const model::Verdict&, const model::VerdictResult&)> on_settled;
  std::function<void(std::uint64_t number, const model::Replied&)> on_reply;
  std::function<void(std::uint64_t number, const model::Asked&)> on_asked;

 private:
  struct Consumer {
    std::string queue;
    std::uint64_t credit = 0;
    bool closed = false;  // it takes nothing more, but what has begun is still its own
  };

  void end(core::SessionEnded::How how);
  model::ReplyAddressRef address(const std::string& reply_queue, std::uint64_t number);
  model::Request request(const std::string& queue, std::uint64_t number, base::Duration time_left);
  void set_session(std::optional<model::SessionId> session);
  void open(std::uint64_t number, bool present);
  void hear(model::Answer&& answer);
  void hear_one(model::Deliver& deliver);
  void hear_one(model::Recall& recall);
  void hear_one(model::LeaseEnded& ended);
  void hear_one(model::ConsumerEnded& ended);
  void hear_one(model::ConsumerOpened& opened);
  void hear_one(model::Settled& settled);
  void hear_one(model::Replied& replied);
  void hear_one(model::Asked& asked);
  template <class Other>
  void hear_one(Other&) {}
  void note(const std::string& what);
  Delivery* find(const model::LeaseToken& token);
  model::ConsumerKey key(std::uint64_t number) const { return {instance_.id, number}; }

  World& world_;
  std::string name_;
  Options options_;
  model::InstanceRecord instance_;
  std::uint8_t incarnation_ = 0;
  std::optional<model::SessionId> session_;
  Client* companion_ = nullptr;
  std::map<std::uint64_t, Consumer> consumers_;
  std::map<std::uint64_t, Delivery> deliveries_;
  std::uint64_t last_request_ = 0;
  std::map<std::uint64_t, model::Verdict> verdicts_;                   // by request
  std::map<std::uint64_t, std::vector<model::LeaseToken>> presented_;  // by request
  std::map<std::uint64_t, std::uint64_t> asked_;                       // by request: the number
  std::uint64_t tries_ = 0;
};

}  // namespace lazaret::simulation

// Publisher: messages on their way to the broker, until they are confirmed. One producer a queue, numbered under the
// client's producer id, so that what is sent again after a reconnect is stored once.
//
//   submit ─▶ waiting ─▶ in flight (has a sequence) ─▶ confirmed | refused
//                ▲            │ connection lost
//                └────────────┘ same sequence
//
// Threading: the client's executor; `submit` is called by ClientCore with what its inbox held.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "client/completion.h"
#include "client/deadline.h"
#include "lazaret/types.h"
#include "wire/frames.h"

namespace lazaret::detail {

class ClientCore;

/// How much is pending in a client, and one publish's place in it, given back when the publish is over.
struct PendingCount {
  std::atomic<std::size_t> messages{0};
  std::atomic<std::size_t> bytes{0};
};
class PendingPlace {
 public:
  PendingPlace() = default;
  PendingPlace(PendingCount& count, std::size_t bytes) : count_(&count), bytes_(bytes) {
    ++count.messages;
    count.bytes += bytes;
  }
  PendingPlace(PendingPlace&& other) noexcept : count_(std::exchange(other.count_, nullptr)), bytes_(other.bytes_) {}
  PendingPlace& operator=(PendingPlace&& other) noexcept {
    std::swap(count_, other.count_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  ~PendingPlace() {
    if (count_ == nullptr) return;
    --count_->messages;
    count_->bytes -= bytes_;
  }

 private:
  PendingCount* count_ = nullptr;
  std::size_t bytes_ = 0;
};

inline std::size_t size_of(const wire::AddressedItems& items) {
  std::size_t bytes = 0;
  if (items == nullptr) return bytes;
  for (const wire::AddressedItem& one : *items) {
    bytes += one.item.envelope.size() + one.item.body.size() + one.reply_queue.size();
    for (const auto& [name, value] : one.context) bytes += name.size() + value.size();
  }
  return bytes;
}

inline std::size_t size_of(const wire::AskTermsRef& ask) {
  if (ask == nullptr) return 0;
  std::size_t bytes = ask->reply_queue.size();
  for (const auto& [name, value] : ask->context) bytes += name.size() + value.size();
  return bytes;
}

/// One publish, encoded by the caller's thread.
struct Outgoing {
  std::uint64_t operation = 0;  // names it for cancellation
  MessageId id;
  std::uint64_t sequence = 0;
  base::SharedBytes envelope;
  base::SharedBytes body;
  std::uint32_t body_crc = 0;
  base::Duration delay{};
  base::Instant deliver_at;
  base::Duration ttl{};
  wire::AddressedItems together;  // in the same write
  wire::AskTermsRef ask;          // it is a durable request; null: it is none
  std::size_t opened_bytes = 0;   // of the body before it was compressed: consumers are given no more than the limit
  SteadyTime deadline;
  Completion<Receipt> completion;  // empty: nobody waits any more, only its fate is of interest
  bool sent = false;               // on this connection or an earlier one
  bool again = false;              // on an earlier one, or by a call that ended as OUTCOME_UNKNOWN
  PendingPlace place;
  /// Whether it is one of several, or a request.
  bool is_transaction() const { return together != nullptr || ask != nullptr; }
  std::size_t size() const { return envelope.size() + body.size() + size_of(together) + size_of(ask); }
};

/// What a broker with these limits and features would not take of them, with another body of that size; or OK.
base::Status check_together(const wire::Welcome& told, const std::vector<wire::AddressedItem>& items, std::size_t with);
/// BAD_REQUEST from a broker that would publish what is a request, or OK.
base::Status check_asked(const wire::Welcome& told);
/// MESSAGE_TOO_LARGE or HEADERS_TOO_LARGE for what a broker with these limits would not take, or OK.
base::Status check_size(const wire::Welcome& told, std::size_t envelope, std::size_t body);

class Publisher {
 public:
  Publisher(ClientCore& client, const Home& home, const MessageId& producer_id)
      : client_(client), producer_id_(producer_id), ended_(home) {}

  void submit(const std::string& queue, Outgoing&& message);
  /// Sends what waits; after a batch of submits.
  void flush();

  void connected();
  void disconnected();
  void on(const wire::ProducerOpened& frame);
  void on(const wire::Published& frame);
  /// An Error frame for a request of ours; false when it is none.
  bool refused(std::uint64_t request, const base::Status& status);

  void cancel(std::uint64_t operation);
  /// Ends what is past its deadline; when the next one is due.
  SteadyTime expire(SteadyTime now);
  void fail_all(const base::Status& status);
  /// The broker ended the connection over something that was sent, and would again: what it has not answered ends.
  void fail_unanswered(const base::Status& status);
  /// The same for what was never sent: no broker of that address will take it.
  void fail_unsent(const base::Status& status);
  bool idle() const;
  /// For tests, which count: producers that were looked at to find what can be sent, or a place on the connection.
  std::uint64_t looked_at() const { return looked_at_; }

 private:
  struct Producer {
    std::string queue;
    std::uint32_t number = 0;   // 0: not open
    std::uint64_t opening = 0;  // the request that opens it
    std::uint64_t last_sequence = 0;
    bool listed = false;                     // in touched_ or no_room_
    bool busy = false;                       // something is on its way
    std::list<Producer*>::iterator place{};  // in busy_ or idle_, while it has a number
    std::deque<Outgoing> waiting;
    std::map<std::uint64_t, std::vector<Outgoing>> in_flight;  // by request
    std::size_t in_flight_count = 0;
    /// Sequences of publishes whose outcome nobody knows, by message id: for the caller who tries again.
    std::map<MessageId, std::uint64_t> unresolved;
    std::deque<MessageId> unresolved_order;
  };

  void touch(Producer& producer);
  void open(Producer& producer);
  void begin_open(Producer& producer);
  bool has_room();
  void rest(Producer& producer);
  void give_place();
  void close(Producer& producer);
  void send(Producer& producer);
  bool adopt(Producer& producer, Outgoing& message);
  void settle(Producer& producer, Outgoing& message, const model::PublishResult& result, const base::Status& why);
  void refuse(Producer& producer, Outgoing& message, const base::Status& why);
  base::Status check_acceptable(const Outgoing& message) const;
  void refuse_unacceptable(Producer& producer);
  void forget(Producer& producer, const Outgoing& message);
  void finish(Outgoing& message, const base::Status& status, Receipt receipt = {});
  void unknown(Producer& producer, Outgoing& message, std::string text);
  void give_up(Producer& producer, Outgoing& message);
  template <class Visit>
  void each(Visit visit);

  ClientCore& client_;
  MessageId producer_id_;
  std::map<std::string, Producer, std::less<>> producers_;
  std::map<std::uint64_t, std::string> requests_;  // open requests: whose
  std::size_t open_count_ = 0;                     // producers that have a place on the connection
  std::list<Producer*> idle_;       // those that have a number and nothing on its way, since longest first
  std::list<Producer*> busy_;       // those that have a number and something on its way
  std::vector<Producer*> touched_;  // they may have something to send: for the next flush
  std::uint64_t looked_at_ = 0;
  Completions<Receipt> ended_;
  std::deque<Producer*> no_room_;  // could not be opened, because all the others were busy
};

}  // namespace lazaret::detail

// The idempotent receiver: a handler that does not run again for a message that it has handled.
//
// A broker that promises "at least once" delivers some messages twice: when a worker, its network or its lease fails
// after the work was done and before the ack was on the broker's disk. Where doing it twice would hurt, wrap the
// handler:
//
//   auto store = lazaret::ids_in_file("/var/lib/billing/handled");
//   auto handler = lazaret::idempotent(store, [](lazaret::Delivery& d) { charge(d.message()); });
//   auto consumer = client.consume("orders", handler);
//
// It goes by Message::id, which stays the same through retries and replays; what fails is not remembered, and runs
// again. What the handler changes and what the store remembers are two things: whoever dies between them does it once
// more. To close that gap too, keep the ids where the work is kept: an IdempotencyStore of your own on the same
// database.
//
// A store is of one queue or subscription: two subscriptions of a topic handle the same message each.
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <utility>

#include "lazaret/consumer.h"

namespace lazaret {

/// Where the ids of handled messages are remembered. What it throws fails the attempt, so that a message is rather
/// tried again than handled without memory. Threading: called from where handlers run, from several at once.
class LAZARET_API IdempotencyStore {
 public:
  virtual ~IdempotencyStore() = default;
  virtual bool contains(const MessageId& id) = 0;
  /// As durable as the store is when this returns. May forget the oldest.
  virtual void remember(const MessageId& id) = 0;
};

/// Ids that a store remembers unless told otherwise; beyond, the oldest are forgotten. About 100 bytes of memory each.
inline constexpr std::size_t kIdsRemembered = 65'536;

/// In memory: of use while the process lives. Of `capacity` ids, at least 1.
LAZARET_API std::shared_ptr<IdempotencyStore> ids_in_memory(std::size_t capacity = kIdsRemembered);

/// In a file of at most 40 bytes for each of `capacity` ids, with a sync for each before `remember` returns. Throws
/// Error: storage_failed, storage_damaged (nothing is forgotten quietly), or directory_locked when another process has
/// it open. After a write that failed everything it is asked throws.
LAZARET_API std::shared_ptr<IdempotencyStore> ids_in_file(const std::string& path,
                                                          std::size_t capacity = kIdsRemembered);

namespace detail {

/// Which messages are in a handler now, and which were.
class LAZARET_API HandledOnce {
 public:
  explicit HandledOnce(std::shared_ptr<IdempotencyStore> store) : store_(std::move(store)) {}

  /// The right to run the handler for a message, given back at the end.
  class LAZARET_API Turn {
   public:
    enum class State { mine, handled_before, in_hand };
    Turn(HandledOnce& of, const MessageId& id);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    State state() const { return state_; }
    /// What to do when it is not mine: done, or later, when whoever has it has ended.
    Verdict instead() const;
    /// Remembers what is done, and passes the verdict on.
    Verdict ended(Verdict verdict);

   private:
    void give_back();
    HandledOnce& of_;
    const MessageId id_;
    State state_ = State::mine;
  };

 private:
  const std::shared_ptr<IdempotencyStore> store_;
  std::mutex mutex_;
  std::set<MessageId> in_hand_;  // GUARDED_BY(mutex_)
};

template <class H>
asio::awaitable<Verdict> run_once(std::shared_ptr<HandledOnce> once, std::shared_ptr<H> handler, Delivery& delivery) {
  HandledOnce::Turn turn(*once, delivery.message().id);
  if (turn.state() != HandledOnce::Turn::State::mine) co_return turn.instead();
  if constexpr (std::same_as<std::invoke_result_t<H&, Delivery&>, asio::awaitable<void>>) {
    co_await (*handler)(delivery);
    co_return turn.ended(Verdict::done());
  } else {
    Verdict verdict = co_await (*handler)(delivery);
    co_return turn.ended(std::move(verdict));
  }
}

}  // namespace detail

/// A handler that acks what it has handled before without running `handler`. What is in a handler of it at this moment
/// (its lease was lost, and it was delivered again) is released for a second.
template <Handler H>
auto idempotent(std::shared_ptr<IdempotencyStore> store, H handler) {
  using Result = std::invoke_result_t<H&, Delivery&>;
  auto once = std::make_shared<detail::HandledOnce>(std::move(store));
  auto shared = std::make_shared<H>(std::move(handler));
  if constexpr (detail::is_awaitable<Result>) {
    return [once, shared](Delivery& delivery) { return detail::run_once<H>(once, shared, delivery); };
  } else {
    return [once, shared](Delivery& delivery) -> Verdict {
      detail::HandledOnce::Turn turn(*once, delivery.message().id);
      if (turn.state() != detail::HandledOnce::Turn::State::mine) return turn.instead();
      if constexpr (std::is_void_v<Result>) {
        (*shared)(delivery);
        return turn.ended(Verdict::done());
      } else {
        return turn.ended((*shared)(delivery));
      }
    };
  }
}

}  // namespace lazaret

// A broker for the tests of a service, in the test's own process and on a time that the test moves.
//
//   lazaret::testing::InMemoryBroker broker;
//   auto client = lazaret::Client::connect(broker.url());
//   client.ensure({.name = "orders", .max_attempts = 5, .backoff_initial = 1min});
//   auto consumer = client.consume("orders", [](lazaret::Delivery&) { throw std::runtime_error("no such order"); });
//   client.publish("orders", {.body = "{}"});
//   broker.advance(24h);                                   // all five attempts, each when its time has come
//   EXPECT_EQ(broker.cases("orders").at(0).error, "no such order");
//
// It is the broker that is shipped: its rules, its storage (in memory; there is no file), its protocol on a free port
// of 127.0.0.1, which other processes may use as well. There is no HTTP API, so no `lazaret hospital`. See
// docs/testing.md.
//
// Link `lazaret::testing` in place of `lazaret::client`: it has the client library inside, and a program has only one.
//
// Time: everything that the broker does later, it does by a clock that stands still until `advance`: retries, delays,
// times to live, leases, deadlines of requests, the grace of clients that are gone. What tells a dead connection from a
// live one, heartbeats and their timeouts, stays on real time, on both sides, so that no advance ends a connection; and
// so do the deadlines of a client's own calls.
//
// Threading: `now` and `url` from any thread, everything else from one at a time, and never from a handler: `advance`
// would wait for it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "lazaret/error.h"
#include "lazaret/types.h"

namespace lazaret::testing {

class LAZARET_API InMemoryBroker {
 public:
  using Time = std::chrono::system_clock::time_point;

  struct Options {
    /// What its clock shows at first; the epoch: the time of day.
    Time start = {};
    /// How long `advance` waits, in real time, for consumers that have messages in hand and say nothing.
    milliseconds patience{1000};
    /// How long the broker may take, in real time, to become quiet at one moment.
    milliseconds limit{60'000};
    /// Whether queues that nobody has made are made by whoever publishes to them (also with a verdict), asks them, has
    /// replies sent to them or consumes from them.
    bool auto_create = false;
  };
  /// Throws Error when it cannot listen.
  InMemoryBroker();
  explicit InMemoryBroker(Options options);
  /// Ends the connections. Close clients first: those that live on would try to reconnect.
  ~InMemoryBroker();
  InMemoryBroker(const InMemoryBroker&) = delete;
  InMemoryBroker& operator=(const InMemoryBroker&) = delete;

  /// lazaret://127.0.0.1:PORT, for Client::connect here and in other processes. The same after a restart.
  const std::string& url() const;

  // --- Time ---------------------------------------------------------------------------------------------------------

  /// What the broker's clock shows. For Message::deliver_at and the like.
  Time now() const;
  /// Moves the clock, from one moment at which something is due to the next, and waits at each, and at the end, until
  /// the broker is quiet: everything that was due is done and stored, and consumers have answered for every message
  /// that they had in hand. So a handler that fails at once goes through as many retries as fit into that time, each at
  /// its time. A consumer that says nothing for Options::patience is not waited for any more in this call; its lease
  /// ends when the time for that has come. `advance(0s)` waits only.
  ///
  /// After ten thousand moments the rest is taken in a thousand steps. Throws Error: bad_request when `by` is negative
  /// or more than a hundred years; deadline when Options::limit is over (handlers that publish to their own queue).
  void advance(std::chrono::microseconds by);

  // --- What became of messages --------------------------------------------------------------------------------------

  /// A message that went to the hospital.
  struct Case {
    std::string id;
    std::string queue;  // or subscription
    /// "attempts_exhausted", "killed_workers", "rejected", "expired", "quarantined", "damaged".
    std::string reason;
    std::string state;           // "admitted", "replaying", "discharged" (a replay went well), "discarded"
    std::uint32_t attempts = 0;  // over all replays
    std::string error_type;      // of the last failed attempt
    std::string error;
    std::string type;  // of the message
    std::string key;
    Body body;  // as it is stored; "" when it is not kept any more
  };
  /// Newest first, whatever their state; "" for all queues and subscriptions. None when there is no such queue.
  std::vector<Case> cases(std::string_view queue = {}) const;
  /// Has it delivered again; returns when it is on its way. Errors: not_found, case_busy (it is not in the hospital any
  /// more, or being replayed).
  void replay(std::string_view id);

  /// How a queue or a subscription stands.
  struct Queue {
    std::uint64_t ready = 0, leased = 0, waiting = 0, scheduled = 0, held = 0, in_hospital = 0;
    std::uint64_t entered_total = 0, acked_total = 0, expired_total = 0;
    std::uint64_t consumers = 0;
  };
  /// Errors: not_found.
  Queue queue(std::string_view name) const;

  // --- Restarts -----------------------------------------------------------------------------------------------------

  /// Ends the connections and starts again with what was stored, at the same url: clients come back by themselves, and
  /// send again what was not confirmed. Its time goes on where it stood.
  void restart();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lazaret::testing

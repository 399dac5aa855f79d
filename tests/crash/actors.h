// Who uses the broker while it is killed: publishers and workers on the client library, and workers on the bare
// protocol that keep every token, drop connections, and settle with old tokens.
//
// Threading: each actor is a thread of its own; construction and destruction from the test's thread.
#pragma once

#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "crash/history.h"
#include "integration/support/broker.h"
#include "lazaret/lazaret.h"

namespace lazaret::crash {

struct Stage {
  const testing::Broker& broker;
  History& history;
  std::vector<std::string> queues;
  std::size_t longest_body = 600;
  /// How long handlers of the library take on these queues; else up to 3 ms.
  std::map<std::string, milliseconds> slow = {};
  /// On these everything fails, whatever its body says.
  std::set<std::string> failing = {};
  /// Publishers pause so long at most between two batches.
  std::uint64_t pace_ms = 20;
  /// Workers on the bare protocol neither die nor insist.
  bool polite = false;
  /// Publishers publish and workers misbehave as long as it is true.
  std::atomic<bool> wild{true};
  std::atomic<bool> over{false};
  /// What was sent and is not confirmed.
  std::atomic<std::uint64_t> unconfirmed{0};
};

/// What workers do to a message: its body says so. "b" and "r" end in the hospital, "h" until a replay.
///   g done    f fails once    b always fails    r is rejected    l is given back once
///   h fails until it has been replayed    k is kept by workers on the bare protocol until its lease is over
Verdict verdict_on(const std::string& body, std::uint32_t attempt, bool redelivered);

/// What a worker on the client library says with that.
lazaret::Verdict library_verdict(Verdict verdict);
/// The delivery has come to a worker on the client library, and its handler begins: both stand in the history. The
/// event of that, with which it goes on.
Event begin_on(History& history, const std::string& queue, const Delivery& delivery, const std::string& who);

/// A body that says what becomes of its message, and nobody else has: most messages are good.
std::string body_of(std::mt19937_64& random, const std::string& who, std::uint64_t number, std::size_t longest);

/// Publishes batches; what is not confirmed it publishes again, with the same id.
class PublisherActor {
 public:
  PublisherActor(Stage& stage, std::string name, std::uint64_t seed);
  ~PublisherActor() { thread_.join(); }

 private:
  void run();
  void publish_batch();

  Stage& stage_;
  const std::string name_;
  std::mt19937_64 random_;
  std::uint64_t number_ = 0;
  Client client_;
  std::thread thread_;
};

/// A worker on the client library.
class LibraryWorker {
 public:
  LibraryWorker(Stage& stage, const std::string& name);

 private:
  lazaret::Verdict handle(Delivery& delivery, const std::string& queue);

  Stage& stage_;
  const std::string name_;
  Client client_;
  std::vector<Consumer> consumers_;
};

/// A worker on the bare protocol: another instance for each connection.
class WireWorker {
 public:
  WireWorker(Stage& stage, std::string name, std::uint64_t seed);
  ~WireWorker() { thread_.join(); }

 private:
  void run();

  Stage& stage_;
  const std::string name_;
  std::mt19937_64 random_;
  std::thread thread_;
};

}  // namespace lazaret::crash

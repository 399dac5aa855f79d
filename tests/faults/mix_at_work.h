// MixAtWork: the engine on a store with everything on it at once: ordering keys, delays, a topic with subscriptions, of
// which one is never read, a subscription of two topics, limits of both kinds, and requests. Each place keeps a ledger
// of what was told.
//
// Threading: `start` and `stop` from the test's thread; snapshots from any.
#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "faults/engine_at_work.h"
#include "faults/ledger.h"

namespace lazaret::faults {

/// A queue or a subscription of the mix, and what may be true of it.
struct Place {
  const char* name;
  const char* log;           // to which one publishes
  bool is_keyed = false;     // in order, by number modulo kKeys
  bool is_later = false;     // delivered some milliseconds later, and some in an hour
  bool refuses = false;      // when it is full
  bool drops = false;        // when it is full
  bool is_read = true;       // while it is at work
  bool is_asked = false;     // its messages are requests
  bool is_gathered = false;  // it takes messages over from the log
};
inline constexpr std::uint64_t kKeys = 7;
/// More than a worker has credit for: those behind are what can be dropped.
inline constexpr std::uint64_t kFull = 80;
/// Of each so many messages of a place that is later one is due when no test runs any more.
inline constexpr std::uint64_t kFarOf = 10;
inline constexpr std::array kPlaces{
    Place{.name = "keyed", .log = "keyed", .is_keyed = true}, Place{.name = "later", .log = "later", .is_later = true},
    Place{.name = "one", .log = "topic"}, Place{.name = "two", .log = "topic"},
    Place{.name = "unread", .log = "topic", .is_read = false},
    Place{.name = "refuses", .log = "refuses", .refuses = true}, Place{.name = "drops", .log = "drops", .drops = true},
    Place{.name = "asked", .log = "asked", .is_asked = true},
    // Of two topics, of which nobody publishes to the other one.
    Place{.name = "gathered", .log = "side", .is_gathered = true}};

/// By the name of the place.
using MixSnapshot = std::map<std::string, Snapshot>;
MixSnapshot between(MixSnapshot before, const MixSnapshot& after);

class MixLedger {
 public:
  MixLedger() {
    for (const Place& place : kPlaces) ledgers_.try_emplace(place.name);
  }
  Ledger& operator[](const std::string& place) { return ledgers_.at(place); }
  MixSnapshot snapshot() const;

 private:
  std::map<std::string, Ledger> ledgers_;
};

class WorkerOutbox;

class MixAtWork {
 public:
  MixAtWork(std::unique_ptr<model::Store> store, MixLedger& ledger);
  ~MixAtWork() { stop(); }
  void start(std::uint64_t seed);
  /// Everybody ends what they are at, and the engine stops.
  void stop();

 private:
  void create(const Place& place);
  void publish(std::mt19937_64 random);
  void publish_batch(const std::string& log, std::mt19937_64& random);
  void ask(std::mt19937_64 random);
  void operate(std::mt19937_64 random);
  /// Each ledger of what is published to this log.
  template <class Change>
  void change(const std::string& log, std::uint64_t number, Change change);

  MixLedger& ledger_;
  EngineOn on_;
  std::map<std::string, engine::QueueRef> queues_;  // and the topic
  std::map<std::string, std::shared_ptr<WorkerOutbox>> workers_;
  std::map<std::string, std::uint64_t> published_;  // to each log; the publisher's
  std::atomic<bool> over_{false};
  std::thread publisher_;
  std::thread requester_;
  std::thread operator_;
};

/// The message with this number; of a request also its id.
std::shared_ptr<model::Message> message_of(const Place& place, std::uint64_t number);
model::MessageId id_of_request(std::uint64_t number);
model::Request request_of(const engine::QueueRef& queue, std::uint64_t number);

/// As of one queue: what is wrong with a data directory as a power loss left it.
/// `accept_loss`: it is opened although the start would refuse what is damaged.
std::vector<std::string> broken_promises(const std::string& data_dir, const MixSnapshot& told,
                                         bool accept_loss = false);

}  // namespace lazaret::faults

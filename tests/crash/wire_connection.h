// WireConnection: one connection of a worker on the bare protocol, from its HELLO to whatever ends it. It writes down
// each delivery with its grant, and what became of each verdict.
//
// Threading: one thread.
#pragma once

#include <deque>
#include <map>
#include <random>
#include <set>
#include <string>

#include "crash/actors.h"
#include "integration/support/wire_client.h"

namespace lazaret::crash {

class WireConnection {
 public:
  /// Connects and opens a consumer on each queue; throws when that fails.
  WireConnection(Stage& stage, std::string name, std::uint64_t seed);
  /// What it had begun has ended with it.
  ~WireConnection();
  /// Until the stage is over, this worker has had enough, or the broker is gone (which throws).
  void run();

 private:
  struct Held {
    std::uint64_t consumer = 0;
    wire::Delivery delivery;
    bool begun = false;
  };
  /// By consumer and grant: queues may be on different shards, which may give the same grant.
  using HeldMap = std::map<std::pair<std::uint64_t, std::uint64_t>, Held>;
  struct Asked {
    Held held;
    Verdict verdict = Verdict::none;
  };

  void read_for(std::chrono::milliseconds limit);
  void hear(const wire::Frame& frame);
  void hear(wire::Deliver&& deliver);
  void hear(const wire::Settled& settled);
  void hear(const wire::Recall& recall);
  void hear(const wire::LeaseEnded& ended);
  void work();
  HeldMap::iterator next_to_settle();
  void insist();
  void settle(const Held& held, Verdict verdict);
  void write(What what, const Held& held, Verdict verdict = Verdict::none);
  bool chance(std::uint64_t percent) { return random_() % 100 < percent; }

  Stage& stage_;
  const std::string name_;
  std::mt19937_64 random_;
  testing::WireClient client_;
  HeldMap held_;
  std::deque<Held> old_;  // settled or lost
  std::map<std::uint64_t, Asked> asked_;
};

}  // namespace lazaret::crash

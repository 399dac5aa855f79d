// Who publishes several messages that belong together to two places: by themselves, and along with an ack.
//
// Threading: each actor has threads of its own; construction and destruction from the test's thread.
#pragma once

#include <atomic>
#include <random>
#include <string>
#include <thread>

#include "crash/actors.h"

namespace lazaret::crash {

/// Where sets go: two queues on different shards. Each set has as many messages for the one as for the other.
struct Pair {
  std::string left = {};
  std::string right = {};
};

/// Publishes sets; sometimes it dies before it is told, and nobody knows what became of the set.
class SetPublisher {
 public:
  SetPublisher(Stage& stage, Pair to, std::string name, std::uint64_t seed);
  ~SetPublisher() { thread_.join(); }

 private:
  void run();
  void publish_one(Client& client, bool dies);

  Stage& stage_;
  const Pair to_;
  const std::string name_;
  std::mt19937_64 random_;
  std::uint64_t sets_ = 0;
  std::uint64_t number_ = 0;
  std::thread thread_;
};

/// A service that passes on what it gets: its acks publish along to both. Each verdict has messages of its own, so that
/// it can be seen which one counted.
class Forwarder {
 public:
  Forwarder(Stage& stage, std::string from, Pair to, std::string name);

 private:
  lazaret::Verdict handle(Delivery& delivery);
  lazaret::Verdict forward(const std::string& cause);

  Stage& stage_;
  const std::string from_;
  const Pair to_;
  const std::string name_;
  std::atomic<std::uint64_t> number_{0};
  Client client_;
  Consumer consumer_;
};

}  // namespace lazaret::crash

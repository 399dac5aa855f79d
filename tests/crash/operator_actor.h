// OperatorActor: somebody at the hospital's HTTP interface while the broker is killed, who replays cases and, on a
// queue of its own, discards them and deletes the queue.
//
// Threading: a thread of its own; construction and destruction from the test's thread.
#pragma once

#include <random>
#include <string>
#include <thread>

#include "crash/actors.h"

namespace lazaret::crash {

class OperatorActor {
 public:
  OperatorActor(Stage& stage, std::uint64_t seed);
  ~OperatorActor() { thread_.join(); }

 private:
  void run();
  void replay_one(const std::string& queue);
  void treat_all(const std::string& queue, const std::string& verb, const std::string& body);
  void churn();

  Stage& stage_;
  std::mt19937_64 random_;
  std::thread thread_;
};

}  // namespace lazaret::crash

// Repeater: publishes to a queue that deduplicates by message id, and publishes again: because it has died before it
// was told, or for no reason, now and long afterwards, each time as another process with the same id.
//
// Threading: it has a thread of its own; construction and destruction from the test's thread.
#pragma once

#include <optional>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "crash/actors.h"

namespace lazaret::crash {

class Repeater {
 public:
  Repeater(Stage& stage, std::string queue, std::string name, std::uint64_t seed);
  ~Repeater() { thread_.join(); }

 private:
  struct Known {
    MessageId id;
    std::string body;
  };
  void run();
  Message message_of(const Known& known) const;
  void publish_and_die(const Known& known);
  /// Until it is told; false: the stage was over before.
  bool publish(const Known& known, bool again);

  Stage& stage_;
  const std::string queue_;
  const std::string name_;
  std::mt19937_64 random_;
  std::vector<Known> confirmed_;
  std::thread thread_;
};

}  // namespace lazaret::crash

// MessagePath: what the broker does with a message between two sockets, without the sockets and the disk: frames
// decoded and checked, the core's rules, the runs that would be stored, frames encoded. On one thread, so that what it
// costs can be counted.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "engine/shard_pipeline.h"
#include "model/command.h"
#include "wire/frames.h"

namespace lazaret::bench {

class MessagePath {
 public:
  /// `batch`: messages to a frame, and to a commit.
  MessagePath(std::size_t body_bytes, std::size_t batch);

  /// One frame of publishes, from its bytes to the bytes of its confirm. Gives how many bytes those were.
  std::size_t publish();
  /// A consumer that may have `credit` messages out.
  void consume(std::uint64_t credit);
  /// What was delivered since the last call, announced and acked, from the bytes of those frames to the bytes of what
  /// the broker says to them: its confirm, and the next deliveries.
  std::size_t settle();
  std::uint64_t acked() const { return acked_; }

 private:
  void step(core::Event::What what);
  void commit();
  std::size_t answer();

  base::Instant now_{1'700'000'000'000'000};
  engine::ShardPipeline pipeline_;
  model::SubscriptionId queue_;
  model::LogId log_;
  const std::size_t batch_;
  std::string publish_frame_;
  std::uint64_t sequence_ = 0;
  std::uint64_t request_ = 0;
  std::vector<model::Deliver> delivered_;
  std::vector<model::Answer> answers_;
  std::uint64_t acked_ = 0;
};

}  // namespace lazaret::bench

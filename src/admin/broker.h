// Broker: what handlers may touch, and what more than one of them asks of it.
//
// Threading: any worker.
#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <vector>

#include "admin/overview.h"
#include "admin/server.h"
#include "engine/desk.h"
#include "hospital/replay_jobs.h"

namespace lazaret::admin {

using Deadline = std::chrono::steady_clock::time_point;

struct Broker {
  const ServerConfig& config;
  engine::Engine& engine;
  engine::Desk& desk;
  hospital::ReplayJobs& replays;
  alerts::Alerts& alerts;
  /// An integrity check is running; there is one at a time, so that a worker is always left for the rest.
  std::atomic<bool> checking = false;
  /// The server stops: whatever takes long ends.
  std::atomic<bool> stopping = false;
  MinuteHistory history = {};
};

/// NOT_FOUND when there is nothing of this kind and name.
base::Result<engine::QueueRef> find_named(const Broker& broker, const std::string& name, model::Kind kind);
/// The state of each queue, asked of their shards all at once. Those that are gone by now are left out.
base::Result<std::vector<model::QueueStats>> show_queues(Broker& broker, const std::vector<engine::QueueRef>& queues,
                                                         Deadline deadline);
/// NOT_FOUND when the queue is gone.
base::Result<model::QueueStats> show_queue(Broker& broker, const model::QueueRecord& queue, Deadline deadline);
/// Empty answer: damaged. NOT_FOUND when the log no longer holds the message.
base::Result<model::MessageRef> read_message(Broker& broker, model::ShardId shard, model::LogId log,
                                             model::Offset offset);

}  // namespace lazaret::admin

// ShardRunner: the thread of one shard. Takes what is in the mailbox, steps it through the pipeline, and passes on what
// comes out: groups to the committer, effects to the engine.
//
// Invariants:
//   1. `pipeline_`, and so the core, is touched by this thread only.
//   2. The registry hears of the loads that an event caused before it hears that the event was stepped.
#pragma once

#include <atomic>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "engine/clock.h"
#include "engine/horizon.h"
#include "engine/mailbox.h"
#include "engine/shard_pipeline.h"
#include "engine/watching_clock.h"

namespace lazaret::engine {

class ShardRunner {
 public:
  /// What a shard's effects and groups go to. All are called on the shard's thread.
  struct Wiring {
    /// `write_here`: the shard has nothing else to do meanwhile.
    std::function<void(model::MutationGroup, model::GroupNumber, bool write_here)> commit;
    /// Effects that may happen now, in order.
    std::function<void(model::ShardId, std::vector<core::Effect>&)> perform;
    /// Loads of instances that changed, one per instance and burst.
    std::function<void(model::ShardId, const std::vector<core::InstanceLoad>&)> instance_loads;
    /// This shard has stepped the event.
    std::function<void(const core::SessionEnded&)> session_drained;
    std::function<void(const core::InstanceReserved&)> reservation_seen;
    /// So many bytes of commands do not wait any more: publishes are durable, others were stepped.
    std::function<void(std::size_t)> bytes_done;
    /// After TrimNow was stepped and its group is durable.
    std::function<void(model::ShardId)> trimmed;
  };

  ShardRunner(model::ShardId shard, ShardPipeline pipeline, const Clock& clock, Wiring wiring);
  ~ShardRunner();

  void start();
  /// Any thread.
  void post(core::Event::What what, std::size_t bytes = 0);
  /// Steps and commits what is in the mailbox, then joins the thread.
  void stop();

  std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  std::uint64_t held() const { return held_count_.load(std::memory_order_relaxed); }
  std::uint64_t confirms_held() const { return confirms_held_.load(std::memory_order_relaxed); }
  const Horizon& horizon() const { return horizon_; }

 private:
  struct Item {
    std::optional<core::Event::What> what;  // nullopt: stop
    std::size_t bytes = 0;
  };
  void run();
  void step(Item item, base::Instant now);
  void flush_effects();
  std::optional<std::chrono::steady_clock::time_point> deadline() const;

  const model::ShardId shard_;
  const Clock& clock_;
  const WatchingClock* const watcher_;  // the same, if it is one that watches; else null
  const Wiring wiring_;
  ShardPipeline pipeline_;
  bool stopping_ = false;
  std::size_t stepped_bytes_ = 0;  // done with, and not yet told

  Mailbox<Item> mailbox_;
  Horizon horizon_;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> held_count_{0};
  std::atomic<std::uint64_t> confirms_held_{0};
  std::thread thread_;
};

}  // namespace lazaret::engine

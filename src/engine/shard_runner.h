// ShardRunner: the thread of one shard. Takes what is in the mailbox, steps it, and sees that effects follow commits.
//
// One group is in flight at the committer while the next one fills. An effect that must wait is held with the number
// of the group that it needs: the filling one if that has anything urgent, else the one in flight if that had.
//
// Invariants:
//   1. `core_` is touched by this thread only.
//   2. A held effect leaves when its group is persisted, in the order in which effects were made.
//   3. Lazy mutations (acks nobody asked to have confirmed) are handed over at most ack_sync_max after the first.
#pragma once

#include <atomic>
#include <deque>
#include <functional>
#include <optional>
#include <thread>
#include <vector>

#include "core/shard.h"
#include "engine/clock.h"
#include "engine/mailbox.h"
#include "model/mutation.h"

namespace lazaret::engine {

class ShardRunner {
 public:
  /// What a shard's effects and groups go to. All are called on the shard's thread.
  struct Wiring {
    std::function<void(model::MutationGroup, model::GroupNumber)> commit;
    /// Effects that may happen now, in order.
    std::function<void(model::ShardId, std::vector<core::Effect>&)> perform;
    /// Loads of instances that changed, one per instance and burst.
    std::function<void(model::ShardId, const std::vector<core::InstanceLoad>&)> instance_loads;
    /// This shard has stepped the event.
    std::function<void(const core::SessionEnded&)> session_drained;
    std::function<void(const core::InstanceReserved&)> reservation_seen;
    /// So many bytes of publishes are durable.
    std::function<void(std::size_t)> bytes_durable;
    /// After TrimNow was stepped and its group is durable.
    std::function<void(model::ShardId)> trimmed;
  };

  ShardRunner(model::ShardId shard, core::Shard core, model::ShardMeta meta, base::Duration ack_sync_max,
              const Clock& clock, Wiring wiring);
  ~ShardRunner();

  void start();
  /// Any thread.
  void post(core::Event::What what, std::size_t bytes = 0);
  /// Steps and commits what is in the mailbox, then joins the thread.
  void stop();

  std::uint64_t steps() const { return steps_.load(std::memory_order_relaxed); }
  std::uint64_t held() const { return held_count_.load(std::memory_order_relaxed); }

 private:
  struct Item {
    std::optional<core::Event::What> what;  // nullopt: stop
    std::size_t bytes = 0;
  };
  struct Held {
    model::GroupNumber needs;
    core::Effect effect;
  };
  /// A group as long as it is not durable.
  struct Group {
    model::GroupNumber number;
    bool urgent = false;
    bool trims = false;
    std::size_t bytes = 0;
  };

  void run();
  void step(Item item, base::Instant now);
  void persisted(model::GroupNumber group);
  void collect_effects();
  void flush_effects();
  void seal_if_due(base::Instant now);
  void seal(base::Instant now);
  bool idle() const;
  std::optional<std::chrono::steady_clock::time_point> deadline() const;

  const model::ShardId shard_;
  const base::Duration ack_sync_max_;
  const Clock& clock_;
  const Wiring wiring_;

  core::Shard core_;
  model::ShardMeta meta_;
  core::Output out_;
  Group filling_;
  std::optional<Group> in_flight_;
  std::optional<base::Instant> lazy_since_;
  std::deque<Held> held_;
  std::vector<core::Effect> ready_;
  std::vector<core::InstanceLoad> loads_;
  std::vector<model::SessionId> drained_;
  bool stopping_ = false;

  Mailbox<Item> mailbox_;
  std::atomic<std::uint64_t> steps_{0};
  std::atomic<std::uint64_t> held_count_{0};
  std::thread thread_;
};

}  // namespace lazaret::engine

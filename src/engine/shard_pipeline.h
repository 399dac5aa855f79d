// ShardPipeline: the steps of one shard, cut into groups, and what waits for which of them. It has no thread and no
// clock: ShardRunner drives it in the daemon, the simulated world in tests.
//
//   step … step ─▶ filling ──seal──▶ in flight (at the committer) ──Persisted──▶ effects leave
//
// Groups are in flight while the next one fills; those that wait at the committer become one write. An effect that must
// wait is held with the number of the group that it needs: the filling one if that has anything urgent, else the last
// one in flight that had.
//
// Acks make no group go, but one whose consumer is out of credit: the next publish takes them along. Two syncs a
// message would be one too many, and the second is in the way of whoever publishes next.
//
// Threading: none; one owner calls everything.
// Invariants:
//   1. A held effect leaves when its group is persisted, in the order in which effects were made; but deliveries do not
//      wait behind the confirm of an ack that still rides.
//   2. Acks are sealed at most ack_sync_max after the first; those that are to be confirmed after kRideMost, if that is
//      less.
//   3. At most kGroupsInFlight groups are in flight; they are persisted in their order.
#pragma once

#include <deque>
#include <optional>
#include <vector>

#include "core/shard.h"
#include "model/mutation.h"

namespace lazaret::engine {

class ShardPipeline {
 public:
  /// Beyond, the next group fills until one of them is durable.
  static constexpr std::size_t kGroupsInFlight = 32;

  /// How long acks that are to be confirmed wait for company.
  static constexpr base::Duration kRideMost{1000};

  /// What became durable with the groups that a Persisted was for.
  struct Durable {
    std::size_t bytes = 0;  // of publishes
    bool trims = false;     // a TrimNow was stepped in it
  };
  struct Sealed {
    model::MutationGroup group;
    model::GroupNumber number;
  };

  ShardPipeline(model::ShardId shard, core::Shard core, model::ShardMeta meta, base::Duration ack_sync_max);

  /// One event; `bytes` of publishes came with it.
  Durable step(core::Event::What what, std::size_t bytes, base::Instant now);
  /// The group that fills, when it is due; `at_once`: due or not.
  std::optional<Sealed> seal_if_due(base::Instant now, bool at_once = false);

  /// Effects that may happen now, in order; whoever does them clears it.
  std::vector<core::Effect>& ready() { return ready_; }
  /// Loads of instances that changed since the last call, one an instance.
  std::vector<core::InstanceLoad> take_loads() { return std::exchange(loads_, {}); }
  /// When the core wants a WakeUp next.
  base::Instant next_wakeup() const { return core_.next_wakeup(); }
  /// When there is something to do without any event: a WakeUp, or the group.
  base::Instant next_deadline() const;
  /// Nothing fills, is in flight, or is held.
  bool idle() const;
  /// When the first of what is not on the disk was done; never(): all is.
  base::Instant unpersisted_since() const;
  std::size_t held() const { return held_.size() + riding_.size(); }
  /// As the core says.
  std::uint64_t confirms_held() const { return core_.confirms_held(); }

 private:
  struct Held {
    model::GroupNumber needs;
    std::uint64_t order;
    core::Effect effect;
  };
  /// A group as long as it is not durable.
  struct Group {
    model::GroupNumber number;
    bool urgent = false;
    bool sync = false;  // it has something of a queue that is not relaxed
    bool rides = false;
    Durable durable{};
    base::Instant since = base::Instant::never();  // of its first mutation
  };

  Durable persisted(model::GroupNumber group);
  std::optional<model::GroupNumber> last_urgent() const;
  void collect_effects();
  void hold(core::Effect effect, bool rides);
  void add_load(const core::InstanceLoad& load);
  Sealed seal(base::Instant now);

  const model::ShardId shard_;
  const base::Duration ack_sync_max_;
  core::Shard core_;
  model::ShardMeta meta_;
  core::Output out_;
  Group filling_;
  std::deque<Group> in_flight_;
  base::Instant seal_at_ = base::Instant::never();  // for what is not urgent
  std::deque<Held> held_;
  std::deque<Held> riding_;  // confirms of acks
  std::uint64_t last_order_ = 0;
  std::vector<core::Effect> ready_;
  std::vector<core::InstanceLoad> loads_;
};

}  // namespace lazaret::engine

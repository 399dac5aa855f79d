// InstanceRegistry: one record per client process, over all its connections, consumers and shards: whether it is
// there, how much it has begun, and who isolates with it (semantics: "Instance", "A consumer goes", "Suspects").
//
// A state machine without clock, threads or I/O: times are stated, what the shards must learn is appended to Events.
// The engine guards it with a mutex and posts the events, in order, while it holds it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "base/time.h"
#include "core/effect.h"
#include "core/event.h"
#include "model/records.h"

namespace lazaret::engine {

/// An event for one shard, or (nullopt) for every shard.
struct ShardEvent {
  std::optional<model::ShardId> shard;
  core::Event::What what;
};

class InstanceRegistry {
 public:
  using Events = std::vector<ShardEvent>;
  struct Graces {
    base::Duration reconnect;
    base::Duration resume;
  };

  InstanceRegistry(std::uint16_t shards, Graces graces) : shards_(shards), graces_(graces) {}

  /// After a start: these held deliveries when the broker stopped. ResumeOver follows when all are back.
  void await(const std::vector<model::InstanceRecord>& instances, base::Instant now);
  bool resuming() const { return !awaited_.empty(); }

  /// `connections`: how many the instance had before it was away, by its own account.
  void session_opened(model::SessionId session, const model::InstanceRecord& instance, base::Instant now,
                      std::uint32_t connections = 1);
  /// The client has opened all consumers of this session again.
  void session_resumed(model::SessionId session, Events& events);
  void session_quiet(model::SessionId session, bool quiet, Events& events);
  void session_ended(model::SessionId session, core::SessionEnded::How how, base::Instant now, Events& events);
  /// A shard has stepped the SessionEnded of this session.
  void session_drained(model::SessionId session, Events& events);

  void load_changed(const core::InstanceLoad& load, Events& events);
  void reserve(const core::ReserveInstance& wish, model::ShardId shard, Events& events);
  void release(const core::ReleaseInstance& wish, Events& events);
  /// A shard has stepped InstanceReserved: it grants nothing more to the instance.
  void reservation_seen(const model::InstanceId& instance, Events& events);

  void tick(base::Instant now, Events& events);
  base::Instant next_deadline() const;
  std::size_t size() const { return instances_.size(); }
  /// Whether this live session is one of that instance.
  bool is_of(model::SessionId session, const model::InstanceId& instance) const;
  /// Deliveries that all instances have and have not settled.
  std::uint64_t out() const;

 private:
  struct Reservation {
    model::SubscriptionId subscription;
    model::ShardId shard;
    std::uint32_t seen = 0;  // shards that know
    bool ready = false;      // IsolationReady was sent
  };
  struct Instance {
    model::InstanceRecord info;
    std::set<model::SessionId> sessions;
    std::set<model::SessionId> quiet;
    /// Its leases do not expire: no live connection, or none that is heard.
    bool away = false;
    /// It must open its consumers again before it counts as back: on so many connections, of which these have.
    bool must_resume = false;
    std::uint32_t connections = 1;
    std::set<model::SessionId> resumed;
    /// When it is given up; never() while nobody waits. `give_up_at` says so.
    base::Instant give_up = base::Instant::never();
    /// SessionEnded events that shards have not stepped yet.
    std::uint32_t draining = 0;
    std::int64_t begun = 0;
    std::int64_t out = 0;
    std::optional<Reservation> reservation;
  };
  using Instances = std::map<model::InstanceId, Instance>;

  Instance* of_session(model::SessionId session);
  void back(Instance& instance, Events& events);
  void away_if_all_quiet(Instance& instance, Events& events);
  void give_up_at(Instance& instance, base::Instant time);
  void give_up(Instance& instance, Events& events);
  void end_reservation(Instance& instance, Events& events);
  void check_isolation(Instance& instance, Events& events);
  void no_longer_awaited(const model::InstanceId& instance, Events& events);
  void forget_if_idle(const model::InstanceId& instance);

  std::uint16_t shards_;
  Graces graces_;
  Instances instances_;
  /// Those that are waited for, by when they are given up: a tick costs the same however many others there are.
  std::set<std::pair<base::Instant, model::InstanceId>> waited_for_;
  std::map<model::SessionId, model::InstanceId> sessions_;  // live ones
  std::map<model::SessionId, model::InstanceId> draining_;  // ended ones that shards have not all stepped
  std::map<model::SessionId, std::uint32_t> drains_left_;
  std::set<model::InstanceId> awaited_;
  base::Instant resume_until_ = base::Instant::never();
};

}  // namespace lazaret::engine

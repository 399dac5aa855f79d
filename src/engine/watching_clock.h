// WatchingClock: a clock that moves when it is told to, and wants to know when the engine has nothing left to do at the
// time that it shows. Tests have one (src/testing); the time of a daemon goes by itself.
//
// Where time stands still nothing may wait for its going on: such an engine has an ack_sync_max and a
// confirm_hold_max of 0.
//
// What the engine tells it is a ledger: so much is still to be done, and each shard's next time. Whatever causes more
// work says so before it counts as done itself, so a ledger without work is one in which nothing is under way.
//
// Threading: the engine's threads call everything here, some while they hold a mutex: it must neither block nor call
// back.
#pragma once

#include <cstddef>
#include <functional>

#include "engine/clock.h"
#include "model/ids.h"

namespace lazaret::engine {

class WatchingClock : public Clock {
 public:
  // The engine has clocks as const: what this one notes of the engine is none of its time.

  /// An event is on its way to a shard, or a read of the store begins.
  virtual void work_begins() const = 0;
  /// So many of them are done.
  virtual void work_ends(std::size_t count) const = 0;
  /// The shard waits for its next event, or for the clock to show `next`. Not `idle`: for a write as well.
  virtual void shard_waits(model::ShardId shard, base::Instant next, bool idle) const = 0;

  /// Has the shards and the instance records look at the time, and says when the records want to next.
  using Look = std::function<base::Instant()>;
  /// To be called whenever the clock has moved, on the mover's thread; null when the engine stops.
  virtual void look_with(Look look) const = 0;
};

}  // namespace lazaret::engine

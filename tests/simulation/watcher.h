// Watcher: what may look at a run. It sees the seam between the core and the rest of the broker (every event that is
// stepped, every group that is sealed, every effect that is done) and nothing that is inside.
#pragma once

#include "core/effect.h"
#include "core/event.h"

namespace lazaret::simulation {

class Watcher {
 public:
  virtual ~Watcher() = default;
  /// About to be stepped.
  virtual void event(model::ShardId, base::Instant, const core::Event::What&) {}
  /// Sealed, and on its way to the store.
  virtual void group(const model::MutationGroup&) {}
  /// About to be done: everything that it waited for is durable, or should be.
  virtual void effect(model::ShardId, const core::Effect&) {}
  /// The broker is gone, and what was not synced with it.
  virtual void crashed() {}
};

}  // namespace lazaret::simulation

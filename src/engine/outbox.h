// Outbox: how the engine reaches a session.
#pragma once

#include <vector>

#include "model/answer.h"

namespace lazaret::engine {

/// Implemented by a connection's session and by the admin API's desk.
/// Threading: called by shard threads and the engine's own; must not block and must not call the engine back.
class Outbox {
 public:
  virtual ~Outbox() = default;
  /// Everything here is durable. In order for one shard; between shards there is no order.
  virtual void tell(std::vector<model::Answer>&& answers) = 0;
  /// There is room again after `Engine::submit` returned false.
  virtual void resume_reading() = 0;
  /// A reconnect of the same client takes this session's place: read what the socket still holds, submit it, then
  /// end_session(…, replaced).
  virtual void replaced() = 0;
};

}  // namespace lazaret::engine

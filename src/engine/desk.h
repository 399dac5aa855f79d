// Desk: a session of the broker's own, for callers that ask one thing and wait for its answer (admin, tests).
//
// Threading: any thread.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <unordered_map>

#include "engine/engine.h"

namespace lazaret::engine {

class Desk : public Outbox, public std::enable_shared_from_this<Desk> {
 public:
  using Callback = std::function<void(model::Answer&&)>;

  /// Opens the desk's session. Close it with `close` before the engine stops.
  static std::shared_ptr<Desk> open(Engine& engine);
  void close();

  /// Sends `command` with an origin of this desk; `then` is called once with its answer, on a shard's thread, and
  /// must not block. Of a request that is how it ended: notes on the way are passed over. After `close` it is called
  /// with Done{SHUTTING_DOWN}. `bytes`: what the command holds in memory beside itself.
  template <class Command>
  model::Origin ask(model::ShardId shard, Command command, Callback then, std::size_t bytes = 0) {
    const model::Origin origin{session_, remember(std::move(then))};
    command.origin = origin;
    engine_->submit(session_, shard, model::Command(std::move(command)), bytes);
    return origin;
  }
  /// Of a request that was asked with `leave.origin` nobody waits any more: `then` is not called, unless it is being
  /// called now. It is forgotten here and at its shard, where it would have kept a place until the request's end.
  void leave(model::ShardId shard, const model::LeaveRequest& leave);

  void tell(std::vector<model::Answer>&& answers) override;
  void resume_reading() override {}
  void replaced() override {}

 private:
  explicit Desk(Engine& engine) : engine_(&engine) {}
  std::uint64_t remember(Callback then);

  Engine* engine_;
  model::SessionId session_;
  std::mutex mutex_;
  std::uint64_t last_request_ = 0;                       // GUARDED_BY(mutex_)
  bool closed_ = false;                                  // GUARDED_BY(mutex_)
  std::unordered_map<std::uint64_t, Callback> waiting_;  // GUARDED_BY(mutex_)
};

}  // namespace lazaret::engine

// Server: the broker over HTTP. REST under /api/v1, Prometheus metrics, health, and its own description in OpenAPI.
//
//   socket ─▶ HttpSession (I/O thread) ─▶ Dispatcher (worker) ─▶ handler ─▶ engine::Desk ─▶ shard
//
// A handler is a plain function from request to response. It runs on one of two workers and may wait, at most 30
// seconds, for a shard; the I/O thread never waits for anything but sockets.
//
// Against other people's pages in the operator's browser: `Host` must be an address of this broker (DNS rebinding),
// `Origin`, where there is one, must be the same, and what changes something must be `application/json`, which a page
// of another origin can only send after a preflight that is never granted.
//
// Threading: `start`, `stop` and the destructor from one thread, `address` from any.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "admin/mask.h"
#include "alerts/alerts.h"
#include "base/status.h"
#include "base/time.h"
#include "engine/engine.h"
#include "hospital/replay_jobs.h"
#include "model/options.h"

namespace lazaret::admin {

struct ServerConfig {
  std::string host;
  std::uint16_t port = 0;  // 0: a free one
  /// Names that `Host` may have, beside loopback names and the address that is bound.
  std::vector<std::string> allowed_hosts;
  std::uint64_t max_message_bytes = 16u << 20;
  std::uint64_t max_header_bytes = 64u << 10;
  model::QueueOptions defaults;  // of new queues
  bool auto_create = false;      // a queue that is published to
  Mask mask;                     // what of messages nobody sees
  std::string version;           // of the broker
  std::string instance;          // uuid text of this start of the broker
  /// Engine time ahead of the wall clock at the start; shown in health when it is more than a minute.
  base::Duration clock_ahead{};
};

class Server {
 public:
  /// Listens and serves on its own threads: one for I/O and two workers. `engine`, `replays` and `alerts` outlive
  /// the server.
  /// BAD_CONFIGURATION when it cannot listen there.
  static base::Result<std::unique_ptr<Server>> start(ServerConfig config, engine::Engine& engine,
                                                     hospital::ReplayJobs& replays, alerts::Alerts& alerts);
  /// Calls stop().
  ~Server();

  /// "127.0.0.1:7351" with the true port; "[::1]:7351" for IPv6.
  std::string address() const;
  /// Takes no more requests, lets those in hand finish for two seconds, then cuts them off and joins the threads.
  /// An integrity check that runs is ended at once. Idempotent.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lazaret::admin

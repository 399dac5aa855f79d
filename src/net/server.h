// Server: the binary protocol's front door. Listens, and gives each connection a Session on one of its I/O threads.
//
// Threading: any thread, `stop` from one.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "engine/engine.h"
#include "model/limits.h"
#include "model/options.h"

namespace lazaret::net {

struct ServerConfig {
  /// An address of this machine; port 0 takes a free one.
  std::string host = "127.0.0.1";
  std::uint16_t port = 0;
  std::uint64_t io_threads = 2;
  /// More are refused with LIMIT_REACHED.
  std::uint64_t max_connections = 10'000;
  std::uint64_t max_message_bytes = model::limits::kMessageBytesDefault;
  std::uint64_t max_header_bytes = model::limits::kEnvelopeBytesDefault;
  /// Both sides say something this often; twice as long without a sign of life ends the connection.
  base::Duration heartbeat = model::limits::kHeartbeat;
  /// Options of new queues where the client names none.
  model::QueueOptions defaults;
  /// Create, with the defaults, what is published to or consumed from and is not there.
  bool auto_create = false;
  /// Names that `alert_to` may have. nullopt: any, since nobody is told of anything here.
  std::optional<std::vector<std::string>> webhooks;
  /// Told to clients: who we are, and (by `serve`) where the HTTP API is.
  std::string admin_address;
  base::Uuid broker_instance;
  std::string broker_version;
};

class Server {
 public:
  /// Listens: whoever connects from now on is served when `serve` is called. Why not: the address is taken or not ours
  /// (BAD_CONFIGURATION).
  static base::Result<std::unique_ptr<Server>> listen(ServerConfig config, engine::Engine& engine);
  /// `admin_address`: told to clients, where the HTTP API is. Once.
  void serve(std::string admin_address);
  /// Calls stop(). Destroy it after the engine: sessions that the engine still knows live on our I/O threads.
  ~Server();

  /// HOST:PORT with the true port.
  std::string address() const;
  /// No new connections.
  void stop_accepting();
  /// Tells every client Closing(SHUTTING_DOWN), writes what waits (a second at most), and joins the threads.
  void stop();

 private:
  struct Impl;
  explicit Server(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace lazaret::net

// Broker: the parts of the daemon, put together in the order in which they start, and taken apart in the reverse.
//
//   store ─▶ engine ─▶ replay jobs ─▶ alerts ─▶ admin ─▶ net ─▶ addresses file
//
// Threading: one thread, the main one.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "admin/server.h"
#include "alerts/alerts.h"
#include "base/status.h"
#include "daemon/configuration.h"
#include "daemon/readiness.h"
#include "engine/engine.h"
#include "hospital/replay_jobs.h"
#include "model/store.h"
#include "net/server.h"

namespace rocksdb {
class Env;
}

namespace lazaret::daemon {

/// Where tests stand between the broker and its disk. A broker that is shipped has none of it.
struct Seams {
  /// The file system; nullptr for the machine's.
  rocksdb::Env* env = nullptr;
  /// Stands in front of the store.
  std::function<std::unique_ptr<model::Store>(std::unique_ptr<model::Store>)> watch{};
};

class Broker {
 public:
  /// Recovers the data directory and serves; when it returns, clients can connect and the addresses file is written.
  static base::Result<std::unique_ptr<Broker>> start(const Configuration& configuration, const Seams& seams = {});
  /// Calls stop().
  ~Broker();

  const std::string& broker_address() const { return broker_address_; }
  const std::string& admin_address() const { return admin_address_; }

  /// First phase of stopping: no new connections and no new leases; consumers are told to finish.
  void drain();
  /// Whether nothing is out to any consumer.
  bool drained() const;
  /// Second phase: says goodbye to whoever is left, commits what was submitted, and ends.
  void stop();

 private:
  Broker() = default;
  base::Status open(const Configuration& configuration, const Seams& seams);
  base::Status watch(alerts::AlertsConfig config, const std::shared_ptr<alerts::ShardNews>& news);
  base::Status serve(const Configuration& configuration);

  std::string instance_;
  std::string broker_address_;
  std::string admin_address_;
  std::unique_ptr<model::Store> store_;
  std::unique_ptr<engine::SystemClock> clock_;
  // The engine's sessions live on the server's threads, so the server goes last (stop()).
  std::unique_ptr<net::Server> server_;
  std::unique_ptr<engine::Engine> engine_;
  std::unique_ptr<hospital::ReplayJobs> replays_;
  std::unique_ptr<alerts::Alerts> alerts_;
  std::unique_ptr<admin::Server> admin_;
  std::unique_ptr<AddressesFile> addresses_;
};

}  // namespace lazaret::daemon

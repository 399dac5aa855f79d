// Alerts: looks at the hospital once a second, writes down what people should be told of, and then tells them: by
// webhooks, and whoever listens here.
//
//   store, breakers, jobs ─look─▶ AlertRules ─▶ SaveAlerts (shard 0) ─durable─▶ AlertLog, listener, Receivers ─▶ HTTP
//
// An alert is told of when it is on the disk, with the time up to which the hospital was looked at: so after a kill it
// is raised at most once, and told of at least once where it was to be. A receiver may get it twice, with the same id.
//
// Threading: one thread of its own looks and sends; it waits for no shard and no receiver. `start` and `stop` from one
// thread, the rest from any.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "alerts/alert_log.h"
#include "alerts/alert_rules.h"
#include "alerts/receiver.h"
#include "alerts/shard_news.h"
#include "alerts/webhook.h"
#include "engine/desk.h"
#include "hospital/replay_jobs.h"

namespace lazaret::alerts {

struct AlertsConfig {
  std::vector<Webhook> webhooks;
  /// Of whatever has no `alert_to`; "": nobody is.
  std::string default_webhook;
  base::Duration case_age = std::chrono::hours(24);
  /// Where people reach the page, without a slash at the end; "": alerts have no links.
  std::string public_url;
  /// Called once a second on the thread of the alerts, before it looks; must not wait. nullptr: nobody wants to know.
  std::function<void()> before_look;
  /// Called on the same thread with what became of each try, and must not wait. nullptr: nobody wants to know.
  std::function<void(const Tried&)> tried;
  std::string version;     // of the broker
  std::uint64_t seed = 0;  // of ids and of jitter
};

class Alerts {
 public:
  /// Goes on with what was kept. `engine` and `replays` outlive it.
  static base::Result<std::unique_ptr<Alerts>> start(AlertsConfig config, engine::Engine& engine,
                                                     const hospital::ReplayJobs& replays,
                                                     std::shared_ptr<ShardNews> news);
  /// Calls stop().
  ~Alerts();
  /// What was not delivered is, after the next start. REQUIRES that the engine still runs. Idempotent.
  void stop();

  /// The newest first, those before `before` only.
  std::vector<model::AlertRecord> list(std::optional<model::AlertId> before, std::size_t max) const {
    return log_.list(before, max);
  }
  AlertStats stats() const { return log_.stats(); }
  const std::string& public_url() const { return config_.public_url; }
  /// Names of all webhooks, which `alert_to` may name.
  const std::vector<std::string>& webhooks() const { return webhooks_; }
  /// Called on the thread of the alerts for each that is raised, and must not wait. nullptr: nobody listens any more.
  void listen(std::function<void(const model::AlertRecord&)> listener);

 private:
  Alerts(AlertsConfig config, engine::Engine& engine, const hospital::ReplayJobs& replays,
         std::shared_ptr<ShardNews> news, model::KeptAlerts kept, const std::vector<model::GroupRecord>& groups);
  void begin(const model::KeptAlerts& kept);
  void wait_for_next_look();
  void look();
  std::optional<Look> see(base::Instant now);
  bool is_snoozed(model::GroupId id, base::Instant now);
  void complete(model::AlertRecord& alert);
  void save(std::vector<model::AlertRecord> raised, base::Instant looked_at, bool with_mark);
  void save_rest();
  void tell(const std::vector<model::AlertRecord>& raised);
  void hand_over(const model::AlertRecord& alert);
  Receiver* receiver(const std::string& name);

  const AlertsConfig config_;
  const std::vector<std::string> webhooks_;
  engine::Engine& engine_;
  const hospital::ReplayJobs& replays_;
  const std::shared_ptr<ShardNews> news_;
  const std::shared_ptr<engine::Desk> desk_;
  AlertLog log_;

  // The thread's.
  boost::asio::io_context io_{1};
  boost::asio::steady_timer alarm_{io_};
  base::Random random_;
  AlertRules rules_;
  std::list<Receiver> receivers_;
  model::AlertId last_;
  base::Instant saved_mark_;          // that is on the disk
  std::set<model::AlertId> unsaved_;  // of which something has become since they were written
  bool saving_ = false;
  bool stopping_ = false;

  std::mutex listener_mutex_;
  std::function<void(const model::AlertRecord&)> listener_;  // GUARDED_BY(listener_mutex_)
  std::thread thread_;
};

}  // namespace lazaret::alerts

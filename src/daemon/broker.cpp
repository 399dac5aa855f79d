#include "daemon/broker.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <thread>

#include "base/duration_text.h"
#include "daemon/hospital_lines.h"
#include "daemon/webhook_lines.h"
#include "daemon/webhooks.h"
#include "model/limits.h"
#include "storage/directory_path.h"
#include "storage/rocks_store.h"
#include "wire/envelope.h"

namespace lazaret::daemon {
namespace {

using base::Code;
using base::Status;

/// Engine time this far ahead of the wall clock at the start is worth a warning.
constexpr auto kClockAheadWarning = std::chrono::seconds(60);

/// Shards and the disk need cores as well; and one thread that has much to do makes larger batches than two.
std::uint64_t io_threads(std::uint64_t configured) {
  if (configured != 0) return configured;
  return std::clamp(std::thread::hardware_concurrency() / 2, 1u, 16u);
}

std::uint64_t random_number() {
  std::random_device device;
  return (static_cast<std::uint64_t>(device()) << 32) | device();
}

base::Uuid fresh_instance() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return base::Uuid::v7(std::chrono::duration_cast<std::chrono::milliseconds>(now).count(), random_number(),
                        random_number());
}

/// A failed write or sync: what is in memory is not to be trusted any more; the next start recovers from the disk.
[[noreturn]] void end_process(const Status& status) {
  spdlog::critical("the storage failed, the broker ends at once: {}: {}", base::error_info(status.code()).name,
                   status.text());
  ::_exit(70);
}

storage::StoreOptions store_options(const Configuration& configuration) {
  const Configuration::Storage& storage = configuration.storage;
  storage::StoreOptions options;
  options.data_dir = storage.data_dir;
  options.shards = static_cast<std::uint16_t>(storage.shards);
  options.shards_given = storage.shards_given;
  options.memtable_bytes = storage.memtable_bytes;
  options.block_cache_bytes = storage.block_cache_bytes;
  options.accept_loss = storage.accept_loss;
  options.max_message_bytes = configuration.broker.max_message_bytes;
  return options;
}

void log_breaker(const core::BreakerChanged& changed) {
  const model::BreakerStats& breaker = changed.breaker;
  const std::string title = std::string(model::name_of(changed.queue->kind)) + " " + changed.queue->name;
  switch (breaker.state) {
    case model::BreakerState::open:
      return spdlog::warn("{}: circuit breaker open, {} of {} attempts had failed; nothing is granted until {}", title,
                          breaker.failures, breaker.samples, base::format_rfc3339(breaker.until));
    case model::BreakerState::half_open:
      return spdlog::info("{}: circuit breaker half open, messages are tried one at a time", title);
    case model::BreakerState::closed: return spdlog::info("{}: circuit breaker closed", title);
  }
}

void log_hospital_level(const alerts::HospitalChange& change) {
  const std::string title = std::string(model::name_of(change.queue->kind)) + " " + change.queue->name;
  const std::uint64_t most = change.queue->options.hospital_max_bytes;
  switch (change.level) {
    case model::HospitalLevel::full:
      return spdlog::warn("{}: its hospital is full, {} of {} bytes; nothing is granted but replays", title,
                          change.bytes, most);
    case model::HospitalLevel::filling:
      return spdlog::warn("{}: its hospital fills, {} of {} bytes", title, change.bytes, most);
    case model::HospitalLevel::below: return spdlog::info("{}: its hospital has room again", title);
  }
}

void log_backup(const engine::Backup& backup) {
  const std::uint64_t number = backup.record.number;
  const std::string title = number == 0 ? "a backup" : "backup " + std::to_string(number);
  const std::string_view code = base::error_info(backup.problem.code()).name;
  if (backup.state == engine::BackupState::failed) {
    return spdlog::warn("{} failed, nothing is left of it: {}: {}", title, code, backup.problem.text());
  }
  if (!backup.problem.ok()) {
    return spdlog::warn("{} is done, but older ones were not dropped: {}: {}", title, code, backup.problem.text());
  }
  spdlog::info("{} is done, {} bytes, of which {} were copied", title, backup.record.bytes, backup.copied_bytes);
}

void log_webhook(const WebhookLines::Line& line) {
  spdlog::log(line.problem.empty() ? spdlog::level::info : spdlog::level::warn, "{}", line.text());
}

/// What the configuration names is meant from where the broker was started.
std::string backup_directory(const Configuration& configuration) {
  const std::string& given = configuration.backup.directory;
  return storage::directory_path(given.empty() ? configuration.storage.data_dir + "/backups" : given);
}

engine::EngineConfig engine_config(const Configuration& configuration, const std::shared_ptr<alerts::ShardNews>& news,
                                   const std::shared_ptr<HospitalLines>& lines) {
  engine::EngineConfig config;
  config.ack_sync_max = configuration.storage.ack_sync_max;
  config.relaxed_sync_max = configuration.storage.relaxed_sync_max;
  config.confirm_hold_max = configuration.broker.confirm_hold_max;
  config.reconnect_grace = configuration.broker.reconnect_grace;
  config.resume_grace = configuration.broker.resume_grace;
  config.disk_reserve_bytes = configuration.storage.disk_reserve_bytes;
  config.disk_reserve_percent = configuration.storage.disk_reserve_percent;
  config.memtable_bytes = configuration.storage.memtable_bytes;
  config.backups.directory = backup_directory(configuration);
  config.backups.bytes_per_second = configuration.backup.bytes_per_second;
  config.backups.version = LAZARET_VERSION;
  config.backups.on_ended = log_backup;
  config.audit_retain_for = configuration.audit.retain_for;
  config.seed = random_number();
  config.read_facts = [](const model::Message& message, model::MessageFacts& facts) {
    wire::read_facts(message.envelope.view(), facts);
  };
  config.reply_envelope = wire::reply_envelope;
  config.key_of = [](const model::Message& message) { return wire::key_hash(message.envelope.view()); };
  config.on_fatal = end_process;
  config.on_breaker = [news](const core::BreakerChanged& changed) {
    log_breaker(changed);
    news->note(alerts::BreakerChange{changed.queue, changed.before, changed.breaker});
  };
  config.on_hospital_level = [news, lines](const core::HospitalLevelChanged& changed) {
    const alerts::HospitalChange change{changed.queue, changed.level, changed.bytes};
    if (lines->note(change, std::chrono::steady_clock::now())) log_hospital_level(change);
    news->note(change);
  };
  return config;
}

/// A queue outlives the configuration that it was created under.
void warn_of_unknown_webhooks(const engine::Directory& directory, const std::vector<std::string>& webhooks) {
  std::string after;
  for (auto page = directory.list(after, model::limits::kPageItems); !page.empty();
       page = directory.list(after, model::limits::kPageItems)) {
    after = page.back()->name;
    for (const engine::QueueRef& queue : page) {
      const std::string& name = queue->options.alert_to;
      if (name.empty() || std::find(webhooks.begin(), webhooks.end(), name) != webhooks.end()) continue;
      spdlog::warn(
          "{} {}: alert_to names webhook {}, which the configuration does not have; its alerts go to the "
          "default one",
          model::name_of(queue->kind), queue->name, name);
    }
  }
}

}  // namespace

base::Result<std::unique_ptr<Broker>> Broker::start(const Configuration& configuration, const Seams& seams) {
  std::unique_ptr<Broker> broker(new Broker());
  if (Status status = broker->open(configuration, seams); !status.ok()) return status;
  if (Status status = broker->serve(configuration); !status.ok()) return status;
  return broker;
}

Broker::~Broker() { stop(); }

Status Broker::open(const Configuration& configuration, const Seams& seams) {
  auto alerts = alerts_config(configuration);
  if (!alerts.ok()) return alerts.status();
  std::error_code error;
  std::filesystem::create_directories(configuration.storage.data_dir, error);
  if (error) {
    return Status(Code::BAD_CONFIGURATION,
                  "storage.data_dir: cannot create " + configuration.storage.data_dir + ": " + error.message());
  }
  storage::StoreOptions options = store_options(configuration);
  options.env = seams.env;
  auto store = storage::open_store(options);
  if (!store.ok()) return store.status();
  store_ = seams.watch ? seams.watch(std::move(*store)) : std::move(*store);
  if (configuration.storage.accept_loss) spdlog::warn("started with --accept-loss: synced writes may be missing");

  auto recovered = store_->recover();
  if (!recovered.ok()) return recovered.status();
  base::Instant latest;
  for (const model::RecoveredShard& shard : *recovered) latest = std::max(latest, shard.meta.engine_time);
  clock_ = std::make_unique<engine::SystemClock>(latest);
  if (clock_->ahead_at_start() > kClockAheadWarning) {
    spdlog::warn("engine time is {} ahead of the wall clock: was the clock set back?",
                 base::format_duration(clock_->ahead_at_start()));
  }
  const auto news = std::make_shared<alerts::ShardNews>();
  const auto lines = std::make_shared<HospitalLines>();
  const auto webhook_lines = std::make_shared<WebhookLines>();
  alerts->before_look = [lines, webhook_lines] {
    const auto now = std::chrono::steady_clock::now();
    for (const auto& change : lines->due(now)) log_hospital_level(change);
    for (const auto& line : webhook_lines->due(now)) log_webhook(line);
  };
  alerts->tried = [webhook_lines](const alerts::Tried& tried) {
    if (const auto line = webhook_lines->note(tried, std::chrono::steady_clock::now())) log_webhook(*line);
  };
  auto engine =
      engine::Engine::start(engine_config(configuration, news, lines), *store_, std::move(*recovered), *clock_);
  if (!engine.ok()) return engine.status();
  engine_ = std::move(*engine);
  auto replays = hospital::ReplayJobs::start(*engine_);
  if (!replays.ok()) return replays.status();
  replays_ = std::move(*replays);
  return watch(std::move(*alerts), news);
}

Status Broker::watch(alerts::AlertsConfig config, const std::shared_ptr<alerts::ShardNews>& news) {
  config.version = LAZARET_VERSION;
  config.seed = random_number();
  auto alerts = alerts::Alerts::start(std::move(config), *engine_, *replays_, news);
  if (!alerts.ok()) return alerts.status();
  alerts_ = std::move(*alerts);
  warn_of_unknown_webhooks(engine_->directory(), alerts_->webhooks());
  return {};
}

Status Broker::serve(const Configuration& configuration) {
  const base::Uuid instance = fresh_instance();
  instance_ = instance.to_string();
  const auto admin_listen = parse_address(configuration.admin.listen);
  const auto broker_listen = parse_address(configuration.broker.listen);
  if (!admin_listen.ok()) return admin_listen.status();
  if (!broker_listen.ok()) return broker_listen.status();

  // The binary port listens before the HTTP API can say that the broker is ready.
  net::ServerConfig net_config;
  net_config.host = broker_listen->host;
  net_config.port = broker_listen->port;
  net_config.io_threads = io_threads(configuration.broker.io_threads);
  net_config.max_connections = configuration.broker.max_connections;
  net_config.max_message_bytes = configuration.broker.max_message_bytes;
  net_config.max_header_bytes = configuration.broker.max_header_bytes;
  net_config.heartbeat = configuration.broker.heartbeat;
  net_config.auto_create = configuration.broker.auto_create;
  net_config.defaults = configuration.defaults;
  net_config.webhooks = alerts_->webhooks();
  net_config.broker_instance = instance;
  net_config.broker_version = LAZARET_VERSION;
  auto server = net::Server::listen(std::move(net_config), *engine_);
  if (!server.ok()) return server.status();
  server_ = std::move(*server);
  broker_address_ = server_->address();

  admin::ServerConfig admin_config;
  admin_config.host = admin_listen->host;
  admin_config.port = admin_listen->port;
  admin_config.allowed_hosts = configuration.admin.allowed_hosts;
  admin_config.max_message_bytes = configuration.broker.max_message_bytes;
  admin_config.max_header_bytes = configuration.broker.max_header_bytes;
  admin_config.auto_create = configuration.broker.auto_create;
  admin_config.defaults = configuration.defaults;
  auto types = admin::ProtobufTypes::read(configuration.hospital.protobuf_descriptors);
  if (!types.ok()) return types.status();
  auto mask = admin::Mask::of(configuration.hospital.masked_paths, configuration.hospital.masked_headers,
                              std::move(*types), configuration.broker.max_message_bytes);
  if (!mask.ok()) return mask.status();
  admin_config.mask = std::move(*mask);
  admin_config.version = LAZARET_VERSION;
  admin_config.instance = instance_;
  admin_config.clock_ahead = clock_->ahead_at_start();
  auto admin = admin::Server::start(std::move(admin_config), *engine_, *replays_, *alerts_);
  if (!admin.ok()) return admin.status();
  admin_ = std::move(*admin);
  admin_address_ = admin_->address();
  server_->serve(admin_address_);

  addresses_ = std::make_unique<AddressesFile>(configuration.storage.data_dir);
  return addresses_->write(broker_address_, admin_address_, instance_);
}

void Broker::drain() {
  if (addresses_ != nullptr) addresses_->remove();
  server_->stop_accepting();
  replays_->stop();
  engine_->drain();
  alerts_->stop();
}

bool Broker::drained() const { return engine_->stats().out == 0; }

void Broker::stop() {
  if (addresses_ != nullptr) addresses_->remove();
  if (admin_ != nullptr) admin_->stop();
  if (replays_ != nullptr) replays_->stop();
  if (alerts_ != nullptr) alerts_->stop();
  if (server_ != nullptr) server_->stop();
  if (engine_ != nullptr) engine_->stop();
  admin_.reset();
  alerts_.reset();
  replays_.reset();
  engine_.reset();
  server_.reset();
  store_.reset();
}

}  // namespace lazaret::daemon

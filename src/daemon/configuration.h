// Configuration: what an operator decides, from four places, later ones first: defaults, the file (TOML), the
// environment (LAZARET_CFG_<SECTION>__<KEY>), the command line (--set section.key=value and the flags).
// config/README.md lists every key; a test compares that list with this one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/alert.h"
#include "model/options.h"

namespace lazaret::daemon {

struct Configuration {
  struct Broker {
    std::string listen = "127.0.0.1:7350";
    bool allow_unauthenticated = false;
    bool auto_create = false;
    std::uint64_t max_message_bytes = 16u << 20;
    std::uint64_t max_header_bytes = 64u << 10;
    std::uint64_t max_connections = 10'000;
    std::uint64_t io_threads = 0;                                     // 0: one for two cores
    base::Duration confirm_hold_max = std::chrono::milliseconds(50);  // 0: never
    base::Duration heartbeat = std::chrono::seconds(10);
    base::Duration stop_wait = std::chrono::seconds(30);
    base::Duration reconnect_grace = std::chrono::seconds(5);
    base::Duration resume_grace = std::chrono::seconds(5);
  } broker;
  struct Admin {
    std::string listen = "127.0.0.1:7351";
    std::vector<std::string> allowed_hosts;
    std::string public_url;  // without a slash at its end
  } admin;
  struct Webhook {
    std::string url;
    std::string secret_file;
    std::string ca_file;  // "": whom the system trusts
    std::vector<model::AlertKind> kinds = model::alert_kinds();
  };
  struct Alerts {
    std::string default_webhook;
    base::Duration case_age = std::chrono::hours(24);
    std::map<std::string, Webhook> webhooks;
  } alerts;
  struct Storage {
    std::string data_dir = "/var/lib/lazaret";
    std::uint64_t shards = 2;
    /// Whether `shards` was given: then a data directory with another number is refused.
    bool shards_given = false;
    std::uint64_t memtable_bytes = 64u << 20;
    std::uint64_t block_cache_bytes = 32u << 20;
    std::uint64_t disk_reserve_bytes = 256u << 20;
    double disk_reserve_percent = 5;
    base::Duration ack_sync_max = std::chrono::milliseconds(5);
    base::Duration relaxed_sync_max = std::chrono::milliseconds(200);
    bool accept_loss = false;  // only by --accept-loss
  } storage;
  struct Backup {
    std::string directory;  // "": `backups` in the data directory
    std::uint64_t bytes_per_second = 64u << 20;
  } backup;
  struct Hospital {
    std::vector<std::string> masked_paths;
    std::vector<std::string> masked_headers;
    std::vector<std::string> protobuf_descriptors;  // files, which could be read when this was loaded
  } hospital;
  struct Audit {
    base::Duration retain_for = std::chrono::hours(24 * 400);  // 0: for ever
  } audit;
  model::QueueOptions defaults;
  struct Log {
    std::string level = "info";
    std::string format = "text";
  } log;
  /// Where each key that was given was given: "lazaret.toml:12", "command line".
  std::map<std::string, std::string, std::less<>> places;
};

/// What the command line says of the configuration.
struct ConfigurationSources {
  std::string file;  // "" for none
  /// section.key → value, in the order given; flags such as --listen come as their keys.
  std::vector<std::pair<std::string, std::string>> settings;
  bool accept_loss = false;
};

/// BAD_CONFIGURATION with a sentence that names the place (file, line), the key and what is allowed.
base::Result<Configuration> load_configuration(const ConfigurationSources& sources, char** environment);

/// "section.key" of every key, in the order of the reference; those of webhooks, which have names of their own
/// (webhooks.h), are left out.
std::vector<std::string> configuration_keys();

/// A host and a port; "[::1]:7350" and "127.0.0.1:0" are allowed, a missing port is not.
struct Address {
  std::string host;
  std::uint16_t port = 0;
  bool loopback = false;
};
base::Result<Address> parse_address(std::string_view text);

}  // namespace lazaret::daemon

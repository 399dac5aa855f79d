#include "daemon/configuration.h"

#include <toml++/toml.h>
#include <algorithm>
#include <cctype>
#include <charconv>
#include <filesystem>
#include <functional>

#include "admin/mask.h"
#include "admin/protobuf_types.h"
#include "base/duration_text.h"
#include "daemon/list_text.h"
#include "daemon/webhooks.h"
#include "model/limits.h"
#include "storage/directory_path.h"

namespace lazaret::daemon {
namespace {

using base::Code;
using base::Status;

/// Sets one key from its text; says what is allowed when the text is not.
using Setter = std::function<Status(Configuration&, const std::string&)>;

struct Key {
  std::string name;
  Setter set;
  bool is_list = false;
};

Status bad(const std::string& allowed) { return Status(Code::BAD_CONFIGURATION, "must be " + allowed); }

Setter path(std::function<std::string&(Configuration&)> field) {
  return [field](Configuration& c, const std::string& value) {
    if (value.empty()) return bad("a directory");
    field(c) = value;
    return Status();
  };
}

Setter address(std::function<std::string&(Configuration&)> field) {
  return [field](Configuration& c, const std::string& value) {
    if (!parse_address(value).ok()) return bad("HOST:PORT");
    field(c) = value;
    return Status();
  };
}

Setter one_of(std::function<std::string&(Configuration&)> field, std::vector<std::string> allowed) {
  return [field, allowed](Configuration& c, const std::string& value) {
    if (std::find(allowed.begin(), allowed.end(), value) == allowed.end()) {
      std::string list;
      for (const std::string& word : allowed) list += (list.empty() ? "" : ", ") + word;
      return bad("one of " + list);
    }
    field(c) = value;
    return Status();
  };
}

Setter flag(std::function<bool&(Configuration&)> field) {
  return [field](Configuration& c, const std::string& value) {
    if (value != "true" && value != "false") return bad("true or false");
    field(c) = value == "true";
    return Status();
  };
}

template <class Number>
Setter number(std::function<Number&(Configuration&)> field, Number least, Number most) {
  return [field, least, most](Configuration& c, const std::string& value) {
    Number parsed{};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
    const bool whole = error == std::errc() && end == value.data() + value.size();
    // Said this way round, what is not a number is out of range too.
    if (!whole || !(parsed >= least && parsed <= most)) {
      return bad("a number from " + std::to_string(least) + " to " + std::to_string(most));
    }
    field(c) = parsed;
    return Status();
  };
}

Setter duration(std::function<base::Duration&(Configuration&)> field, base::Duration least, base::Duration most) {
  return [field, least, most](Configuration& c, const std::string& value) {
    const auto parsed = base::parse_duration(value);
    if (!parsed.ok() || *parsed < least || *parsed > most) {
      return bad("a duration from " + base::format_duration(least) + " to " + base::format_duration(most));
    }
    field(c) = *parsed;
    return Status();
  };
}

/// A name with one of these is the mark of a list that was written as one text, and would never be met.
Status set_allowed_hosts(Configuration& c, const std::string& value) {
  std::vector<std::string> names = items_of(value);
  for (const std::string& name : names) {
    const bool plain = std::all_of(name.begin(), name.end(), [](char one) {
      return static_cast<unsigned char>(one) > 0x20 && one != 0x7f &&
             std::string_view("\"'`,;/\\").find(one) == std::string_view::npos;
    });
    // [::1] is an address, ["a.example"] a list in the wrong place.
    const bool is_bracketed = name.starts_with('[') && name.find(']') == name.size() - 1 && name.size() > 2 &&
                              name.find('[', 1) == std::string::npos;
    const bool has_bracket = name.find_first_of("[]") != std::string::npos;
    const bool has_port = !has_bracket && std::count(name.begin(), name.end(), ':') == 1;
    if (!plain || has_port || (has_bracket && !is_bracketed)) {
      return bad("names of hosts, without blanks, quotes and ports (\"" + name + "\" is none)");
    }
  }
  c.admin.allowed_hosts = std::move(names);
  return {};
}

/// "": none is set.
Status set_public_url(Configuration& c, const std::string& value) {
  const bool plain = std::all_of(value.begin(), value.end(), [](char one) {
    return static_cast<unsigned char>(one) > 0x20 && one != 0x7f &&
           std::string_view("\"<>\\^`{|}?#").find(one) == std::string_view::npos;
  });
  const std::size_t scheme = value.starts_with("http://") ? 7 : value.starts_with("https://") ? 8 : 0;
  if (!value.empty() && (!plain || scheme == 0 || value.size() <= scheme || value.size() > 1024)) {
    return bad("an address such as https://lazaret.example.org");
  }
  c.admin.public_url = value;
  while (c.admin.public_url.ends_with('/')) c.admin.public_url.pop_back();
  return {};
}

Status set_default_webhook(Configuration& c, const std::string& value) {
  c.alerts.default_webhook = value;
  return {};
}

Status set_masked_paths(Configuration& c, const std::string& value) {
  c.hospital.masked_paths = items_of(value);
  if (const auto mask = admin::Mask::of(c.hospital.masked_paths, {}); !mask.ok()) {
    return bad("JSON pointers (" + mask.status().text() + ")");
  }
  return {};
}

Status set_masked_headers(Configuration& c, const std::string& value) {
  c.hospital.masked_headers = items_of(value);
  if (const auto mask = admin::Mask::of({}, c.hospital.masked_headers); !mask.ok()) {
    return bad("names of headers (" + mask.status().text() + ")");
  }
  return {};
}

/// The files are read, so that a mistake in them is found where others are.
Status set_protobuf_descriptors(Configuration& c, const std::string& value) {
  c.hospital.protobuf_descriptors = items_of(value);
  if (const auto types = admin::ProtobufTypes::read(c.hospital.protobuf_descriptors); !types.ok()) {
    return bad("files with descriptor sets of protobuf (" + types.status().text() + ")");
  }
  return {};
}

/// "": beside the data.
Status set_backup_directory(Configuration& c, const std::string& value) {
  c.backup.directory = value;
  return {};
}

/// A backup that copies less a second has no end, and does not notice that the broker stops.
Status set_backup_bytes_per_second(Configuration& c, const std::string& value) {
  constexpr std::uint64_t kLeast = 64u << 10, kMost = 1ull << 40;
  std::uint64_t parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  const bool whole = error == std::errc() && end == value.data() + value.size();
  if (!whole || parsed > kMost || (parsed != 0 && parsed < kLeast)) {
    return bad("a number from " + std::to_string(kLeast) + " to " + std::to_string(kMost) + ", or 0 for no limit");
  }
  c.backup.bytes_per_second = parsed;
  return {};
}

Status set_max_attempts(Configuration& c, const std::string& value) {
  if (value == "unlimited") {
    c.defaults.max_attempts.reset();
    return {};
  }
  std::uint32_t parsed = 0;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), parsed);
  if (error != std::errc() || end != value.data() + value.size() || parsed == 0 || parsed > 10'000) {
    return bad("a number from 1 to 10000, or \"unlimited\"");
  }
  c.defaults.max_attempts = parsed;
  return {};
}

Status set_durability(Configuration& c, const std::string& value) {
  const auto durability = model::durability_of(value);
  if (!durability) return bad("\"fsync\" or \"relaxed\"");
  c.defaults.durability = *durability;
  return {};
}

Status set_on_expiry(Configuration& c, const std::string& value) {
  const auto on_expiry = model::on_expiry_of(value);
  if (!on_expiry) return bad("\"drop\" or \"hospital\"");
  c.defaults.on_expiry = *on_expiry;
  return {};
}

Status set_audit_retain_for(Configuration& c, const std::string& value) {
  const auto parsed = base::parse_duration(value);
  if (!parsed.ok() || (*parsed != base::Duration(0) && *parsed < std::chrono::hours(1))) {
    return bad("a duration from 1h on, or 0s for ever");
  }
  c.audit.retain_for = *parsed;
  return {};
}

Status set_shards(Configuration& c, const std::string& value) {
  c.storage.shards_given = true;
  return number<std::uint64_t>([](Configuration& d) -> std::uint64_t& { return d.storage.shards; }, 1, 64)(c, value);
}

// clang-format off
#define LZ_FIELD(path) [](Configuration& c) -> auto& { return c.path; }
// clang-format on

const std::vector<Key>& keys() {
  using namespace std::chrono_literals;
  using U64 = std::uint64_t;
  static const std::vector<Key> table = {
      {"broker.listen", address(LZ_FIELD(broker.listen))},
      {"broker.allow_unauthenticated", flag(LZ_FIELD(broker.allow_unauthenticated))},
      {"broker.auto_create", flag(LZ_FIELD(broker.auto_create))},
      {"broker.max_message_bytes",
       number<U64>(LZ_FIELD(broker.max_message_bytes), 1024, model::limits::kMessageBytesMost)},
      {"broker.max_header_bytes",
       number<U64>(LZ_FIELD(broker.max_header_bytes), 1024, model::limits::kEnvelopeBytesMost)},
      {"broker.max_connections", number<U64>(LZ_FIELD(broker.max_connections), 1, 1'000'000)},
      {"broker.io_threads", number<U64>(LZ_FIELD(broker.io_threads), 0, 64)},
      {"broker.confirm_hold_max", duration(LZ_FIELD(broker.confirm_hold_max), 0s, 1s)},
      {"broker.heartbeat", duration(LZ_FIELD(broker.heartbeat), 500ms, 10min)},
      {"broker.stop_wait", duration(LZ_FIELD(broker.stop_wait), 0s, 1h)},
      {"broker.reconnect_grace", duration(LZ_FIELD(broker.reconnect_grace), 0s, 10min)},
      {"broker.resume_grace", duration(LZ_FIELD(broker.resume_grace), 0s, 10min)},
      {"admin.listen", address(LZ_FIELD(admin.listen))},
      {"admin.allowed_hosts", set_allowed_hosts, true},
      {"admin.public_url", set_public_url},
      {"storage.data_dir", path(LZ_FIELD(storage.data_dir))},
      {"storage.shards", set_shards},
      {"storage.memtable_bytes", number<U64>(LZ_FIELD(storage.memtable_bytes), 4u << 20, 4ull << 30)},
      {"storage.block_cache_bytes", number<U64>(LZ_FIELD(storage.block_cache_bytes), 1u << 20, 64ull << 30)},
      {"storage.disk_reserve_bytes", number<U64>(LZ_FIELD(storage.disk_reserve_bytes), 0, 1ull << 50)},
      {"storage.disk_reserve_percent", number<double>(LZ_FIELD(storage.disk_reserve_percent), 0.0, 90.0)},
      {"storage.ack_sync_max", duration(LZ_FIELD(storage.ack_sync_max), 0s, 1s)},
      {"storage.relaxed_sync_max", duration(LZ_FIELD(storage.relaxed_sync_max), 1ms, 60s)},
      {"backup.directory", set_backup_directory},
      {"backup.bytes_per_second", set_backup_bytes_per_second},
      {"hospital.masked_paths", set_masked_paths, true},
      {"hospital.masked_headers", set_masked_headers, true},
      {"hospital.protobuf_descriptors", set_protobuf_descriptors, true},
      {"audit.retain_for", set_audit_retain_for},
      {"defaults.max_attempts", set_max_attempts},
      {"defaults.backoff_initial", duration(LZ_FIELD(defaults.backoff_initial), 0s, 24h * 7)},
      {"defaults.backoff_multiplier", number<double>(LZ_FIELD(defaults.backoff_multiplier), 1.0, 100.0)},
      {"defaults.backoff_max", duration(LZ_FIELD(defaults.backoff_max), 0s, 24h * 7)},
      {"defaults.backoff_jitter", number<double>(LZ_FIELD(defaults.backoff_jitter), 0.0, 1.0)},
      {"defaults.lease_duration", duration(LZ_FIELD(defaults.lease_duration), 100ms, 12h)},
      {"defaults.max_worker_deaths", number<std::uint32_t>(LZ_FIELD(defaults.max_worker_deaths), 1u, 100u)},
      {"defaults.durability", set_durability},
      {"defaults.ttl", duration(LZ_FIELD(defaults.ttl), 0s, model::limits::kDelayMost)},
      {"defaults.on_expiry", set_on_expiry},
      {"defaults.case_retention_count",
       number<U64>(LZ_FIELD(defaults.case_retention_count), 0, model::limits::kCaseRetentionCountMost)},
      {"defaults.hospital_max_bytes",
       number<U64>(LZ_FIELD(defaults.hospital_max_bytes), 0, model::limits::kHospitalBytesMost)},
      {"alerts.default", set_default_webhook},
      {"alerts.case_age", duration(LZ_FIELD(alerts.case_age), 1s, 24h * 3652)},
      {"log.level", one_of(LZ_FIELD(log.level), {"debug", "info", "warning", "error"})},
      {"log.format", one_of(LZ_FIELD(log.format), {"text", "json"})},
  };
  return table;
}
#undef LZ_FIELD

const Key* find_key(std::string_view name) {
  for (const Key& key : keys()) {
    if (key.name == name) return &key;
  }
  return nullptr;
}

Status set(Configuration& configuration, const std::string& where, const std::string& name, const std::string& value) {
  if (name.starts_with(kWebhookKeys)) {
    if (const Status status = set_webhook_key(configuration, name, value); !status.ok()) {
      return Status(Code::BAD_CONFIGURATION, where + ": " + status.text());
    }
    configuration.places[name] = where;
    return {};
  }
  const Key* key = find_key(name);
  if (key == nullptr) return Status(Code::BAD_CONFIGURATION, where + ": there is no key " + name);
  if (const Status status = key->set(configuration, value); !status.ok()) {
    return Status(Code::BAD_CONFIGURATION, where + ": " + name + " " + status.text() + ", not \"" + value + "\"");
  }
  configuration.places[name] = where;
  return {};
}

/// The text form that the setters take; nullopt for what the key cannot have.
std::optional<std::string> text_of(const toml::node& node, bool list_wanted) {
  if (const auto* value = node.as_string()) return value->get();
  if (const auto* value = node.as_boolean()) return value->get() ? "true" : "false";
  if (const auto* value = node.as_integer()) return std::to_string(value->get());
  if (const auto* value = node.as_floating_point()) return std::to_string(value->get());
  const auto* list = node.as_array();
  if (list == nullptr || !list_wanted) return std::nullopt;
  std::string joined;
  for (const toml::node& item : *list) {
    const auto* word = item.as_string();
    if (word == nullptr || word->get().empty()) return std::nullopt;
    joined += (joined.empty() ? "" : ",") + item_text(word->get());
  }
  return joined;
}

std::string place(const std::string& file, const toml::node& node) {
  return file + ":" + std::to_string(node.source().begin.line);
}

/// [alerts.webhooks.NAME], for each of them.
Status read_webhooks(Configuration& configuration, const std::string& file, const toml::node& webhooks) {
  const auto wrong = [&](const toml::node& node) {
    return Status(Code::BAD_CONFIGURATION, place(file, node) + ": webhooks are tables: [alerts.webhooks.NAME]");
  };
  const auto* named = webhooks.as_table();
  if (named == nullptr) return wrong(webhooks);
  for (const auto& [webhook, node] : *named) {
    const auto* table = node.as_table();
    if (table == nullptr) return wrong(node);
    for (const auto& [key, value_node] : *table) {
      const std::string name = std::string(kWebhookKeys) + std::string(webhook.str()) + "." + std::string(key.str());
      const auto value = text_of(value_node, is_webhook_list(key.str()));
      if (!value) {
        return Status(Code::BAD_CONFIGURATION, place(file, value_node) + ": " + name + " cannot have such a value");
      }
      LZ_RETURN_IF_ERROR(set(configuration, place(file, value_node), name, *value));
    }
  }
  return {};
}

Status read_section(Configuration& configuration, const std::string& file, const std::string& section,
                    const toml::table& table) {
  for (const auto& [key, node] : table) {
    const std::string name = section + "." + std::string(key.str());
    if (name + "." == kWebhookKeys) {
      LZ_RETURN_IF_ERROR(read_webhooks(configuration, file, node));
      continue;
    }
    const Key* known = find_key(name);
    const auto value = text_of(node, known != nullptr && known->is_list);
    if (known != nullptr && !value)
      return Status(Code::BAD_CONFIGURATION, place(file, node) + ": " + name + " cannot have such a value");
    LZ_RETURN_IF_ERROR(set(configuration, place(file, node), name, value.value_or("")));
  }
  return {};
}

Status read_file(Configuration& configuration, const std::string& file) {
  try {
    const toml::table root = toml::parse_file(file);
    for (const auto& [section, node] : root) {
      const auto* table = node.as_table();
      if (table == nullptr) {
        return Status(Code::BAD_CONFIGURATION,
                      place(file, node) + ": there is no key " + std::string(section.str()) + " outside a section");
      }
      LZ_RETURN_IF_ERROR(read_section(configuration, file, std::string(section.str()), *table));
    }
    return {};
  } catch (const toml::parse_error& error) {
    return Status(Code::BAD_CONFIGURATION,
                  file + ":" + std::to_string(error.source().begin.line) + ": " + std::string(error.description()));
  }
}

Status read_environment(Configuration& configuration, char** environment) {
  constexpr std::string_view kPrefix = "LAZARET_CFG_";
  for (char** at = environment; at != nullptr && *at != nullptr; ++at) {
    const std::string_view entry(*at);
    const std::size_t equals = entry.find('=');
    if (!entry.starts_with(kPrefix) || equals == std::string_view::npos) continue;
    const std::string variable(entry.substr(0, equals));
    std::string name = variable.substr(kPrefix.size());
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    const std::size_t separator = name.find("__");
    if (separator == std::string::npos) {
      return Status(Code::BAD_CONFIGURATION, "environment: " + variable + " must be LAZARET_CFG_<SECTION>__<KEY>");
    }
    name.replace(separator, 2, ".");
    // Those of webhooks have a name between section and key.
    for (std::size_t next = 0; name.starts_with("alerts.webhooks") && (next = name.find("__")) != std::string::npos;) {
      name.replace(next, 2, ".");
    }
    LZ_RETURN_IF_ERROR(set(configuration, "environment: " + variable, name, std::string(entry.substr(equals + 1))));
  }
  return {};
}

Status check_listen(const Configuration& configuration, const std::string& name, const std::string& listen) {
  const auto address = parse_address(listen);
  if (!address.ok()) return Status(Code::BAD_CONFIGURATION, name + ": " + address.status().text());
  if (!address->loopback && !configuration.broker.allow_unauthenticated) {
    const auto place = configuration.places.find(name);
    return Status(Code::BAD_CONFIGURATION,
                  (place == configuration.places.end() ? "" : place->second + ": ") + name + ": " + listen +
                      " is not a loopback address, and there is no authentication yet: set "
                      "broker.allow_unauthenticated = true to accept everybody who can reach it");
  }
  return {};
}

/// Also by another name: its files would stand among those of the store.
Status check_backup_directory(const Configuration& configuration) {
  if (configuration.backup.directory.empty()) return {};
  const auto real = [](const std::string& named) {
    const std::filesystem::path path(storage::directory_path(named));
    std::error_code error;
    const std::filesystem::path canonical = std::filesystem::weakly_canonical(path, error);
    return error ? path : canonical;
  };
  if (real(configuration.backup.directory) != real(configuration.storage.data_dir)) return {};
  const auto place = configuration.places.find("backup.directory");
  return Status(Code::BAD_CONFIGURATION, (place == configuration.places.end() ? "" : place->second + ": ") +
                                             "backup.directory is the data directory, " +
                                             configuration.backup.directory + ": backups need one of their own");
}

}  // namespace

base::Result<Configuration> load_configuration(const ConfigurationSources& sources, char** environment) {
  Configuration configuration;
  if (!sources.file.empty()) {
    if (Status status = read_file(configuration, sources.file); !status.ok()) return status;
  }
  if (Status status = read_environment(configuration, environment); !status.ok()) return status;
  for (const auto& [name, value] : sources.settings) {
    if (Status status = set(configuration, "command line", name, value); !status.ok()) return status;
  }
  configuration.storage.accept_loss = sources.accept_loss;
  if (Status status = check_listen(configuration, "broker.listen", configuration.broker.listen); !status.ok()) {
    return status;
  }
  if (Status status = check_listen(configuration, "admin.listen", configuration.admin.listen); !status.ok()) {
    return status;
  }
  if (Status status = check_backup_directory(configuration); !status.ok()) return status;
  if (Status status = check_webhooks(configuration); !status.ok()) return status;
  return configuration;
}

std::vector<std::string> configuration_keys() {
  std::vector<std::string> names_of_keys;
  for (const Key& key : keys()) names_of_keys.push_back(key.name);
  return names_of_keys;
}

base::Result<Address> parse_address(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  Address address;
  const std::string_view port = colon == std::string_view::npos ? "" : text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), address.port);
  if (port.empty() || error != std::errc() || end != port.data() + port.size()) {
    return Status(Code::BAD_CONFIGURATION, "'" + std::string(text) + "' is not HOST:PORT");
  }
  std::string_view host = text.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  if (host.empty()) return Status(Code::BAD_CONFIGURATION, "'" + std::string(text) + "' is not HOST:PORT");
  address.host = host;
  // A name such as 127.example.org may lead anywhere: only digits and dots make an address.
  const bool is_number = host.find_first_not_of("0123456789.") == std::string_view::npos;
  address.loopback = host == "::1" || (is_number && host.starts_with("127."));
  return address;
}

}  // namespace lazaret::daemon

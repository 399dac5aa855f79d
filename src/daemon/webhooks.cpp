#include "daemon/webhooks.h"

#include <algorithm>

#include "daemon/list_text.h"
#include "model/limits.h"
#include "model/options.h"

namespace lazaret::daemon {
namespace {

using base::Code;
using base::Status;

std::string key_of(const std::string& webhook, std::string_view key) {
  return std::string(kWebhookKeys) + webhook + "." + std::string(key);
}

Status bad(const Configuration& configuration, const std::string& key, const std::string& what) {
  const auto place = configuration.places.find(key);
  return Status(Code::BAD_CONFIGURATION,
                (place == configuration.places.end() ? "" : place->second + ": ") + key + " " + what);
}

std::string all_kinds() {
  std::string list;
  for (const model::AlertKind kind : model::alert_kinds()) {
    list += (list.empty() ? "" : ", ") + std::string(model::to_string(kind));
  }
  return list;
}

Status set_kinds(Configuration::Webhook& webhook, const std::string& value) {
  std::vector<model::AlertKind> kinds;
  for (const std::string& word : items_of(value)) {
    const auto kind = model::parse_alert_kind(word);
    if (!kind) return Status(Code::BAD_CONFIGURATION, "must be a list of " + all_kinds());
    kinds.push_back(*kind);
  }
  if (kinds.empty()) return Status(Code::BAD_CONFIGURATION, "must be a list of " + all_kinds());
  webhook.kinds = std::move(kinds);
  return {};
}

}  // namespace

bool is_webhook_list(std::string_view key) { return key == "kinds"; }

Status set_webhook_key(Configuration& configuration, const std::string& name, const std::string& value) {
  const std::string_view rest = std::string_view(name).substr(kWebhookKeys.size());
  const std::size_t dot = rest.rfind('.');
  const std::string webhook(rest.substr(0, std::min(dot, rest.size())));
  if (dot == std::string_view::npos || !model::validate_name(webhook).ok()) {
    return Status(Code::BAD_CONFIGURATION,
                  name + " must be alerts.webhooks.NAME.KEY, with a name of letters, digits, dots, _ and -");
  }
  const std::string_view key = rest.substr(dot + 1);
  const auto [place, fresh] = configuration.alerts.webhooks.try_emplace(webhook);
  if (fresh && configuration.alerts.webhooks.size() > model::limits::kWebhooks) {
    return Status(Code::BAD_CONFIGURATION,
                  "there are more than " + std::to_string(model::limits::kWebhooks) + " webhooks");
  }
  Status status;
  if (key == "url") {
    alerts::Webhook taken_apart;
    status = alerts::set_url(taken_apart, value);
    place->second.url = value;
  } else if (key == "secret_file") {
    if (value.empty()) status = Status(Code::BAD_CONFIGURATION, "must be a file");
    place->second.secret_file = value;
  } else if (key == "ca_file") {
    if (value.empty()) status = Status(Code::BAD_CONFIGURATION, "must be a file");
    place->second.ca_file = value;
  } else if (key == "kinds") {
    status = set_kinds(place->second, value);
  } else {
    return Status(Code::BAD_CONFIGURATION,
                  "there is no key " + name + "; a webhook has url, secret_file, ca_file and kinds");
  }
  if (status.ok()) return {};
  return Status(Code::BAD_CONFIGURATION, name + " " + status.text() + ", not \"" + value + "\"");
}

Status check_webhooks(const Configuration& configuration) {
  for (const auto& [name, webhook] : configuration.alerts.webhooks) {
    if (webhook.url.empty()) return bad(configuration, key_of(name, "url"), "is missing: where alerts are posted to");
    if (webhook.secret_file.empty()) {
      return bad(configuration, key_of(name, "secret_file"), "is missing: alerts are signed with the secret in it");
    }
    alerts::Webhook taken_apart;
    const bool is_secure = alerts::set_url(taken_apart, webhook.url).ok() && taken_apart.is_secure;
    if (!webhook.ca_file.empty() && !is_secure) {
      return bad(configuration, key_of(name, "ca_file"), "is for a url that begins with https://");
    }
  }
  const std::string& chosen = configuration.alerts.default_webhook;
  if (chosen.empty() || configuration.alerts.webhooks.contains(chosen)) return {};
  return bad(configuration, "alerts.default", "names no webhook: there is no [alerts.webhooks." + chosen + "]");
}

base::Result<alerts::AlertsConfig> alerts_config(const Configuration& configuration) {
  alerts::AlertsConfig config;
  config.default_webhook = configuration.alerts.default_webhook;
  config.case_age = configuration.alerts.case_age;
  config.public_url = configuration.admin.public_url;
  for (const auto& [name, given] : configuration.alerts.webhooks) {
    alerts::Webhook webhook;
    webhook.name = name;
    webhook.kinds = given.kinds;
    if (Status status = alerts::set_url(webhook, given.url); !status.ok()) {
      return bad(configuration, key_of(name, "url"), status.text());
    }
    auto secret = alerts::read_secret(given.secret_file);
    if (!secret.ok()) return bad(configuration, key_of(name, "secret_file"), "is no use: " + secret.status().text());
    webhook.secret = std::move(*secret);
    if (webhook.is_secure) {
      auto trust = given.ca_file.empty() ? alerts::Trust::of_system() : alerts::Trust::of_file(given.ca_file);
      const std::string key = key_of(name, given.ca_file.empty() ? "url" : "ca_file");
      if (!trust.ok()) return bad(configuration, key, "is no use: " + trust.status().text());
      webhook.trust = std::move(*trust);
    }
    config.webhooks.push_back(std::move(webhook));
  }
  return config;
}

}  // namespace lazaret::daemon

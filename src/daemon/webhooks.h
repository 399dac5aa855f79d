// Webhooks as the configuration has them: tables [alerts.webhooks.NAME], whose keys are of any name's.
#pragma once

#include <string>
#include <string_view>

#include "alerts/alerts.h"
#include "base/status.h"
#include "daemon/configuration.h"

namespace lazaret::daemon {

inline constexpr std::string_view kWebhookKeys = "alerts.webhooks.";

/// Sets `name`, "alerts.webhooks.NAME.url" or its like, from its text. BAD_CONFIGURATION naming the key.
base::Status set_webhook_key(Configuration& configuration, const std::string& name, const std::string& value);
/// Whether `key` of a webhook is a list.
bool is_webhook_list(std::string_view key);
/// That each webhook has what it needs, and `alerts.default` names one of them. Reads no file.
base::Status check_webhooks(const Configuration& configuration);
/// What the alerts are started with. Reads the files with the secrets and the certificates;
/// BAD_CONFIGURATION naming the key and where it was given.
base::Result<alerts::AlertsConfig> alerts_config(const Configuration& configuration);

}  // namespace lazaret::daemon

// Webhook: where alerts are posted to, as the configuration says.
//
// Threading: values.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "alerts/trust.h"
#include "base/status.h"
#include "model/alert.h"

namespace lazaret::alerts {

struct Webhook {
  std::string name;
  std::string host;  // without brackets
  std::uint16_t port = 80;
  bool is_secure = false;  // https
  std::string target;      // path and query
  /// What signatures are made with; never shown.
  std::string secret;
  /// Who may answer for it: of a secure one only, and always.
  std::shared_ptr<const Trust> trust;
  std::vector<model::AlertKind> kinds;  // that it is told of

  bool wants(model::AlertKind kind) const;
  /// As the Host field has it.
  std::string authority() const;
};

/// The address of a receiver, taken apart into the webhook. BAD_CONFIGURATION: it is none, is neither http nor https,
/// or has a name and a password in it, which are no way to keep a secret.
base::Status set_url(Webhook& webhook, std::string_view url);

/// Secrets are from so many bytes to so many.
inline constexpr std::size_t kSecretLeast = 16;
inline constexpr std::size_t kSecretMost = 4096;
/// What the file holds, without the line's end. BAD_CONFIGURATION naming the file, and never what is in it.
base::Result<std::string> read_secret(const std::string& file);

}  // namespace lazaret::alerts

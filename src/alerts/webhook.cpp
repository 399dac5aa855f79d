#include "alerts/webhook.h"

#include <algorithm>
#include <charconv>
#include <fstream>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace lazaret::alerts {
namespace {

/// That goes without saying.
std::uint16_t port_of(bool is_secure) { return is_secure ? 443 : 80; }

}  // namespace

using base::Code;
using base::Status;

bool Webhook::wants(model::AlertKind kind) const { return std::find(kinds.begin(), kinds.end(), kind) != kinds.end(); }

std::string Webhook::authority() const {
  const std::string shown = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == port_of(is_secure) ? shown : shown + ":" + std::to_string(port);
}

Status set_url(Webhook& webhook, std::string_view url) {
  const auto refuse = [](const std::string& what) { return Status(Code::BAD_CONFIGURATION, what); };
  const auto parsed = boost::urls::parse_uri({url.data(), url.size()});
  if (!parsed) return refuse("must be an address such as https://alerts.example.org/lazaret");
  webhook.is_secure = parsed->scheme_id() == boost::urls::scheme::https;
  if (!webhook.is_secure && parsed->scheme_id() != boost::urls::scheme::http) {
    return refuse("must begin with http:// or https://");
  }
  if (parsed->has_userinfo()) return refuse("must not have a name or password in it: alerts are signed (secret_file)");
  if (parsed->has_fragment()) return refuse("must not have a fragment");
  webhook.host = parsed->host_address();
  const bool plain =
      std::all_of(webhook.host.begin(), webhook.host.end(), [](unsigned char c) { return c > 0x20 && c < 0x7f; });
  if (webhook.host.empty() || !plain) return refuse("must name a host");
  webhook.port = port_of(webhook.is_secure);
  if (parsed->has_port()) {
    const std::string port = parsed->port();
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), webhook.port);
    const bool is_port = error == std::errc() && end == port.data() + port.size() && webhook.port > 0;
    if (!is_port) return refuse("must have a port from 1 to 65535");
  }
  webhook.target = parsed->encoded_target();
  if (webhook.target.empty() || webhook.target.front() != '/') webhook.target.insert(0, "/");
  return {};
}

base::Result<std::string> read_secret(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) return Status(Code::BAD_CONFIGURATION, "cannot read the secret in " + file);
  std::string secret(kSecretMost + 2, '\0');
  in.read(secret.data(), static_cast<std::streamsize>(secret.size()));
  if (in.bad()) return Status(Code::BAD_CONFIGURATION, "cannot read the secret in " + file);
  secret.resize(static_cast<std::size_t>(in.gcount()));
  while (!secret.empty() && (secret.back() == '\n' || secret.back() == '\r')) secret.pop_back();
  if (secret.size() < kSecretLeast || secret.size() > kSecretMost) {
    return Status(Code::BAD_CONFIGURATION, "the secret in " + file + " must have " + std::to_string(kSecretLeast) +
                                               " to " + std::to_string(kSecretMost) + " bytes");
  }
  return secret;
}

}  // namespace lazaret::alerts

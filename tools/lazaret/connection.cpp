#include "connection.h"

#include "output.h"

namespace lazaret::cli {
namespace {

constexpr std::string_view kHttp = "http://";

/// A broker that listens on every address tells "0.0.0.0:7351": then it is where its other door is.
std::string reachable(const std::string& admin, const std::string& broker) {
  const std::size_t colon = admin.rfind(':');
  if (colon == std::string::npos) return admin;
  const std::string host = admin.substr(0, colon);
  if (host != "0.0.0.0" && host != "[::]" && host != "::") return admin;
  return broker.substr(0, broker.rfind(':')) + admin.substr(colon);
}

}  // namespace

std::string Connection::admin_address() const {
  if (admin.empty()) {
    const std::string told = connect().admin_address();
    if (told.empty()) fail(base::Code::UNREACHABLE, broker + " has no HTTP API");
    return reachable(told, broker);
  }
  std::string_view address = admin;
  if (address.starts_with(kHttp)) {
    address.remove_prefix(kHttp.size());
  } else if (address.find("://") != std::string_view::npos) {
    fail(base::Code::USAGE, "--admin " + admin + ": must be HOST:PORT or http://HOST:PORT");
  }
  while (address.ends_with('/')) address.remove_suffix(1);
  return std::string(address);
}

Client Connection::connect(Options options) const {
  if (options.name == Options().name) {
    options.name = "lazaret";
    options.version = LAZARET_VERSION;
  }
  return Client::connect(url(), std::move(options));
}

}  // namespace lazaret::cli

#include "admin/origin_check.h"

#include <algorithm>

#include <boost/asio/ip/address.hpp>

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = (c >= 'A' && c <= 'Z') ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

/// "localhost:7351" → "localhost", "[::1]:7351" → "::1".
std::string host_of(std::string_view authority) {
  if (authority.starts_with('[')) return lower(authority.substr(1, authority.find(']') - 1));
  return lower(authority.substr(0, authority.find(':')));
}

/// 127.0.0.0/8, written as four numbers. A name that begins so ("127.evil.example") is none.
bool is_loopback_v4(std::string_view host) {
  return host.starts_with("127.") && std::count(host.begin(), host.end(), '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

bool is_address(std::string_view host) {
  boost::system::error_code wrong;
  (void)boost::asio::ip::make_address(host, wrong);
  return !wrong;
}

bool is_every_address(const std::string& host) {
  boost::system::error_code wrong;
  const auto address = boost::asio::ip::make_address(host, wrong);
  return !wrong && address.is_unspecified();
}

Status forbidden(std::string text) { return Status(Code::FORBIDDEN_ORIGIN, std::move(text)); }

}  // namespace

OriginCheck::OriginCheck(std::string bound, std::vector<std::string> allowed)
    : names_(std::move(allowed)), any_address_(is_every_address(bound)) {
  names_.push_back(std::move(bound));
  for (std::string& name : names_) name = name.starts_with('[') ? host_of(name) : lower(name);
}

bool OriginCheck::is_ours(std::string_view host) const {
  return host == "localhost" || host == "::1" || is_loopback_v4(host) ||
         std::find(names_.begin(), names_.end(), host) != names_.end() || (any_address_ && is_address(host));
}

Status OriginCheck::check(const Request& request) const {
  if (request.hosts.size() != 1) return forbidden("a request needs one Host");
  const std::string& host = request.hosts.front();
  if (!is_ours(host_of(host))) {
    return forbidden("the Host \"" + host + "\" is not this broker's: admin.allowed_hosts lists the names that are");
  }
  if (request.origins.empty()) return {};
  const std::string origin = lower(request.origins.front());
  const std::string same = lower(host);
  if (request.origins.size() != 1 || (origin != "http://" + same && origin != "https://" + same)) {
    return forbidden("the Origin \"" + request.origins.front() + "\" is not this broker's");
  }
  return {};
}

}  // namespace lazaret::admin

// Whether a request was meant for this broker: against DNS rebinding and pages of other origins.
#pragma once

#include <string>
#include <vector>

#include "admin/request.h"
#include "base/status.h"

namespace lazaret::admin {

class OriginCheck {
 public:
  /// `bound`: the address that is listened on, without its port. `allowed`: further names (`admin.allowed_hosts`).
  /// Bound to every address (0.0.0.0, ::), any address is this broker's, but no name that is not listed: whoever
  /// controls a name can have it lead here, and an address leads nowhere else.
  OriginCheck(std::string bound, std::vector<std::string> allowed);

  /// FORBIDDEN_ORIGIN unless there is one `Host` that is a loopback name or one of ours, and `Origin`, if there is
  /// one, is of the same host and port. A page on another port of this machine is another origin.
  base::Status check(const Request& request) const;

 private:
  bool is_ours(std::string_view host) const;

  std::vector<std::string> names_;
  bool any_address_ = false;
};

}  // namespace lazaret::admin

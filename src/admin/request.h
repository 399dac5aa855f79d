// Request and Response: HTTP as handlers see it, without the library that reads and writes it.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "model/audit_entry.h"

namespace lazaret::admin {

class AwaitedReply;
struct Route;

/// `other` is any method that no route knows.
enum class Method : std::uint8_t { get, put, post, patch, remove, other };
/// "GET", …; "" for other.
std::string_view to_string(Method method);

struct Request {
  Method method = Method::get;  // HEAD arrives as get; the session leaves the body out
  std::string target;           // as in the request line: path and query, percent-encoded
  std::string body;

  /// Header fields that are looked at. More than one `Host` or `Origin` is a trick of somebody's.
  std::vector<std::string> hosts;
  std::vector<std::string> origins;
  std::string content_type;
  std::string if_match;
  /// Who asks, as they say (X-Lazaret-Actor), and where they come from.
  std::string actor;
  std::string peer;
  std::string accept_encoding;
  std::string if_none_match;

  /// Filled in by `split_target`: decoded.
  std::vector<std::string> segments;
  std::vector<std::pair<std::string, std::string>> query;
  /// Filled in by the dispatcher: the route, and what stands in the places of `{…}` in its pattern.
  const Route* route = nullptr;
  std::vector<std::string> arguments;

  /// When whoever waits for a shard on behalf of this request gives up.
  std::chrono::steady_clock::time_point deadline;

  /// nullopt when the parameter is not there.
  std::optional<std::string_view> parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type;  // "": no body
  std::string body;
  std::vector<std::pair<std::string, std::string>> headers;
  /// Of a problem: its code, as the error table names it.
  std::string code{};
  /// What was changed, for the audit trail. Never what a message says.
  model::AuditChange change{};
  /// Not null: this is no answer yet. The session waits for the reply, and a worker makes one of that.
  std::shared_ptr<AwaitedReply> awaited{};
};

/// Fills in `segments` and `query`; BAD_REQUEST when the target is none.
base::Status split_target(Request& request);

/// Whether a field Accept-Encoding takes this coding: it is named, and not forbidden by a quality of zero.
bool accepts_encoding(std::string_view accepted, std::string_view coding);

/// A whole number within limits, `otherwise` when it is not given; BAD_REQUEST naming the parameter.
base::Result<std::uint64_t> number_parameter(const Request& request, std::string_view name, std::uint64_t otherwise,
                                             std::uint64_t least, std::uint64_t most);
/// "true" or "false"; false when it is not given.
base::Result<bool> flag_parameter(const Request& request, std::string_view name);

}  // namespace lazaret::admin

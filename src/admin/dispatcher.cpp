#include "admin/dispatcher.h"

#include <algorithm>
#include <exception>

#include "admin/audit_call.h"
#include "admin/desk_wait.h"
#include "admin/handlers.h"
#include "admin/problem.h"
#include "base/sha256.h"
#include "engine/audit_trail.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;

const Route* find_among(const std::vector<Route>& table, Request& request, std::string& allow) {
  std::vector<std::string> arguments;
  for (const Route& route : table) {
    if (!matches(route.pattern, request.segments, arguments)) continue;
    if (route.method == request.method) {
      request.arguments = std::move(arguments);
      return &route;
    }
    if (!allow.empty()) allow += ", ";
    allow += to_string(route.method);
    if (route.method == Method::get) allow += ", HEAD";
  }
  return nullptr;
}

/// The route of this request, or nullptr; `allow` gets the methods that its path knows ("" when there is no such path).
const Route* find_route(Request& request, std::string& allow) {
  if (const Route* route = find_among(routes(), request, allow)) return route;
  return find_among(page_routes(), request, allow);
}

bool is_json(std::string_view content_type) {
  std::string_view type = content_type.substr(0, content_type.find(';'));
  while (type.ends_with(' ')) type.remove_suffix(1);
  constexpr std::string_view kJson = "application/json";
  return std::equal(type.begin(), type.end(), kJson.begin(), kJson.end(),
                    [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; });
}

/// Whatever changes something, with or without a body: a page of another origin cannot say this without a preflight.
bool needs_json(Method method) { return method != Method::get; }

Status check_query(const Request& request, const Route& route) {
  if (route.any_query) return {};
  for (const auto& [name, value] : request.query) {
    const auto is_known = [&given = name](const Parameter& parameter) { return parameter.name == given; };
    if (std::none_of(route.query.begin(), route.query.end(), is_known)) {
      return Status(Code::BAD_REQUEST, "the parameter \"" + name + "\" is not known here");
    }
  }
  return {};
}

Response mistake(const char* what) {
  return problem(Status(Code::INTERNAL, std::string("a mistake in the broker: ") + what));
}

}  // namespace

Status Dispatcher::check(Request& request, std::string& allow) const {
  LZ_RETURN_IF_ERROR(origins_.check(request));
  LZ_RETURN_IF_ERROR(split_target(request));
  const Route* route = find_route(request, allow);
  if (route == nullptr) {
    if (allow.empty()) return Status(Code::NOT_FOUND, "there is nothing at " + request.target);
    return Status(Code::METHOD_NOT_ALLOWED, "only " + allow + " at " + request.target);
  }
  if (needs_json(request.method) && !is_json(request.content_type)) return Status(Code::UNSUPPORTED_MEDIA_TYPE);
  request.route = route;
  return check_query(request, *route);
}

std::optional<Response> Dispatcher::refuse(Request& request) const noexcept {
  try {
    std::string allow;
    const Status status = check(request, allow);
    if (status.ok()) return std::nullopt;
    Response response = problem(status);
    if (status.code() == Code::METHOD_NOT_ALLOWED) response.headers.emplace_back("Allow", allow);
    return response;
  } catch (const std::exception& exception) {
    return mistake(exception.what());
  }
}

/// What goes wrong in the handler is how the call ended, and is noted as that.
Response Dispatcher::serve(const Request& request) const {
  const Route& route = *request.route;
  if (route.body.empty() && !request.body.empty()) {
    return problem(Status(Code::BAD_REQUEST, "this request takes no body"));
  }
  try {
    auto response = route.handler(broker_, request);
    return response.ok() ? std::move(response).value() : problem(response.status());
  } catch (const std::exception& exception) {
    return mistake(exception.what());
  }
}

Response Dispatcher::answer_with(const AwaitedReply& awaited) const noexcept {
  try {
    return reply_response(broker_, awaited);
  } catch (const std::exception& exception) {
    return mistake(exception.what());
  }
}

/// The look that this is one of, if it is one that is repeated: what a page shows again and again is noted once in a
/// while. What an export or a peek shows is another thing each time; what a case shows is not, or an edit is noted; and
/// of a list that reads bodies what matters is what is asked of them.
std::optional<model::AuditCall> Dispatcher::look_of(const Request& request, const model::AuditCall& call) const {
  const Route& route = *request.route;
  // How much of a body is asked for stands in the call: another limit is another look.
  const bool is_plain = std::all_of(request.query.begin(), request.query.end(),
                                    [](const auto& parameter) { return parameter.first == "body_limit"; });
  if (route.looked_at_again && is_plain) {
    model::AuditCall look = call;
    // Of another version it is another look. One that comes in between is noted with the next.
    const auto record = find_case(broker_, request);
    if (record.ok()) look.details.emplace_back("version of the case", std::to_string(record->version));
    return look;
  }
  if (route.asks_of_bodies == nullptr) return std::nullopt;
  model::AuditCall look = call;
  look.details.clear();
  // However long the filter is, no other has this.
  look.target = base::to_hex(base::sha256(route.asks_of_bodies(broker_, request).value_or("")));
  return look;
}

Audited Dispatcher::audited_as(const Request& request) const {
  const Route& route = *request.route;
  const bool is_dry_run = route.is_dry_run != nullptr && route.is_dry_run(request);
  if (route.audited != Audited::no && !is_dry_run) return route.audited;
  const bool reads_bodies = route.asks_of_bodies != nullptr && route.asks_of_bodies(broker_, request).has_value();
  return reads_bodies ? Audited::look : Audited::no;
}

Response Dispatcher::handle(const Request& request) const noexcept {
  try {
    LZ_ASSERT(request.route != nullptr && request.route->handler != nullptr);
    const Audited audited = audited_as(request);
    if (audited == Audited::no) return serve(request);
    const model::AuditCall call = model::bounded(audit_call_of(request));
    const auto look = audited == Audited::look ? look_of(request, call) : std::nullopt;
    if (look && looks_.is_known(*look, std::chrono::steady_clock::now())) return serve(request);
    if (audited == Audited::look) {
      if (const Status status = broker_.engine.may_look(); !status.ok()) return problem(status);
    }
    auto begun = broker_.engine.audit().begin(call, request.deadline);
    if (!begun.ok()) return problem(begun.status());
    Response response = serve(request);
    engine::AuditOutcome outcome{response.status, response.code, std::move(response.change)};
    // However long the handler took, its end has its own time.
    const auto deadline = std::chrono::steady_clock::now() + kAskDeadline;
    const Status written = broker_.engine.audit().end(std::move(*begun), std::move(outcome), deadline);
    // One that showed nothing is no reason not to note the next.
    const bool has_shown = look && written.ok() && response.status < 400;
    if (has_shown) looks_.noted(*look, std::chrono::steady_clock::now());
    return written.ok() ? std::move(response) : problem(written);
  } catch (const std::exception& exception) {
    return mistake(exception.what());
  }
}

}  // namespace lazaret::admin

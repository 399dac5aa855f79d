#include "admin/audit_call.h"

#include "admin/json_body.h"
#include "admin/json_text.h"
#include "admin/routes.h"

namespace lazaret::admin {
namespace {

/// What may be said of a request that brings a message: of the rest that it is there.
constexpr std::string_view kSaid[] = {"by", "note"};

/// "{name}" → "name", for each segment of a pattern that stands for any.
std::vector<std::string_view> places_of(std::string_view pattern) {
  std::vector<std::string_view> names;
  for (std::size_t at = pattern.find('{'); at != std::string_view::npos; at = pattern.find('{', at + 1)) {
    names.push_back(pattern.substr(at + 1, pattern.find('}', at) - at - 1));
  }
  return names;
}

std::string text_of(const json::value& value) {
  return value.is_string() ? std::string(value.get_string()) : to_text(value);
}

/// The object that the body is; empty when it is none, which the handler says.
json::object body_of(const Request& request) {
  if (request.route->body.empty() || request.body.empty()) return {};
  auto value = parse_json(request.body, kMergeDepth + 2);
  return value.ok() && value->is_object() ? std::move(value->get_object()) : json::object();
}

bool may_be_said(const Route& route, std::string_view field) {
  if (!route.has_message) return true;
  return std::find(std::begin(kSaid), std::end(kSaid), field) != std::end(kSaid);
}

}  // namespace

model::AuditCall audit_call_of(const Request& request) {
  const Route& route = *request.route;
  model::AuditCall call;
  call.peer = request.peer;
  call.operation = route.operation;
  if (!request.arguments.empty()) call.target = request.arguments.front();
  const std::vector<std::string_view> places = places_of(route.pattern);
  for (std::size_t i = 1; i < places.size() && i < request.arguments.size(); ++i) {
    call.details.emplace_back(places[i], request.arguments[i]);
  }
  std::string by;
  const auto add = [&](std::string_view name, std::string text, bool said) {
    if (name == route.audit_target && call.target.empty()) {
      call.target = std::move(text);
    } else {
      call.details.emplace_back(name, said ? std::move(text) : "given");
    }
  };
  for (const auto& [name, value] : request.query) add(name, value, true);
  for (const auto& [name, value] : body_of(request)) {
    if (name == "by" && value.is_string()) by = value.get_string();
    const bool said = may_be_said(route, name) || name == route.audit_target;
    add(name, said ? text_of(value) : std::string(), said);
  }
  if (!request.if_match.empty()) call.details.emplace_back("if_match", request.if_match);
  call.actor = !by.empty() ? by : !request.actor.empty() ? request.actor : request.peer;
  return call;
}

}  // namespace lazaret::admin

#include "admin/openapi.h"

#include "admin/handlers.h"
#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

json::object reference(std::string_view schema) { return {{"$ref", "#/components/schemas/" + std::string(schema)}}; }

json::object content_of(std::string_view content_type, std::string_view schema) {
  return {{content_type, json::object{{"schema", schema.empty() ? json::object() : reference(schema)}}}};
}

json::array parameters_of(const Route& route) {
  json::array out;
  for (std::size_t at = route.pattern.find('{'); at != std::string_view::npos; at = route.pattern.find('{', at + 1)) {
    const std::string_view name = route.pattern.substr(at + 1, route.pattern.find('}', at) - at - 1);
    out.push_back(
        json::object{{"name", name}, {"in", "path"}, {"required", true}, {"schema", json::object{{"type", "string"}}}});
  }
  for (const Parameter& parameter : route.query) {
    out.push_back(json::object{{"name", parameter.name},
                               {"in", "query"},
                               {"description", parameter.summary},
                               {"schema", json::object{{"type", parameter.type}}}});
  }
  for (const Parameter& header : route.headers) {
    out.push_back(json::object{{"name", header.name},
                               {"in", "header"},
                               {"description", header.summary},
                               {"schema", json::object{{"type", header.type}}}});
  }
  return out;
}

json::object responses_of(const Route& route) {
  json::object out;
  for (const Outcome& outcome : route.outcomes) {
    json::object response{{"description", outcome.summary}};
    if (!outcome.content_type.empty()) response["content"] = content_of(outcome.content_type, outcome.schema);
    out[std::to_string(outcome.status)] = std::move(response);
  }
  out["default"] = json::object{{"description", "What was refused, and why (RFC 9457)"},
                                {"content", content_of("application/problem+json", "Problem")}};
  return out;
}

json::object operation_of(const Route& route) {
  json::object out{{"operationId", route.operation},
                   {"summary", route.summary},
                   {"parameters", parameters_of(route)},
                   {"responses", responses_of(route)}};
  if (!route.body.empty()) {
    out["requestBody"] = json::object{{"content", content_of("application/json", route.body)}};
  }
  return out;
}

std::string lower_case(std::string_view method) {
  std::string out(method);
  for (char& c : out) c = static_cast<char>(c - 'A' + 'a');
  return out;
}

}  // namespace

json::object describe(const std::vector<Route>& table, std::string_view version) {
  json::object paths;
  for (const Route& route : table) {
    json::value& path = paths[route.pattern];
    if (!path.is_object()) path = json::object();
    path.get_object()[lower_case(to_string(route.method))] = operation_of(route);
  }
  return {
      {"openapi", "3.1.0"},
      {"info", json::object{{"title", "Lazaret"},
                            {"version", version},
                            {"description",
                             "The message broker over HTTP. What changes something needs Content-Type: "
                             "application/json. HEAD works wherever GET does."}}},
      {"paths", std::move(paths)},
      {"components", json::object{{"schemas", schemas()}}},
  };
}

base::Result<Response> get_openapi(Broker& broker, const Request&) {
  return json_response(200, describe(routes(), broker.config.version));
}

}  // namespace lazaret::admin

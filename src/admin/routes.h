// The table of routes: what the dispatcher follows and what /openapi.json is made of, so neither can forget one.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "admin/broker.h"
#include "admin/request.h"

namespace lazaret::admin {

/// Runs on a worker. An error becomes a problem document.
using Handler = base::Result<Response> (*)(Broker& broker, const Request& request);
/// What a request asks of bodies that it does not show; nullopt: nothing.
using Asked = std::optional<std::string> (*)(const Broker& broker, const Request& request);

/// Whether a request only asks what would be.
using DryRun = bool (*)(const Request& request);

/// A parameter of the query. Others are refused.
struct Parameter {
  std::string_view name = {};
  std::string_view type = "string";  // of JSON Schema
  std::string_view summary = {};
};

/// What a request is answered with when all is well. `schema` names one of `schemas`, "" for none.
struct Outcome {
  int status = 200;
  std::string_view summary = {};
  std::string_view content_type = "application/json";
  std::string_view schema = {};
};

/// Whether calls are noted in the audit trail, and why. What changes something, but a publish, and what shows a message
/// must be: the unit test goes over the table.
enum class Audited : std::uint8_t { no, change, look };

struct Route {
  Method method = Method::get;
  std::string_view pattern = {};    // "/api/v1/queues/{name}": a segment in braces stands for any
  std::string_view operation = {};  // its name in the description
  std::string_view summary = {};
  Handler handler = nullptr;
  Audited audited = Audited::no;
  bool looked_at_again = false;  // by a page that is open: the same look is noted once in a while (recent_looks.h)
  /// Of one that takes a dry run: that changes nothing, and is audited as what is not audited otherwise.
  DryRun is_dry_run = nullptr;
  /// Of one that is not audited, or a dry run, and may have a filter that reads bodies: with such a filter it is a look
  /// all the same, which is the same as long as this is.
  Asked asks_of_bodies = nullptr;
  std::string_view audit_target = {};  // what it is about, where the path does not say it: a parameter, or a field
  std::vector<Parameter> query = {};
  std::string_view body = {};  // schema of the body; "": a body is refused
  bool has_message = false;    // in its body, which may be as large as a message needs
  bool has_case = false;       // with the message: beside it are its attempts
  std::vector<Outcome> outcomes = {};
  bool any_query = false;     // the parameters are none of the broker's business: the page reads them
  bool awaits_reply = false;  // its handler asks, and the session waits for the reply
  bool is_stream = false;     // answered by the session with events for as long as the peer listens; has no handler
  std::vector<Parameter> headers = {};  // that are looked at beside those of every request
};

const std::vector<Route>& routes();
/// Those of diagnosis_routes.cpp, a part of them.
std::vector<Route> diagnosis_routes();
/// Those of replay_routes.cpp, another.
std::vector<Route> replay_routes();
/// Those of many_cases_handlers.cpp.
std::vector<Route> many_cases_routes();
/// Those of audit_handlers.cpp.
std::vector<Route> audit_routes();
/// Those of backup_handlers.cpp.
std::vector<Route> backup_routes();
/// Where the page can be, and its files: served, and no calls of the API.
const std::vector<Route>& page_routes();

/// Whether `segments` fit the pattern; `arguments` gets what stands in the places of `{…}`.
bool matches(std::string_view pattern, const std::vector<std::string>& segments, std::vector<std::string>& arguments);

}  // namespace lazaret::admin

// Alerts: what was raised, and what became of it at whom.
#include <charconv>

#include "admin/handlers.h"
#include "admin/json_text.h"
#include "alerts/alert_json.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

/// The number of the last alert of the page before.
Result<std::optional<model::AlertId>> cursor_of(const Request& request) {
  const std::string_view text = request.parameter("cursor").value_or("");
  if (text.empty()) return std::optional<model::AlertId>();
  model::AlertId number;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number.value);
  if (error != std::errc() || end != text.data() + text.size()) {
    return Status(Code::BAD_REQUEST, "the cursor is not one of ours");
  }
  return std::optional(number);
}

}  // namespace

Result<Response> list_alerts(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  const auto before = cursor_of(request);
  if (!before.ok()) return before.status();
  const auto alerts = broker.alerts.list(*before, *limit);
  json::array items;
  for (const model::AlertRecord& alert : alerts) {
    items.push_back(alerts::alert_json_with_deliveries(alert, broker.alerts.public_url()));
  }
  const bool more = alerts.size() == *limit && !broker.alerts.list(alerts.back().number, 1).empty();
  return json_response(200, list_of(std::move(items), more ? std::to_string(alerts.back().number.value) : ""));
}

}  // namespace lazaret::admin

#include "admin/case_filter.h"

namespace lazaret::admin {

using base::Code;
using base::Status;

base::Result<model::CaseQuery> case_filter(const Broker& broker, const Request& request) {
  const auto queue = request.parameter("queue");
  const auto subscription = request.parameter("subscription");
  if (queue && subscription && *queue != *subscription) {
    return Status(Code::BAD_REQUEST, "queue and subscription name two queues");
  }
  std::string text(request.parameter("filter").value_or(""));
  for (const std::string_view name : {"queue", "subscription", "type", "key", "reason", "state"}) {
    const auto value = request.parameter(name);
    // An empty one meant any.
    if (value && !value->empty()) text += " " + model::case_term(name, *value);
  }
  return model::parse_case_query(text, broker.engine.now());
}

}  // namespace lazaret::admin

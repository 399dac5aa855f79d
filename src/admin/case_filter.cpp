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
  return read_case_filter(broker, text);
}

base::Result<model::CaseQuery> read_case_filter(const Broker& broker, std::string_view text) {
  auto query = model::parse_case_query(text, broker.engine.now());
  if (query.ok()) LZ_RETURN_IF_ERROR(broker.config.mask.check(*query));
  return query;
}

std::optional<std::string> asked_of_bodies(const model::CaseQuery& query) {
  if (!model::needs_body(query)) return std::nullopt;
  model::CaseQuery timeless = query;
  std::erase_if(timeless.terms,
                [](const model::CaseTerm& term) { return term.field == model::CaseTerm::Field::admitted; });
  return model::to_text(timeless);
}

std::optional<std::string> asked_of_bodies(const Broker& broker, const Request& request) {
  const auto query = case_filter(broker, request);
  return query.ok() ? asked_of_bodies(*query) : std::nullopt;
}

}  // namespace lazaret::admin

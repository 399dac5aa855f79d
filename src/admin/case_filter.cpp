#include "admin/case_filter.h"

namespace lazaret::admin {

using base::Code;
using base::Status;
using Field = model::CaseTerm::Field;

namespace {

/// A queue that was deleted is known by its cases, whatever else is asked of them.
Status check_names(const Broker& broker, const model::CaseQuery& query) {
  for (const model::CaseTerm& term : query.terms) {
    const bool names_one = term.field == Field::subscription && term.op == model::CaseTerm::Operator::equals;
    if (!names_one) continue;
    const auto known = broker.engine.directory().find(term.value);
    if (known != nullptr && known->kind != model::Kind::topic) continue;
    model::CaseQuery all_of_it;
    const auto page =
        broker.engine.store().list_cases(model::with_text(all_of_it, Field::subscription, term.value), "", 1);
    if (!page.ok()) return page.status();
    const bool is_nobodys = page->cases.empty() && page->cursor.empty();
    if (is_nobodys) return {Code::NOT_FOUND, "there is no queue " + term.value + " and no case of one"};
  }
  return {};
}

}  // namespace

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
  auto query = read_case_filter(broker, text);
  if (query.ok()) LZ_RETURN_IF_ERROR(check_names(broker, *query));
  return query;
}

base::Result<model::CaseQuery> read_case_filter(const Broker& broker, std::string_view text) {
  auto query = model::parse_case_query(text, broker.engine.now());
  if (query.ok()) LZ_RETURN_IF_ERROR(broker.config.mask.check(*query));
  return query;
}

std::optional<std::string> asked_of_bodies(const model::CaseQuery& query) {
  if (!model::needs_body(query)) return std::nullopt;
  model::CaseQuery timeless = query;
  std::erase_if(timeless.terms, [](const model::CaseTerm& term) { return term.field == Field::admitted; });
  return model::to_text(timeless);
}

std::optional<std::string> asked_of_bodies(const Broker& broker, const Request& request) {
  const auto query = case_filter(broker, request);
  return query.ok() ? asked_of_bodies(*query) : std::nullopt;
}

}  // namespace lazaret::admin

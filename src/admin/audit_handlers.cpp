// The audit trail: its entries, the newest first.
#include <charconv>

#include "admin/audit_json.h"
#include "admin/handlers.h"
#include "admin/json_text.h"
#include "admin/routes.h"
#include "model/case_query.h"
#include "model/limits.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Result;
using base::Status;
namespace limits = model::limits;

std::optional<std::string> text_parameter(const Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  return text ? std::optional(std::string(*text)) : std::nullopt;
}

Status read_time(const Request& request, std::string_view name, base::Instant now, std::optional<base::Instant>& time) {
  const auto text = request.parameter(name);
  if (!text) return {};
  time = model::parse_time(*text, now);
  if (time) return {};
  return Status(Code::BAD_REQUEST,
                std::string(name) + " must be a time as 2026-11-23T20:04:48Z, a date, or a span before now as -2h");
}

}  // namespace

Result<Response> list_audit(Broker& broker, const Request& request) {
  const auto limit = number_parameter(request, "limit", limits::kPageItemsDefault, 1, limits::kPageItems);
  if (!limit.ok()) return limit.status();
  model::AuditQuery query;
  query.actor = text_parameter(request, "actor");
  query.operation = text_parameter(request, "operation");
  query.target = text_parameter(request, "target");
  const base::Instant now = broker.engine.now();
  LZ_RETURN_IF_ERROR(read_time(request, "since", now, query.since));
  LZ_RETURN_IF_ERROR(read_time(request, "until", now, query.until));
  const auto before = number_parameter(request, "cursor", 0, 1, ~std::uint64_t{0});
  if (!before.ok()) return before.status();
  const auto page = broker.engine.store().read_audit(query, *before, *limit);
  if (!page.ok()) return page.status();
  json::array items;
  for (const model::AuditEntry& entry : page->entries) items.push_back(audit_json(entry));
  json::object list = list_of(std::move(items), page->next == 0 ? "" : std::to_string(page->next));
  list["head"] = audit_json(page->head);
  list["anchor"] = audit_json(page->anchor);
  return json_response(200, list);
}

std::vector<Route> audit_routes() {
  return {
      {.pattern = "/api/v1/audit",
       .operation = "listAudit",
       .summary = "Entries of the audit trail, the newest first; each call has two: before it was done, and after",
       .handler = list_audit,
       .query = {{.name = "actor", .summary = "Of this actor"},
                 {.name = "operation", .summary = "Of this operation, as this description names it"},
                 {.name = "target", .summary = "On exactly this: a queue, a case, a group, a job, a rule, a filter"},
                 {.name = "since", .summary = "Of calls that came then or later: a time, a date, or -2h"},
                 {.name = "until", .summary = "Of calls that came before"},
                 {.name = "cursor", .summary = "Where the page begins: the cursor of the page before"},
                 {.name = "limit", .type = "integer", .summary = "Items of a page: 1 to 1000, 100 when not given"}},
       .outcomes = {{.summary = "A page of them, with the ends of the chain", .schema = "AuditEntryList"}}}};
}

}  // namespace lazaret::admin

// Routes of the hospital that tell what is wrong: counts, groups, what leaves it whole and comes to it so.
#include "admin/case_filter.h"
#include "admin/handlers.h"
#include "admin/routes.h"

namespace lazaret::admin {
namespace {

const Parameter kFilter{.name = "filter", .summary = "Terms that must all hold: docs/hospital.md"};
const Parameter kCursor{.name = "cursor", .summary = "Where the page begins: the cursor of the page before"};
const Parameter kLimit{.name = "limit", .type = "integer", .summary = "Items of a page: 1 to 1000, 100 when not given"};

}  // namespace

std::vector<Route> diagnosis_routes() {
  return {
      {.pattern = "/api/v1/hospital/cases/count",
       .operation = "countCases",
       .summary = "How many cases match. Where groups do not say it, cases are looked at, so many a request: with a "
                  "cursor there are more to count",
       .handler = count_cases,
       .asks_of_bodies = asked_of_bodies,
       .audit_target = "filter",
       .query = {kFilter, kCursor},
       .outcomes = {{.summary = "The count", .schema = "CaseCount"}}},
      {.pattern = "/api/v1/hospital/groups",
       .operation = "listGroups",
       .summary = "Cases by their cause",
       .handler = list_groups,
       .query = {kFilter,
                 {.name = "sort", .summary = "count (of open cases, when not given), last_seen or first_seen"},
                 kCursor,
                 kLimit},
       .outcomes = {{.summary = "A page of groups", .schema = "GroupList"}}},
      {.pattern = "/api/v1/hospital/groups/{id}",
       .operation = "getGroup",
       .summary = "One group, with the newest of its cases",
       .handler = get_group,
       .outcomes = {{.summary = "The group", .schema = "GroupAlone"}}},
      {.method = Method::patch,
       .pattern = "/api/v1/hospital/groups/{id}",
       .operation = "updateGroup",
       .summary = "Notes something about a group; what is not named stays as it is",
       .handler = patch_group,
       .audited = Audited::change,
       .body = "GroupPatch",
       .outcomes = {{.summary = "The group", .schema = "GroupAlone"}}},
      {.pattern = "/api/v1/hospital/export",
       .operation = "exportCases",
       .summary = "Whole cases: with their messages and all attempts, the newest admission first",
       .handler = export_cases,
       .audited = Audited::look,
       .audit_target = "filter",
       .query = {kFilter, kCursor, kLimit},
       .outcomes = {{.summary = "A page of cases", .schema = "CaseAloneList"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/import",
       .operation = "importCases",
       .summary = "Cases of another broker, as a page of its export has them, become cases here; none of them twice",
       .handler = import_cases,
       .audited = Audited::change,
       .audit_target = "to",
       .body = "Import",
       .has_message = true,
       .has_case = true,
       .outcomes = {{.summary = "What became of each", .schema = "Imported"}}},
      {.pattern = "/api/v1/correlations/{id}",
       .operation = "getCorrelation",
       .summary = "What the hospital knows of one correlation id, in the order of time",
       .handler = get_correlation,
       .query = {kCursor},
       .outcomes = {{.summary = "Attempts, admissions and ends of its cases", .schema = "CorrelationEventList"}}},
  };
}

}  // namespace lazaret::admin

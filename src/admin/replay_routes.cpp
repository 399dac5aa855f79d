// Routes of replay jobs.
#include "admin/handlers.h"
#include "admin/routes.h"

namespace lazaret::admin {
namespace {

const Parameter kCursor{.name = "cursor", .summary = "Where the page begins: the cursor of the page before"};
const Parameter kLimit{.name = "limit", .type = "integer", .summary = "Items of a page: 1 to 1000, 100 when not given"};

template <hospital::ReplayVerb kVerb>
base::Result<Response> change_to(Broker& broker, const Request& request) {
  return change_replay(broker, request, kVerb);
}

Route change_route(std::string_view pattern, std::string_view operation, std::string_view summary, Handler handler) {
  return {.method = Method::post,
          .pattern = pattern,
          .operation = operation,
          .summary = summary,
          .handler = handler,
          .audited = Audited::change,
          .body = "Empty",
          .outcomes = {{.summary = "The job as it is now, on the disk", .schema = "ReplayJob"}}};
}

}  // namespace

std::vector<Route> replay_routes() {
  using hospital::ReplayVerb;
  return {
      {.method = Method::post,
       .pattern = "/api/v1/hospital/replays",
       .operation = "createReplay",
       .summary = "Creates a job that replays the cases that match now, or these; or says how many they are",
       .handler = create_replay,
       .audited = Audited::change,
       .is_dry_run = asks_for_dry_run_in_body,
       .asks_of_bodies = asked_by_filter_in_body,
       .audit_target = "filter",
       .body = "NewReplayJob",
       .outcomes = {{.summary = "Of a dry run: what a job would be for", .schema = "ReplayDryRun"},
                    {.status = 202, .summary = "The job, on the disk", .schema = "ReplayJob"}}},
      {.pattern = "/api/v1/hospital/replays",
       .operation = "listReplays",
       .summary = "Replay jobs, the newest first; the last thousand that have ended are kept",
       .handler = list_replays,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of jobs", .schema = "ReplayJobList"}}},
      {.pattern = "/api/v1/hospital/replays/{id}",
       .operation = "getReplay",
       .summary = "One job: how far it is, and how many newer cases match its filter too",
       .handler = get_replay,
       .asks_of_bodies = asked_by_job,
       .outcomes = {{.summary = "The job", .schema = "ReplayJobAlone"}}},
      {.pattern = "/api/v1/hospital/replays/{id}/cases",
       .operation = "listReplayedCases",
       .summary =
           "The cases of a job in the order in which they are sent, and what became of each. A page looks at 10,000 of "
           "them at most, so it may come back short, even empty, with a cursor",
       .handler = list_replayed_cases,
       .query = {{.name = "outcome", .summary = "none, queued, discharged, relapsed, recalled, refused or other"},
                 {.name = "subscription", .summary = "Those of this queue or subscription"},
                 kCursor,
                 kLimit},
       .outcomes = {{.summary = "A page of them", .schema = "ReplayedCaseList"}}},
      change_route("/api/v1/hospital/replays/{id}/pause", "pauseReplay", "Sends no more until it is resumed",
                   change_to<ReplayVerb::pause>),
      change_route("/api/v1/hospital/replays/{id}/resume", "resumeReplay", "Goes on where it was paused",
                   change_to<ReplayVerb::resume>),
      change_route("/api/v1/hospital/replays/{id}/cancel", "cancelReplay",
                   "Ends it: no more are sent; what has been sent goes on", change_to<ReplayVerb::cancel>),
      change_route("/api/v1/hospital/replays/{id}/recall", "recallReplay",
                   "Ends it, and returns what was sent and is with no consumer to its case",
                   change_to<ReplayVerb::recall>),
  };
}

}  // namespace lazaret::admin

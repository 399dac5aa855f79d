#include "admin/routes.h"

#include "admin/handlers.h"

namespace lazaret::admin {
namespace {

const Parameter kCursor{.name = "cursor", .summary = "Where the page begins: the cursor of the page before"};
const Parameter kLimit{.name = "limit", .type = "integer", .summary = "Items of a page: 1 to 1000, 100 when not given"};

std::vector<Route> queue_routes() {
  return {
      {.pattern = "/api/v1/queues",
       .operation = "listQueues",
       .summary = "All queues, by name",
       .handler = list_queues,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of queues", .schema = "QueueList"}}},
      {.method = Method::put,
       .pattern = "/api/v1/queues/{name}",
       .operation = "putQueue",
       .summary = "Creates the queue, or makes sure that it exists with these options",
       .handler = put_queue,
       .body = "NewQueue",
       .outcomes = {{.summary = "It exists with these options", .schema = "Queue"},
                    {.status = 201, .summary = "It was created", .schema = "Queue"}}},
      {.pattern = "/api/v1/queues/{name}",
       .operation = "getQueue",
       .summary = "One queue",
       .handler = get_queue,
       .outcomes = {{.summary = "The queue", .schema = "Queue"}}},
      {.method = Method::patch,
       .pattern = "/api/v1/queues/{name}",
       .operation = "patchQueue",
       .summary = "Changes options; those that are not given stay as they are",
       .handler = patch_queue,
       .body = "QueueOptions",
       .outcomes = {{.summary = "The queue as it is now", .schema = "Queue"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/queues/{name}",
       .operation = "deleteQueue",
       .summary = "Deletes the queue; its cases stay in the hospital",
       .handler = delete_queue,
       .query = {{.name = "force", .type = "boolean", .summary = "Although it holds messages or has consumers"}},
       .outcomes = {{.status = 204, .summary = "It is gone", .content_type = ""}}},
      {.method = Method::post,
       .pattern = "/api/v1/queues/{name}/messages",
       .operation = "publishMessage",
       .summary = "Publishes one message; answered when it is on the disk",
       .handler = publish_message,
       .body = "NewMessage",
       .has_message = true,
       .outcomes = {{.status = 201, .summary = "It is durable", .schema = "Published"}}},
      {.pattern = "/api/v1/queues/{name}/messages",
       .operation = "peekMessages",
       .summary = "Looks at messages without taking them",
       .handler = peek_messages,
       .query = {{.name = "count", .type = "integer", .summary = "Messages at most: 1 to 1000, 100 when not given"},
                 {.name = "from", .type = "integer", .summary = "First offset; the oldest unsettled when not given"},
                 {.name = "state", .summary = "Only these: settled, ready, leased, waiting, in_hospital, replaying"}},
       .outcomes = {{.summary = "A page of messages, by offset; its cursor is the next `from`",
                     .schema = "PeekedMessageList"}}},
      {.method = Method::post,
       .pattern = "/api/v1/queues/{name}/purge",
       .operation = "purgeQueue",
       .summary = "Drops what is ready or waiting",
       .handler = purge_queue,
       .body = "Empty",
       .outcomes = {{.summary = "It was dropped", .schema = "Purged"}}},
  };
}

std::vector<Route> hospital_routes() {
  return {
      {.pattern = "/api/v1/hospital/cases",
       .operation = "listCases",
       .summary = "Cases, the newest admission first",
       .handler = list_cases,
       .query = {{.name = "queue", .summary = "Of this queue"},
                 {.name = "subscription", .summary = "The same as queue"},
                 {.name = "type", .summary = "Of messages of this type"},
                 {.name = "key", .summary = "Of messages with this key"},
                 {.name = "reason",
                  .summary = "attempts_exhausted, killed_workers, rejected, expired, quarantined or "
                             "damaged"},
                 {.name = "state", .summary = "admitted, replaying, discharged or discarded"},
                 kCursor,
                 kLimit},
       .outcomes = {{.summary = "A page of cases", .schema = "CaseList"}}},
      {.pattern = "/api/v1/hospital/cases/{id}",
       .operation = "getCase",
       .summary = "One case with its message and all attempts",
       .handler = get_case,
       .outcomes = {{.summary = "The case", .schema = "CaseAlone"}}},
      {.pattern = "/api/v1/hospital/cases/{id}/body",
       .operation = "getCaseBody",
       .summary = "The bytes of the message's body",
       .handler = get_case_body,
       .outcomes = {{.summary = "As text/plain when they are UTF-8 and as application/json when the message says so",
                     .content_type = "application/octet-stream"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/cases/{id}/replay",
       .operation = "replayCase",
       .summary = "Sends the message to its queue once more, with fresh attempts",
       .handler = replay_case,
       .body = "Empty",
       .outcomes = {{.summary = "It is in the replay lane", .schema = "Case"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/cases/{id}/discard",
       .operation = "discardCase",
       .summary = "Gives the message up",
       .handler = discard_case,
       .body = "Discard",
       .outcomes = {{.summary = "It is discarded", .schema = "Case"}}},
  };
}

std::vector<Route> broker_routes() {
  return {
      {.method = Method::post,
       .pattern = "/api/v1/checks",
       .operation = "runCheck",
       .summary = "Reads everything that is stored and checks it",
       .handler = run_check,
       .body = "Empty",
       .outcomes = {{.summary = "The report", .schema = "CheckReport"}}},
      {.pattern = "/api/v1/status",
       .operation = "getStatus",
       .summary = "The broker as a whole",
       .handler = get_status,
       .outcomes = {{.summary = "Its state", .schema = "Status"}}},
      {.pattern = "/metrics",
       .operation = "getMetrics",
       .summary = "Metrics for Prometheus",
       .handler = get_metrics,
       .outcomes = {{.summary = "Text exposition format 0.0.4", .content_type = "text/plain"}}},
      {.pattern = "/healthz",
       .operation = "getHealth",
       .summary = "Whether the broker is alive, and what worries it",
       .handler = get_health,
       .outcomes = {{.summary = "It is", .schema = "Health"}}},
      {.pattern = "/readyz",
       .operation = "getReadiness",
       .summary = "Whether it takes work: not while it is draining",
       .handler = get_readiness,
       .outcomes = {{.summary = "It does", .schema = "Readiness"}}},
      {.pattern = "/openapi.json",
       .operation = "getOpenApi",
       .summary = "This description",
       .handler = get_openapi,
       .outcomes = {{.summary = "OpenAPI 3.1", .schema = "Object"}}},
  };
}

}  // namespace

const std::vector<Route>& routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> table = queue_routes();
    for (const auto& part : {hospital_routes(), broker_routes()}) table.insert(table.end(), part.begin(), part.end());
    return table;
  }();
  return all;
}

bool matches(std::string_view pattern, const std::vector<std::string>& segments, std::vector<std::string>& arguments) {
  arguments.clear();
  for (const std::string& segment : segments) {
    if (!pattern.starts_with('/')) return false;
    pattern.remove_prefix(1);
    const std::string_view expected = pattern.substr(0, pattern.find('/'));
    pattern.remove_prefix(expected.size());
    if (expected.starts_with('{')) {
      arguments.push_back(segment);
    } else if (segment != expected) {
      return false;
    }
  }
  return pattern.empty();
}

}  // namespace lazaret::admin

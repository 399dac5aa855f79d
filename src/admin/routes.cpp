#include "admin/routes.h"

#include "admin/case_filter.h"
#include "admin/handlers.h"

namespace lazaret::admin {
namespace {

using model::Kind;

/// A handler for one kind of what has a name.
template <auto kHandler, Kind kKind>
base::Result<Response> of(Broker& broker, const Request& request) {
  return kHandler(broker, request, kKind);
}

const Parameter kCursor{.name = "cursor", .summary = "Where the page begins: the cursor of the page before"};
const Parameter kBodyLimit{
    .name = "body_limit",
    .type = "integer",
    .summary =
        "At most so many bytes of the body, as many as are whole characters of a text; body_bytes of the message "
        "then says how many there are. All of it when not given"};
const Parameter kLimit{.name = "limit", .type = "integer", .summary = "Items of a page: 1 to 1000, 100 when not given"};
const Parameter kDryRun{.name = "dry_run", .type = "boolean", .summary = "Answers as if, and changes nothing"};

bool asks_for_dry_run(const Request& request) {
  const auto dry_run = flag_parameter(request, kDryRun.name);
  return dry_run.ok() && *dry_run;
}

std::vector<Parameter> peek_query() {
  return {{.name = "count", .type = "integer", .summary = "Messages at most: 1 to 1000, 100 when not given"},
          {.name = "from", .type = "integer", .summary = "First offset; the oldest unsettled when not given"},
          {.name = "state",
           .summary = "Only these: settled, ready, leased, waiting, held, in_hospital, replaying, scheduled"}};
}

Route why_route(std::string_view pattern, std::string_view operation, Handler handler) {
  return {.pattern = pattern,
          .operation = operation,
          .summary = "Says in sentences why something is not being delivered",
          .handler = handler,
          .query = {{.name = "message", .summary = "Of this one: an offset, or a message id"}},
          .outcomes = {{.summary = "What is in the way, the most telling first", .schema = "Why"}}};
}

/// Of messages with a delay: list them (but of a topic, which has none of its own), and cancel one.
std::vector<Route> schedule_routes() {
  return {
      {.pattern = "/api/v1/queues/{name}/scheduled",
       .operation = "listScheduled",
       .summary = "Messages whose delay is not over, the earliest first",
       .handler = of<list_scheduled, Kind::queue>,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of them", .schema = "ScheduledList"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/queues/{name}/scheduled/{message}",
       .operation = "cancelScheduled",
       .summary = "Drops a message, named by its offset or its id, before its delay is over",
       .handler = of<cancel_scheduled, Kind::queue>,
       .audited = Audited::change,
       .outcomes = {{.summary = "It counts as purged", .schema = "Cancelled"}}},
      {.pattern = "/api/v1/subscriptions/{name}/scheduled",
       .operation = "listScheduledOfSubscription",
       .summary = "Messages whose delay is not over, the earliest first",
       .handler = of<list_scheduled, Kind::subscription>,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of them", .schema = "ScheduledList"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/subscriptions/{name}/scheduled/{message}",
       .operation = "cancelScheduledOfSubscription",
       .summary =
           "Drops a message, named by its offset or its id, before its delay is over, for this subscription only",
       .handler = of<cancel_scheduled, Kind::subscription>,
       .audited = Audited::change,
       .outcomes = {{.summary = "It counts as purged", .schema = "Cancelled"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/topics/{name}/scheduled/{message}",
       .operation = "cancelScheduledOfTopic",
       .summary = "Drops a message, named by its offset, before its delay is over, for all subscriptions",
       .handler = of<cancel_scheduled, Kind::topic>,
       .audited = Audited::change,
       .outcomes = {{.summary = "It counts as purged for each of them", .schema = "Cancelled"}}},
  };
}

/// What is done with messages of queues.
std::vector<Route> message_routes() {
  return {
      {.method = Method::post,
       .pattern = "/api/v1/queues/{name}/messages",
       .operation = "publishMessage",
       .summary = "Publishes one message; answered when it is on the disk",
       .handler = of<publish_message, Kind::queue>,
       .body = "NewMessage",
       .has_message = true,
       .outcomes = {{.status = 201, .summary = "It is durable", .schema = "Published"},
                    {.status = 200, .summary = "It was there already: a duplicate by its id", .schema = "Published"}}},
      {.method = Method::post,
       .pattern = "/api/v1/queues/{name}/requests",
       .operation = "request",
       .summary = "Asks the service behind the queue; answered with its reply, or when the deadline has passed",
       .handler = request_reply,
       .body = "NewRequest",
       .has_message = true,
       .outcomes = {{.summary = "It has ended, whichever way", .schema = "Reply"}},
       .awaits_reply = true},
      {.method = Method::post,
       .pattern = "/api/v1/queues/{name}/requests/{request}/answer",
       .operation = "answerRequest",
       .summary =
           "Answers or declines a request whose message is not in hand any more, or tells its requester something "
           "on the way",
       .handler = answer_request,
       .body = "NewAnswer",
       .has_message = true,
       .outcomes = {{.summary = "It has come", .schema = "Answered"}}},
      {.pattern = "/api/v1/queues/{name}/messages",
       .operation = "peekMessages",
       .summary = "Looks at messages without taking them",
       .handler = of<peek_messages, Kind::queue>,
       .audited = Audited::look,
       .query = peek_query(),
       .outcomes = {{.summary = "A page of messages, by offset; its cursor is the next `from`",
                     .schema = "PeekedMessageList"}}},
  };
}

std::vector<Route> queue_routes() {
  return {
      {.pattern = "/api/v1/queues",
       .operation = "listQueues",
       .summary = "All queues, by name",
       .handler = of<list_named, Kind::queue>,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of queues", .schema = "QueueList"}}},
      {.method = Method::put,
       .pattern = "/api/v1/queues/{name}",
       .operation = "putQueue",
       .summary = "Creates the queue, or makes sure that it exists with these options",
       .handler = of<put_named, Kind::queue>,
       .audited = Audited::change,
       .is_dry_run = asks_for_dry_run,
       .query = {kDryRun},
       .body = "NewQueue",
       .outcomes = {{.summary = "It exists with these options", .schema = "Queue"},
                    {.status = 201, .summary = "It was created", .schema = "Queue"}}},
      {.pattern = "/api/v1/queues/{name}",
       .operation = "getQueue",
       .summary = "One queue",
       .handler = of<get_named, Kind::queue>,
       .outcomes = {{.summary = "The queue", .schema = "Queue"}}},
      {.method = Method::patch,
       .pattern = "/api/v1/queues/{name}",
       .operation = "patchQueue",
       .summary = "Changes options; those that are not given stay as they are",
       .handler = of<patch_named, Kind::queue>,
       .audited = Audited::change,
       .body = "QueueOptions",
       .outcomes = {{.summary = "The queue as it is now", .schema = "Queue"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/queues/{name}",
       .operation = "deleteQueue",
       .summary = "Deletes the queue; its cases stay in the hospital",
       .handler = of<delete_named, Kind::queue>,
       .audited = Audited::change,
       .query = {{.name = "force", .type = "boolean", .summary = "Although it holds messages or has consumers"}},
       .outcomes = {{.status = 204, .summary = "It is gone", .content_type = ""}}},
      why_route("/api/v1/queues/{name}/why", "whyQueue", of<why_named, Kind::queue>),
      {.method = Method::post,
       .pattern = "/api/v1/queues/{name}/purge",
       .operation = "purgeQueue",
       .summary = "Drops what is ready or waiting, and what is scheduled when that is asked for",
       .handler = of<purge_named, Kind::queue>,
       .audited = Audited::change,
       .body = "Purge",
       .outcomes = {{.summary = "It was dropped", .schema = "Purged"}}},
  };
}

std::vector<Route> topic_routes() {
  return {
      {.pattern = "/api/v1/topics",
       .operation = "listTopics",
       .summary = "All topics, by name",
       .handler = of<list_named, Kind::topic>,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of topics", .schema = "TopicList"}}},
      {.method = Method::put,
       .pattern = "/api/v1/topics/{name}",
       .operation = "putTopic",
       .summary = "Creates the topic, or makes sure that it exists with these options",
       .handler = of<put_named, Kind::topic>,
       .audited = Audited::change,
       .is_dry_run = asks_for_dry_run,
       .query = {kDryRun},
       .body = "NewTopic",
       .outcomes = {{.summary = "It exists with these options", .schema = "Topic"},
                    {.status = 201, .summary = "It was created", .schema = "Topic"}}},
      {.pattern = "/api/v1/topics/{name}",
       .operation = "getTopic",
       .summary = "One topic",
       .handler = of<get_named, Kind::topic>,
       .outcomes = {{.summary = "The topic", .schema = "Topic"}}},
      {.method = Method::patch,
       .pattern = "/api/v1/topics/{name}",
       .operation = "patchTopic",
       .summary = "Changes options; its subscriptions are as durable as it is",
       .handler = of<patch_named, Kind::topic>,
       .audited = Audited::change,
       .body = "TopicOptions",
       .outcomes = {{.summary = "The topic as it is now", .schema = "Topic"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/topics/{name}",
       .operation = "deleteTopic",
       .summary = "Deletes the topic; cases of its subscriptions stay in the hospital",
       .handler = of<delete_named, Kind::topic>,
       .audited = Audited::change,
       .query = {{.name = "force", .type = "boolean", .summary = "With all its subscriptions"}},
       .outcomes = {{.status = 204, .summary = "It is gone", .content_type = ""}}},
      {.method = Method::post,
       .pattern = "/api/v1/topics/{name}/messages",
       .operation = "publishToTopic",
       .summary = "Publishes one message to all subscriptions; answered when it is durable",
       .handler = of<publish_message, Kind::topic>,
       .body = "NewMessage",
       .has_message = true,
       .outcomes = {{.status = 201, .summary = "It is durable", .schema = "Published"},
                    {.status = 200, .summary = "It was there already: a duplicate by its id", .schema = "Published"}}},
      {.pattern = "/api/v1/topics/{name}/messages",
       .operation = "peekTopic",
       .summary = "Looks at the messages that the topic keeps",
       .handler = peek_topic,
       .audited = Audited::look,
       .query = {{.name = "count", .type = "integer", .summary = "Messages at most: 1 to 1000, 100 when not given"},
                 {.name = "from",
                  .type = "integer",
                  .summary = "First offset; the oldest that is kept when not given"}},
       .outcomes = {{.summary = "A page of messages, by offset; its cursor is the next `from`",
                     .schema = "PeekedMessageList"}}},
  };
}

std::vector<Route> subscription_routes() {
  return {
      {.pattern = "/api/v1/subscriptions",
       .operation = "listSubscriptions",
       .summary = "All subscriptions of topics, by name",
       .handler = of<list_named, Kind::subscription>,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of subscriptions", .schema = "SubscriptionList"}}},
      {.method = Method::put,
       .pattern = "/api/v1/subscriptions/{name}",
       .operation = "putSubscription",
       .summary = "Creates the subscription, or makes sure that it exists with these options",
       .handler = of<put_named, Kind::subscription>,
       .audited = Audited::change,
       .is_dry_run = asks_for_dry_run,
       .query = {kDryRun},
       .body = "NewSubscription",
       .outcomes = {{.summary = "It exists with these options", .schema = "Subscription"},
                    {.status = 201, .summary = "It was created", .schema = "Subscription"}}},
      {.pattern = "/api/v1/subscriptions/{name}",
       .operation = "getSubscription",
       .summary = "One subscription",
       .handler = of<get_named, Kind::subscription>,
       .outcomes = {{.summary = "The subscription", .schema = "Subscription"}}},
      {.method = Method::patch,
       .pattern = "/api/v1/subscriptions/{name}",
       .operation = "patchSubscription",
       .summary = "Changes options; those that are not given stay as they are",
       .handler = of<patch_named, Kind::subscription>,
       .audited = Audited::change,
       .body = "SubscriptionOptions",
       .outcomes = {{.summary = "The subscription as it is now", .schema = "Subscription"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/subscriptions/{name}",
       .operation = "deleteSubscription",
       .summary = "Deletes the subscription; its cases stay in the hospital, its topic as it is",
       .handler = of<delete_named, Kind::subscription>,
       .audited = Audited::change,
       .query = {{.name = "force", .type = "boolean", .summary = "Although it holds messages or has consumers"}},
       .outcomes = {{.status = 204, .summary = "It is gone", .content_type = ""}}},
      {.pattern = "/api/v1/subscriptions/{name}/messages",
       .operation = "peekSubscription",
       .summary = "Looks at messages without taking them",
       .handler = of<peek_messages, Kind::subscription>,
       .audited = Audited::look,
       .query = peek_query(),
       .outcomes = {{.summary = "A page of messages, by offset; its cursor is the next `from`",
                     .schema = "PeekedMessageList"}}},
      why_route("/api/v1/subscriptions/{name}/why", "whySubscription", of<why_named, Kind::subscription>),
      {.method = Method::post,
       .pattern = "/api/v1/subscriptions/{name}/purge",
       .operation = "purgeSubscription",
       .summary =
           "Drops what is ready or waiting, and what is scheduled when that is asked for, of this subscription only",
       .handler = of<purge_named, Kind::subscription>,
       .audited = Audited::change,
       .body = "Purge",
       .outcomes = {{.summary = "It was dropped", .schema = "Purged"}}},
      {.method = Method::post,
       .pattern = "/api/v1/subscriptions/{name}/seek",
       .operation = "seekSubscription",
       .summary = "Moves the subscription: forward it leaves messages out, back it reads them again",
       .handler = seek_subscription,
       .audited = Audited::change,
       .body = "Seek",
       .outcomes = {{.summary = "It goes on there", .schema = "Sought"}}},
  };
}

std::vector<Route> hospital_routes() {
  return {
      {.pattern = "/api/v1/hospital/cases",
       .operation = "listCases",
       .summary = "Cases, the newest admission first",
       .handler = list_cases,
       .asks_of_bodies = asked_of_bodies,
       .audit_target = "filter",
       .query = {{.name = "filter", .summary = "Terms that must all hold: docs/hospital.md"},
                 {.name = "queue", .summary = "Of this queue"},
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
       .audited = Audited::look,
       .looked_at_again = true,
       .query = {kBodyLimit},
       .outcomes = {{.summary = "The case", .schema = "CaseAlone"}}},
      {.pattern = "/api/v1/hospital/cases/{id}/body",
       .operation = "getCaseBody",
       .summary = "The bytes of the message's body, in its newest version",
       .handler = get_case_body,
       .audited = Audited::look,
       .looked_at_again = true,
       .outcomes = {{.summary =
                         "As text/plain when they are UTF-8 and as application/json when the message says so; with "
                         "X-Lazaret-Masked where fields of it are masked. What its publisher compressed comes opened, "
                         "or with Content-Encoding where Accept-Encoding has zstd and no field is masked",
                     .content_type = "application/octet-stream"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/cases/{id}/replay",
       .operation = "replayCase",
       .summary = "Sends the message to its queue once more, or to another queue or topic, in its newest version",
       .handler = replay_case,
       .audited = Audited::change,
       .body = "Replay",
       .outcomes = {{.summary = "It is in the replay lane, or was sent elsewhere", .schema = "Case"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/cases/{id}/discard",
       .operation = "discardCase",
       .summary = "Gives the message up",
       .handler = discard_case,
       .audited = Audited::change,
       .body = "Discard",
       .outcomes = {{.summary = "It is discarded", .schema = "Case"}}},
  };
}

/// What is done to the message of a case.
std::vector<Route> cure_routes() {
  return {
      {.method = Method::patch,
       .pattern = "/api/v1/hospital/cases/{id}",
       .operation = "editCase",
       .summary = "Gives the message of an admitted case a new version; If-Match names the one that was seen",
       .handler = edit_case,
       .audited = Audited::change,
       .body = "Edit",
       .has_message = true,
       .outcomes = {{.summary =
                         "The case with its new version, or, when nothing would change, with the one that it has",
                     .schema = "Case"}},
       .headers = {{.name = "If-Match", .summary = "The version that was seen, as the case's ETag has it: \"0\""},
                   {.name = "X-Lazaret-Actor", .summary = "Who edits, where the body does not say it in `by`"}}},
      {.pattern = "/api/v1/hospital/cases/{id}/versions/{version}",
       .operation = "getCaseVersion",
       .summary = "The message of a case in one of its versions; 0 is what was published",
       .handler = get_case_version,
       .audited = Audited::look,
       .looked_at_again = true,
       .query = {kBodyLimit},
       .outcomes = {{.summary = "The message, and who made it so", .schema = "CaseVersion"}}},
      {.pattern = "/api/v1/hospital/cases/{id}/diff",
       .operation = "getCaseDiff",
       .summary = "What differs between two versions of the message, line by line",
       .handler = get_case_diff,
       .audited = Audited::look,
       .looked_at_again = true,
       .query = {{.name = "from", .type = "integer", .summary = "A version; 0 when not given"},
                 {.name = "to", .type = "integer", .summary = "A version; the newest when not given"}},
       .outcomes = {{.summary = "Headers and body, JSON laid out", .schema = "CaseDiff"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/cases/{id}/diff",
       .operation = "previewEdit",
       .summary = "What would differ after this edit, line by line; it is refused as the edit would be, and changes "
                  "nothing",
       .handler = preview_edit,
       .audited = Audited::look,
       .looked_at_again = true,
       .body = "Edit",
       .has_message = true,
       .outcomes =
           {{.summary =
                 "From the version that was seen to the one that the edit would make; when it would make none, to "
                 "the same",
             .schema = "CaseDiff"}},
       .headers = {{.name = "If-Match", .summary = "The version that was seen, as the case's ETag has it: \"0\""}}},
      {.pattern = "/api/v1/hospital/cases/{id}/acknowledged",
       .operation = "getAcknowledgedLike",
       .summary = "The newest message of the same type that was acknowledged there and is still kept, and what differs",
       .handler = get_acknowledged_like,
       .audited = Audited::look,
       .looked_at_again = true,
       .outcomes = {{.summary = "Null when there is none among the newest 10,000", .schema = "AcknowledgedLike"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/cases/{id}/restore",
       .operation = "restoreCase",
       .summary = "Takes a discard back, until case_retention is over",
       .handler = restore_case,
       .audited = Audited::change,
       .body = "Empty",
       .outcomes = {{.summary = "It is admitted", .schema = "Case"}}},
  };
}

std::vector<Route> quarantine_routes() {
  return {
      {.pattern = "/api/v1/hospital/quarantines",
       .operation = "listQuarantines",
       .summary = "Rules that send messages to the hospital, in the order of their ids",
       .handler = list_quarantines,
       .query = {{.name = "subscription", .summary = "Of this queue or subscription"}, kCursor, kLimit},
       .outcomes = {{.summary = "A page of them", .schema = "QuarantineList"}}},
      {.method = Method::post,
       .pattern = "/api/v1/hospital/quarantines",
       .operation = "addQuarantine",
       .summary = "A new rule: messages that match become cases before anybody has them",
       .handler = add_quarantine,
       .audited = Audited::change,
       .audit_target = "subscription",
       .body = "NewQuarantine",
       .outcomes = {{.status = 201, .summary = "It holds, and is on the disk", .schema = "Quarantine"}}},
      {.pattern = "/api/v1/hospital/quarantines/{id}",
       .operation = "getQuarantine",
       .summary = "One rule, with how many it has caught",
       .handler = get_quarantine,
       .outcomes = {{.summary = "The rule", .schema = "Quarantine"}}},
      {.method = Method::remove,
       .pattern = "/api/v1/hospital/quarantines/{id}",
       .operation = "liftQuarantine",
       .summary = "Ends the rule; what it has caught stays in the hospital",
       .handler = lift_quarantine,
       .audited = Audited::change,
       .query = {{.name = "release",
                  .type = "boolean",
                  .summary = "And replays what it has caught, by a job; also of a rule that has ended"},
                 {.name = "rate", .type = "integer", .summary = "Of the job, as what follows: cases a second"},
                 {.name = "concurrency", .type = "integer", .summary = "In replay lanes or with consumers at a time"},
                 {.name = "canary", .type = "integer", .summary = "So many go first, with one attempt each"},
                 {.name = "canary_needed", .type = "integer", .summary = "Of which so many must be cured"},
                 {.name = "stop_at_failure_ratio",
                  .type = "number",
                  .summary = "Stops it when so many of at least 20 outcomes are relapses"},
                 {.name = "after_version",
                  .summary = "Waits for a consumer of such a version, as >=2.4.2, and sends to no others"},
                 {.name = "force", .type = "boolean", .summary = "Also requests that were answered meanwhile"}},
       .outcomes = {{.summary = "It has ended", .schema = "Lifted"}}},
  };
}

std::vector<Route> broker_routes() {
  return {
      {.method = Method::post,
       .pattern = "/api/v1/transactions",
       .operation = "publishTogether",
       .summary = "Publishes messages, and asks durable requests, in one atomic write: all of them, or none",
       .handler = publish_together,
       .body = "Together",
       .has_message = true,
       .outcomes = {{.status = 201, .summary = "All are durable", .schema = "PublishedTogether"}}},
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
      {.pattern = "/api/v1/overview",
       .operation = "getOverview",
       .summary = "What every queue and subscription holds now, and their last hour, minute by minute",
       .handler = get_overview,
       .outcomes = {{.summary = "At most 1000 of them, by name", .schema = "Overview"}}},
      {.pattern = "/api/v1/alerts",
       .operation = "listAlerts",
       .summary = "Alerts, the newest first, with what became of them at their receivers; the last thousand are kept",
       .handler = list_alerts,
       .query = {kCursor, kLimit},
       .outcomes = {{.summary = "A page of alerts", .schema = "AlertList"}}},
      {.pattern = "/api/v1/events",
       .operation = "streamEvents",
       .summary = "Server-sent events: an `overview` with everything, then one a second with what has changed; "
                  "and an `alert` when one is raised",
       .outcomes = {{.summary = "Until the peer or the broker ends it; the data of an `overview` is an OverviewEvent, "
                                "of an `alert` an Alert",
                     .content_type = "text/event-stream",
                     .schema = "OverviewEvent"}},
       .is_stream = true},
      {.pattern = "/",
       .operation = "getPage",
       .summary = "The web page of the broker",
       .handler = get_page,
       .outcomes = {{.summary = "It needs nothing from elsewhere", .content_type = "text/html"}},
       .any_query = true},
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

const std::vector<Route>& page_routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> table;
    for (const std::string_view place :
         {"/hospital", "/hospital/cases", "/hospital/cases/{id}", "/hospital/alerts", "/hospital/audit",
          "/hospital/quarantine", "/hospital/replays", "/hospital/replays/{id}", "/queues/{name}", "/topics/{name}",
          "/subscriptions/{name}"}) {
      table.push_back({.pattern = place, .handler = get_page, .any_query = true});
    }
    table.push_back({.pattern = "/page/{file}", .handler = get_page_file});
    return table;
  }();
  return all;
}

const std::vector<Route>& routes() {
  static const std::vector<Route> all = [] {
    std::vector<Route> table = queue_routes();
    for (const auto& part : {message_routes(), topic_routes(), subscription_routes(), schedule_routes(),
                             diagnosis_routes(), hospital_routes(), cure_routes(), many_cases_routes(), replay_routes(),
                             quarantine_routes(), audit_routes(), backup_routes(), broker_routes()})
      table.insert(table.end(), part.begin(), part.end());
    return table;
  }();
  return all;
}

bool matches(std::string_view pattern, const std::vector<std::string>& segments, std::vector<std::string>& arguments) {
  arguments.clear();
  if (segments.empty()) return pattern == "/";
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

// The handlers, one for each route; grouped by the file that they stand in. All are of type `Handler`, once
// the kind of what they are about is given (`of` in routes.cpp).
#pragma once

#include <boost/json/object.hpp>

#include "admin/broker.h"
#include "admin/request.h"

namespace lazaret::admin {

// queue_handlers.cpp: of queues, topics or subscriptions
base::Result<Response> list_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> put_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> get_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> patch_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> delete_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> purge_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> why_named(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> seek_subscription(Broker& broker, const Request& request);

// message_handlers.cpp
base::Result<Response> publish_message(Broker& broker, const Request& request, model::Kind kind);

// publish_together.cpp
base::Result<Response> publish_together(Broker& broker, const Request& request);

// request_handlers.cpp
/// Asks; the response has what is awaited, and nothing else.
base::Result<Response> request_reply(Broker& broker, const Request& request);
/// By ticket: an answer, a decline, or a note on the way.
base::Result<Response> answer_request(Broker& broker, const Request& request);
/// What has come of it until now.
Response reply_response(const Broker& broker, const AwaitedReply& awaited);

// peek.cpp
base::Result<Response> peek_messages(Broker& broker, const Request& request, model::Kind kind);

// topic_peek.cpp
base::Result<Response> peek_topic(Broker& broker, const Request& request);

// schedule_handlers.cpp: of queues or subscriptions, and to cancel of topics
base::Result<Response> list_scheduled(Broker& broker, const Request& request, model::Kind kind);
base::Result<Response> cancel_scheduled(Broker& broker, const Request& request, model::Kind kind);

// case_handlers.cpp
base::Result<Response> list_cases(Broker& broker, const Request& request);
base::Result<Response> get_case(Broker& broker, const Request& request);
base::Result<Response> get_case_body(Broker& broker, const Request& request);
base::Result<Response> replay_case(Broker& broker, const Request& request);
base::Result<Response> discard_case(Broker& broker, const Request& request);
base::Result<Response> count_cases(Broker& broker, const Request& request);

// group_handlers.cpp
base::Result<Response> list_groups(Broker& broker, const Request& request);
base::Result<Response> get_group(Broker& broker, const Request& request);
base::Result<Response> patch_group(Broker& broker, const Request& request);

// export_handlers.cpp
base::Result<Response> export_cases(Broker& broker, const Request& request);
base::Result<Response> get_correlation(Broker& broker, const Request& request);
base::Result<Response> restore_case(Broker& broker, const Request& request);
/// The case with this id, or that of the path; NOT_FOUND.
base::Result<model::CaseRecord> find_case(Broker& broker, const std::string& id);
base::Result<model::CaseRecord> find_case(Broker& broker, const Request& request);
/// CASE_BUSY unless it is open; unless it is discarded.
base::Status check_open(const model::CaseRecord& record);
base::Status check_discarded(const model::CaseRecord& record);
/// MESSAGE_GONE where an older version has dropped its message with it, or with its queue, of which nobody knows any
/// more.
base::Status check_message_kept(Broker& broker, const model::CaseRecord& record);
/// `?body_limit=`, or kWholeBody; BAD_REQUEST.
base::Result<std::uint64_t> body_limit_of(const Request& request);
/// The case as it is now.
base::Result<Response> case_response(Broker& broker, const model::CaseId& id);

// acknowledged_like.cpp
base::Result<Response> get_acknowledged_like(Broker& broker, const Request& request);
// import_handlers.cpp
base::Result<Response> import_cases(Broker& broker, const Request& request);

// case_edit_handlers.cpp
base::Result<Response> edit_case(Broker& broker, const Request& request);
base::Result<Response> preview_edit(Broker& broker, const Request& request);
base::Result<Response> get_case_version(Broker& broker, const Request& request);
base::Result<Response> get_case_diff(Broker& broker, const Request& request);
/// Who asks: as the body says in `by`, else as the header X-Lazaret-Actor does, else where they come from.
base::Result<std::string> actor_of(const boost::json::object& object, const Request& request);

// replay_handlers.cpp
base::Result<Response> create_replay(Broker& broker, const Request& request);
base::Result<Response> list_replays(Broker& broker, const Request& request);
base::Result<Response> get_replay(Broker& broker, const Request& request);
/// Of a job, whose newer cases are counted whenever it is looked at: what its filter asks of bodies.
std::optional<std::string> asked_by_job(const Broker& broker, const Request& request);
/// Of a request whose body says which cases are meant: whether it only asks what would be, and what its filter then
/// asks of bodies.
bool asks_for_dry_run_in_body(const Request& request);
std::optional<std::string> asked_by_filter_in_body(const Broker& broker, const Request& request);
base::Result<Response> list_replayed_cases(Broker& broker, const Request& request);
base::Result<Response> change_replay(Broker& broker, const Request& request, hospital::ReplayVerb verb);

// quarantine_handlers.cpp
base::Result<Response> list_quarantines(Broker& broker, const Request& request);
base::Result<Response> add_quarantine(Broker& broker, const Request& request);
base::Result<Response> get_quarantine(Broker& broker, const Request& request);
base::Result<Response> lift_quarantine(Broker& broker, const Request& request);
/// The queue or subscription of this name. NOT_FOUND; BAD_REQUEST of a topic.
base::Result<engine::QueueRef> find_consumed(const Broker& broker, const std::string& name);

// audit_handlers.cpp
base::Result<Response> list_audit(Broker& broker, const Request& request);

// health_handlers.cpp
base::Result<Response> run_check(Broker& broker, const Request& request);
base::Result<Response> get_status(Broker& broker, const Request& request);
base::Result<Response> get_health(Broker& broker, const Request& request);
base::Result<Response> get_readiness(Broker& broker, const Request& request);

// backup_handlers.cpp
base::Result<Response> create_backup(Broker& broker, const Request& request);
base::Result<Response> list_backups(Broker& broker, const Request& request);
base::Result<Response> get_backup(Broker& broker, const Request& request);

// alert_handlers.cpp
base::Result<Response> list_alerts(Broker& broker, const Request& request);

// metrics.cpp
base::Result<Response> get_metrics(Broker& broker, const Request& request);

// overview.cpp
base::Result<Response> get_overview(Broker& broker, const Request& request);

// page.cpp
base::Result<Response> get_page(Broker& broker, const Request& request);
base::Result<Response> get_page_file(Broker& broker, const Request& request);

// openapi.cpp
base::Result<Response> get_openapi(Broker& broker, const Request& request);

}  // namespace lazaret::admin

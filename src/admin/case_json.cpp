#include "admin/case_json.h"

#include "admin/case_message.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "base/text_encoding.h"
#include "model/quarantine.h"

namespace lazaret::admin {
namespace {

json::value id_or_null(const base::Uuid& id) {
  if (id.is_nil()) return nullptr;
  return json::string(id.to_string());
}

json::value consumer_or_null(const model::CaseRecord& record) {
  if (record.consumer_name.empty() && record.consumer_version.empty()) return nullptr;
  return json::object{{"name", base::to_utf8(record.consumer_name)},
                      {"version", base::to_utf8(record.consumer_version)}};
}

/// The id of the rule.
json::value quarantine_of(const model::CaseRecord& record) {
  if (record.quarantine == 0) return nullptr;
  const model::QuarantineId id{record.id.shard, record.id.subscription, record.quarantine};
  return json::string(id.to_string());
}

}  // namespace

json::object case_json(const model::CaseRecord& record) {
  return {
      {"id", record.id.to_string()},
      {"subscription", record.subscription},
      {"source", record.source},
      {"offset", record.source_offset().value},
      {"message_id", id_or_null(record.summary.message_id)},
      {"type", text_or_null(record.summary.type)},
      {"key", text_or_null(record.summary.key)},
      {"correlation_id", text_or_null(record.summary.correlation_id)},
      {"body_bytes", record.summary.body_bytes},
      {"reason", model::to_string(record.reason)},
      {"state", model::to_string(record.state)},
      {"attempt_count", record.attempt_count},
      {"failure_count", record.failure_count},
      {"replay_count", record.replay_count},
      {"relapse_count", record.relapse_count},
      {"error_type", text_or_null(record.last_error.type)},
      {"error_message", text_or_null(record.last_error.message)},
      {"admitted_at", time_or_null(record.admitted_at)},
      {"first_admitted_at", time_or_null(record.first_admitted_at)},
      {"closed_at", time_or_null(record.closed_at)},
      {"replay_job", record.replay_job ? json::value(json::string(std::to_string(record.replay_job.value))) : nullptr},
      {"late_ack", record.late_ack},
      {"discard_reason", text_or_null(record.discard_reason)},
      {"redirected_to", text_or_null(record.redirected_to)},
      {"version", record.version},
      {"quarantine", quarantine_of(record)},
      {"imported_from", record.origin ? json::value(json::string(record.origin->id.to_string())) : json::value()},
      {"group", record.group.to_string()},
      {"consumer", consumer_or_null(record)},
  };
}

std::string etag_of(std::uint32_t version) { return '"' + std::to_string(version) + '"'; }

json::object attempt_json(const model::Attempt& attempt) {
  return {
      {"number", attempt.number},
      {"consumer", json::object{{"name", base::to_utf8(attempt.consumer.name)},
                                {"host", base::to_utf8(attempt.consumer.host)},
                                {"version", base::to_utf8(attempt.consumer.version)},
                                {"instance", id_or_null(attempt.consumer.instance)}}},
      {"started_at", time_or_null(attempt.started_at)},
      {"ended_at", time_or_null(attempt.ended_at)},
      {"outcome", model::to_string(attempt.outcome)},
      {"late", attempt.late},
      {"counted", !attempt.uncounted},
      {"error_type", text_or_null(attempt.error.type)},
      {"error_message", text_or_null(attempt.error.message)},
      {"error_details", text_or_null(attempt.error.details)},
  };
}

json::object event_json(const model::CaseEvent& event) {
  const std::string job = event.job ? std::to_string(event.job.value) : "";
  return {
      {"at", time_or_null(event.at)},
      {"what", model::to_string(event.what)},
      {"by", text_or_null(event.by.empty() && event.job ? "replay job " + job : event.by)},
      {"job", text_or_null(job)},
      {"reason", text_or_null(event.reason)},
      {"to", text_or_null(event.to)},
  };
}

base::Result<json::object> whole_case_json(Broker& broker, const model::CaseRecord& record, Compressed compressed,
                                           std::uint64_t body_limit) {
  const auto attempts = broker.engine.store().read_attempts(record.id);
  if (!attempts.ok()) return attempts.status();
  const auto edits = broker.engine.store().read_edits(record.id);
  if (!edits.ok()) return edits.status();
  json::object out = case_json(record);
  const auto message = read_version(broker, record, record.version);
  if (message.ok()) {
    json::object shown = message_json(
        {record.source, record.source_offset(), *message, record.attempt_count, record.attempt_count > 0, body_limit},
        broker.config.mask, compressed);
    out["masked"] = shown.contains("masked");
    out["message"] = std::move(shown);
  } else if (message.code() == base::Code::MESSAGE_GONE || message.code() == base::Code::NOT_FOUND) {
    out["masked"] = false;
    out["message"] = nullptr;  // closed, and trimmed since
  } else {
    return message.status();
  }
  json::array list;
  for (const model::Attempt& attempt : *attempts) list.push_back(attempt_json(attempt));
  out["attempts"] = std::move(list);
  json::array versions;
  for (const model::CaseEdit& edit : *edits) versions.push_back(edit_json(edit));
  out["edits"] = std::move(versions);
  json::array history;
  for (const model::CaseEvent& event : record.history) history.push_back(event_json(event));
  out["history"] = std::move(history);
  out["history_left_out"] = record.history_left_out;
  return out;
}

}  // namespace lazaret::admin

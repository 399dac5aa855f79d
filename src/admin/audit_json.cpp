#include "admin/audit_json.h"

#include "admin/json_text.h"
#include "base/duration_text.h"

namespace lazaret::admin {
namespace {

json::object fields_json(const model::AuditFields& fields) {
  json::object out;
  for (const auto& [name, value] : fields) out[name] = value;
  return out;
}

}  // namespace

json::object audit_json(const model::AuditEntry& entry) {
  const bool ended = entry.phase == model::AuditPhase::ended;
  return {{"number", entry.number},
          {"at", base::format_rfc3339(entry.at)},
          {"phase", model::name_of(entry.phase)},
          {"began", ended ? json::value(entry.began) : json::value(nullptr)},
          {"called_at", base::format_rfc3339(entry.called_at)},
          {"actor", entry.call.actor},
          {"peer", entry.call.peer},
          {"operation", entry.call.operation},
          {"target", entry.call.target},
          {"details", fields_json(entry.call.details)},
          {"status", ended ? json::value(entry.status) : json::value(nullptr)},
          {"code", text_or_null(entry.code)},
          {"before", fields_json(entry.change.before)},
          {"after", fields_json(entry.change.after)},
          {"previous", base::to_hex(entry.previous)},
          {"hash", base::to_hex(entry.hash)}};
}

json::object audit_json(const model::AuditPoint& point) {
  return {{"number", point.number}, {"hash", base::to_hex(point.hash)}};
}

}  // namespace lazaret::admin

#include "model/alert.h"

namespace lazaret::model {

std::string_view to_string(AlertKind kind) {
  switch (kind) {
    case AlertKind::new_group: return "new_group";
    case AlertKind::surge: return "surge";
    case AlertKind::relapse: return "relapse";
    case AlertKind::ageing: return "ageing";
    case AlertKind::breaker_open: return "breaker_open";
    case AlertKind::breaker_closed: return "breaker_closed";
    case AlertKind::job_ended: return "job_ended";
    case AlertKind::hospital_budget: return "hospital_budget";
    case AlertKind::group_woken: return "group_woken";
  }
  return "unknown";
}

const std::vector<AlertKind>& alert_kinds() {
  static const std::vector<AlertKind> all = {
      AlertKind::new_group, AlertKind::surge,           AlertKind::relapse,
      AlertKind::ageing,    AlertKind::breaker_open,    AlertKind::breaker_closed,
      AlertKind::job_ended, AlertKind::hospital_budget, AlertKind::group_woken};
  return all;
}

std::optional<AlertKind> parse_alert_kind(std::string_view text) {
  for (const AlertKind kind : alert_kinds()) {
    if (text == to_string(kind)) return kind;
  }
  return std::nullopt;
}

std::string_view to_string(DeliveryOutcome outcome) {
  switch (outcome) {
    case DeliveryOutcome::waiting: return "waiting";
    case DeliveryOutcome::delivered: return "delivered";
    case DeliveryOutcome::failed: return "failed";
    case DeliveryOutcome::dropped: return "dropped";
  }
  return "unknown";
}

}  // namespace lazaret::model

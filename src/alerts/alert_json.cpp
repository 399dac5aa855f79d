#include "alerts/alert_json.h"

#include <boost/json/array.hpp>

#include "base/duration_text.h"
#include "base/text_encoding.h"

namespace lazaret::alerts {
namespace {

namespace json = boost::json;
using model::AlertRecord;

json::value text_or_null(const std::string& text) {
  if (text.empty()) return nullptr;
  return json::value(json::string(base::to_utf8(text)));
}

json::value time_or_null(base::Instant instant) {
  if (instant.us == 0) return nullptr;
  return json::value(json::string(base::format_rfc3339(instant)));
}

/// Where the page shows it. Names and ids are of characters that an address may have.
json::value link_to(const AlertRecord& alert, const std::string& public_url) {
  if (public_url.empty()) return nullptr;
  std::string place = "/hospital";
  if (alert.kind == model::AlertKind::ageing && alert.case_id) {
    place += "/cases/" + alert.case_id->to_string();
  } else if (alert.replay_job) {
    place += "/replays/" + std::to_string(alert.replay_job.value);
  } else if (alert.group) {
    place += "/cases?filter=group%3D" + alert.group.to_string();
  } else if (!alert.subscription.empty()) {
    place += "/cases?filter=subscription%3D" + alert.subscription;
  }
  return json::value(json::string(public_url + place));
}

}  // namespace

json::object alert_json(const AlertRecord& alert, const std::string& public_url) {
  json::object counts;
  for (const auto& [name, count] : alert.counts) counts[name] = count;
  json::object out;
  out["id"] = alert.id.to_string();
  out["kind"] = model::to_string(alert.kind);
  out["at"] = time_or_null(alert.at);
  out["subscription"] = text_or_null(alert.subscription);
  out["group"] = text_or_null(alert.group ? alert.group.to_string() : "");
  out["case"] = text_or_null(alert.case_id ? alert.case_id->to_string() : "");
  out["replay"] = text_or_null(alert.replay_job ? std::to_string(alert.replay_job.value) : "");
  out["sentence"] = base::to_utf8(alert.sentence);
  out["counts"] = std::move(counts);
  out["owner"] = text_or_null(alert.owner);
  out["runbook"] = text_or_null(alert.runbook);
  out["url"] = link_to(alert, public_url);
  return out;
}

json::object alert_json_with_deliveries(const AlertRecord& alert, const std::string& public_url) {
  json::object out = alert_json(alert, public_url);
  json::array deliveries;
  for (const model::AlertDelivery& one : alert.deliveries) {
    deliveries.push_back(json::object{{"receiver", one.receiver},
                                      {"outcome", model::to_string(one.outcome)},
                                      {"attempts", one.attempts},
                                      {"last_attempt_at", time_or_null(one.last_attempt_at)},
                                      {"last_answer", text_or_null(one.last_answer)}});
  }
  out["deliveries"] = std::move(deliveries);
  return out;
}

}  // namespace lazaret::alerts

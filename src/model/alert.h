// Alerts: what people are told without having asked. An alert is written down before anybody is told of it, with who is
// to be told; what became of that is written behind it. All of it is shard 0's. The rules are alerts/alert_rules.h.
//
// Threading: pure functions over values.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/time.h"
#include "base/uuid.h"
#include "model/case_record.h"
#include "model/ids.h"

namespace lazaret::model {

enum class AlertKind : std::uint8_t {
  new_group = 1,        // a cause that is new, or was quiet for kGroupQuiet
  surge = 2,            // many more cases than before, of a group or of a subscription
  relapse = 3,          // a case that was replayed is back
  ageing = 4,           // the oldest open case of a subscription is older than `alerts.case_age`
  breaker_open = 5,     // a circuit breaker opened
  breaker_closed = 6,   // and closed again
  job_ended = 7,        // a replay job is over
  hospital_budget = 8,  // the hospital of a subscription fills, or is full
  group_woken = 9,      // a case has woken a group that was snoozed until then (model/snooze.h)
};
std::string_view to_string(AlertKind kind);
std::optional<AlertKind> parse_alert_kind(std::string_view text);
/// All of them, in order.
const std::vector<AlertKind>& alert_kinds();

/// What became of an alert at one webhook.
enum class DeliveryOutcome : std::uint8_t {
  waiting = 1,    // it is tried, or tried again
  delivered = 2,  // the receiver took it
  failed = 3,     // given up after the last try
  dropped = 4,    // too many waited for this receiver
};
std::string_view to_string(DeliveryOutcome outcome);

struct AlertDelivery {
  std::string receiver;  // the name of the webhook
  DeliveryOutcome outcome = DeliveryOutcome::waiting;
  std::uint32_t attempts = 0;
  base::Instant last_attempt_at;
  std::string last_answer;  // "204", or why there was none
  bool operator==(const AlertDelivery&) const = default;
};

struct AlertRecord {
  AlertId number;
  base::Uuid id;  // what receivers know it by
  AlertKind kind = AlertKind::new_group;
  base::Instant at;
  base::Instant caused_at;   // the time in the hospital's records that it is about; of an old case its admission
  std::string subscription;  // "": of none, or of several
  GroupId group;
  std::optional<CaseId> case_id;
  ReplayJobId replay_job;
  std::string sentence;  // for people
  std::vector<std::pair<std::string, std::uint64_t>> counts;
  std::string owner;
  std::string runbook;
  std::vector<AlertDelivery> deliveries;
  bool operator==(const AlertRecord&) const = default;
};

/// What is written of alerts at once.
struct AlertChange {
  /// Everything that the hospital said up to then has been looked at. 0: as before.
  base::Instant looked_at;
  std::vector<AlertRecord> put;
  std::vector<AlertId> forgotten;
  base::Duration case_age{};  // from which on a case was old in that look; written with looked_at
};

/// What a store has of them.
struct KeptAlerts {
  base::Instant looked_at;
  std::vector<AlertRecord> alerts;  // oldest first
  base::Duration case_age{};        // 0: an older version did not say
  bool operator==(const KeptAlerts&) const = default;
};

}  // namespace lazaret::model

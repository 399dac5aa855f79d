#include "storage/alerts.h"

#include "base/fixed_int.h"
#include "lazaret/storage/v1/records.pb.h"
#include "storage/keys.h"

namespace lazaret::storage {

using base::Code;
using base::Instant;
using base::Status;
using model::AlertRecord;

void write_contact(const model::QueueOptions& options, v1::QueueOptions* out) {
  out->set_owner(options.owner);
  out->set_runbook(options.runbook);
  out->set_alert_to(options.alert_to);
}

void read_contact(const v1::QueueOptions& in, model::QueueOptions& options) {
  options.owner = in.owner();
  options.runbook = in.runbook();
  options.alert_to = in.alert_to();
}

std::string encode(const AlertRecord& record) {
  v1::Alert out;
  out.set_id(std::string(record.id.raw()));
  out.set_kind(static_cast<std::uint32_t>(record.kind));
  out.set_at_us(record.at.us);
  out.set_caused_at_us(record.caused_at.us);
  out.set_subscription(record.subscription);
  out.set_group(record.group.value);
  if (record.case_id) out.set_case_id(record.case_id->to_string());
  out.set_replay_job(record.replay_job.value);
  out.set_sentence(record.sentence);
  for (const auto& [name, count] : record.counts) {
    v1::AlertCount* one = out.add_counts();
    one->set_name(name);
    one->set_count(count);
  }
  out.set_owner(record.owner);
  out.set_runbook(record.runbook);
  for (const model::AlertDelivery& delivery : record.deliveries) {
    v1::AlertDelivery* one = out.add_deliveries();
    one->set_webhook(delivery.receiver);
    one->set_outcome(static_cast<std::uint32_t>(delivery.outcome));
    one->set_attempts(delivery.attempts);
    one->set_last_attempt_at_us(delivery.last_attempt_at.us);
    one->set_last_answer(delivery.last_answer);
  }
  return out.SerializeAsString();
}

bool decode(std::string_view bytes, AlertRecord& record) {
  v1::Alert in;
  if (!in.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return false;
  const auto id = base::Uuid::from_raw(in.id());
  if (!id) return false;
  record.id = *id;
  record.kind = static_cast<model::AlertKind>(in.kind());
  record.at = Instant{in.at_us()};
  record.caused_at = Instant{in.caused_at_us()};
  record.subscription = in.subscription();
  record.group = model::GroupId{in.group()};
  if (!in.case_id().empty()) record.case_id = model::CaseId::parse(in.case_id());
  record.replay_job = model::ReplayJobId(in.replay_job());
  record.sentence = in.sentence();
  for (const v1::AlertCount& one : in.counts()) record.counts.emplace_back(one.name(), one.count());
  record.owner = in.owner();
  record.runbook = in.runbook();
  for (const v1::AlertDelivery& one : in.deliveries()) {
    record.deliveries.push_back({one.webhook(), static_cast<model::DeliveryOutcome>(one.outcome()), one.attempts(),
                                 Instant{one.last_attempt_at_us()}, one.last_answer()});
  }
  return true;
}

base::Result<model::KeptAlerts> read_alerts(Database& database) {
  model::KeptAlerts kept;
  const auto mark = database.get(Family::hospital_index, keys::alerts_looked_at());
  if (!mark.ok()) return mark.status();
  if (*mark) {
    base::Reader reader{**mark};
    kept.looked_at = Instant{static_cast<std::int64_t>(reader.le<std::uint64_t>())};
    kept.case_age = base::Duration(static_cast<std::int64_t>(reader.le<std::uint64_t>()));
  }
  const Status status =
      database.scan(Family::hospital_index, keys::alerts(), [&](std::string_view key, std::string_view value) {
        AlertRecord alert;
        alert.number = model::AlertId(keys::last_number(key));
        // One that cannot be read is no reason not to start.
        if (decode(value, alert)) kept.alerts.push_back(std::move(alert));
        return true;
      });
  if (!status.ok()) return status;
  return kept;
}

}  // namespace lazaret::storage

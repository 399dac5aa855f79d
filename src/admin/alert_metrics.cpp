#include "admin/alert_metrics.h"

#include <algorithm>
#include <map>
#include <string>

#include "base/text_encoding.h"

namespace lazaret::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

ClientMetric counter(std::uint64_t value, std::vector<ClientMetric::Label> labels) {
  ClientMetric one;
  one.label = std::move(labels);
  one.counter.value = static_cast<double>(value);
  return one;
}

ClientMetric gauge(double value, std::vector<ClientMetric::Label> labels) {
  ClientMetric one;
  one.label = std::move(labels);
  one.gauge.value = value;
  return one;
}

}  // namespace

void add_alerts(std::vector<MetricFamily>& families, const alerts::AlertStats& stats) {
  MetricFamily raised{"lazaret_alerts_total", "Alerts raised since the start", MetricType::Counter, {}};
  for (const auto& [kind, count] : stats.alerts) {
    raised.metric.push_back(counter(count, {{"kind", std::string(model::to_string(kind))}}));
  }
  MetricFamily attempts{"lazaret_webhook_attempts_total",
                        "Tries to post an alert: delivered (200 to 299), refused (another answer), unreachable (none)",
                        MetricType::Counter,
                        {}};
  MetricFamily lost{"lazaret_webhook_lost_total",
                    "Alerts that a receiver did not get: dropped (too many waited), failed (given up)",
                    MetricType::Counter,
                    {}};
  MetricFamily waiting{"lazaret_webhook_waiting", "Alerts that a receiver has not taken yet", MetricType::Gauge, {}};
  for (const auto& [name, one] : stats.receivers) {
    attempts.metric.push_back(counter(one.delivered, {{"receiver", name}, {"outcome", "delivered"}}));
    attempts.metric.push_back(counter(one.refused, {{"receiver", name}, {"outcome", "refused"}}));
    attempts.metric.push_back(counter(one.unreachable, {{"receiver", name}, {"outcome", "unreachable"}}));
    lost.metric.push_back(counter(one.dropped, {{"receiver", name}, {"outcome", "dropped"}}));
    lost.metric.push_back(counter(one.failed, {{"receiver", name}, {"outcome", "failed"}}));
    waiting.metric.push_back(gauge(static_cast<double>(one.waiting), {{"receiver", name}}));
  }
  families.push_back(std::move(raised));
  families.push_back(std::move(attempts));
  families.push_back(std::move(lost));
  families.push_back(std::move(waiting));
}

/// A name may have been several subscriptions': the oldest of all of them counts.
void add_case_ages(std::vector<MetricFamily>& families, const std::vector<model::CaseRecord>& oldest,
                   base::Instant now) {
  std::map<std::string, base::Instant> admitted;
  for (const model::CaseRecord& record : oldest) {
    const auto [known, fresh] = admitted.try_emplace(base::to_utf8(record.subscription), record.admitted_at);
    if (!fresh) known->second = std::min(known->second, record.admitted_at);
  }
  MetricFamily ages{"lazaret_hospital_oldest_case_age_seconds",
                    "For how long the oldest case in state admitted has been open",
                    MetricType::Gauge,
                    {}};
  for (const auto& [name, at] : admitted) {
    ages.metric.push_back(gauge(std::chrono::duration<double>(now - at).count(), {{"queue", name}}));
  }
  families.push_back(std::move(ages));
}

}  // namespace lazaret::admin

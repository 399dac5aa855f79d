// Metrics of alerts and of their webhooks, and how old the oldest open case of each subscription is.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "alerts/alert_log.h"
#include "model/case_record.h"

namespace lazaret::admin {

void add_alerts(std::vector<prometheus::MetricFamily>& families, const alerts::AlertStats& stats);
/// `oldest`: as Store::oldest_open_cases has them.
void add_case_ages(std::vector<prometheus::MetricFamily>& families, const std::vector<model::CaseRecord>& oldest,
                   base::Instant now);

}  // namespace lazaret::admin

// Metrics for Prometheus: made from one look at the engine and the queues, nothing is kept between two scrapes.
#pragma once

#include <string>
#include <vector>

#include "alerts/alert_log.h"
#include "engine/engine.h"
#include "model/answer.h"

namespace lazaret::admin {

/// The text exposition format 0.0.4.
std::string metrics_text(const engine::EngineStats& engine, const std::vector<model::QueueStats>& queues,
                         const alerts::AlertStats& alerts, const std::vector<model::CaseRecord>& oldest,
                         base::Instant now, const std::string& version);
/// What invariant 10 leaves over: entered, less everything that has become of it. Always 0.
std::int64_t unaccounted(const model::QueueStats& queue);

}  // namespace lazaret::admin

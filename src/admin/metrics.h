// Metrics for Prometheus: made from one look at the engine and the queues, nothing is kept between two scrapes.
#pragma once

#include <string>
#include <vector>

#include "engine/engine.h"
#include "model/answer.h"

namespace lazaret::admin {

/// The text exposition format 0.0.4.
std::string metrics_text(const engine::EngineStats& engine, const std::vector<model::QueueStats>& queues,
                         base::Instant now, const std::string& version);

}  // namespace lazaret::admin

// Alerts as they are stored: records of shard 0 in `hospital_index`, and what of a queue's options they show.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"
#include "model/alert.h"
#include "model/options.h"
#include "storage/database.h"

namespace lazaret::storage {

namespace v1 {
class QueueOptions;
}

/// owner, runbook and alert_to.
void write_contact(const model::QueueOptions& options, v1::QueueOptions* out);
void read_contact(const v1::QueueOptions& in, model::QueueOptions& options);

std::string encode(const model::AlertRecord& record);
bool decode(std::string_view bytes, model::AlertRecord& record);

base::Result<model::KeptAlerts> read_alerts(Database& database);

}  // namespace lazaret::storage

// The records of what keeps messages out of the hospital, or sends them there: circuit breakers and quarantine rules.
#pragma once

#include "lazaret/storage/v1/records.pb.h"
#include "model/options.h"

namespace lazaret::storage {

void fill_breaker(const model::QueueOptions& options, v1::QueueOptions* out);
/// Queues that are older than it have it, as it is by default.
void read_breaker(const v1::QueueOptions& in, model::QueueOptions& options);

}  // namespace lazaret::storage

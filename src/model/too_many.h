// What is said of a request that names more than is taken at once: how many it names, and how many it may.
#pragma once

#include <string>

#include "base/status.h"
#include "model/limits.h"

namespace lazaret::model {

inline base::Status batch_too_large(std::size_t items) {
  return base::Status(base::Code::BATCH_TOO_LARGE, "the request names " + std::to_string(items) + " items, at most " +
                                                       std::to_string(limits::kBatchItems) + " are taken at once")
      .with_limit("max_batch_items", static_cast<std::int64_t>(limits::kBatchItems));
}

}  // namespace lazaret::model

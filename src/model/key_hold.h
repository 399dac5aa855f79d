// Whether a case as a whole holds up the messages of its ordering key, where on_key_failure is "hold".
#pragma once

#include "model/case_record.h"

namespace lazaret::model {

/// As its reason says; but one that was imported, and has not failed here, holds up nothing: what was published here
/// before it goes on.
inline bool holds_key(const CaseRecord& record) {
  return holds_key(record.reason) && !(record.origin && record.relapse_count == 0);
}

}  // namespace lazaret::model

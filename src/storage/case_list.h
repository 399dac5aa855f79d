// Cases read back: one, its attempts, lists by the newest admission.
#pragma once

#include <string>
#include <vector>

#include "model/store.h"
#include "storage/database.h"

namespace lazaret::storage {

base::Result<model::CasePage> list_cases(Database& database, std::uint16_t shards, const model::CaseFilter& filter,
                                         const std::string& cursor, std::size_t max);
base::Result<model::CaseRecord> read_case(Database& database, const model::CaseId& id);
base::Result<std::vector<model::Attempt>> read_attempts(Database& database, const model::CaseId& id);

}  // namespace lazaret::storage

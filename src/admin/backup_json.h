// Backups as JSON, and the schemas of that.
#pragma once

#include <string>
#include <string_view>

#include <boost/json/object.hpp>

#include "engine/backups.h"

namespace lazaret::admin {

/// {"name", "state", "directory", "created_at", …}; what is not known is null.
boost::json::object backup_json(const engine::Backup& backup, const std::string& directory);
/// Of `schemas`, as JSON: NewBackup, Backup, BackupList.
std::string_view backup_schemas();

}  // namespace lazaret::admin

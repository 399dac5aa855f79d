// A case as an export has it, read back: what is imported of it.
#pragma once

#include <memory>
#include <string>

#include <boost/json/object.hpp>

#include "admin/server.h"
#include "model/case_record.h"

namespace lazaret::admin {

struct ExportedCase {
  std::string subscription;  // its name
  model::CaseState state = model::CaseState::admitted;
  /// null unless it is admitted: no other is imported.
  std::shared_ptr<model::ImportedCase> what;
};

/// BAD_REQUEST naming the field that is wrong, or why it is no whole case; MESSAGE_TOO_LARGE, HEADERS_TOO_LARGE. Fields
/// of the case, its attempts and its message that are not known here are passed over: a newer broker may have written
/// them.
base::Result<ExportedCase> read_exported_case(const boost::json::object& line, const ServerConfig& config);

}  // namespace lazaret::admin

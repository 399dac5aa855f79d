// What an integrity check has found, for programs and for people.
#pragma once

#include <boost/json/object.hpp>

#include "model/store.h"

namespace lazaret::cli {

/// As the HTTP API has it.
boost::json::object report_json(const model::CheckReport& report);
/// A line for each finding, and one for all that was read.
void print_report(const boost::json::object& report);
/// 0, or 1: there are findings.
int exit_of_report(const boost::json::object& report);

}  // namespace lazaret::cli

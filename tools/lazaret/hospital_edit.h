// The commands of the hospital that concern the message of a case, and restore.
#pragma once

#include <CLI/CLI.hpp>

#include "connection.h"

namespace lazaret::cli {

void add_hospital_edit(CLI::App& hospital, const Connection& connection);
void add_hospital_diff(CLI::App& hospital, const Connection& connection);
void add_hospital_compare(CLI::App& hospital, const Connection& connection);
void add_hospital_restore(CLI::App& hospital, const Connection& connection, int& exit_status);

}  // namespace lazaret::cli

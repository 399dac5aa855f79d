// The commands of the hospital that change a case in another way than by replaying it or giving it up.
#pragma once

#include <CLI/CLI.hpp>

#include "connection.h"

namespace lazaret::cli {

void add_hospital_edit(CLI::App& hospital, const Connection& connection);
void add_hospital_restore(CLI::App& hospital, const Connection& connection, int& exit_status);

}  // namespace lazaret::cli

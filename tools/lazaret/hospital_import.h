// lazaret hospital import: cases that another broker has exported.
#pragma once

#include <CLI/CLI.hpp>

#include "connection.h"

namespace lazaret::cli {

void add_hospital_import(CLI::App& hospital, const Connection& connection, int& exit_status);

}  // namespace lazaret::cli

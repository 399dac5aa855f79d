// `lazaret bench`.
#pragma once

#include <CLI/CLI.hpp>

#include "connection.h"

namespace lazaret::cli {

/// Adds the subcommand to `app`. Its callback runs the benchmark and sets `exit_status`; what it throws as
/// lazaret::Error is printed as a problem by main. `connection` and `exit_status` outlive the parse, and `connection`
/// is complete when the callback runs.
void add_bench_command(CLI::App& app, const Connection& connection, int& exit_status);

}  // namespace lazaret::cli

// The commands of `lazaret`. Each function adds one to `app`; its callback does the work, prints, and sets
// `exit_status` where nothing is thrown. `connection` is complete when the callback runs; both outlive the parse.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "connection.h"

namespace lazaret::cli {

void add_publish_command(CLI::App& app, const Connection& connection, int& exit_status);
/// `command` is what stood behind `--` on the command line.
void add_consume_command(CLI::App& app, const Connection& connection, const std::vector<std::string>& command,
                         int& exit_status);
void add_request_command(CLI::App& app, const Connection& connection, int& exit_status);
/// `command` as of consume.
void add_respond_command(CLI::App& app, const Connection& connection, const std::vector<std::string>& command,
                         int& exit_status);
void add_answer_command(CLI::App& app, const Connection& connection, int& exit_status);
void add_queue_commands(CLI::App& app, const Connection& connection);
void add_apply_command(CLI::App& app, const Connection& connection, int& exit_status);
void add_peek_command(CLI::App& app, const Connection& connection);
void add_why_command(CLI::App& app, const Connection& connection);
void add_schedule_commands(CLI::App& app, const Connection& connection);
void add_hospital_commands(CLI::App& app, const Connection& connection, int& exit_status);
/// Of `hospital`.
void add_quarantine_commands(CLI::App& hospital, const Connection& connection, int& exit_status);
/// Of `hospital`.
void add_correlation_command(CLI::App& hospital, const Connection& connection);
/// Of `hospital`.
void add_watch_commands(CLI::App& hospital, const Connection& connection);
void add_audit_commands(CLI::App& app, const Connection& connection, int& exit_status);
void add_check_command(CLI::App& app, const Connection& connection, int& exit_status);
void add_backup_commands(CLI::App& app, const Connection& connection, int& exit_status);
void add_status_command(CLI::App& app, const Connection& connection);
void add_top_command(CLI::App& app, const Connection& connection);

/// Refuses what is no whole number from 0 on. Every option of an unsigned type has this or a range: CLI11 reads -1 as
/// the largest number that there is.
CLI::Validator whole_number();
/// The same, and refuses 0.
CLI::Validator at_least_one();
/// Takes durations as people write them (250ms, 30s, 5m, 1h, 7d); anything else is a mistake in the command line.
CLI::Option* add_duration(CLI::App& app, const std::string& name, std::optional<milliseconds>& into,
                          const std::string& description);

}  // namespace lazaret::cli

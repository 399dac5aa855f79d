// lazaret hospital replay, when it is about more than a few cases, and lazaret hospital replays: jobs of the broker,
// which go on when this tool has ended.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <optional>
#include <string>

#include "connection.h"
#include "hospital_cases.h"

namespace lazaret::cli {

/// What is said of a job on the command line; what is not said the broker decides.
struct ReplayManner {
  std::optional<std::uint32_t> rate;
  std::optional<std::uint32_t> canary;
  std::optional<std::uint32_t> canary_needed;
  std::optional<std::uint32_t> concurrency;
  std::optional<double> stop_at_failure_ratio;
  std::optional<std::string> after_version;
  bool force = false;
  bool keep_attempts = false;
  std::optional<std::string> to = {};
  bool wait = false;
  bool dry_run = false;

  void add_options(CLI::App& command);
  /// Those of a job that releases what a quarantine rule has caught too.
  void add_job_options(CLI::App& command);
  /// What is said of a job, as parameters of a request.
  Query query() const;
  /// Something is said that only a job can do.
  bool needs_job() const {
    return rate || canary || canary_needed || concurrency || stop_at_failure_ratio || after_version;
  }
};

/// How many they are, and whether and how a job would send them. Changes nothing.
void say_what_would_be_replayed(const Connection& connection, const ChosenCases& cases, const ReplayManner& manner);

/// Creates the job and follows it until every case is in its replay lane, or has its outcome. nullopt: they are to be
/// sent one by one.
std::optional<int> replay_by_job(const Connection& connection, const ChosenCases& cases, const ReplayManner& manner);

/// Until every case of a job is in its replay lane, or with `wait` has its outcome; prints what became of them, and
/// gives the exit status.
int follow_job(HttpClient& http, const Connection& connection, const std::string& id, bool wait);

void add_replays_commands(CLI::App& hospital, const Connection& connection);

}  // namespace lazaret::cli

// One run of the bench, in one of its modes. The result is one JSON object.
#pragma once

#include <boost/json/object.hpp>
#include <functional>
#include <string>

#include "bench_conditions.h"
#include "bench_load.h"

namespace lazaret::cli {

struct BenchOptions {
  LoadOptions load;
  Conditions conditions;
  std::string mode;
  double rate = 2000;           // latency: messages a second
  std::string admin;            // HOST:PORT; "" for what the handshake tells
  std::uint64_t groups = 2000;  // hospital: causes of what fails
  std::string daemon;           // recovery, hospital: the lazaretd to start; "" for the one beside this program
  std::string scratch_dir;      // the same: where its data directories are; "" for the temporary directory
};

/// Throws std::exception with a sentence.
boost::json::object run_bench(const BenchOptions& options);
/// Starts brokers of its own: how long a start takes with a backlog after kill -9, against an empty one.
boost::json::object run_recovery_bench(const BenchOptions& options);
/// Starts a broker of its own, and fills its hospital.
boost::json::object run_hospital_bench(const BenchOptions& options);
/// What was measured: from the first send to the last confirm (or ack) of so many messages.
struct Span {
  SteadyTime begin;
  SteadyTime end;
  std::uint64_t messages = 0;
};

/// An open loop at a fixed rate: latencies from the intended send time. It warms up first, and calls `measuring` when
/// that is over; what it returns and reports is of what was sent after that.
Span run_latency(const LoadOptions& load, double rate, const std::function<void()>& measuring,
                 boost::json::object& out);

}  // namespace lazaret::cli

// One run of the bench, in one of its modes. The result is one JSON object.
#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "bench_load.h"

namespace lazaret::cli {

struct BenchOptions {
  LoadOptions load;
  std::string mode;
  double rate = 2000;       // latency: messages a second
  std::string admin;        // HOST:PORT; "" for what the handshake tells
  std::string daemon;       // recovery: the lazaretd to start; "" for the one beside this program
  std::string scratch_dir;  // recovery: where its data directories are; "" for the temporary directory
};

/// Throws std::exception with a sentence.
boost::json::object run_bench(const BenchOptions& options);
/// Starts brokers of its own: how long a start takes with a backlog after kill -9, against an empty one.
boost::json::object run_recovery_bench(const BenchOptions& options);
/// An open loop at a fixed rate: latencies from the intended send time.
void run_latency(const LoadOptions& load, double rate, boost::json::object& out);

}  // namespace lazaret::cli

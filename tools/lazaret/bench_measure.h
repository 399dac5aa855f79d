// What a bench run measures: latencies, and what the broker spent meanwhile.
#pragma once

#include <boost/json/object.hpp>
#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace lazaret::cli {

using SteadyTime = std::chrono::steady_clock::time_point;

/// What the broker's process has used so far (GET /api/v1/status).
struct BrokerUsage {
  double cpu_seconds = 0;
  std::uint64_t disk_write_bytes = 0;
  std::uint64_t resident_bytes = 0;
  std::uint64_t syncs = 0;  // of the write-ahead log
  std::uint64_t log_bytes = 0;
};
/// `admin` is HOST:PORT. Throws std::runtime_error when the broker does not answer.
BrokerUsage broker_usage(const std::string& admin);
/// CPU seconds of this process.
double own_cpu_seconds();

/// Latencies of one kind, in microseconds. One thread.
class Latencies {
 public:
  void add(std::chrono::nanoseconds latency) { us_.push_back(static_cast<double>(latency.count()) / 1000); }
  void add(const Latencies& other) { us_.insert(us_.end(), other.us_.begin(), other.us_.end()); }
  std::uint64_t count() const { return us_.size(); }
  /// Adds `<name>_p50_us`, `_p99_us`, `_p999_us`, `_max_us` and `_n`.
  void report(const std::string& name, boost::json::object& out) const;

 private:
  std::vector<double> us_;
};

}  // namespace lazaret::cli

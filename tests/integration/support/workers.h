// Worker processes (support/worker.cpp) and what they wrote.
#pragma once

#include <cstdint>
#include <sstream>
#include <string>
#include <vector>

#include "integration/support/broker.h"

namespace lazaret::testing {

struct WorkerLine {
  bool finished = false;
  int pid = 0;
  std::int64_t at_ns = 0;
  int attempt = 0;
  bool isolated = false;
  std::string body;
};

/// A worker on a queue of `broker`; `more` are further arguments of it.
inline Process start_worker(const Broker& broker, const std::string& queue, const std::string& file,
                            const std::vector<std::string>& more = {}) {
  ProcessOptions options;
  options.command = {binary("lazaret_test_worker"), "--url", broker.url(), "--queue", queue, "--file", file};
  options.command.insert(options.command.end(), more.begin(), more.end());
  return Process(options);
}

/// The whole lines of a worker's file about handlers, in the order in which they were written.
inline std::vector<WorkerLine> worker_lines(const std::string& file) {
  std::vector<WorkerLine> lines;
  std::istringstream text(read_file(file));
  for (std::string line; std::getline(text, line);) {
    std::istringstream words(line);
    std::string what;
    WorkerLine one;
    words >> what;
    if (what == "ready") continue;
    words >> one.pid >> one.at_ns >> one.attempt >> one.isolated;
    std::getline(words >> std::ws, one.body);
    one.finished = what == "finished";
    lines.push_back(one);
  }
  return lines;
}

inline bool worker_is_ready(const std::string& file, pid_t pid) {
  return read_file(file).find("ready " + std::to_string(pid) + "\n") != std::string::npos;
}

}  // namespace lazaret::testing

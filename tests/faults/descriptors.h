// What the kernel says of a process of the test: its descriptors, its time on the processor.
#pragma once

#include <sys/types.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <filesystem>
#include <sstream>
#include <string>

#include "integration/support/process.h"

namespace lazaret::testing {

/// Descriptors whose target begins so.
inline std::size_t open_descriptors(pid_t pid, const std::string& target = "") {
  std::size_t count = 0;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd", error)) {
    const auto what = std::filesystem::read_symlink(entry.path(), error);
    if (!error && what.string().rfind(target, 0) == 0) ++count;
  }
  return count;
}

inline std::size_t open_sockets(pid_t pid) { return open_descriptors(pid, "socket:"); }

/// Spent since it began, by all its threads.
inline milliseconds processor_time(pid_t pid) {
  const std::string stat = read_file("/proc/" + std::to_string(pid) + "/stat");
  std::istringstream fields(stat.substr(stat.rfind(')') + 1));
  std::string skipped;
  for (int field = 3; field < 14; ++field) fields >> skipped;
  long user = 0, system = 0;
  fields >> user >> system;
  return milliseconds((user + system) * 1000 / sysconf(_SC_CLK_TCK));
}

}  // namespace lazaret::testing

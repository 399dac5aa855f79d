// What this process costs the machine, from /proc.
#pragma once

#include <cstdint>

namespace lazaret::admin {

struct ProcessUsage {
  std::int64_t pid = 0;
  double cpu_seconds = 0;  // user and system, all threads
  std::uint64_t resident_bytes = 0;
  std::uint64_t disk_write_bytes = 0;  // sent to the disk; 0 where the kernel does not tell
};

ProcessUsage process_usage();

}  // namespace lazaret::admin

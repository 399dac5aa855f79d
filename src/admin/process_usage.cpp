#include "admin/process_usage.h"

#include <sys/resource.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace lazaret::admin {
namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

/// The number behind `name` in a file of "name: number" lines; 0 when there is none.
std::uint64_t number_in(const char* file, const std::string& name) {
  std::ifstream in(file);
  std::string word;
  while (in >> word) {
    if (word != name) continue;
    std::uint64_t number = 0;
    in >> number;
    return number;
  }
  return 0;
}

}  // namespace

ProcessUsage process_usage() {
  ProcessUsage usage;
  usage.pid = ::getpid();
  rusage spent{};
  if (::getrusage(RUSAGE_SELF, &spent) == 0) usage.cpu_seconds = seconds(spent.ru_utime) + seconds(spent.ru_stime);
  usage.resident_bytes = number_in("/proc/self/status", "VmRSS:") * 1024;
  usage.disk_write_bytes = number_in("/proc/self/io", "write_bytes:");
  return usage;
}

}  // namespace lazaret::admin

// The configuration file: any text is a configuration or an error that says where.
#include "daemon/configuration.h"

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz/target.h"

namespace lazaret::fuzz {

std::vector<std::string> seeds() {
  return {"", "[broker]\nlisten = \"127.0.0.1:0\"\nheartbeat = \"10s\"\n",
          "[storage]\nshards = 4\ndisk_reserve_percent = 2.5\n",
          "[defaults]\nmax_attempts = \"unlimited\"\nbackoff_jitter = 0.1\n",
          "[admin]\nallowed_hosts = [\"a\", \"b\"]\n[log]\nlevel = \"debug\"\n"};
}

}  // namespace lazaret::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace lazaret;
  const int file = ::memfd_create("configuration", MFD_CLOEXEC);
  LZ_ASSERT(file >= 0 && ::write(file, data, size) == static_cast<ssize_t>(size));
  daemon::ConfigurationSources sources;
  sources.file = "/proc/self/fd/" + std::to_string(file);
  char* environment[] = {nullptr};
  const auto loaded = daemon::load_configuration(sources, environment);
  ::close(file);
  if (!loaded.ok()) {
    LZ_ASSERT(!loaded.status().text().empty());
    return 0;
  }
  // What was accepted is within its limits.
  LZ_ASSERT(loaded->storage.shards >= 1 && loaded->broker.io_threads <= 64);
  LZ_ASSERT(daemon::parse_address(loaded->broker.listen).ok());
  LZ_ASSERT(model::validate(loaded->defaults).ok());
  return 0;
}

#include "daemon/readiness.h"

#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>

namespace lazaret::daemon {

void notify_service_manager(std::string_view state) { sd_notify(0, std::string(state).c_str()); }

AddressesFile::AddressesFile(std::string data_dir) : path_(std::move(data_dir) + "/lazaretd.addresses") {}

AddressesFile::~AddressesFile() { remove(); }

base::Status AddressesFile::write(const std::string& broker, const std::string& admin, const std::string& instance) {
  const std::string fresh = path_ + ".new";
  {
    std::ofstream out(fresh, std::ios::trunc);
    out << "{\"broker\": \"" << broker << "\", \"admin\": \"" << admin << "\", \"pid\": " << ::getpid()
        << ", \"instance\": \"" << instance << "\"}\n";
    out.flush();
    if (!out) return base::Status(base::Code::STORAGE_FAILED, "cannot write " + fresh);
  }
  std::error_code error;
  std::filesystem::rename(fresh, path_, error);
  if (error) return base::Status(base::Code::STORAGE_FAILED, "cannot rename " + fresh + ": " + error.message());
  written_ = true;
  return {};
}

void AddressesFile::remove() {
  if (!written_) return;
  std::error_code ignored;
  std::filesystem::remove(path_, ignored);
  written_ = false;
}

}  // namespace lazaret::daemon

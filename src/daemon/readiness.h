// Readiness: how whoever started the daemon learns that it is ready: the addresses file, and systemd's socket.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace lazaret::daemon {

/// Tells the service manager (sd_notify(3)) through the socket named by NOTIFY_SOCKET; does nothing without one.
/// `state` is e.g. "READY=1".
void notify_service_manager(std::string_view state);

/// `<data-dir>/lazaretd.addresses`: written by rename when the daemon is ready, removed when it stops.
class AddressesFile {
 public:
  explicit AddressesFile(std::string data_dir);
  ~AddressesFile();
  AddressesFile(const AddressesFile&) = delete;

  base::Status write(const std::string& broker, const std::string& admin, const std::string& instance);
  void remove();

 private:
  std::string path_;
  bool written_ = false;
};

}  // namespace lazaret::daemon

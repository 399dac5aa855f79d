// Where the broker is, as the global options and the environment say, and clients of its two doors.
#pragma once

#include <string>

#include "lazaret/lazaret.h"

namespace lazaret::cli {

/// The global options of `lazaret`. Filled in by main before the action of a command runs.
struct Connection {
  /// HOST:PORT of the binary protocol: --broker, LAZARET_BROKER, --addresses, or the default.
  std::string broker = "127.0.0.1:7350";
  /// HOST:PORT or http://HOST:PORT of the HTTP API: --admin, LAZARET_ADMIN, --addresses; "" asks the broker.
  std::string admin;
  /// One object a line on standard output, and one problem object on standard error.
  bool json = false;

  /// "lazaret://HOST:PORT"
  std::string url() const { return "lazaret://" + broker; }
  /// HOST:PORT of the HTTP API: the one given, or the one the handshake tells. Throws lazaret::Error.
  std::string admin_address() const;
  /// A client with a thread of its own; its name and version are those of this tool unless `options` names another.
  /// Throws lazaret::Error (unreachable).
  Client connect(Options options = {}) const;
};

}  // namespace lazaret::cli

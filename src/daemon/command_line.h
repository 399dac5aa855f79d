// The command line of `lazaretd`.
#pragma once

#include <optional>

#include "daemon/configuration.h"

namespace lazaret::daemon {

struct CommandLine {
  ConfigurationSources sources;
  bool check_config = false;
};

/// What was asked for, or the exit status when there is nothing left to do (--help, --version, or a mistake, which
/// has been explained on standard error).
struct ParsedCommandLine {
  std::optional<CommandLine> command;
  int exit = 0;
};
ParsedCommandLine parse_command_line(int argc, char** argv);

}  // namespace lazaret::daemon

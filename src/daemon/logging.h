// Log lines: to standard error, as text or as one JSON object a line.
#pragma once

#include "daemon/configuration.h"

namespace lazaret::daemon {

/// Sets spdlog's default logger. Called once, before any thread is started.
void set_up_logging(const Configuration::Log& log);

}  // namespace lazaret::daemon

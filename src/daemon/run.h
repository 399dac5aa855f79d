// The whole life of lazaretd: reads the configuration, starts the broker, waits for a signal, and stops in order.
#pragma once

#include <functional>

#include "daemon/broker.h"
#include "daemon/configuration.h"

namespace lazaret::daemon {

/// What a test puts between the broker and its disk, once it is known where that is.
using SeamsFor = std::function<Seams(const Configuration&)>;

/// The exit status of the process.
int run(int argc, char** argv, const SeamsFor& seams_for = {});

}  // namespace lazaret::daemon

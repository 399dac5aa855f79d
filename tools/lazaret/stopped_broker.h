// The data directory of a broker that does not run, opened for reading only.
#pragma once

#include <memory>
#include <string>

#include "model/store.h"

namespace lazaret::cli {

/// Throws Error NOT_FOUND where there is none, DIRECTORY_LOCKED when a broker runs on it.
std::unique_ptr<model::Store> open_stopped(const std::string& directory);

}  // namespace lazaret::cli

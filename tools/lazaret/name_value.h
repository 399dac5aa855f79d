// Options that are given as NAME=VALUE, again and again: headers, and what comes back with a reply.
#pragma once

#include <string>
#include <vector>

#include "lazaret/lazaret.h"

namespace lazaret::cli {

/// In their order. A text that is none ends the command with USAGE, naming `option`.
Headers pairs_of(const std::vector<std::string>& texts, const std::string& option);

}  // namespace lazaret::cli

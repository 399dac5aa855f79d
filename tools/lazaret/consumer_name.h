// Whom people see at work when a command consumes: the service that it stands for.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "lazaret/lazaret.h"

namespace lazaret::cli {

struct ConsumerName {
  /// "": this tool, with its version.
  std::string name;
  /// "" for none; only with a name.
  std::string version;

  /// --as and --as-version.
  void add_options(CLI::App& command);
  /// Of a client that consumes in this name.
  Options options() const;
};

}  // namespace lazaret::cli

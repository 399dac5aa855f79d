#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace lazaret::daemon {
namespace {

using Settings = decltype(ConfigurationSources::settings);

/// A flag that stands for a key.
struct Flag {
  std::string key;
  const CLI::Option* option;
};

/// All that sets a key, in the order in which it was given: the later wins, whichever of the two ways says it. USAGE
/// for a setting that is none.
base::Result<Settings> in_their_order(const CLI::App& app, const CLI::Option* set, const std::vector<Flag>& flags) {
  Settings settings;
  std::size_t next = 0;
  for (const CLI::Option* const option : app.parse_order()) {
    if (option == set) {
      const std::string& setting = set->results().at(next++);
      const std::size_t equals = setting.find('=');
      if (equals == std::string::npos) {
        return base::Status(base::Code::USAGE, "--set " + setting + ": must be SECTION.KEY=VALUE");
      }
      settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
    }
    for (const Flag& flag : flags) {
      if (option == flag.option) settings.emplace_back(flag.key, option->results().front());
    }
  }
  return settings;
}

}  // namespace

ParsedCommandLine parse_command_line(int argc, char** argv) {
  CLI::App app(
      "The broker. Every key of the configuration can be set in the file, in the environment\n"
      "(LAZARET_CFG_<SECTION>__<KEY>) or with --set; config/lazaret.toml explains them all.",
      "lazaretd");
  CommandLine command;
  app.add_option("--config", command.sources.file, "Configuration file (TOML)")
      ->type_name("FILE")
      ->check([](const std::string& file) { return file.empty() ? "must name a file" : ""; });
  std::optional<std::string> data_dir, listen, admin_listen;
  const std::vector<Flag> flags = {
      {"storage.data_dir",
       app.add_option("--data-dir", data_dir, "Where everything is kept (storage.data_dir)")->type_name("DIR")},
      {"broker.listen",
       app.add_option("--listen", listen, "Address of the binary protocol (broker.listen); port 0 takes a free one")
           ->type_name("HOST:PORT")},
      {"admin.listen", app.add_option("--admin-listen", admin_listen, "Address of the HTTP API (admin.listen)")
                           ->type_name("HOST:PORT")},
  };
  std::vector<std::string> given;
  const CLI::Option* const set =
      app.add_option("--set", given, "Set any key; may be given any number of times, and the later of two wins")
          ->type_name("SECTION.KEY=VALUE")
          ->allow_extra_args(false);
  app.add_flag("--check-config", command.check_config, "Read the configuration, say what is wrong with it, and exit");
  app.add_flag("--accept-loss", command.sources.accept_loss,
               "Start although synced writes are missing from the data directory");
  app.set_version_flag("--version", "lazaretd " LAZARET_VERSION);

  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    const int status = app.exit(error);
    return {std::nullopt, status == 0 ? 0 : base::error_info(base::Code::USAGE).exit};
  }
  auto settings = in_their_order(app, set, flags);
  if (!settings.ok()) {
    std::cerr << "lazaretd: " << settings.status().text() << "\n";
    return {std::nullopt, base::error_info(settings.code()).exit};
  }
  command.sources.settings = std::move(*settings);
  return {std::move(command), 0};
}

}  // namespace lazaret::daemon

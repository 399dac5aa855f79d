#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <iostream>

namespace lazaret::daemon {

ParsedCommandLine parse_command_line(int argc, char** argv) {
  CLI::App app(
      "The broker. Every key of the configuration can be set in the file, in the environment\n"
      "(LAZARET_CFG_<SECTION>__<KEY>) or with --set; config/lazaret.toml explains them all.",
      "lazaretd");
  CommandLine command;
  std::optional<std::string> data_dir;
  std::optional<std::string> listen;
  std::optional<std::string> admin_listen;
  std::vector<std::string> settings;
  app.add_option("--config", command.sources.file, "Configuration file (TOML)")
      ->type_name("FILE")
      ->check([](const std::string& file) { return file.empty() ? "must name a file" : ""; });
  app.add_option("--data-dir", data_dir, "Where everything is kept (storage.data_dir)")->type_name("DIR");
  app.add_option("--listen", listen, "Address of the binary protocol (broker.listen); port 0 takes a free one")
      ->type_name("HOST:PORT");
  app.add_option("--admin-listen", admin_listen, "Address of the HTTP API (admin.listen)")->type_name("HOST:PORT");
  app.add_option("--set", settings, "Set any key; may be given any number of times")
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
  for (const std::string& setting : settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos) {
      std::cerr << "lazaretd: --set " << setting << ": must be SECTION.KEY=VALUE\n";
      return {std::nullopt, base::error_info(base::Code::USAGE).exit};
    }
    command.sources.settings.emplace_back(setting.substr(0, equals), setting.substr(equals + 1));
  }
  const auto flag = [&](const char* key, const std::optional<std::string>& value) {
    if (value) command.sources.settings.emplace_back(key, *value);
  };
  flag("storage.data_dir", data_dir);
  flag("broker.listen", listen);
  flag("admin.listen", admin_listen);
  return {std::move(command), 0};
}

}  // namespace lazaret::daemon

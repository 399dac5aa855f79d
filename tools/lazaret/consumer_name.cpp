#include "consumer_name.h"

#include "model/limits.h"

namespace lazaret::cli {

void ConsumerName::add_options(CLI::App& command) {
  const CLI::Validator fits(
      [](const std::string& text) {
        constexpr std::size_t kMost = model::limits::kNameBytes;
        if (!text.empty() && text.size() <= kMost) return std::string();
        return "must have 1 to " + std::to_string(kMost) + " bytes";
      },
      "");
  CLI::Option* as = command.add_option("--as", name, "The service that this is, as attempts, groups and lists show it")
                        ->type_name("NAME")
                        ->check(fits);
  command
      .add_option("--as-version", version,
                  "Its version, e.g. 2.4.1: what \"first seen with\" says, and replays --after-version wait for")
      ->type_name("VERSION")
      ->needs(as)
      ->check(fits);
}

Options ConsumerName::options() const {
  Options options;
  options.drain = milliseconds(0);  // Consuming closes in its own way
  if (name.empty()) return options;
  options.name = name;
  options.version = version;
  return options;
}

}  // namespace lazaret::cli

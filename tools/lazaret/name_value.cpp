#include "name_value.h"

#include "output.h"

namespace lazaret::cli {

Headers pairs_of(const std::vector<std::string>& texts, const std::string& option) {
  Headers pairs;
  for (const std::string& text : texts) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
      fail(base::Code::USAGE, option + " " + text + ": must be NAME=VALUE");
    }
    pairs.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  }
  return pairs;
}

}  // namespace lazaret::cli

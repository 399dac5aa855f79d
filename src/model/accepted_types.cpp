#include "model/accepted_types.h"

#include <algorithm>
#include <charconv>

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Status;

constexpr std::uint64_t kMost = ~std::uint64_t{0};

std::optional<std::uint64_t> number_of(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

struct Versions {
  std::uint64_t least = 0;
  std::uint64_t most = kMost;
};

/// "2", "2..4", ">=2", ">2", "<=2", "<2".
std::optional<Versions> versions_of(std::string_view text) {
  if (const std::size_t dots = text.find(".."); dots != std::string_view::npos) {
    const auto least = number_of(text.substr(0, dots));
    const auto most = number_of(text.substr(dots + 2));
    if (!least || !most || *least > *most) return std::nullopt;
    return Versions{*least, *most};
  }
  const std::size_t digits = std::min(text.find_first_not_of("<>="), text.size());
  const std::string_view comparison = text.substr(0, digits);
  const auto number = number_of(text.substr(digits));
  if (!number) return std::nullopt;
  if (comparison.empty()) return Versions{*number, *number};
  if (comparison == ">=") return Versions{*number, kMost};
  if (comparison == "<=") return Versions{0, *number};
  if (comparison == ">" && *number < kMost) return Versions{*number + 1, kMost};
  if (comparison == "<" && *number > 0) return Versions{0, *number - 1};
  return std::nullopt;
}

}  // namespace

std::optional<std::uint64_t> schema_version(std::string_view schema_id) {
  const std::size_t before = schema_id.find_last_not_of("0123456789");
  return number_of(schema_id.substr(before == std::string_view::npos ? 0 : before + 1));
}

base::Result<AcceptedTypes> AcceptedTypes::parse(const std::vector<std::string>& words) {
  if (words.empty() || words.size() > limits::kAcceptedTypes) {
    return Status(Code::INVALID_OPTION, "accepts has " + std::to_string(words.size()) + " types, 1 to " +
                                            std::to_string(limits::kAcceptedTypes) + " are allowed");
  }
  AcceptedTypes types;
  for (const std::string& word : words) {
    auto accepted = parse_word(word);
    if (!accepted.ok()) return accepted.status();
    types.accepted_.push_back(std::move(*accepted));
  }
  types.words_ = words;
  return types;
}

base::Result<AcceptedTypes::Accepted> AcceptedTypes::parse_word(std::string_view word) {
  const std::size_t at = word.rfind('@');
  const std::string_view type = word.substr(0, at);
  // Of every type, in the versions that follow.
  auto pattern = TypePattern::parse(at == 0 ? "#" : type);
  if (!pattern.ok()) return Status(Code::INVALID_OPTION, "accepts: " + std::string(pattern.status().text()));
  Accepted accepted;
  accepted.type = std::move(*pattern);
  if (at == std::string_view::npos) return accepted;
  const auto versions = versions_of(word.substr(at + 1));
  if (!versions) {
    return Status(Code::INVALID_OPTION, "accepts: the versions of \"" + std::string(word.substr(0, 256)) +
                                            "\" must be a number, a range such as 2..4, or >=, >, <= or < and one");
  }
  accepted.versioned = true;
  accepted.least = versions->least;
  accepted.most = versions->most;
  return accepted;
}

bool AcceptedTypes::takes(std::string_view type, std::string_view schema_id) const {
  const std::optional<std::uint64_t> version = schema_version(schema_id);
  return std::any_of(accepted_.begin(), accepted_.end(), [&](const Accepted& one) {
    const bool of_version = !one.versioned || (version && *version >= one.least && *version <= one.most);
    return of_version && one.type.matches(type);
  });
}

}  // namespace lazaret::model

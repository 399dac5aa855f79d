#include "command_error.h"

#include <algorithm>

#include "model/limits.h"
#include "model/printed_error.h"

namespace lazaret::cli {
namespace {

namespace limits = model::limits;

std::string without_a_word(const CommandEnd& end) { return "the command ended with " + end.type(); }

/// Programs say last why they end.
std::string_view last_line(std::string_view text) {
  constexpr std::string_view kSpaces = " \t\r\n";
  const std::size_t last = text.find_last_not_of(kSpaces);
  if (last == std::string_view::npos) return {};
  text = text.substr(0, last + 1);
  const std::size_t before = text.rfind('\n');
  if (before != std::string_view::npos) text.remove_prefix(before + 1);
  return text.substr(text.find_first_not_of(kSpaces));
}

std::string marked(std::string_view lines) {
  std::string out;
  while (!lines.empty()) {
    const std::size_t end = std::min(lines.find('\n'), lines.size() - 1) + 1;
    out += "| ";
    out += lines.substr(0, end);
    lines.remove_prefix(end);
  }
  return out;
}

}  // namespace

model::ErrorReport error_of(const CommandEnd& end) {
  const std::string_view text = end.error_text;
  if (const auto error = model::printed_error(text)) {
    const std::string details = marked(text.substr(0, error->begins)) + std::string(text.substr(error->begins));
    return {std::string(error->type), std::string(error->message), last_of(details, limits::kErrorDetailsBytes)};
  }
  const std::string_view said = last_line(text);
  if (said.empty()) return {end.type(), without_a_word(end), ""};
  return {end.type(), std::string(said), said == text ? "" : std::string(text)};
}

std::string reason_of(const CommandEnd& end) {
  return end.error_text.empty() ? without_a_word(end) : last_of(end.error_text, limits::kReasonBytes);
}

}  // namespace lazaret::cli

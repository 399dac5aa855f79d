#include "base/json_layout.h"

#include <algorithm>

namespace lazaret::base {
namespace {

/// Deeper ones begin where these do: what is nested a thousand times would be blanks for the most part.
constexpr std::size_t kLevelsShown = 64;

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::size_t end_of_json_string(std::string_view text, std::size_t at) {
  for (++at; at < text.size() && text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return std::min(at + 1, text.size());
}

std::string laid_out_json(std::string_view text) {
  std::string out;
  std::size_t level = 0;
  const auto next_line = [&] { out.append("\n").append(2 * std::min(level, kLevelsShown), ' '); };
  for (std::size_t at = 0; at < text.size();) {
    const char c = text[at];
    if (c == '"') {
      const std::size_t end = end_of_json_string(text, at);
      out += text.substr(at, end - at);
      at = end;
      continue;
    }
    ++at;
    if (is_blank(c)) continue;
    if (c == '{' || c == '[') {
      out += c;
      while (at < text.size() && is_blank(text[at])) ++at;
      const bool is_empty = at < text.size() && (text[at] == '}' || text[at] == ']');
      if (is_empty) {
        out += text[at++];
        continue;
      }
      ++level;
      next_line();
    } else if (c == '}' || c == ']') {
      if (level > 0) --level;
      next_line();
      out += c;
    } else if (c == ',') {
      out += c;
      next_line();
    } else if (c == ':') {
      out += ": ";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace lazaret::base

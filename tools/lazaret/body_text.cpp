#include "body_text.h"

#include <algorithm>
#include <cstdio>
#include <optional>

#include <boost/json/parse.hpp>

#include "base/json_layout.h"
#include "output.h"
#include "xml_layout.h"

namespace lazaret::cli {
namespace {

constexpr std::size_t kJsonDepth = 256;

/// "application/json", "text/xml; charset=utf-8", "application/atom+xml"
bool is_type(std::string_view content_type, std::string_view format) {
  std::string type;
  for (const char c : content_type.substr(0, content_type.find(';'))) {
    if (c != ' ' && c != '\t') type += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  }
  return type.ends_with("/" + std::string(format)) || type.ends_with("+" + std::string(format));
}

bool is_json(std::string_view text) {
  json::parse_options options;
  options.max_depth = kJsonDepth;
  boost::system::error_code error;
  json::parse(text, error, {}, options);
  return !error;
}

bool begins_with(std::string_view text, std::string_view one_of) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  return begin != std::string_view::npos && one_of.find(text[begin]) != std::string_view::npos;
}

/// Numbers and texts alone are not laid out by it, and are text.
bool is_shown_as_json(std::string_view body, std::string_view content_type, bool whole) {
  if (!begins_with(body, "{[")) return false;
  return whole ? is_json(body) : is_type(content_type, "json");
}

std::optional<std::string> as_xml(std::string_view body, std::string_view content_type, bool whole) {
  const bool says_so = content_type.empty() || is_type(content_type, "xml") || body.starts_with("<?xml");
  if (!says_so || !(begins_with(body, "<") || body.starts_with("\xef\xbb\xbf<"))) return std::nullopt;
  return laid_out_xml(body, whole);
}

}  // namespace

BodyText text_body(std::string_view body, std::string_view content_type, bool whole) {
  if (is_shown_as_json(body, content_type, whole)) return {"JSON", printable(base::laid_out_json(body), true)};
  if (const auto xml = as_xml(body, content_type, whole)) return {"XML", printable(*xml, true)};
  return {"text", printable(body, true)};
}

BodyText binary_body(std::string_view body) {
  constexpr std::size_t kRow = 16;
  constexpr char kHex[] = "0123456789abcdef";
  std::string out;
  for (std::size_t row = 0; row < body.size(); row += kRow) {
    char offset[24];
    std::snprintf(offset, sizeof offset, "%08zx ", row);
    if (row > 0) out += '\n';
    out += offset;
    std::string ascii;
    for (std::size_t i = row; i < row + kRow; ++i) {
      if (i % (kRow / 2) == 0) out += ' ';
      if (i >= body.size()) {
        out += "   ";
        continue;
      }
      const auto byte = static_cast<unsigned char>(body[i]);
      out += {kHex[byte >> 4], kHex[byte & 15], ' '};
      ascii += byte >= 0x20 && byte < 0x7f ? body[i] : '.';
    }
    out += " |" + ascii + "|";
  }
  return {"bytes", std::move(out)};
}

std::string_view beginning_of(std::string_view text, std::size_t most) {
  if (text.size() <= most) return text;
  while (most > 0 && (static_cast<unsigned char>(text[most]) & 0xC0) == 0x80) --most;
  return text.substr(0, most);
}

}  // namespace lazaret::cli

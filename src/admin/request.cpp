#include "admin/request.h"

#include <algorithm>
#include <charconv>

#include <boost/url/parse.hpp>
#include <boost/url/url_view.hpp>

namespace lazaret::admin {

using base::Code;
using base::Status;

namespace {

constexpr std::string_view kBlanks = " \t";

}  // namespace

std::string_view to_string(Method method) {
  switch (method) {
    case Method::get: return "GET";
    case Method::put: return "PUT";
    case Method::post: return "POST";
    case Method::patch: return "PATCH";
    case Method::remove: return "DELETE";
    case Method::other: break;
  }
  return "";
}

std::optional<std::string_view> Request::parameter(std::string_view name) const {
  for (const auto& [given, value] : query) {
    if (given == name) return value;
  }
  return std::nullopt;
}

Status split_target(Request& request) {
  const auto url = boost::urls::parse_origin_form(request.target);
  if (!url) return Status(Code::BAD_REQUEST, "the target of the request is not a path with a query");
  for (const auto& segment : url->segments()) request.segments.emplace_back(segment);
  for (const auto& parameter : url->params()) {
    if (request.parameter(parameter.key)) {
      return Status(Code::BAD_REQUEST, "the parameter " + std::string(parameter.key) + " is given twice");
    }
    request.query.emplace_back(parameter.key, parameter.value);
  }
  return {};
}

bool accepts_encoding(std::string_view accepted, std::string_view coding) {
  const auto same = [](char a, char b) { return a == b || (a >= 'A' && a <= 'Z' && a - 'A' + 'a' == b); };
  while (!accepted.empty()) {
    std::string_view one = accepted.substr(0, accepted.find(','));
    accepted.remove_prefix(std::min(accepted.size(), one.size() + 1));
    std::string_view name = one.substr(0, one.find(';'));
    one.remove_prefix(name.size());
    while (!name.empty() && kBlanks.find(name.front()) != std::string_view::npos) name.remove_prefix(1);
    while (!name.empty() && kBlanks.find(name.back()) != std::string_view::npos) name.remove_suffix(1);
    if (!std::equal(name.begin(), name.end(), coding.begin(), coding.end(), same)) continue;
    const std::size_t quality = one.find("q=");
    return quality == std::string_view::npos || one.find_first_of("123456789", quality) != std::string_view::npos;
  }
  return false;
}

base::Result<std::uint64_t> number_parameter(const Request& request, std::string_view name, std::uint64_t otherwise,
                                             std::uint64_t least, std::uint64_t most) {
  const auto text = request.parameter(name);
  if (!text) return otherwise;
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text->data(), text->data() + text->size(), value);
  if (text->empty() || error != std::errc() || end != text->data() + text->size() || value < least || value > most) {
    return Status(Code::BAD_REQUEST, std::string(name) + " must be a number from " + std::to_string(least) + " to " +
                                         std::to_string(most) + ", not \"" + std::string(*text) + "\"");
  }
  return value;
}

base::Result<bool> flag_parameter(const Request& request, std::string_view name) {
  const auto text = request.parameter(name);
  if (!text || *text == "false") return false;
  if (*text == "true") return true;
  return Status(Code::BAD_REQUEST, std::string(name) + " must be true or false, not \"" + std::string(*text) + "\"");
}

}  // namespace lazaret::admin

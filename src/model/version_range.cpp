#include "model/version_range.h"

#include <algorithm>
#include <array>
#include <utility>

#include "model/text_scan.h"

namespace lazaret::model {

using base::Code;
using base::Result;
using base::Status;

namespace {

/// Inside of a part, or between two.
bool is_of_version(char c) { return is_digit(c) || is_letter(c) || c == '.' || c == '-' || c == '_' || c == '~'; }
bool is_number(std::string_view part) { return !part.empty() && std::all_of(part.begin(), part.end(), is_digit); }

/// Takes the first part off; "" when there is none any more.
std::string_view take_part(std::string_view& rest) {
  const std::size_t dot = rest.find('.');
  const std::string_view part = rest.substr(0, dot);
  rest = dot == std::string_view::npos ? std::string_view() : rest.substr(dot + 1);
  return part;
}

/// However long they are.
std::strong_ordering compare_numbers(std::string_view left, std::string_view right) {
  left.remove_prefix(std::min(left.find_first_not_of('0'), left.size()));
  right.remove_prefix(std::min(right.find_first_not_of('0'), right.size()));
  if (left.size() != right.size()) return left.size() <=> right.size();
  return left <=> right;
}

/// `missing`: what stands for a part that is not there.
std::strong_ordering compare_parts(std::string_view left, std::string_view right, std::string_view missing) {
  while (!left.empty() || !right.empty()) {
    std::string_view a = take_part(left);
    std::string_view b = take_part(right);
    if (a.empty()) a = missing;
    if (b.empty()) b = missing;
    const bool numbers = is_number(a) && is_number(b);
    std::strong_ordering order = std::strong_ordering::equal;
    if (numbers) {
      order = compare_numbers(a, b);
    } else if (is_number(a) != is_number(b)) {
      // Of a pre-release "nothing" comes first: it is shorter.
      order = a.empty()      ? std::strong_ordering::less
              : b.empty()    ? std::strong_ordering::greater
              : is_number(a) ? std::strong_ordering::less
                             : std::strong_ordering::greater;
    } else {
      order = a <=> b;
    }
    if (order != std::strong_ordering::equal) return order;
  }
  return std::strong_ordering::equal;
}

struct Parts {
  std::string_view release;
  std::string_view before;  // of a pre-release: what is behind "-"
  bool is_before = false;
};
Parts parts_of(std::string_view version) {
  if (version.size() > 1 && (version.front() == 'v' || version.front() == 'V') && is_digit(version[1])) {
    version.remove_prefix(1);
  }
  version = version.substr(0, version.find('+'));
  const std::size_t dash = version.find('-');
  if (dash == std::string_view::npos) return {version, {}, false};
  return {version.substr(0, dash), version.substr(dash + 1), true};
}

/// The next term of what does not begin with a space; "> 2" is one as ">2" is.
std::string take_word(std::string_view& text) {
  const std::size_t sign = std::min(text.find_first_not_of("<>="), text.size());
  const std::size_t begin = std::min(text.find_first_not_of(' ', sign), text.size());
  const std::size_t end = std::min(text.find(' ', begin), text.size());
  std::string word(text.substr(0, sign));
  word += text.substr(begin, end - begin);
  text.remove_prefix(end);
  return word;
}

}  // namespace

std::strong_ordering compare_versions(std::string_view left, std::string_view right) {
  const Parts a = parts_of(left);
  const Parts b = parts_of(right);
  const std::strong_ordering release = compare_parts(a.release, b.release, "0");
  if (release != std::strong_ordering::equal) return release;
  if (a.is_before != b.is_before) return a.is_before ? std::strong_ordering::less : std::strong_ordering::greater;
  return compare_parts(a.before, b.before, "");
}

Result<VersionRange::Term> VersionRange::parse_term(std::string_view word) {
  static constexpr std::array<std::pair<std::string_view, Operator>, 5> kOperators{{
      {">=", Operator::greater_or_equal},
      {"<=", Operator::less_or_equal},
      {">", Operator::greater},
      {"<", Operator::less},
      {"=", Operator::equal},
  }};
  for (const auto& [sign, op] : kOperators) {
    if (!word.starts_with(sign)) continue;
    const std::string_view version = word.substr(sign.size());
    const bool is_version =
        std::any_of(version.begin(), version.end(), is_digit) && version.find_first_of("<>=") == std::string_view::npos;
    if (!is_version) break;
    return Term{op, std::string(version), std::string(word)};
  }
  return Status(Code::BAD_REQUEST,
                "a range of versions is written >=2.4.2, with >=, >, <=, < or = before each version, not \"" +
                    std::string(word) + "\"");
}

Result<VersionRange> VersionRange::parse(std::string_view text) {
  if (text.size() > kBytes) {
    return Status(Code::BAD_REQUEST, "a range of versions has at most " + std::to_string(kBytes) + " bytes");
  }
  VersionRange range;
  while (true) {
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    if (text.empty()) break;
    const std::string word = take_word(text);
    auto term = parse_term(word);
    if (!term.ok()) return term.status();
    range.text_ += (range.terms_.empty() ? "" : " ") + word;
    range.terms_.push_back(std::move(*term));
  }
  if (range.terms_.empty() || range.terms_.size() > kTerms) {
    return Status(Code::BAD_REQUEST, "a range of versions has 1 to " + std::to_string(kTerms) + " terms, as >=2.4.2");
  }
  return range;
}

Status VersionRange::check_version(std::string_view version) {
  const auto wrong = [version](const char* why) {
    return Status(Code::INVALID_OPTION,
                  "\"" + std::string(version) + "\" is no version as 2.4.2 or 2.5.0-rc.1: " + why);
  };
  if (version.front() == 'v' || version.front() == 'V') return wrong("it is written without a v");
  if (!is_digit(version.front())) return wrong("it does not begin with a number");
  const std::size_t build = std::min(version.find('+'), version.size());
  const std::string_view counted = version.substr(0, build);
  const std::size_t dash = std::min(counted.find('-'), counted.size());
  const bool is_cut = dash + 1 == counted.size() || build + 1 == version.size();
  if (is_cut) return wrong("nothing follows its last sign");
  for (const std::string_view parts : {counted.substr(0, dash), counted.substr(std::min(dash + 1, counted.size())),
                                       version.substr(std::min(build + 1, version.size()))}) {
    if (parts.empty()) continue;
    if (parts.front() == '.' || parts.back() == '.' || parts.find("..") != std::string_view::npos) {
      return wrong("between two dots, or beside one, there is nothing");
    }
    if (!std::all_of(parts.begin(), parts.end(), is_of_version)) {
      return wrong("it has a character that is neither a letter, a digit nor one of . - _ ~ +");
    }
  }
  return {};
}

/// Of a term that has a lower bound and one that has an upper one.
bool VersionRange::excludes(const Term& lower, const Term& upper) {
  const bool is_lower = lower.op != Operator::less && lower.op != Operator::less_or_equal;
  const bool is_upper = upper.op != Operator::greater && upper.op != Operator::greater_or_equal;
  if (!is_lower || !is_upper) return false;
  const std::strong_ordering order = compare_versions(lower.version, upper.version);
  return order > 0 || (order == 0 && (lower.op == Operator::greater || upper.op == Operator::less));
}

Status VersionRange::check(std::string_view text) {
  const auto range = parse(text);
  if (!range.ok()) return Status(Code::INVALID_OPTION, range.status().text());
  for (const Term& term : range->terms_) LZ_RETURN_IF_ERROR(check_version(term.version));
  for (const Term& lower : range->terms_) {
    for (const Term& upper : range->terms_) {
      if (!excludes(lower, upper)) continue;
      return Status(Code::INVALID_OPTION, "no version is both " + lower.text + " and " + upper.text);
    }
  }
  return {};
}

bool VersionRange::holds(const Term& term, std::string_view version) {
  const std::strong_ordering order = compare_versions(version, term.version);
  switch (term.op) {
    case Operator::equal: return order == 0;
    case Operator::less: return order < 0;
    case Operator::less_or_equal: return order <= 0;
    case Operator::greater: return order > 0;
    case Operator::greater_or_equal: return order >= 0;
  }
  return false;
}

bool VersionRange::contains(std::string_view version) const {
  if (version.empty()) return false;
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) { return holds(term, version); });
}

}  // namespace lazaret::model

// VersionRange: which versions of a consumer something is for, as ">=2.4.2" or ">=2.4 <3".
//
// Versions are compared as people mean them, close to Semantic Versioning 2.0.0, section 11 (semver.org): the parts
// between dots one by one, numbers as numbers and before words; parts that are missing are 0; what has a "-" behind it
// comes before what has not; what follows a "+" does not count, nor does a "v" in front.
//
// Threading: a value.
#pragma once

#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace lazaret::model {

std::strong_ordering compare_versions(std::string_view left, std::string_view right);

class VersionRange {
 public:
  /// Terms with spaces between, all of which hold: >=, >, <=, < or = and a version. BAD_REQUEST naming the term;
  /// nothing, more than kTerms, or more than kBytes are refused too.
  static base::Result<VersionRange> parse(std::string_view text);
  /// Of what somebody asks for: INVALID_OPTION naming what is wrong when it does not parse, when a version in it is
  /// none that anybody would give (a number first; parts of letters and digits between dots, none empty; no "v"), or
  /// when no version can be in it. What was stored before that was asked for is still read by `parse`.
  static base::Status check(std::string_view text);
  static constexpr std::size_t kTerms = 8;
  static constexpr std::size_t kBytes = 256;

  /// A consumer that does not say its version is in no range.
  bool contains(std::string_view version) const;
  /// As it was given, with one space between terms.
  const std::string& text() const { return text_; }

 private:
  enum class Operator : std::uint8_t { equal, less, less_or_equal, greater, greater_or_equal };
  struct Term {
    Operator op = Operator::equal;
    std::string version;
    std::string text;  // of both
  };
  static base::Result<Term> parse_term(std::string_view word);
  static bool holds(const Term& term, std::string_view version);
  static base::Status check_version(std::string_view version);
  static bool excludes(const Term& lower, const Term& upper);

  std::vector<Term> terms_;
  std::string text_;
};

}  // namespace lazaret::model

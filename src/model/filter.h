// Filter: which messages of its topic a subscription takes. One line of terms that must all hold, separated by spaces:
//
//   term    = pattern | field operator value
//   field   = "type" | "key" | "content_type" | "correlation_id" | "schema_id" | "header." name
//   operator = "=" | "!=" | "~" (contains)
//   value   = a word without spaces and quotes, or "text in quotes", in which \" and \\ stand for themselves
//
// `type=` and `type!=` compare with a pattern (model/type_pattern.h), and a pattern that stands alone is a `type=`. All
// else is compared byte for byte. A header may stand several times: `=` and `~` hold if they do for one of its values,
// `!=` if `=` does not.
//
// Threading: none of its own; immutable.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/message_facts.h"
#include "model/type_pattern.h"

namespace lazaret::model {

class Filter {
 public:
  /// INVALID_OPTION saying what is wrong and where. "" is a filter that takes everything.
  static base::Result<Filter> parse(std::string_view text);

  bool matches(const MessageFacts& facts) const;
  /// It takes everything.
  bool empty() const { return terms_.empty(); }
  /// The names of those that it looks at.
  std::vector<std::string> headers() const;

 private:
  friend class FilterParser;
  enum class Field : std::uint8_t { type, key, content_type, correlation_id, schema_id, header };
  enum class Operator : std::uint8_t { equals, differs, contains };
  struct Term {
    Field field = Field::type;
    std::string header;  // its name
    Operator op = Operator::equals;
    std::string value;
    std::optional<TypePattern> pattern;  // of a type that is compared
  };
  static bool holds(const Term& term, const MessageFacts& facts);
  static bool agrees(const Term& term, std::string_view text);

  std::vector<Term> terms_;
};

}  // namespace lazaret::model

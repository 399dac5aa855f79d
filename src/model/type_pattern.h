// TypePattern: wildcards over the dotted type of a message. `*` is one word, `#` any number of words, none included:
// "orders.*.created" takes "orders.eu.created"; "orders.#" takes "orders", "orders.created" and "orders.eu.created".
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace lazaret::model {

class TypePattern {
 public:
  /// INVALID_OPTION saying what is wrong with it: it has no words, an empty one, too many, or a wildcard within a word.
  static base::Result<TypePattern> parse(std::string_view text);

  /// In time that is at most the product of both their words. A message without a type has no words.
  bool matches(std::string_view type) const;
  bool operator==(const TypePattern&) const = default;

 private:
  std::vector<std::string> words_;
};

}  // namespace lazaret::model

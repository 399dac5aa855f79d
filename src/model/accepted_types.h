// AcceptedTypes: which types of messages, and which versions of their schemas, a consumer takes. A word is a pattern of
// types (model/type_pattern.h), and may name the versions behind an @:
//
//   "order.created"  "order.#"  "order.created@2"  "order.created@>=2"  "@<3"  "@2..4" (both ends included)
//
// The version of a message is the number that its `schema_id` ends with: 3 of "3", "v3", "order.created@3" and
// "orders/created/3". A message without one is taken only where no version is named.
//
// Threading: none of its own; immutable.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "model/type_pattern.h"

namespace lazaret::model {

/// The number at the end of a `schema_id`, if there is one.
std::optional<std::uint64_t> schema_version(std::string_view schema_id);

class AcceptedTypes {
 public:
  /// INVALID_OPTION naming the word and what is wrong with it. REQUIRES at least one word: none means everything.
  static base::Result<AcceptedTypes> parse(const std::vector<std::string>& words);

  bool takes(std::string_view type, std::string_view schema_id) const;
  const std::vector<std::string>& words() const { return words_; }

 private:
  struct Accepted {
    TypePattern type;
    bool versioned = false;
    std::uint64_t least = 0;  // both included
    std::uint64_t most = ~std::uint64_t{0};
  };
  static base::Result<Accepted> parse_word(std::string_view word);

  std::vector<std::string> words_;
  std::vector<Accepted> accepted_;
};

/// Null: everything.
using AcceptedTypesRef = std::shared_ptr<const AcceptedTypes>;

}  // namespace lazaret::model

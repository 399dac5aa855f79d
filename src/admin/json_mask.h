// JsonMask: values of a JSON text that are named by paths, found and covered. The text around them stays byte for byte,
// so numbers are as they were written. Nothing is built in memory: a body may be large, and is anybody's.
//
// A path is a JSON pointer (RFC 6901) in which `*` stands for any member or element: /card/number, /items/*/price.
// A member that stands several times in its object is found each time.
//
// Threading: immutable.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace lazaret::admin {

/// What is seen in place of what is masked, as text and as JSON.
inline constexpr std::string_view kMasked = "***";
inline constexpr std::string_view kMaskedJson = "\"***\"";

class JsonMask {
 public:
  static constexpr std::size_t kPaths = 100;
  static constexpr std::size_t kPathBytes = 1000;
  static constexpr std::size_t kPathSteps = 32;

  JsonMask() = default;
  /// BAD_REQUEST naming the path that is none, or saying that there are too many.
  static base::Result<JsonMask> parse(const std::vector<std::string>& paths);

  bool empty() const { return paths_.empty(); }

  /// A value that is masked: where it stands in the document, and in the text.
  struct Found {
    std::string pointer;
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  /// In the order of the text, false as an answer ends it. REQUIRES JSON (is_json_text).
  void find(std::string_view text, const std::function<bool(const Found&)>& found) const;
  /// The text with "***" in these places; what was there comes to `hidden`, a value after the other. REQUIRES JSON.
  std::string covered(std::string_view text, std::string& hidden) const;

  /// `after` with what `before` has in the masked places, where `after` must have "***": whoever sees only that cannot
  /// change what it covers, nor learn by trying. Nor does it come to another: of the elements of an array that hold
  /// something masked (and of members of one name in one object) one is changed at a time, but for blanks, and not into
  /// what another one is. BAD_REQUEST naming the place. REQUIRES JSON, both.
  base::Result<std::string> uncovered(std::string_view before, std::string_view after) const;

  /// Masked values of a text that can be edited.
  static constexpr std::size_t kUncovered = 10'000;

 private:
  friend class JsonWalk;
  base::Status check_places(std::string_view before, std::string_view after) const;
  using Steps = std::vector<std::string>;  // unescaped
  std::vector<Steps> paths_;
};

}  // namespace lazaret::admin

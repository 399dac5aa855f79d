// TermReader: the words that the two filter languages have in common (model/filter.h, model/case_query.h): terms
// separated by spaces, and values that are a word without spaces and quotes, or "text in quotes", in which a backslash
// stands before a quote or a backslash.
//
// Threading: none of its own.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/status.h"

namespace lazaret::model {

class TermReader {
 public:
  /// What is wrong is reported with `code`. `text` must outlive the reader.
  TermReader(std::string_view text, base::Code code) : text_(text), code_(code) {}

  /// Goes to the next term; false when there is none.
  bool next();
  /// Whether a space or the end comes now.
  bool at_end_of_term() const;
  /// Everything up to a space, or one of `stops`.
  std::string_view take_until(std::string_view stops);
  /// The rest of the text, from here.
  std::string_view rest() const { return text_.substr(at_); }
  void skip(std::size_t characters) { at_ += characters; }
  base::Result<std::string> take_value();
  /// A text in quotes, which begins here; anything may stand behind it.
  base::Result<std::string> take_quoted();

  std::size_t at() const { return at_; }
  void back_to(std::size_t at) { at_ = at; }
  /// A sentence that names the place.
  base::Status wrong(std::size_t at, const std::string& what) const;

 private:
  std::string_view text_;
  base::Code code_;
  std::size_t at_ = 0;
};

}  // namespace lazaret::model

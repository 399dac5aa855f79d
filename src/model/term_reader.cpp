#include "model/term_reader.h"

#include <algorithm>

namespace lazaret::model {
namespace {

constexpr std::string_view kSpaces = " \t\r\n";

}  // namespace

bool TermReader::next() {
  at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size());
  return at_ < text_.size();
}

bool TermReader::at_end_of_term() const {
  return at_ == text_.size() || kSpaces.find(text_[at_]) != std::string_view::npos;
}

std::string_view TermReader::take_until(std::string_view stops) {
  const std::size_t begin = at_;
  while (!at_end_of_term() && stops.find(text_[at_]) == std::string_view::npos) ++at_;
  return text_.substr(begin, at_ - begin);
}

base::Result<std::string> TermReader::take_value() {
  if (at_ < text_.size() && text_[at_] == '"') {
    auto quoted = take_quoted();
    if (quoted.ok() && !at_end_of_term()) return wrong(at_, "expected a space behind the quote");
    return quoted;
  }
  const std::size_t begin = at_;
  const std::string_view word = take_until("\"");
  if (word.empty()) return wrong(begin, "expected a value; an empty one is \"\"");
  if (!at_end_of_term()) return wrong(at_, "a quote within a word: put the whole value in quotes");
  return std::string(word);
}

base::Result<std::string> TermReader::take_quoted() {
  std::string value;
  const std::size_t begin = at_++;
  while (at_ < text_.size() && text_[at_] != '"') {
    if (text_[at_] == '\\') {
      const bool known = at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
      if (!known) return wrong(at_, "in quotes there are \\\" and \\\\ only");
      ++at_;
    }
    value += text_[at_++];
  }
  if (at_ == text_.size()) return wrong(begin, "this quote is not closed");
  ++at_;
  return value;
}

base::Status TermReader::wrong(std::size_t at, const std::string& what) const {
  return {code_, "filter, at character " + std::to_string(at + 1) + ": " + what};
}

}  // namespace lazaret::model

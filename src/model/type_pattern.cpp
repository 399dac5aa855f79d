#include "model/type_pattern.h"

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Status;

constexpr std::string_view kOneWord = "*";
constexpr std::string_view kAnyWords = "#";
constexpr std::size_t kEnd = std::string_view::npos;

/// The word that begins at `at`, which goes on behind its dot, or to kEnd.
std::string_view next_word(std::string_view text, std::size_t& at) {
  const std::size_t dot = text.find('.', at);
  const std::string_view word = text.substr(at, dot == kEnd ? kEnd : dot - at);
  at = dot == kEnd ? kEnd : dot + 1;
  return word;
}

Status bad(std::string_view text, std::string_view what) {
  return Status(Code::INVALID_OPTION, "the type pattern \"" + std::string(text) + "\" " + std::string(what));
}

}  // namespace

base::Result<TypePattern> TypePattern::parse(std::string_view text) {
  if (text.empty()) return bad(text, "is empty");
  if (text.size() > limits::kEnvelopeFieldBytes) return bad(text.substr(0, 32), "is longer than a type can be");
  TypePattern pattern;
  for (std::size_t at = 0; at != kEnd;) {
    const std::string_view word = next_word(text, at);
    if (word.empty()) return bad(text, "has an empty word");
    if (word.size() > 1 && word.find_first_of("*#") != kEnd) {
      return bad(text, "has a wildcard within a word: * and # stand for whole words");
    }
    pattern.words_.emplace_back(word);
  }
  if (pattern.words_.size() > limits::kPatternWords) {
    return bad(text, "has more than " + std::to_string(limits::kPatternWords) + " words");
  }
  return pattern;
}

/// Only the last `#` that was met has to be tried with more words: what was matched before it stays.
bool TypePattern::matches(std::string_view type) const {
  std::size_t at = type.empty() ? kEnd : 0;
  std::size_t word = 0;
  std::size_t any = kEnd;  // the last `#`, and where the words that it takes end
  std::size_t any_to = kEnd;
  while (true) {
    if (word < words_.size() && words_[word] == kAnyWords) {
      any = word++;
      any_to = at;
      continue;
    }
    if (at == kEnd && word == words_.size()) return true;
    std::size_t behind = at;
    const bool both = at != kEnd && word < words_.size();
    const std::string_view here = both ? next_word(type, behind) : std::string_view();
    if (both && (words_[word] == kOneWord || words_[word] == here)) {
      at = behind;
      ++word;
      continue;
    }
    if (any == kEnd || any_to == kEnd) return false;
    next_word(type, any_to);
    at = any_to;
    word = any + 1;
  }
}

}  // namespace lazaret::model

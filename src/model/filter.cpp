#include "model/filter.h"

#include <algorithm>
#include <array>

#include "model/limits.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Status;

constexpr std::string_view kSpaces = " \t\r\n";
constexpr std::string_view kHeader = "header.";

}  // namespace

/// One pass over the text. `at_` is where the next character is, for the sentences.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text) {}

  base::Result<Filter> parse() {
    if (text_.size() > limits::kFilterBytes) {
      return Status(Code::INVALID_OPTION, "filter has " + std::to_string(text_.size()) + " characters, at most " +
                                              std::to_string(limits::kFilterBytes) + " are allowed");
    }
    Filter filter;
    for (skip_spaces(); at_ < text_.size(); skip_spaces()) {
      if (filter.terms_.size() == limits::kFilterTerms) {
        return wrong(at_, "there are more than " + std::to_string(limits::kFilterTerms) + " terms");
      }
      auto term = parse_term();
      if (!term.ok()) return term.status();
      filter.terms_.push_back(std::move(*term));
    }
    return filter;
  }

 private:
  using Term = Filter::Term;
  using Field = Filter::Field;
  using Operator = Filter::Operator;

  static Status wrong(std::size_t at, const std::string& what) {
    return Status(Code::INVALID_OPTION, "filter, at character " + std::to_string(at + 1) + ": " + what);
  }

  void skip_spaces() { at_ = std::min(text_.find_first_not_of(kSpaces, at_), text_.size()); }
  bool at_end_of_term() const { return at_ == text_.size() || kSpaces.find(text_[at_]) != std::string_view::npos; }

  base::Result<Term> parse_term() {
    Term term;
    const std::size_t begin = at_;
    if (text_[begin] != '"') {
      at_ = std::min(text_.find_first_of(" \t\r\n=!~\"", begin), text_.size());
      if (!at_end_of_term()) {
        LZ_RETURN_IF_ERROR(take_field(begin, term));
        LZ_RETURN_IF_ERROR(take_operator(term));
      } else {
        at_ = begin;  // a pattern alone
      }
    }
    const std::size_t value_at = at_;
    LZ_RETURN_IF_ERROR(take_value(term));
    if (term.field != Field::type || term.op == Operator::contains) return term;
    auto pattern = TypePattern::parse(term.value);
    if (!pattern.ok()) return wrong(value_at, std::string(pattern.status().text()));
    term.pattern = std::move(*pattern);
    return term;
  }

  Status take_field(std::size_t begin, Term& term) {
    static constexpr std::array<std::pair<std::string_view, Field>, 5> kFields = {{
        {"type", Field::type},
        {"key", Field::key},
        {"content_type", Field::content_type},
        {"correlation_id", Field::correlation_id},
        {"schema_id", Field::schema_id},
    }};
    const std::string_view name = text_.substr(begin, at_ - begin);
    for (const auto& [known, field] : kFields) {
      if (name != known) continue;
      term.field = field;
      return {};
    }
    if (name.starts_with(kHeader) && name.size() > kHeader.size()) {
      term.field = Field::header;
      term.header = name.substr(kHeader.size());
      return {};
    }
    return wrong(begin, "there is no field \"" + std::string(name) +
                            "\"; there are type, key, header.NAME, content_type, correlation_id and schema_id");
  }

  Status take_operator(Term& term) {
    const std::string_view rest = text_.substr(at_);
    if (rest.starts_with("!=")) {
      term.op = Operator::differs;
      at_ += 2;
    } else if (rest.starts_with("=") || rest.starts_with("~")) {
      term.op = rest.starts_with("=") ? Operator::equals : Operator::contains;
      at_ += 1;
    } else {
      return wrong(at_, "expected =, != or ~");
    }
    return {};
  }

  Status take_value(Term& term) {
    if (at_ < text_.size() && text_[at_] == '"') return take_quoted(term);
    const std::size_t begin = at_;
    at_ = std::min(text_.find_first_of(" \t\r\n\"", begin), text_.size());
    if (at_ == begin) return wrong(begin, "expected a value; an empty one is \"\"");
    if (!at_end_of_term()) return wrong(at_, "a quote within a word: put the whole value in quotes");
    term.value = text_.substr(begin, at_ - begin);
    return {};
  }

  Status take_quoted(Term& term) {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && text_[at_] != '"') {
      if (text_[at_] == '\\') {
        const bool known = at_ + 1 < text_.size() && (text_[at_ + 1] == '"' || text_[at_ + 1] == '\\');
        if (!known) return wrong(at_, "in quotes there are \\\" and \\\\ only");
        ++at_;
      }
      term.value += text_[at_++];
    }
    if (at_ == text_.size()) return wrong(begin, "this quote is not closed");
    ++at_;
    if (!at_end_of_term()) return wrong(at_, "expected a space behind the quote");
    return {};
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

base::Result<Filter> Filter::parse(std::string_view text) { return FilterParser(text).parse(); }

bool Filter::matches(const MessageFacts& facts) const {
  return std::all_of(terms_.begin(), terms_.end(), [&](const Term& term) { return holds(term, facts); });
}

bool Filter::holds(const Term& term, const MessageFacts& facts) {
  bool agreed = false;
  switch (term.field) {
    case Field::type: agreed = agrees(term, facts.type); break;
    case Field::key: agreed = agrees(term, facts.key); break;
    case Field::content_type: agreed = agrees(term, facts.content_type); break;
    case Field::correlation_id: agreed = agrees(term, facts.correlation_id); break;
    case Field::schema_id: agreed = agrees(term, facts.schema_id); break;
    case Field::header:
      agreed = std::any_of(facts.headers.begin(), facts.headers.end(), [&](const auto& header) {
        return header.first == term.header && agrees(term, header.second);
      });
      break;
  }
  return agreed != (term.op == Operator::differs);
}

bool Filter::agrees(const Term& term, std::string_view text) {
  if (term.pattern) return term.pattern->matches(text);
  return term.op == Operator::contains ? text.find(term.value) != std::string_view::npos : text == term.value;
}

}  // namespace lazaret::model

#include "model/filter.h"

#include <algorithm>
#include <array>

#include "model/limits.h"
#include "model/term_reader.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Status;

constexpr std::string_view kHeader = "header.";

}  // namespace

/// One pass over the text.
class FilterParser {
 public:
  explicit FilterParser(std::string_view text) : text_(text), reader_(text, Code::INVALID_OPTION) {}

  base::Result<Filter> parse() {
    if (text_.size() > limits::kFilterBytes) {
      return Status(Code::INVALID_OPTION, "filter has " + std::to_string(text_.size()) + " characters, at most " +
                                              std::to_string(limits::kFilterBytes) + " are allowed");
    }
    Filter filter;
    while (reader_.next()) {
      if (filter.terms_.size() == limits::kFilterTerms) {
        return reader_.wrong(reader_.at(), "there are more than " + std::to_string(limits::kFilterTerms) + " terms");
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

  base::Result<Term> parse_term() {
    Term term;
    const std::size_t begin = reader_.at();
    if (!reader_.rest().starts_with('"')) {
      const std::string_view name = reader_.take_until("=!~\"");
      if (!reader_.at_end_of_term()) {
        LZ_RETURN_IF_ERROR(take_field(begin, name, term));
        LZ_RETURN_IF_ERROR(take_operator(term));
      } else {
        reader_.back_to(begin);  // a pattern alone
      }
    }
    const std::size_t value_at = reader_.at();
    auto value = reader_.take_value();
    if (!value.ok()) return value.status();
    term.value = std::move(*value);
    if (term.field != Field::type || term.op == Operator::contains) return term;
    auto pattern = TypePattern::parse(term.value);
    if (!pattern.ok()) return reader_.wrong(value_at, std::string(pattern.status().text()));
    term.pattern = std::move(*pattern);
    return term;
  }

  Status take_field(std::size_t begin, std::string_view name, Term& term) {
    static constexpr std::array<std::pair<std::string_view, Field>, 5> kFields = {{
        {"type", Field::type},
        {"key", Field::key},
        {"content_type", Field::content_type},
        {"correlation_id", Field::correlation_id},
        {"schema_id", Field::schema_id},
    }};
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
    return reader_.wrong(begin, "there is no field \"" + std::string(name) +
                                    "\"; there are type, key, header.NAME, content_type, correlation_id and schema_id");
  }

  Status take_operator(Term& term) {
    const std::string_view rest = reader_.rest();
    if (rest.starts_with("!=")) {
      term.op = Operator::differs;
      reader_.skip(2);
    } else if (rest.starts_with("=") || rest.starts_with("~")) {
      term.op = rest.starts_with("=") ? Operator::equals : Operator::contains;
      reader_.skip(1);
    } else {
      return reader_.wrong(reader_.at(), "expected =, != or ~");
    }
    return {};
  }

  std::string_view text_;
  TermReader reader_;
};

base::Result<Filter> Filter::parse(std::string_view text) { return FilterParser(text).parse(); }

std::vector<std::string> Filter::headers() const {
  std::vector<std::string> names;
  for (const Term& term : terms_) {
    if (term.field == Field::header) names.push_back(term.header);
  }
  return names;
}

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

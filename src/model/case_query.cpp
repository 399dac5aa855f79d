#include "model/case_query.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/duration_text.h"
#include "model/limits.h"
#include "model/quarantine.h"
#include "model/term_reader.h"

namespace lazaret::model {
namespace {

using base::Code;
using base::Status;
using Field = CaseTerm::Field;
using Operator = CaseTerm::Operator;

constexpr std::string_view kHeader = "header.";
/// What a name ends with.
constexpr std::string_view kOperators = "=!~<>";

struct FieldName {
  std::string_view name;
  Field field;
};
/// The first name of a field is the one that it is written with.
constexpr std::array kFields = {
    FieldName{"subscription", Field::subscription},
    FieldName{"queue", Field::subscription},
    FieldName{"topic", Field::topic},
    FieldName{"source", Field::topic},
    FieldName{"type", Field::type},
    FieldName{"key", Field::key},
    FieldName{"reason", Field::reason},
    FieldName{"state", Field::state},
    FieldName{"group", Field::group},
    FieldName{"error", Field::error},
    FieldName{"error_type", Field::error_type},
    FieldName{"error_message", Field::error_message},
    FieldName{"correlation_id", Field::correlation_id},
    FieldName{"message_id", Field::message_id},
    FieldName{"admitted", Field::admitted},
    FieldName{"attempts", Field::attempts},
    FieldName{"failures", Field::failures},
    FieldName{"relapses", Field::relapses},
    FieldName{"replays", Field::replays},
    FieldName{"body", Field::body},
    FieldName{"id", Field::id},
    FieldName{"quarantine", Field::quarantine},
};

bool is_number(Field field) {
  return field == Field::attempts || field == Field::failures || field == Field::relapses || field == Field::replays;
}
bool is_name(Field field) {
  return field == Field::reason || field == Field::state || field == Field::group || field == Field::id ||
         field == Field::quarantine;
}

/// The operators that a field has, for the sentence; each stands in the text as it is written.
std::string_view operators_of(Field field) {
  if (is_number(field)) return "=, !=, < or >";
  if (field == Field::admitted) return "=, < or >";
  if (is_name(field)) return "= or !=";
  return field == Field::body ? "~" : "=, != or ~";
}
bool has_operator(Field field, Operator op) {
  const bool compares = is_number(field) || field == Field::admitted;
  switch (op) {
    case Operator::equals: return field != Field::body;
    case Operator::differs: return field != Field::body && field != Field::admitted;
    case Operator::contains: return !compares && !is_name(field);
    case Operator::less:
    case Operator::greater: return compares;
  }
  return false;
}
std::string_view text_of(Operator op) {
  switch (op) {
    case Operator::equals: return "=";
    case Operator::differs: return "!=";
    case Operator::contains: return "~";
    case Operator::less: return "<";
    case Operator::greater: return ">";
  }
  return "=";
}

/// `apart`: characters that end a word here, beside spaces and quotes.
std::string quoted(std::string_view value, std::string_view apart = "") {
  const bool word = !value.empty() && value.find_first_of(" \t\r\n\"") == std::string_view::npos &&
                    value.find_first_of(apart) == std::string_view::npos;
  if (word) return std::string(value);
  std::string out = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

/// Whether it is one; then it is spelt as such ids are, since it is compared as a text.
template <class Id>
bool is_id(std::string& text) {
  const auto id = Id::parse(text);
  if (id) text = id->to_string();
  return id.has_value();
}

/// One pass over the text.
class QueryParser {
 public:
  QueryParser(std::string_view text, base::Instant now) : text_(text), now_(now), reader_(text, Code::BAD_REQUEST) {}

  base::Result<CaseQuery> parse() {
    if (text_.size() > limits::kCaseQueryBytes) {
      return Status(Code::BAD_REQUEST, "the filter has " + std::to_string(text_.size()) + " characters, at most " +
                                           std::to_string(limits::kCaseQueryBytes) + " are allowed");
    }
    CaseQuery query;
    while (reader_.next()) {
      if (query.terms.size() == limits::kCaseQueryTerms) {
        return reader_.wrong(reader_.at(), "there are more than " + std::to_string(limits::kCaseQueryTerms) + " terms");
      }
      CaseTerm term;
      if (Status status = parse_term(term); !status.ok()) return status;
      query.terms.push_back(std::move(term));
    }
    return query;
  }

 private:
  Status parse_term(CaseTerm& term) {
    const std::size_t begin = reader_.at();
    std::string name(reader_.take_until(std::string(kOperators) + '"'));
    if (name == kHeader && reader_.rest().starts_with('"')) {
      auto header = reader_.take_quoted();
      if (!header.ok()) return header.status();
      name += *header;
    }
    LZ_RETURN_IF_ERROR(take_field(begin, name, term));
    LZ_RETURN_IF_ERROR(take_operator(name, term));
    const std::size_t value_at = reader_.at();
    auto value = reader_.take_value();
    if (!value.ok()) return value.status();
    term.value = std::move(*value);
    return check_value(value_at, name, term);
  }

  Status take_field(std::size_t begin, const std::string& name, CaseTerm& term) {
    for (const FieldName& known : kFields) {
      if (name != known.name) continue;
      term.field = known.field;
      return {};
    }
    if (name.starts_with(kHeader) && name.size() > kHeader.size()) {
      term.field = Field::header;
      term.header = name.substr(kHeader.size());
      return {};
    }
    std::string all;
    for (const FieldName& known : kFields) all += std::string(known.name) + ", ";
    return reader_.wrong(begin, "there is no field \"" + name + "\"; there are " + all + "and header.NAME");
  }

  Status take_operator(const std::string& name, CaseTerm& term) {
    const std::string_view rest = reader_.rest();
    bool found = false;
    for (const Operator op :
         {Operator::differs, Operator::equals, Operator::contains, Operator::less, Operator::greater}) {
      if (!rest.starts_with(text_of(op))) continue;
      term.op = op;
      found = has_operator(term.field, op);
      break;
    }
    if (!found) {
      const bool cut = term.field == Field::header && reader_.at_end_of_term();
      return reader_.wrong(reader_.at(), "expected " + std::string(operators_of(term.field)) + " behind " + name +
                                             (cut ? R"(; a name with spaces is written header."a name")" : ""));
    }
    reader_.skip(text_of(term.op).size());
    return {};
  }

  Status check_value(std::size_t at, const std::string& name, CaseTerm& term) {
    const std::string& value = term.value;
    const auto expected = [&](const std::string& what) {
      return reader_.wrong(at, name + " cannot be \"" + value + "\": expected " + what);
    };
    if (term.field == Field::reason && !parse_case_reason(value)) {
      return expected("attempts_exhausted, killed_workers, rejected, expired, quarantined or damaged");
    }
    if (term.field == Field::state && !parse_case_state(value)) {
      return expected("admitted, replaying, discharged or discarded");
    }
    if (term.field == Field::group && !is_id<GroupId>(term.value)) return expected("twelve hexadecimal digits");
    if (term.field == Field::id && !is_id<CaseId>(term.value)) return expected("the id of a case");
    if (term.field == Field::quarantine && !is_id<QuarantineId>(term.value)) {
      return expected("the id of a quarantine rule");
    }
    const bool whole_id = term.field == Field::message_id && term.op != Operator::contains;
    if (whole_id && !is_id<MessageId>(term.value)) return expected("the id of a message, a UUID");
    if (term.field == Field::admitted && !take_time(term)) {
      return expected("a time as 2026-11-23T20:04:48Z, a date, or a span before now as -2h");
    }
    if (!is_number(term.field)) return {};
    const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), term.number);
    const bool whole = error == std::errc() && end == value.data() + value.size() && term.number >= 0;
    if (!whole) return expected("a whole number");
    term.value.clear();
    return {};
  }

  bool take_time(CaseTerm& term) {
    const auto time = parse_time(term.value, now_);
    if (!time) return false;
    term.number = time->us;
    term.value.clear();
    return true;
  }

  std::string_view text_;
  base::Instant now_;
  TermReader reader_;
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool agrees(const CaseTerm& term, std::string_view text) {
  return term.op == Operator::contains ? contains_text(text, term.value) : text == term.value;
}
/// `!=` holds when `=` does not.
bool holds(const CaseTerm& term, bool agreed) { return agreed != (term.op == Operator::differs); }

bool compares(const CaseTerm& term, std::int64_t value) {
  switch (term.op) {
    case Operator::less: return value < term.number;
    case Operator::greater: return value > term.number;
    default: return holds(term, value == term.number);
  }
}

/// "" for a case that no rule has made.
std::string rule_of(const CaseRecord& record) {
  if (record.quarantine == 0) return "";
  return QuarantineId{record.id.shard, record.id.subscription, record.quarantine}.to_string();
}

bool holds_for(const CaseTerm& term, const CaseRecord& record) {
  const auto text = [&](std::string_view value) { return holds(term, agrees(term, value)); };
  switch (term.field) {
    case Field::subscription: return text(record.subscription);
    case Field::topic: return text(record.source);
    case Field::type: return text(record.summary.type);
    case Field::key: return text(record.summary.key);
    case Field::reason: return text(to_string(record.reason));
    case Field::state: return text(to_string(record.state));
    case Field::group: return text(record.group.to_string());
    case Field::error:
      return holds(term, agrees(term, record.last_error.type) || agrees(term, record.last_error.message));
    case Field::error_type: return text(record.last_error.type);
    case Field::error_message: return text(record.last_error.message);
    case Field::correlation_id: return text(record.summary.correlation_id);
    case Field::message_id: return text(record.summary.message_id.to_string());
    case Field::admitted: return compares(term, record.admitted_at.us);
    case Field::attempts: return compares(term, record.attempt_count);
    case Field::failures: return compares(term, record.failure_count);
    case Field::relapses: return compares(term, record.relapse_count);
    case Field::replays: return compares(term, record.replay_count);
    case Field::id: return text(record.id.to_string());
    case Field::quarantine: return text(rule_of(record));
    case Field::header:
    case Field::body: return true;
  }
  return true;
}

}  // namespace

std::optional<base::Instant> parse_time(std::string_view text, base::Instant now) {
  constexpr std::size_t kDate = 10;
  if (text.starts_with('-')) {
    const auto before = base::parse_duration(text.substr(1));
    return before.ok() ? std::optional(now - *before) : std::nullopt;
  }
  const auto time = base::parse_rfc3339(text.size() == kDate ? std::string(text) + "T00:00:00Z" : std::string(text));
  return time.ok() ? std::optional(*time) : std::nullopt;
}

base::Result<CaseQuery> parse_case_query(std::string_view text, base::Instant now) {
  return QueryParser(text, now).parse();
}

std::string to_text(const CaseQuery& query) {
  std::string out;
  for (const CaseTerm& term : query.terms) {
    if (!out.empty()) out += ' ';
    out += to_string(term.field);
    if (term.field == Field::header) out += "." + quoted(term.header, kOperators);
    out += text_of(term.op);
    if (term.field == Field::admitted) {
      out += base::format_rfc3339(base::Instant{term.number});
    } else {
      out += is_number(term.field) ? std::to_string(term.number) : quoted(term.value);
    }
  }
  return out;
}

std::string case_term(std::string_view field, std::string_view value) {
  return std::string(field) + "=" + quoted(value);
}

CaseQuery& with_text(CaseQuery& query, Field field, std::string value) {
  query.terms.push_back({field, Operator::equals, "", std::move(value), 0});
  return query;
}
CaseQuery& with_state(CaseQuery& query, CaseState state) {
  return with_text(query, Field::state, std::string(to_string(state)));
}
CaseQuery& with_reason(CaseQuery& query, CaseReason reason) {
  return with_text(query, Field::reason, std::string(to_string(reason)));
}

bool matches(const CaseQuery& query, const CaseRecord& record) {
  if (query.subscription && record.id.subscription != *query.subscription) return false;
  return std::all_of(query.terms.begin(), query.terms.end(),
                     [&](const CaseTerm& term) { return holds_for(term, record); });
}

bool needs_body(const CaseQuery& query) {
  return std::any_of(query.terms.begin(), query.terms.end(),
                     [](const CaseTerm& term) { return term.field == Field::body; });
}
bool needs_message(const CaseQuery& query) {
  return std::any_of(query.terms.begin(), query.terms.end(),
                     [](const CaseTerm& term) { return term.field == Field::body || term.field == Field::header; });
}

bool matches_message(const CaseQuery& query, const MessageFacts& facts, std::string_view body) {
  return std::all_of(query.terms.begin(), query.terms.end(), [&](const CaseTerm& term) {
    if (term.field == Field::body) return contains_text(body, term.value);
    if (term.field != Field::header) return true;
    const bool agreed = std::any_of(facts.headers.begin(), facts.headers.end(), [&](const auto& header) {
      return header.first == term.header && agrees(term, header.second);
    });
    return holds(term, agreed);
  });
}

const std::string* equal_to(const CaseQuery& query, Field field) {
  for (const CaseTerm& term : query.terms) {
    if (term.field == field && term.op == Operator::equals) return &term.value;
  }
  return nullptr;
}

std::string_view to_string(Field field) {
  for (const FieldName& known : kFields) {
    if (known.field == field) return known.name;
  }
  return "header";
}

/// Knuth, Morris and Pratt: whoever may look at cases must not be able to keep a thread busy with a text and a part
/// that nearly fit.
bool contains_text(std::string_view text, std::string_view part) {
  if (part.empty()) return true;
  std::vector<std::size_t> back(part.size(), 0);  // the longest begin of `part` that ends here too
  for (std::size_t i = 1, fit = 0; i < part.size(); ++i) {
    while (fit > 0 && lower(part[i]) != lower(part[fit])) fit = back[fit - 1];
    if (lower(part[i]) == lower(part[fit])) ++fit;
    back[i] = fit;
  }
  std::size_t fit = 0;
  for (const char c : text) {
    while (fit > 0 && lower(c) != lower(part[fit])) fit = back[fit - 1];
    if (lower(c) == lower(part[fit])) ++fit;
    if (fit == part.size()) return true;
  }
  return false;
}

}  // namespace lazaret::model

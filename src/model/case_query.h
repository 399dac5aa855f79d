// CaseQuery: which cases are meant. The same words in HTTP, on the command line and on the page. One line of terms that
// must all hold, separated by spaces:
//
//   term     = field operator value
//   operator = "=" | "!=" | "~" (contains, whatever the case of ASCII letters) | "<" | ">"
//   value    = a word without spaces and quotes, or "text in quotes", in which \" and \\ stand for themselves
//   field    = a name below; that of a header is a word without operators as well, or in quotes: header."odd name"=x
//
//   fields of text    subscription (or queue), topic (or source), type, key, correlation_id, error_type,
//                     error_message, error (either of the two): = != ~
//   an id in part     message_id: = != with a whole one, ~ with any part of it
//   of the message    header.NAME: = != ~, and body: ~ only, of the message as it is now, after all edits. These read
//                     it, so they are slow
//   fields of names   reason, state, group, id, quarantine (the rule that has caught it): = !=
//                     An id is what is meant by it, however it is spelt: query and text have it as it is shown
//   numbers           attempts, failures, relapses, replays: = != < >
//   a time            admitted: = < > with RFC 3339, a date, or a span before now ("-2h")
//
// A header may stand several times: `=` and `~` hold if they do for one of its values, `!=` if `=` does not. A span is
// counted from the time at which the text is read: the query, and its text, keep the time, so that what was chosen
// stays chosen.
//
// Threading: none of its own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "base/time.h"
#include "model/case_record.h"
#include "model/message_facts.h"

namespace lazaret::model {

struct CaseTerm {
  enum class Field : std::uint8_t {
    subscription,
    topic,
    type,
    key,
    reason,
    state,
    group,
    error,
    error_type,
    error_message,
    header,
    correlation_id,
    message_id,
    admitted,
    attempts,
    failures,
    relapses,
    replays,
    body,
    id,
    quarantine
  };
  enum class Operator : std::uint8_t { equals, differs, contains, less, greater };
  Field field = Field::subscription;
  Operator op = Operator::equals;
  std::string header;       // its name
  std::string value;        // of texts and names
  std::int64_t number = 0;  // of numbers; of a time its microseconds
  bool operator==(const CaseTerm&) const = default;
};

struct CaseQuery {
  std::vector<CaseTerm> terms;
  /// Of this one only, which a name alone does not tell from those that had it before. Not part of the text.
  std::optional<SubscriptionId> subscription;
  /// A list of them goes from the last message of the last subscription to the first of the first, rather than by
  /// admission, and looks at every case of where they may be. Not part of the text either.
  bool by_message = false;
  bool operator==(const CaseQuery&) const = default;
};

/// RFC 3339, a date (UTC), or a span before `now` ("-2h"); nullopt for what is none.
std::optional<base::Instant> parse_time(std::string_view text, base::Instant now);
/// BAD_REQUEST that names the place, the term and what was expected. "" is a query that takes every case.
base::Result<CaseQuery> parse_case_query(std::string_view text, base::Instant now);
/// A text that parses to the same terms.
std::string to_text(const CaseQuery& query);
/// One term as text, its value in quotes where it needs them.
std::string case_term(std::string_view field, std::string_view value);

/// Adds `field=…`.
CaseQuery& with_state(CaseQuery& query, CaseState state);
CaseQuery& with_reason(CaseQuery& query, CaseReason reason);
CaseQuery& with_text(CaseQuery& query, CaseTerm::Field field, std::string value);

/// Whether all terms hold that the record alone can answer: all but those of header and body.
bool matches(const CaseQuery& query, const CaseRecord& record);
/// Whether there are others.
bool needs_message(const CaseQuery& query);
bool needs_body(const CaseQuery& query);
/// Whether those hold. `body`: opened, where it is compressed.
bool matches_message(const CaseQuery& query, const MessageFacts& facts, std::string_view body);

/// The value of the first `field=value`; null when there is none.
const std::string* equal_to(const CaseQuery& query, CaseTerm::Field field);
/// Its name, as the language has it ("header" for all of them).
std::string_view to_string(CaseTerm::Field field);

/// Whether `text` contains `part`, whatever the case of ASCII letters. Takes no longer than both are long.
bool contains_text(std::string_view text, std::string_view part);

}  // namespace lazaret::model

// What is asked of a store about cases and their groups, and what it answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/case_query.h"
#include "model/case_record.h"
#include "model/group_record.h"

namespace lazaret::model {

struct CasePage {
  std::vector<CaseRecord> cases;  // newest admission first, or as CaseQuery::by_message says
  /// "" when there are no more. A page may be short, even empty, and have a cursor: it has looked at as many as a page
  /// may.
  std::string cursor;
};
/// As a page: what was counted up to the cursor.
struct CaseCount {
  std::uint64_t count = 0;
  std::string cursor;
};

enum class GroupSort : std::uint8_t { count, last_seen, first_seen };
struct GroupPage {
  std::vector<GroupRecord> groups;  // the most, or the newest, first
  std::string cursor;
};

/// BAD_REQUEST naming a term that says nothing of groups. Those of subscription, type, group and errors are as of
/// cases; `state` asks whether there is a case in that state, `admitted` when the newest came; an error's text is
/// normalised.
base::Status check_group_query(const CaseQuery& query);
/// REQUIRES that it was checked.
bool matches(const CaseQuery& query, const GroupRecord& group);
/// Whether the counts of groups say how many cases match: terms of subscription, type, group, error type and state.
bool counted_by_groups(const CaseQuery& query);
std::uint64_t count_in(const CaseQuery& query, const GroupRecord& group);

/// A group's place in a list.
struct GroupPlace {
  std::uint64_t value = 0;  // what the list is sorted by
  GroupId id;
  /// The largest value first, then by id.
  bool operator<(const GroupPlace& other) const { return value != other.value ? value > other.value : id < other.id; }
  bool operator==(const GroupPlace&) const = default;

  std::string to_cursor() const;
  static std::optional<GroupPlace> from_cursor(std::string_view text);
};
GroupPlace place_of(const GroupRecord& group, GroupSort sort);

}  // namespace lazaret::model

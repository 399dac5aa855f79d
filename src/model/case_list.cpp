#include "model/case_list.h"

#include <algorithm>
#include <charconv>

namespace lazaret::model {
namespace {

using base::Status;
using Field = CaseTerm::Field;
using Operator = CaseTerm::Operator;

bool is_of_groups(Field field) {
  switch (field) {
    case Field::subscription:
    case Field::type:
    case Field::group:
    case Field::error:
    case Field::error_type:
    case Field::error_message:
    case Field::state:
    case Field::admitted: return true;
    default: return false;
  }
}

/// A case that is as all of the group are, in whatever its terms may ask.
CaseRecord typical(const GroupRecord& group) {
  CaseRecord record;
  record.subscription = group.subscription;
  record.summary.type = group.type;
  record.last_error.type = group.error_type;
  record.last_error.message = group.error_text;
  record.admitted_at = group.last_seen;
  record.group = group.id;
  return record;
}

CaseQuery without_states(const CaseQuery& query) {
  CaseQuery rest;
  for (const CaseTerm& term : query.terms) {
    if (term.field != Field::state) rest.terms.push_back(term);
  }
  return rest;
}

bool takes_state(const CaseQuery& query, CaseState state) {
  return std::all_of(query.terms.begin(), query.terms.end(), [&](const CaseTerm& term) {
    return term.field != Field::state || (term.value == to_string(state)) == (term.op == Operator::equals);
  });
}

constexpr std::array kStates = {CaseState::admitted, CaseState::replaying, CaseState::discharged, CaseState::discarded};

}  // namespace

Status check_group_query(const CaseQuery& query) {
  for (const CaseTerm& term : query.terms) {
    if (is_of_groups(term.field)) continue;
    return {base::Code::BAD_REQUEST,
            "the filter of groups has no " + std::string(to_string(term.field)) +
                "; it has subscription, type, group, state, error, error_type, error_message and admitted"};
  }
  return {};
}

bool matches(const CaseQuery& query, const GroupRecord& group) {
  if (!matches(without_states(query), typical(group))) return false;
  if (without_states(query).terms.size() == query.terms.size()) return true;
  return std::any_of(kStates.begin(), kStates.end(),
                     [&](CaseState state) { return group.count(state) > 0 && takes_state(query, state); });
}

bool counted_by_groups(const CaseQuery& query) {
  if (query.subscription) return false;
  return std::all_of(query.terms.begin(), query.terms.end(), [](const CaseTerm& term) {
    return term.field == Field::subscription || term.field == Field::type || term.field == Field::group ||
           term.field == Field::state || term.field == Field::error_type;
  });
}

std::uint64_t count_in(const CaseQuery& query, const GroupRecord& group) {
  if (!matches(without_states(query), typical(group))) return 0;
  std::uint64_t sum = 0;
  for (const CaseState state : kStates) sum += takes_state(query, state) ? group.count(state) : 0;
  return sum;
}

GroupPlace place_of(const GroupRecord& group, GroupSort sort) {
  switch (sort) {
    case GroupSort::count: return {group.open(), group.id};
    case GroupSort::last_seen: return {static_cast<std::uint64_t>(group.last_seen.us), group.id};
    case GroupSort::first_seen: return {static_cast<std::uint64_t>(group.first_seen.us), group.id};
  }
  return {0, group.id};
}

std::string GroupPlace::to_cursor() const { return std::to_string(value) + "_" + id.to_string(); }

std::optional<GroupPlace> GroupPlace::from_cursor(std::string_view text) {
  GroupPlace place;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), place.value);
  if (error != std::errc() || end == text.data() + text.size() || *end != '_') return std::nullopt;
  const auto id = GroupId::parse(text.substr(static_cast<std::size_t>(end - text.data()) + 1));
  if (!id) return std::nullopt;
  place.id = *id;
  return place;
}

}  // namespace lazaret::model

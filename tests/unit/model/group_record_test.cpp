// What a group counts, and its trend over hours and days.
#include "model/group_record.h"

#include <gtest/gtest.h>

#include <chrono>
#include <numeric>

#include "model/case_list.h"

namespace lazaret::model {
namespace {

using std::chrono::hours;

const base::Instant kNoon{12ll * 3'600'000'000 + 20'000ll * 86'400'000'000};

CaseRecord a_case(CaseState state, base::Instant at = kNoon, std::string version = "2.4.1") {
  CaseRecord record;
  record.subscription = "billing";
  record.summary.type = "order";
  record.last_error = {"Timeout", "order 17 timed out", ""};
  record.state = state;
  record.admitted_at = at;
  record.consumer_name = "billing";
  record.consumer_version = std::move(version);
  record.group = GroupId{7};
  return record;
}

template <class Counts>
std::uint64_t sum(const Counts& counts) {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

TEST(GroupRecord, CountsCasesWhereTheyAre) {
  GroupRecord group;
  EXPECT_TRUE(group.is_empty());
  enter(group, a_case(CaseState::admitted), true);
  enter(group, a_case(CaseState::admitted, kNoon + hours(1), "2.4.2"), true);
  EXPECT_EQ(group.open(), 2u);
  EXPECT_EQ(group.error_text, "order # timed out");
  EXPECT_EQ(group.first_consumer.version, "2.4.1");
  EXPECT_EQ(group.last_consumer.version, "2.4.2");
  leave(group, a_case(CaseState::admitted));
  enter(group, a_case(CaseState::discharged), false);
  EXPECT_EQ(group.count(CaseState::admitted), 1u);
  EXPECT_EQ(group.count(CaseState::discharged), 1u);
  EXPECT_EQ(group.admissions, 2u);
  EXPECT_EQ(group.first_seen, kNoon);
  EXPECT_EQ(group.last_seen, kNoon + hours(1));
  leave(group, a_case(CaseState::admitted));
  leave(group, a_case(CaseState::discharged));
  leave(group, a_case(CaseState::discharged));
  EXPECT_EQ(group.cases(), 0u) << "no count goes below nothing";
  EXPECT_TRUE(group.is_empty());
}

TEST(GroupRecord, AWeekWithoutACaseMakesItBeginAnew) {
  GroupRecord group;
  enter(group, a_case(CaseState::admitted), true);
  enter(group, a_case(CaseState::admitted, kNoon + hours(24 * 7) - hours(1)), true);
  EXPECT_EQ(group.returned_at.us, 0);
  const base::Instant back = kNoon + hours(24 * 14);
  enter(group, a_case(CaseState::admitted, back), true);
  enter(group, a_case(CaseState::admitted, back + hours(1)), true);
  EXPECT_EQ(group.returned_at, back);
}

TEST(GroupRecord, RelapsesAreCounted) {
  GroupRecord group;
  enter(group, a_case(CaseState::admitted), true);
  EXPECT_EQ(group.relapses, 0u);
  const CaseRecord relapsed = a_case(CaseState::admitted, kNoon + hours(1));
  enter(group, relapsed, true);
  relapse(group, relapsed);
  EXPECT_EQ(group.relapses, 1u);
  EXPECT_EQ(group.relapsed_at, kNoon + hours(1));
  GroupRecord other = group;
  other.relapsed_at = kNoon + hours(2);
  merge(group, other);
  EXPECT_EQ(group.relapses, 2u);
  EXPECT_EQ(group.relapsed_at, kNoon + hours(2));
}

TEST(GroupRecord, AStateThatNobodyWritesIsNotCounted) {
  GroupRecord group;
  enter(group, a_case(static_cast<CaseState>(0)), true);
  enter(group, a_case(static_cast<CaseState>(77)), true);
  leave(group, a_case(static_cast<CaseState>(0)));
  EXPECT_EQ(group.cases(), 0u);
}

TEST(GroupRecord, WhatIsNotedOutlivesItsCases) {
  GroupRecord group;
  enter(group, a_case(CaseState::admitted), true);
  GroupPatch patch;
  patch.note = "the ledger is slow";
  patch.owner = "ann";
  apply(patch, kNoon, group);
  GroupPatch later;
  later.ticket = "BILL-7";
  apply(later, kNoon + hours(1), group);
  leave(group, a_case(CaseState::admitted));
  EXPECT_FALSE(group.is_empty());
  EXPECT_EQ(group.note, "the ledger is slow");
  EXPECT_EQ(group.ticket, "BILL-7");
  EXPECT_EQ(group.noted_at, kNoon + hours(1));
  patch.note = patch.owner = later.ticket = "";
  apply(patch, kNoon, group);
  apply(later, kNoon, group);
  EXPECT_TRUE(group.is_empty());
}

TEST(GroupRecord, ACaseWakesIt) {
  GroupRecord group;
  enter(group, a_case(CaseState::admitted), true);
  GroupPatch patch;
  patch.snooze.until_version = ">=2.4.2";
  apply(patch, kNoon, group);
  enter(group, a_case(CaseState::admitted, kNoon + hours(1), "2.4.1"), true);
  enter(group, a_case(CaseState::replaying, kNoon + hours(1), "2.4.2"), false);
  EXPECT_TRUE(is_snoozed(group.snooze, kNoon + hours(1))) << "that one was not admitted now";
  GroupRecord alone;
  apply(patch, kNoon, alone);
  EXPECT_FALSE(alone.is_empty()) << "a snooze is a note";
  enter(group, a_case(CaseState::admitted, kNoon + hours(2), "2.4.2"), true);
  EXPECT_EQ(woken(group.snooze, kNoon + hours(2)), (Woken{kNoon + hours(2), "version 2.4.2"}));
}

TEST(GroupTrend, HoursAndDaysMoveOn) {
  GroupTrend trend;
  trend.add(kNoon);
  trend.add(kNoon + hours(1));
  trend.add(kNoon + hours(1));
  trend.add(kNoon - hours(2));  // late
  EXPECT_EQ(trend.hours[0], 2u);
  EXPECT_EQ(trend.hours[1], 1u);
  EXPECT_EQ(trend.hours[3], 1u);
  EXPECT_EQ(trend.days[0], 4u);
  const GroupTrend later = trend.at(kNoon + hours(24));
  EXPECT_EQ(later.hours[23], 2u) << "the hour before is the day before";
  EXPECT_EQ(sum(later.hours), 2u);
  EXPECT_EQ(later.days[1], 4u);
  EXPECT_EQ(sum(trend.at(kNoon + hours(24 * 40)).days), 0u);
  trend.add(kNoon - hours(24 * 60));
  EXPECT_EQ(sum(trend.days), 4u);
  EXPECT_EQ(sum(trend.at(base::Instant{}).hours), 4u) << "time does not go back";
}

TEST(GroupTrend, TheRateIsThatOfTheLastHour) {
  using std::chrono::minutes;
  GroupTrend trend;
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon), 0);
  for (int i = 0; i < 120; ++i) trend.add(kNoon);
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon), 2);
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon + minutes(59)), 2);
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon + minutes(75)), 1.5) << "three quarters of that hour are in the last one";
  trend.add(kNoon + minutes(75));
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon + minutes(90)), 1 + 1 / 60.0);
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon + minutes(121)), (59 / 60.0) / 60);
  EXPECT_DOUBLE_EQ(trend.per_minute(kNoon + hours(3)), 0);
}

TEST(GroupRecord, OfTwoShardsItIsOne) {
  GroupRecord first;
  GroupRecord second;
  enter(first, a_case(CaseState::admitted, kNoon), true);
  enter(second, a_case(CaseState::discarded, kNoon - hours(3), "1.0"), true);
  enter(second, a_case(CaseState::admitted, kNoon + hours(1), "3.0"), true);
  GroupPatch patch;
  patch.owner = "ann";
  apply(patch, kNoon, second);
  merge(first, second);
  EXPECT_EQ(first.open(), 2u);
  EXPECT_EQ(first.cases(), 3u);
  EXPECT_EQ(first.admissions, 3u);
  EXPECT_EQ(first.first_consumer.version, "1.0");
  EXPECT_EQ(first.last_consumer.version, "3.0");
  EXPECT_EQ(first.owner, "ann");
  EXPECT_EQ(first.trend.hours[0], 1u);
  EXPECT_EQ(first.trend.hours[1], 1u);
  EXPECT_EQ(first.trend.hours[4], 1u);
}

CaseQuery query(const std::string& text) { return parse_case_query(text, kNoon).value(); }

TEST(GroupQuery, AsksWhatAllOfTheGroupHave) {
  GroupRecord group;
  group.id = GroupId{7};
  enter(group, a_case(CaseState::admitted), true);
  enter(group, a_case(CaseState::discarded), true);
  for (const char* yes : {"", "subscription=billing", "type=order", "group=000000000007", "error~timed",
                          "state=admitted", "state!=replaying", "error_type=Timeout state=discarded", "admitted>-1h"}) {
    EXPECT_TRUE(matches(query(yes), group)) << yes;
  }
  for (const char* no :
       {"subscription=x", "state=replaying", "state=admitted state=discarded", "error~17", "admitted>2999-01-01"}) {
    EXPECT_FALSE(matches(query(no), group)) << no;
  }
  EXPECT_TRUE(check_group_query(query("state=admitted admitted>-2h error~x")).ok());
  for (const char* bad : {"key=a", "body~x", "header.a=b", "attempts>1", "id=0-1-2-3", "reason=expired"}) {
    EXPECT_EQ(check_group_query(query(bad)).code(), base::Code::BAD_REQUEST) << bad;
  }
  EXPECT_EQ(count_in(query("state=admitted"), group), 1u);
  EXPECT_EQ(count_in(query(""), group), 2u);
  EXPECT_EQ(count_in(query("type=x"), group), 0u);
  EXPECT_TRUE(counted_by_groups(query("type=x state!=admitted group=000000000007")));
  EXPECT_FALSE(counted_by_groups(query("error_message~x"))) << "of the group it is normalised";
  EXPECT_FALSE(counted_by_groups(query("key=a")));
}

TEST(GroupPlace, IsACursor) {
  const GroupPlace place{17, GroupId{7}};
  EXPECT_EQ(GroupPlace::from_cursor(place.to_cursor()), place);
  for (const char* bad : {"", "17", "17_", "_000000000007", "17_7", "x_000000000007"}) {
    EXPECT_EQ(GroupPlace::from_cursor(bad), std::nullopt) << bad;
  }
  EXPECT_TRUE((GroupPlace{18, GroupId{9}} < place));
  EXPECT_TRUE((GroupPlace{17, GroupId{6}} < place));
}

}  // namespace
}  // namespace lazaret::model

// Groups of cases, and the lists by group and state: kept with the cases, built for older directories, checked.
#include <chrono>
#include <cstdlib>
#include <iostream>

#include "model/quarantine.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::CaseState;
using model::GroupId;
using model::GroupSort;
using model::Offset;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class GroupTest : public StoreFixture {
 protected:
  static model::CaseQuery query(const std::string& text) { return model::parse_case_query(text, {}).value(); }

  /// So many settled messages; each becomes a case of what `text_of(offset)` says.
  void hospital(std::uint64_t count, const std::function<std::string(std::uint64_t)>& text_of) {
    publish(std::vector<std::string>(count, "body"));
    source().cursor = Offset(count);
    for (std::uint64_t offset = 0; offset < count; ++offset) fail(offset, text_of(offset), 1000 + offset);
  }
  /// So many at once, admitted one after the other from the first microsecond on.
  void hospital_of(std::uint64_t count) {
    std::vector<model::Mutation> many;
    publish(std::vector<std::string>(count, "b"));
    source().cursor = Offset(count);
    for (std::uint64_t offset = 0; offset < count; ++offset) {
      model::AdmitCase admit;
      admit.record.id = case_id(offset);
      admit.record.subscription = admit.record.source = queue_.name;
      admit.record.admitted_at = admit.record.first_admitted_at = base::Instant{static_cast<std::int64_t>(1 + offset)};
      many.push_back(admit);
    }
    state_.counters.in_hospital += count;
    many.push_back(put_state());
    commit(std::move(many));
  }
  void fail(std::uint64_t offset, const std::string& text, std::uint64_t at, bool relapse = false) {
    model::AdmitCase admit;
    admit.record.id = case_id(offset);
    admit.record.subscription = admit.record.source = queue_.name;
    admit.record.last_error = {"Failed", text, ""};
    admit.record.admitted_at = admit.record.first_admitted_at = base::Instant{static_cast<std::int64_t>(at)};
    admit.record.consumer_name = "billing";
    admit.record.consumer_version = "2." + std::to_string(offset);
    admit.relapse = relapse;
    if (relapse) admit.lane_offset = Offset(offset);
    ++state_.counters.in_hospital;
    commit({admit, put_state()});
  }
  void replay(std::uint64_t offset) {
    --state_.counters.in_hospital;
    commit({model::ReplayCase{case_id(offset), queue_.lane, Offset(offset)}, put_state()});
  }
  void discard(std::uint64_t offset) {
    --state_.counters.in_hospital;
    ++state_.counters.discarded;
    commit({model::DiscardCase{case_id(offset), base::Instant{9000}, "", false}, put_state()});
  }
  std::vector<model::GroupRecord> groups(const std::string& text = "", GroupSort sort = GroupSort::count,
                                         std::size_t max = 100) {
    std::vector<model::GroupRecord> all;
    std::string cursor;
    do {
      auto page = store_->list_groups(query(text), sort, cursor, max);
      EXPECT_TRUE(page.ok());
      for (auto& group : page->groups) all.push_back(std::move(group));
      cursor = page->cursor;
    } while (!cursor.empty());
    return all;
  }
  std::vector<std::string> texts(GroupSort sort, std::size_t max) {
    std::vector<std::string> all;
    for (const auto& group : groups("", sort, max)) all.push_back(group.error_text);
    return all;
  }
  std::vector<std::uint64_t> list(const std::string& text, std::size_t max = 100) {
    std::vector<std::uint64_t> all;
    std::string cursor;
    do {
      const auto page = store_->list_cases(query(text), cursor, max);
      EXPECT_TRUE(page.ok());
      for (const auto& record : page->cases) all.push_back(record.id.offset.value);
      cursor = page->cursor;
    } while (!cursor.empty());
    return all;
  }
  std::uint64_t count(const std::string& text) {
    const auto counted = store_->count_cases(query(text), "");
    EXPECT_TRUE(counted.ok());
    return counted.ok() ? counted->count : 0;
  }
};

TEST_F(GroupTest, CountsFollowEveryStepOfACase) {
  hospital(6, [](std::uint64_t offset) { return offset < 4 ? "row " + std::to_string(offset) : "refused"; });
  ASSERT_THAT(groups(), SizeIs(2));
  const model::GroupRecord rows = groups()[0];
  EXPECT_EQ(rows.error_text, "row #");
  EXPECT_EQ(rows.type, "order");
  EXPECT_EQ(rows.open(), 4u);
  EXPECT_EQ(rows.first_consumer.version, "2.0");
  EXPECT_EQ(rows.last_consumer.version, "2.3");
  replay(0);
  discard(1);
  EXPECT_EQ(store_->read_group(rows.id)->counts, (std::array<std::uint64_t, 4>{2, 1, 0, 1}));
  // It fails of something else now.
  fail(0, "refused", 5000, true);
  EXPECT_EQ(store_->read_group(rows.id)->counts, (std::array<std::uint64_t, 4>{2, 0, 0, 1}));
  EXPECT_EQ(count("error~refused state=admitted"), 3u);
  EXPECT_EQ(count("type=order"), 6u);
  EXPECT_EQ(count("group=" + rows.id.to_string()), 3u);
  EXPECT_EQ(count("state!=admitted"), 1u);
  EXPECT_EQ(count("group=000000000001"), 0u);
  EXPECT_EQ(count("id=" + case_id(3).to_string()), 1u);
  EXPECT_EQ(store_->read_group(GroupId{1}).code(), base::Code::NOT_FOUND);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(GroupTest, SeveralStepsOfOneCommitAreCounted) {
  hospital(1, [](std::uint64_t) { return "x"; });
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({model::ReplayCase{case_id(0), queue_.lane, Offset(0)}, model::RecallCase{case_id(0), queue_.lane, Offset(0)},
          model::DiscardCase{case_id(0), base::Instant{1}, "", false}, put_state()});
  EXPECT_EQ(groups()[0].counts, (std::array<std::uint64_t, 4>{0, 0, 0, 1}));
  EXPECT_EQ(groups()[0].admissions, 1u);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(GroupTest, ListsAreInEveryOrderAndInPagesOfAnySize) {
  hospital(7, [](std::uint64_t offset) { return std::string(1, "xyyxzyz"[offset]) + " broke"; });
  for (const std::size_t max : {1, 2, 3, 10}) {
    EXPECT_EQ(texts(GroupSort::count, max).front(), "y broke") << max;
    EXPECT_THAT(texts(GroupSort::count, max), UnorderedElementsAre("x broke", "y broke", "z broke"));
    EXPECT_THAT(texts(GroupSort::last_seen, max), ElementsAre("z broke", "y broke", "x broke"));
    EXPECT_THAT(texts(GroupSort::first_seen, max), ElementsAre("z broke", "y broke", "x broke"));
  }
  EXPECT_THAT(groups("error~y"), SizeIs(1));
  EXPECT_THAT(groups("subscription=other"), IsEmpty());
  EXPECT_EQ(store_->list_groups({}, GroupSort::count, "nonsense", 10).code(), base::Code::BAD_REQUEST);
}

TEST_F(GroupTest, EveryIndexListsTheSame) {
  hospital(9, [](std::uint64_t offset) { return offset % 2 == 0 ? "even" : "odd"; });
  discard(3);
  replay(4);
  const std::string even = groups("error=even")[0].id.to_string();
  for (const std::size_t max : {1, 2, 5, 50}) {
    EXPECT_THAT(list("group=" + even, max), ElementsAre(8, 6, 4, 2, 0));
    EXPECT_THAT(list("group=" + even + " state=admitted", max), ElementsAre(8, 6, 2, 0));
    EXPECT_THAT(list("state=admitted", max), ElementsAre(8, 7, 6, 5, 2, 1, 0));
    EXPECT_THAT(list("subscription=orders state=admitted", max), ElementsAre(8, 7, 6, 5, 2, 1, 0));
    EXPECT_THAT(list("subscription=orders error=odd", max), ElementsAre(7, 5, 3, 1));
    EXPECT_THAT(list("subscription=orders state=discarded", max), ElementsAre(3));
    EXPECT_THAT(list("subscription=order", max), IsEmpty());
    EXPECT_THAT(list("subscription=\"\"", max), IsEmpty());
    EXPECT_THAT(list("body~BOD state=replaying", max), ElementsAre(4));
    EXPECT_THAT(list("body~nobody", max), IsEmpty());
    EXPECT_THAT(list("header.a=b", max), IsEmpty());
  }
}

TEST_F(GroupTest, TheCasesOfAQuarantineRuleAreListed) {
  hospital(3, [](std::uint64_t) { return "x"; });
  publish({"body", "body"});
  source().cursor = Offset(5);
  for (std::uint64_t offset = 3; offset < 5; ++offset) {
    model::AdmitCase admit;
    admit.record.id = case_id(offset);
    admit.record.subscription = admit.record.source = queue_.name;
    admit.record.reason = model::CaseReason::quarantined;
    admit.record.quarantine = 40 + offset;
    admit.record.admitted_at = admit.record.first_admitted_at = base::Instant{static_cast<std::int64_t>(2000 + offset)};
    ++state_.counters.in_hospital;
    commit({admit, put_state()});
  }
  const auto rule = [this](std::uint64_t number) {
    return model::QuarantineId{case_id(0).shard, case_id(0).subscription, number}.to_string();
  };
  for (const std::size_t max : {1, 10}) {
    EXPECT_THAT(list("quarantine=" + rule(44), max), ElementsAre(4));
    EXPECT_THAT(list("quarantine=" + rule(43) + " state=admitted", max), ElementsAre(3));
    EXPECT_THAT(list("quarantine=" + rule(43) + " state=discarded", max), IsEmpty());
    EXPECT_THAT(list("quarantine!=" + rule(43), max), ElementsAre(4, 2, 1, 0));
    EXPECT_THAT(list("quarantine=9-9-9", max), IsEmpty());
  }
  EXPECT_EQ(count("quarantine=" + rule(43)), 1u);
}

TEST_F(GroupTest, WhatIsNotedOutlivesTheCases) {
  hospital(1, [](std::uint64_t) { return "x"; });
  const GroupId id = groups()[0].id;
  model::PatchGroup patch;
  patch.id = id;
  patch.at = base::Instant{7000};
  patch.patch.note = "known";
  model::PatchGroup nobodys = patch;
  nobodys.id = GroupId{99};
  commit({patch, nobodys});
  discard(0);
  commit({model::DropClosedCases{queue_.subscription, queue_.log, {Offset(0), Offset(1)}}});
  reopen();
  ASSERT_THAT(groups(), SizeIs(1));
  EXPECT_EQ(groups()[0].cases(), 0u);
  EXPECT_EQ(groups()[0].note, "known");
  EXPECT_EQ(groups()[0].noted_at, base::Instant{7000});
  patch.patch.note = "";
  commit({patch});
  EXPECT_THAT(groups(), IsEmpty());
  EXPECT_EQ(store_->read_group(id).code(), base::Code::NOT_FOUND);
}

TEST_F(GroupTest, WhatMayWakeItIsKeptAndACaseWakesItInItsOwnWrite) {
  state_.counters.acked = 1;  // the fourth
  publish(std::vector<std::string>(5, "body"));
  source().cursor = Offset(5);
  fail(0, "x", 1000);
  model::PatchGroup patch;
  patch.id = groups()[0].id;
  patch.at = base::Instant{2000};
  patch.patch.snooze.until_version = ">=2.4";
  patch.patch.snooze.until_rate = model::CaseRate{3, std::chrono::minutes(1)};
  patch.patch.snooze.until = base::Instant{9000};
  commit({patch});
  fail(1, "x", 3000);
  const model::Snooze before = groups()[0].snooze;
  EXPECT_EQ(before.set_at, base::Instant{2000});
  EXPECT_EQ(before.until_version, ">=2.4");
  EXPECT_EQ(before.pace.counts.front(), 1u);
  reopen();
  EXPECT_EQ(groups()[0].snooze, before);
  fail(2, "x", 4000);
  EXPECT_TRUE(model::is_snoozed(groups()[0].snooze, base::Instant{4000}));
  fail(4, "x", 5000);  // of version 2.4
  EXPECT_EQ(groups()[0].snooze.woken_at, base::Instant{5000});
  EXPECT_EQ(groups()[0].snooze.woken_by, "version 2.4");
  reopen();
  EXPECT_EQ(model::woken(groups()[0].snooze, base::Instant{6000}), (model::Woken{base::Instant{5000}, "version 2.4"}));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(GroupTest, ACaseThatGoesLeavesNothingInAnyIndex) {
  hospital(2, [](std::uint64_t) { return "x"; });
  discard(0);
  discard(1);
  commit({model::DropClosedCases{queue_.subscription, queue_.log, {Offset(0), Offset(2)}}});
  EXPECT_THAT(groups(), IsEmpty());
  close();
  EXPECT_EQ(count_records("hospital_index"), 1u) << "that the subscription had its name";
}

TEST_F(GroupTest, AnOlderDirectoryGetsThemWhenItIsOpened) {
  hospital(5, [](std::uint64_t offset) { return offset < 3 ? "a " + std::to_string(offset) : "b"; });
  discard(2);
  const auto before = groups();
  close();
  // As format 7 has it: neither groups nor the lists by group and state, and nothing of groups in the cases.
  change_records("hospital_index", [](const std::string& key, std::string value) {
    const auto kind = static_cast<unsigned char>(key[2]);
    return kind > 2 ? std::string("not what it was") : value;
  });
  change_records("hospital", [](const std::string&, std::string value) {
    value = value.substr(0, value.rfind("\x80\x05"));   // field 80, what the message takes
    const std::size_t group = value.rfind("\xd9\x02");  // field 43, eight bytes
    return group == value.size() - 10 ? value.substr(0, group) : value;
  });
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 7;  // field 1, the format
    return value;
  });
  open();
  const auto after = groups();
  ASSERT_EQ(after.size(), before.size());
  for (std::size_t i = 0; i < after.size(); ++i) {
    EXPECT_EQ(after[i].id, before[i].id);
    EXPECT_EQ(after[i].counts, before[i].counts);
    EXPECT_EQ(after[i].first_seen, before[i].first_seen);
  }
  EXPECT_THAT(list("state=admitted"), ElementsAre(4, 3, 1, 0));
  EXPECT_THAT(list("subscription=orders"), ElementsAre(4, 3, 2, 1, 0));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(GroupTest, TheCheckFindsWhatIsCountedWrong) {
  hospital(3, [](std::uint64_t) { return "x"; });
  close();
  change_records("hospital_index", [](const std::string& key, std::string value) {
    const std::size_t counts = value.find("\x32\x04\x03");  // field 6: 3 admitted
    if (key[2] == 4 && counts != std::string::npos) value[counts + 2] = 5;
    return value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("it counts 5 open cases of 5, there are 3 of 3")));
}

/// A filter that nothing fits, and nothing is indexed by: a page ends all the same.
TEST_F(GroupTest, APageLooksAtABoundedNumberOfCases) {
  constexpr std::uint64_t kMany = 12'000;
  hospital_of(kMany);
  const auto page = store_->list_cases(query("key=none"), "", 10);
  ASSERT_TRUE(page.ok());
  EXPECT_THAT(page->cases, IsEmpty());
  EXPECT_NE(page->cursor, "");
  EXPECT_THAT(list("key=none"), IsEmpty());
  EXPECT_THAT(list("attempts>3"), IsEmpty());
  EXPECT_EQ(list("attempts=0", 1000).size(), kMany);
  std::uint64_t counted = 0;
  std::string cursor;
  do {
    const auto part = store_->count_cases(query("attempts=0"), cursor);
    counted += part->count;
    cursor = part->cursor;
  } while (!cursor.empty());
  EXPECT_EQ(counted, kMany);
}

/// The oldest are found at once, however many came later.
TEST_F(GroupTest, APageBeginsAtTheTimeThatItIsAskedFor) {
  constexpr std::uint64_t kMany = 12'000;  // more than a page looks at
  hospital_of(kMany);
  const auto before = [](int us) { return "admitted<1970-01-01T00:00:00.00000" + std::to_string(us) + "Z"; };
  for (const std::string more :
       {"", " subscription=orders", " state=admitted", " subscription=orders state=admitted"}) {
    const auto page = store_->list_cases(query(before(4) + more), "", 10);
    ASSERT_TRUE(page.ok());
    EXPECT_THAT(page->cases, SizeIs(3)) << more;
    EXPECT_EQ(page->cursor, "") << more;
    for (const std::size_t max : {1, 2, 3}) EXPECT_THAT(list(before(4) + more, max), ElementsAre(2, 1, 0)) << more;
  }
  EXPECT_EQ(store_->count_cases(query(before(4) + " attempts=0"), "")->count, 3u);
  EXPECT_THAT(list(before(8) + " " + before(5) + " admitted>1970-01-01T00:00:00.000002Z"), ElementsAre(3, 2));
  EXPECT_THAT(list("admitted=1970-01-01T00:00:00.000002Z"), ElementsAre(1));
  EXPECT_THAT(list("admitted=1970-01-01T00:00:00.000002Z " + before(2)), IsEmpty());
  EXPECT_THAT(list("admitted<1970-01-01"), IsEmpty());
  EXPECT_THAT(list("admitted<1969-12-31"), IsEmpty());
}

/// So many cases in so many groups. The long form, with LAZARET_LONG set, is a million in 2,000, and says what the
/// questions of an operator take; the short one asks the same of a few.
class ManyCases : public GroupTest {
 protected:
  using Clock = std::chrono::steady_clock;

  void fill(std::uint64_t cases, std::uint64_t groups) {
    constexpr std::uint64_t kAtOnce = 1000;
    const auto begun = Clock::now();
    for (std::uint64_t first = 0; first < cases; first += kAtOnce) {
      publish(std::vector<std::string>(kAtOnce, std::string(200, 'b')));
      source().cursor = Offset(first + kAtOnce);
      std::vector<model::Mutation> admissions;
      for (std::uint64_t offset = first; offset < first + kAtOnce; ++offset) {
        model::AdmitCase admit;
        admit.record.id = case_id(offset);
        admit.record.subscription = admit.record.source = queue_.name;
        const std::uint64_t group = offset * 2654435761u % groups;
        admit.record.last_error = {"Failed",
                                   "no table " + std::string(1 + group / 26 / 26, 'x') +
                                       static_cast<char>('a' + group / 26 % 26) + static_cast<char>('a' + group % 26) +
                                       " row " + std::to_string(offset),
                                   ""};
        admit.record.admitted_at = admit.record.first_admitted_at =
            base::Instant{static_cast<std::int64_t>(1'000'000 + offset)};
        admissions.push_back(std::move(admit));
      }
      state_.counters.in_hospital += kAtOnce;
      admissions.push_back(put_state());
      commit(std::move(admissions));
    }
    const auto usage = store_->usage();
    say("admission of one (" + std::to_string((usage.data_bytes + usage.memtable_bytes) / cases) +
            " bytes each on the disk and in memtables)",
        (Clock::now() - begun) / static_cast<std::int64_t>(cases));
  }
  static void say(const std::string& what, Clock::duration took) {
    const auto us = std::chrono::duration_cast<std::chrono::microseconds>(took).count();
    std::cout << "[          ] " << what << ": " << us << " us" << std::endl;
  }
  /// Asks three times, and says what the quickest took.
  template <class Ask>
  void timed(const std::string& what, Ask ask) {
    auto best = Clock::duration::max();
    for (int i = 0; i < 3; ++i) {
      const auto begun = Clock::now();
      ask();
      best = std::min(best, Clock::now() - begun);
    }
    say(what, best);
  }
  std::size_t page(const std::string& text) { return store_->list_cases(query(text), "", 100)->cases.size(); }
};

TEST_F(ManyCases, AreListedFilteredAndCounted) {
  const bool long_form = std::getenv("LAZARET_LONG") != nullptr;
  const std::uint64_t cases = long_form ? 1'000'000 : 4000;
  const std::uint64_t groups = long_form ? 2000 : 40;
  fill(cases, groups);
  const auto first = store_->list_groups({}, GroupSort::count, "", 1)->groups.at(0);
  const std::string in_group = "group=" + first.id.to_string();
  EXPECT_EQ(count(""), cases);
  EXPECT_EQ(count("state=admitted subscription=orders"), cases);
  EXPECT_EQ(count(in_group), first.cases());
  EXPECT_EQ(this->groups().size(), groups);
  timed("page of the newest", [&] { EXPECT_EQ(page(""), 100u); });
  timed("page of a subscription", [&] { EXPECT_EQ(page("subscription=orders"), 100u); });
  timed("page of a state", [&] { EXPECT_EQ(page("state=admitted"), 100u); });
  timed("page of a subscription and a state", [&] { EXPECT_EQ(page("subscription=orders state=admitted"), 100u); });
  timed("page of a group", [&] { EXPECT_EQ(page(in_group), std::min<std::uint64_t>(100, first.cases())); });
  timed("empty page of a state", [&] { EXPECT_EQ(page("state=replaying"), 0u); });
  timed("page that nothing fits, as far as it looks", [&] { EXPECT_EQ(page("key=none"), 0u); });
  timed("page that asks for bodies, as far as it looks", [&] { EXPECT_EQ(page("body~none"), 0u); });
  timed("count of all", [&] { EXPECT_EQ(count("state=admitted"), cases); });
  timed("count of a group", [&] { EXPECT_EQ(count(in_group), first.cases()); });
  timed("page of groups", [&] { EXPECT_FALSE(store_->list_groups({}, GroupSort::count, "", 100)->groups.empty()); });
  timed("one group", [&] { EXPECT_TRUE(store_->read_group(first.id).ok()); });
}

}  // namespace
}  // namespace lazaret::storage

// Until when nobody need look at a group: at stated times, with stated cases.
#include "model/snooze.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lazaret::model {
namespace {

using namespace std::chrono_literals;
using base::Code;
using base::Instant;

constexpr Instant kNoon{20'000ll * 86'400'000'000 + 12ll * 3'600'000'000};

Snooze snoozed(const SnoozePatch& patch, Instant at = kNoon) {
  Snooze snooze;
  apply(patch, at, snooze);
  return snooze;
}
SnoozePatch until(Instant time) { return {.until = time, .until_version = {}, .until_rate = {}}; }
SnoozePatch until_version(const std::string& range) { return {.until = {}, .until_version = range, .until_rate = {}}; }
SnoozePatch until_rate(const std::string& rate) {
  return {.until = {}, .until_version = {}, .until_rate = CaseRate::parse(rate).value()};
}

TEST(CaseRate, IsReadAndWritten) {
  for (const char* text : {"1/h", "100/h", "20/m", "1000000/m"}) EXPECT_EQ(CaseRate::parse(text)->text(), text);
  EXPECT_EQ(CaseRate::parse("20/m")->per, 1min);
  EXPECT_EQ(CaseRate::parse("20/h")->per, 1h);
  EXPECT_EQ(CaseRate{}.text(), "");
  for (const char* text :
       {"", "100", "/h", "0/h", "-1/h", "1.5/h", "100/d", "100/hour", "100 /h", "1000001/h", "99999999999/h", "+5/h"}) {
    EXPECT_EQ(CaseRate::parse(text).code(), Code::BAD_REQUEST) << text;
  }
}

TEST(Snooze, ATimeEndsIt) {
  EXPECT_FALSE(is_snoozed({}, kNoon));
  EXPECT_EQ(woken({}, kNoon), std::nullopt);
  Snooze snooze = snoozed(until(kNoon + 1h));
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 1h - 1us));
  EXPECT_EQ(woken(snooze, kNoon + 1h - 1us), std::nullopt);
  EXPECT_FALSE(is_snoozed(snooze, kNoon + 1h));
  EXPECT_EQ(woken(snooze, kNoon + 2h), (Woken{kNoon + 1h, "time"}));
  note_admission(snooze, "9.9", kNoon + 1min);
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 2min)) << "no case ends it";
}

TEST(Snooze, ACaseOfAnewVersionEndsIt) {
  Snooze snooze = snoozed(until_version(">=2.4.2"));
  for (const char* older : {"2.4.1", "", "2.4.2-rc.1"}) note_admission(snooze, older, kNoon + 1min);
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 24h * 365));
  note_admission(snooze, "2.10.0", kNoon + 2min);
  EXPECT_FALSE(is_snoozed(snooze, kNoon + 2min));
  EXPECT_EQ(woken(snooze, kNoon + 3min), (Woken{kNoon + 2min, "version 2.10.0"}));
  EXPECT_FALSE(snooze.is_given()) << "nothing of it is left";
  note_admission(snooze, "2.11.0", kNoon + 4min);
  EXPECT_EQ(snooze.woken_at, kNoon + 2min) << "it is awake";
}

TEST(Snooze, SoManyCasesInAnHourEndIt) {
  Snooze snooze = snoozed(until_rate("10/h"));
  for (int i = 0; i < 100; ++i) note_admission(snooze, "", kNoon + i * 7min);  // nine in an hour at most
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 12h));
  const Instant burst = kNoon + 24h;
  for (int i = 0; i < 9; ++i) note_admission(snooze, "", burst + i * 6min);
  EXPECT_TRUE(is_snoozed(snooze, burst + 48min));
  note_admission(snooze, "", burst + 54min);
  EXPECT_FALSE(is_snoozed(snooze, burst + 54min));
  EXPECT_EQ(woken(snooze, burst + 54min), (Woken{burst + 54min, "rate 10/h"}));
}

/// The oldest twelfth may be left out, and nothing older ever counts.
TEST(Snooze, WhatIsOlderThanAMinuteDoesNotCount) {
  Snooze snooze = snoozed(until_rate("4/m"));
  for (int i = 0; i < 3; ++i) note_admission(snooze, "", kNoon + 4s);
  note_admission(snooze, "", kNoon + 64s);
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 64s));
  for (int i = 0; i < 3; ++i) note_admission(snooze, "", kNoon + 64s);
  EXPECT_FALSE(is_snoozed(snooze, kNoon + 64s));
}

TEST(Snooze, WhatComesFirstEndsIt) {
  SnoozePatch all = until(kNoon + 1h);
  all.until_version = ">2";
  all.until_rate = CaseRate{2, 1h};
  Snooze snooze = snoozed(all);
  note_admission(snooze, "1", kNoon + 1min);
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 1min));
  Snooze by_rate = snooze;
  note_admission(by_rate, "1", kNoon + 2min);
  EXPECT_EQ(by_rate.woken_by, "rate 2/h");
  Snooze by_version = snooze;
  note_admission(by_version, "3", kNoon + 2min);
  EXPECT_EQ(by_version.woken_by, "version 3");
  note_admission(snooze, "3", kNoon + 1h);
  EXPECT_EQ(woken(snooze, kNoon + 2h), (Woken{kNoon + 1h, "time"})) << "its time was over before";
}

TEST(Snooze, IsChangedPartByPart) {
  Snooze snooze = snoozed(until(kNoon + 1h));
  apply(until_version(">=2"), kNoon + 1min, snooze);
  EXPECT_EQ(snooze.until, kNoon + 1h) << "what is not named stays";
  EXPECT_EQ(snooze.set_at, kNoon + 1min);
  const Snooze both = snooze;
  apply(until_version(">=2"), kNoon + 2min, snooze);
  apply(SnoozePatch{}, kNoon + 2min, snooze);
  EXPECT_EQ(snooze, both) << "nothing is changed";
  apply(until({}), kNoon + 3min, snooze);
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 2h));
  apply(until_version(""), kNoon + 4min, snooze);
  EXPECT_FALSE(is_snoozed(snooze, kNoon + 4min));
}

TEST(Snooze, AnewOneBeginsAnew) {
  Snooze snooze = snoozed(until(kNoon + 1h));
  apply(until_rate("2/h"), kNoon + 2h, snooze);
  EXPECT_EQ(snooze.until.us, 0) << "that time is over";
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 2h));
  note_admission(snooze, "", kNoon + 2h);
  apply(until_rate("3/h"), kNoon + 2h, snooze);
  for (int i = 0; i < 2; ++i) note_admission(snooze, "", kNoon + 2h + 1min);
  EXPECT_TRUE(is_snoozed(snooze, kNoon + 2h + 1min)) << "counted from when it was set";
  note_admission(snooze, "", kNoon + 2h + 1min);
  EXPECT_EQ(snooze.woken_by, "rate 3/h");
  apply(until_version("<1"), kNoon + 3h, snooze);
  EXPECT_EQ(woken(snooze, kNoon + 3h), std::nullopt) << "it sleeps again";
}

/// Of a queue that was deleted and created again on another shard; people's change reaches both.
TEST(Snooze, WhatWokeOneShardWokeBoth) {
  const Snooze dead = snoozed(until_version(">=2"), kNoon + 2us);
  Snooze alive = snoozed(until_version(">=2"));
  Snooze merged = dead;
  merge(merged, alive);
  EXPECT_TRUE(is_snoozed(merged, kNoon + 1h));
  note_admission(alive, "2.0", kNoon + 1min);
  for (const bool first : {false, true}) {
    merged = first ? dead : alive;
    merge(merged, first ? alive : dead);
    EXPECT_FALSE(is_snoozed(merged, kNoon + 1h));
    EXPECT_EQ(woken(merged, kNoon + 1h), (Woken{kNoon + 1min, "version 2.0"}));
  }
  Snooze again = dead;
  apply(until(kNoon + 3h), kNoon + 2h, again);
  merge(again, alive);
  EXPECT_TRUE(is_snoozed(again, kNoon + 2h)) << "what was set later holds";
}

}  // namespace
}  // namespace lazaret::model

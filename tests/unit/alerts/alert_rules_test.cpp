// When people are told: every rule at stated times.
#include "alerts/alert_rules.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace lazaret::alerts {
namespace {

using base::Duration;
using base::Instant;
using model::AlertKind;
using model::AlertRecord;
using model::GroupRecord;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;
using namespace std::chrono_literals;

constexpr Instant kNoon{20'000ll * 86'400'000'000 + 12ll * 3'600'000'000};

class AlertRulesTest : public ::testing::Test {
 protected:
  /// A case of a group comes.
  void admit(std::uint64_t id, Instant at, bool relapse = false, const std::string& subscription = "billing",
             const std::string& version = "2.4.1") {
    model::CaseRecord record;
    record.consumer_version = version;
    record.subscription = subscription;
    record.last_error = {"Timeout", "order timed out", ""};
    record.admitted_at = at;
    record.group = model::GroupId{id};
    model::enter(groups_[id], record, true);
    if (relapse) model::relapse(groups_[id], record);
    groups_[id].id = model::GroupId{id};
  }
  std::vector<AlertRecord> look(Instant now) {
    Look seen;
    seen.now = now;
    seen.seen_until = now - write_takes_ - 1us;
    for (const auto& [id, group] : groups_) {
      if (group.last_seen > rules().looked_at()) seen.groups.push_back(group);
    }
    seen.breakers = std::exchange(breakers_, {});
    seen.hospitals = std::exchange(hospitals_, {});
    seen.jobs = jobs_;
    seen.oldest = oldest_;
    seen.is_snoozed = [&](model::GroupId id) { return model::is_snoozed(groups_[id.value].snooze, now); };
    auto raised = rules().look(seen);
    for (AlertRecord& alert : raised) {
      alert.number = model::AlertId(kept_.alerts.size() + 1);
      kept_.alerts.push_back(alert);
    }
    kept_.looked_at = rules().looked_at();
    kept_.case_age = case_age_;
    return raised;
  }
  std::vector<AlertKind> kinds(Instant now) {
    std::vector<AlertKind> all;
    for (const AlertRecord& alert : look(now)) all.push_back(alert.kind);
    return all;
  }
  /// As a start does, with what was kept: also after a kill, when the last look is older.
  void start(Instant now, Duration case_age = 24h) {
    std::vector<GroupRecord> groups;
    for (const auto& [id, group] : groups_) groups.push_back(group);
    rules_.emplace(case_age, kept_, groups, now);
    case_age_ = case_age;
  }
  AlertRules& rules() {
    if (!rules_) start(kNoon);
    return *rules_;
  }

  std::map<std::uint64_t, GroupRecord> groups_;
  std::vector<BreakerChange> breakers_;
  std::vector<HospitalChange> hospitals_;
  std::vector<model::ReplayJobRecord> jobs_;
  std::vector<model::CaseRecord> oldest_;
  model::KeptAlerts kept_;
  Duration write_takes_{};
  Duration case_age_{};
  std::optional<AlertRules> rules_;
};

TEST_F(AlertRulesTest, ANewGroupIsToldOnce) {
  EXPECT_THAT(kinds(kNoon), IsEmpty());
  admit(1, kNoon + 1s);
  const auto raised = look(kNoon + 2s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::new_group);
  EXPECT_EQ(raised[0].subscription, "billing");
  EXPECT_EQ(raised[0].group, model::GroupId{1});
  EXPECT_THAT(raised[0].sentence, HasSubstr("Timeout: order timed out"));
  admit(1, kNoon + 3s);
  EXPECT_THAT(kinds(kNoon + 4s), IsEmpty());
}

TEST_F(AlertRulesTest, ACaseThatBecomesVisibleLateIsNotOverlooked) {
  rules();
  write_takes_ = 2s;
  look(kNoon + 5s);
  admit(1, kNoon + 4s);
  EXPECT_THAT(kinds(kNoon + 6s), ElementsAre(AlertKind::new_group));
}

/// However long the disk stalls: not overlooked, and told once although many looks meet it.
TEST_F(AlertRulesTest, ACaseThatBecomesVisibleVeryLateIsToldOnce) {
  rules();
  const Instant stalled = kNoon + 10s;
  for (Instant now = stalled; now < stalled + 10min; now = now + 1s) {
    write_takes_ = now - stalled;
    EXPECT_THAT(kinds(now), IsEmpty());
  }
  admit(1, stalled + 1s);
  for (Instant now = stalled + 10min; now < stalled + 20min; now = now + 1s) {
    write_takes_ = now - stalled;  // of another shard: what is seen goes no further
    EXPECT_THAT(kinds(now), SizeIs(now == stalled + 10min ? 1 : 0));
  }
  write_takes_ = {};
  EXPECT_THAT(kinds(stalled + 20min), IsEmpty());
  EXPECT_EQ(rules().looked_at(), stalled + 20min - 1us);
}

TEST_F(AlertRulesTest, AfterAWeekOfQuietItIsNewAgain) {
  admit(1, kNoon + 1s);
  look(kNoon + 2s);
  admit(1, kNoon + 6 * 24h);
  EXPECT_THAT(kinds(kNoon + 6 * 24h + 1s), IsEmpty());
  const Instant back = kNoon + 13 * 24h;
  admit(1, back);
  const auto raised = look(back + 1s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_THAT(raised[0].sentence, HasSubstr("is back after a week or more"));
}

TEST_F(AlertRulesTest, WhatWasThereBeforeTheFirstStartIsNotNews) {
  admit(1, kNoon - 3s);
  start(kNoon);
  EXPECT_THAT(kinds(kNoon + 1s), IsEmpty());
}

TEST_F(AlertRulesTest, ARestartRepeatsNothingAndOverlooksNothing) {
  admit(1, kNoon + 1s);
  EXPECT_THAT(kinds(kNoon + 2s), SizeIs(1));
  admit(2, kNoon + 3s);
  start(kNoon + 60s);  // it was killed before it looked at the second
  const auto raised = look(kNoon + 61s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].group, model::GroupId{2});
  start(kNoon + 62s);
  EXPECT_THAT(kinds(kNoon + 63s), IsEmpty());
}

TEST_F(AlertRulesTest, ManyNewGroupsAreToldTogether) {
  rules();
  for (std::uint64_t id = 1; id <= 15; ++id) admit(id, kNoon + 1s, false, "q" + std::to_string(id));
  const auto raised = look(kNoon + 2s);
  ASSERT_THAT(raised, SizeIs(AlertRules::kNewGroups));
  EXPECT_THAT(raised.back().sentence, HasSubstr("and 5 more new causes"));
  EXPECT_THAT(kinds(kNoon + 3s), IsEmpty());
}

TEST_F(AlertRulesTest, ASnoozedGroupSaysNothing) {
  rules();
  admit(1, kNoon + 1s);
  groups_[1].snooze.until = kNoon + 1h;
  for (int i = 0; i < 100; ++i) admit(1, kNoon + 1s, true);
  EXPECT_THAT(kinds(kNoon + 2s), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 1min), IsEmpty());
  for (int i = 0; i < 100; ++i) admit(1, kNoon + 2h, true);
  EXPECT_THAT(kinds(kNoon + 2h + 1s), ElementsAre(AlertKind::relapse, AlertKind::surge));
}

TEST_F(AlertRulesTest, ACaseThatWakesAGroupIsToldOf) {
  rules();
  admit(1, kNoon + 1s);
  look(kNoon + 2s);
  model::GroupPatch patch;
  patch.snooze.until_version = ">=2.4.2";
  model::apply(patch, kNoon + 1h, groups_[1]);
  for (int i = 0; i < 100; ++i) admit(1, kNoon + 2h, true);
  EXPECT_THAT(kinds(kNoon + 2h + 1s), IsEmpty());
  // What came before within the same second came to a group that was snoozed.
  admit(1, kNoon + 3h - 1us, true);
  admit(1, kNoon + 3h, true, "billing", "2.4.2");
  const auto raised = look(kNoon + 3h + 1s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::group_woken);
  EXPECT_EQ(raised[0].caused_at, kNoon + 3h);
  EXPECT_THAT(raised[0].sentence,
              HasSubstr("billing: a cause that was snoozed has woken (version 2.4.2): Timeout: order timed out"));
  EXPECT_THAT(kinds(kNoon + 3h + 2s), IsEmpty());
  start(kNoon + 3h + 3s);
  EXPECT_THAT(kinds(kNoon + 3h + 4s), IsEmpty());
  admit(1, kNoon + 4h, true);
  EXPECT_THAT(kinds(kNoon + 4h + 1s), ElementsAre(AlertKind::relapse)) << "it is awake";
}

TEST_F(AlertRulesTest, WhatCameToASnoozedGroupIsNoSurgeWhenItWakes) {
  rules();
  admit(1, kNoon + 1s);
  look(kNoon + 2s);
  model::GroupPatch patch;
  patch.snooze.until_rate = model::CaseRate{20, 1min};
  model::apply(patch, kNoon + 3s, groups_[1]);
  const Instant noisy = kNoon + 30min;
  for (int i = 0; i < 19; ++i) {
    admit(1, noisy + i * 1s);
    EXPECT_THAT(kinds(noisy + i * 1s + 500ms), IsEmpty());
  }
  // The twentieth wakes it, and others come in the same second.
  for (int i = 0; i < 30; ++i) admit(1, noisy + 19s);
  EXPECT_THAT(kinds(noisy + 19s + 500ms), ElementsAre(AlertKind::group_woken));
  for (int i = 0; i < 19; ++i) admit(1, noisy + 20s);
  EXPECT_THAT(kinds(noisy + 20s + 500ms), IsEmpty());
  admit(1, noisy + 21s);
  EXPECT_THAT(kinds(noisy + 21s + 500ms), ElementsAre(AlertKind::surge)) << "twenty since it is awake";
}

TEST_F(AlertRulesTest, ASurgeIsToldOnceAnHour) {
  rules();
  admit(1, kNoon + 1s);
  look(kNoon + 2s);
  for (int i = 0; i < 19; ++i) admit(1, kNoon + 3s);
  const auto raised = look(kNoon + 4s);
  ASSERT_THAT(raised, SizeIs(1)) << "the subscription is not told of beside its group";
  EXPECT_EQ(raised[0].kind, AlertKind::surge);
  EXPECT_THAT(raised[0].counts, Contains(std::pair<std::string, std::uint64_t>("last_minute", 20)));
  for (int i = 0; i < 5000; ++i) admit(1, kNoon + 30s);
  EXPECT_THAT(kinds(kNoon + 31s), IsEmpty());
}

TEST_F(AlertRulesTest, ASurgeOfManyCausesIsTheSubscriptions) {
  for (std::uint64_t id = 1; id <= 10; ++id) admit(id, kNoon - 2h);
  start(kNoon);
  look(kNoon);
  for (std::uint64_t id = 1; id <= 10; ++id) {
    admit(id, kNoon + 1s);
    admit(id, kNoon + 1s);
  }
  const auto raised = look(kNoon + 2s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::surge);
  EXPECT_FALSE(raised[0].group);
  EXPECT_THAT(raised[0].sentence, HasSubstr("billing: 20 cases in a minute"));
}

TEST_F(AlertRulesTest, APaceThatWasThereBeforeTheStartIsNoSurge) {
  for (int i = 0; i < 1200; ++i) admit(1, kNoon - 30min + i * 1s);
  start(kNoon);
  look(kNoon);
  for (int i = 0; i < 40; ++i) admit(1, kNoon + 1s);
  EXPECT_THAT(kinds(kNoon + 2s), IsEmpty()) << "20 a minute before; 40 are twice as many";
}

TEST_F(AlertRulesTest, ARelapseIsToldOnceInTenMinutes) {
  rules();
  admit(1, kNoon + 1s);
  look(kNoon + 2s);
  admit(1, kNoon + 1min, true);
  const auto raised = look(kNoon + 1min + 1s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::relapse);
  EXPECT_THAT(raised[0].sentence, HasSubstr("1 relapse so far"));
  admit(1, kNoon + 2min, true);
  EXPECT_THAT(kinds(kNoon + 2min + 1s), IsEmpty());
  admit(1, kNoon + 12min, true);
  const auto next = look(kNoon + 12min + 1s);
  EXPECT_THAT(next.at(0).sentence, HasSubstr("3 relapses so far, 2 of them since this was told last"));
  EXPECT_THAT(next.at(0).counts, Contains(std::pair<std::string, std::uint64_t>("relapses_since_last_alert", 2)));
  start(kNoon + 13min);
  EXPECT_THAT(kinds(kNoon + 13min), IsEmpty());
}

/// Also of a pause that was long ago, or before a restart.
TEST_F(AlertRulesTest, WhatCameBackDuringThePauseIsCountedInTheNextAlert) {
  rules();
  for (int i = 0; i < 5; ++i) {
    admit(1, kNoon + 1min * (i + 1), true);
    look(kNoon + 1min * (i + 1) + 1s);
  }
  for (int minutes = 0; minutes < 5 * 60; ++minutes) look(kNoon + 10min + 1min * minutes);
  start(kNoon + 6h);
  admit(1, kNoon + 7h, true);
  const auto raised = look(kNoon + 7h + 1s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_THAT(raised[0].sentence, HasSubstr("6 relapses so far, 5 of them since this was told last"));
}

class AgeingTest : public AlertRulesTest {
 protected:
  model::CaseRecord open_case(std::uint64_t offset, Instant admitted_at, const std::string& subscription = "billing") {
    model::CaseRecord record;
    record.id = {model::ShardId(0), model::SubscriptionId(2), model::LogId(3), model::Offset(offset)};
    record.subscription = subscription;
    record.admitted_at = admitted_at;
    record.group = model::GroupId{1};
    return record;
  }
};

TEST_F(AgeingTest, ACaseIsToldOfWhenItsTimeIsOver) {
  rules();
  oldest_ = {open_case(7, kNoon)};
  EXPECT_THAT(kinds(kNoon + 23h), IsEmpty());
  const auto raised = look(kNoon + 24h + 1min);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::ageing);
  EXPECT_EQ(raised[0].case_id, oldest_[0].id);
  EXPECT_THAT(raised[0].sentence, HasSubstr("has been open for 24 hours"));
  EXPECT_THAT(kinds(kNoon + 25h), IsEmpty());
  start(kNoon + 26h);
  EXPECT_THAT(kinds(kNoon + 26h), IsEmpty()) << "not after a restart either";
}

TEST_F(AgeingTest, TheNextOneIsToldOfWhenTheFirstIsGoneAndItsPauseIsOver) {
  rules();
  oldest_ = {open_case(7, kNoon)};
  look(kNoon + 24h + 1min);
  oldest_ = {open_case(8, kNoon + 1h)};
  EXPECT_THAT(kinds(kNoon + 26h), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 48h + 2min), ElementsAre(AlertKind::ageing));
}

TEST_F(AgeingTest, WhatWasOldBeforeTheFirstStartIsNotNews) {
  oldest_ = {open_case(7, kNoon - 100h)};
  EXPECT_THAT(kinds(kNoon + 1s), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 2min), IsEmpty());
}

/// The configuration asks for less patience than before: what has become old by that is told of, and what was told of
/// is not repeated.
TEST_F(AgeingTest, ALowerAgeTellsOfWhatIsOldNow) {
  rules();
  oldest_ = {open_case(7, kNoon - 30h), open_case(8, kNoon + 1s, "orders")};
  EXPECT_THAT(kinds(kNoon + 20h), IsEmpty());
  start(kNoon + 20h + 1min, 1h);
  const auto raised = look(kNoon + 20h + 2min);
  ASSERT_THAT(raised, SizeIs(1)) << "the other was old before the first start";
  EXPECT_EQ(raised[0].subscription, "orders");
  EXPECT_EQ(raised[0].caused_at, kNoon + 1s);
  EXPECT_THAT(kinds(kNoon + 22h), IsEmpty());
  start(kNoon + 23h, 30min);
  EXPECT_THAT(kinds(kNoon + 23h + 1min), IsEmpty()) << "the same case";
}

/// Of a queue the oldest is told of; those behind it are when it is gone, also those that came soon after it.
TEST_F(AgeingTest, ALowerAgeOverlooksNoCaseBehindTheOldest) {
  rules();
  oldest_ = {open_case(7, kNoon + 1s)};
  EXPECT_THAT(kinds(kNoon + 24h + 1min), ElementsAre(AlertKind::ageing));
  start(kNoon + 24h + 2min, 1h);
  EXPECT_THAT(kinds(kNoon + 24h + 3min), IsEmpty());
  oldest_ = {open_case(8, kNoon + 2h)};  // old by the new age only
  EXPECT_THAT(kinds(kNoon + 25h + 2min), ElementsAre(AlertKind::ageing));
}

TEST_F(AgeingTest, ASnoozedCauseIsToldOfWhenItWakes) {
  rules();
  groups_[1].snooze.until = kNoon + 30h;
  oldest_ = {open_case(7, kNoon)};
  EXPECT_THAT(kinds(kNoon + 25h), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 30h + 1s), ElementsAre(AlertKind::ageing));
}

TEST_F(AlertRulesTest, ABreakerIsToldOfWhenItOpensAndWhenItCloses) {
  using model::BreakerState;
  const auto queue = std::make_shared<model::QueueRecord>();
  queue->name = "billing";
  const auto change = [&](BreakerState before, BreakerState now) {
    model::BreakerStats stats;
    stats.state = now;
    stats.failures = 95;
    stats.samples = 100;
    breakers_.push_back({queue, before, stats});
  };
  change(BreakerState::closed, BreakerState::open);
  const auto raised = look(kNoon + 1s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::breaker_open);
  EXPECT_THAT(raised[0].sentence, HasSubstr("95 of 100 attempts had failed"));
  change(BreakerState::open, BreakerState::half_open);
  change(BreakerState::half_open, BreakerState::open);
  change(BreakerState::open, BreakerState::half_open);
  EXPECT_THAT(kinds(kNoon + 2s), IsEmpty()) << "trying is no news";
  change(BreakerState::half_open, BreakerState::closed);
  EXPECT_THAT(kinds(kNoon + 3s), ElementsAre(AlertKind::breaker_closed));
}

class HospitalBudgetAlerts : public AlertRulesTest {
 protected:
  using Level = model::HospitalLevel;
  HospitalBudgetAlerts() {
    queue_->name = "billing";
    queue_->options.hospital_max_bytes = 100;
  }
  void change(Level now, std::uint64_t bytes) { hospitals_.push_back({queue_, now, bytes}); }
  const std::shared_ptr<model::QueueRecord> queue_ = std::make_shared<model::QueueRecord>();
};

TEST_F(HospitalBudgetAlerts, AHospitalThatFillsIsToldOfAndAgainWhenItIsFull) {
  change(Level::filling, 81);
  const auto fills = look(kNoon + 1s);
  ASSERT_THAT(fills, SizeIs(1));
  EXPECT_EQ(fills[0].kind, AlertKind::hospital_budget);
  EXPECT_EQ(fills[0].subscription, "billing");
  EXPECT_THAT(fills[0].sentence, HasSubstr("its hospital fills: its cases keep 81 bytes of messages"));
  EXPECT_THAT(fills[0].counts, ElementsAre(std::pair("hospital_bytes", 81u), std::pair("hospital_max_bytes", 100u)));
  change(Level::full, 100);
  const auto full = look(kNoon + 2s);
  ASSERT_THAT(full, SizeIs(1));
  EXPECT_EQ(full[0].kind, AlertKind::hospital_budget);
  EXPECT_THAT(full[0].sentence, HasSubstr("nothing is granted but replays until they keep less"));
  change(Level::filling, 90);
  change(Level::below, 10);
  EXPECT_THAT(kinds(kNoon + 3s), IsEmpty()) << "room is no news";
}

TEST_F(HospitalBudgetAlerts, WhatGoesToAndFroIsToldOfOnceAnHour) {
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon + 1s), ElementsAre(AlertKind::hospital_budget));
  change(Level::filling, 99);
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon + 1h), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 1h + 1s), ElementsAre(AlertKind::hospital_budget)) << "it has stayed full";
  change(Level::below, 1);
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon + 2h), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 2h + 1s), ElementsAre(AlertKind::hospital_budget));
}

/// Replays made room for a while, within the hour; then nothing is said any more by whoever counts.
TEST_F(HospitalBudgetAlerts, OneThatIsFullAgainWithinTheHourIsToldOfWhenThePauseIsOver) {
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon), ElementsAre(AlertKind::hospital_budget));
  change(Level::filling, 85);
  EXPECT_THAT(kinds(kNoon + 5min), IsEmpty()) << "it was full, and people know";
  change(Level::full, 103);
  EXPECT_THAT(kinds(kNoon + 30min), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 1h - 1s), IsEmpty());
  const auto raised = look(kNoon + 1h);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].sentence,
            "billing: its hospital is still full, after 30 minutes: its cases kept 103 bytes of messages when that "
            "began, and hospital_max_bytes is 100; nothing is granted but replays until they keep less");
  EXPECT_EQ(raised[0].caused_at, kNoon + 1h);
  EXPECT_THAT(kinds(kNoon + 2h - 1s), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 2h), ElementsAre(AlertKind::hospital_budget)) << "as long as it is so";
  change(Level::below, 10);
  EXPECT_THAT(kinds(kNoon + 2h + 1min), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 4h), IsEmpty()) << "it has room";
}

TEST_F(HospitalBudgetAlerts, OneThatStillFillsIsToldOfAnHourAfterItWasFull) {
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon), ElementsAre(AlertKind::hospital_budget));
  change(Level::filling, 90);
  EXPECT_THAT(kinds(kNoon + 50min), IsEmpty());
  const auto raised = look(kNoon + 1h);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_THAT(raised[0].sentence, HasSubstr("its hospital still fills, after 10 minutes: its cases kept 90 bytes"));
  EXPECT_THAT(kinds(kNoon + 1h + 1s), IsEmpty());
}

/// What a start says once is not lost because it was told of within the hour before.
TEST_F(HospitalBudgetAlerts, OneThatIsFullAtAStartIsToldOfWhenThePauseIsOver) {
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon), ElementsAre(AlertKind::hospital_budget));
  start(kNoon + 10min);
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon + 10min + 1s), IsEmpty());
  EXPECT_THAT(kinds(kNoon + 1h), ElementsAre(AlertKind::hospital_budget));
}

/// A start says where a hospital is, also if that was told.
TEST_F(HospitalBudgetAlerts, AStartRepeatsNoneAndLosesNone) {
  change(Level::filling, 80);
  EXPECT_THAT(kinds(kNoon + 1s), ElementsAre(AlertKind::hospital_budget));
  start(kNoon + 1min);
  change(Level::filling, 80);
  EXPECT_THAT(kinds(kNoon + 1min + 1s), IsEmpty());
  start(kNoon + 2min);
  change(Level::full, 100);  // that was not told before the kill
  EXPECT_THAT(kinds(kNoon + 2min + 1s), ElementsAre(AlertKind::hospital_budget));
  start(kNoon + 3min);
  change(Level::full, 100);
  EXPECT_THAT(kinds(kNoon + 3min + 1s), IsEmpty());
}

TEST_F(AlertRulesTest, AReplayJobIsToldOfWhenItHasEnded) {
  rules();
  model::ReplayJobRecord job;
  job.id = model::ReplayJobId(3);
  job.filter = "subscription=billing";
  job.created_at = kNoon;
  job.state = model::ReplayJobState::stopped;
  job.ended_at = kNoon + 1s;
  job.total = 100;
  job.counts.relapsed = 4;
  job.ended_because = "too many failed";
  jobs_ = {job};
  const auto raised = look(kNoon + 2s);
  ASSERT_THAT(raised, SizeIs(1));
  EXPECT_EQ(raised[0].kind, AlertKind::job_ended);
  EXPECT_EQ(raised[0].subscription, "billing");
  EXPECT_EQ(raised[0].sentence, "replay job 3 is stopped: of 100 cases 0 discharged, 4 relapsed; too many failed");
  EXPECT_THAT(kinds(kNoon + 3s), IsEmpty());
  start(kNoon + 4s);
  EXPECT_THAT(kinds(kNoon + 5s), IsEmpty());
}

}  // namespace
}  // namespace lazaret::alerts

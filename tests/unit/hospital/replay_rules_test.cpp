// The rules of a replay job, with stated times and no clock.
#include "hospital/replay_rules.h"

#include <gtest/gtest.h>

#include <limits>

namespace lazaret::hospital {
namespace {

using base::Code;
using base::Instant;
using model::ReplayJobRecord;
using model::ReplayJobState;
using model::ReplayOutcome;
using namespace std::chrono_literals;

constexpr Instant kNow{1'000'000};
constexpr Instant kLater{2'000'000};

ReplayJobRecord job_of(std::uint64_t total, model::ReplayOptions options = {}) {
  ReplayJobRecord job;
  job.id = model::ReplayJobId(7);
  job.created_at = kNow;
  job.options = options;
  job.total = total;
  set_is_known(job, kNow);
  return job;
}

/// So many more were sent, and this became of them.
void sent(ReplayJobRecord& job, std::uint64_t count, ReplayOutcome outcome) {
  job.next += count;
  job.counts.of(outcome) += count;
  advance(job, 0, kLater);
}
void became(ReplayJobRecord& job, std::uint64_t count, ReplayOutcome outcome) {
  job.counts.queued -= count;
  job.counts.of(outcome) += count;
  advance(job, 0, kLater);
}

TEST(ReplayRules, AnEmptySetIsDone) {
  const ReplayJobRecord job = job_of(0);
  EXPECT_EQ(job.state, ReplayJobState::done);
  EXPECT_EQ(job.ended_at, kNow);
}

TEST(ReplayRules, TenGoAtOnceAndElevenHaveACanary) {
  EXPECT_EQ(job_of(10).state, ReplayJobState::running);
  const ReplayJobRecord eleven = job_of(11);
  EXPECT_EQ(eleven.state, ReplayJobState::canary);
  EXPECT_EQ(eleven.canary, 1u);
  EXPECT_EQ(eleven.canary_needed, 1u);
  EXPECT_EQ(job_of(1000, {.canary = 0}).state, ReplayJobState::running);
  EXPECT_EQ(job_of(2, {.canary = 1}).state, ReplayJobState::canary);
}

TEST(ReplayRules, TheOthersGoWhenTheCanaryIsCured) {
  ReplayJobRecord job = job_of(100);
  EXPECT_TRUE(may_send(job, 0));
  EXPECT_FALSE(may_send(job, 1)) << "one is on its way";
  sent(job, 1, ReplayOutcome::queued);
  EXPECT_EQ(job.state, ReplayJobState::canary);
  EXPECT_FALSE(may_send(job, 0));
  became(job, 1, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::running);
  EXPECT_TRUE(job.canary_passed);
  EXPECT_TRUE(may_send(job, 0));
}

TEST(ReplayRules, ACanaryThatRelapsesStopsTheJob) {
  ReplayJobRecord job = job_of(100);
  sent(job, 1, ReplayOutcome::queued);
  became(job, 1, ReplayOutcome::relapsed);
  EXPECT_EQ(job.state, ReplayJobState::stopped);
  EXPECT_EQ(job.ended_at, kLater);
  EXPECT_EQ(job.ended_because, "of the 1 that went first 0 were cured, and 1 had to be");
  EXPECT_FALSE(may_send(job, 0));
  EXPECT_TRUE(is_settled(job, 0));
}

TEST(ReplayRules, SomeOfTheCanariesMayFail) {
  ReplayJobRecord job = job_of(100, {.canary = 5, .canary_needed = 3});
  sent(job, 5, ReplayOutcome::queued);
  became(job, 2, ReplayOutcome::relapsed);
  became(job, 2, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::canary) << "the last outcome is awaited";
  became(job, 1, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::running);
}

TEST(ReplayRules, AJobStopsAsSoonAsItsCanariesCannotPass) {
  ReplayJobRecord job = job_of(100, {.canary = 5, .canary_needed = 3});
  sent(job, 5, ReplayOutcome::queued);
  became(job, 3, ReplayOutcome::relapsed);
  EXPECT_EQ(job.state, ReplayJobState::stopped);
  EXPECT_FALSE(is_settled(job, 0)) << "two of them are out";
  became(job, 2, ReplayOutcome::discharged);
  EXPECT_TRUE(is_settled(job, 0));
}

TEST(ReplayRules, OneThatIsRefusedIsNoCanary) {
  ReplayJobRecord job = job_of(100);
  sent(job, 3, ReplayOutcome::refused);
  EXPECT_EQ(job.state, ReplayJobState::canary);
  EXPECT_TRUE(may_send(job, 0));
}

TEST(ReplayRules, ASetOfCanariesOnlyIsDoneWithThem) {
  ReplayJobRecord job = job_of(2, {.canary = 5});
  sent(job, 1, ReplayOutcome::refused);
  sent(job, 1, ReplayOutcome::queued);
  EXPECT_EQ(job.state, ReplayJobState::canary);
  became(job, 1, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::done);
}

TEST(ReplayRules, WhenAllAreSentOutcomesAreAwaited) {
  ReplayJobRecord job = job_of(3);
  sent(job, 3, ReplayOutcome::queued);
  EXPECT_EQ(job.state, ReplayJobState::finishing);
  became(job, 2, ReplayOutcome::relapsed);
  became(job, 1, ReplayOutcome::recalled);
  EXPECT_EQ(job.state, ReplayJobState::done);
  EXPECT_EQ(job.ended_because, "");
}

TEST(ReplayRules, AnAnswerThatIsAwaitedHoldsUpTheEnd) {
  ReplayJobRecord job = job_of(1);
  job.next = 1;
  advance(job, 1, kLater);
  EXPECT_EQ(job.state, ReplayJobState::running);
}

TEST(ReplayRules, NoMoreAreOutThanConcurrencySays) {
  ReplayJobRecord job = job_of(100, {.concurrency = 10, .canary = 0});
  sent(job, 8, ReplayOutcome::queued);
  EXPECT_TRUE(may_send(job, 1));
  EXPECT_FALSE(may_send(job, 2));
}

TEST(ReplayRules, AFailureRatioStopsWhenThereAreEnoughSamples) {
  ReplayJobRecord job = job_of(100, {.canary = 0, .stop_at_failure_ratio = 0.5});
  sent(job, 19, ReplayOutcome::relapsed);
  EXPECT_EQ(job.state, ReplayJobState::running) << "19 are no sample";
  sent(job, 1, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::stopped);
  EXPECT_EQ(job.ended_because, "of the first 20 that have an outcome 19 have failed again");
}

TEST(ReplayRules, AJobOfFewIsJudgedByAllOfThem) {
  ReplayJobRecord all = job_of(19, {.canary = 0, .stop_at_failure_ratio = 0.05});
  sent(all, 19, ReplayOutcome::queued);
  EXPECT_EQ(all.state, ReplayJobState::finishing);
  became(all, 18, ReplayOutcome::discharged);
  EXPECT_EQ(all.state, ReplayJobState::finishing);
  became(all, 1, ReplayOutcome::relapsed);
  EXPECT_EQ(all.state, ReplayJobState::stopped) << "1 of 19 is more than a twentieth";
  EXPECT_EQ(all.ended_because, "of the first 19 that have an outcome 1 have failed again");

  ReplayJobRecord ten = job_of(10, {.canary = 0, .stop_at_failure_ratio = 0.3});
  sent(ten, 4, ReplayOutcome::queued);
  became(ten, 2, ReplayOutcome::relapsed);
  EXPECT_EQ(ten.state, ReplayJobState::running) << "2 of 2, but the others may be cured";
  became(ten, 1, ReplayOutcome::relapsed);
  EXPECT_EQ(ten.state, ReplayJobState::stopped) << "whatever becomes of the others";

  ReplayJobRecord refused = job_of(10, {.canary = 0, .stop_at_failure_ratio = 1});
  sent(refused, 9, ReplayOutcome::refused);
  sent(refused, 1, ReplayOutcome::relapsed);
  EXPECT_EQ(refused.state, ReplayJobState::stopped) << "it is all that was sent";
  ReplayJobRecord cured = job_of(10, {.canary = 0, .stop_at_failure_ratio = 0.01});
  sent(cured, 10, ReplayOutcome::discharged);
  EXPECT_EQ(cured.state, ReplayJobState::done);
}

TEST(ReplayRules, TheLastOutcomesOfAJobCountToo) {
  ReplayJobRecord job = job_of(100, {.canary = 0, .stop_at_failure_ratio = 0.5});
  sent(job, 100, ReplayOutcome::queued);
  ASSERT_EQ(job.state, ReplayJobState::finishing);
  became(job, 20, ReplayOutcome::relapsed);
  EXPECT_EQ(job.state, ReplayJobState::stopped) << "though all are sent";
  EXPECT_FALSE(is_settled(job, 0)) << "what is out goes on";
}

TEST(ReplayRules, APausedJobSendsNothingAndGoesOnWhereItWas) {
  ReplayJobRecord job = job_of(100);
  sent(job, 1, ReplayOutcome::queued);
  ASSERT_TRUE(apply(ReplayVerb::pause, job, kLater).ok());
  ASSERT_TRUE(apply(ReplayVerb::pause, job, kLater).ok());
  EXPECT_EQ(job.state, ReplayJobState::paused);
  became(job, 1, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::paused);
  EXPECT_FALSE(may_send(job, 0));
  ASSERT_TRUE(apply(ReplayVerb::resume, job, kLater).ok());
  EXPECT_EQ(job.state, ReplayJobState::canary);
  advance(job, 0, kLater);
  EXPECT_EQ(job.state, ReplayJobState::running);
}

TEST(ReplayRules, AJobIsPausedWhileItChooses) {
  ReplayJobRecord job;
  ASSERT_TRUE(apply(ReplayVerb::pause, job, kNow).ok());
  EXPECT_EQ(job.state, ReplayJobState::paused);
  ASSERT_TRUE(apply(ReplayVerb::resume, job, kNow).ok());
  EXPECT_EQ(job.state, ReplayJobState::choosing);
}

TEST(ReplayRules, ACancelledJobIsOverWhenNothingIsOut) {
  ReplayJobRecord job = job_of(5);
  sent(job, 2, ReplayOutcome::queued);
  ASSERT_TRUE(apply(ReplayVerb::cancel, job, kLater).ok());
  EXPECT_EQ(job.state, ReplayJobState::cancelled);
  EXPECT_FALSE(may_send(job, 0));
  EXPECT_FALSE(is_settled(job, 0));
  EXPECT_TRUE(apply(ReplayVerb::cancel, job, kLater).ok());
  EXPECT_EQ(apply(ReplayVerb::resume, job, kLater).code(), Code::CASE_BUSY);
  EXPECT_EQ(apply(ReplayVerb::pause, job, kLater).code(), Code::CASE_BUSY);
  ASSERT_TRUE(apply(ReplayVerb::recall, job, kLater).ok()) << "what is out may still be recalled";
  EXPECT_TRUE(job.recalling);
  became(job, 2, ReplayOutcome::recalled);
  EXPECT_FALSE(is_settled(job, 0));
  job.recalling = false;
  EXPECT_TRUE(is_settled(job, 0));
}

TEST(ReplayRules, NothingIsRecalledOfAJobThatIsDone) {
  ReplayJobRecord job = job_of(1);
  sent(job, 1, ReplayOutcome::discharged);
  ASSERT_EQ(job.state, ReplayJobState::done);
  EXPECT_EQ(apply(ReplayVerb::recall, job, kLater).code(), Code::CASE_BUSY);
  EXPECT_EQ(apply(ReplayVerb::cancel, job, kLater).code(), Code::CASE_BUSY);
}

TEST(ReplayRules, WhatIsSentAndWhatIsNot) {
  const ReplayJobRecord job = job_of(5);
  model::CaseRecord record;
  record.admitted_at = kNow;
  EXPECT_EQ(look_at(record, job).what, Look::What::send);
  record.replay_job = model::ReplayJobId(6);
  EXPECT_EQ(look_at(record, job).what, Look::What::send) << "of an older job";
  record.admitted_at = kLater;
  EXPECT_EQ(look_at(record, job).what, Look::What::refuse) << "it was replayed since, and has relapsed";
  record.replay_job = job.id;
  record.replay_outcome = ReplayOutcome::relapsed;
  EXPECT_EQ(look_at(record, job).what, Look::What::is_sent) << "by this job, before a crash";
  EXPECT_EQ(look_at(record, job).outcome, ReplayOutcome::relapsed);
  record = {};
  record.state = model::CaseState::discarded;
  EXPECT_EQ(look_at(record, job).what, Look::What::refuse);
}

TEST(ReplayRules, AReplayBySomebodyElseHidesTheOutcome) {
  model::CaseRecord record;
  record.replay_job = model::ReplayJobId(7);
  record.replay_outcome = ReplayOutcome::discharged;
  EXPECT_EQ(outcome_of(record, model::ReplayJobId(7)), ReplayOutcome::discharged);
  record.replay_job = {};
  EXPECT_EQ(outcome_of(record, model::ReplayJobId(7)), ReplayOutcome::other);
}

TEST(ReplayRules, OptionsAreChecked) {
  EXPECT_TRUE(check({}).ok());
  EXPECT_EQ(check({.rate = 0}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.rate = 100'001}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.concurrency = 0}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.concurrency = 5, .canary = 6}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.canary = 2, .canary_needed = 3}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.canary_needed = 1}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.stop_at_failure_ratio = 1.5}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.after_version = ">=2..4"}).code(), Code::INVALID_OPTION);
  EXPECT_EQ(check({.after_version = ">=2 <1"}).text(), "after_version: no version is both >=2 and <1");
  EXPECT_EQ(check({.stop_at_failure_ratio = std::numeric_limits<double>::quiet_NaN()}).code(), Code::BAD_REQUEST);
}

TEST(ReplayRules, WhatGoesElsewhereHasNoCanaryAndNothingThatWaitsForAnOutcome) {
  EXPECT_TRUE(check({.to = "repairs"}).ok());
  EXPECT_TRUE(check({.canary = 0, .to = "repairs"}).ok());
  EXPECT_EQ(check({.canary = 1, .to = "repairs"}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.canary = 2, .canary_needed = 1, .to = "repairs"}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.stop_at_failure_ratio = 0.5, .to = "repairs"}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.after_version = ">=2", .to = "repairs"}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check({.keep_attempts = true, .to = "repairs"}).code(), Code::BAD_REQUEST);
  ReplayJobRecord job = job_of(1000, {.to = "repairs"});
  EXPECT_EQ(job.state, ReplayJobState::running);
  EXPECT_EQ(job.canary, 0u);
  sent(job, 999, ReplayOutcome::discharged);
  EXPECT_EQ(job.state, ReplayJobState::running);
  sent(job, 1, ReplayOutcome::refused);
  EXPECT_EQ(job.state, ReplayJobState::done) << "nothing is awaited";
  EXPECT_TRUE(is_settled(job, 0));
}

TEST(Pace, OneGoesAtOnceAndTheOthersEvenly) {
  Pace pace(10);
  EXPECT_EQ(pace.allowance(kNow), 1u);
  pace.take();
  EXPECT_EQ(pace.allowance(kNow + 99ms), 0u);
  EXPECT_EQ(pace.next(), kNow + 100ms);
  EXPECT_EQ(pace.allowance(kNow + 100ms), 1u);
}

TEST(Pace, WhatWasNotUsedIsKeptForATenthOfASecond) {
  Pace pace(1000);
  EXPECT_EQ(pace.allowance(kNow), 1u);
  EXPECT_EQ(pace.allowance(kNow + 50ms), 51u);
  EXPECT_EQ(pace.allowance(kNow + 3600s), 100u);
}

TEST(Pace, OverASecondItIsTheRate) {
  Pace pace(500);
  std::uint64_t taken = 0;
  for (auto passed = 0ms; passed <= 1000ms; passed += 7ms) {
    for (std::uint64_t more = pace.allowance(kNow + passed); more > 0; --more, ++taken) pace.take();
  }
  EXPECT_GE(taken, 501u - 500u / 40u);  // the next burst is still to come
  EXPECT_LE(taken, 501u);
}

TEST(Pace, AHighRateGoesInBursts) {
  Pace pace(400);
  EXPECT_EQ(pace.allowance(kNow), 1u);  // the first waits for nobody
  pace.take();
  EXPECT_EQ(pace.next(), kNow + 25ms);
  EXPECT_EQ(pace.allowance(kNow + 24ms), 0u);
  EXPECT_EQ(pace.allowance(kNow + 25ms), 10u);
  for (int left = 9; left >= 0; --left) {
    pace.take();
    EXPECT_EQ(pace.allowance(kNow + 25ms), static_cast<std::uint64_t>(left));
  }
  EXPECT_EQ(pace.next(), kNow + 50ms);
}

TEST(Pace, ABurstThatWasInterruptedGoesOn) {
  Pace pace(400);
  ASSERT_EQ(pace.allowance(kNow), 1u);
  pace.take();
  ASSERT_EQ(pace.allowance(kNow + 25ms), 10u);
  pace.take();
  EXPECT_EQ(pace.next(), kNow + 25ms);
  EXPECT_EQ(pace.allowance(kNow + 26ms), 9u);
}

}  // namespace
}  // namespace lazaret::hospital

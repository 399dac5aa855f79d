// What the store keeps of replay jobs, and what a case says of its last replay.
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::ReplayJobId;
using model::ReplayOutcome;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

class ReplayJobRecords : public StoreFixture {
 protected:
  static model::ReplayJobRecord some_job(std::uint64_t id) {
    model::ReplayJobRecord job;
    job.id = ReplayJobId(id);
    job.state = model::ReplayJobState::stopped;
    job.filter = "queue=orders";
    job.by_ids = true;
    job.options = {.rate = 7,
                   .concurrency = 8,
                   .canary = 0,
                   .canary_needed = 0,
                   .stop_at_failure_ratio = 0.25,
                   .force = true,
                   .keep_attempts = true,
                   .to = "repairs"};
    job.created_at = {1};
    job.created_by = "ann";
    job.ended_at = {2};
    job.chosen = true;
    job.total = 1001;
    job.next = 500;
    job.canary = 3;
    job.canary_needed = 2;
    job.canary_passed = true;
    job.recalling = true;
    job.counts = {1, 2, 3, 4, 5, 6};
    job.ended_because = "of this";
    return job;
  }
};

TEST_F(ReplayJobRecords, AJobIsReadAsItWasWritten) {
  model::ReplayJobRecord plain;
  plain.id = ReplayJobId(300);
  commit({model::PutReplayJob{{some_job(2), {}, {}}}, model::PutReplayJob{{plain, {}, {}}}});
  reopen();
  EXPECT_THAT(store_->read_replay_jobs().value(), ElementsAre(some_job(2), plain)) << "oldest first";
}

TEST_F(ReplayJobRecords, ItsSetAndItsOutcomesStandApart) {
  const model::CaseId one{model::ShardId(1), model::SubscriptionId(2), model::LogId(3), model::Offset(1ull << 40)};
  model::ReplayJobChange change{some_job(1), {{1, {one, case_id(4)}, {}, {}}}, {}};
  commit({model::PutReplayJob{change}});
  change.chosen.clear();
  change.outcomes = {{1, {}, {ReplayOutcome::refused, ReplayOutcome::queued}, {{0, base::Code::CASE_BUSY}}}};
  commit({model::PutReplayJob{change}});
  reopen();
  const model::ReplayChunk chunk = store_->read_replay_chunk(ReplayJobId(1), 1).value();
  EXPECT_THAT(chunk.cases, ElementsAre(one, case_id(4)));
  EXPECT_THAT(chunk.outcomes, ElementsAre(ReplayOutcome::refused, ReplayOutcome::queued));
  EXPECT_THAT(chunk.refusals, ElementsAre(model::ReplayRefusal{0, base::Code::CASE_BUSY}));
  EXPECT_THAT(store_->read_replay_chunk(ReplayJobId(1), 0)->cases, IsEmpty());
}

TEST_F(ReplayJobRecords, NothingIsLeftOfAJobThatIsForgotten) {
  commit({model::PutReplayJob{{some_job(1), {{0, {case_id(0)}, {}, {}}}, {{0, {}, {ReplayOutcome::other}, {}}}}},
          model::PutReplayJob{{some_job(2), {{0, {case_id(0)}, {}, {}}}, {}}}});
  commit({model::DropReplayJob{ReplayJobId(1)}});
  EXPECT_THAT(store_->read_replay_jobs().value(), ElementsAre(some_job(2)));
  EXPECT_THAT(store_->read_replay_chunk(ReplayJobId(1), 0)->cases, IsEmpty());
  EXPECT_THAT(store_->read_replay_chunk(ReplayJobId(2), 0)->cases, ElementsAre(case_id(0)));
}

TEST_F(ReplayJobRecords, ACaseSaysWhichJobReplayedItAndWhatBecameOfThat) {
  publish({"a"});
  admit(0, {100});
  const auto record = [&] { return store_->read_case(case_id(0)).value(); };
  EXPECT_EQ(record().replay_job, ReplayJobId());
  EXPECT_EQ(record().replay_outcome, ReplayOutcome::none);
  commit({model::ReplayCase{case_id(0), model::LogId(9), model::Offset(0), 0, 0, ReplayJobId(7), true}});
  EXPECT_EQ(record().replay_job, ReplayJobId(7));
  EXPECT_EQ(record().replay_outcome, ReplayOutcome::queued);
  commit({model::RecallCase{case_id(0), model::LogId(9), model::Offset(0), 0, 0}});
  EXPECT_EQ(record().replay_job, ReplayJobId(7));
  EXPECT_EQ(record().replay_outcome, ReplayOutcome::recalled);
}

}  // namespace
}  // namespace lazaret::storage

// Lists of cases: filters, order, cursors; a case's way through its states.
#include <rocksdb/perf_context.h>

#include <set>

#include "storage/records.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::CaseReason;
using model::CaseState;
using model::Offset;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CaseTest : public StoreFixture {
 protected:
  std::vector<std::uint64_t> list(const model::CaseQuery& filter, std::size_t max = 100) {
    std::vector<std::uint64_t> all;
    std::string cursor;
    do {
      const auto page = store_->list_cases(filter, cursor, max);
      EXPECT_TRUE(page.ok());
      EXPECT_LE(page->cases.size(), max);
      for (const auto& record : page->cases) all.push_back(record.id.offset.value);
      cursor = page->cursor;
    } while (!cursor.empty());
    return all;
  }
  static model::CaseQuery query(const std::string& text) { return model::parse_case_query(text, {}).value(); }
  /// Everything settled: so many cases stand beside an empty queue.
  void hospital(std::uint64_t count) {
    publish(std::vector<std::string>(count, "body"));
    source().cursor = Offset(count);
    for (std::uint64_t offset = 0; offset < count; ++offset) {
      // Two at a time are admitted at the same instant.
      admit(offset, base::Instant{static_cast<std::int64_t>(1000 + offset / 2)},
            offset % 5 == 0 ? CaseReason::rejected : CaseReason::attempts_exhausted);
    }
  }
};

TEST_F(CaseTest, FullMemtablesLeaveTheCacheItsBlocks) {
  memtable_bytes_ = 64u << 20;
  reopen();
  hospital(100);
  flush();
  for (int i = 0; i < 40; ++i) publish({std::string(1u << 20, 'x')});  // more than the cache of blocks holds
  ASSERT_TRUE(store_->read_case(case_id(50)).ok());
  const std::uint64_t before = rocksdb::get_perf_context()->block_read_count;
  ASSERT_TRUE(store_->read_case(case_id(50)).ok());
  EXPECT_EQ(rocksdb::get_perf_context()->block_read_count, before);
}

TEST_F(CaseTest, TablesThatStoodInLevelsAreGoneOnWith) {
  hospital(400);
  put_in_levels();
  open();
  for (std::uint64_t turn = 0; turn < 20; ++turn) {  // enough tables for them to be merged
    model::DiscardCase discard{case_id(turn), base::Instant{2'000'000}, "seen", false};
    commit({discard});
    reopen();  // to tables
  }
  EXPECT_THAT(list(query("state=admitted")), SizeIs(380));
  EXPECT_THAT(list(query("state=discarded")), SizeIs(20));
}

TEST_F(CaseTest, OneThatIsAdmittedWithItsPublishKnowsItsMessage) {
  const auto append = [&](std::uint64_t offset) {
    return model::AppendMessages{queue_.log, Offset(offset), {message("body", "key")}};
  };
  const auto admission = [&](std::uint64_t offset) {
    model::AdmitCase admit;
    admit.record.id = case_id(offset);
    admit.record.subscription = queue_.name;
    admit.record.reason = CaseReason::quarantined;
    admit.record.admitted_at = base::Instant{1000};
    return admit;
  };
  state_.counters.entered = state_.counters.in_hospital = 2;
  source().settled = {{Offset(0), Offset(2)}};
  source().entered_to = Offset(2);
  // In its own group, and in one behind it in the same commit.
  model::ShardMeta meta = metas_.at(0);
  meta.epoch = 1;
  meta.applied_index += 2;
  const std::vector<model::MutationGroup> groups = {
      {model::ShardId(0), {append(0), admission(0), append(1)}},
      {model::ShardId(0), {admission(1), put_state(), model::PutShardMeta{meta}}}};
  ASSERT_TRUE(store_->commit(groups, true).ok());
  for (const std::uint64_t offset : {0, 1}) {
    const auto record = store_->read_case(case_id(offset)).value();
    EXPECT_EQ(record.summary.type, "order") << offset;
    EXPECT_EQ(record.summary.key, "key") << offset;
    EXPECT_EQ(record.message_bytes, message("body", "key")->size()) << offset;
    EXPECT_TRUE(record.key) << offset;
  }
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseTest, ListsGoFromTheNewestInPagesOfAnySize) {
  hospital(21);
  const std::vector<std::uint64_t> all = list({}, 100);
  ASSERT_THAT(all, SizeIs(21));
  EXPECT_EQ(all[0], 20u);
  EXPECT_EQ(all[1], 18u);  // of one instant: by id
  EXPECT_EQ(all[2], 19u);
  for (const std::size_t max : {1, 2, 3, 7, 20, 21, 22}) EXPECT_EQ(list({}, max), all) << max;
  model::CaseQuery ours;
  ours.subscription = queue_.subscription;
  for (const std::size_t max : {1, 4, 50}) EXPECT_EQ(list(ours, max), all) << max;
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseTest, ByMessageTheyGoFromTheLastWhateverFailedFirst) {
  publish(std::vector<std::string>(6, "body"));
  source().cursor = Offset(6);
  for (const std::uint64_t offset : {3, 0, 5, 1, 4, 2}) {
    admit(offset, base::Instant{static_cast<std::int64_t>(1000 + offset * 7 % 6)},
          offset == 4 ? CaseReason::rejected : CaseReason::attempts_exhausted);
  }
  const auto by_message = [](model::CaseQuery wanted) {
    wanted.by_message = true;
    return wanted;
  };
  model::CaseQuery ours = by_message({});
  ours.subscription = queue_.subscription;
  const std::string group = store_->read_case(case_id(1))->group.to_string();
  const std::string name = store_->read_case(case_id(1))->subscription;
  for (const std::size_t max : {1, 2, 6, 7}) {
    EXPECT_THAT(list(by_message({}), max), ElementsAre(5, 4, 3, 2, 1, 0)) << max;
    EXPECT_THAT(list(ours, max), ElementsAre(5, 4, 3, 2, 1, 0)) << max;
    EXPECT_THAT(list(by_message(query("group=" + group)), max), ElementsAre(5, 4, 3, 2, 1, 0)) << max;
    EXPECT_THAT(list(by_message(query("subscription=" + name + " reason!=rejected")), max), ElementsAre(5, 3, 2, 1, 0));
    EXPECT_THAT(list(by_message(query("body~bod attempts<9")), max), ElementsAre(5, 4, 3, 2, 1, 0)) << max;
  }
  EXPECT_THAT(list(by_message(query("subscription=another"))), IsEmpty());
  EXPECT_THAT(list(by_message(query("group=000000000001"))), IsEmpty());
  EXPECT_EQ(store_->list_cases(by_message({}), "12_0-1-2-3", 10).code(), base::Code::BAD_REQUEST);
}

TEST_F(CaseTest, TermsCombine) {
  hospital(12);
  EXPECT_THAT(list(query("reason=rejected"), 2), ElementsAre(10, 5, 0));
  EXPECT_THAT(list(query("reason=rejected type=order key=key")), ElementsAre(10, 5, 0));
  EXPECT_THAT(list(query("reason=rejected key=another")), IsEmpty());
  --state_.counters.in_hospital;
  commit({model::ReplayCase{case_id(5), queue_.lane, Offset(0)}, put_state()});
  EXPECT_THAT(list(query("reason=rejected state=admitted")), ElementsAre(10, 0));
  EXPECT_THAT(list(query("reason=rejected state!=admitted")), ElementsAre(5));
  EXPECT_THAT(list(query("state=replaying")), ElementsAre(5));
  EXPECT_THAT(list(query("id=" + case_id(5).to_string())), ElementsAre(5));
  EXPECT_THAT(list(query("state=admitted id=" + case_id(5).to_string())), IsEmpty());
  model::CaseQuery other = query("reason=rejected");
  other.subscription = model::SubscriptionId(99);
  EXPECT_THAT(list(other), IsEmpty());
}

TEST_F(CaseTest, AForeignCursorIsRefused) {
  hospital(1);
  for (const std::string cursor : {"x", "12", "12_", "_0-1-2-3", "12_0-1-2", "99999999999999999999_0-1-2-3"}) {
    EXPECT_EQ(store_->list_cases({}, cursor, 10).code(), base::Code::BAD_REQUEST) << cursor;
  }
}

TEST_F(CaseTest, ARelapseAddsUpAndKeepsTheFirstAdmission) {
  hospital(2);
  --state_.counters.in_hospital;
  commit({model::ReplayCase{case_id(0), queue_.lane, Offset(0)}, put_state()});
  model::AdmitCase again;
  again.record.id = case_id(0);
  again.record.attempt_count = 0;
  again.record.failure_count = 5;
  again.record.admitted_at = again.record.first_admitted_at = base::Instant{5000};
  again.relapse = true;
  ++state_.counters.in_hospital;
  commit({again, put_state()});
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_THAT(list({}), ElementsAre(0, 1));
  const auto record = store_->read_case(case_id(0));
  EXPECT_EQ(record->relapse_count, 1u);
  EXPECT_EQ(record->replay_count, 1u);
  EXPECT_EQ(record->failure_count, 5u);
  EXPECT_EQ(record->first_admitted_at, base::Instant{1000});
  EXPECT_EQ(record->admitted_at, base::Instant{5000});
  EXPECT_EQ(record->summary.type, "order");
}

TEST_F(CaseTest, SeveralStepsOfOneCaseFitIntoOneCommit) {
  hospital(1);
  --state_.counters.in_hospital;
  ++state_.counters.acked;
  model::DischargeCase discharge;
  discharge.id = case_id(0);
  discharge.at = base::Instant{9000};
  discharge.lane = queue_.lane;
  discharge.attempt_count = 0;
  commit({model::ReplayCase{case_id(0), queue_.lane, Offset(0)}, model::RecallCase{case_id(0), queue_.lane, Offset(0)},
          model::ReplayCase{case_id(0), queue_.lane, Offset(1)}});
  discharge.lane_offset = Offset(1);
  commit({discharge, put_state()});
  const auto record = store_->read_case(case_id(0));
  EXPECT_EQ(record->state, CaseState::discharged);
  EXPECT_EQ(record->replay_count, 2u);
  EXPECT_EQ(record->closed_at, base::Instant{9000});
  EXPECT_THAT(findings(), IsEmpty());
  EXPECT_EQ(store_->read_case(case_id(7)).code(), base::Code::NOT_FOUND);
}

TEST_F(CaseTest, EachChangeStandsInItsHistoryAlsoOverAStart) {
  using model::CaseChange;
  hospital(2);
  const model::ReplayJobId job(7);
  model::ReplayCase by_job{case_id(0), queue_.lane, Offset(0)};
  by_job.job = job;
  by_job.at = base::Instant{2000};
  model::RecallCase recall{case_id(0), queue_.lane, Offset(0)};
  recall.at = base::Instant{2100};
  recall.job = job;
  commit({by_job, recall});
  model::DiscardCase discard{case_id(0), base::Instant{2200}, "no use", false};
  discard.by = "ann";
  ++state_.counters.discarded;
  ++state_.counters.entered;
  commit({discard, model::RestoreCase{case_id(0), base::Instant{2300}, "bob"}, put_state()});
  reopen();
  --state_.counters.in_hospital;
  ++state_.counters.redirected;
  model::RedirectCase redirect{case_id(0), base::Instant{2400}, "ward", false};
  redirect.by = "ann";
  commit({redirect, put_state()});
  const auto record = store_->read_case(case_id(0)).value();
  EXPECT_THAT(record.history,
              ElementsAre(model::CaseEvent{base::Instant{2000}, CaseChange::replayed, "", job},
                          model::CaseEvent{base::Instant{2100}, CaseChange::recalled, "", job},
                          model::CaseEvent{base::Instant{2200}, CaseChange::discarded, "ann", {}, "no use"},
                          model::CaseEvent{base::Instant{2300}, CaseChange::restored, "bob"},
                          model::CaseEvent{base::Instant{2400}, CaseChange::redirected, "ann", {}, "", "ward"}));
  EXPECT_EQ(record.discard_reason, "") << "the history keeps why it was";
  EXPECT_THAT(store_->read_case(case_id(1))->history, IsEmpty());
  EXPECT_THAT(findings(), IsEmpty());
}

/// Written before there was one it has none; and a job makes two for each of a million cases.
TEST(CaseRecordBytes, AnEntryOfTheHistoryIsSmallAndNoneIsNothing) {
  model::CaseRecord record;
  record.subscription = "orders";
  const std::string none = encode(record);
  model::CaseRecord read;
  read.note({base::Instant{1}, model::CaseChange::replayed});
  ASSERT_TRUE(decode(none, read));
  EXPECT_THAT(read.history, IsEmpty());
  record.note({base::Instant{1'800'000'000'000'000}, model::CaseChange::replayed, "", model::ReplayJobId(1'000'000)});
  EXPECT_LE(encode(record).size(), none.size() + 20);
  record.history_left_out = 3;
  ASSERT_TRUE(decode(encode(record), read));
  EXPECT_EQ(read.history, record.history);
  EXPECT_EQ(read.history_left_out, 3u);
}

TEST_F(CaseTest, TheBodyOfACaseOutlivesItsLogAndGoesWithItsEnd) {
  hospital(3);
  trim(0, 3, {0, 1, 2});
  EXPECT_THAT(findings(), IsEmpty());
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({model::DiscardCase{case_id(1), base::Instant{1}, "", true}, put_state()});
  EXPECT_THAT(offsets(read(0, 3)), ElementsAre(0, 2));
  EXPECT_THAT(findings(), IsEmpty());
}

}  // namespace
}  // namespace lazaret::storage

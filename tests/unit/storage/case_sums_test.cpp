// What the cases of a subscription keep of messages, and how many are closed: sums that are written with them, counted
// for older directories, and checked.
#include "storage/case_indexes.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using base::Instant;
using model::CaseState;
using model::Offset;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CaseSums : public StoreFixture {
 protected:
  CaseSums() { open(); }

  /// So many messages, each of them an admitted case.
  void hospital(std::size_t count) {
    publish(std::vector<std::string>(count, "as published"));
    source().settled = {{Offset(0), Offset(count)}};
    source().entered_to = Offset(count);
    for (std::size_t i = 0; i < count; ++i) admit(i, Instant{1000 + static_cast<std::int64_t>(i)});
  }
  model::EditCase edit(std::uint64_t offset, std::uint32_t version, const std::string& body) {
    return {case_id(offset), {version, Instant{5000 + version}, "ann", ""}, message(body)};
  }
  void discard(std::uint64_t offset, std::int64_t at) {
    --state_.counters.in_hospital;
    ++state_.counters.discarded;
    commit({model::DiscardCase{case_id(offset), Instant{at}, "no use", false}, put_state()});
  }
  model::CaseSums sums() { return store_->case_sums(model::ShardId(0), queue_.subscription).value(); }
  std::uint64_t kept() { return sums().bytes; }
  std::uint64_t closed() { return sums().closed; }
  static std::uint64_t size(const std::string& body) { return message(body)->size(); }
  void write_sums(const model::CaseSums& all) {
    close();
    change_records("hospital_index", [&](const std::string& key, std::string value) {
      return static_cast<unsigned char>(key[2]) == 16 ? encode_sums(all) : value;
    });
    open();
  }
  /// As if what was done since had not been counted; then it is again as it was.
  void expect_found(const model::CaseSums& before, const std::string& what) {
    const model::CaseSums now = sums();
    ASSERT_NE(before.bytes, now.bytes) << what;
    EXPECT_THAT(findings(), IsEmpty()) << what;
    write_sums(before);
    EXPECT_THAT(findings(), Contains(HasSubstr("its cases keep " + std::to_string(now.bytes) +
                                               " bytes of messages, and it is written that they keep " +
                                               std::to_string(before.bytes))))
        << what;
    write_sums(now);
    EXPECT_THAT(findings(), IsEmpty()) << what;
  }

  const std::uint64_t one_ = message("as published", "key")->size();
};

TEST_F(CaseSums, TheSumFollowsEveryStepOfACase) {
  EXPECT_EQ(kept(), 0u);
  hospital(3);
  EXPECT_EQ(kept(), 3 * one_);
  EXPECT_EQ(store_->read_case(case_id(1))->message_bytes, one_);
  state_.counters.in_hospital -= 1;
  commit({model::ReplayCase{case_id(0), queue_.lane, Offset(0)}, put_state()});
  EXPECT_EQ(kept(), 3 * one_) << "it may come back";
  model::AdmitCase again;
  again.record.id = case_id(0);
  again.record.admitted_at = Instant{9000};
  again.relapse = true;
  ++state_.counters.in_hospital;
  commit({again, put_state()});
  EXPECT_EQ(kept(), 3 * one_);
  EXPECT_EQ(closed(), 0u) << "all are open";
  discard(1, 9000);
  EXPECT_EQ(kept(), 3 * one_) << "it may be restored";
  EXPECT_EQ(closed(), 1u);
  --state_.counters.in_hospital;
  ++state_.counters.acked;
  model::DischargeCase discharge;
  discharge.id = case_id(2);
  discharge.at = Instant{9001};
  discharge.late = true;
  commit({discharge, put_state()});
  EXPECT_EQ(kept(), 2 * one_);
  EXPECT_EQ(closed(), 2u);
  commit({model::DropCase{case_id(1), Instant{9000}, false}});
  EXPECT_EQ(kept(), one_);
  EXPECT_EQ(closed(), 1u);
  reopen();
  EXPECT_EQ(kept(), one_);
  EXPECT_EQ(recovered().subscription->case_sums, (model::CaseSums{one_, 1}));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseSums, VersionsCountAndStayWithAClosedCase) {
  hospital(1);
  const std::uint64_t versions = size("better") + size("the best that there is");
  commit({edit(0, 1, "better"), edit(0, 2, "the best that there is"), put_state()});
  EXPECT_EQ(kept(), one_ + versions);
  --state_.counters.in_hospital;
  ++state_.counters.redirected;
  commit({model::RedirectCase{case_id(0), Instant{9000}, "ward", false}, put_state()});
  EXPECT_EQ(kept(), versions);
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::DropCase{case_id(0), Instant{9000}, false}});
  EXPECT_EQ(kept(), 0u);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseSums, ARestoredCaseIsNotClosed) {
  hospital(2);
  discard(0, 9000);
  discard(1, 9001);
  EXPECT_EQ(closed(), 2u);
  ++state_.counters.in_hospital;
  ++state_.counters.entered;
  commit({model::RestoreCase{case_id(0)}, put_state()});
  EXPECT_EQ(closed(), 1u);
  commit({model::DropCase{case_id(0), Instant{9000}, false}});
  EXPECT_EQ(closed(), 1u) << "it is open again, and stays";
  commit({model::DropClosedCases{queue_.subscription, queue_.log, {Offset(0), Offset(2)}}});
  EXPECT_EQ(sums(), (model::CaseSums{one_, 0}));
}

/// What keeps nothing is counted all the same.
TEST_F(CaseSums, ADischargedCaseKeepsNothingAndIsClosed) {
  hospital(1);
  --state_.counters.in_hospital;
  ++state_.counters.redirected;
  commit({model::RedirectCase{case_id(0), Instant{9000}, "ward", false}, put_state()});
  EXPECT_EQ(sums(), (model::CaseSums{0, 1}));
  reopen();
  EXPECT_EQ(recovered().subscription->case_sums, (model::CaseSums{0, 1}));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseSums, SeveralStepsOfOneCommitAreCounted) {
  hospital(2);
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({edit(0, 1, "better"), model::DiscardCase{case_id(0), Instant{9000}, "", false},
          model::DropCase{case_id(0), Instant{9000}, false}, put_state()});
  EXPECT_EQ(sums(), (model::CaseSums{one_, 0}));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseSums, ADamagedMessageKeepsNothing) {
  source().settled = {{Offset(0), Offset(1)}};
  admit(0, Instant{1000}, model::CaseReason::damaged);
  EXPECT_EQ(kept(), 0u);
}

/// Format 9 has no sums, and cases that do not say what their messages take: the bodies are known.
TEST_F(CaseSums, AnOlderDirectoryIsCountedWhenItIsOpened) {
  hospital(3);
  discard(1, 9000);
  close();
  change_records("hospital", [](const std::string&, std::string value) {
    return value.substr(0, value.rfind("\x80\x05"));  // field 80
  });
  change_records("hospital_index", [](const std::string& key, std::string value) {
    return static_cast<unsigned char>(key[2]) == 16 ? std::string("not a sum") : value;
  });
  change_records("catalog", [](const std::string& key, std::string value) {
    return key == keys::directory() ? encode(DirectoryRecord{9, 2}) : value;
  });
  open();
  const std::uint64_t body = std::string("as published").size();
  EXPECT_EQ(kept(), 3 * body);
  EXPECT_EQ(recovered().subscription->case_sums, (model::CaseSums{3 * body, 1}));
  EXPECT_THAT(findings(), IsEmpty());
  // What the record did not say does not change with the body of a version.
  commit({edit(0, 1, "a longer body than it was"), put_state()});
  EXPECT_EQ(kept(), 3 * body + size("a longer body than it was"));
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::DropCase{case_id(1), Instant{9000}, false}});
  EXPECT_EQ(kept(), 2 * body + size("a longer body than it was"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseSums, TheCheckFindsAWrongSum) {
  hospital(2);
  close();
  change_records("hospital_index", [](const std::string& key, std::string value) {
    if (static_cast<unsigned char>(key[2]) == 16) value[0] = 7;
    return value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("bytes of messages, and it is written that they keep 7")));
}

TEST_F(CaseSums, TheCheckFindsAWrongNumberOfClosedCases) {
  hospital(2);
  discard(1, 9000);
  close();
  change_records("hospital_index", [](const std::string& key, std::string value) {
    if (static_cast<unsigned char>(key[2]) == 16) value[8] = 5;
    return value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("it has 1 closed cases, and it is written that it has 5")));
}

/// A step that is not counted leaves the sum as it was before it: bytes that are not given back, or not taken.
TEST_F(CaseSums, TheCheckFindsEachKindOfStepThatWasNotCounted) {
  hospital(5);
  model::CaseSums before = sums();
  commit({edit(0, 1, "better"), put_state()});
  expect_found(before, "an edit");
  discard(1, 9000);
  before = sums();
  commit({model::DropCase{case_id(1), Instant{9000}, false}});
  expect_found(before, "a discarded case that went");
  before = sums();
  --state_.counters.in_hospital;
  ++state_.counters.redirected;
  commit({model::RedirectCase{case_id(2), Instant{9001}, "ward", false}, put_state()});
  expect_found(before, "a redirection");
  before = sums();
  --state_.counters.in_hospital;
  ++state_.counters.acked;
  model::DischargeCase discharge;
  discharge.id = case_id(3);
  discharge.at = Instant{9002};
  discharge.late = true;
  commit({discharge, put_state()});
  expect_found(before, "an acknowledgement");
  before = sums();
  publish({"one more"});
  source().settled = {{Offset(0), Offset(6)}};
  source().entered_to = Offset(6);
  admit(5, Instant{9003});
  expect_found(before, "an admission");
}

TEST_F(CaseSums, ASumThatCannotBeReadIsDamage) {
  hospital(1);
  close();
  change_records("hospital_index", [](const std::string& key, std::string value) {
    return static_cast<unsigned char>(key[2]) == 16 ? value.substr(0, 8) : value;
  });
  open();
  EXPECT_EQ(store_->case_sums(model::ShardId(0), queue_.subscription).code(), base::Code::STORAGE_DAMAGED);
  EXPECT_EQ(store_->recover().code(), base::Code::STORAGE_DAMAGED);
}

}  // namespace
}  // namespace lazaret::storage

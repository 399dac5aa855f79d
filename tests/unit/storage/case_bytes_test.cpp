// What the cases of a subscription keep of messages: a sum that is written with them, counted for older directories,
// and checked.
#include "storage/keys.h"
#include "storage/records.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using base::Instant;
using model::CaseState;
using model::Offset;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CaseBytes : public StoreFixture {
 protected:
  CaseBytes() { open(); }

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
  std::uint64_t kept() { return store_->case_bytes(model::ShardId(0), queue_.subscription).value(); }
  static std::uint64_t size(const std::string& body) { return message(body)->size(); }

  const std::uint64_t one_ = size("as published");
};

TEST_F(CaseBytes, TheSumFollowsEveryStepOfACase) {
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
  discard(1, 9000);
  EXPECT_EQ(kept(), 3 * one_) << "it may be restored";
  --state_.counters.in_hospital;
  ++state_.counters.acked;
  model::DischargeCase discharge;
  discharge.id = case_id(2);
  discharge.at = Instant{9001};
  discharge.late = true;
  commit({discharge, put_state()});
  EXPECT_EQ(kept(), 2 * one_);
  commit({model::DropCase{case_id(1), Instant{9000}, false}});
  EXPECT_EQ(kept(), one_);
  reopen();
  EXPECT_EQ(kept(), one_);
  EXPECT_EQ(recovered().subscription->case_bytes, one_);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseBytes, VersionsCountAndStayWithAClosedCase) {
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

TEST_F(CaseBytes, SeveralStepsOfOneCommitAreCounted) {
  hospital(2);
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({edit(0, 1, "better"), model::DiscardCase{case_id(0), Instant{9000}, "", false},
          model::DropCase{case_id(0), Instant{9000}, false}, put_state()});
  EXPECT_EQ(kept(), one_);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseBytes, ADamagedMessageKeepsNothing) {
  source().settled = {{Offset(0), Offset(1)}};
  admit(0, Instant{1000}, model::CaseReason::damaged);
  EXPECT_EQ(kept(), 0u);
}

/// Format 9 has no sums, and cases that do not say what their messages take: the bodies are known.
TEST_F(CaseBytes, AnOlderDirectoryIsCountedWhenItIsOpened) {
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
  EXPECT_EQ(recovered().subscription->case_bytes, 3 * body);
  EXPECT_THAT(findings(), IsEmpty());
  // What the record did not say does not change with the body of a version.
  commit({edit(0, 1, "a longer body than it was"), put_state()});
  EXPECT_EQ(kept(), 3 * body + size("a longer body than it was"));
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::DropCase{case_id(1), Instant{9000}, false}});
  EXPECT_EQ(kept(), 2 * body + size("a longer body than it was"));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseBytes, TheCheckFindsAWrongSum) {
  hospital(2);
  close();
  change_records("hospital_index", [](const std::string& key, std::string value) {
    if (static_cast<unsigned char>(key[2]) == 16) value[0] = 7;
    return value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("bytes of messages, and it is written that they keep 7")));
}

TEST_F(CaseBytes, ASumThatCannotBeReadIsDamage) {
  hospital(1);
  close();
  change_records("hospital_index", [](const std::string& key, std::string value) {
    return static_cast<unsigned char>(key[2]) == 16 ? value.substr(0, 3) : value;
  });
  open();
  EXPECT_EQ(store_->case_bytes(model::ShardId(0), queue_.subscription).code(), base::Code::STORAGE_DAMAGED);
  EXPECT_EQ(store_->recover().code(), base::Code::STORAGE_DAMAGED);
}

}  // namespace
}  // namespace lazaret::storage

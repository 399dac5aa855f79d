// The integrity check: silent over what is whole, and finds each kind of damage.
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::DeliveryState;
using model::Offset;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class CheckTest : public StoreFixture {
 protected:
  CheckTest() {
    publish(std::vector<std::string>(100, "body"));
    model::Attempt attempt;
    attempt.number = 1;
    model::DeliveryRecord waiting;
    waiting.offset = Offset(40);
    waiting.state = DeliveryState::waiting;
    waiting.due = base::Instant{5000};
    source().cursor = Offset(20);
    source().settled = {{Offset(30), Offset(31)}};
    state_.counters.acked = 20;
    commit({put_state(), model::PutAttempt{queue_.subscription, queue_.log, Offset(30), attempt},
            model::PutDelivery{queue_.subscription, queue_.log, waiting, {}}});
    admit(30, base::Instant{100});
  }
  /// Rewrites the records of this kind (the third byte of a key in `state`).
  void rewrite_state(char kind, const std::function<std::string(std::string)>& change) {
    change_records("state", [&](const std::string& key, std::string value) {
      return key.size() > 2 && key[2] == kind ? change(std::move(value)) : value;
    });
    open();
  }
};

TEST_F(CheckTest, WhatIsWholeHasNoFindings) {
  const auto report = store_->check([](std::uint64_t) { return true; });
  ASSERT_TRUE(report.ok());
  EXPECT_THAT(report->findings, IsEmpty());
  EXPECT_EQ(report->queues, 1u);
  EXPECT_EQ(report->messages, 100u);
  EXPECT_EQ(report->cases, 1u);
}

TEST_F(CheckTest, EndsWhenItIsToldTo) {
  publish(std::vector<std::string>(3000, "body"));
  int asked = 0;
  EXPECT_EQ(store_->check([&asked](std::uint64_t) { return ++asked < 2; }).code(), base::Code::CANCELLED);
  EXPECT_EQ(asked, 2) << "not asked again";
}

TEST_F(CheckTest, ARecordThatCannotBeDecoded) {
  const auto broken = [](const std::string&) { return std::string("\x07\xff\xff"); };
  rewrite_state(2, broken);
  EXPECT_THAT(findings(), Contains(HasSubstr("state cannot be decoded")));
}

TEST_F(CheckTest, ADeliveryRecordThatCannotBeDecoded) {
  rewrite_state(5, [](const std::string&) { return std::string("\x07\xff\xff"); });
  EXPECT_THAT(findings(), Contains(HasSubstr("delivery record cannot be decoded")));
}

TEST_F(CheckTest, CountersThatDoNotAddUp) {
  ++state_.counters.acked;
  commit({put_state()});
  EXPECT_THAT(findings(), Contains(HasSubstr("the sum of all places is")));
}

TEST_F(CheckTest, AHospitalThatCountsOtherwise) {
  ++state_.counters.in_hospital;
  ++state_.counters.entered;
  commit({put_state()});
  EXPECT_THAT(findings(), Contains(HasSubstr("in_hospital says")));
}

TEST_F(CheckTest, ACaseWhoseIndexSaysSomethingElse) {
  change_records("hospital_index", [](const std::string&, std::string value) {
    value[0] = static_cast<char>(model::CaseState::discarded);
    return value;
  });
  open();
  EXPECT_THAT(findings(), Contains(HasSubstr("an index of the hospital does not have it")));
}

TEST_F(CheckTest, ACaseWithoutItsMessage) {
  source().cursor = Offset(100);
  source().settled.clear();
  state_.counters.acked = 99;
  commit({put_state(), model::DropDelivery{queue_.subscription, queue_.log, Offset(40), base::Instant{5000}}});
  trim(0, 100);  // and nobody thought of the case
  EXPECT_THAT(findings(), Contains(HasSubstr("its message cannot be read")));
}

TEST_F(CheckTest, AHistoryThatIsShorterThanItsCaseSays) {
  model::AdmitCase admit;
  admit.record.id = case_id(31);
  admit.record.subscription = queue_.name;
  admit.record.attempt_count = 2;
  admit.record.admitted_at = base::Instant{100};
  source().settled = {{Offset(30), Offset(32)}};
  ++state_.counters.in_hospital;
  commit({admit, put_state()});
  EXPECT_THAT(findings(), Contains(HasSubstr("it counts 2 attempts and has 0")));
}

TEST_F(CheckTest, AMessageThatIsSettledAndStillOut) {
  model::DeliveryRecord record;
  record.offset = Offset(3);
  commit({model::PutDelivery{queue_.subscription, queue_.log, record, {}}});
  EXPECT_THAT(findings(), Contains(HasSubstr("it is settled and has a delivery record")));
}

TEST_F(CheckTest, ADamagedMessageThatIsACaseIsNoNews) {
  source().settled = {{Offset(30), Offset(31)}, {Offset(50), Offset(51)}};
  admit(50, base::Instant{200}, model::CaseReason::damaged);
  change_records("log", [](const std::string& key, std::string value) {
    if (key.back() == 0)
      value[value.size() - 4 * 14 + 1] ^= 1;  // the body of message 50 is the 14th from the end of 64
    return value;
  });
  open();
  for (const std::string& finding : findings()) EXPECT_THAT(finding, testing::Not(HasSubstr("offset 50")));
}

}  // namespace
}  // namespace lazaret::storage

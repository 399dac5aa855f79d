// Alerts on the disk, and what is read for them: groups by their newest case, and the oldest case of a subscription.
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using base::Instant;
using model::AlertId;
using model::AlertRecord;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AlertsTest : public StoreFixture {
 protected:
  static AlertRecord full(std::uint64_t number) {
    AlertRecord alert;
    alert.number = AlertId(number);
    alert.id = base::Uuid::v7(1, number, 3);
    alert.kind = model::AlertKind::ageing;
    alert.at = Instant{50};
    alert.caused_at = Instant{40};
    alert.subscription = "billing";
    alert.group = model::GroupId{77};
    alert.case_id = model::CaseId{model::ShardId(1), model::SubscriptionId(2), model::LogId(3), model::Offset(4)};
    alert.replay_job = model::ReplayJobId(5);
    alert.sentence = "billing: it fails";
    alert.counts = {{"open", 7}};
    alert.owner = "ann";
    alert.runbook = "read the manual";
    alert.deliveries = {{"ops", model::DeliveryOutcome::failed, 14, Instant{60}, "503"}};
    return alert;
  }
  void fail(std::uint64_t offset, const std::string& text, std::int64_t at) {
    model::AdmitCase admit;
    admit.record.id = case_id(offset);
    admit.record.subscription = admit.record.source = queue_.name;
    admit.record.last_error = {"Failed", text, ""};
    admit.record.admitted_at = admit.record.first_admitted_at = Instant{at};
    ++state_.counters.in_hospital;
    commit({admit, put_state()});
  }
  void discard(std::uint64_t offset) {
    --state_.counters.in_hospital;
    ++state_.counters.discarded;
    commit({model::DiscardCase{case_id(offset), Instant{9000}, "", false}, put_state()});
  }
  std::vector<std::string> recent(std::int64_t since, std::size_t max = 100) {
    std::vector<std::string> texts;
    const auto groups = store_->recent_groups(Instant{since}, max).value();
    for (const auto& group : groups) texts.push_back(group.error_text);
    return texts;
  }
  void fill(std::uint64_t count) {
    publish(std::vector<std::string>(count, "body"));
    source().cursor = model::Offset(count);
  }
};

TEST_F(AlertsTest, AreKeptAsTheyAreAndForgotten) {
  EXPECT_EQ(store_->read_alerts().value(), model::KeptAlerts());
  AlertRecord plain;
  plain.number = AlertId(300);
  commit({model::PutAlerts{{Instant{100}, {plain, full(2)}, {}, base::Duration(7)}}});
  reopen();
  EXPECT_EQ(store_->read_alerts().value(), (model::KeptAlerts{Instant{100}, {full(2), plain}, base::Duration(7)}));
  commit({model::PutAlerts{{Instant{}, {}, {AlertId(2)}}}});
  EXPECT_EQ(store_->read_alerts().value(), (model::KeptAlerts{Instant{100}, {plain}, base::Duration(7)}))
      << "the time stays, and the age";
}

TEST_F(AlertsTest, GroupsAreFoundByTheirNewestCase) {
  fill(3);
  fail(0, "one thing", 1000);
  fail(1, "another thing", 1001);
  EXPECT_THAT(recent(0), ElementsAre("another thing", "one thing"));
  fail(2, "one thing", 1002);
  EXPECT_THAT(recent(0), ElementsAre("one thing", "another thing")) << "it has left its old place";
  EXPECT_THAT(recent(1001), ElementsAre("one thing"));
  EXPECT_THAT(recent(1002), IsEmpty());
  EXPECT_THAT(recent(0, 1), ElementsAre("one thing"));
  discard(1);
  reopen();
  EXPECT_THAT(recent(0), SizeIs(2)) << "a closed case keeps its group";
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(AlertsTest, TheOldestAdmittedCaseIsFound) {
  EXPECT_THAT(store_->oldest_open_cases(10).value(), IsEmpty());
  fill(3);
  fail(0, "x", 1000);
  fail(1, "x", 2000);
  fail(2, "x", 3000);
  const auto oldest = store_->oldest_open_cases(10).value();
  ASSERT_THAT(oldest, SizeIs(1));
  EXPECT_EQ(oldest[0].id, case_id(0));
  discard(0);
  EXPECT_EQ(store_->oldest_open_cases(10).value().at(0).id, case_id(1)) << "closed ones do not count";
  discard(1);
  discard(2);
  EXPECT_THAT(store_->oldest_open_cases(10).value(), IsEmpty());
}

TEST_F(AlertsTest, AListOfNewCasesDoesNotLookAtOldOnes) {
  fill(3);
  for (std::uint64_t offset = 0; offset < 3; ++offset) fail(offset, "x", static_cast<std::int64_t>(1000 + offset));
  model::CaseQuery query;
  model::CaseTerm since;
  since.field = model::CaseTerm::Field::admitted;
  since.op = model::CaseTerm::Operator::greater;
  since.number = 1001;
  query.terms.push_back(since);
  const auto page = store_->list_cases(query, "", 100).value();
  ASSERT_THAT(page.cases, SizeIs(1));
  EXPECT_EQ(page.cases[0].id, case_id(2));
  EXPECT_EQ(page.cursor, "");
  EXPECT_EQ(store_->list_cases(query, "", 1).value().cases.size(), 1u);
}

}  // namespace
}  // namespace lazaret::storage

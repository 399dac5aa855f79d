// A case from elsewhere on the disk: it comes whole, and says which case it was.
#include "storage/keys.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using base::Instant;
using model::CaseState;
using model::Offset;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CaseImportTest : public StoreFixture {
 protected:
  CaseImportTest() { open(); }

  static model::CaseOrigin origin(std::uint64_t number) {
    return {{model::ShardId(3), model::SubscriptionId(4), model::LogId(5), Offset(number)},
            base::Uuid::v7(1, 2, number),
            Instant{70 + static_cast<std::int64_t>(number)}};
  }
  /// The one message of the log so far, and its case.
  void import(std::uint64_t offset, std::uint64_t number) {
    model::ImportCase import;
    import.record.id = case_id(offset);
    import.record.subscription = queue_.name;
    import.record.admitted_at = Instant{1000 + static_cast<std::int64_t>(offset)};
    import.record.first_admitted_at = origin(number).admitted_at;
    import.record.origin = origin(number);
    import.record.attempt_count = 1;
    import.message = message("from there", "key");
    import.attempts.push_back({1, {"over there", "h", "1", {}}, {}, {}, model::AttemptOutcome::rejected, {}});
    source().settled = {{Offset(0), Offset(offset + 1)}};
    source().entered_to = Offset(offset + 1);
    ++state_.counters.entered;
    ++state_.counters.in_hospital;
    commit({model::AppendMessages{queue_.log, Offset(offset), {import.message}}, import, put_state()});
  }
  std::optional<model::CaseId> found(std::uint64_t number) {
    return store_->find_imported(model::ShardId(0), queue_.subscription, origin(number)).value();
  }
};

TEST_F(CaseImportTest, ItComesWithItsAttemptsAndIsFoundByWhatItWas) {
  import(0, 7);
  import(1, 8);
  reopen();
  EXPECT_EQ(found(7), case_id(0));
  EXPECT_EQ(found(8), case_id(1));
  EXPECT_EQ(found(9), std::nullopt);
  const auto record = store_->read_case(case_id(1)).value();
  EXPECT_EQ(record.origin, origin(8));
  EXPECT_EQ(record.summary.body_bytes, 10u);
  EXPECT_EQ(record.summary.key, "key");
  EXPECT_TRUE(record.key) << "as the core would have it, where it does not know it";
  EXPECT_THAT(store_->read_attempts(case_id(1)).value(), SizeIs(1));
  EXPECT_TRUE(recovered().subscription->admitted.size() > 0);
  EXPECT_THAT(findings(), IsEmpty());
}

/// A file goes back to the broker that has written it.
TEST_F(CaseImportTest, WhatComesFromHereIsFoundAsItselfWhateverBecameOfIt) {
  publish({"body"});
  source().cursor = Offset(1);
  admit(0, Instant{1000});
  const auto exported = store_->read_case(case_id(0)).value();
  ASSERT_FALSE(exported.summary.message_id.is_nil());
  const model::CaseOrigin itself{exported.id, exported.summary.message_id, exported.first_admitted_at};
  const auto found_as = [&](const model::CaseOrigin& origin) {
    return store_->find_imported(model::ShardId(0), queue_.subscription, origin).value();
  };
  EXPECT_EQ(found_as(itself), case_id(0));
  model::CaseOrigin other = itself;
  other.message_id.bytes[0] ^= 1;
  EXPECT_EQ(found_as(other), std::nullopt) << "another broker's, whose ids are the same";
  other = itself;
  ++other.admitted_at.us;
  EXPECT_EQ(found_as(other), std::nullopt);
  const model::SubscriptionId elsewhere(queue_.subscription.value + 1);
  EXPECT_EQ(store_->find_imported(model::ShardId(0), elsewhere, itself).value(), std::nullopt)
      << "in another queue it is another case";
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({model::DiscardCase{case_id(0), Instant{2000}, "no use", false}, put_state()});
  EXPECT_EQ(found_as(itself), case_id(0)) << "who discarded it does not want it again";
  commit({model::DropCase{case_id(0), Instant{2000}, false}, put_state()});
  EXPECT_EQ(found_as(itself), std::nullopt);
}

/// Of a topic's subscription; what the check says of it.
class CaseImportOfTopicTest : public CaseImportTest {
 protected:
  CaseImportOfTopicTest() {
    queue_.kind = model::Kind::subscription;
    queue_.topic = "news";
    model::QueueRecord topic;
    topic.name = queue_.topic;
    topic.kind = model::Kind::topic;
    topic.subscription = model::SubscriptionId(90);
    topic.log = queue_.log;
    commit({model::PutQueue{topic}, model::PutQueue{queue_}});
  }
  void import_of_topic(bool imported) {
    model::ImportCase import;
    import.record.id = case_id(0);
    import.record.subscription = queue_.name;
    import.record.admitted_at = import.record.first_admitted_at = Instant{1000};
    import.record.origin = origin(7);
    auto message = std::make_shared<model::Message>(*StoreFixture::message("from there", "key"));
    message->imported = imported;
    import.message = message;
    source().cursor = source().entered_to = Offset(1);
    state_.counters.entered = state_.counters.in_hospital = 1;
    commit({model::AppendMessages{queue_.log, Offset(0), {import.message}}, import, put_state()});
  }
};

TEST_F(CaseImportOfTopicTest, ItsMessageIsNobodyElses) {
  import_of_topic(true);
  EXPECT_THAT(findings(), IsEmpty());
  reopen();
  EXPECT_TRUE(read(0, 1).messages.at(0).message->imported);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseImportOfTopicTest, TheCheckFindsOneThatOthersWouldBeDelivered) {
  import_of_topic(false);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("whoever else reads the topic would be delivered its message")));
}

TEST_F(CaseImportTest, ARelapseKeepsWhatItWas) {
  import(0, 7);
  model::AdmitCase again;
  again.record.id = case_id(0);
  again.record.admitted_at = Instant{9000};
  again.relapse = true;
  commit({model::ReplayCase{case_id(0), queue_.lane, Offset(0)}, again, put_state()});
  EXPECT_EQ(store_->read_case(case_id(0))->origin, origin(7));
  EXPECT_EQ(store_->read_case(case_id(0))->relapse_count, 1u);
  EXPECT_EQ(found(7), case_id(0));
  EXPECT_THAT(findings(), IsEmpty());
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({model::DiscardCase{case_id(0), Instant{9500}, "no use", false}, put_state()});
  commit({model::DropCase{case_id(0), Instant{9500}, false}, put_state()});
  EXPECT_EQ(found(7), std::nullopt);
  EXPECT_THAT(findings(), IsEmpty()) << "nothing is left behind in the index";
}

TEST_F(CaseImportTest, WhatIsNotKeptAnyMoreMayComeAgain) {
  import(0, 7);
  --state_.counters.in_hospital;
  ++state_.counters.discarded;
  commit({model::DiscardCase{case_id(0), Instant{2000}, "no use", false}, put_state()});
  EXPECT_EQ(found(7), case_id(0)) << "a closed one is kept for a while";
  commit({model::DropCase{case_id(0), Instant{2000}, false}, put_state()});
  EXPECT_EQ(found(7), std::nullopt);
  reopen();
  EXPECT_EQ(found(7), std::nullopt);
}

}  // namespace
}  // namespace lazaret::storage

// Versions of a case's message, and closed cases by the time when they were closed.
#include "base/zstd.h"
#include "model/limits.h"
#include "storage/keys.h"
#include "storage/records.h"
#include "unit/storage/store_fixture.h"
#include "wire/envelope.h"

namespace lazaret::storage {
namespace {

using base::Code;
using base::Instant;
using model::CaseState;
using model::ClosedCase;
using model::Offset;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class CaseHistoryTest : public StoreFixture {
 protected:
  CaseHistoryTest() { open(); }

  /// So many messages, each of them an admitted case.
  void hospital(std::size_t count) {
    publish(std::vector<std::string>(count, "as published"));
    source().settled = {{Offset(0), Offset(count)}};
    source().entered_to = Offset(count);
    for (std::size_t i = 0; i < count; ++i) admit(i, Instant{1000 + static_cast<std::int64_t>(i)});
  }
  model::EditCase edit(std::uint64_t offset, std::uint32_t version, const std::string& body) {
    return {case_id(offset),
            {version, Instant{5000 + version}, "ann", "note " + std::to_string(version)},
            message(body, "key")};
  }
  static model::MessageRef message_of_tenant(const std::string& tenant, const std::string& body) {
    auto out = std::make_shared<model::Message>(*message(body, "key"));
    wire::Envelope envelope = wire::decode_envelope(out->envelope.view()).value();
    envelope.headers = {{"tenant", tenant}};
    out->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
    return out;
  }
  /// The offsets of what is listed, of which the count must be the same.
  std::vector<std::uint64_t> found(const std::string& filter) {
    const auto query = model::parse_case_query(filter, {}).value();
    std::vector<std::uint64_t> offsets;
    const auto page = store_->list_cases(query, "", 100);
    for (const auto& record : page->cases) offsets.push_back(record.id.offset.value);
    EXPECT_EQ(store_->count_cases(query, "")->count, offsets.size()) << filter;
    return offsets;
  }
  void discard(std::uint64_t offset, std::int64_t at) {
    --state_.counters.in_hospital;
    ++state_.counters.discarded;
    commit({model::DiscardCase{case_id(offset), Instant{at}, "no use", false}, put_state()});
  }
  std::vector<ClosedCase> closed(const ClosedCase& after = {}, std::size_t max = 100) {
    return store_->read_closed(model::ShardId(0), queue_.subscription, after, max).value();
  }
  std::vector<std::uint64_t> closed_offsets() {
    std::vector<std::uint64_t> offsets;
    for (const ClosedCase& one : closed()) offsets.push_back(one.offset.value);
    return offsets;
  }
  std::string version(std::uint64_t offset, std::uint32_t number) {
    const auto stored = store_->read_version(case_id(offset), number);
    return !stored.ok() ? "none" : *stored == nullptr ? "damaged" : std::string((*stored)->body.view());
  }
};

TEST_F(CaseHistoryTest, EveryVersionIsKept) {
  hospital(2);
  commit({edit(1, 1, "better"), put_state()});
  commit({edit(1, 2, "best"), put_state()});
  reopen();
  EXPECT_EQ(version(1, 1), "better");
  EXPECT_EQ(version(1, 2), "best");
  EXPECT_EQ(version(1, 3), "none");
  EXPECT_EQ(version(0, 1), "none");
  const auto edits = store_->read_edits(case_id(1)).value();
  ASSERT_THAT(edits, SizeIs(2));
  EXPECT_EQ(edits[1], (model::CaseEdit{2, Instant{5002}, "ann", "note 2"}));
  EXPECT_EQ(store_->read_case(case_id(1))->version, 2u);
  EXPECT_EQ(store_->read_case(case_id(1))->summary.body_bytes, 4u);
  const auto edited = recovered().subscription->edited;
  ASSERT_THAT(edited, SizeIs(1));
  EXPECT_EQ(edited[0].offset, Offset(1));
  EXPECT_EQ(edited[0].version, 2u);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseHistoryTest, AReplayCopiesTheNewestVersionAlsoOfTheSameCommit) {
  hospital(2);
  state_.counters.in_hospital -= 2;
  commit({edit(0, 1, "mended"), model::ReplayCase{case_id(0), queue_.lane, Offset(0), 1, 3}, put_state()});
  const auto copy = [&](std::uint64_t place) {
    const auto page =
        store_->read_messages(model::ShardId(0), queue_.lane, Offset(place), Offset(place + 1), 1, 1).value();
    return bodies(page);
  };
  EXPECT_THAT(copy(0), ElementsAre("mended"));
  commit({edit(1, 1, "first"), put_state()});
  commit({model::ReplayCase{case_id(1), queue_.lane, Offset(1), 1}, put_state()});
  EXPECT_THAT(copy(1), ElementsAre("first"));
  reopen();
  EXPECT_THAT(copy(0), ElementsAre("mended"));
  const auto lane = recovered().subscription->lane;
  ASSERT_THAT(lane, SizeIs(2));
  EXPECT_TRUE(lane[0].edited);
  EXPECT_EQ(lane[0].failures_before, 3u);
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::DropEvacuated{queue_.lane, Offset(0)}});
  EXPECT_THAT(findings(), SizeIs(1)) << "an entry without its message";
}

TEST_F(CaseHistoryTest, FiltersAskTheMessageAsItIsNow) {
  hospital(2);
  EXPECT_THAT(found("header.tenant=acme"), IsEmpty());
  EXPECT_THAT(found("body~published"), ElementsAre(1, 0));
  commit({model::EditCase{case_id(0), {1, Instant{5000}, "", ""}, message_of_tenant("old", "better")}, put_state()});
  commit({model::EditCase{case_id(0), {2, Instant{6000}, "", ""}, message_of_tenant("acme", "mended")}, put_state()});
  reopen();
  const std::string this_one = "id=" + case_id(0).to_string() + " ";
  EXPECT_THAT(found("header.tenant=acme"), ElementsAre(0));
  EXPECT_THAT(found("header.tenant!=acme"), ElementsAre(1));
  EXPECT_THAT(found("header.tenant~old"), IsEmpty());
  EXPECT_THAT(found("body~MENDED"), ElementsAre(0));
  EXPECT_THAT(found("body~better"), IsEmpty());
  EXPECT_THAT(found("body~published"), ElementsAre(1));
  EXPECT_THAT(found(this_one + "body~mended header.tenant=acme"), ElementsAre(0));
  EXPECT_THAT(found(this_one + "body~published"), IsEmpty());
  EXPECT_THAT(found(this_one + "header.tenant!=acme"), IsEmpty());
}

/// As whoever published it meant it. What cannot be opened, or only beyond the size of a message, is what it is.
TEST_F(CaseHistoryTest, TextIsFoundInABodyThatIsCompressed) {
  // So long a run of one letter stands in no compressed bytes.
  const std::string run(40, 'x');
  const std::string large = std::string(model::limits::kMessageBytesDefault, 'x') + "net total";
  const std::string bodies[] = {*base::zstd_compressed(std::string(500, 'x') + "net total"),
                                *base::zstd_compressed(large), "no zstd, but " + run + "Net Total"};
  hospital(3);
  for (std::uint64_t i = 0; i < 3; ++i) {
    auto compressed = std::make_shared<model::Message>(*message(bodies[i], "key"));
    wire::Envelope envelope = wire::decode_envelope(compressed->envelope.view()).value();
    envelope.content_encoding = "zstd";
    compressed->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
    commit({model::EditCase{case_id(i), {1, Instant{5000}, "", ""}, compressed}, put_state()});
  }
  EXPECT_THAT(found("body~\"" + run + "NET total\""), ElementsAre(2, 0));
  EXPECT_THAT(found("id=" + case_id(0).to_string() + " body~" + run), ElementsAre(0));
  EXPECT_THAT(found("body~nothing"), IsEmpty());
  EXPECT_EQ(version(0, 1), bodies[0]) << "it stays as it is stored";
}

TEST_F(CaseHistoryTest, ARelapseKeepsTheVersion) {
  hospital(1);
  commit({edit(0, 1, "mended"), model::ReplayCase{case_id(0), queue_.lane, Offset(0), 1}});
  model::AdmitCase again;
  again.record.id = case_id(0);
  again.record.admitted_at = Instant{9000};
  again.relapse = true;
  commit({model::DropEvacuated{queue_.lane, Offset(0)}, again, put_state()});
  EXPECT_EQ(store_->read_case(case_id(0))->version, 1u);
  EXPECT_EQ(version(0, 1), "mended");
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseHistoryTest, ClosedCasesAreListedByWhenTheyWereClosed) {
  hospital(4);
  EXPECT_FALSE(recovered().subscription->first_closed);
  discard(2, 9000);
  discard(0, 9100);
  --state_.counters.in_hospital;
  ++state_.counters.redirected;
  commit({model::RedirectCase{case_id(3), Instant{8000}, "repairs", false}, put_state()});
  EXPECT_THAT(closed_offsets(), ElementsAre(3, 2, 0));
  EXPECT_THAT(closed({}, 2), SizeIs(2));
  EXPECT_EQ(closed(closed({}, 2).back()).at(0).offset, Offset(0));
  EXPECT_EQ(store_->read_case(case_id(3))->redirected_to, "repairs");
  EXPECT_EQ(store_->read_case(case_id(3))->state, CaseState::discharged);
  EXPECT_EQ(recovered().subscription->first_closed, Instant{8000});
  EXPECT_THAT(recovered().subscription->discarded, ElementsAre(Offset(0), Offset(2)));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(CaseHistoryTest, ARestoreTakesItOffTheList) {
  hospital(1);
  discard(0, 9000);
  ++state_.counters.in_hospital;
  ++state_.counters.entered;
  commit({model::RestoreCase{case_id(0)}, put_state()});
  EXPECT_THAT(closed(), IsEmpty());
  EXPECT_EQ(store_->read_case(case_id(0))->state, CaseState::admitted);
  EXPECT_EQ(store_->read_case(case_id(0))->closed_at, Instant{});
  EXPECT_THAT(findings(), IsEmpty());
  reopen();
  EXPECT_EQ(recovered().log.state.next, Offset(1)) << "the log has no more for that it entered twice";
}

TEST_F(CaseHistoryTest, WithACaseGoesAllOfIt) {
  hospital(2);
  commit({edit(0, 1, "a"), edit(0, 2, "b")});
  trim(0, 2, {0, 1});
  discard(0, 9000);
  commit({model::DropCase{case_id(0), Instant{8999}, false}});
  EXPECT_TRUE(store_->read_case(case_id(0)).ok()) << "it was closed at another time";
  commit({model::DropCase{case_id(0), Instant{9000}, true}});
  EXPECT_EQ(store_->read_case(case_id(0)).code(), Code::NOT_FOUND);
  EXPECT_EQ(version(0, 1), "none");
  EXPECT_THAT(closed(), IsEmpty());
  EXPECT_THAT(offsets(read(0, 2)), ElementsAre(1));
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::DropCase{case_id(0), Instant{9000}, false}});
}

/// Whoever drops a case of a deleted queue does not know whether it was discarded.
TEST_F(CaseHistoryTest, OnlyOneThatWasDiscardedTakesItsMessageAlong) {
  hospital(2);
  trim(0, 2, {0, 1});
  discard(0, 9000);
  --state_.counters.in_hospital;
  ++state_.counters.redirected;
  commit({model::RedirectCase{case_id(1), Instant{9100}, "ward", false}, put_state()});
  commit({model::DropCase{case_id(1), Instant{9100}, false, true}});
  EXPECT_THAT(offsets(read(0, 2)), ElementsAre(0, 1));
  commit({model::DropCase{case_id(0), Instant{8999}, false, true}});
  EXPECT_THAT(offsets(read(0, 2)), ElementsAre(0, 1)) << "it was closed at another time";
  commit({model::DropCase{case_id(0), Instant{9000}, false, true}});
  EXPECT_THAT(offsets(read(0, 2)), ElementsAre(1));
}

TEST_F(CaseHistoryTest, AStartFindsClosedCasesOfDeletedQueues) {
  hospital(3);
  trim(0, 3, {0, 1, 2});
  discard(1, 9100);
  discard(2, 9000);
  EXPECT_THAT(store_->recover().value().at(0).orphaned_cases, IsEmpty()) << "its queue is there";
  commit({model::DropSubscription{queue_.subscription, queue_.log, queue_.lane}});
  EXPECT_THAT(store_->recover().value().at(0).orphaned_cases, IsEmpty()) << "its queue is just being deleted";
  commit({model::DropQueue{queue_.name}});
  reopen();
  const auto orphaned = store_->recover().value().at(0).orphaned_cases;
  ASSERT_THAT(orphaned, SizeIs(1));
  EXPECT_EQ(orphaned[0].subscription, queue_.subscription);
  EXPECT_EQ(orphaned[0].first_closed, Instant{9000});
}

TEST_F(CaseHistoryTest, ADirectoryOfFormat7GetsItsList) {
  hospital(2);
  discard(1, 9000);
  --state_.counters.discarded;
  ++state_.counters.in_hospital;
  commit({model::RestoreCase{case_id(1)}, put_state()});
  close();
  // As format 7 has it: closed, and on no list.
  change_records("hospital", [&](const std::string& key, std::string value) {
    model::CaseRecord record;
    if (keys::last_number(key) != 1 || !decode(value, record)) return value;
    record.state = CaseState::discarded;
    record.closed_at = Instant{9000};
    return encode(record);
  });
  change_records("hospital_index", [](const std::string& key, std::string value) {
    return keys::last_number(key) == 1 ? std::string(1, static_cast<char>(CaseState::discarded)) : value;
  });
  change_records("catalog", [](const std::string& key, std::string value) {
    return key == keys::directory() ? encode(DirectoryRecord{7, 2}) : value;
  });
  open();
  EXPECT_THAT(closed_offsets(), ElementsAre(1));
  EXPECT_EQ(closed().at(0).closed_at, Instant{9000});
  EXPECT_THAT(recovered().subscription->discarded, ElementsAre(Offset(1)));
}

}  // namespace
}  // namespace lazaret::storage

// The audit trail on the disk: read as it was written, trimmed up to an anchor, and checked.
#include "model/audit_chain.h"
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::AuditEntry;
using model::AuditPoint;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class AuditRecords : public StoreFixture {
 protected:
  /// The next entry of the chain, written at `at`.
  const AuditEntry& append(std::int64_t at, const std::string& actor = "ann", const std::string& target = "orders") {
    AuditEntry entry;
    entry.phase = model::AuditPhase::ended;
    entry.at = {at};
    entry.began = 7;
    entry.called_at = {at - 1};
    entry.call = {actor, "127.0.0.1", "patchQueue", target, {{"max_attempts", "7"}}};
    entry.status = 409;
    entry.code = "IN_USE";
    entry.change = {{{"max_attempts", "5"}}, {{"max_attempts", "7"}}};
    head_ = model::chain_behind(head_, entry);
    commit({model::AppendAudit{entry}});
    return entries_.emplace_back(entry);
  }
  model::AuditPage page(const model::AuditQuery& query = {}, std::uint64_t before = 0, std::size_t max = 100) {
    return store_->read_audit(query, before, max).value();
  }
  std::vector<std::uint64_t> numbers(const model::AuditPage& page) {
    std::vector<std::uint64_t> all;
    for (const AuditEntry& entry : page.entries) all.push_back(entry.number);
    return all;
  }
  model::RecoveredShard recovered_shard() { return store_->recover().value()[0]; }

  AuditPoint head_;
  std::vector<AuditEntry> entries_;
};

TEST_F(AuditRecords, AnEntryIsReadAsItWasWritten) {
  append(100);
  append(200);
  reopen();
  EXPECT_THAT(page().entries, ElementsAre(entries_[1], entries_[0])) << "the newest first";
  EXPECT_EQ(page().head, head_);
  EXPECT_EQ(page().anchor, AuditPoint());
  const auto recovered = recovered_shard();
  EXPECT_EQ(recovered.audit_head, head_);
  EXPECT_EQ(recovered.audit_oldest, base::Instant{100});
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(AuditRecords, ANewDirectoryHasNone) {
  const auto recovered = recovered_shard();
  EXPECT_EQ(recovered.audit_head, AuditPoint());
  EXPECT_EQ(recovered.audit_oldest, base::Instant::never());
  EXPECT_THAT(page().entries, IsEmpty());
  EXPECT_THAT(findings(), IsEmpty());
}

/// Format 8 had no entries; its directory has the place for them.
TEST_F(AuditRecords, AnOlderDirectoryBeginsItsTrail) {
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 8;  // field 1, the format
    return value;
  });
  open();
  EXPECT_EQ(recovered_shard().audit_head, AuditPoint());
  append(100);
  reopen();
  EXPECT_THAT(page().entries, SizeIs(1));
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(AuditRecords, PagesAndFilters) {
  for (int i = 0; i < 5; ++i) append(100 * (i + 1), i % 2 == 0 ? "ann" : "bob", i < 3 ? "orders" : "bills");
  EXPECT_THAT(numbers(page({}, 0, 2)), ElementsAre(5, 4));
  EXPECT_EQ(page({}, 0, 2).next, 4u);
  EXPECT_THAT(numbers(page({}, 4, 2)), ElementsAre(3, 2));
  EXPECT_THAT(numbers(page({}, 2, 2)), ElementsAre(1));
  EXPECT_EQ(page({}, 2, 2).next, 0u);
  EXPECT_THAT(numbers(page({.actor = "ann"})), ElementsAre(5, 3, 1));
  EXPECT_THAT(numbers(page({.actor = "ann", .target = "orders"})), ElementsAre(3, 1));
  EXPECT_THAT(numbers(page({.operation = "getCase"})), IsEmpty());
  EXPECT_THAT(numbers(page({.since = base::Instant{299}})), ElementsAre(5, 4, 3)) << "by when the call came";
  EXPECT_THAT(numbers(page({.until = base::Instant{299}})), ElementsAre(2, 1));
  EXPECT_THAT(numbers(page({.since = base::Instant{150}, .until = base::Instant{399}})), ElementsAre(3, 2));
}

TEST_F(AuditRecords, TrimmingKeepsAnAnchorBehindWhichTheChainIsWhole) {
  for (int i = 0; i < 6; ++i) append(100 * (i + 1));
  commit({model::TrimAudit{base::Instant{500}, 2}});
  EXPECT_THAT(numbers(page()), ElementsAre(6, 5, 4, 3)) << "two at a time";
  EXPECT_EQ(page().anchor, entries_[1].point());
  EXPECT_THAT(findings(), IsEmpty());
  // In one commit the second goes on where the first has ended.
  commit({model::TrimAudit{base::Instant{500}, 1}, model::TrimAudit{base::Instant{500}, 100}});
  reopen();
  EXPECT_THAT(numbers(page()), ElementsAre(6, 5)) << "those that are too old, and no more";
  EXPECT_EQ(page().anchor, entries_[3].point());
  EXPECT_EQ(recovered_shard().audit_oldest, base::Instant{500});
  EXPECT_THAT(findings(), IsEmpty());
  commit({model::TrimAudit{base::Instant{5000}, 100}});
  EXPECT_THAT(page().entries, IsEmpty());
  EXPECT_EQ(recovered_shard().audit_head, head_) << "the chain goes on behind what is gone";
  EXPECT_THAT(findings(), IsEmpty());
  append(6000);
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(AuditRecords, TheCheckFindsWhatWasChanged) {
  for (int i = 0; i < 3; ++i) append(100 * (i + 1));
  change_records("audit", [](const std::string& key, std::string value) {
    const std::size_t actor = value.find("ann");
    if (key.size() == 11 && key.back() == 2) value.replace(actor, 3, "bob");
    return value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("entry 2 was changed")));
  EXPECT_THAT(page().entries, SizeIs(3)) << "it is shown all the same";
}

TEST_F(AuditRecords, TheCheckFindsWhatCannotBeDecoded) {
  for (int i = 0; i < 3; ++i) append(100 * (i + 1));
  change_records("audit", [](const std::string& key, std::string value) {
    return key.size() == 11 && key.back() == 2 ? std::string("\x07\xff\xff") : value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("entry 2 was changed")));
  EXPECT_EQ(page().entries.at(1).number, 2u);
}

TEST_F(AuditRecords, TheCheckFindsWhatIsMissing) {
  append(100);
  AuditEntry skipped;
  head_ = model::chain_behind(head_, skipped);
  append(300);
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("entry 2 is missing")));
}

/// What was written last is noted beside the entries.
TEST_F(AuditRecords, TheCheckFindsATailThatIsGone) {
  for (int i = 0; i < 3; ++i) append(100 * (i + 1));
  change_records("audit", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\2", 3)) value[1] = 5;  // field 1: two more had been written
    return value;
  });
  open();
  EXPECT_THAT(findings(), ElementsAre(HasSubstr("entry 4 is missing")));
  EXPECT_EQ(recovered_shard().audit_head.number, 5u) << "no number is given twice";
}

}  // namespace
}  // namespace lazaret::storage

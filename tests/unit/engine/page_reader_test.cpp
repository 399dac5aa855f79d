// What lies together is read together: messages that come back are wished for one by one.
#include "engine/page_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

namespace lazaret::engine {
namespace {

using model::LogId;
using model::Offset;
using model::ShardId;
using ::testing::ElementsAre;

const ShardId kShard(1);
const LogId kLog(7);
const base::Status kNotAsked(base::Code::INTERNAL, "nobody asks for that");

/// A log with a message at every even offset, published at that time, but for those that were imported then, and are
/// older than all. It notes what is read of it.
class EvenStore final : public model::Store {
 public:
  base::Result<model::MessagePage> read_messages(ShardId, LogId, Offset from, Offset until, std::size_t max_messages,
                                                 std::size_t) override {
    reads.push_back(std::to_string(from.value) + "-" + std::to_string(until.value));
    model::MessagePage page;
    page.next = until;
    for (std::uint64_t at = from.value + from.value % 2; at < until.value; at += 2) {
      auto message = std::make_shared<model::Message>();
      message->imported = imported.begin.value <= at && at < imported.end.value;
      (message->imported ? message->imported_at : message->published_at).us = static_cast<std::int64_t>(at);
      page.messages.push_back({Offset(at), std::move(message)});
      if (page.messages.size() < std::min(max_messages, most_in_a_page)) continue;
      page.next = Offset(at + 1);
      break;
    }
    return page;
  }
  base::Result<std::vector<model::RecoveredShard>> recover() override { return kNotAsked; }
  base::Status commit(std::span<const model::MutationGroup>, bool) override { return kNotAsked; }
  base::Result<model::MessagePage> read_prioritised(ShardId, LogId, std::uint8_t priority, Offset from, Offset until,
                                                    std::size_t, std::size_t) override {
    reads.push_back("priority " + std::to_string(priority) + " " + std::to_string(from.value) + "-" +
                    std::to_string(until.value));
    model::MessagePage page;
    page.next = until;
    return page;
  }
  base::Result<std::vector<model::RecoveredDelivery>> read_waiting(ShardId, model::SubscriptionId, model::WaitingPlace,
                                                                   std::size_t) override {
    return kNotAsked;
  }
  base::Result<std::vector<model::OutboxEntryRef>> read_outbox(ShardId, ShardId, std::uint64_t, std::size_t,
                                                               std::size_t) override {
    return kNotAsked;
  }
  base::Result<model::CasePage> list_cases(const model::CaseQuery&, const std::string&, std::size_t) override {
    return kNotAsked;
  }
  base::Result<model::CaseCount> count_cases(const model::CaseQuery&, const std::string&) override { return kNotAsked; }
  base::Result<model::GroupPage> list_groups(const model::CaseQuery&, model::GroupSort, const std::string&,
                                             std::size_t) override {
    return kNotAsked;
  }
  base::Result<model::GroupRecord> read_group(model::GroupId) override { return kNotAsked; }
  base::Result<model::CaseRecord> read_case(const model::CaseId&) override { return kNotAsked; }
  base::Result<std::vector<model::Attempt>> read_attempts(const model::CaseId&) override { return kNotAsked; }
  base::Result<std::optional<model::CaseId>> find_imported(model::ShardId, model::SubscriptionId,
                                                           const model::CaseOrigin&) override {
    return kNotAsked;
  }
  base::Result<std::vector<model::CaseEdit>> read_edits(const model::CaseId&) override { return kNotAsked; }
  base::Result<model::MessageRef> read_version(const model::CaseId&, std::uint32_t) override { return kNotAsked; }
  base::Result<std::vector<model::ClosedCase>> read_closed(model::ShardId, model::SubscriptionId,
                                                           const model::ClosedCase&, std::size_t) override {
    return kNotAsked;
  }
  base::Result<model::CaseSums> case_sums(model::ShardId, model::SubscriptionId) override { return kNotAsked; }
  base::Result<std::vector<model::ReplayJobRecord>> read_replay_jobs() override { return kNotAsked; }
  base::Result<model::ReplayChunk> read_replay_chunk(model::ReplayJobId, std::uint32_t) override { return kNotAsked; }
  base::Result<model::AuditPage> read_audit(const model::AuditQuery&, std::uint64_t, std::size_t) override {
    return kNotAsked;
  }
  base::Result<model::KeptAlerts> read_alerts() override { return kNotAsked; }
  base::Result<std::vector<model::GroupRecord>> recent_groups(base::Instant, std::size_t) override { return kNotAsked; }
  base::Result<std::vector<model::CaseRecord>> oldest_open_cases(std::size_t) override { return kNotAsked; }
  model::StoreUsage usage() override { return {}; }
  base::Status flush() override { return kNotAsked; }
  base::Result<model::CheckReport> check(const std::function<bool(std::uint64_t)>&) override { return kNotAsked; }
  base::Result<std::vector<model::BackupRecord>> list_backups(const std::string&) override { return kNotAsked; }
  base::Result<model::BackupRecord> back_up(const model::BackupPlan&,
                                            const std::function<bool(std::uint64_t)>&) override {
    return kNotAsked;
  }

  std::vector<std::string> reads;
  std::size_t most_in_a_page = 1000;
  model::OffsetRange imported;
};

class PageReaderTest : public ::testing::Test {
 protected:
  /// What is told of these wishes, in order: "offset" or "no offset". They are all there before the first is read.
  std::vector<std::string> told(const std::vector<std::uint64_t>& offsets) {
    std::vector<std::string> told;
    {
      PageReader reader(
          store,
          [&](ShardId shard, const core::Event::What& what) {
            EXPECT_EQ(shard, kShard);
            const auto& loaded = std::get<core::OneLoaded>(what);
            told.push_back((loaded.message ? "" : "no ") + std::to_string(loaded.offset.value));
          },
          [](const base::Status& status) { FAIL() << status.text(); });
      for (const std::uint64_t offset : offsets) {
        reader.submit(kShard, core::LoadOne{model::SubscriptionId(3), 0, kLog, Offset(offset), kLog, Offset(offset)});
      }
      reader.start();
    }
    return told;
  }

  EvenStore store;
};

TEST_F(PageReaderTest, NeighboursAreOneRead) {
  EXPECT_THAT(told({10, 12, 13, 20}), ElementsAre("10", "12", "no 13", "20"));
  EXPECT_THAT(store.reads, ElementsAre("10-21"));
}

TEST_F(PageReaderTest, WhatLiesFarApartOrBackwardsIsNot) {
  EXPECT_THAT(told({10, 1000, 900, 902}), ElementsAre("10", "1000", "900", "902"));
  EXPECT_THAT(store.reads, ElementsAre("10-11", "1000-1001", "900-903"));
}

TEST_F(PageReaderTest, APageThatEndsEarlyIsFollowedByAnother) {
  store.most_in_a_page = 2;
  EXPECT_THAT(told({10, 12, 14, 15, 16}), ElementsAre("10", "12", "14", "no 15", "16"));
  EXPECT_THAT(store.reads, ElementsAre("10-17", "14-17"));
}

/// Whatever was imported: one message is read for each halving, and no stretch is gone through.
TEST_F(PageReaderTest, ATimeIsFoundByHalvesAlsoAmongWhatWasImported) {
  const auto find = [&](std::int64_t time) {
    store.reads.clear();
    const core::FindTime wish{model::SubscriptionId(3), kLog, Offset(0), Offset(10'000), base::Instant{time}};
    const std::uint64_t found = find_time(store, kShard, wish).value().value;
    EXPECT_LE(store.reads.size(), 15u);
    return found;
  };
  const std::vector<model::OffsetRange> stretches = {
      {Offset(0), Offset(0)}, {Offset(20), Offset(8000)}, {Offset(0), Offset(10'000)}};
  for (const model::OffsetRange& imported : stretches) {
    store.imported = imported;
    EXPECT_EQ(find(0), 0u);
    EXPECT_EQ(find(10), 9u) << "where the first begins that is not older";
    EXPECT_EQ(find(500), 499u);
    EXPECT_EQ(find(9000), 8999u);
    EXPECT_EQ(find(10'000), 9999u) << "behind the last";
  }
}

TEST_F(PageReaderTest, OfWhatHasAPriorityItReadsThat) {
  const auto read = [&](std::uint8_t priority) {
    std::optional<core::MessagesLoaded> answer;
    {
      PageReader reader(
          store, [&](ShardId, const core::Event::What& what) { answer = std::get<core::MessagesLoaded>(what); },
          [](const base::Status& status) { FAIL() << status.text(); });
      reader.submit(kShard,
                    core::LoadMessages{model::SubscriptionId(3), 7, kLog, Offset(5), Offset(50), 10, 100, priority});
      reader.start();
    }
    return *answer;
  };
  EXPECT_EQ(read(4).priority, 4);
  EXPECT_EQ(read(0).priority, 0);
  EXPECT_THAT(store.reads, ElementsAre("priority 4 5-50", "5-50"));
}

}  // namespace
}  // namespace lazaret::engine

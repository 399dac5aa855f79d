// What shards owe each other, on the disk: it comes back, goes when it was taken, and is never read as less than it
// was.
#include "unit/storage/store_fixture.h"

namespace lazaret::storage {
namespace {

using model::ShardId;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class OutboxTest : public StoreFixture {
 protected:
  static model::Mutation entry(std::uint64_t number, const std::vector<std::string>& bodies) {
    auto entry = std::make_shared<model::OutboxEntry>();
    entry->to = ShardId(1);
    entry->number = number;
    entry->log = model::LogId(77);
    for (const std::string& body : bodies) entry->messages.push_back(message(body));
    return model::PutOutbox{entry};
  }
  base::Result<std::vector<model::OutboxEntryRef>> owed(std::uint64_t from, std::size_t most = 100) {
    return store_->read_outbox(ShardId(0), ShardId(1), from, most, 1u << 20);
  }
  std::vector<std::uint64_t> numbers(std::uint64_t from, std::size_t most = 100) {
    std::vector<std::uint64_t> numbers;
    const auto entries = owed(from, most);
    for (const auto& one : *entries) numbers.push_back(one->number);
    return numbers;
  }
};

TEST_F(OutboxTest, WhatIsOwedComesBackInOrder) {
  commit({entry(1, {"a", "b"}), entry(2, {"c"}), entry(300, {std::string(100'000, 'x')})});
  reopen();
  const auto shards = *store_->recover();
  ASSERT_THAT(shards.at(0).outboxes, SizeIs(1));
  EXPECT_EQ(shards.at(0).outboxes.at(0).to, ShardId(1));
  EXPECT_EQ(shards.at(0).outboxes.at(0).taken, 0u);
  EXPECT_EQ(shards.at(0).outboxes.at(0).last, 300u);
  EXPECT_THAT(shards.at(1).outboxes, IsEmpty());
  EXPECT_THAT(numbers(1), ElementsAre(1u, 2u, 300u));
  EXPECT_THAT(numbers(2, 1), ElementsAre(2u));
  const auto first = owed(1)->front();
  EXPECT_EQ(first->log, model::LogId(77));
  EXPECT_EQ(first->messages.at(1)->body.view(), "b");
}

TEST_F(OutboxTest, AReplyNamesTheQueueThatWasAsked) {
  auto entry = std::make_shared<model::OutboxEntry>();
  entry->to = ShardId(1);
  entry->number = 1;
  entry->log = model::LogId(77);
  entry->asked = model::SubscriptionId(88);
  entry->messages.push_back(message("3 euros"));
  commit({model::PutOutbox{entry}});
  reopen();
  const auto read = owed(1)->front();
  EXPECT_EQ(read->log, model::LogId(77));
  EXPECT_EQ(read->asked, model::SubscriptionId(88));
  EXPECT_EQ(read->messages.at(0)->body.view(), "3 euros");
}

/// Which of its messages are requests, and where their replies go.
class OutboxOfAsks : public OutboxTest {
 protected:
  static model::AskedAlong ask(std::uint32_t place) {
    auto to = std::make_shared<model::ReplyAddress>();
    to->shard = ShardId(1);
    to->log = model::LogId(99);
    to->queue = "replies";
    to->context = {{"order", "17"}, {"order", std::string("\0\xff", 2)}};
    to->correlation_id = "order 17";
    model::MessageId id;
    id.bytes[15] = static_cast<std::uint8_t>(place + 1);
    return {place, id, base::Instant{1'700'000'000'000'000 + place}, to};
  }
  static model::Mutation entry_of(std::uint64_t number, const std::vector<std::string>& bodies,
                                  const std::vector<std::uint32_t>& places) {
    auto entry = std::make_shared<model::OutboxEntry>();
    entry->to = ShardId(1);
    entry->number = number;
    entry->log = model::LogId(77);
    for (const std::string& body : bodies) entry->messages.push_back(message(body));
    for (const std::uint32_t place : places) entry->asks.push_back(ask(place));
    return model::PutOutbox{entry};
  }
  /// Flips a bit of this text in the entries.
  void damage(const std::string& text) {
    close();
    change_records("outbox", [&](const std::string&, std::string value) {
      const std::size_t at = value.find(text);
      if (at != std::string::npos) value[at] = static_cast<char>(value[at] ^ 1);
      return value;
    });
    open();
  }
};

TEST_F(OutboxOfAsks, TheyComeBackWithTheirMessages) {
  commit({entry_of(1, {"a", "tea", "b", "milk"}, {1, 3}), entry(2, {"c"})});
  reopen();
  EXPECT_THAT(findings(), IsEmpty());
  const auto first = owed(1)->front();
  EXPECT_EQ(first->log, model::LogId(77));
  EXPECT_FALSE(first->asked);
  EXPECT_THAT(first->messages, SizeIs(4));
  ASSERT_THAT(first->asks, SizeIs(2));
  const model::AskedAlong& milk = first->asks[1];
  EXPECT_EQ(milk.place, 3u);
  EXPECT_EQ(milk.id, ask(3).id);
  EXPECT_EQ(milk.deadline, ask(3).deadline);
  EXPECT_EQ(milk.reply_to->shard, ShardId(1));
  EXPECT_EQ(milk.reply_to->log, model::LogId(99));
  EXPECT_EQ(milk.reply_to->queue, "replies");
  EXPECT_EQ(milk.reply_to->context, ask(3).reply_to->context);
  EXPECT_EQ(milk.reply_to->correlation_id, "order 17");
  EXPECT_THAT(owed(2)->front()->asks, IsEmpty());
  commit({model::DropOutbox{ShardId(1), 1, 2}});
  close();
  EXPECT_EQ(count_records("outbox"), 1u) << "but for how far it was taken";
  open();
}

TEST_F(OutboxOfAsks, WhatFormatSevenWroteAsksNothing) {
  commit({entry(1, {"a", "b"})});
  close();
  change_records("catalog", [](const std::string& key, std::string value) {
    if (key == std::string("\0\0\1", 3)) value[1] = 7;  // field 1, the format
    return value;
  });
  open();
  commit({entry_of(2, {"tea"}, {0})});
  reopen();
  EXPECT_THAT(owed(1)->front()->messages, SizeIs(2));
  EXPECT_THAT(owed(1)->front()->asks, IsEmpty());
  EXPECT_THAT(owed(2)->front()->asks, SizeIs(1));
}

TEST_F(OutboxOfAsks, OneWhoseMessageIsDamagedGoesWithIt) {
  commit({entry_of(1, {"whole", "a body that stands nowhere else", "tea"}, {1, 2})});
  damage("nowhere");
  EXPECT_EQ(owed(1).status().code(), base::Code::STORAGE_DAMAGED);
  close();
  ASSERT_TRUE(try_open(true).ok());
  const auto left = owed(1)->front();
  EXPECT_THAT(left->messages, SizeIs(2));
  ASSERT_THAT(left->asks, SizeIs(1));
  EXPECT_EQ(left->asks[0].place, 1u);
  EXPECT_EQ(left->asks[0].id, ask(2).id);
}

TEST_F(OutboxOfAsks, WhatCannotBeReadIsDamaged) {
  commit({entry_of(1, {"tea"}, {5})});
  EXPECT_EQ(owed(1).status().code(), base::Code::STORAGE_DAMAGED) << "a request without a message";
  EXPECT_THAT(findings(), Contains(HasSubstr("entry 1: it is damaged")));
}

TEST_F(OutboxTest, WhatWasTakenIsGoneAndItsNumberIsKnown) {
  commit({entry(1, {"a"}), entry(2, {"b"})});
  commit({model::DropOutbox{ShardId(1), 1, 2}});
  commit({model::PutInbox{ShardId(0), 2}}, 1);
  reopen();
  const auto shards = *store_->recover();
  EXPECT_THAT(numbers(1), IsEmpty());
  EXPECT_EQ(shards.at(0).outboxes.at(0).taken, 2u);
  EXPECT_EQ(shards.at(0).outboxes.at(0).last, 2u);
  ASSERT_THAT(shards.at(1).inboxes, SizeIs(1));
  EXPECT_EQ(shards.at(1).inboxes.at(0).taken, 2u);
}

TEST_F(OutboxTest, WhatIsDamagedIsNotPassedOverUnlessSomebodySaysSo) {
  commit({entry(1, {"whole"}), entry(2, {"half", "a body that stands nowhere else"}), entry(3, {"behind"})});
  close();
  change_records("outbox", [](const std::string&, std::string value) {
    const std::size_t at = value.find("nowhere");
    if (at != std::string::npos) value[at] = 'N';
    return value;
  });
  open();
  EXPECT_THAT(numbers(1), ElementsAre(1u));
  ASSERT_FALSE(owed(2).ok());
  EXPECT_EQ(owed(2).status().code(), base::Code::STORAGE_DAMAGED);
  EXPECT_THAT(findings(), Contains(HasSubstr("entry 2: it is damaged")));
  close();
  ASSERT_TRUE(try_open(true).ok());
  EXPECT_THAT(numbers(1), ElementsAre(1u, 2u, 3u));
  EXPECT_THAT(owed(2)->front()->messages, SizeIs(1));
}

TEST_F(OutboxTest, AGapIsFound) {
  commit({entry(1, {"a"}), entry(3, {"c"})});
  EXPECT_THAT(findings(), Contains(HasSubstr("entry 2: it is missing")));
}

}  // namespace
}  // namespace lazaret::storage

// Where durable requests may go, where their replies may, and what they may leave with the broker.
#include "engine/asked_along.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::engine {
namespace {

using base::Code;
namespace limits = model::limits;

class AskedAlongTest : public ::testing::Test {
 protected:
  AskedAlongTest() {
    put("prices", 1, model::Kind::queue);
    put("answers", 2, model::Kind::queue);
    put("news", 3, model::Kind::topic);
    put("reader", 4, model::Kind::subscription);
  }
  void put(const std::string& name, std::uint64_t id, model::Kind kind) {
    model::QueueRecord record;
    record.name = name;
    record.subscription = model::SubscriptionId(id);
    record.log = model::LogId(id);
    record.shard = model::ShardId(static_cast<std::uint32_t>(id % 2));
    record.kind = kind;
    directory_.put(std::make_shared<const model::QueueRecord>(std::move(record)));
  }
  base::Result<model::ReplyAddressRef> to(const std::string& name, AskContext context = {}) {
    return reply_address(directory_, name, std::move(context), "order-17");
  }

  Directory directory_;
};

TEST_F(AskedAlongTest, AReplyGoesToAQueueWithWhatWasLeft) {
  const auto address = to("answers", {{"order", "17"}});
  ASSERT_TRUE(address.ok()) << address.status().text();
  EXPECT_EQ((*address)->log.value, 2u);
  EXPECT_EQ((*address)->shard.value, 0u);
  EXPECT_EQ((*address)->queue, "answers");
  EXPECT_EQ((*address)->correlation_id, "order-17");
  EXPECT_EQ((*address)->context, (AskContext{{"order", "17"}}));
  EXPECT_EQ(to("nowhere").code(), Code::NOT_FOUND);
  EXPECT_EQ(to("news").code(), Code::BAD_REQUEST);
  EXPECT_EQ(to("reader").code(), Code::BAD_REQUEST);
}

TEST_F(AskedAlongTest, AContextIsNoLargerThanHeaders) {
  EXPECT_EQ(to("answers", {{"", "x"}}).code(), Code::BAD_REQUEST);
  EXPECT_TRUE(to("answers", AskContext(limits::kHeaderCount, {"x", "y"})).ok());
  EXPECT_EQ(to("answers", AskContext(limits::kHeaderCount + 1, {"x", "y"})).status().limit(), "context_count");
  EXPECT_TRUE(to("answers", {{std::string(limits::kEnvelopeFieldBytes, 'x'), "y"}}).ok());
  const auto long_name = to("answers", {{std::string(limits::kEnvelopeFieldBytes + 1, 'x'), "y"}});
  EXPECT_EQ(long_name.code(), Code::HEADERS_TOO_LARGE);
  EXPECT_EQ(long_name.status().limit(), "context_name");
  EXPECT_TRUE(to("answers", {{"x", std::string(limits::kContextBytes - 1, 'y')}}).ok());
  EXPECT_EQ(to("answers", {{"x", std::string(limits::kContextBytes, 'y')}}).status().limit(), "context_bytes");
}

TEST_F(AskedAlongTest, WhatNeedsNoQueueIsSaidBeforeThereIsOne) {
  EXPECT_TRUE(check_ask("unheard", "unheard.replies", {{"order", "17"}}).ok());
  EXPECT_EQ(check_ask("unheard", "unheard", {}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check_ask("unheard", "unheard.replies", {{"", "x"}}).code(), Code::BAD_REQUEST);
  const AskContext many(limits::kHeaderCount + 1, {"x", "y"});
  EXPECT_EQ(check_ask("unheard", "unheard.replies", many).code(), Code::HEADERS_TOO_LARGE);
}

TEST_F(AskedAlongTest, ARequestGoesToAnotherQueueThanItsReply) {
  const auto address = to("answers");
  ASSERT_TRUE(address.ok());
  const auto id = model::MessageId::v7(1, 2, 3);
  const auto ask = asked_along(*directory_.find("prices"), id, base::Instant{5}, *address);
  ASSERT_TRUE(ask.ok()) << ask.status().text();
  EXPECT_EQ(ask->id, id);
  EXPECT_EQ(ask->deadline.us, 5);
  EXPECT_EQ(ask->reply_to, *address);
  EXPECT_EQ(asked_along(*directory_.find("answers"), id, base::Instant{5}, *address).code(), Code::BAD_REQUEST);
  EXPECT_EQ(asked_along(*directory_.find("news"), id, base::Instant{5}, *address).code(), Code::BAD_REQUEST);
}

}  // namespace
}  // namespace lazaret::engine

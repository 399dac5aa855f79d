// What a peek shows: of a queue or subscription each message with its state, of a topic without one.
#include <gtest/gtest.h>

#include "lazaret/wire/v1/frames.pb.h"
#include "wire/frames.h"

namespace lazaret::wire {
namespace {

base::Result<Peeked> received(const std::string& header) {
  Frame frame;
  frame.header = header;
  return decode<Peeked>(frame);
}

TEST(Peeked, AMessageHasItsStateOrNone) {
  Peeked said;
  said.messages.resize(3);
  said.messages[0].state = model::MessageState::leased;
  said.messages[1].state = std::nullopt;
  const OutFrame sent = encode(said);
  const auto heard = received(sent.head.substr(kFramePrefixBytes));
  ASSERT_TRUE(heard.ok());
  ASSERT_EQ(heard->messages.size(), 3u);
  EXPECT_EQ(heard->messages[0].state, model::MessageState::leased);
  EXPECT_EQ(heard->messages[1].state, std::nullopt);
  EXPECT_EQ(heard->messages[2].state, model::MessageState::ready);
}

TEST(Peeked, ALeaseSaysWhoseItIsAndUntilWhen) {
  Peeked said;
  said.messages.resize(2);
  said.messages[0].state = model::MessageState::leased;
  said.messages[0].until = base::Instant{7};
  said.messages[0].consumer = model::ConsumerInfo{"shop", "web1", "1.2", {}};
  const auto heard = received(encode(said).head.substr(kFramePrefixBytes));
  ASSERT_TRUE(heard.ok());
  EXPECT_EQ(heard->messages.at(0).until.us, 7);
  EXPECT_EQ(heard->messages.at(0).consumer, said.messages[0].consumer);
  EXPECT_EQ(heard->messages.at(1).until.us, 0);
  EXPECT_EQ(heard->messages.at(1).consumer, std::nullopt);
}

TEST(Peeked, AStateOfANewerVersionCountsAsReady) {
  v1::Peeked said;
  said.add_messages()->set_state("levitating");
  const auto heard = received(said.SerializeAsString());
  ASSERT_TRUE(heard.ok());
  EXPECT_EQ(heard->messages.at(0).state, model::MessageState::ready);
}

}  // namespace
}  // namespace lazaret::wire

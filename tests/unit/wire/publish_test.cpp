// PUBLISH: what an item says comes out as it went in; what an envelope is given by the broker.
#include <gtest/gtest.h>

#include "base/crc32c.h"
#include "wire/envelope.h"
#include "wire/frames.h"
#include "wire/protobuf_frame.h"

namespace lazaret::wire {
namespace {

using namespace std::chrono_literals;

/// Through the bytes of a frame.
Publish through(const Publish& sent) {
  v1::Publish header;
  for (const PublishItem& item : sent.items) {
    v1::PublishItem* to = header.add_items();
    to->set_delay_us(static_cast<std::uint64_t>(item.delay.count()));
    to->set_deliver_at_us(item.deliver_at.us);
    to->set_ttl_us(static_cast<std::uint64_t>(item.ttl.count()));
  }
  const std::string bytes = header.SerializeAsString();
  Frame frame;
  frame.header = bytes;
  return decode<Publish>(frame).value();
}

TEST(PublishItem, TimesComeOutAsTheyWentIn) {
  Publish sent;
  sent.items.resize(2);
  sent.items[0].delay = 5s;
  sent.items[0].ttl = 7s;
  sent.items[1].deliver_at = {1'700'000'000'000'000};
  const Publish received = through(sent);
  ASSERT_EQ(received.items.size(), 2u);
  EXPECT_EQ(received.items[0].delay, 5s);
  EXPECT_EQ(received.items[0].ttl, 7s);
  EXPECT_EQ(received.items[0].deliver_at.us, 0);
  EXPECT_EQ(received.items[1].delay, 0s);
  EXPECT_EQ(received.items[1].deliver_at.us, 1'700'000'000'000'000);
}

TEST(PublishItem, WhatOverflowsIsFarAwayAndNotInThePast) {
  v1::Publish header;
  header.add_items()->set_delay_us(~0ull);
  const std::string bytes = header.SerializeAsString();
  Frame frame;
  frame.header = bytes;
  EXPECT_GT(decode<Publish>(frame).value().items[0].delay, 24h * 3653);
}

TEST(Envelope, TheBrokerAddsWhenItExpiresAndKeepsTheRest) {
  Envelope envelope;
  envelope.type = "order";
  envelope.id = base::Uuid::v7(1, 2, 3);
  const std::string bytes = with_expiry(encode_envelope(envelope), 77);
  EnvelopeFacts facts;
  ASSERT_TRUE(check_envelope(bytes, 1000, facts).ok());
  EXPECT_TRUE(facts.has_id);
  EXPECT_EQ(facts.expires_at_us, 77);
  envelope.expires_at_us = 77;
  EXPECT_EQ(decode_envelope(bytes).value(), envelope);
}

TEST(Envelope, TheBrokerIsToldItsPriorityAndRefusesOthers) {
  Envelope envelope;
  EnvelopeFacts facts;
  for (const std::uint32_t priority : {0u, 9u}) {
    envelope.priority = priority;
    ASSERT_TRUE(check_envelope(encode_envelope(envelope), 1000, facts).ok());
    EXPECT_EQ(facts.priority, priority);
  }
  for (const std::uint32_t wrong : {10u, 256u, ~0u}) {
    envelope.priority = wrong;
    EXPECT_EQ(check_envelope(encode_envelope(envelope), 1000, facts).code(), base::Code::BAD_REQUEST) << wrong;
  }
}

TEST(Features, AreThoseThatBothKnow) {
  EXPECT_EQ(features_of_both({}), std::vector<std::string>());
  EXPECT_EQ(features_of_both({"time", "telepathy"}), std::vector<std::string>{"time"});
}

}  // namespace
}  // namespace lazaret::wire

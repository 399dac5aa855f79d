// The hash of an ordering key stands on the disk: it is the same for ever, and read out of any envelope.
#include <gtest/gtest.h>

#include "lazaret/wire/v1/envelope.pb.h"
#include "wire/envelope.h"

namespace lazaret::wire {
namespace {

TEST(KeyHash, IsFnv1aOfTheKey) {
  EXPECT_EQ(model::hash_of_key("").value, 0u);
  EXPECT_EQ(model::hash_of_key("a").value, 0xaf63dc4c8601ec8cull);
  EXPECT_EQ(model::hash_of_key("foobar").value, 0x85944171f73967e8ull);
}

TEST(KeyHash, IsReadBesideEverythingElse) {
  Envelope envelope;
  envelope.id = base::Uuid::v7(1, 2, 3);
  envelope.type = "order.created";
  envelope.headers = {{"trace", std::string(300, 'x')}};
  envelope.expires_at_us = 17;
  envelope.priority = 3;
  EXPECT_EQ(key_hash(encode_envelope(envelope)).value, 0u);
  envelope.key = "customer 7";
  EXPECT_EQ(key_hash(encode_envelope(envelope)), model::hash_of_key("customer 7"));
  envelope.id = {};
  EXPECT_EQ(key_hash(with_id(encode_envelope(envelope), base::Uuid::v7(1, 2, 3))), model::hash_of_key("customer 7"));
}

TEST(KeyHash, WhatMergesLaterCountsAsInProtobuf) {
  Envelope first;
  first.key = "first";
  Envelope second;
  second.key = "second";
  const std::string merged = encode_envelope(first) + encode_envelope(second);
  EXPECT_EQ(decode_envelope(merged).value().key, "second");
  EXPECT_EQ(key_hash(merged), model::hash_of_key("second"));
}

TEST(KeyHash, BytesThatAreNoEnvelopeDoNoHarm) {
  const std::string some[] = {"\x12", "\x12\x7f", "\x12\xff\xff\xff\xff\x0f", "\x0b\x12\x01x", "\xff\xff\xff"};
  for (const std::string& bytes : some) {
    EXPECT_EQ(key_hash(bytes).value, 0u);
  }
}

TEST(MessageFacts, AreReadBesideEverythingElse) {
  Envelope envelope;
  envelope.id = base::Uuid::v7(1, 2, 3);
  envelope.type = "order.created";
  envelope.key = "customer 7";
  envelope.content_type = "text/plain";
  envelope.correlation_id = "c-1";
  envelope.schema_id = "order@2";
  envelope.headers = {{"region", "eu"}, {"empty", ""}, {"region", std::string(300, 'x')}};
  envelope.expires_at_us = 17;
  envelope.traceparent = "00-1-2-01";
  const std::string bytes = encode_envelope(envelope);
  model::MessageFacts facts;
  read_facts(bytes, facts);
  EXPECT_EQ(facts.type, "order.created");
  EXPECT_EQ(facts.key, "customer 7");
  EXPECT_EQ(facts.content_type, "text/plain");
  EXPECT_EQ(facts.correlation_id, "c-1");
  EXPECT_EQ(facts.schema_id, "order@2");
  ASSERT_EQ(facts.headers.size(), 3u);
  EXPECT_EQ(facts.headers[0], (std::pair<std::string_view, std::string_view>("region", "eu")));
  EXPECT_EQ(facts.headers[1], (std::pair<std::string_view, std::string_view>("empty", "")));
  EXPECT_EQ(facts.headers[2].second.size(), 300u);
  read_facts(encode_envelope(Envelope()), facts);
  EXPECT_EQ(facts.type, "");
  EXPECT_TRUE(facts.headers.empty());
}

TEST(MessageFacts, BytesThatAreNoEnvelopeDoNoHarm) {
  const std::string some[] = {"\x2a\x7f", "\x2a\x02\x0a\x7f", "\x1a\xff\xff\xff\xff\x0f", "\xff\xff\xff"};
  model::MessageFacts facts;
  for (const std::string& bytes : some) {
    read_facts(bytes, facts);
    EXPECT_EQ(facts.type, "");
  }
}

}  // namespace
}  // namespace lazaret::wire

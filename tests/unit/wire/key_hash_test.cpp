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

}  // namespace
}  // namespace lazaret::wire

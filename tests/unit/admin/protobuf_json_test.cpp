// What is shown of protobuf bodies against what was asked for: the same in another spelling, or something else.
#include "admin/protobuf_json.h"

#include <google/protobuf/any.pb.h>
#include <google/protobuf/struct.pb.h>
#include <google/protobuf/timestamp.pb.h>
#include <google/protobuf/type.pb.h>
#include <google/protobuf/util/type_resolver_util.h>
#include <google/protobuf/wrappers.pb.h>
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include <boost/json/parse.hpp>

namespace lazaret::admin {
namespace {

namespace pb = google::protobuf;

class ProtobufJsonTest : public ::testing::Test {
 protected:
  template <class Message>
  bool same(const char* asked, const char* shown) {
    const auto wanted = boost::json::parse(asked);
    const auto taken = check_protobuf_json(pool_, *resolver_, *Message::descriptor(), wanted);
    EXPECT_TRUE(taken.ok()) << asked << ": " << taken.text();
    return says_the_same(pool_, *resolver_, *Message::descriptor(), wanted, boost::json::parse(shown));
  }

  const pb::DescriptorPool& pool_ = *pb::DescriptorPool::generated_pool();
  const std::unique_ptr<pb::util::TypeResolver> resolver_{
      pb::util::NewTypeResolverForDescriptorPool("type.googleapis.com", &pool_)};
};

TEST_F(ProtobufJsonTest, AnotherSpellingSaysTheSame) {
  EXPECT_TRUE(same<pb::Field>(R"({"number": "007", "name": "a"})", R"({"name":"a","number":7})"));
  EXPECT_TRUE(same<pb::Field>(R"({"number": 0, "name": "", "packed": false, "options": [], "kind": 0})", "{}"));
  EXPECT_TRUE(same<pb::Field>(R"({"number": null, "options": null, "kind": "TYPE_UNKNOWN"})", "{}"));
  EXPECT_TRUE(same<pb::Field>(R"({"kind": 1})", R"({"kind":"TYPE_DOUBLE"})"));
  EXPECT_TRUE(same<pb::Int64Value>("17", R"("17")"));
  EXPECT_TRUE(same<pb::UInt64Value>("18446744073709551615", R"("18446744073709551615")"));
  EXPECT_TRUE(same<pb::DoubleValue>("17.0", "17"));
  EXPECT_TRUE(same<pb::DoubleValue>(R"("NaN")", R"("NaN")"));
  EXPECT_TRUE(same<pb::FloatValue>("0.123456789012345", "0.123456791"));
  EXPECT_TRUE(same<pb::BytesValue>(R"("AP8=")", R"("AP8=")"));
  EXPECT_TRUE(same<pb::Timestamp>(R"("2026-11-27T09:00:00+01:00")", R"("2026-11-27T08:00:00Z")"));
  EXPECT_TRUE(same<pb::Struct>(R"({"a": [1, null, {"b": 2.0}]})", R"({"a":[1,null,{"b":2}]})"));
  EXPECT_TRUE(same<pb::Type>(R"({"fields": [{"name": "x"}, {}], "syntax": 1})",
                             R"({"fields":[{"name":"x"},{}],"syntax":"SYNTAX_PROTO3"})"));
  EXPECT_TRUE(same<pb::Any>(R"({"value": 0, "@type": "type.googleapis.com/google.protobuf.Int64Value"})",
                            R"({"@type":"type.googleapis.com/google.protobuf.Int64Value"})"));
  EXPECT_TRUE(same<pb::Any>(R"({"number": 7, "@type": "type.googleapis.com/google.protobuf.Field"})",
                            R"({"@type":"type.googleapis.com/google.protobuf.Field","number":7})"));
}

TEST_F(ProtobufJsonTest, WhatIsLostChangedOrAddedIsSeen) {
  EXPECT_FALSE(same<pb::Field>(R"({"number": 7, "name": "a"})", R"({"number":7})"));
  EXPECT_FALSE(same<pb::Field>(R"({"number": 7})", R"({"number":7,"name":"a"})"));
  EXPECT_FALSE(same<pb::Field>(R"({"number": 7, "oneof_index": 8})", R"({"number":8,"oneof_index":7})"));
  EXPECT_FALSE(same<pb::Field>(R"({"packed": true})", "{}"));
  EXPECT_FALSE(same<pb::Field>(R"({"kind": "TYPE_FLOAT"})", R"({"kind":"TYPE_DOUBLE"})"));
  EXPECT_FALSE(same<pb::Type>(R"({"oneofs": ["a", "b"]})", R"({"oneofs":["b","a"]})"));
  EXPECT_FALSE(same<pb::Type>(R"({"oneofs": ["a", "b"]})", R"({"oneofs":["a"]})"));
  EXPECT_FALSE(same<pb::Type>(R"({"source_context": {}})", "{}")) << "a message that is there has nothing in it";
  EXPECT_FALSE(same<pb::Type>(R"({"fields": [{"name": "x"}]})", R"({"fields":[{"name":"y"}]})"));
  EXPECT_FALSE(same<pb::Int64Value>("17", R"("18")"));
  EXPECT_FALSE(same<pb::DoubleValue>("0.1", "0.10000000000000002"));
  EXPECT_FALSE(same<pb::BytesValue>(R"("AP8=")", R"("AP4=")"));
  EXPECT_FALSE(same<pb::Timestamp>(R"("2026-11-27T09:00:00Z")", R"("2026-11-27T08:00:00Z")"));
  EXPECT_FALSE(same<pb::Struct>(R"({"a": 1})", R"({"a":"1"})"));
  EXPECT_FALSE(same<pb::Struct>(R"({"a": null})", "{}"));
  EXPECT_FALSE(same<pb::Struct>(R"({"a": [1, 2]})", R"({"a":[1]})"));
  EXPECT_FALSE(same<pb::Any>(R"({"@type": "type.googleapis.com/google.protobuf.Int64Value", "value": 1})",
                             R"({"@type":"type.googleapis.com/google.protobuf.Int64Value"})"));
  EXPECT_FALSE(same<pb::Any>(R"({"@type": "type.googleapis.com/google.protobuf.Int64Value", "value": 1})",
                             R"({"@type":"type.googleapis.com/google.protobuf.UInt64Value","value":"1"})"));
}

}  // namespace
}  // namespace lazaret::admin

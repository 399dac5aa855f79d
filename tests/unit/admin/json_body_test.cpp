#include "admin/json_body.h"

#include <gtest/gtest.h>

#include <boost/json/parse.hpp>

namespace lazaret::admin {
namespace {

using base::Code;

std::string merge(const std::string& body, const std::string& patch) {
  const auto result = merged(body, boost::json::parse(patch));
  return result.ok() ? *result : std::string(base::error_info(result.code()).name);
}

/// The examples of RFC 7396, appendix A.
TEST(JsonBody, MergesAsTheRfcDoes) {
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"b":"c"})"), R"({"a":"b","b":"c"})");
  EXPECT_EQ(merge(R"({"a":"b"})", R"({"a":null})"), R"({})");
  EXPECT_EQ(merge(R"({"a":"b","b":"c"})", R"({"a":null})"), R"({"b":"c"})");
  EXPECT_EQ(merge(R"({"a":["b"]})", R"({"a":"c"})"), R"({"a":"c"})");
  EXPECT_EQ(merge(R"({"a":"c"})", R"({"a":["b"]})"), R"({"a":["b"]})");
  EXPECT_EQ(merge(R"({"a":{"b":"c"}})", R"({"a":{"b":"d","c":null}})"), R"({"a":{"b":"d"}})");
  EXPECT_EQ(merge(R"({"a":[{"b":"c"}]})", R"({"a":[1]})"), R"({"a":[1]})");
  EXPECT_EQ(merge(R"(["a","b"])", R"(["c","d"])"), R"(["c","d"])");
  EXPECT_EQ(merge(R"({"a":"b"})", R"(["c"])"), R"(["c"])");
  EXPECT_EQ(merge(R"({"a":"foo"})", "null"), "null");
  EXPECT_EQ(merge(R"({"e":null})", R"({"a":1})"), R"({"e":null,"a":1})");
  EXPECT_EQ(merge(R"([1,2])", R"({"a":"b","c":null})"), R"({"a":"b"})");
  EXPECT_EQ(merge("{}", R"({"a":{"bb":{"ccc":null}}})"), R"({"a":{"bb":{}}})");
}

TEST(JsonBody, WhatIsTakenOutLeavesTheOthersInTheirOrder) {
  EXPECT_EQ(merge(R"({"a":1,"b":2,"c":3,"d":4})", R"({"b":null})"), R"({"a":1,"c":3,"d":4})");
}

TEST(JsonBody, AMergeThatChangesNothingLeavesEveryByte) {
  const std::string body = "{ \"a\": 1,\n \"b\": {\"c\": [0.10]} }";
  for (const char* patch : {"{}", R"({"a":1})", R"({"x":null})", R"({"b":{"c":[0.1],"d":null}})"}) {
    EXPECT_EQ(merge(body, patch), body) << patch;
  }
  EXPECT_EQ(merge(body, R"({"a":2})"), R"({"a":2,"b":{"c":[0.1]}})");
}

TEST(JsonBody, AMergeChangesNoNumberThatItDoesNotName) {
  EXPECT_EQ(merge(R"({"n":18446744073709551615,"x":0})", R"({"x":1})"), R"({"n":18446744073709551615,"x":1})");
  EXPECT_EQ(merge(R"({"n":0.1,"x":0})", R"({"x":1})"), R"({"n":0.1,"x":1})");
  EXPECT_EQ(merge(R"({"n":123456789012345678901,"x":0})", R"({"x":1})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"n":0.12345678901234567,"x":0})", R"({"x":1})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"n":"123456789012345678901","x":0})", R"({"x":1})"), R"({"n":"123456789012345678901","x":1})");
}

TEST(JsonBody, AMergeDropsNoMemberOfTwoThatHaveOneName) {
  EXPECT_EQ(merge(R"({"a":1,"a":2})", R"({"b":1})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"a":1,"a":2})", R"({"a":3})"), "INVALID_BODY") << "nobody knows which is meant";
  EXPECT_EQ(merge(R"({"a":1,"\u0061":2})", R"({"b":1})"), "INVALID_BODY") << "the same name";
  EXPECT_EQ(merge(R"({"x":[{"a":1,"b":[],"a":2}]})", R"({"b":1})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"x":{"y":{"a":1,"a":2}}})", R"({"x":{"z":1}})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"x":{"a":1,"a":2}})", R"({"x":{"z":1}})"), "INVALID_BODY") << "it is merged with";
  EXPECT_EQ(merge(R"({"a":1,"a":1})", "{}"), "INVALID_BODY");
  // What something else takes the place of has said what it had to say.
  EXPECT_EQ(merge(R"({"x":{"a":1,"a":2},"y":1})", R"({"x":3})"), R"({"x":3,"y":1})");
  EXPECT_EQ(merge(R"({"x":[{"a":1,"a":2}],"y":1})", R"({"x":{"a":3}})"), R"({"x":{"a":3},"y":1})");
  EXPECT_EQ(merge(R"({"x":[[{"a":1,"a":2}],{}],"y":1})", R"({"x":null})"), R"({"y":1})");
  EXPECT_EQ(merge(R"({"a":1,"a":2})", "[]"), "[]");
  // One name in two objects is none that stands twice.
  EXPECT_EQ(merge(R"({"a":{"a":[{"a":1},{"a":1}]},"b":{"a":1}})", R"({"b":{"a":2}})"),
            R"({"a":{"a":[{"a":1},{"a":1}]},"b":{"a":2}})");
}

TEST(JsonBody, MergesWithJsonOnly) {
  EXPECT_EQ(merge("no JSON", R"({"x":1})"), "INVALID_BODY");
  EXPECT_EQ(merge("[" + std::string(kMergeBytes, ' ') + "]", R"({"x":1})"), "INVALID_BODY");
}

TEST(JsonBody, AMergeMayReplaceOrTakeOutANumberWhateverItIs) {
  const std::string fragile = "0.30000000000000004";
  EXPECT_EQ(merge(R"({"n":)" + fragile + "}", R"({"n":1})"), R"({"n":1})");
  EXPECT_EQ(merge(R"( {"x":0, "n" : )" + fragile + R"( , "y":2})", R"({"n":null})"), R"({"x":0,"y":2})");
  EXPECT_EQ(merge(R"({"a":{"n":[)" + fragile + R"(,{}],"x":0}})", R"({"a":{"n":[2]}})"), R"({"a":{"n":[2],"x":0}})");
  EXPECT_EQ(merge(R"({"a":[)" + fragile + R"(]})", R"({"a":{"x":1}})"), R"({"a":{"x":1}})")
      << "a list becomes an object";
  EXPECT_EQ(merge(R"({"\u006e":)" + fragile + "}", R"({"n":1})"), R"({"n":1})") << "the same name";
  EXPECT_EQ(merge(R"({"n}\"":)" + fragile + R"(,"x":"]"})", R"({"n}\"":1})"), R"({"n}\"":1,"x":"]"})");
  EXPECT_EQ(merge(fragile, R"({"x":1})"), R"({"x":1})");
  EXPECT_EQ(merge("[" + fragile + "]", "[1]"), "[1]");
  // What stays is still looked at, wherever it stands.
  EXPECT_EQ(merge(R"({"n":1,"m":)" + fragile + "}", R"({"n":2})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"a":{"n":1,"m":[{"k":)" + fragile + R"(}]}})", R"({"a":{"n":2}})"), "INVALID_BODY");
  EXPECT_EQ(merge(R"({"a":{"n":)" + fragile + "}}", R"({"n":1,"a":{}})"), "INVALID_BODY") << "another n";
  EXPECT_EQ(merge(R"({"a":[],"b":{},"c":"","d":null,"m":)" + fragile + "}", R"({"a":1,"b":1,"c":1,"d":1})"),
            "INVALID_BODY");
}

/// What is allowed in bytes has room in memory, but for what is nothing but the smallest values.
TEST(JsonBody, AMergeHasRoomForManySmallValues) {
  const auto numbers = [](std::size_t bytes) {
    std::string list = "1";
    while (list.size() < bytes) list += ",1";
    return R"({"n":[)" + list + R"(],"x":)";
  };
  for (const std::size_t bytes : {4'000u, 600'000u}) {
    EXPECT_EQ(merge(numbers(bytes) + "0}", R"({"x":1})"), numbers(bytes) + "1}") << bytes;
  }
  const auto patch = boost::json::parse(R"({"x":1})");
  const auto wide = merged(numbers(2 * kMergeBytes) + "0}", patch, 3 * kMergeBytes);
  EXPECT_EQ(wide.code(), Code::INVALID_BODY);
  EXPECT_NE(wide.status().text().find("more than " + std::to_string(kMergeMemory) + " bytes"), std::string::npos);
  const std::string text = R"({"s":")" + std::string(kMergeBytes, 's') + R"(","x":)";
  EXPECT_EQ(merge(text + "0}", R"({"x":1})"), "INVALID_BODY");
  EXPECT_EQ(*merged(text + "0}", patch, 2 * kMergeBytes), text + "1}");
}

TEST(JsonBody, TellsJsonFromOtherText) {
  for (const char* good : {"{}", "[1,2]", " \"text\" \n", "1e9", "null"}) EXPECT_TRUE(is_json_text(good)) << good;
  for (const char* bad : {"", "{", "{}{}", "[1,]", "{'a':1}", "\"open", "nul", "{} x"}) {
    EXPECT_FALSE(is_json_text(bad)) << bad;
  }
  EXPECT_TRUE(is_json_text(std::string(kBodyDepth - 1, '[') + std::string(kBodyDepth - 1, ']')));
  EXPECT_FALSE(is_json_text(std::string(kBodyDepth + 1, '[') + std::string(kBodyDepth + 1, ']')));
}

TEST(JsonBody, KnowsItByItsMediaType) {
  for (const char* json : {"application/json", "Application/JSON; charset=utf-8", "application/problem+json"}) {
    EXPECT_TRUE(is_json_type(json)) << json;
  }
  for (const char* other : {"", "text/plain", "application/jsonl", "application/json5"}) {
    EXPECT_FALSE(is_json_type(other)) << other;
  }
}

TEST(JsonBody, CountsMembersAlsoOfOneName) {
  EXPECT_EQ(members_in("17"), 0u);
  EXPECT_EQ(members_in(R"({"a": 1, "a": {"b:\":": ":"}, "c": [{}, {"d": null}]})"), 5u);
}

TEST(JsonBody, AZeroKeepsItsSign) {
  EXPECT_EQ(with_signed_zeros(R"([-0, -0.5, -0e1, 0, -10, "-0", {"-0":-0}, -0])"),
            R"([-0.0, -0.5, -0e1, 0, -10, "-0", {"-0":-0.0}, -0.0])");
}

}  // namespace
}  // namespace lazaret::admin

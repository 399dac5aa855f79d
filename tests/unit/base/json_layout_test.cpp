#include "base/json_layout.h"

#include <gtest/gtest.h>

namespace lazaret::base {
namespace {

TEST(JsonLayout, ChangesNoToken) {
  EXPECT_EQ(laid_out_json(R"({"a":[1,2.50,{}],"b":"x, {\"y\"}:","c":[ ]})"),
            "{\n  \"a\": [\n    1,\n    2.50,\n    {}\n  ],\n  \"b\": \"x, {\\\"y\\\"}:\",\n  \"c\": []\n}");
  EXPECT_EQ(laid_out_json("true"), "true");
}

TEST(JsonLayout, OfABeginningIsTheBeginning) {
  EXPECT_EQ(laid_out_json(R"({"a":[1,"unfini)"), "{\n  \"a\": [\n    1,\n    \"unfini");
  EXPECT_EQ(laid_out_json("\"a\\"), "\"a\\");
  EXPECT_EQ(laid_out_json("]]"), "\n]\n]");
}

TEST(JsonLayout, WhatIsNestedDeepHasNoEndlessBlanks) {
  const std::string deep(64u << 10, '[');
  EXPECT_LE(laid_out_json(deep).size(), deep.size() * 130);
}

TEST(JsonLayout, FindsTheEndOfAString) {
  EXPECT_EQ(end_of_json_string(R"("a\"b":1)", 0), 6u);
  EXPECT_EQ(end_of_json_string("\"a", 0), 2u);
  EXPECT_EQ(end_of_json_string("\"\\", 0), 2u);
}

}  // namespace
}  // namespace lazaret::base

#include "admin/message_json.h"

#include <gtest/gtest.h>

#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

using base::Code;

model::MessageRef stored(const NewMessage& message) {
  auto out = std::make_shared<model::Message>();
  out->envelope = base::SharedBytes::of(wire::encode_envelope(message.envelope));
  out->body = base::SharedBytes::of(message.body);
  return out;
}

TEST(MessageJson, WhatIsReadIsShown) {
  const auto message = read_message_json(R"({"id": "01912d68-783e-7a03-8467-5661c1243ad4", "key": "k", "type": "t",
      "content_type": "text/plain", "headers": {"a": "1", "b": ["2", "3"]}, "correlation_id": "c", "priority": 9,
      "expires_at": null, "body": "hello"})");
  ASSERT_TRUE(message.ok()) << message.status().text();
  NewMessage given = *message;
  EXPECT_EQ(given.envelope.priority, 9u);
  given.envelope.expires_at_us = 1'893'456'000'000'000;
  const json::object shown = message_json({"orders", model::Offset(7), stored(given), 2, true}, {});
  EXPECT_EQ(shown.at("id"), "01912d68-783e-7a03-8467-5661c1243ad4");
  EXPECT_EQ(shown.at("source"), "orders");
  EXPECT_EQ(shown.at("offset"), 7);
  EXPECT_EQ(shown.at("attempt"), 2);
  EXPECT_EQ(shown.at("redelivered"), true);
  EXPECT_EQ(to_text(shown.at("headers")), R"({"a":"1","b":["2","3"]})");
  EXPECT_EQ(shown.at("expires_at"), "2030-01-01T00:00:00.000000Z");
  EXPECT_EQ(shown.at("deadline"), nullptr);
  EXPECT_EQ(shown.at("priority"), 9);
  EXPECT_EQ(shown.at("body"), "hello");
  EXPECT_FALSE(shown.contains("damaged"));
}

TEST(MessageJson, BytesThatAreNoTextGoAsBase64) {
  const auto message = read_message_json(R"({"body_base64": "/wD+"})");
  ASSERT_TRUE(message.ok());
  EXPECT_EQ(message->body, std::string("\xff\0\xfe", 3));
  const json::object shown = message_json({"orders", {}, stored(*message), 0, false}, {});
  EXPECT_EQ(shown.at("body_base64"), "/wD+");
  EXPECT_FALSE(shown.contains("body"));
}

TEST(MessageJson, ADamagedMessageSaysSo) {
  const json::object shown = message_json({"orders", model::Offset(3), nullptr, 1, true}, {});
  EXPECT_EQ(shown.at("damaged"), true);
  EXPECT_EQ(shown.at("offset"), 3);
  EXPECT_FALSE(shown.contains("body"));
  EXPECT_FALSE(shown.contains("body_base64"));
}

TEST(MessageJson, TooManyHeadersNameTheLimitHoweverManyTheyAre) {
  for (const int count : {257, 5'000, 100'000}) {
    std::string text = R"({"headers": {)";
    for (int i = 0; i < count; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + R"(":"")";
    const auto message = read_message_json(text + "}}");
    ASSERT_EQ(message.code(), Code::HEADERS_TOO_LARGE) << count;
    EXPECT_EQ(message.status().limit_value(), 256) << count;
    EXPECT_NE(message.status().text().find("256"), std::string::npos) << message.status().text();
  }
}

TEST(MessageJson, WrongFieldsAreNamed) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"bodi": "x"})", "bodi"},
      {R"({"id": "17"})", "id"},
      {R"({"key": 3})", "key"},
      {R"({"headers": {"a": 1}})", "headers"},
      {R"({"headers": []})", "headers"},
      {R"({"priority": 10})", "priority"},
      {R"({"priority": -1})", "priority"},
      {R"({"priority": 1.5})", "priority"},
      {R"({"priority": "9"})", "priority"},
      {R"({"deadline": "2030-01-01T00:00:00Z"})", "deadline"},
      {R"({"expires_at": "soon"})", "expires_at"},
      {R"({"body": {"a": 1}})", "body"},
      {R"({"body": "a", "body_base64": ""})", "not both"},
      {R"({"body_base64": "%"})", "base64"},
      {R"([1])", "object"},
      {R"({"body": )", "JSON"},
      {"", "message object"},
  };
  for (const auto& [text, named] : wrong) {
    const auto message = read_message_json(text);
    ASSERT_EQ(message.code(), Code::BAD_REQUEST) << text;
    EXPECT_NE(message.status().text().find(named), std::string::npos) << message.status().text();
  }
}

}  // namespace
}  // namespace lazaret::admin

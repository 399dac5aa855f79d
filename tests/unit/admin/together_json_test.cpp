// What is published and asked together over HTTP, as it is read.
#include "admin/together_json.h"

#include <gtest/gtest.h>

#include "model/limits.h"

namespace lazaret::admin {
namespace {

using namespace std::chrono_literals;
using base::Code;

std::string in_list(const std::string& message) { return R"({"messages": [)" + message + "]}"; }

TEST(TogetherJson, HasMessagesAndRequestsInTheirOrder) {
  const auto read = read_together_json(in_list(
      R"({"to": "books", "body": "tea", "delay": "5s"},
         {"to": "prices", "body": "price of tea", "type": "price.asked", "reply_queue": "answers", "deadline": "72h",
          "context": {"order": "17", "who": ["ann", "bob"]}},
         {"to": "stocks", "reply_queue": "answers"})"));
  ASSERT_TRUE(read.ok()) << read.status().text();
  ASSERT_EQ(read->size(), 3u);
  EXPECT_EQ((*read)[0].to, "books");
  EXPECT_EQ((*read)[0].message.body, "tea");
  EXPECT_EQ((*read)[0].message.times.delay, 5s);
  EXPECT_FALSE((*read)[0].ask.has_value());
  const AddressedMessage& price = (*read)[1];
  EXPECT_EQ(price.to, "prices");
  EXPECT_EQ(price.message.envelope.type, "price.asked");
  ASSERT_TRUE(price.ask.has_value());
  EXPECT_EQ(price.ask->reply_queue, "answers");
  EXPECT_EQ(price.ask->time_left, 72h);
  EXPECT_EQ(price.ask->context, (Texts{{"order", "17"}, {"who", "ann"}, {"who", "bob"}}));
  ASSERT_TRUE((*read)[2].ask.has_value());
  EXPECT_EQ((*read)[2].ask->time_left, model::limits::kRequestTimeMost) << "a year unless it says otherwise";
  EXPECT_TRUE((*read)[2].ask->context.empty());
}

/// As a peek shows messages, and as the command line takes them.
TEST(TogetherJson, WhatIsNullOrEmptyMakesNoRequest) {
  const auto read = read_together_json(
      in_list(R"({"to": "q", "body": "x", "reply_queue": null, "deadline": null}, {"to": "q", "reply_queue": ""})"));
  ASSERT_TRUE(read.ok()) << read.status().text();
  for (const AddressedMessage& one : *read) EXPECT_FALSE(one.ask.has_value());
  EXPECT_EQ(read_together_json(in_list(R"({"to": "q", "reply_queue": "r", "deadline": null, "context": null})"))
                ->front()
                .ask->time_left,
            model::limits::kRequestTimeMost);
}

TEST(TogetherJson, WhatIsWrongIsNamed) {
  const std::pair<std::string, const char*> wrong[] = {
      {"{}", "messages"},
      {R"({"messages": []})", "messages"},
      {R"({"messages": {}})", "messages"},
      {R"({"messages": [{"to": "q"}], "more": 1})", "more"},
      {in_list("7"), "object"},
      {in_list(R"({"body": "x"})"), "`to`"},
      {in_list(R"({"to": 7})"), "`to`"},
      {in_list(R"({"to": "q", "bodi": "x"})"), "bodi"},
      {in_list(R"({"to": "q", "deadline": "5s"})"), "reply_queue"},
      {in_list(R"({"to": "q", "context": {"a": "b"}})"), "context"},
      {in_list(R"({"to": "q", "reply_queue": 7})"), "reply_queue"},
      {in_list(R"({"to": "q", "reply_queue": "r", "deadline": "soon"})"), "deadline"},
      {in_list(R"({"to": "q", "reply_queue": "r", "deadline": 5})"), "deadline"},
      {in_list(R"({"to": "q", "reply_queue": "r", "deadline": "0s"})"), "deadline"},
      {in_list(R"({"to": "q", "reply_queue": "r", "deadline": "8761h"})"), "deadline"},
      {in_list(R"({"to": "q", "reply_queue": "r", "context": 7})"), "context"},
      {in_list(R"({"to": "q", "reply_queue": "r", "context": {"a": 7}})"), "context"},
      {in_list(R"({"to": "q", "reply_queue": "r", "context": {"a": ["b", 7]}})"), "context"},
      {in_list(R"({"to": "q", "reply_queue": "r", "ttl": "5s"})"), "time to live"},
      {in_list(R"({"to": "q", "reply_queue": "r", "delay": "5s"})"), "delay"},
      {in_list(R"({"to": "q", "reply_queue": "r", "colour": "red"})"), "colour"},
  };
  for (const auto& [text, named] : wrong) {
    const auto read = read_together_json(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_EQ(read.code(), Code::BAD_REQUEST) << text;
    EXPECT_NE(read.status().text().find(named), std::string::npos) << text << ": " << read.status().text();
  }
}

TEST(TogetherJson, AnIdIsOfOneMessageInOnePlace) {
  const std::string id = R"("id": "0190f2c0-0000-7000-8000-000000000001")";
  const std::string request = R"({"to": "q", "reply_queue": "r", )" + id + "}";
  const std::string message = R"({"to": "q", "body": "x", )" + id + "}";
  const std::string elsewhere = R"({"to": "other", "reply_queue": "r", )" + id + "}";
  const std::string capitals = R"({"to": "q", "id": "0190F2C0-0000-7000-8000-000000000001"})";
  EXPECT_TRUE(read_together_json(in_list(request + "," + elsewhere)).ok());
  EXPECT_TRUE(read_together_json(in_list(R"({"to": "q"}, {"to": "q"})")).ok()) << "each gets one of its own";
  for (const std::string& again : {request, message, capitals}) {
    const auto read = read_together_json(in_list(request + "," + elsewhere + "," + again));
    ASSERT_FALSE(read.ok()) << again;
    EXPECT_EQ(read.code(), Code::BAD_REQUEST);
    EXPECT_EQ(read.status().text(), "messages: to q there are two of the id 0190f2c0-0000-7000-8000-000000000001");
  }
}

TEST(TogetherJson, ThereIsAMostOfThem) {
  const std::string one = R"({"to": "q", "body": ")" + std::string(200, 'x') + "\"}";
  std::string many = one;
  for (std::size_t i = 1; i < model::limits::kBatchItems; ++i) many += "," + one;
  EXPECT_TRUE(read_together_json(in_list(many)).ok());
  const auto read = read_together_json(in_list(many + R"(,{"to": "q", "reply_queue": "r"})"));
  ASSERT_FALSE(read.ok());
  EXPECT_EQ(read.code(), Code::BATCH_TOO_LARGE);
  EXPECT_EQ(read.status().limit_value(), static_cast<std::int64_t>(model::limits::kBatchItems));
  EXPECT_EQ(read.status().text(), "the request names 1025 items, at most 1024 are taken at once");
}

}  // namespace
}  // namespace lazaret::admin

// A request as it is asked over HTTP, and its reply as it is shown.
#include "admin/request_json.h"

#include <gtest/gtest.h>

#include "wire/envelope.h"

namespace lazaret::admin {
namespace {

using namespace std::chrono_literals;

TEST(RequestJson, IsAMessageWithADeadline) {
  const auto read = read_request_json(R"({"body": "tea", "key": "k", "deadline": "250ms"})");
  ASSERT_TRUE(read.ok()) << read.status().text();
  EXPECT_EQ(read->deadline, 250ms);
  EXPECT_EQ(read->message.body, "tea");
  EXPECT_EQ(read->message.envelope.key, "k");
  EXPECT_EQ(read_request_json(R"({"deadline": "30s"})")->deadline, 30s);
}

TEST(RequestJson, WhatIsWrongIsNamed) {
  const std::pair<const char*, const char*> wrong[] = {
      {R"({"body": "x"})", "deadline"},
      {R"({"deadline": null})", "deadline"},
      {R"({"deadline": "0s"})", "1ms to 30s"},
      {R"({"deadline": "31s"})", "1ms to 30s"},
      {R"({"deadline": "soon"})", "deadline"},
      {R"({"deadline": 5})", "deadline"},
      {R"({"deadline": "5s", "ttl": "5s"})", "time to live"},
      {R"({"deadline": "5s", "deliver_at": "2030-01-01T00:00:00Z"})", "delay"},
      {R"({"deadline": "5s", "bodi": "x"})", "bodi"},
      {"[]", "object"},
  };
  for (const auto& [text, named] : wrong) {
    const auto read = read_request_json(text);
    ASSERT_FALSE(read.ok()) << text;
    EXPECT_NE(read.status().text().find(named), std::string::npos) << text << ": " << read.status().text();
  }
}

TEST(RequestJson, AReplyHasItsMessageWhenItIsAnswered) {
  const model::MessageId id = model::MessageId::v7(1, 2, 3);
  model::Replied replied;
  replied.outcome = model::RequestOutcome::timed_out;
  replied.reached = model::Reached::started;
  auto shown = reply_json(id, replied, {});
  EXPECT_EQ(shown.at("request"), id.to_string().c_str());
  EXPECT_EQ(shown.at("status"), "timed_out");
  EXPECT_EQ(shown.at("reached"), "started");
  EXPECT_FALSE(shown.contains("body"));

  auto message = std::make_shared<model::Message>();
  wire::Envelope envelope;
  envelope.id = model::MessageId::v7(4, 5, 6);
  envelope.type = "price";
  message->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  message->body = base::SharedBytes::of("17");
  replied.outcome = model::RequestOutcome::answered;
  replied.late = true;
  replied.message = message;
  shown = reply_json(id, replied, {});
  EXPECT_EQ(shown.at("id"), envelope.id.to_string().c_str());
  EXPECT_EQ(shown.at("type"), "price");
  EXPECT_EQ(shown.at("body"), "17");
  EXPECT_EQ(shown.at("late"), true);
  EXPECT_TRUE(shown.at("reached").is_null());
  EXPECT_FALSE(shown.contains("offset"));

  replied.outcome = model::RequestOutcome::failed;
  replied.reason = "no good";
  replied.case_id = model::CaseId{};
  shown = reply_json(id, replied, {});
  EXPECT_EQ(shown.at("reason"), "no good");
  EXPECT_EQ(shown.at("case_id"), model::CaseId{}.to_string().c_str());
}

}  // namespace
}  // namespace lazaret::admin

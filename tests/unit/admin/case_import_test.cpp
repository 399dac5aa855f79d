#include "admin/case_import.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

using base::Code;
using ::testing::HasSubstr;

constexpr std::string_view kLine = R"({"id":"0-1-2-7","subscription":"billing","source":"billing","offset":7,
  "message_id":"01912d68-783e-7a03-8467-5661c1243ad4","type":"t","key":"k","reason":"rejected","state":"admitted",
  "attempt_count":2,"error_type":"Timeout","error_message":"too slow","admitted_at":"2026-11-23T20:04:48.123456Z",
  "first_admitted_at":"2026-11-22T20:04:48.000001Z","a_new_field":{"x":1},"masked":false,
  "consumer":{"name":"worker","version":"2.4"},
  "message":{"id":"01912d68-783e-7a03-8467-5661c1243ad4","source":"billing","offset":7,"attempt":2,
    "redelivered":true,"key":"k","type":"t","content_type":"application/json",
    "headers":{"tag":["a","b"],"tenant":"acme"},"correlation_id":"c","causation_id":null,"reply_to":null,
    "deadline":null,"expires_at":"2026-11-23T00:00:00Z","priority":4,"published_at":"2026-11-22T20:00:00Z",
    "body":"{\"n\":1}"},
  "attempts":[
    {"number":1,"consumer":{"name":"worker","host":"h","version":"2.3","instance":null},
      "started_at":"2026-11-22T20:01:00Z","ended_at":"2026-11-22T20:02:00Z","outcome":"nacked","late":false,
      "counted":false,"error_type":"Timeout","error_message":"slow","error_details":null},
    {"number":5,"consumer":{"name":"worker","host":"h","version":"2.4",
      "instance":"01912d68-783e-7a03-8467-5661c1243ad5"},"started_at":"2026-11-22T20:03:00Z",
      "ended_at":"2026-11-22T20:04:00Z","outcome":"rejected","late":true,"counted":true,
      "error_type":"Timeout","error_message":"too slow","error_details":"at f"}],
  "edits":[],"history_left_out":2,"history":[
    {"at":"2026-11-22T20:05:00Z","what":"replayed","by":"replay job 3","job":"3","reason":null,"to":null},
    {"at":"2026-11-22T20:06:00Z","what":"discarded","by":"ann","job":null,"reason":"no use","to":null},
    {"at":"2026-11-22T20:07:00Z","what":"restored","by":"ann","job":null,"reason":null,"to":null}]})";

/// Not bound to the memory that its text is worth, since tests add to it.
json::object line() { return json::object(*parse_object(kLine), json::storage_ptr()); }

base::Result<ExportedCase> read(const json::object& from) { return read_exported_case(from, ServerConfig{}); }

TEST(CaseImport, ReadsWhatAnExportHas) {
  const auto all = read(line());
  ASSERT_TRUE(all.ok()) << all.status().text();
  EXPECT_EQ(all->subscription, "billing");
  ASSERT_NE(all->what, nullptr);
  const model::ImportedCase& what = *all->what;
  EXPECT_EQ(what.origin.id.to_string(), "0-1-2-7");
  EXPECT_EQ(what.origin.message_id.to_string(), "01912d68-783e-7a03-8467-5661c1243ad4");
  EXPECT_EQ(base::Instant(what.origin.admitted_at).us % 1'000'000, 1);
  EXPECT_EQ(what.reason, model::CaseReason::rejected);
  EXPECT_EQ(what.last_error.message, "too slow");
  EXPECT_EQ(what.consumer_version, "2.4");
  ASSERT_EQ(what.attempts.size(), 2u);
  EXPECT_EQ(what.attempts[0].outcome, model::AttemptOutcome::nacked);
  EXPECT_TRUE(what.attempts[0].uncounted);
  EXPECT_EQ(what.attempts[1].number, 2u) << "they are numbered anew";
  EXPECT_TRUE(what.attempts[1].late);
  EXPECT_EQ(what.attempts[1].error.details, "at f");
  EXPECT_FALSE(what.attempts[1].consumer.instance.is_nil());
  ASSERT_EQ(what.history.size(), 3u);
  EXPECT_EQ(what.history[0].what, model::CaseChange::replayed);
  EXPECT_EQ(what.history[0].by, "replay job 3");
  EXPECT_FALSE(what.history[0].job) << "here that number is another job's";
  EXPECT_EQ(what.history[1].reason, "no use");
  EXPECT_EQ(what.history_left_out, 2u);
  const auto envelope = wire::decode_envelope(what.message->envelope.view());
  ASSERT_TRUE(envelope.ok());
  EXPECT_EQ(envelope->headers.size(), 3u);
  EXPECT_EQ(envelope->correlation_id, "c");
  EXPECT_NE(envelope->expires_at_us, 0);
  EXPECT_EQ(what.message->priority, 4);
  EXPECT_EQ(what.message->body.view(), R"({"n":1})");
  EXPECT_NE(what.message->published_at.us, 0);
  EXPECT_EQ(what.message->expires_at.us, 0) << "an operator wants it, whatever its time was";
}

TEST(CaseImport, WhatIsNotAdmittedIsNotLookedInto) {
  for (const char* state : {"discharged", "discarded", "replaying"}) {
    json::object closed{{"state", state}, {"subscription", "billing"}, {"message", nullptr}};
    const auto read_closed = read(closed);
    ASSERT_TRUE(read_closed.ok()) << read_closed.status().text();
    EXPECT_EQ(read_closed->what, nullptr);
  }
}

TEST(CaseImport, WhatIsNoWholeCaseIsRefusedByName) {
  const auto refusal = [](const std::function<void(json::object&)>& change) {
    json::object one = line();
    change(one);
    const auto result = read(one);
    return result.ok() ? std::string("taken") : result.status().text();
  };
  const auto message = [](json::object& one) -> json::object& { return one.at("message").get_object(); };
  EXPECT_THAT(refusal([](auto& one) { one["masked"] = true; }), HasSubstr("masked"));
  EXPECT_THAT(refusal([&](auto& one) { message(one)["masked"] = true; }), HasSubstr("masked"));
  EXPECT_THAT(refusal([](auto& one) { one["message"] = nullptr; }), HasSubstr("without its message"));
  EXPECT_THAT(refusal([&](auto& one) { message(one)["damaged"] = true; }), HasSubstr("damaged"));
  EXPECT_THAT(refusal([&](auto& one) { message(one)["request"] = "x"; }), HasSubstr("reply"));
  EXPECT_THAT(refusal([&](auto& one) { message(one).erase("body"); }), HasSubstr("body or body_base64"));
  EXPECT_THAT(refusal([&](auto& one) { message(one)["id"] = nullptr; }), HasSubstr("message.id"));
  EXPECT_THAT(refusal([&](auto& one) { message(one)["published_at"] = "soon"; }), HasSubstr("published_at"));
  EXPECT_THAT(refusal([](auto& one) { one["id"] = "7"; }), HasSubstr("id must be"));
  EXPECT_THAT(refusal([](auto& one) { one["state"] = "bored"; }), HasSubstr("state must be"));
  EXPECT_THAT(refusal([](auto& one) { one.erase("state"); }), HasSubstr("state must be"));
  EXPECT_THAT(refusal([](auto& one) { one["reason"] = "boredom"; }), HasSubstr("reason must be"));
  EXPECT_THAT(refusal([](auto& one) { one.erase("first_admitted_at"); }), HasSubstr("first_admitted_at"));
  EXPECT_THAT(refusal([](auto& one) { one["attempts"] = 3; }), HasSubstr("attempts must be"));
  EXPECT_THAT(refusal([](auto& one) { one["attempts"] = json::array{1}; }), HasSubstr("attempts must be"));
  EXPECT_THAT(refusal([](auto& one) { one.at("attempts").at(0).as_object()["outcome"] = "luck"; }),
              HasSubstr("outcome"));
  EXPECT_THAT(refusal([](auto& one) { one.at("attempts").at(0).as_object()["late"] = 1; }), HasSubstr("late"));
  EXPECT_THAT(refusal([](auto& one) { one["history"] = 3; }), HasSubstr("history must be"));
  EXPECT_THAT(refusal([](auto& one) { one["history"] = json::array{3}; }), HasSubstr("history must be"));
  EXPECT_THAT(refusal([](auto& one) { one.at("history").at(0).as_object()["what"] = "forgotten"; }),
              HasSubstr("a word that is known"));
  EXPECT_THAT(refusal([](auto& one) { one["history_left_out"] = "many"; }), HasSubstr("history_left_out must be"));
  EXPECT_EQ(refusal([](auto& one) { one.erase("history"); }), "taken") << "a file of before there was one";
  EXPECT_THAT(refusal([](auto& one) { one["error_message"] = std::string(5000, 'x'); }), HasSubstr("4096 bytes"));
  EXPECT_THAT(refusal([](auto& one) { one["consumer"] = "worker"; }), HasSubstr("consumer must be"));
  EXPECT_EQ(refusal([](auto&) {}), "taken");
}

TEST(CaseImport, WhatANewerBrokerHasWrittenIsPassedOver) {
  json::object one = line();
  one["colour"] = json::object{{"deep", json::array{json::object{{"x", nullptr}}}}};
  one.at("message").get_object()["colour"] = json::array{1, 2};
  one.at("attempts").at(0).as_object()["colour"] = "red";
  one.at("attempts").at(1).as_object().at("consumer").as_object()["colour"] = "red";
  const auto all = read(one);
  ASSERT_TRUE(all.ok()) << all.status().text();
  const auto plain = read(line());
  EXPECT_EQ(all->what->message->body.view(), plain->what->message->body.view());
  EXPECT_EQ(all->what->message->envelope.view(), plain->what->message->envelope.view());
  EXPECT_EQ(all->what->attempts, plain->what->attempts);
}

TEST(CaseImport, LimitsOfMessagesHold) {
  ServerConfig config;
  config.max_message_bytes = 4;
  EXPECT_EQ(read_exported_case(line(), config).code(), Code::MESSAGE_TOO_LARGE);
  config = {};
  config.max_header_bytes = 10;
  EXPECT_EQ(read_exported_case(line(), config).code(), Code::HEADERS_TOO_LARGE);
  json::object many = line();
  json::array& attempts = many.at("attempts").get_array();
  const json::value one = attempts[0];
  while (attempts.size() <= 10'000) attempts.push_back(one);
  EXPECT_EQ(read(many).code(), Code::BAD_REQUEST);
  json::object told = line();
  json::array& history = told.at("history").get_array();
  const json::value event = history[0];
  while (history.size() <= 100) history.push_back(event);
  EXPECT_EQ(read(told).code(), Code::BAD_REQUEST);
}

}  // namespace
}  // namespace lazaret::admin

// What of the user's words may travel, and how it is made to.
#include "client/words.h"

#include <gtest/gtest.h>

#include "base/text_encoding.h"
#include "model/limits.h"
#include "wire/frames.h"

namespace lazaret::detail {
namespace {

using base::Code;
namespace limits = model::limits;

TEST(WordsTest, TextStaysAsItIs) {
  EXPECT_EQ(as_text("caf\xc3\xa9", 100), "caf\xc3\xa9");
  EXPECT_EQ(as_short_text("caf\xc3\xa9", 5), "caf\xc3\xa9");
}

TEST(WordsTest, WhatIsNoTextIsReplacedAndCutAtACharacter) {
  EXPECT_EQ(as_text("caf\xe9", 100), "caf\xef\xbf\xbd");
  EXPECT_EQ(as_short_text("caf\xc3\xa9", 4), "caf");
  EXPECT_EQ(as_short_text(std::string(10, '\xff'), 7), "\xef\xbf\xbd\xef\xbf\xbd");
}

/// What its frame has no place for would be lost without a word.
TEST(WordsTest, ARequestHasNoTimesButItsDeadline) {
  Message message;
  message.body = "tea";
  message.deadline = message.expires_at = std::chrono::system_clock::now();  // as of one that was received
  EXPECT_TRUE(check_request(message).ok());
  Message delayed = message, dated = message, short_lived = message, bytes = message;
  delayed.delay = std::chrono::milliseconds(1);
  dated.deliver_at = std::chrono::system_clock::now();
  short_lived.ttl = std::chrono::milliseconds(1);
  bytes.type = "\xff";
  for (const Message& one : {delayed, dated, short_lived, bytes}) {
    EXPECT_EQ(check_request(one).code(), Code::BAD_REQUEST);
  }
}

TEST(WordsTest, TimesThatCannotBeMeantAreRefused) {
  using std::chrono::milliseconds;
  const auto now = std::chrono::system_clock::now();
  EXPECT_TRUE(check_published({}).ok());
  EXPECT_TRUE(check_published({.delay = milliseconds(1), .ttl = milliseconds(1)}).ok());
  EXPECT_TRUE(check_published({.deliver_at = now, .expires_at = now}).ok());
  for (const milliseconds bad : {milliseconds(-1), milliseconds::min(), milliseconds::max()}) {
    EXPECT_EQ(check_published({.delay = bad}).code(), Code::BAD_REQUEST) << bad.count();
    EXPECT_EQ(check_published({.ttl = bad}).code(), Code::BAD_REQUEST) << bad.count();
    EXPECT_EQ(check_within(bad).code(), Code::BAD_REQUEST) << bad.count();
    EXPECT_EQ(check_request({.delay = bad}).code(), Code::BAD_REQUEST) << bad.count();
  }
  EXPECT_EQ(check_published({.delay = milliseconds(1), .deliver_at = now}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check_published({.ttl = milliseconds(1), .expires_at = now}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check_published({.traceparent = "\xff"}).code(), Code::BAD_REQUEST);
  EXPECT_TRUE(check_within(milliseconds(0)).ok()) << "the longest";
  EXPECT_TRUE(check_within(std::chrono::hours(24 * 365)).ok());
  EXPECT_EQ(check_within(std::chrono::hours(24 * 365) + milliseconds(1)).limit(), "deadline_seconds");
}

/// However the end of a long text falls, what the encoder makes of it can be decoded, and is marked as cut.
TEST(WordsTest, EveryReportCanBeDecoded) {
  const std::string characters[] = {"a", "\xc3\xa9", "\xe2\x82\xac", "\xf0\x9f\x98\x80", "\xff", "\xe2\x82"};
  for (const std::string& character : characters) {
    for (std::size_t shift = 0; shift < 8; ++shift) {
      std::string text(shift, 'x');
      while (text.size() < 5000) text += character;
      wire::Settle settle;
      settle.request = settle.consumer = 1;
      wire::Verdict& verdict = settle.verdicts.emplace_back();
      verdict.kind = model::VerdictKind::fail;
      verdict.error = as_report(text, text, text);
      const wire::OutFrame out = wire::encode(settle);
      wire::Frame frame;
      frame.type = static_cast<std::uint8_t>(wire::FrameType::settle);
      frame.header = std::string_view(out.head).substr(wire::kFramePrefixBytes);
      const auto decoded = wire::decode<wire::Settle>(frame);
      ASSERT_TRUE(decoded.ok()) << decoded.status().text();
      const model::ErrorReport& report = decoded->verdicts.at(0).error;
      EXPECT_LE(report.type.size(), limits::kErrorTypeBytes);
      EXPECT_LE(report.message.size(), limits::kErrorMessageBytes);
      EXPECT_TRUE(base::is_utf8(report.type) && base::is_utf8(report.message) && base::is_utf8(report.details));
      EXPECT_TRUE(report.type.ends_with("[cut]"));
      EXPECT_TRUE(report.message.ends_with("[cut]"));
      EXPECT_FALSE(report.details.ends_with("[cut]"));
    }
  }
}

TEST(WordsTest, NamesAndFieldsAreRefusedByName) {
  EXPECT_TRUE(check_queue_name("orders.eu-1_x").ok());
  for (const std::string& name : {std::string(), std::string("caf\xe9"), std::string("a b"), std::string(201, 'a')}) {
    const base::Status status = check_queue_name(name);
    EXPECT_EQ(status.code(), Code::INVALID_NAME) << name;
    EXPECT_TRUE(base::is_utf8(status.text()));
    EXPECT_EQ(status.limit_value(), 200) << name;
  }
  EXPECT_NE(check_queue_name("a b").text().find("'a b'"), std::string::npos) << "it says which";
  EXPECT_NE(check_queue_name(std::string(201, 'a')).text().find("this one 201"), std::string::npos);
  EXPECT_TRUE(check_texts({.body = "\xff", .type = "caf\xc3\xa9", .headers = {{"name", "\xff"}}}).ok());
  EXPECT_EQ(check_texts({.traceparent = "\xff"}).text(), "the traceparent of the message is not UTF-8");
  EXPECT_EQ(check_texts({.headers = {{"", "x"}}}).code(), Code::BAD_REQUEST);
  EXPECT_EQ(check_texts({.headers = {{"\xff", "x"}}}).code(), Code::BAD_REQUEST);
}

}  // namespace
}  // namespace lazaret::detail

// Compressed bodies from one client to another, and what the broker shows of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <boost/json/serialize.hpp>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class CompressionTest : public ::testing::Test {
 protected:
  CompressionTest() { connect().ensure({.name = "q"}); }
  Client connect(std::size_t compress_from = 0) {
    return Client::connect(broker_.url(), {.name = "compression", .drain = 5s, .compress_from = compress_from});
  }
  boost::json::value peeked() { return api(broker_, "/queues/q/messages").at("items").at(0); }
  Broker broker_{{.settings = {"broker.max_message_bytes=100000"}, .arguments = {}}};
  const std::string text_ = [] {
    std::string text(50'000, 'x');
    return text.append("the end");
  }();
};

TEST_F(CompressionTest, LargeBodiesTravelCompressedAndArriveOpened) {
  Client client = connect(1000);
  client.publish("q", {.body = text_});
  client.publish("q", {.body = "small"});
  EXPECT_EQ(text_of(peeked(), "content_encoding"), "zstd");
  EXPECT_FALSE(peeked().as_object().contains("body")) << "bytes, as they are stored";
  const Peeked stored = client.peek("q");
  EXPECT_EQ(stored.messages.at(0).message.content_encoding, "zstd");
  EXPECT_LT(stored.messages.at(0).message.body.size(), 1000u);
  Inbox inbox;
  const Consumer consumer = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(2));
  EXPECT_EQ(inbox.at(0).message.body.view(), text_);
  EXPECT_EQ(inbox.at(0).message.content_encoding, "");
  EXPECT_TRUE(inbox.at(0).message.compress);
  EXPECT_EQ(inbox.at(1).message.body.view(), "small");
  EXPECT_FALSE(inbox.at(1).message.compress);
}

/// The limit is of what a consumer is given, so compression is no way around it.
TEST_F(CompressionTest, TheLimitIsOfTheOpenedBody) {
  Client client = connect(1);
  EXPECT_EQ(error_of([&] { client.publish("q", {.body = std::string(100'001, 'x')}); }), errc::message_too_large);
  client.publish("q", {.body = std::string(100'000, 'x')});
  Inbox inbox;
  const Consumer consumer = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(1));
  EXPECT_EQ(inbox.at(0).message.body.size(), 100'000u);
}

TEST_F(CompressionTest, WhatCannotBeOpenedIsACaseThatSaysSo) {
  Client client = connect();
  client.publish("q", {.body = "not what it says", .content_encoding = "zstd"});
  Inbox inbox;
  const Consumer consumer = client.consume("q", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(eventually([&] { return client.show("q").in_hospital == 1; }));
  EXPECT_EQ(inbox.size(), 0u);
  const auto found = cases_of(broker_, "q");
  EXPECT_EQ(text_of(found[0], "reason"), "rejected");
  EXPECT_EQ(text_of(found[0], "error_type"), "lazaret.body_not_opened");
  EXPECT_THAT(text_of(found[0], "error_message"), HasSubstr("said to be zstd, and cannot be opened"));
}

/// Whoever looks at a case sees what was published, not how it travelled.
TEST_F(CompressionTest, InTheHospitalItIsOpened) {
  const std::string order = R"({"country":"QQ","text":")" + std::string(500, 'x') + R"("})";
  ASSERT_EQ(broker_.cli({"publish", "q", "--compress", "--content-type", "application/json"}, order).exit, 0);
  ASSERT_EQ(broker_.cli({"consume", "q", "--count", "1", "--exec", "exit 65"}).exit, 0);
  const std::string id = text_of(cases_of(broker_, "q").at(0), "id");
  EXPECT_THAT(broker_.cli({"hospital", "show", id}).out, HasSubstr(R"(  "country": "QQ",)"));
  EXPECT_EQ(text_of(broker_.cli_json({"hospital", "show", id})[0].at("message"), "compressed"), "zstd");
  EXPECT_EQ(http(broker_.admin(), "GET", "/api/v1/hospital/cases/" + id + "/body").body, order);
  // So long a run of one letter stands in no compressed bytes.
  EXPECT_EQ(broker_.cli_json({"hospital", "list", "--filter", "body~" + std::string(40, 'X')}).size(), 1u);

  const Outcome edited = broker_.cli({"hospital", "edit", id, "--merge", R"({"country":"NL"})"});
  EXPECT_EQ(edited.exit, 0) << edited.err;
  EXPECT_THAT(edited.out, HasSubstr(R"(-   "country": "QQ")"));
  EXPECT_THAT(edited.out, HasSubstr(R"(+   "country": "NL")"));
  EXPECT_EQ(broker_.cli_json({"hospital", "list", "--filter", "body~qq"}).size(), 0u);
  ASSERT_EQ(broker_.cli({"hospital", "replay", id}).exit, 0);
  const Outcome consumed = broker_.cli({"consume", "q", "--count", "1", "--print"});
  EXPECT_THAT(consumed.out, HasSubstr(R"({"country":"NL","text":"xxx)"));
}

TEST_F(CompressionTest, OnTheCommandLine) {
  ASSERT_EQ(broker_.cli({"publish", "q", "--compress"}, text_).exit, 0);
  EXPECT_EQ(text_of(peeked(), "content_encoding"), "zstd");
  EXPECT_THAT(broker_.cli({"peek", "q"}).out, HasSubstr("(zstd)"));
  const auto shown = broker_.cli_json({"peek", "q"});
  EXPECT_EQ(text_of(shown[0], "content_encoding"), "zstd");

  // What peek shows can be published as it is.
  ASSERT_EQ(broker_.cli({"queue", "create", "copy"}).exit, 0);
  ASSERT_EQ(broker_.cli({"publish", "copy", "--messages"}, boost::json::serialize(shown[0])).exit, 0);
  for (const char* queue : {"q", "copy"}) {
    const Outcome consumed =
        broker_.cli({"consume", queue, "--count", "1", "--exec", "cat >" + (broker_.dir() / queue)});
    EXPECT_EQ(consumed.exit, 0) << consumed.err;
    EXPECT_EQ(read_file(broker_.dir() / queue), text_);
  }
}

}  // namespace
}  // namespace lazaret::testing

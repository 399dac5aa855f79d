// lazaret publish: one message and many, refused ones, and the same input once more.
#include <gtest/gtest.h>

#include <fstream>
#include <set>

#include "integration/support/broker.h"
#include "integration/support/http.h"

namespace lazaret::testing {
namespace {

using boost::json::array;

constexpr char kProducer[] = "6f1e5a00-0000-4000-8000-000000000001";

class PublishCli : public ::testing::Test {
 protected:
  void SetUp() override { ASSERT_EQ(broker.cli({"queue", "create", "q"}).exit, 0); }
  array peek() { return broker.cli_json({"peek", "q", "--count", "1000"}); }
  std::uint64_t entered() {
    return broker.cli_json({"queue", "show", "q"})[0].at("entered_total").to_number<std::uint64_t>();
  }
  Broker broker;
};

TEST_F(PublishCli, OneMessageWithItsEnvelope) {
  const auto printed = broker.cli_json(
      {"publish", "q", "--key", "k", "--type", "order.created", "--header", "a=1", "--header", "b=x=y",
       "--correlation-id", "c", "--content-type", "text/plain", "--id", "01890a5d-ac96-774b-bcce-b302099a8057"},
      "two\nlines\n");
  ASSERT_EQ(printed.size(), 1u);
  EXPECT_EQ(printed[0].at("index"), 0);
  EXPECT_EQ(printed[0].at("offset"), 0);
  EXPECT_EQ(printed[0].at("duplicate"), false);
  const auto found = peek();
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].at("id"), "01890a5d-ac96-774b-bcce-b302099a8057");
  EXPECT_EQ(found[0].at("body"), "two\nlines\n");
  EXPECT_EQ(found[0].at("key"), "k");
  EXPECT_EQ(found[0].at("type"), "order.created");
  EXPECT_EQ(found[0].at("correlation_id"), "c");
  EXPECT_EQ(found[0].at("content_type"), "text/plain");
  EXPECT_EQ(found[0].at("headers").at("b"), "x=y");
}

TEST_F(PublishCli, AFileOfBytes) {
  const std::string path = broker.dir() / "bytes";
  write_file(path, std::string("\xff\x00\x01", 3));
  EXPECT_EQ(broker.cli({"publish", "q", "--file", path}).exit, 0);
  EXPECT_EQ(peek()[0].at("body_base64"), "/wAB");
  EXPECT_EQ(broker.cli({"publish", "q", "--file", broker.dir() / "none"}).exit, 66);
}

TEST_F(PublishCli, EveryLineIsConfirmedInItsOrder) {
  std::string lines;
  for (int i = 0; i < 5000; ++i) lines += "{\"n\":" + std::to_string(i) + "}\n";
  const auto printed = broker.cli_json({"publish", "q", "--jsonl"}, lines);
  ASSERT_EQ(printed.size(), 5000u);
  std::set<std::string> ids;
  for (const auto& line : printed) {
    ids.insert(std::string(line.at("id").as_string()));
    EXPECT_EQ(line.at("index"), line.at("offset"));
  }
  EXPECT_EQ(ids.size(), 5000u);
  EXPECT_NE(broker.cli({"publish", "q", "--jsonl"}, "1\n2\n3").out.find("published 3 messages"), std::string::npos);
}

TEST_F(PublishCli, TheSameInputAgainStoresNothingTwice) {
  std::string lines;
  for (int i = 0; i < 6000; ++i) lines += std::to_string(i) + "\n";  // more than the broker knows one by one
  const std::vector<std::string> command = {"publish", "q", "--jsonl", "--producer-id", kProducer};
  const auto first = broker.cli_json(command, lines);
  broker.restart();
  const auto second = broker.cli_json(command, lines);
  ASSERT_EQ(second.size(), 6000u);
  for (std::size_t i = 0; i < second.size(); ++i) {
    EXPECT_EQ(second[i].at("duplicate"), true);
    EXPECT_EQ(second[i].at("id"), first[i].at("id"));
  }
  EXPECT_EQ(entered(), 6000u);
  // Further lines are new, and another body under a number that was used is refused.
  EXPECT_EQ(
      broker
          .cli_json({"publish", "q", "--jsonl", "--producer-id", kProducer, "--from-index", "5999"}, lines + "new\n")[1]
          .at("duplicate"),
      false);
  EXPECT_EQ(entered(), 6001u);
  const Outcome reused =
      broker.cli({"publish", "q", "--body", "other", "--producer-id", kProducer, "--from-index", "5998"});
  EXPECT_EQ(reused.exit, 73);
}

TEST_F(PublishCli, TheSameIdAgainIsADuplicateWhereTheQueueSaysSo) {
  const std::string id = "0190f2c0-0000-7000-8000-000000000001";
  EXPECT_EQ(broker.cli({"queue", "create", "payments", "--deduplicate-for", "1h"}).exit, 0);
  EXPECT_EQ(broker.cli_json({"queue", "show", "payments"})[0].at("deduplicate_for"), "1h");
  const std::vector<std::string> command = {"publish", "payments", "--body", "pay", "--id", id};
  EXPECT_EQ(broker.cli_json(command)[0].at("duplicate"), false);
  EXPECT_EQ(broker.cli_json(command)[0].at("duplicate"), true);
  broker.kill9();
  broker.start();
  const auto again = broker.cli_json(command)[0];
  EXPECT_EQ(again.at("duplicate"), true);
  EXPECT_EQ(again.at("offset"), 0);
  const std::string message = R"({"body": "pay", "id": ")" + id + "\"}";
  const auto over_http = http(broker.admin(), "POST", "/api/v1/queues/payments/messages", message);
  EXPECT_EQ(over_http.status, 200);
  EXPECT_EQ(over_http.json().at("duplicate"), true);
  EXPECT_EQ(over_http.json().at("offset"), 0);
  const auto other = http(broker.admin(), "POST", "/api/v1/queues/q/messages", R"({"body": "pay"})");
  EXPECT_EQ(other.status, 201);
  EXPECT_EQ(other.json().at("duplicate"), false);
  EXPECT_EQ(broker.cli_json({"queue", "show", "payments"})[0].at("entered_total"), 1);
  for (int i = 0; i < 2; ++i) broker.cli_json({"publish", "q", "--body", "pay", "--id", id});
  EXPECT_EQ(entered(), 3u) << "a queue that does not say so stores both";
  EXPECT_EQ(broker.cli({"queue", "update", "payments", "--deduplicate-for", "8d"}).exit, 65);
}

TEST_F(PublishCli, BadLinesAreToldAndTheOthersGoOn) {
  const std::string lines =
      "{\"body\":\"a\",\"type\":\"t\",\"headers\":{\"h\":[\"1\",\"2\"]}}\n"
      "no json\n"
      "{\"body\":1}\n"
      "{\"bodi\":\"x\"}\n"
      "{\"body_base64\":\"/w==\",\"headers\":[[\"h\",\"3\"]]}\n";
  const Outcome outcome = broker.cli({"--json", "publish", "q", "--messages", "--key", "k"}, lines);
  EXPECT_EQ(outcome.exit, 65);
  const auto printed = json_lines(outcome.out);
  std::set<std::int64_t> good;
  std::set<std::int64_t> bad;
  for (const auto& line : printed) {
    const auto& object = line.as_object();
    (object.contains("error") ? bad : good).insert(object.at("index").as_int64());
  }
  EXPECT_EQ(good, (std::set<std::int64_t>{0, 4}));
  EXPECT_EQ(bad, (std::set<std::int64_t>{1, 2, 3}));
  EXPECT_EQ(json_lines(outcome.err).size(), 1u);
  const auto found = peek();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].at("key"), "k");
  EXPECT_EQ(found[0].at("headers").at("h").as_array().size(), 2u);
  EXPECT_EQ(found[1].at("body_base64"), "/w==");
}

TEST_F(PublishCli, WhatWasPeekedCanBePublished) {
  ASSERT_EQ(broker.cli({"publish", "q", "--body", "x", "--type", "t", "--header", "a=b"}).exit, 0);
  const Outcome peeked = broker.cli({"--json", "peek", "q"});
  ASSERT_EQ(broker.cli({"publish", "q", "--messages"}, peeked.out).exit, 0);
  const auto found = peek();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].at("id"), found[1].at("id"));
  EXPECT_EQ(found[0].at("headers"), found[1].at("headers"));
}

TEST_F(PublishCli, RefusalsHaveTheirStatus) {
  EXPECT_EQ(broker.cli({"publish", "none", "--body", "x"}).exit, 66);
  EXPECT_EQ(broker.cli({"publish", "q"}, std::string(17u << 20, 'x')).exit, 65) << "too large";
  EXPECT_EQ(broker.cli({"publish", "q", "--body", "x", "--file", "f"}).exit, 64);
  EXPECT_EQ(broker.cli({"publish", "q", "--jsonl", "--messages"}).exit, 64);
  EXPECT_EQ(broker.cli({"publish", "q", "--body", "x", "--id", "no"}).exit, 64);
  EXPECT_EQ(broker.cli({"publish", "q", "--body", "x", "--header", "no"}).exit, 64);
}

TEST_F(PublishCli, AnIndexThatNothingHasIsNoSuccess) {
  const Outcome behind = broker.cli({"publish", "q", "--jsonl", "--from-index", "5"}, "a\nb\nc\n");
  EXPECT_EQ(behind.exit, 65);
  EXPECT_NE(behind.err.find("3 messages"), std::string::npos) << behind.err;
  EXPECT_EQ(broker.cli({"publish", "q", "--jsonl", "--from-index", "4"}, "a\nb\nc\n").exit, 65);
  EXPECT_EQ(broker.cli({"publish", "q", "--jsonl", "--from-index", "1"}, "").exit, 65);
  EXPECT_EQ(broker.cli({"publish", "q", "--body", "x", "--from-index", "3"}).exit, 64) << "it is message 0";
  EXPECT_EQ(entered(), 0u);
  EXPECT_EQ(broker.cli({"publish", "q", "--jsonl", "--from-index", "2"}, "a\nb\nc\n").exit, 0);
  EXPECT_EQ(entered(), 1u);
}

/// A script that was stopped goes on with the one behind the last that was confirmed, whether there is one or not.
TEST_F(PublishCli, GoingOnBehindTheLastIsASuccess) {
  const Outcome lines = broker.cli({"publish", "q", "--jsonl", "--from-index", "3"}, "a\nb\n\nc\n");
  EXPECT_EQ(lines.exit, 0) << lines.err;
  EXPECT_EQ(lines.out, "published 0 messages\n");
  const Outcome objects =
      broker.cli({"--json", "publish", "q", "--messages", "--from-index", "1"}, "{\"body\":\"a\"}\n");
  EXPECT_EQ(objects.exit, 0) << objects.err;
  EXPECT_EQ(objects.out, "");
  EXPECT_EQ(entered(), 0u);
}

TEST_F(PublishCli, ARestartOfTheBrokerLosesNothing) {
  const std::string input = broker.dir() / "lines";
  const std::string output = broker.dir() / "confirms";
  {
    std::ofstream out(input);
    for (int i = 0; i < 100'000; ++i) out << i << "\n";
  }
  Process publish(
      {.command = broker.cli_command({"--json", "publish", "q", "--jsonl", "--file", input}), .output_file = output});
  ASSERT_TRUE(eventually([&] { return read_file(output).size() > 1000; }));
  broker.restart();
  ASSERT_EQ(publish.wait(std::chrono::seconds(60)), 0);
  EXPECT_EQ(json_lines(read_file(output)).size(), 100'000u);
  EXPECT_EQ(entered(), 100'000u);
}

}  // namespace
}  // namespace lazaret::testing

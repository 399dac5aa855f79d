// One subscription of several topics on a real broker: through the client library, the HTTP API and the command line,
// and over kills of the broker while it is published to.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/use_future.hpp>
#include <boost/json/serialize.hpp>
#include <future>
#include <map>
#include <set>

#include "integration/support/api.h"
#include "integration/support/error_of.h"
#include "integration/support/http.h"
#include "integration/support/inbox.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

class FanInTest : public ::testing::Test {
 protected:
  /// Four topics are on both shards.
  FanInTest() : client_(Client::connect(broker_.url(), {.name = "fan-in", .drain = 5s})) {
    for (const std::string& topic : topics_) client_.create_topic({.name = topic});
  }
  /// Where what came was published, by topic, in the order in which it was delivered.
  static std::map<std::string, std::vector<std::uint64_t>> places(const Inbox& inbox) {
    std::map<std::string, std::vector<std::uint64_t>> all;
    for (const Received& one : inbox.all()) all[one.message.source].push_back(one.message.offset);
    return all;
  }
  std::vector<std::string> create_words() {
    std::vector<std::string> words{"subscription", "create", "all"};
    for (const std::string& topic : topics_) words.insert(words.end(), {"--topic", topic});
    return words;
  }

  const std::vector<std::string> topics_{"north", "east", "south", "west"};
  Broker broker_;
  Client client_;
};

TEST_F(FanInTest, EverythingOfAllTopicsComesAndSaysWhereItWasPublished) {
  const QueueInfo all = client_.ensure_subscription({.name = "all", .topics = topics_});
  EXPECT_TRUE(all.created);
  EXPECT_EQ(all.kind, Kind::subscription);
  EXPECT_EQ(all.topics, topics_);
  EXPECT_EQ(all.topic, "");
  EXPECT_FALSE(client_.ensure_subscription({.name = "all", .topics = {"west", "south", "east", "north"}}).created);
  Inbox inbox;
  const Consumer consumer = client_.consume("all", [&](Delivery& delivery) { inbox.add(delivery); });
  for (int i = 0; i < 25; ++i) {
    for (const std::string& topic : topics_) client_.publish(topic, {.body = topic + " " + std::to_string(i)});
  }
  ASSERT_TRUE(inbox.reaches(100));
  for (const Received& one : inbox.all()) {
    EXPECT_EQ(one.message.body.view(), one.message.source + " " + std::to_string(one.message.offset));
  }
  for (const auto& [topic, offsets] : places(inbox)) {
    EXPECT_EQ(offsets.size(), 25u) << topic;
    EXPECT_TRUE(std::is_sorted(offsets.begin(), offsets.end())) << topic;
  }
  EXPECT_TRUE(eventually([&] { return client_.show("all").acked_total == 100; }));
  EXPECT_EQ(QueueView(broker_, "all", "subscriptions").wrong_sums(), "");
}

TEST_F(FanInTest, OverKillsOfTheBrokerNothingIsLostAndNothingComesTwice) {
  client_.ensure_subscription({.name = "all", .topics = topics_});
  std::map<std::string, std::set<std::string>> confirmed;
  for (int round = 0; round < 4; ++round) {
    std::vector<std::pair<std::string, std::future<Receipt>>> sent;
    for (int i = 0; i < 400; ++i) {
      const std::string& topic = topics_[static_cast<std::size_t>(i) % topics_.size()];
      const std::string body = topic + " " + std::to_string(round) + " " + std::to_string(i);
      sent.emplace_back(body, client_.async_publish(topic, {.body = body}, boost::asio::use_future));
      if (i == 100 + 80 * round) broker_.restart();
    }
    for (auto& [body, receipt] : sent) {
      receipt.get();  // those that were under way are sent again, with their numbers
      confirmed[body.substr(0, body.find(' '))].insert(body);
    }
  }
  Inbox inbox;
  const Consumer consumer = client_.consume("all", [&](Delivery& delivery) { inbox.add(delivery); });
  ASSERT_TRUE(inbox.reaches(1600)) << broker_.cli({"--json", "subscription", "show", "all"}).out
                                   << broker_.cli({"--json", "topic", "list"}).out;
  ASSERT_TRUE(eventually([&] { return client_.show("all").acked_total == 1600; }));
  std::map<std::string, std::set<std::string>> got;
  for (const Received& one : inbox.all()) {
    EXPECT_TRUE(got[one.message.source].insert(one.message.body.str()).second) << one.message.body.view();
  }
  EXPECT_EQ(got, confirmed);
  for (const auto& [topic, offsets] : places(inbox)) {
    EXPECT_TRUE(std::is_sorted(offsets.begin(), offsets.end())) << topic;
  }
  EXPECT_EQ(QueueView(broker_, "all", "subscriptions").wrong_sums(), "");
  EXPECT_EQ(broker_.cli({"check"}).exit, 0);
  broker_.kill9();
  EXPECT_EQ(run_cli({"check", "--data-dir", broker_.data_dir()}).exit, 0);
}

TEST_F(FanInTest, ACaseSaysWhereItsMessageWasPublished) {
  client_.ensure_subscription({.name = "all", .topics = topics_, .max_attempts = 1});
  client_.publish("south", {.body = "first"});
  client_.publish("south", {.body = "second"});
  std::atomic<bool> mended{false};
  Inbox inbox;
  const Consumer consumer = client_.consume("all", [&](Delivery& delivery) {
    if (!mended && delivery.message().body.view() == "second") throw std::runtime_error("no");
    inbox.add(delivery);
  });
  ASSERT_TRUE(eventually([&] { return client_.show("all").in_hospital == 1; }));
  const auto cases = cases_of(broker_, "all");
  ASSERT_EQ(cases.size(), 1u);
  EXPECT_EQ(cases[0].at("source"), "south");
  EXPECT_EQ(cases[0].at("offset"), 1);
  EXPECT_EQ(cases[0].at("message").at("source"), "south");
  mended = true;
  EXPECT_EQ(broker_.cli({"hospital", "replay", "--all"}).exit, 0);
  ASSERT_TRUE(inbox.reaches(2));
  EXPECT_EQ(inbox.at(1).message.source, "south");
  EXPECT_EQ(inbox.at(1).message.offset, 1u);
}

TEST_F(FanInTest, WhatIsMeantIsCheckedAndSaid) {
  EXPECT_EQ(error_of([&] {
              client_.create_subscription({.name = "s", .topics = {"north", "nowhere"}});
            }),
            errc::not_found);
  EXPECT_EQ(error_of([&] {
              client_.create_subscription({.name = "s", .topics = {"north", "north"}});
            }),
            errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.create_subscription({.name = "s", .topic = "north", .topics = {"east"}}); }),
            errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.create_subscription({.name = "s", .topics = topics_, .start = "7"}); }),
            errc::invalid_option);
  const QueueInfo one = client_.ensure_subscription({.name = "one", .topics = {"north"}});
  EXPECT_EQ(one.topic, "north");
  EXPECT_THAT(one.topics, ElementsAre("north"));
  client_.ensure_subscription({.name = "all", .topics = topics_});
  EXPECT_EQ(error_of([&] { client_.ensure_subscription({.name = "all", .topic = "north"}); }), errc::mismatch);
  EXPECT_EQ(error_of([&] { client_.seek("all", "earliest"); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.publish("all", {.body = "x"}); }), errc::bad_request);
  EXPECT_EQ(error_of([&] { client_.remove("east"); }), errc::not_empty);
  // By force the topic goes from under it, and with the last one it.
  client_.remove("east", true);
  ASSERT_TRUE(eventually([&] { return client_.show("all").topics.size() == 3; }));
  EXPECT_EQ(client_.list({}, 10, Kind::subscription).queues.size(), 2u);
  for (const char* topic : {"north", "south", "west"}) client_.remove(topic, true);
  EXPECT_TRUE(eventually([&] { return error_of([&] { client_.show("all"); }) == errc::not_found; }));
}

TEST_F(FanInTest, TheCommandLineNamesAllTopics) {
  EXPECT_EQ(broker_.cli(create_words()).exit, 0);
  std::vector<std::string> again = create_words();
  again[1] = "ensure";
  EXPECT_THAT(broker_.cli(again).out, HasSubstr("there is a subscription all"));
  EXPECT_THAT(broker_.cli({"subscription", "list"}).out, HasSubstr("north, east, south, west"));
  EXPECT_EQ(broker_.cli({"publish", "west"}, "hello").exit, 0);
  const auto shown = broker_.cli_json({"subscription", "show", "all"})[0];
  EXPECT_TRUE(shown.at("topic").is_null());
  EXPECT_EQ(boost::json::serialize(shown.at("topics")), R"(["north","east","south","west"])");
  EXPECT_EQ(shown.at("sources").as_array().size(), 4u);
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "all", "subscriptions")["ready"] == 1; }));
  const auto peeked = broker_.cli_json({"peek", "all"})[0];
  EXPECT_EQ(peeked.at("source"), "west");
  EXPECT_EQ(peeked.at("source_offset"), 0);
  EXPECT_THAT(broker_.cli({"why", "all"}).out, HasSubstr("Nobody consumes from it."));
  const auto got = broker_.cli_json({"consume", "all", "--print", "--count", "1"})[0];
  EXPECT_EQ(got.at("source"), "west");
  EXPECT_EQ(got.at("offset"), 0);
  EXPECT_THAT(broker_.cli({"subscription", "seek", "all", "--to", "earliest"}).err, HasSubstr("several topics"));
  EXPECT_EQ(broker_.cli({"subscription", "pause", "all"}).exit, 0);
  EXPECT_EQ(broker_.cli({"publish", "east"}, "more").exit, 0);
  EXPECT_TRUE(eventually([&] { return QueueView(broker_, "all", "subscriptions")["ready"] == 1; }));
  EXPECT_THAT(broker_.cli({"subscription", "purge", "all"}).out, HasSubstr("purged 1 from subscription all"));
  EXPECT_EQ(broker_.cli({"subscription", "delete", "all"}).exit, 0);
  EXPECT_TRUE(eventually([&] { return broker_.cli({"topic", "delete", "west"}).exit == 0; }));
}

TEST_F(FanInTest, OverHttpTopicsAreAList) {
  const auto put = [&](const std::string& body) {
    return http(broker_.admin(), "PUT", "/api/v1/subscriptions/all", body);
  };
  EXPECT_EQ(put(R"({"topics": ["north", 7]})").status, 400);
  EXPECT_EQ(put(R"({"topics": []})").status, 400);
  EXPECT_EQ(put(R"({"topic": "north", "topics": ["east"]})").status, 400);
  EXPECT_EQ(put(R"({"topics": ["north", "nowhere"]})").status, 404);
  EXPECT_EQ(put(R"({"topic": ""})").status, 400);
  EXPECT_EQ(put(R"({"topic": 7})").status, 400);
  EXPECT_EQ(http(broker_.admin(), "PUT", "/api/v1/subscriptions/one", R"({"topic": "north"})").status, 201);
  EXPECT_EQ(put(R"({"topics": ["north", "east"], "start": 3})").status, 400);
  EXPECT_EQ(put(R"({"topics": ["north", "east"]})").status, 201);
  EXPECT_EQ(put(R"({"topics": ["east", "north"], "max_attempts": 5})").status, 200);
  const auto other = put(R"({"topics": ["east", "south"]})");
  EXPECT_EQ(other.status, 409);
  EXPECT_THAT(std::string(other.json().at("detail").as_string()), HasSubstr("its topics are east, north"));
}

TEST_F(FanInTest, AFileDeclaresIt) {
  const std::string file = broker_.dir() / "topology.toml";
  const auto apply = [&](const std::string& topics) {
    write_file(file, "[topics.up]\n[topics.down]\n[subscriptions.both]\ntopics = " + topics + "\n");
    return broker_.cli({"apply", "-f", file});
  };
  const Outcome created = apply(R"(["up", "down"])");
  EXPECT_EQ(created.exit, 0) << created.err;
  EXPECT_THAT(created.out, HasSubstr("created subscription both"));
  const Outcome same = apply(R"(["down", "up"])");
  EXPECT_EQ(same.exit, 0) << same.out << same.err;
  const Outcome other = apply(R"(["up"])");
  EXPECT_EQ(other.exit, 73);
  EXPECT_THAT(other.out, HasSubstr("topics is"));
  const Outcome pruned = broker_.cli({"apply", "-f", file, "--prune", "--yes"});
  EXPECT_THAT(pruned.out, ::testing::Not(HasSubstr("deleted topic up")));
}

}  // namespace
}  // namespace lazaret::testing

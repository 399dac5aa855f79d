// Cases go from one broker to another: exported there, imported here, replayed here.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <mutex>
#include <set>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;

class ImportCases : public ::testing::Test {
 protected:
  /// Messages that are rejected where they come from.
  void fail_there(const std::string& queue, std::size_t count) {
    Client client = Client::connect(there.url(), {.timeout = 60s});
    client.ensure(QueueSpec{.name = queue});
    for (std::size_t i = 0; i < count; ++i) {
      Message message{.body = "body " + std::to_string(i)};
      message.type = "order.created";
      message.key = "k" + std::to_string(i);
      message.headers = {{"tag", "a"}, {"tag", "b"}, {"n", std::to_string(i)}};
      message.correlation_id = "order " + std::to_string(i);
      sent.push_back(client.publish(queue, std::move(message)).id);
    }
    const Consumer consumer = client.consume(queue, [](Delivery&) { return Verdict::reject("no good"); });
    ASSERT_TRUE(eventually([&] { return QueueView(there, queue)["in_hospital"] == static_cast<std::int64_t>(count); }));
  }
  /// Subscriptions of the same names, of the same topics, on both. Whoever comes later finds what was there before.
  void subscribe(const std::string& name, const std::vector<std::string>& topics) {
    for (const Broker* broker : {&there, &here}) {
      std::vector<std::string> words = {"subscription", "create", name};
      for (const std::string& topic : topics) {
        broker->cli({"topic", "ensure", topic, "--retain-for", "1h"});
        words.insert(words.end(), {"--topic", topic});
      }
      const Outcome created = broker->cli(words);
      ASSERT_EQ(created.exit, 0) << created.err;
    }
  }
  /// One message to each of these topics, which this subscription rejects there.
  void fail_of_topics(const std::string& subscription, const std::vector<std::string>& topics) {
    Client client = Client::connect(there.url(), {.timeout = 60s});
    for (const std::string& topic : topics) client.publish(topic, {.body = "failed of " + topic});
    const Consumer consumer = client.consume(subscription, [](Delivery&) { return Verdict::reject("no good"); });
    ASSERT_TRUE(eventually([&] {
      return QueueView(there, subscription, "subscriptions")["in_hospital"] == static_cast<std::int64_t>(topics.size());
    }));
  }
  std::string exported(const std::string& filter = "") const {
    std::vector<std::string> command = {"hospital", "export"};
    if (!filter.empty()) command.insert(command.end(), {"--filter", filter});
    const Outcome done = there.cli(command);
    EXPECT_EQ(done.exit, 0) << done.err;
    return done.out;
  }
  Broker there;
  Broker here;
  std::vector<MessageId> sent;
};

TEST_F(ImportCases, BringWhatWasDoneToThemThere) {
  fail_there("orders", 1);
  const std::string id = text_of(cases_of(there, "orders").at(0), "id");
  ASSERT_EQ(there.cli({"hospital", "discard", id, "--reason", "no use", "--yes"}).exit, 0);
  ASSERT_EQ(there.cli({"hospital", "restore", id, "--yes"}).exit, 0);
  ASSERT_EQ(here.cli({"queue", "create", "orders"}).exit, 0);
  const Outcome imported = here.cli({"hospital", "import", "-"}, exported());
  ASSERT_EQ(imported.exit, 0) << imported.err;
  const auto history = cases_of(here, "orders").at(0).at("history");
  EXPECT_EQ(history, cases_of(there, "orders").at(0).at("history"));
  EXPECT_EQ(history.at(0).at("reason"), "no use");
  EXPECT_EQ(history.at(1).at("what"), "restored");
}

TEST_F(ImportCases, AreReplayedHereAndTheConsumerGetsTheSameMessages) {
  fail_there("orders", 3);
  ASSERT_EQ(here.cli({"queue", "create", "orders"}).exit, 0);
  const std::string file = exported();
  const Outcome imported = here.cli({"hospital", "import", "-"}, file);
  EXPECT_EQ(imported.exit, 0) << imported.err;
  EXPECT_EQ(imported.out, "imported 3 cases, skipped 0, refused 0\n");
  EXPECT_EQ(here.cli({"hospital", "import", "-"}, file).out, "imported 0 cases, skipped 3, refused 0\n");
  here.restart();
  EXPECT_EQ(here.cli({"hospital", "import", "-"}, file).out, "imported 0 cases, skipped 3, refused 0\n");

  const auto cases = cases_of(here, "orders");
  ASSERT_EQ(cases.size(), 3u);
  for (const auto& one : cases) {
    EXPECT_EQ(one.at("reason"), "rejected");
    EXPECT_EQ(one.at("error_message"), "no good");
    EXPECT_EQ(one.at("attempt_count"), 1);
    EXPECT_TRUE(one.at("imported_from").is_string());
    EXPECT_EQ(one.at("attempts").at(0).at("outcome"), "rejected");
  }
  EXPECT_EQ(QueueView(here, "orders")["ready"], 0);
  EXPECT_EQ(QueueView(here, "orders").wrong_sums(), "");

  ASSERT_EQ(here.cli({"hospital", "replay", "--all", "--yes", "--canary", "0"}).exit, 0);
  Client client = Client::connect(here.url(), {.timeout = 60s});
  std::mutex mutex;
  std::map<std::string, Message> got;
  const Consumer consumer = client.consume("orders", [&](Delivery& delivery) {
    const std::lock_guard lock(mutex);
    got[delivery.message().body.str()] = delivery.message();
    return Verdict::done();
  });
  ASSERT_TRUE(eventually([&] { return QueueView(here, "orders")["acked_total"] == 3; }));
  const std::lock_guard lock(mutex);
  for (std::size_t i = 0; i < 3; ++i) {
    const Message& message = got["body " + std::to_string(i)];
    EXPECT_EQ(message.id, sent[i]);
    EXPECT_EQ(message.key, "k" + std::to_string(i));
    EXPECT_EQ(message.type, "order.created");
    EXPECT_EQ(message.correlation_id, "order " + std::to_string(i));
    EXPECT_EQ(message.headers, (Headers{{"tag", "a"}, {"tag", "b"}, {"n", std::to_string(i)}}));
  }
  EXPECT_EQ(QueueView(here, "orders").wrong_sums(), "");
  EXPECT_EQ(here.cli({"check"}).exit, 0);
}

TEST_F(ImportCases, AFileThatGoesBackToWhereItComesFromBringsNothing) {
  fail_there("orders", 3);
  const std::string file = exported("queue=orders");
  EXPECT_EQ(there.cli({"hospital", "import", "-"}, file).out, "imported 0 cases, skipped 3, refused 0\n");
  const auto results = there.cli_json({"hospital", "import", "-"}, file);
  ASSERT_EQ(results.size(), 3u);
  const auto cases = cases_of(there, "orders");
  ASSERT_EQ(cases.size(), 3u);
  EXPECT_EQ(results[0].at("result"), "skipped");
  EXPECT_THAT(text_of(results[0], "because"), HasSubstr("it was exported here"));
  EXPECT_TRUE(
      std::any_of(cases.begin(), cases.end(), [&](const auto& one) { return one.at("id") == results[0].at("id"); }));

  // Whatever became of them since: who discarded them does not want them back.
  ASSERT_EQ(there.cli({"hospital", "discard", "--all", "--yes"}).exit, 0);
  there.restart();
  EXPECT_EQ(there.cli({"hospital", "import", "-"}, file).out, "imported 0 cases, skipped 3, refused 0\n");
  EXPECT_EQ(QueueView(there, "orders")["in_hospital"], 0);
  ASSERT_EQ(there.cli({"queue", "create", "repairs"}).exit, 0);
  EXPECT_EQ(there.cli({"hospital", "import", "-", "--to", "repairs"}, file).out,
            "imported 3 cases, skipped 0, refused 0\n")
      << "in another queue each is another case";
  EXPECT_EQ(there.cli({"check"}).exit, 0);
}

TEST_F(ImportCases, ALineThatCannotBeTakenIsNamedAndTheOthersGoOn) {
  fail_there("orders", 2);
  const std::string file = exported();
  const Outcome nowhere = here.cli({"hospital", "import", "-"}, file);
  EXPECT_EQ(nowhere.exit, 65);
  EXPECT_THAT(nowhere.err, HasSubstr("NOT_FOUND: line 1: there is no queue or subscription \"orders\""));
  EXPECT_EQ(nowhere.out, "imported 0 cases, skipped 0, refused 2\n");

  ASSERT_EQ(here.cli({"queue", "create", "repairs"}).exit, 0);
  ASSERT_EQ(here.cli({"topic", "create", "news"}).exit, 0);
  EXPECT_THAT(here.cli({"hospital", "import", "-", "--to", "news"}, file).err,
              HasSubstr("BAD_REQUEST: line 1: news is a topic"));
  EXPECT_EQ(QueueView(here, "news", "topics")["published_total"], 0);
  const Outcome mixed =
      here.cli({"hospital", "import", "-", "--to", "repairs"},
               "no JSON\n" + file.substr(0, file.find('\n') + 1) + "\n{}\n" + file.substr(file.find('\n') + 1));
  EXPECT_EQ(mixed.exit, 65);
  EXPECT_THAT(mixed.err, HasSubstr("line 1: it is not JSON"));
  EXPECT_THAT(mixed.err, HasSubstr("line 4: state must be"));
  EXPECT_EQ(mixed.out, "imported 2 cases, skipped 0, refused 2\n");
  EXPECT_EQ(QueueView(here, "repairs")["in_hospital"], 2);

  ASSERT_EQ(there.cli({"hospital", "discard", "--all", "--yes"}).exit, 0);
  EXPECT_EQ(here.cli({"hospital", "import", "-", "--to", "repairs"}, exported()).out,
            "imported 0 cases, skipped 2, refused 0\n")
      << "closed ones stay where they are";
}

TEST_F(ImportCases, WhatANewerBrokerOrAnEditorHasPutInIsPassedOver) {
  fail_there("orders", 1);
  ASSERT_EQ(here.cli({"queue", "create", "orders"}).exit, 0);
  std::string line = exported();
  line.insert(line.find("\"message\":{") + 11, R"("new":{"a":[[[[[{"b":1}]]]]]},)");
  line.insert(1, "\"new\":[1],");
  const Outcome done = here.cli({"hospital", "import", "-"}, "\xEF\xBB\xBF" + line);
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_EQ(done.out, "imported 1 case, skipped 0, refused 0\n");
  EXPECT_EQ(http(here.admin(), "POST", "/api/v1/hospital/import", R"({"items":[],"too":"orders"})").status, 400)
      << "what is asked is not passed over";
}

/// As texts these bodies have up to six times their bytes.
TEST_F(ImportCases, WhatAnExportWritesCanBeImportedWhateverItsBodyIs) {
  const std::size_t largest = 1u << 20;
  const std::vector<std::string> settings = {"broker.max_message_bytes=" + std::to_string(largest)};
  Broker from({.settings = settings, .arguments = {}});
  Broker into({.settings = settings, .arguments = {}});
  std::string lines;
  while (lines.size() + 2 < largest) lines += "\"\n";
  Client client = Client::connect(from.url(), {.timeout = 60s});
  client.ensure(QueueSpec{.name = "orders"});
  client.publish("orders", {.body = std::string(largest, '\x01')});
  client.publish("orders", {.body = lines});
  client.publish("orders", {.body = "{\"small\":\"as text\"}"});
  const Consumer consumer = client.consume("orders", [](Delivery&) { return Verdict::reject("no good"); });
  ASSERT_TRUE(eventually([&] { return QueueView(from, "orders")["in_hospital"] == 3; }));

  const std::string file = from.dir() / "cases.jsonl";
  write_file(file, from.cli({"hospital", "export"}).out);
  EXPECT_THAT(read_file(file), HasSubstr(R"("body":"{\"small\":\"as text\"}")"));
  ASSERT_EQ(into.cli({"queue", "create", "orders"}).exit, 0);
  const Outcome imported = into.cli({"hospital", "import", file});
  EXPECT_EQ(imported.exit, 0) << imported.err;
  EXPECT_EQ(imported.out, "imported 3 cases, skipped 0, refused 0\n");

  ASSERT_EQ(into.cli({"hospital", "replay", "--all", "--yes", "--canary", "0"}).exit, 0);
  Client reader = Client::connect(into.url(), {.timeout = 60s});
  std::mutex mutex;
  std::set<std::string> got;
  const Consumer healthy = reader.consume("orders", [&](Delivery& delivery) {
    const std::lock_guard lock(mutex);
    got.insert(delivery.message().body.str());
    return Verdict::done();
  });
  ASSERT_TRUE(eventually([&] { return QueueView(into, "orders")["acked_total"] == 3; }));
  const std::lock_guard lock(mutex);
  EXPECT_TRUE(got.contains(std::string(largest, '\x01')));
  EXPECT_TRUE(got.contains(lines));
  EXPECT_TRUE(got.contains("{\"small\":\"as text\"}"));
}

TEST_F(ImportCases, ALineThatIsTooLargeIsNamedAndTheOthersGoOn) {
  fail_there("orders", 2);
  const std::string file = exported();
  Broker small({.settings = {"broker.max_message_bytes=1048576"}, .arguments = {}});
  ASSERT_EQ(small.cli({"queue", "create", "orders"}).exit, 0);
  const std::string first = file.substr(0, file.find('\n') + 1);
  // More than the sockets hold: the broker closes while it is still being sent.
  const std::string huge = R"({"state":"admitted","padding":")" + std::string(48u << 20, 'x') + "\"}\n";
  const Outcome done = small.cli({"hospital", "import", "-"}, first + huge + file.substr(first.size()));
  EXPECT_EQ(done.exit, 65) << done.err;
  EXPECT_THAT(done.err, HasSubstr("MESSAGE_TOO_LARGE: line 2: the body of the request is larger than is taken here"));
  EXPECT_EQ(done.out, "imported 2 cases, skipped 0, refused 1\n");
}

TEST_F(ImportCases, OfVeryManyAttemptsTheEarlierOnesLoseTheirTexts) {
  fail_there("orders", 1);
  namespace json = boost::json;
  json::object one = json::parse(exported()).as_object();
  json::array& attempts = one.at("attempts").as_array();
  attempts[0].as_object()["error_details"] = std::string(60'000, 'd');
  const json::value attempt = attempts[0];
  while (attempts.size() < 120) attempts.push_back(attempt);
  Broker small({.settings = {"broker.max_message_bytes=1048576"}, .arguments = {}});
  ASSERT_EQ(small.cli({"queue", "create", "orders"}).exit, 0);
  const Outcome done = small.cli({"hospital", "import", "-"}, json::serialize(one) + "\n");
  EXPECT_EQ(done.exit, 0) << done.err;
  EXPECT_THAT(done.err, HasSubstr("line 1: it is too large with the error_details of its earlier attempts"));
  EXPECT_EQ(done.out, "imported 1 case, skipped 0, refused 0\n");
  const auto imported = cases_of(small, "orders");
  ASSERT_EQ(imported.size(), 1u);
  ASSERT_EQ(imported[0].at("attempts").as_array().size(), 120u);
  EXPECT_TRUE(imported[0].at("attempts").at(0).at("error_details").is_null());
  EXPECT_EQ(text_of(imported[0].at("attempts").at(119), "error_details"), std::string(60'000, 'd'));
}

TEST_F(ImportCases, APageOfAnExportIsTakenOverHttpAsItIs) {
  fail_there("orders", 2);
  ASSERT_EQ(here.cli({"queue", "create", "orders"}).exit, 0);
  const std::string page = http(there.admin(), "GET", "/api/v1/hospital/export").body;
  const HttpAnswer done = http(here.admin(), "POST", "/api/v1/hospital/import", page);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.json().at("imported"), 2);
  EXPECT_EQ(done.json().at("items").at(0).at("result"), "imported");
  EXPECT_EQ(http(here.admin(), "POST", "/api/v1/hospital/import", page).json().at("skipped"), 2);
  EXPECT_EQ(http(here.admin(), "POST", "/api/v1/hospital/import", R"({"items":3})").status, 400);
  EXPECT_EQ(http(here.admin(), "POST", "/api/v1/hospital/import", R"({"items":[3]})").json().at("refused"), 1);
  std::string many = "{}";
  for (int i = 0; i < 1024; ++i) many += ",{}";
  EXPECT_EQ(http(here.admin(), "POST", "/api/v1/hospital/import", "{\"items\":[" + many + "]}").status, 413);
}

/// Those who read the same topic have nothing of them, whether they are there already or come later.
TEST_F(ImportCases, OfATopicOnlyTheSubscriptionThatFailedHasThem) {
  subscribe("news.mine", {"news"});
  subscribe("news.theirs", {"news"});
  fail_of_topics("news.mine", {"news", "news", "news"});
  const std::string file = exported("subscription=news.mine");
  const Outcome imported = here.cli({"hospital", "import", "-"}, file);
  EXPECT_EQ(imported.exit, 0) << imported.err;
  EXPECT_EQ(imported.out, "imported 3 cases, skipped 0, refused 0\n");
  EXPECT_EQ(QueueView(here, "news.theirs", "subscriptions")["ready"], 0) << "also while nobody consumes there";
  here.restart();
  EXPECT_EQ(QueueView(here, "news.theirs", "subscriptions")["filtered_total"], 3);
  EXPECT_EQ(here.cli({"hospital", "import", "-"}, file).out, "imported 0 cases, skipped 3, refused 0\n");
  ASSERT_EQ(here.cli({"subscription", "create", "news.late", "--topic", "news", "--start", "earliest"}).exit, 0);

  Client client = Client::connect(here.url(), {.timeout = 60s});
  std::mutex mutex;
  std::map<std::string, std::multiset<std::string>> got;  // bodies, by subscription
  const auto collect = [&](const std::string& name) {
    return client.consume(name, [&, name](Delivery& delivery) {
      const std::lock_guard lock(mutex);
      EXPECT_EQ(delivery.message().source, "news");
      got[name].insert(delivery.message().body.str());
      return Verdict::done();
    });
  };
  const auto view = [&](const std::string& name) { return QueueView(here, name, "subscriptions"); };
  const Consumer mine = collect("news.mine");
  const Consumer theirs = collect("news.theirs");
  const Consumer late = collect("news.late");
  client.publish("news", {.body = "published here"});
  for (const char* name : {"news.mine", "news.theirs", "news.late"}) {
    ASSERT_TRUE(eventually([&] { return view(name)["acked_total"] == 1; })) << name;
  }
  ASSERT_EQ(here.cli({"hospital", "replay", "--all", "--yes", "--canary", "0"}).exit, 0);
  ASSERT_TRUE(eventually([&] { return view("news.mine")["acked_total"] == 4; }));
  for (const char* name : {"news.theirs", "news.late"}) {
    EXPECT_EQ(view(name)["filtered_total"], 3) << name;
    EXPECT_EQ(view(name)["ready"], 0) << name;
    EXPECT_EQ(view(name)["acked_total"], 1) << name;
    EXPECT_EQ(view(name).wrong_sums(), "");
  }
  EXPECT_EQ(view("news.mine")["filtered_total"], 0);
  EXPECT_EQ(view("news.mine").wrong_sums(), "");
  const std::lock_guard lock(mutex);
  EXPECT_EQ(got["news.theirs"], (std::multiset<std::string>{"published here"}));
  EXPECT_EQ(got["news.late"], got["news.theirs"]);
  EXPECT_EQ(got["news.mine"].count("failed of news"), 3u);
  EXPECT_EQ(got["news.mine"].size(), 4u);
  EXPECT_EQ(here.cli({"check"}).exit, 0);
}

TEST_F(ImportCases, OfSeveralTopicsTheSubscriptionHasThemInItsOwnLog) {
  subscribe("all", {"north", "south"});
  subscribe("south.all", {"south"});
  fail_of_topics("all", {"north", "south"});
  const std::string page = http(there.admin(), "GET", "/api/v1/hospital/export?filter=subscription%3Dall").body;
  const HttpAnswer done = http(here.admin(), "POST", "/api/v1/hospital/import", page);
  ASSERT_EQ(done.status, 200) << done.body;
  EXPECT_EQ(done.json().at("imported"), 2);
  EXPECT_EQ(http(here.admin(), "POST", "/api/v1/hospital/import", page).json().at("skipped"), 2);
  for (const auto& one : cases_of(here, "all")) EXPECT_EQ(one.at("source"), "all");
  ASSERT_EQ(here.cli({"hospital", "replay", "--all", "--yes", "--canary", "0"}).exit, 0);
  Client client = Client::connect(here.url(), {.timeout = 60s});
  std::mutex mutex;
  std::multiset<std::string> got;
  const Consumer consumer = client.consume("all", [&](Delivery& delivery) {
    const std::lock_guard lock(mutex);
    got.insert(delivery.message().source + ": " + delivery.message().body.str());
    return Verdict::done();
  });
  client.publish("south", {.body = "published here"});
  ASSERT_TRUE(eventually([&] { return QueueView(here, "all", "subscriptions")["acked_total"] == 3; }));
  {
    const std::lock_guard lock(mutex);
    EXPECT_EQ(got,
              (std::multiset<std::string>{"all: failed of north", "all: failed of south", "south: published here"}));
  }
  EXPECT_EQ(QueueView(here, "all", "subscriptions").wrong_sums(), "");
  EXPECT_EQ(QueueView(here, "south.all", "subscriptions")["entered_total"], 1);
  EXPECT_EQ(here.cli({"check"}).exit, 0);
}

/// Another broker has other names: `--to` says where.
TEST_F(ImportCases, ASubscriptionTakesThoseOfAQueueAndAQueueThoseOfASubscription) {
  fail_there("orders", 1);
  subscribe("news.mine", {"news"});
  fail_of_topics("news.mine", {"news"});
  ASSERT_EQ(here.cli({"queue", "create", "repairs"}).exit, 0);
  const auto import_into = [&](const std::string& name, const std::string& filter) {
    return here.cli({"hospital", "import", "-", "--to", name}, exported(filter)).out;
  };
  EXPECT_EQ(import_into("news.mine", "subscription=orders"), "imported 1 case, skipped 0, refused 0\n");
  EXPECT_EQ(import_into("repairs", "subscription=news.mine"), "imported 1 case, skipped 0, refused 0\n");
  EXPECT_EQ(QueueView(here, "news.mine", "subscriptions")["in_hospital"], 1);
  EXPECT_EQ(QueueView(here, "repairs")["in_hospital"], 1);
  EXPECT_EQ(here.cli({"check"}).exit, 0);
}

TEST_F(ImportCases, AKillInTheMiddleLeavesNoHalfCaseAndTheFileIsSentAgain) {
  constexpr std::int64_t kCases = 600;
  fail_there("orders", kCases);
  ASSERT_EQ(here.cli({"queue", "create", "orders"}).exit, 0);
  const std::string file = here.dir() / "cases.jsonl";
  write_file(file, exported());
  Process import({.command = here.cli_command({"hospital", "import", file})});
  ASSERT_TRUE(eventually([&] { return QueueView(here, "orders")["in_hospital"] > 0; }));
  here.kill9();
  import.wait(60s);
  here.start();
  const std::int64_t before = QueueView(here, "orders")["in_hospital"];
  EXPECT_EQ(QueueView(here, "orders").wrong_sums(), "");
  EXPECT_EQ(here.cli({"check"}).exit, 0);
  const Outcome again = here.cli({"hospital", "import", file});
  EXPECT_EQ(again.exit, 0) << again.err;
  EXPECT_THAT(again.out, HasSubstr("skipped " + std::to_string(before) + ", refused 0"));
  EXPECT_EQ(QueueView(here, "orders")["in_hospital"], kCases);
  EXPECT_EQ(here.cli({"check"}).exit, 0);
}

}  // namespace
}  // namespace lazaret::testing

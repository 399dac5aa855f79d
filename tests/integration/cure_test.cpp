// What is done to the message of a case, on a real broker: through HTTP, the command line and the client library.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <fstream>
#include <thread>

#include "integration/support/api.h"
#include "integration/support/http.h"
#include "lazaret/lazaret.h"

namespace lazaret::testing {
namespace {

using namespace std::chrono_literals;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using Fields = std::map<std::string, std::string>;

std::string version(int number) { return '"' + std::to_string(number) + '"'; }

class Cure : public ::testing::Test {
 protected:
  Cure() : client(Client::connect(broker.url(), {.timeout = 60s})) {}

  /// A message of this queue, which is rejected.
  std::string admit(const std::string& queue, const std::string& body,
                    const std::string& content_type = "application/json") {
    client.ensure(QueueSpec{.name = queue});
    const std::size_t before = cases_of(broker, queue).size();
    Message message{.body = body};
    message.content_type = content_type;
    message.headers = {{"region", "eu"}, {"tag", "a"}};
    message.correlation_id = "order 17";
    published = client.publish(queue, std::move(message));
    const Consumer consumer = client.consume(queue, [](Delivery&) { return Verdict::reject("no good"); });
    EXPECT_TRUE(eventually([&] { return cases_of(broker, queue).size() > before; }));
    return text_of(cases_of(broker, queue).back(), "id");
  }
  static std::string target(const std::string& id, const std::string& more = "") {
    return "/api/v1/hospital/cases/" + id + more;
  }
  HttpAnswer patch(const std::string& id, const std::string& edit, const std::string& if_match) const {
    Fields fields = {{"X-Lazaret-Actor", "ann"}};
    if (!if_match.empty()) fields["If-Match"] = if_match;
    return http(broker.admin(), "PATCH", target(id), edit, fields);
  }
  HttpAnswer post(const std::string& id, const std::string& verb, const std::string& body = "{}") const {
    return http(broker.admin(), "POST", target(id, "/" + verb), body);
  }
  boost::json::value shown(const std::string& id) const { return http(broker.admin(), "GET", target(id)).json(); }
  /// Everything that comes from this queue until nothing more does.
  std::vector<Message> consumed(const std::string& queue, std::size_t count) {
    std::vector<Message> all;
    std::mutex mutex;
    const Consumer consumer = client.consume(queue, [&](Delivery& delivery) {
      const std::lock_guard lock(mutex);
      all.push_back(delivery.message());
    });
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex);
      return all.size() >= count;
    }));
    return all;
  }

  Broker broker;
  Client client;
  Receipt published;
};

TEST_F(Cure, AnEditedMessageIsReplayedWithTheSameId) {
  const std::string id = admit("orders", R"({"order":1,"country":null})");
  const HttpAnswer before = http(broker.admin(), "GET", target(id));
  EXPECT_EQ(before.headers.at("etag"), version(0));
  const HttpAnswer edited = patch(id,
                                  R"({"merge":{"country":"NL"},"headers":{"region":null,"mended":"yes"},)"
                                  R"("note":"the form left it out"})",
                                  version(0));
  ASSERT_EQ(edited.status, 200) << edited.body;
  EXPECT_EQ(edited.headers.at("etag"), version(1));
  EXPECT_EQ(edited.json().at("version"), 1);

  const boost::json::value now = shown(id);
  EXPECT_EQ(now.at("message").at("body"), R"({"order":1,"country":"NL"})");
  EXPECT_EQ(now.at("message").at("headers"), (boost::json::object{{"tag", "a"}, {"mended", "yes"}}));
  EXPECT_EQ(now.at("edits").at(0).at("by"), "ann");
  EXPECT_EQ(now.at("edits").at(0).at("note"), "the form left it out");
  const auto original = http(broker.admin(), "GET", target(id, "/versions/0")).json();
  EXPECT_EQ(original.at("message").at("body"), R"({"order":1,"country":null})");
  EXPECT_EQ(http(broker.admin(), "GET", target(id, "/versions/2")).status, 404);
  EXPECT_EQ(http(broker.admin(), "GET", target(id, "/body")).body, R"({"order":1,"country":"NL"})");
  const std::string difference = http(broker.admin(), "GET", target(id, "/diff")).body;
  EXPECT_THAT(difference, HasSubstr(R"({"kind":"removed","text":"  \"country\": null"})"));
  EXPECT_THAT(difference, HasSubstr(R"({"kind":"added","text":"  \"country\": \"NL\""})"));

  ASSERT_EQ(post(id, "replay").status, 200);
  EXPECT_EQ(patch(id, R"({"body":"{}"})", version(1)).status, 409) << "it is being replayed";
  const auto messages = consumed("orders", 1);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].body.str(), R"({"order":1,"country":"NL"})");
  EXPECT_EQ(messages[0].id, published.id);
  EXPECT_EQ(messages[0].correlation_id, "order 17");
  EXPECT_TRUE(eventually([&] { return text_of(shown(id), "state") == "discharged"; }));
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Cure, TheCaseSaysWhoDidWhatToIt) {
  const std::string id = admit("orders", "{}");
  EXPECT_EQ(shown(id).at("history"), boost::json::array());
  const auto post_as = [&](const std::string& who, const std::string& verb, const std::string& body) {
    return http(broker.admin(), "POST", target(id, "/" + verb), body, {{"X-Lazaret-Actor", who}}).status;
  };
  ASSERT_EQ(post_as("ann", "discard", R"({"reason":"no use"})"), 200);
  ASSERT_EQ(post_as("bert", "restore", "{}"), 200);
  const auto replayed = broker.cli({"hospital", "replay", "--filter", "queue=orders", "--rate", "100", "--yes"});
  ASSERT_EQ(replayed.exit, 0) << replayed.err;
  EXPECT_THAT(consumed("orders", 1), SizeIs(1));
  ASSERT_TRUE(eventually([&] { return text_of(shown(id), "state") == "discharged"; }));

  const boost::json::value now = shown(id);
  EXPECT_TRUE(now.at("discard_reason").is_null());
  EXPECT_EQ(now.at("history_left_out"), 0);
  std::vector<std::string> happened;
  for (const auto& one : now.at("history").as_array()) {
    EXPECT_NE(text_of(one, "at"), "");
    happened.push_back(text_of(one, "what") + " " + text_of(one, "by") + " " + text_of(one, "reason"));
  }
  const std::string job = text_of(now, "replay_job");
  EXPECT_THAT(happened, ElementsAre("discarded ann no use", "restored bert ", "replayed replay job " + job + " ",
                                    "discharged  "));
  EXPECT_EQ(text_of(now.at("history").at(2), "job"), job);

  const auto told = broker.cli({"hospital", "show", id});
  EXPECT_THAT(told.out, HasSubstr("\nhistory\n"));
  EXPECT_THAT(told.out, HasSubstr("no use"));
  EXPECT_EQ(broker.cli_json({"hospital", "show", id}).at(0).at("history"), now.at("history"));
  EXPECT_EQ(broker.cli_json({"hospital", "export"}).at(0).at("history"), now.at("history"));
}

TEST_F(Cure, TheCommandLineShowsVersionsAndWhatDiffersBetweenThem) {
  const std::string id = admit("orders", R"({"order":1,"country":null})");
  ASSERT_EQ(patch(id, R"({"merge":{"country":"BE"}})", version(0)).status, 200);
  ASSERT_EQ(patch(id, R"({"merge":{"country":"NL"},"note":"asked them"})", version(1)).status, 200);
  const auto newest = broker.cli({"hospital", "diff", id});
  ASSERT_EQ(newest.exit, 0) << newest.err;
  EXPECT_THAT(newest.out, HasSubstr("- version 0\n+ version 2\n"));
  EXPECT_THAT(newest.out, HasSubstr(R"(-   "country": null)"));
  EXPECT_THAT(newest.out, HasSubstr(R"(+   "country": "NL")"));
  const auto between = broker.cli({"hospital", "diff", id, "--from", "2", "--to", "1"});
  EXPECT_THAT(between.out, HasSubstr(R"(-   "country": "NL")"));
  EXPECT_THAT(between.out, HasSubstr(R"(+   "country": "BE")"));
  EXPECT_THAT(broker.cli({"hospital", "diff", id, "--from", "1", "--to", "1"}).out, HasSubstr("nothing differs"));
  EXPECT_EQ(broker.cli({"hospital", "diff", id, "--from", "7"}).exit, 66) << "there is no such version";
  EXPECT_EQ(broker.cli_json({"hospital", "diff", id}).at(0), http(broker.admin(), "GET", target(id, "/diff")).json());

  const auto first = broker.cli({"hospital", "show", id, "--version", "0"});
  ASSERT_EQ(first.exit, 0) << first.err;
  EXPECT_THAT(first.out, HasSubstr("version 0 of case " + id));
  EXPECT_THAT(first.out, HasSubstr("\n  \"country\": null\n"));
  const auto second = broker.cli({"hospital", "show", id, "--version", "2"});
  EXPECT_THAT(second.out, HasSubstr("asked them"));
  EXPECT_THAT(second.out, HasSubstr("\n  \"country\": \"NL\"\n"));
  EXPECT_EQ(broker.cli({"hospital", "show", id, "--version", "0", "--body"}).out, R"({"order":1,"country":null})");
  EXPECT_EQ(broker.cli({"hospital", "show", id, "--version", "3"}).exit, 66);
  EXPECT_EQ(broker.cli_json({"hospital", "show", id, "--version", "1"}).at(0),
            http(broker.admin(), "GET", target(id, "/versions/1")).json());
}

TEST_F(Cure, TheCommandLineTellsWhatHappenedUnderOneCorrelationId) {
  const std::string first = admit("orders", "{}");
  const std::string second = admit("letters", "{}");
  ASSERT_EQ(post(first, "discard").status, 200);
  const auto told = broker.cli({"hospital", "correlation", "order 17"});
  ASSERT_EQ(told.exit, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("CASE"));
  EXPECT_THAT(told.out, HasSubstr(first));
  EXPECT_THAT(told.out, HasSubstr(second));
  EXPECT_THAT(told.out, HasSubstr("no good"));
  std::vector<std::string> happened;
  for (const auto& event : broker.cli_json({"hospital", "correlation", "order 17"})) {
    happened.push_back(text_of(event, "what") + " " + text_of(event, "subscription"));
  }
  // An attempt of a rejected message begins before it is admitted, the discard was the last.
  EXPECT_THAT(happened, ElementsAre("attempt orders", "admitted orders", "attempt letters", "admitted letters",
                                    "discarded orders"));
  EXPECT_TRUE(broker.cli_json({"hospital", "correlation", "nothing of it"}).empty());
}

TEST_F(Cure, AStaleEditIsToldWhatThereIsNow) {
  const std::string id = admit("orders", R"({"order":1})");
  EXPECT_EQ(patch(id, R"({"merge":{}})", "").status, 428);
  EXPECT_EQ(patch(id, R"({"merge":{}})", "whatever").status, 400);
  ASSERT_EQ(patch(id, R"({"merge":{"order":2}})", version(0)).status, 200);
  const HttpAnswer stale = patch(id, R"({"merge":{"order":3}})", version(0));
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.headers.at("etag"), version(1));
  const auto problem = stale.json();
  EXPECT_EQ(problem.at("code"), "STALE_VERSION");
  EXPECT_EQ(problem.at("version"), 1);
  EXPECT_EQ(problem.at("expected"), 0);
  EXPECT_THAT(boost::json::serialize(problem.at("difference")), HasSubstr(R"(\"order\": 2)"));
}

TEST_F(Cure, AnEditIsSeenBeforeItIsMade) {
  const std::string id = admit("orders", R"({"order":1,"country":null})");
  const auto preview = [&](const std::string& edit, const std::string& if_match) {
    Fields fields;
    if (!if_match.empty()) fields["If-Match"] = if_match;
    return http(broker.admin(), "POST", target(id, "/diff"), edit, fields);
  };
  const HttpAnswer shown_before = preview(R"({"merge":{"country":"NL"},"headers":{"region":null}})", version(0));
  ASSERT_EQ(shown_before.status, 200) << shown_before.body;
  EXPECT_EQ(shown_before.json().at("from"), 0);
  EXPECT_EQ(shown_before.json().at("to"), 1);
  EXPECT_THAT(shown_before.body, HasSubstr(R"({"kind":"removed","text":"  \"country\": null"})"));
  EXPECT_THAT(shown_before.body, HasSubstr(R"({"kind":"added","text":"  \"country\": \"NL\""})"));
  EXPECT_THAT(shown_before.body, HasSubstr(R"({"kind":"removed","text":"header region: eu"})"));
  EXPECT_EQ(shown(id).at("version"), 0) << "nothing was changed";

  // Refused as the edit would be.
  EXPECT_EQ(preview(R"({"merge":{}})", "").status, 428);
  EXPECT_EQ(preview("{}", version(0)).status, 400);
  EXPECT_EQ(preview(R"({"body":"{"})", version(0)).status, 422);

  // The command line shows the same, and the edit then makes it so.
  const std::vector<std::string> edit = {"hospital", "edit", id, "--merge", R"({"country":"NL"})"};
  std::vector<std::string> rehearsed = edit;
  rehearsed.emplace_back("--dry-run");
  const auto told = broker.cli(rehearsed);
  EXPECT_EQ(told.exit, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr(R"(+   "country": "NL")"));
  EXPECT_EQ(shown(id).at("version"), 0);
  ASSERT_EQ(broker.cli(edit).exit, 0);
  EXPECT_EQ(shown(id).at("version"), 1);
  const HttpAnswer stale = preview(R"({"merge":{"order":2}})", version(0));
  EXPECT_EQ(stale.status, 412);
  EXPECT_EQ(stale.json().at("version"), 1);

  ASSERT_EQ(post(id, "discard").status, 200);
  EXPECT_EQ(preview(R"({"merge":{"order":2}})", version(1)).status, 409);
}

TEST_F(Cure, AnEditThatChangesNothingMakesNoVersion) {
  const std::string body = R"({ "order": 1 })";
  const std::string id = admit("orders", body);
  for (const char* edit : {R"({"body":"{ \"order\": 1 }"})", R"({"body_base64":"eyAib3JkZXIiOiAxIH0="})",
                           R"({"merge":{"order":1,"country":null}})", R"({"headers":{"region":"eu"}})",
                           R"({"headers":{"absent":null}})", R"({"content_type":"application/json"})"}) {
    const HttpAnswer edited = patch(id, edit, version(0));
    EXPECT_EQ(edited.status, 200) << edit << edited.body;
    EXPECT_EQ(edited.headers.at("etag"), version(0)) << edit;
  }
  EXPECT_EQ(shown(id).at("edits"), boost::json::array());
  EXPECT_EQ(text_of(shown(id).at("message"), "body"), body);
  const HttpAnswer preview =
      http(broker.admin(), "POST", target(id, "/diff"), R"({"merge":{"order":1}})", {{"If-Match", version(0)}});
  EXPECT_EQ(preview.json().at("to"), 0);
  const auto told = broker.cli({"hospital", "edit", id, "--merge", R"({"order":1})"});
  EXPECT_EQ(told.exit, 0) << told.err;
  EXPECT_THAT(told.out, HasSubstr("that changes nothing: case " + id + " stays at version 0"));
  EXPECT_THAT(broker.cli({"hospital", "edit", id, "--merge", R"({"order":1})", "--dry-run"}).out,
              HasSubstr("nothing differs"));

  ASSERT_EQ(patch(id, R"({"headers":{"region":"us"}})", version(0)).status, 200) << "and this is a change";
  EXPECT_EQ(patch(id, R"({"headers":{"region":"us"}})", version(0)).status, 412) << "of what was seen long ago";
  EXPECT_EQ(shown(id).at("version"), 1);
  ASSERT_EQ(post(id, "discard").status, 200);
  EXPECT_EQ(patch(id, R"({"headers":{"region":"us"}})", version(1)).status, 409);
}

TEST_F(Cure, IsComparedWithTheNewestOfItsTypeThatWentWell) {
  client.ensure(QueueSpec{.name = "orders"});
  const auto publish = [&](const std::string& type, const std::string& body) {
    Message message{.body = body};
    message.type = type;
    message.content_type = "application/json";
    client.publish("orders", std::move(message));
  };
  publish("placed", R"({"order":1,"country":"NL"})");
  publish("placed", R"({"order":2,"country":"BE"})");
  publish("paid", R"({"order":1})");
  publish("placed", R"({"order":3})");  // fails
  publish("placed", R"({"order":4})");  // fails as well, and is given up
  {
    const Consumer consumer = client.consume("orders", [](Delivery& delivery) {
      const std::string body = delivery.message().body.str();
      const bool bad = body == R"({"order":3})" || body == R"({"order":4})";
      return bad ? Verdict::reject("no country") : Verdict::done();
    });
    ASSERT_TRUE(eventually([&] { return cases_of(broker, "orders").size() == 2; }));
  }
  std::string id;
  for (const auto& one : cases_of(broker, "orders")) {
    if (shown(text_of(one, "id")).at("message").at("body") == R"({"order":3})") id = text_of(one, "id");
    if (shown(text_of(one, "id")).at("message").at("body") != R"({"order":3})") {
      ASSERT_EQ(post(text_of(one, "id"), "discard").status, 200);
    }
  }
  const auto found = http(broker.admin(), "GET", target(id, "/acknowledged")).json();
  EXPECT_EQ(found.at("message").at("body"), R"({"order":2,"country":"BE"})");
  const std::string lines = boost::json::serialize(found.at("lines"));
  EXPECT_THAT(lines, HasSubstr(R"({"kind":"removed","text":"  \"country\": \"BE\""})"));
  EXPECT_THAT(lines, HasSubstr(R"({"kind":"same","text":"{"})"));
  const auto told = broker.cli({"hospital", "compare", id});
  EXPECT_EQ(told.exit, 0);
  EXPECT_THAT(told.out, HasSubstr(R"(-   "country": "BE")"));
}

TEST_F(Cure, IsComparedWithNothingWhereNothingOfItsTypeWentWell) {
  const std::string id = admit("orders", R"({"order":1})");
  const auto found = http(broker.admin(), "GET", target(id, "/acknowledged")).json();
  EXPECT_TRUE(found.at("message").is_null());
  EXPECT_THAT(broker.cli({"hospital", "compare", id}).out, HasSubstr("no message of its type"));
  EXPECT_EQ(http(broker.admin(), "GET", target("0-9-9-9", "/acknowledged")).status, 404);
}

TEST_F(Cure, WhatWasJsonStaysJson) {
  const std::string id = admit("orders", R"({"order":1})");
  EXPECT_EQ(patch(id, R"({"body":"{\"order\":"})", version(0)).status, 422);
  EXPECT_EQ(patch(id, R"({"body":"no JSON","content_type":"text/plain"})", version(0)).status, 200);
  EXPECT_EQ(patch(id, R"({"merge":{"x":1}})", version(1)).status, 422) << "it is none any more";
  EXPECT_EQ(patch(id, R"({"content_type":"application/json"})", version(1)).status, 422);
  EXPECT_EQ(patch(id, R"({"body_base64":"AAH/"})", version(1)).status, 200);
  EXPECT_EQ(shown(id).at("message").at("body_base64"), "AAH/");
  EXPECT_EQ(patch(id, R"({})", version(2)).status, 400) << "nothing is changed";
  EXPECT_EQ(patch(id, R"({"merge":1,"body":"x"})", version(2)).status, 400);
  EXPECT_EQ(patch(id, R"({"headers":{"n":1}})", version(2)).status, 400);
  EXPECT_EQ(patch(id, R"({"body":"x","by":")" + std::string(201, 'b') + "\"}", version(2)).status, 400);
  EXPECT_EQ(shown(id).at("version"), 2);
}

TEST_F(Cure, ACaseOfADeletedQueueIsRestoredEditedAndSentElsewhere) {
  const std::string id = admit("gone", R"({"order":1})");
  client.ensure(QueueSpec{.name = "repairs"});
  ASSERT_EQ(broker.cli({"queue", "delete", "gone", "--force"}).exit, 0);
  const auto discarded = broker.cli({"hospital", "discard", "--filter", "queue=gone", "--reason", "no use", "--yes"});
  ASSERT_EQ(discarded.exit, 0) << discarded.err;
  broker.restart();
  const auto restored = broker.cli({"hospital", "restore", id, "--yes"});
  ASSERT_EQ(restored.exit, 0) << restored.err;
  EXPECT_EQ(post(id, "restore").status, 409) << "it is admitted";
  EXPECT_EQ(shown(id).at("history").at(0).at("reason"), "no use");

  ASSERT_EQ(patch(id, R"({"merge":{"order":2}})", version(0)).status, 200);
  EXPECT_EQ(patch(id, R"({"merge":{"order":3}})", version(0)).status, 412);
  EXPECT_EQ(text_of(post(id, "replay").json(), "code"), "DESTINATION_NEEDED");
  ASSERT_EQ(post(id, "replay", R"({"to":"repairs"})").status, 200);
  client = Client::connect(broker.url(), {.timeout = 60s});
  const auto messages = consumed("repairs", 1);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].body.str(), R"({"order":2})");
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Cure, AMergeIntoABodyInWhichANameStandsTwiceIsRefused) {
  const std::string id = admit("orders", R"({"a":1,"a":2})");
  const HttpAnswer refused = patch(id, R"({"merge":{"b":1}})", version(0));
  EXPECT_EQ(refused.status, 422);
  EXPECT_EQ(text_of(refused.json(), "code"), "INVALID_BODY");
  EXPECT_THAT(refused.body, HasSubstr("stands twice"));
  EXPECT_EQ(patch(id, R"({"body":"{\"a\":1,\"a\":3}"})", version(0)).status, 200) << "as a whole it is somebody's will";
}

TEST_F(Cure, FiftyAtOnceEditAndReplayAndOneMessageGoesOut) {
  const std::string id = admit("orders", R"({"winner":0})");
  constexpr int kPeople = 50;
  std::atomic<int> edited = 0;
  std::atomic<int> replayed = 0;
  std::atomic<int> unclear = 0;
  std::atomic<int> winner = 0;
  std::vector<std::thread> people;
  for (int i = 1; i <= kPeople; ++i) {
    people.emplace_back([&, i] {
      const HttpAnswer edit = patch(id, R"({"merge":{"winner":)" + std::to_string(i) + "}}", version(0));
      if (edit.status == 200) {
        ++edited;
        winner = i;
        if (post(id, "replay").status == 200) ++replayed;
        return;
      }
      const bool clear = edit.status == 412 || edit.status == 409;
      if (!clear || text_of(edit.json(), "code").empty()) ++unclear;
    });
  }
  for (std::thread& one : people) one.join();
  EXPECT_EQ(edited, 1);
  EXPECT_EQ(replayed, 1);
  EXPECT_EQ(unclear, 0);
  const auto messages = consumed("orders", 1);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].body.str(), R"({"winner":)" + std::to_string(winner) + "}");
  EXPECT_EQ(QueueView(broker, "orders").wrong_sums(), "");
}

TEST_F(Cure, FiftyAtOnceSendItElsewhereAndItArrivesOnce) {
  client.ensure(QueueSpec{.name = "repairs"});
  const std::string id = admit("orders", "{}");
  std::atomic<int> sent = 0;
  std::vector<std::thread> people;
  for (int i = 0; i < 50; ++i) {
    people.emplace_back([&] { sent += post(id, "replay", R"({"to":"repairs"})").status == 200 ? 1 : 0; });
  }
  for (std::thread& one : people) one.join();
  EXPECT_EQ(sent, 1);
  EXPECT_THAT(consumed("repairs", 1), SizeIs(1));
  EXPECT_EQ(QueueView(broker, "repairs")["entered_total"], 1);
}

TEST_F(Cure, AKillBetweenEditAndReplayAndDuringItLosesAndDoublesNothing) {
  const std::string id = admit("orders", R"({"order":1})");
  ASSERT_EQ(patch(id, R"({"merge":{"order":2}})", version(0)).status, 200);
  broker.restart();
  EXPECT_EQ(shown(id).at("version"), 1);
  EXPECT_EQ(patch(id, R"({"merge":{"order":3}})", version(0)).status, 412);
  ASSERT_EQ(post(id, "replay").status, 200);
  broker.restart();
  EXPECT_EQ(text_of(shown(id), "state"), "replaying");
  client = Client::connect(broker.url(), {.timeout = 60s});
  const auto messages = consumed("orders", 1);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].body.str(), R"({"order":2})");
  EXPECT_TRUE(eventually([&] { return text_of(shown(id), "state") == "discharged"; }));
  EXPECT_EQ(QueueView(broker, "orders").wrong_sums(), "");
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Cure, AMessageIsSentElsewhereAlsoFromADeletedQueue) {
  client.ensure(QueueSpec{.name = "repairs"});
  const std::string first = admit("orders", R"({"order":1})");
  ASSERT_EQ(patch(first, R"({"merge":{"order":"mended"}})", version(0)).status, 200);
  EXPECT_EQ(post(first, "replay", R"({"to":"nowhere"})").status, 404);
  EXPECT_EQ(post(first, "replay", R"({"to":"repairs","keep_attempts":true})").status, 400);
  const auto sent = post(first, "replay", R"({"to":"repairs"})");
  ASSERT_EQ(sent.status, 200) << sent.body;
  EXPECT_EQ(sent.json().at("redirected_to"), "repairs");
  EXPECT_EQ(sent.json().at("state"), "discharged");
  EXPECT_EQ(QueueView(broker, "orders")["redirected_total"], 1);
  EXPECT_EQ(QueueView(broker, "orders").wrong_sums(), "");
  const MessageId id_of_first = published.id;
  const std::string second = admit("orders", R"({"order":2})");
  client.remove("orders", true);
  EXPECT_EQ(post(second, "replay").status, 409);
  ASSERT_EQ(post(second, "replay", R"({"to":"repairs"})").status, 200);
  EXPECT_EQ(post(second, "replay", R"({"to":"repairs"})").status, 409);
  const auto messages = consumed("repairs", 2);
  ASSERT_THAT(messages, SizeIs(2));
  EXPECT_EQ(messages[0].body.str(), R"({"order":"mended"})");
  EXPECT_EQ(messages[0].id, id_of_first);
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Cure, ADiscardIsTakenBackUntilItsTimeIsOver) {
  const std::string id = admit("orders", "{}");
  EXPECT_EQ(post(id, "restore").status, 409) << "it is not discarded";
  ASSERT_EQ(post(id, "discard", R"({"reason":"no use"})").status, 200);
  broker.restart();
  const auto restored = post(id, "restore");
  ASSERT_EQ(restored.status, 200) << restored.body;
  EXPECT_EQ(restored.json().at("state"), "admitted");
  EXPECT_EQ(QueueView(broker, "orders")["entered_total"], 2);
  EXPECT_EQ(QueueView(broker, "orders").wrong_sums(), "");
  ASSERT_EQ(post(id, "discard").status, 200);
  ASSERT_EQ(broker.cli({"queue", "update", "orders", "--case-retention", "1s"}).exit, 0);
  EXPECT_TRUE(eventually([&] { return http(broker.admin(), "GET", target(id)).status == 404; }));
  EXPECT_EQ(post(id, "restore").status, 404);
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Cure, OfManyClosedCasesTheNewestAreKept) {
  std::vector<std::string> ids;
  for (int i = 0; i < 4; ++i) ids.push_back(admit("orders", "{}"));
  for (const std::string& id : ids) ASSERT_EQ(post(id, "discard").status, 200);
  ASSERT_EQ(broker.cli({"queue", "update", "orders", "--case-retention-count", "2"}).exit, 0);
  const auto there = [&](const std::string& id) { return http(broker.admin(), "GET", target(id)).status == 200; };
  EXPECT_TRUE(eventually([&] { return !there(ids[0]) && !there(ids[1]); }));
  broker.restart();
  EXPECT_EQ(QueueView(broker, "orders").wrong_sums(), "");
  EXPECT_TRUE(there(ids[2]) && there(ids[3]));
  EXPECT_EQ(client.show("orders").spec.case_retention_count, 2u);
  EXPECT_NE(broker.cli({"queue", "update", "orders", "--case-retention-count", "1000000001"}).exit, 0);
  EXPECT_EQ(broker.cli({"check"}).exit, 0);
}

TEST_F(Cure, TheCommandLineDoesAllOfIt) {
  client.ensure(QueueSpec{.name = "repairs"});
  const std::string id = admit("orders", R"({"order":1})");
  const Outcome edited = broker.cli({"hospital", "edit", id, "--merge", R"({"order":2})", "--header", "region=us",
                                     "--remove-header", "tag", "--note", "a typo"});
  ASSERT_EQ(edited.exit, 0) << edited.err;
  EXPECT_THAT(edited.out, HasSubstr("-   \"order\": 1"));
  EXPECT_THAT(edited.out, HasSubstr("+   \"order\": 2"));
  EXPECT_THAT(edited.out, HasSubstr("- header tag: a"));
  for (const bool dry_run : {false, true}) {
    std::vector<std::string> late{"hospital", "edit", id, "--merge", "{}", "--if-version", "0"};
    if (dry_run) late.emplace_back("--dry-run");
    const Outcome stale = broker.cli(late);
    EXPECT_EQ(stale.exit, 73);
    EXPECT_THAT(stale.err, HasSubstr("STALE_VERSION"));
    EXPECT_THAT(stale.out, HasSubstr("- version 0\n+ version 1\n"));
    EXPECT_THAT(stale.out, HasSubstr("-   \"order\": 1"));
    EXPECT_THAT(stale.out, HasSubstr("+   \"order\": 2"));
    late.insert(late.begin(), "--json");
    const Outcome for_scripts = broker.cli(late);
    EXPECT_EQ(for_scripts.out, "");
    const boost::json::value document = boost::json::parse(for_scripts.err);
    EXPECT_EQ(document.at("version"), 1);
    EXPECT_EQ(document.at("expected"), 0);
    EXPECT_EQ(document, patch(id, R"({"merge":{}})", version(0)).json()) << "all that HTTP says";
  }
  EXPECT_EQ(broker.cli({"hospital", "edit", id}).exit, 64);
  EXPECT_EQ(broker.cli({"hospital", "edit", id, "--body-file", "-"}, "{").exit, 65);
  EXPECT_EQ(broker.cli_json({"hospital", "edit", id, "--body-file", "-"}, R"({"order":3})")[0].at("version"), 2);
  const Outcome shown_text = broker.cli({"hospital", "show", id});
  EXPECT_THAT(shown_text.out, HasSubstr("a typo"));
  EXPECT_THAT(shown_text.out, HasSubstr("{\n  \"order\": 3\n}\n"));

  EXPECT_EQ(broker.cli({"hospital", "discard", id}).exit, 0);
  EXPECT_EQ(broker.cli({"hospital", "restore", "--all"}).out, "restored 1 case\n");
  EXPECT_EQ(broker.cli({"hospital", "restore", id}).exit, 73);
  const auto sent = broker.cli_json({"hospital", "replay", id, "--to", "repairs"});
  EXPECT_EQ(sent[0].at("redirected_to"), "repairs");
  EXPECT_EQ(broker.cli({"consume", "repairs", "--count", "1", "--print"}).out, "{\"order\":3}\n");
}

TEST_F(Cure, KeptAttemptsAreNotGivenAnew) {
  client.ensure(QueueSpec{.name = "orders", .max_attempts = 2, .backoff_initial = 1ms, .backoff_max = 1ms});
  client.publish("orders", {.body = "x"});
  std::atomic<int> tries = 0;
  const Consumer consumer = client.consume("orders", [&](Delivery&) {
    ++tries;
    return Verdict::fail("no");
  });
  ASSERT_TRUE(eventually([&] { return cases_of(broker, "orders").size() == 1; }));
  const std::string id = text_of(cases_of(broker, "orders").at(0), "id");
  const auto relapses = [&](int count) {
    return eventually([&] {
      const auto now = shown(id);
      return now.at("relapse_count") == count && text_of(now, "state") == "admitted";
    });
  };
  EXPECT_EQ(tries, 2);
  ASSERT_EQ(broker.cli({"hospital", "replay", id, "--keep-attempts"}).exit, 0);
  ASSERT_TRUE(relapses(1));
  EXPECT_EQ(tries, 3);
  ASSERT_EQ(broker.cli({"hospital", "replay", id}).exit, 0);
  ASSERT_TRUE(relapses(2));
  EXPECT_EQ(tries, 5);
}

}  // namespace
}  // namespace lazaret::testing

// Cases over HTTP: listed, looked at, replayed, given up.
#include <boost/json.hpp>

#include "base/text_encoding.h"
#include "base/zstd.h"
#include "model/limits.h"
#include "unit/admin/served_broker.h"

namespace lazaret::admin {
namespace {

namespace json = boost::json;
using Refusal = std::pair<int, std::string>;

class ServedHospital : public ServedBroker {
 protected:
  ServedHospital() {
    EXPECT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
    consumer_ = TestConsumer::attach(engine(), "orders");
  }
  ~ServedHospital() override { consumer_->leave(); }

  /// Publishes `message` and rejects it; the id of its case.
  std::string admit(const std::string& message) {
    EXPECT_EQ(ask("POST", "/api/v1/queues/orders/messages", message).status, 201);
    consumer_->reject_next("NoSuchRow", "row 17 is not there");
    const auto page = ask("GET", "/api/v1/hospital/cases?state=admitted").json();
    EXPECT_FALSE(page.at("items").as_array().empty());
    return std::string(page.at("items").at(0).at("id").as_string());
  }
  /// The same of a message whose body is JSON and says that it is compressed.
  std::string admit_compressed(const std::string& bytes, const std::string& encoding = "zstd") {
    return admit(json::serialize(json::object{{"content_type", "application/json"},
                                              {"content_encoding", encoding},
                                              {"body_base64", base::to_base64(bytes)}}));
  }
  TestConsumer& consumer() { return *consumer_; }

 private:
  std::shared_ptr<TestConsumer> consumer_;
};

TEST_F(ServedHospital, ACaseIsListedAndShownWithMessageAndAttempts) {
  const std::string id = admit(R"({"key": "k1", "type": "order", "body": "hello"})");
  for (const char* filter : {"queue=orders", "subscription=orders", "type=order", "key=k1", "reason=rejected"}) {
    const auto page = ask("GET", std::string("/api/v1/hospital/cases?") + filter).json();
    EXPECT_EQ(page.at("items").as_array().size(), 1u) << filter;
  }
  EXPECT_TRUE(ask("GET", "/api/v1/hospital/cases?key=k2").json().at("items").as_array().empty());
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases?queue=none"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases?reason=bored"), Refusal(400, "BAD_REQUEST"));

  const auto shown = ask("GET", "/api/v1/hospital/cases/" + id).json();
  EXPECT_EQ(shown.at("reason"), "rejected");
  EXPECT_EQ(shown.at("error_type"), "NoSuchRow");
  EXPECT_EQ(shown.at("message").at("body"), "hello");
  ASSERT_EQ(shown.at("attempts").as_array().size(), 1u);
  EXPECT_EQ(shown.at("attempts").at(0).at("outcome"), "rejected");
  EXPECT_EQ(shown.at("attempts").at(0).at("consumer").at("name"), "worker");
  EXPECT_EQ(shown.at("attempts").at(0).at("error_details"), "the details");
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases/0-99-99-0"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases/nonsense"), Refusal(404, "NOT_FOUND"));
}

/// One word that is spelt wrong is no hospital without cases, wherever it stands.
TEST_F(ServedHospital, AQueueThatThereIsNotIsSaidEverywhere) {
  admit(R"({"body": "hello"})");
  for (const char* path : {"cases", "cases/count", "groups", "export"}) {
    const std::string target = std::string("/api/v1/hospital/") + path;
    EXPECT_EQ(refused("GET", target + "?filter=queue=ordres"), Refusal(404, "NOT_FOUND")) << path;
    EXPECT_EQ(refused("GET", target + "?filter=state=admitted%20subscription=ordres"), Refusal(404, "NOT_FOUND"))
        << path;
    EXPECT_EQ(ask("GET", target + "?filter=queue!=ordres").status, 200) << path;
    EXPECT_EQ(ask("GET", target + "?filter=queue=orders%20state=discarded").status, 200) << path;
  }
  ASSERT_EQ(ask("DELETE", "/api/v1/queues/orders?force=true").status, 204);
  for (const char* path : {"cases", "cases/count", "groups", "export"}) {
    // Also where none of its cases is meant.
    for (const char* state : {"admitted", "replaying"}) {
      const auto answer = ask("GET", std::string("/api/v1/hospital/") + path + "?filter=queue=orders%20state=" + state);
      EXPECT_EQ(answer.status, 200) << path << " " << state;
    }
  }
}

TEST_F(ServedHospital, TheBodyIsServedAsWhatItIs) {
  const auto body_of = [this](const std::string& message) {
    return ask("GET", "/api/v1/hospital/cases/" + admit(message) + "/body");
  };
  auto body = body_of(R"({"body": "<script>", "content_type": "text/html"})");
  EXPECT_EQ(body.body, "<script>");
  EXPECT_EQ(body.headers.at("content-type"), "text/plain; charset=utf-8");
  EXPECT_EQ(body.headers.at("x-content-type-options"), "nosniff");
  body = body_of(R"({"body": "[1]", "content_type": "application/json"})");
  EXPECT_EQ(body.headers.at("content-type"), "application/json");
  body = body_of(R"({"body_base64": "/wD+"})");
  EXPECT_EQ(body.body, std::string("\xff\0\xfe", 3));
  EXPECT_EQ(body.headers.at("content-type"), "application/octet-stream");
}

const std::string kLong = R"({"country":"QQ","card":"4111-secret","text":")" + std::string(500, 'x') + "\"}";

TEST_F(ServedHospital, ACompressedBodyIsLookedAtOpened) {
  const std::string stored = *base::zstd_compressed(kLong);
  const std::string path = "/api/v1/hospital/cases/" + admit_compressed(stored);
  const auto message = ask("GET", path).json().at("message");
  EXPECT_EQ(message.at("body"), json::value(kLong));
  EXPECT_EQ(message.at("compressed"), "zstd");
  EXPECT_EQ(ask("GET", path + "/versions/0").json().at("message").at("body"), json::value(kLong));

  const auto opened = ask("GET", path + "/body", "", {{"Accept-Encoding", "gzip, zstd;q=0"}});
  EXPECT_EQ(opened.body, kLong);
  EXPECT_EQ(opened.headers.at("content-type"), "application/json");
  EXPECT_EQ(opened.headers.at("vary"), "Accept-Encoding");
  EXPECT_FALSE(opened.headers.contains("content-encoding"));
  const auto compressed = ask("GET", path + "/body", "", {{"Accept-Encoding", "gzip, ZSTD;q=0.5"}});
  EXPECT_EQ(compressed.body, stored);
  EXPECT_EQ(compressed.headers.at("content-type"), "application/json");
  EXPECT_EQ(compressed.headers.at("content-encoding"), "zstd");

  // So long a run of one letter stands in no compressed bytes.
  const auto listed = ask("GET", "/api/v1/hospital/cases?filter=body~" + std::string(40, 'X')).json();
  EXPECT_EQ(listed.at("items").as_array().size(), 1u);
  const auto exported = ask("GET", "/api/v1/hospital/export").json().at("items").at(0).at("message");
  EXPECT_EQ(exported.at("content_encoding"), "zstd") << "as it is stored, to be taken elsewhere";
  EXPECT_EQ(exported.at("body_base64"), json::value(base::to_base64(stored)));
}

TEST_F(ServedHospital, ACompressedBodyIsMergedWithAndStoredAsItWasEdited) {
  const std::string id = admit_compressed(*base::zstd_compressed(kLong));
  const std::string path = "/api/v1/hospital/cases/" + id;
  const auto preview = ask("POST", path + "/diff", R"({"merge": {"country": "NL"}})", {{"If-Match", "\"0\""}});
  ASSERT_EQ(preview.status, 200) << preview.body;
  const auto changed = [](const json::value& difference) {
    std::vector<std::string> lines;
    for (const json::value& line : difference.at("lines").as_array()) {
      if (line.at("kind") != "same") lines.emplace_back(line.at("text").as_string());
    }
    return lines;
  };
  const std::vector<std::string> country = {R"(  "country": "QQ",)", R"(  "country": "NL",)"};
  EXPECT_EQ(changed(preview.json()), country);
  // Only a header: the body stays as its publisher compressed it.
  ASSERT_EQ(ask("PATCH", path, R"({"headers": {"tenant": "acme"}})", {{"If-Match", "\"0\""}}).status, 200);
  EXPECT_EQ(ask("GET", path).json().at("message").at("compressed"), "zstd");
  EXPECT_EQ(refused("PATCH", path, R"({"body": "no JSON"})", {{"If-Match", "\"1\""}}), Refusal(422, "INVALID_BODY"));
  const auto edited = ask("PATCH", path, R"({"merge": {"country": "NL"}})", {{"If-Match", "\"1\""}});
  ASSERT_EQ(edited.status, 200) << edited.body;
  const auto message = ask("GET", path).json().at("message").as_object();
  EXPECT_EQ(message.at("body").as_string().find(R"({"country":"NL")"), 0u);
  EXPECT_FALSE(message.contains("compressed"));
  EXPECT_FALSE(message.contains("content_encoding"));
  EXPECT_EQ(changed(ask("GET", path + "/diff?from=1&to=2").json()), country);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases?filter=body~QQ").json().at("items").as_array().size(), 0u);
}

TEST_F(ServedHospital, WhatCannotBeOpenedIsSaidAndShownAsItIsStored) {
  const std::string bomb = *base::zstd_compressed(std::string(model::limits::kMessageBytesDefault + 1, '\0'));
  for (const auto& [bytes, refusal] : {std::pair(bomb, Refusal(413, "MESSAGE_TOO_LARGE")),
                                       std::pair(std::string("no zstd"), Refusal(422, "INVALID_BODY"))}) {
    const std::string path = "/api/v1/hospital/cases/" + admit_compressed(bytes);
    EXPECT_EQ(refused("GET", path + "/body"), refusal);
    EXPECT_EQ(refused("GET", path + "/body", "", {{"Accept-Encoding", "zstd"}}), refusal);
    EXPECT_EQ(refused("PATCH", path, R"({"merge": {"a": 1}})", {{"If-Match", "\"0\""}}), refusal);
    const auto message = ask("GET", path).json().at("message").as_object();
    EXPECT_EQ(message.at("content_encoding"), "zstd");
    EXPECT_FALSE(message.at("unopened").as_string().empty());
    EXPECT_FALSE(message.contains("compressed"));
    EXPECT_EQ(ask("GET", path + "/diff").status, 200);
    EXPECT_EQ(ask("PATCH", path, R"({"body": "{}"})", {{"If-Match", "\"0\""}}).status, 200) << "it can be replaced";
    EXPECT_EQ(ask("GET", path + "/body").body, "{}");
  }
  const auto other = ask("GET", "/api/v1/hospital/cases/" + admit_compressed("\x1f\x8b", "gzip") + "/body");
  EXPECT_EQ(other.body, "\x1f\x8b") << "which nobody here opens";
  EXPECT_EQ(other.headers.at("content-type"), "application/octet-stream");
}

TEST_F(ServedHospital, WhatIsMaskedIsNotInTheCompressedBytesEither) {
  ServerConfig config;
  config.host = "127.0.0.1";
  config.mask = Mask::of({"/card"}, {}).value();
  serve(config);
  const std::string path = "/api/v1/hospital/cases/" + admit_compressed(*base::zstd_compressed(kLong));
  for (const char* accepted : {"identity", "zstd"}) {
    const auto body = ask("GET", path + "/body", "", {{"Accept-Encoding", accepted}});
    EXPECT_EQ(body.body.find(R"({"country":"QQ","card":"***",)"), 0u) << body.body;
    EXPECT_EQ(body.headers.at("x-lazaret-masked"), "true");
    EXPECT_FALSE(body.headers.contains("content-encoding"));
  }
  EXPECT_EQ(ask("GET", path).json().at("masked"), true);
  const auto exported = ask("GET", "/api/v1/hospital/export").json().at("items").at(0).at("message").as_object();
  EXPECT_EQ(exported.at("body"), nullptr);
  EXPECT_FALSE(exported.contains("body_base64"));
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases?filter=body~4111"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("PATCH", path, R"({"merge": {"card": "1"}})", {{"If-Match", "\"0\""}}),
            Refusal(400, "BAD_REQUEST"));
  ASSERT_EQ(ask("PATCH", path, R"({"merge": {"country": "NL"}})", {{"If-Match", "\"0\""}}).status, 200);
  const auto difference = ask("GET", path + "/diff");
  EXPECT_EQ(difference.body.find("4111"), std::string::npos);
  EXPECT_EQ(difference.json().at("masked_differs"), false) << "what was not seen stays as it was";
}

TEST_F(ServedHospital, AReplayedCaseComesBackAndIsGivenUp) {
  const std::string path = "/api/v1/hospital/cases/" + admit(R"({"body": "hello"})");
  auto answer = ask("POST", path + "/replay", "{}");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("replay_count"), 1);
  consumer().reject_next("NoSuchRow", "row 18 is not there");
  const auto relapsed = ask("GET", path).json();
  EXPECT_EQ(relapsed.at("state"), "admitted");
  EXPECT_EQ(relapsed.at("relapse_count"), 1);
  EXPECT_EQ(relapsed.at("attempt_count"), 2);

  answer = ask("POST", path + "/discard", R"({"reason": "not ours"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("state"), "discarded");
  EXPECT_EQ(answer.json().at("discard_reason"), "not ours");
  EXPECT_EQ(refused("POST", path + "/replay", "{}"), Refusal(409, "CASE_BUSY"));
  EXPECT_EQ(refused("POST", path + "/discard", R"({"why": "x"})"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(ask("GET", "/api/v1/queues/orders").json().at("discarded_total"), 1);
}

TEST_F(ServedHospital, ACaseOutlivesItsQueue) {
  const std::string id = admit(R"({"body": "hello"})");
  EXPECT_EQ(refused("DELETE", "/api/v1/queues/orders"), Refusal(409, "IN_USE"));
  EXPECT_EQ(ask("DELETE", "/api/v1/queues/orders?force=true").status, 204);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases?queue=orders").json().at("items").as_array().size(), 1u);
  // Also when another queue has the name by now.
  EXPECT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases?queue=orders").json().at("items").as_array().size(), 1u);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases/" + id).json().at("message").at("body"), "hello");
  EXPECT_EQ(refused("POST", "/api/v1/hospital/cases/" + id + "/replay", "{}"), Refusal(409, "DESTINATION_NEEDED"));
  const auto discarded = ask("POST", "/api/v1/hospital/cases/" + id + "/discard", R"({"reason": "not ours"})");
  EXPECT_EQ(discarded.status, 200) << discarded.body;
  EXPECT_EQ(discarded.json().at("state"), "discarded");
  EXPECT_EQ(refused("POST", "/api/v1/hospital/cases/" + id + "/discard", "{}"), Refusal(409, "CASE_BUSY"));
}

TEST_F(ServedHospital, OneFilterServesListCountAndExport) {
  const std::string id = admit(R"({"key": "k 1", "type": "order", "body": "net total 4", "headers": {"tenant": "acme"},
                                   "correlation_id": "c-1"})");
  const auto items = [this](const std::string& path, const std::string& filter) {
    return ask("GET", "/api/v1/" + path + "?filter=" + filter).json().at("items").as_array();
  };
  for (const char* filter : {"", "state=admitted%20error~ROW", "key=%22k%201%22", "body~TOTAL", "header.tenant=acme",
                             "admitted%3E-1h", "attempts=1%20queue=orders", "correlation_id=c-1"}) {
    EXPECT_EQ(items("hospital/cases", filter).size(), 1u) << filter;
    const auto exported = items("hospital/export", filter);
    ASSERT_EQ(exported.size(), 1u) << filter;
    EXPECT_EQ(exported.at(0).at("id").as_string(), id);
    EXPECT_EQ(exported.at(0).at("message").at("body"), "net total 4");
    EXPECT_EQ(exported.at(0).at("attempts").as_array().size(), 1u);
    EXPECT_EQ(ask("GET", std::string("/api/v1/hospital/cases/count?filter=") + filter).json().at("count"), 1);
  }
  EXPECT_TRUE(items("hospital/cases", "state=discarded").empty());
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases?filter=type=order&reason=rejected").json().at("items").as_array().size(),
            1u);
  const auto wrong = ask("GET", "/api/v1/hospital/cases?filter=state=admitted%20colour=red");
  EXPECT_EQ(wrong.status, 400);
  EXPECT_NE(wrong.body.find("at character 16: there is no field \\\"colour\\\""), std::string::npos) << wrong.body;
}

TEST_F(ServedHospital, AGroupIsListedAndNotedUpon) {
  const std::string id = admit(R"({"type": "order", "body": "hello"})");
  const auto listed = ask("GET", "/api/v1/hospital/groups?filter=state=admitted&sort=last_seen").json();
  ASSERT_EQ(listed.at("items").as_array().size(), 1u);
  const auto& group = listed.at("items").at(0);
  EXPECT_EQ(group.at("error_text"), "row # is not there");
  EXPECT_EQ(group.at("count"), 1);
  EXPECT_EQ(group.at("first_seen_with").at("name"), "worker");
  EXPECT_EQ(group.at("trend").at("hours").at(0), 1);
  const std::string place = "/api/v1/hospital/groups/" + std::string(group.at("id").as_string());
  EXPECT_EQ(ask("GET", place).json().at("sample").as_string(), id);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases/" + id).json().at("group"), group.at("id"));
  const auto noted = ask("PATCH", place, R"({"note": "known", "owner": "ann",
                                             "snoozed_until": "2999-01-01T00:00:00Z"})")
                         .json();
  EXPECT_EQ(noted.at("note"), "known");
  EXPECT_EQ(noted.at("snoozed_until"), "2999-01-01T00:00:00.000000Z");
  const auto again = ask("PATCH", place, R"({"owner": "ben", "snoozed_until": null})").json();
  EXPECT_EQ(again.at("note"), "known");
  EXPECT_EQ(again.at("owner"), "ben");
  EXPECT_EQ(again.at("snoozed_until"), nullptr);
  EXPECT_EQ(again.at("snoozed"), false);

  EXPECT_EQ(refused("GET", "/api/v1/hospital/groups/000000000001"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("GET", "/api/v1/hospital/groups/nonsense"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("PATCH", place, R"({"colour": "red"})"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("PATCH", place, R"({"snoozed_until": "later"})"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("PATCH", place, R"({"owner": ")" + std::string(300, 'x') + R"("})"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("GET", "/api/v1/hospital/groups?filter=key=a"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("GET", "/api/v1/hospital/groups?sort=size"), Refusal(400, "BAD_REQUEST"));
}

TEST_F(ServedHospital, AGroupIsSnoozedUntilAVersionOrARate) {
  const std::string id = admit(R"({"type": "order", "body": "hello"})");
  const std::string group(ask("GET", "/api/v1/hospital/cases/" + id).json().at("group").as_string());
  const std::string place = "/api/v1/hospital/groups/" + group;
  const auto snoozed =
      ask("PATCH", place, R"({"snoozed_until_version": " >= 2.4.2  <3", "snoozed_until_rate": "100/h"})").json();
  EXPECT_EQ(snoozed.at("snoozed"), true);
  EXPECT_EQ(snoozed.at("snoozed_until"), nullptr);
  EXPECT_EQ(snoozed.at("snoozed_until_version"), ">=2.4.2 <3");
  EXPECT_EQ(snoozed.at("snoozed_until_rate"), "100/h");
  EXPECT_EQ(snoozed.at("woken_at"), nullptr);
  admit(R"({"type": "order", "body": "hello"})");  // by a worker of version 2.0
  EXPECT_EQ(ask("GET", place).json().at("snoozed"), true);
  EXPECT_EQ(ask("PATCH", place, R"({"snoozed_until_rate": "2/m", "snoozed_until_version": null})").status, 200);
  admit(R"({"type": "order", "body": "hello"})");
  EXPECT_EQ(ask("GET", place).json().at("snoozed"), true);
  admit(R"({"type": "order", "body": "hello"})");
  const auto awake = ask("GET", place).json();
  EXPECT_EQ(awake.at("snoozed"), false);
  EXPECT_EQ(awake.at("snoozed_until_rate"), nullptr);
  EXPECT_EQ(awake.at("woken_by"), "rate 2/m");
  EXPECT_EQ(awake.at("woken_at"), awake.at("last_seen_at"));
  const auto trail = ask("GET", "/api/v1/audit?operation=updateGroup").json().at("items").as_array();
  EXPECT_EQ(trail.at(0).at("after"),
            (boost::json::object{{"snoozed_until_rate", "2/m"}, {"snoozed_until_version", ""}}));

  EXPECT_EQ(refused("PATCH", place, R"({"snoozed_until_version": "2.4"})"), Refusal(400, "INVALID_OPTION"));
  EXPECT_EQ(refused("PATCH", place, R"({"snoozed_until_version": ">=2 <1"})"), Refusal(400, "INVALID_OPTION"));
  EXPECT_EQ(refused("PATCH", place, R"({"snoozed_until_rate": "100"})"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("PATCH", place, R"({"snoozed_until_rate": 100})"), Refusal(400, "BAD_REQUEST"));
}

/// A job may have a million cases, and those that are asked for be the last of them, or none.
TEST_F(ServedHospital, APageOfAJobsCasesLooksAtABoundedNumber) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/later").status, 201);
  const auto id_in = [&](const std::string& name, std::uint64_t offset) {
    const auto queue = engine().directory().find(name);
    return model::CaseId{queue->shard, queue->subscription, queue->log, model::Offset(offset)}.to_string();
  };
  json::array ids;
  for (std::uint64_t i = 0; i < model::limits::kReplayLooks; ++i) ids.emplace_back(id_in("orders", 1'000'000 + i));
  ids.emplace_back(id_in("later", 7));
  const json::object body = {{"ids", ids}, {"rate", 1}};
  const auto made = ask("POST", "/api/v1/hospital/replays", json::serialize(body));
  ASSERT_EQ(made.status, 202) << made.body;
  const std::string cases = "/api/v1/hospital/replays/1/cases?subscription=later";
  const json::value first = ask("GET", cases).json();
  EXPECT_TRUE(first.at("items").as_array().empty());
  ASSERT_EQ(first.at("cursor"), "10000");
  const json::value second = ask("GET", cases + "&cursor=10000").json();
  ASSERT_EQ(second.at("items").as_array().size(), 1u);
  EXPECT_TRUE(second.at("cursor").is_null());
  const json::value all = ask("GET", "/api/v1/hospital/replays/1/cases?limit=2").json();
  EXPECT_EQ(all.at("items").as_array().size(), 2u);
  EXPECT_EQ(all.at("cursor"), "2");
}

TEST_F(ServedHospital, WhatHappenedUnderOneCorrelationIdIsInOrder) {
  const std::string id = admit(R"({"correlation_id": "c 1", "body": "hello"})");
  admit(R"({"correlation_id": "c 2", "body": "hello"})");
  EXPECT_EQ(ask("POST", "/api/v1/hospital/cases/" + id + "/discard", "{}").status, 200);
  const auto found = ask("GET", "/api/v1/correlations/c%201").json();
  std::vector<std::string> what;
  for (const auto& event : found.at("items").as_array()) {
    EXPECT_EQ(event.at("case").as_string(), id);
    what.emplace_back(event.at("what").as_string());
  }
  EXPECT_EQ(what, (std::vector<std::string>{"attempt", "admitted", "discarded"}));
  EXPECT_TRUE(ask("GET", "/api/v1/correlations/none").json().at("items").as_array().empty());
}

}  // namespace
}  // namespace lazaret::admin

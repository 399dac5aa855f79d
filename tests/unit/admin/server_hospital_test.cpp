// Cases over HTTP: listed, looked at, replayed, given up.
#include <boost/json.hpp>

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
  const auto queue = engine().directory().find("orders");
  const auto id_of = [&](std::uint64_t subscription, std::uint64_t offset) {
    const model::CaseId id{queue->shard, model::SubscriptionId(subscription), queue->log, model::Offset(offset)};
    return id.to_string();
  };
  json::array ids;
  for (std::uint64_t i = 0; i < model::limits::kReplayLooks; ++i) {
    ids.emplace_back(id_of(queue->subscription.value + 1000, i));
  }
  ids.emplace_back(id_of(queue->subscription.value, 7));
  const json::object body = {{"ids", ids}, {"rate", 1}};
  ASSERT_EQ(ask("POST", "/api/v1/hospital/replays", json::serialize(body)).status, 202);
  const std::string cases = "/api/v1/hospital/replays/1/cases?subscription=orders";
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

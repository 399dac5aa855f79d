// Discards and restores of many cases over HTTP: which are meant, what is left alone, and what the audit trail says.
#include <boost/json.hpp>

#include "model/limits.h"
#include "unit/admin/served_broker.h"

namespace lazaret::admin {
namespace {

namespace json = boost::json;
using Refusal = std::pair<int, std::string>;
constexpr const char* kDiscards = "/api/v1/hospital/discards";
constexpr const char* kRestores = "/api/v1/hospital/restores";

class ServedManyCases : public ServedBroker {
 protected:
  ServedManyCases() {
    EXPECT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
    consumer_ = TestConsumer::attach(engine(), "orders");
  }
  ~ServedManyCases() override { consumer_->leave(); }

  /// Publishes a message of this type and rejects it; the id of its case.
  std::string admit(const std::string& type, const std::string& body = "hello") {
    const std::string message = R"({"type": ")" + type + R"(", "body": ")" + body + R"("})";
    EXPECT_EQ(ask("POST", "/api/v1/queues/orders/messages", message).status, 201);
    consumer_->reject_next("NoSuchRow", "row 17 is not there");
    const auto page = ask("GET", "/api/v1/hospital/cases?state=admitted").json();
    EXPECT_FALSE(page.at("items").as_array().empty());
    return std::string(page.at("items").at(0).at("id").as_string());
  }
  json::value post(const char* path, const json::object& body) {
    const auto answer = ask("POST", path, json::serialize(body), {{"X-Lazaret-Actor", "ann"}});
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  std::size_t count(const std::string& state) {
    return ask("GET", "/api/v1/hospital/cases?limit=1000&state=" + state).json().at("items").as_array().size();
  }
  json::array audit(const std::string& operation) {
    return ask("GET", "/api/v1/audit?operation=" + operation).json().at("items").as_array();
  }

 private:
  std::shared_ptr<TestConsumer> consumer_;
};

TEST_F(ServedManyCases, WhatMatchesIsDiscardedAndTheAuditTrailHasOneEntryOfIt) {
  for (const char* type : {"bad", "good", "bad", "bad"}) admit(type);
  const auto planned = post(kDiscards, {{"filter", "type=bad"}, {"dry_run", true}});
  EXPECT_EQ(planned.at("total"), 3);
  EXPECT_EQ(planned.at("at_least"), false);
  EXPECT_EQ(count("admitted"), 4u);
  EXPECT_TRUE(audit("discardCases").empty()) << "a dry run changes nothing";

  const auto done = post(kDiscards, {{"filter", "type=bad"}, {"reason", "no use"}});
  EXPECT_EQ(done.at("discarded"), 3);
  EXPECT_EQ(done.at("ids").as_array().size(), 3u);
  EXPECT_EQ(done.at("refused"), 0);
  EXPECT_EQ(done.at("more"), false);
  EXPECT_TRUE(done.at("cursor").is_null());
  EXPECT_EQ(count("admitted"), 1u);
  for (const json::value& id : done.at("ids").as_array()) {
    const auto shown = ask("GET", "/api/v1/hospital/cases/" + std::string(id.as_string())).json();
    EXPECT_EQ(shown.at("state"), "discarded");
    EXPECT_EQ(shown.at("discard_reason"), "no use");
  }
  EXPECT_EQ(ask("GET", "/api/v1/queues/orders").json().at("discarded_total"), 3);

  const json::array entries = audit("discardCases");
  ASSERT_EQ(entries.size(), 2u);
  EXPECT_EQ(entries[1].at("target"), "type=bad");
  EXPECT_EQ(entries[1].at("actor"), "ann");
  EXPECT_EQ(entries[1].at("details").at("reason"), "no use");
  EXPECT_EQ(entries[0].at("after").at("discarded"), "3");
  EXPECT_EQ(entries[0].at("after").at("refused"), "0");
  // The first, and the last two, which follow one another.
  const std::string first(done.at("ids").at(2).as_string());
  const std::string third(done.at("ids").at(1).as_string());
  const std::string fourth(done.at("ids").at(0).as_string());
  EXPECT_EQ(entries[0].at("after").at("cases").as_string(),
            first + " " + third + ".." + fourth.substr(fourth.rfind('-') + 1));
}

/// Whoever was told how many they are is asked whether that is what they want, which takes a while.
TEST_F(ServedManyCases, WhatComesAfterTheCountIsLeftAlone) {
  admit("bad");
  admit("bad");
  const auto planned = post(kDiscards, {{"all", true}, {"dry_run", true}});
  EXPECT_EQ(planned.at("total"), 2);
  const std::string later = admit("bad");
  EXPECT_EQ(post(kDiscards, {{"all", true}, {"cursor", planned.at("cursor")}}).at("discarded"), 2);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases/" + later).json().at("state"), "admitted");

  const auto to_restore = post(kRestores, {{"filter", "type=bad"}, {"dry_run", true}});
  EXPECT_EQ(to_restore.at("total"), 2);
  EXPECT_EQ(post(kDiscards, {{"ids", json::array{later}}}).at("discarded"), 1);
  const auto restored = post(kRestores, {{"filter", "type=bad"}, {"cursor", to_restore.at("cursor")}});
  EXPECT_EQ(restored.at("restored"), 2);
  EXPECT_EQ(count("admitted"), 2u);
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases/" + later).json().at("state"), "discarded");
  EXPECT_EQ(audit("restoreCases").at(0).at("after").at("restored"), "2");
}

TEST_F(ServedManyCases, OfThoseThatAreNamedEachIsTreatedOnceAndRefusedForItself) {
  const std::string one = admit("a");
  const std::string gone = admit("b");
  ASSERT_EQ(ask("POST", "/api/v1/hospital/cases/" + gone + "/discard", "{}").status, 200);
  const json::array ids{one, gone, "nonsense", one, "0-99-99-0"};
  EXPECT_EQ(post(kDiscards, {{"ids", ids}, {"dry_run", true}}).at("total"), 1);
  const auto done = post(kDiscards, {{"ids", ids}});
  EXPECT_EQ(done.at("discarded"), 1);
  EXPECT_EQ(done.at("ids"), json::array{one});
  EXPECT_EQ(done.at("refused"), 3);
  EXPECT_EQ(done.at("more"), false);
  const json::array& refusals = done.at("refusals").as_array();
  ASSERT_EQ(refusals.size(), 3u);
  EXPECT_EQ(refusals[0].at("id").as_string(), gone);
  EXPECT_EQ(refusals[0].at("because").at("code"), "CASE_BUSY");
  EXPECT_EQ(refusals[1].at("id"), "nonsense");
  EXPECT_EQ(refusals[1].at("because").at("code"), "NOT_FOUND");
  EXPECT_EQ(refusals[2].at("because").at("code"), "NOT_FOUND");

  const auto restored = post(kRestores, {{"ids", json::array{one, gone}}});
  EXPECT_EQ(restored.at("restored"), 2);
  const auto again = post(kRestores, {{"ids", json::array{one}}});
  EXPECT_EQ(again.at("restored"), 0);
  EXPECT_EQ(again.at("refusals").at(0).at("because").at("code"), "CASE_BUSY");
}

TEST_F(ServedManyCases, WhichCasesAreMeantHasToBeSaid) {
  admit("a");
  const auto is_refused = [this](const char* path, const std::string& body) {
    return refused("POST", path, body) == Refusal(400, "BAD_REQUEST");
  };
  for (const char* path : {kDiscards, kRestores}) {
    for (const char* body :
         {"{}", R"({"all": false})", R"({"filter": ""})", R"({"filter": "  "})", R"({"filter": 3})",
          R"({"filter": "colour=red"})", R"({"filter": "type=a", "all": true})", R"({"ids": [], "filter": "type=a"})",
          R"({"ids": "0-1-2-0"})", R"({"ids": [3]})", R"({"ids": [], "cursor": "3."})", R"({"all": "true"})",
          R"({"all": true, "cursor": "x"})", R"({"all": true, "cursor": "3"})", R"({"all": true, "cursor": "3.x"})",
          R"({"all": true, "dry_run": 1})", R"({"all": true, "colour": "red"})"}) {
      EXPECT_TRUE(is_refused(path, body)) << path << " " << body;
    }
  }
  EXPECT_TRUE(is_refused(kRestores, R"({"all": true, "reason": "x"})")) << "a restore has none";
  EXPECT_TRUE(is_refused(kDiscards, R"({"all": true, "reason": ")" + std::string(1025, 'x') + R"("})"));
  json::array ids;
  for (std::size_t i = 0; i <= model::limits::kCasesTogether; ++i) ids.emplace_back("0-1-2-" + std::to_string(i));
  EXPECT_TRUE(is_refused(kDiscards, json::serialize(json::object{{"ids", ids}})));
  EXPECT_EQ(count("admitted"), 1u);
  EXPECT_NE(ask("POST", kDiscards, R"({"filter": ""})").body.find("\\\"all\\\": true"), std::string::npos);
}

/// What is masked is not told by which cases are meant, and what bodies say not unseen.
TEST_F(ServedManyCases, AFilterThatAsksWhatBodiesSayIsALookEvenAsADryRun) {
  admit("a", "net total 4");
  EXPECT_EQ(post(kDiscards, {{"filter", "body~TOTAL"}, {"dry_run", true}}).at("total"), 1);
  EXPECT_EQ(audit("discardCases").size(), 2u);
  ServerConfig masked;
  masked.host = "127.0.0.1";
  auto mask = Mask::of({"/card"}, {"authorization"});
  ASSERT_TRUE(mask.ok());
  masked.mask = std::move(*mask);
  serve(masked);
  for (const char* filter : {"body~TOTAL", "header.authorization=x"}) {
    const std::string body = json::serialize(json::object{{"filter", filter}});
    const auto answer = ask("POST", kDiscards, body);
    EXPECT_EQ(answer.json().at("code"),
              ask("GET", "/api/v1/hospital/cases?filter=" + std::string(filter)).json().at("code"));
    EXPECT_GE(answer.status, 400) << filter;
  }
  EXPECT_EQ(count("admitted"), 1u);
}

/// Of a queue that was deleted what is left can be given up, and that be taken back.
TEST_F(ServedManyCases, CasesOutliveTheirQueue) {
  admit("a");
  ASSERT_EQ(ask("DELETE", "/api/v1/queues/orders?force=true").status, 204);
  EXPECT_EQ(post(kDiscards, {{"filter", "queue=orders"}}).at("discarded"), 1);
  EXPECT_EQ(count("discarded"), 1u);
  EXPECT_EQ(post(kRestores, {{"all", true}}).at("restored"), 1);
  EXPECT_EQ(count("admitted"), 1u);
}

}  // namespace
}  // namespace lazaret::admin

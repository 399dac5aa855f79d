// The audit trail over HTTP: each call that is audited has a beginning and an end; what cannot be noted is not done.
#include <boost/json.hpp>

#include "engine/audit_trail.h"
#include "unit/admin/served_broker.h"

namespace lazaret::admin {
namespace {

namespace json = boost::json;
using Refusal = std::pair<int, std::string>;

class ServedAudit : public ServedBroker {
 protected:
  json::array entries(const std::string& query = "") {
    return ask("GET", "/api/v1/audit" + query).json().at("items").as_array();
  }
};

TEST_F(ServedAudit, ACallHasABeginningAndAnEnd) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders", "{}", {{"X-Lazaret-Actor", "ann"}}).status, 201);
  ASSERT_EQ(ask("PATCH", "/api/v1/queues/orders", R"({"max_attempts": 7})", {{"X-Lazaret-Actor", "ann"}}).status, 200);
  const json::array all = entries();
  ASSERT_EQ(all.size(), 4u);
  const json::value& began = all[1];
  const json::value& ended = all[0];
  EXPECT_EQ(began.at("phase"), "began");
  EXPECT_EQ(began.at("actor"), "ann");
  EXPECT_EQ(began.at("peer"), "127.0.0.1");
  EXPECT_EQ(began.at("operation"), "patchQueue");
  EXPECT_EQ(began.at("target"), "orders");
  EXPECT_EQ(began.at("details"), (json::object{{"max_attempts", "7"}}));
  EXPECT_TRUE(began.at("status").is_null());
  EXPECT_EQ(ended.at("phase"), "ended");
  EXPECT_EQ(ended.at("began"), began.at("number"));
  EXPECT_EQ(ended.at("called_at"), began.at("called_at"));
  EXPECT_EQ(ended.at("status"), 200);
  EXPECT_TRUE(ended.at("code").is_null());
  EXPECT_EQ(ended.at("before"), (json::object{{"max_attempts", "5"}}));
  EXPECT_EQ(ended.at("after"), (json::object{{"max_attempts", "7"}}));
  EXPECT_EQ(ended.at("previous"), began.at("hash"));
  const json::value page = ask("GET", "/api/v1/audit?limit=1").json();
  EXPECT_EQ(page.at("head"), (json::object{{"number", 4}, {"hash", ended.at("hash")}}));
  EXPECT_EQ(page.at("cursor"), "4");
}

TEST_F(ServedAudit, WhatIsRefusedIsThereWithItsCode) {
  EXPECT_EQ(refused("DELETE", "/api/v1/queues/none"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("PATCH", "/api/v1/queues/none", R"({"max_attempts": "no"})"), Refusal(400, "INVALID_OPTION"));
  const json::array all = entries();
  ASSERT_EQ(all.size(), 4u);
  EXPECT_EQ(all[2].at("status"), 404);
  EXPECT_EQ(all[2].at("code"), "NOT_FOUND");
  EXPECT_EQ(all[0].at("code"), "INVALID_OPTION");
}

TEST_F(ServedAudit, PublishesAndPlainLooksAreNotThere) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  ASSERT_EQ(ask("POST", "/api/v1/queues/orders/messages", R"({"body": "b"})").status, 201);
  ASSERT_EQ(ask("GET", "/api/v1/queues/orders").status, 200);
  ASSERT_EQ(ask("GET", "/api/v1/audit").status, 200);
  EXPECT_EQ(entries().size(), 2u);
  ASSERT_EQ(ask("GET", "/api/v1/queues/orders/messages").status, 200);
  EXPECT_EQ(entries("?operation=peekMessages").size(), 2u);
}

/// What bodies say can be asked without being shown one, word by word.
TEST_F(ServedAudit, AListThatReadsBodiesIsALook) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  const auto list = [this](const std::string& query, const std::string& actor = "ann", const std::string& what = "") {
    EXPECT_EQ(ask("GET", "/api/v1/hospital/cases" + what + "?" + query, "", {{"X-Lazaret-Actor", actor}}).status, 200)
        << query;
    return entries("?limit=1000").size();
  };
  const std::size_t before = entries().size();
  EXPECT_EQ(list("filter=type=order"), before) << "of what the case says";
  EXPECT_EQ(list("filter=header.tenant=acme"), before);
  ASSERT_EQ(list("filter=body~total%20state=admitted"), before + 2);
  const json::array all = entries();
  EXPECT_EQ(all[1].at("operation"), "listCases");
  EXPECT_EQ(all[1].at("actor"), "ann");
  EXPECT_EQ(all[1].at("target"), "body~total state=admitted");
  EXPECT_EQ(all[0].at("status"), 200);
  for (const char* same :
       {"filter=body~total%20state=admitted&limit=7", "filter=body~total%20state=admitted&cursor=",
        "filter=body~total%20state=admitted%20admitted%3E-1h", "filter=body~%22total%22&state=admitted"}) {
    EXPECT_EQ(list(same), before + 2) << same << " asks the same of bodies";
  }
  EXPECT_EQ(list("filter=body~totals%20state=admitted"), before + 4) << "another word";
  EXPECT_EQ(list("filter=body~total%20state=admitted", "bob"), before + 6) << "somebody else";
  EXPECT_EQ(list("filter=body~total%20state=admitted", "ann", "/count"), before + 8) << "another call";
  const std::string longer(1500, 'x');
  EXPECT_EQ(list("filter=body~" + longer + "a"), before + 10);
  EXPECT_EQ(list("filter=body~" + longer + "b"), before + 12) << "although both are cut in the trail";
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases?filter=body=total"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(entries("?limit=1000").size(), before + 12) << "nothing was shown";
  engine().audit().close();
  EXPECT_EQ(refused("GET", "/api/v1/hospital/cases?filter=body~secret"), Refusal(503, "SHUTTING_DOWN"));
  EXPECT_EQ(ask("GET", "/api/v1/hospital/cases?filter=type=order").status, 200);
}

/// Whoever looks at a job is told how many newer cases match.
TEST_F(ServedAudit, AJobThatCountsByBodiesIsALook) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  ASSERT_EQ(ask("POST", "/api/v1/hospital/replays", R"({"filter": "type=order"})").status, 202);
  ASSERT_EQ(ask("POST", "/api/v1/hospital/replays", R"({"filter": "body~total"})").status, 202);
  ASSERT_EQ(ask("GET", "/api/v1/hospital/replays/1").status, 200);
  EXPECT_TRUE(entries("?operation=getReplay").empty());
  for (int i = 0; i < 3; ++i) ASSERT_EQ(ask("GET", "/api/v1/hospital/replays/2").status, 200);
  const json::array looks = entries("?operation=getReplay");
  ASSERT_EQ(looks.size(), 2u);
  EXPECT_EQ(looks[0].at("target"), "2");
}

/// The page asks with each key that is pressed what a job would be for.
TEST_F(ServedAudit, ADryRunIsNoChange) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders?dry_run=true").status, 201);
  const auto dry_run = [this](const std::string& filter) {
    return ask("POST", "/api/v1/hospital/replays", R"({"dry_run": true, "filter": ")" + filter + "\"}").status;
  };
  ASSERT_EQ(dry_run("type=order"), 200);
  ASSERT_EQ(ask("POST", "/api/v1/hospital/replays", R"({"dry_run": true, "ids": []})").status, 200);
  EXPECT_TRUE(entries().empty());
  for (int i = 0; i < 3; ++i) ASSERT_EQ(dry_run("body~total"), 200);
  const json::array look = entries();
  ASSERT_EQ(look.size(), 2u) << "that is a look, and the same one each time";
  EXPECT_EQ(look[1].at("operation"), "createReplay");
  EXPECT_EQ(look[1].at("target"), "body~total");
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(ask("POST", "/api/v1/hospital/replays", R"({"filter": "body~total"})").status, 202);
  }
  EXPECT_EQ(entries().size(), 6u) << "each of them is a change";
  engine().audit().close();
  EXPECT_EQ(refused("POST", "/api/v1/hospital/replays", R"({"filter": "type=order"})"), Refusal(503, "SHUTTING_DOWN"));
  EXPECT_EQ(dry_run("body~secret"), 503);
  EXPECT_EQ(dry_run("type=order"), 200);
}

TEST_F(ServedAudit, FiltersAreChecked) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/a").status, 201);
  ASSERT_EQ(ask("PUT", "/api/v1/queues/b").status, 201);
  EXPECT_EQ(entries("?target=a").size(), 2u);
  EXPECT_EQ(entries("?since=-1h").size(), 4u);
  EXPECT_TRUE(entries("?until=-1h").empty());
  EXPECT_EQ(refused("GET", "/api/v1/audit?since=soon"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("GET", "/api/v1/audit?cursor=x"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("GET", "/api/v1/audit?colour=red"), Refusal(400, "BAD_REQUEST"));
}

TEST_F(ServedAudit, WhatCannotBeNotedIsNotDone) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  engine().audit().close();
  EXPECT_EQ(refused("PUT", "/api/v1/queues/other"), Refusal(503, "SHUTTING_DOWN"));
  EXPECT_EQ(refused("DELETE", "/api/v1/queues/orders"), Refusal(503, "SHUTTING_DOWN"));
  EXPECT_EQ(refused("GET", "/api/v1/queues/orders/messages"), Refusal(503, "SHUTTING_DOWN"));
  EXPECT_EQ(ask("GET", "/api/v1/queues/other").status, 404);
  EXPECT_EQ(ask("GET", "/api/v1/queues/orders").status, 200);
}

}  // namespace
}  // namespace lazaret::admin

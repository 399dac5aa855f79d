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

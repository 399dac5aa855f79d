#include "admin/openapi.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <set>

#include "admin/audit_json.h"
#include "admin/backup_json.h"
#include "admin/case_json.h"
#include "admin/group_json.h"
#include "admin/json_text.h"
#include "admin/message_json.h"
#include "admin/overview.h"
#include "admin/problem.h"
#include "admin/quarantine_json.h"
#include "admin/queue_json.h"
#include "admin/request_json.h"
#include "alerts/alert_json.h"

namespace lazaret::admin {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(c));
  return out;
}

/// Every {"$ref": "#/components/schemas/…"} in it.
void collect_references(const json::value& value, std::set<std::string>& into) {
  if (const auto* array = value.if_array()) {
    for (const auto& one : *array) collect_references(one, into);
  }
  const auto* object = value.if_object();
  if (object == nullptr) return;
  for (const auto& [name, field] : *object) {
    constexpr std::string_view kPlace = "#/components/schemas/";
    if (name == "$ref") into.insert(std::string(field.get_string()).substr(kPlace.size()));
    collect_references(field, into);
  }
}

/// Every field that is written is in the schema.
void expect_described(const json::object& written, std::string_view schema) {
  const json::object& properties = schemas().at(schema).at("properties").as_object();
  for (const auto& [name, value] : written) EXPECT_TRUE(properties.contains(name)) << schema << "." << name;
}

TEST(OpenApi, DescribesEveryRouteAndNothingElse) {
  const json::object paths = describe(routes(), "1.0").at("paths").as_object();
  std::size_t described = 0;
  for (const auto& [path, operations] : paths) described += operations.as_object().size();
  EXPECT_EQ(described, routes().size());
  for (const Route& route : routes()) {
    ASSERT_TRUE(paths.contains(route.pattern)) << route.pattern;
    const json::object& path = paths.at(route.pattern).as_object();
    ASSERT_TRUE(path.contains(lower(to_string(route.method)))) << route.pattern;
    const json::object& operation = path.at(lower(to_string(route.method))).as_object();
    EXPECT_EQ(operation.at("operationId").as_string(), route.operation);
    EXPECT_EQ(operation.contains("requestBody"), !route.body.empty());
    for (const Outcome& outcome : route.outcomes) {
      EXPECT_TRUE(operation.at("responses").as_object().contains(std::to_string(outcome.status)));
    }
    const auto in_path = std::count(route.pattern.begin(), route.pattern.end(), '{');
    EXPECT_EQ(operation.at("parameters").as_array().size(),
              route.query.size() + route.headers.size() + static_cast<std::size_t>(in_path));
  }
}

TEST(OpenApi, EverySchemaIsThereAndUsed) {
  std::set<std::string> used;
  collect_references(describe(routes(), "1.0"), used);
  for (const std::string& name : used) EXPECT_TRUE(schemas().contains(name)) << name;
  for (const auto& [name, schema] : schemas()) EXPECT_TRUE(used.contains(std::string(name))) << name;
}

TEST(OpenApi, SchemasHaveTheFieldsThatAreWritten) {
  expect_described(queue_json({}), "Queue");
  model::Replied reply;
  reply.outcome = model::RequestOutcome::answered;
  for (const bool damaged : {true, false}) {
    if (!damaged) reply.message = std::make_shared<const model::Message>();
    expect_described(reply_json({}, reply, {}), "Reply");
  }
  expect_described(options_json({}), "QueueOptions");
  expect_described(case_json({}), "Case");
  expect_described(quarantine_json({}, {}, ""), "Quarantine");
  expect_described(attempt_json({}), "Attempt");
  expect_described(audit_json(model::AuditEntry()), "AuditEntry");
  expect_described(audit_json(model::AuditPoint()), "AuditPoint");
  expect_described(group_json({}, {}), "Group");
  model::AlertRecord alert;
  alert.deliveries.emplace_back();
  expect_described(alerts::alert_json(alert, ""), "Alert");
  const json::object told = alerts::alert_json_with_deliveries(alert, "");
  expect_described(told.at("deliveries").at(0).as_object(), "AlertDelivery");
  expect_described(row_json({}), "OverviewRow");
  expect_described(backup_json({}, ""), "Backup");
  expect_described(MinuteHistory().of("none"), "MinuteHistory");
  const auto status = base::Status(base::Code::INTERNAL).with_limit("x", 1).with_retry_after_ms(1);
  expect_described(problem_json(status), "Problem");
  const auto message = std::make_shared<model::Message>();
  expect_described(message_json({"orders", {}, message, 0, false}, {}), "Message");
  expect_described(message_json({"orders", {}, nullptr, 0, false}, {}), "Message");
  expect_described(protobuf_json({}), "ProtobufBody");
  for (const char* schema : {"Message", "Reply"}) expect_described({{"body_protobuf", nullptr}}, schema);
  expect_described({{"compressed", nullptr}, {"unopened", nullptr}}, "Message");
}

}  // namespace
}  // namespace lazaret::admin

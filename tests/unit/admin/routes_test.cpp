#include "admin/routes.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "admin/audit_call.h"
#include "admin/json_text.h"
#include "admin/openapi.h"

namespace lazaret::admin {
namespace {

using base::Code;

TEST(Routes, EachHasAHandlerANameAndAnOutcome) {
  std::set<std::string_view> names;
  std::set<std::pair<std::string_view, Method>> places;
  for (const Route& route : routes()) {
    EXPECT_EQ(route.handler == nullptr, route.is_stream) << route.pattern;  // a stream is the session's
    EXPECT_FALSE(route.summary.empty()) << route.pattern;
    EXPECT_FALSE(route.outcomes.empty()) << route.pattern;
    EXPECT_TRUE(names.insert(route.operation).second) << route.operation;
    EXPECT_TRUE(places.emplace(route.pattern, route.method).second) << route.pattern;
  }
}

/// Whether what is described by this schema shows a message's body, or a piece of it.
bool shows_a_body(const json::value& schema, std::set<std::string>& seen) {
  if (const auto* list = schema.if_array()) {
    for (const json::value& one : *list) {
      if (shows_a_body(one, seen)) return true;
    }
  }
  const auto* object = schema.if_object();
  if (object == nullptr) return false;
  if (const json::value* reference = object->if_contains("$ref")) {
    const std::string name = std::string(reference->as_string()).substr(std::string("#/components/schemas/").size());
    return seen.insert(name).second && shows_a_body(schemas().at(name), seen);
  }
  if (const json::value* properties = object->if_contains("properties")) {
    for (const char* field : {"body", "body_base64", "lines"}) {  // lines: of a difference
      if (properties->as_object().contains(field)) return true;
    }
  }
  for (const auto& [name, inner] : *object) {
    if (shows_a_body(inner, seen)) return true;
  }
  return false;
}

bool shows_a_body(const Route& route) {
  for (const Outcome& outcome : route.outcomes) {
    std::set<std::string> seen{std::string(outcome.schema)};
    if (outcome.content_type == "application/octet-stream") return true;
    if (!outcome.schema.empty() && shows_a_body(schemas().at(outcome.schema), seen)) return true;
  }
  return false;
}

/// Whoever adds a route that changes something says that it is audited, or says here why it need not be.
TEST(Routes, WhatChangesSomethingOrShowsAMessageIsAudited) {
  const std::set<std::string_view> free = {
      "publishMessage", "publishToTopic", "publishTogether",
      "request",        "answerRequest",  // messages are what a broker is for
      "runCheck",                         // reads, and changes nothing
  };
  // Asked with a body, changes nothing, and shows a message: a look like those that are asked without one.
  const std::set<std::string_view> previews = {"previewEdit"};
  std::set<std::string_view> met;
  for (const Route& route : routes()) {
    const bool asks = route.method == Method::get || previews.contains(route.operation);
    const bool changes = !asks && !free.contains(route.operation);
    const bool shows = asks && shows_a_body(route);
    EXPECT_EQ(route.audited, changes ? Audited::change : shows ? Audited::look : Audited::no) << route.operation;
    EXPECT_TRUE(shows || !previews.contains(route.operation)) << route.operation;
    if (free.contains(route.operation)) met.insert(route.operation);
    // What it is about is in its path, or named.
    if (route.audited == Audited::no && route.asks_of_bodies == nullptr) continue;
    EXPECT_EQ(route.pattern.find('{') == std::string_view::npos, !route.audit_target.empty()) << route.operation;
  }
  EXPECT_EQ(met, free) << "a route that is free is there";
  for (const Route& route : page_routes()) EXPECT_EQ(route.audited, Audited::no) << route.pattern;
}

/// What only says what would be changes nothing, and so every dry run is known to the dispatcher.
TEST(Routes, WhatTakesADryRunSaysWhichOneIsOne) {
  std::set<std::string_view> dry;
  for (const Route& route : routes()) {
    const auto is_flag = [](const Parameter& parameter) { return parameter.name == "dry_run"; };
    const json::value* body = route.body.empty() ? nullptr : schemas().if_contains(route.body);
    const json::value* fields = body == nullptr ? nullptr : body->as_object().if_contains("properties");
    const bool takes_one =
        std::ranges::any_of(route.query, is_flag) || (fields != nullptr && fields->as_object().contains("dry_run"));
    EXPECT_EQ(route.is_dry_run != nullptr, takes_one) << route.operation;
    if (!takes_one) continue;
    dry.insert(route.operation);
    EXPECT_EQ(route.audited, Audited::change) << route.operation;
    Request request;
    request.route = &route;
    request.body = R"({"dry_run": true})";
    request.query = {{"dry_run", "true"}};
    EXPECT_TRUE(route.is_dry_run(request)) << route.operation;
    request.body = R"({"dry_run": false})";
    request.query = {{"dry_run", "false"}};
    EXPECT_FALSE(route.is_dry_run(request)) << route.operation;
    request.body = R"({"dry_run": "true"})";
    request.query = {{"dry_run", "perhaps"}};
    EXPECT_FALSE(route.is_dry_run(request)) << "a mistake is noted as what it may have been meant to be";
  }
  EXPECT_EQ(dry, (std::set<std::string_view>{"putQueue", "putTopic", "putSubscription", "createReplay", "discardCases",
                                             "restoreCases"}));
}

/// A filter can ask what bodies say, so what takes one is audited, or is when it does.
TEST(Routes, WhatTakesAFilterSaysWhetherItReadsBodies) {
  std::set<std::string_view> filtered;
  for (const Route& route : routes()) {
    const auto is_filter = [](const Parameter& parameter) { return parameter.name == "filter"; };
    if (std::ranges::none_of(route.query, is_filter)) continue;
    filtered.insert(route.operation);
    if (route.operation == "listGroups") continue;  // of what all of a group share: no bodies
    EXPECT_NE(route.audited == Audited::no, route.asks_of_bodies == nullptr) << route.operation;
  }
  EXPECT_EQ(filtered, (std::set<std::string_view>{"listCases", "countCases", "exportCases", "listGroups"}));
}

Request a_request(std::string_view operation, std::string body, std::vector<std::string> arguments) {
  Request request;
  for (const Route& route : routes()) {
    if (route.operation == operation) request.route = &route;
  }
  request.body = std::move(body);
  request.arguments = std::move(arguments);
  request.peer = "127.0.0.1";
  return request;
}

TEST(AuditCall, SaysWhoWhatAndOnWhat) {
  Request request = a_request("patchQueue", R"({"max_attempts": 7, "paused": true})", {"orders"});
  EXPECT_EQ(audit_call_of(request).actor, "127.0.0.1") << "nobody says more";
  request.actor = "ann";
  const model::AuditCall call = model::bounded(audit_call_of(request));
  EXPECT_EQ(call, (model::AuditCall{
                      "ann", "127.0.0.1", "patchQueue", "orders", {{"max_attempts", "7"}, {"paused", "true"}}}));
  request = a_request("getCaseVersion", "", {"0-1-2-3", "4"});
  request.query = {{"x", "y"}};
  EXPECT_EQ(audit_call_of(request).target, "0-1-2-3");
  EXPECT_EQ(audit_call_of(request).details, (model::AuditFields{{"version", "4"}, {"x", "y"}}));
  EXPECT_EQ(audit_call_of(a_request("createReplay", R"({"filter": "queue=a", "rate": 5})", {})).target, "queue=a");
}

/// Whatever a body of an edit is, nothing of it is said but its note and who edits.
TEST(AuditCall, NeverSaysWhatAMessageSays) {
  const std::string secret = "s3cret";
  for (const std::string operation : {"editCase", "previewEdit"}) {
    for (const std::string field : {"body", "body_base64", "content_type", "unheard_of"}) {
      const Request request =
          a_request(operation, R"({")" + field + R"(": ")" + secret + R"(", "by": "bob", "note": "why"})", {"0-1-2-3"});
      const model::AuditCall call = audit_call_of(request);
      EXPECT_EQ(call.actor, "bob");
      EXPECT_EQ(model::bounded(call.details),
                model::bounded(model::AuditFields{{"by", "bob"}, {field, "given"}, {"note", "why"}}));
    }
  }
  for (const char* body :
       {R"({"merge": {"a": "s3cret"}, "headers": {"h": "s3cret"}})", R"({"note": "s3cret)", "s3cret"}) {
    for (const auto& [name, value] : audit_call_of(a_request("editCase", body, {"0-1-2-3"})).details) {
      EXPECT_EQ(value, "given") << name;
    }
  }
}

TEST(Routes, APatternTakesSegmentsAsArguments) {
  std::vector<std::string> arguments;
  EXPECT_TRUE(matches("/api/v1/queues/{name}/messages", {"api", "v1", "queues", "orders", "messages"}, arguments));
  EXPECT_EQ(arguments, std::vector<std::string>{"orders"});
  EXPECT_FALSE(matches("/api/v1/queues/{name}", {"api", "v1", "queues"}, arguments));
  EXPECT_FALSE(matches("/api/v1/queues", {"api", "v1", "queues", "orders"}, arguments));
  EXPECT_FALSE(matches("/api/v1/queues", {"api", "v2", "queues"}, arguments));
  EXPECT_FALSE(matches("/metrics", {}, arguments));
}

TEST(Request, TheTargetIsDecoded) {
  Request request;
  request.target = "/api/v1/queues/a%20b?cursor=x%26y&limit=7";
  ASSERT_TRUE(split_target(request).ok());
  EXPECT_EQ(request.segments, (std::vector<std::string>{"api", "v1", "queues", "a b"}));
  EXPECT_EQ(request.parameter("cursor"), "x&y");
  EXPECT_EQ(number_parameter(request, "limit", 1, 1, 10).value(), 7u);
  EXPECT_EQ(number_parameter(request, "limit", 1, 1, 5).code(), Code::BAD_REQUEST);
  EXPECT_EQ(number_parameter(request, "count", 3, 1, 5).value(), 3u);
  EXPECT_EQ(flag_parameter(request, "limit").code(), Code::BAD_REQUEST);
}

TEST(Request, ATargetThatIsNoneIsRefused) {
  for (const char* target : {"", "*", "http://evil.example/", "/a?x=%zz", "/?a=1&a=2"}) {
    Request request;
    request.target = target;
    EXPECT_EQ(split_target(request).code(), Code::BAD_REQUEST) << target;
  }
}

}  // namespace
}  // namespace lazaret::admin

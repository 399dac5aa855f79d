#include "admin/routes.h"

#include <gtest/gtest.h>

#include <set>

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

#include "admin/problem.h"

#include <gtest/gtest.h>

#include "admin/json_text.h"

namespace lazaret::admin {
namespace {

using base::Code;
using base::Status;

TEST(Problem, SaysWhatTheErrorTableKnows) {
  const Response response = problem(Status(Code::NOT_FOUND, "there is no queue orders"));
  EXPECT_EQ(response.status, 404);
  EXPECT_EQ(response.content_type, "application/problem+json");
  EXPECT_EQ(response.body,
            R"({"type":"urn:lazaret:error:NOT_FOUND","title":"there is nothing of that name","status":404,)"
            R"("detail":"there is no queue orders","code":"NOT_FOUND","fault":"caller","retry":"never"})"
            "\n");
}

TEST(Problem, NamesTheLimitAndWhenToTryAgain) {
  const Status status = Status(Code::RESOURCE_EXHAUSTED, "full").with_limit("requests", 64).with_retry_after_ms(1500);
  const Response response = problem(status);
  const json::object document = problem_json(status);
  EXPECT_EQ(document.at("limit"), "requests");
  EXPECT_EQ(document.at("value"), 64);
  EXPECT_EQ(document.at("retry_after_ms"), 1500);
  ASSERT_EQ(response.headers.size(), 1u);
  EXPECT_EQ(response.headers[0], (std::pair<std::string, std::string>{"Retry-After", "2"}));
}

TEST(Problem, EveryErrorHasADocumentWithItsHttpStatus) {
  const auto [rows, count] = base::error_table();
  for (std::size_t i = 0; i < count; ++i) {
    const json::object document = problem_json(Status(rows[i].code));
    EXPECT_EQ(document.at("code").as_string(), rows[i].name);
    EXPECT_EQ(document.at("status"), rows[i].http);
  }
}

TEST(Problem, AStrangersBytesBecomeUtf8) {
  EXPECT_EQ(problem_json(Status(Code::BAD_REQUEST,
                                "a\xff"
                                "b"))
                .at("detail"),
            "a\xef\xbf\xbd"
            "b");
}

}  // namespace
}  // namespace lazaret::admin

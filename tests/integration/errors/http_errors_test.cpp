// Errors that only the HTTP API answers with (error_codes.h).
#include "integration/errors/error_codes.h"

namespace lazaret::testing {
namespace {

using base::Code;

TEST_F(ErrorCodes, CASE_BUSY) {
  Broker& broker = start();
  const std::string target = "/api/v1/hospital/cases/" + make_case(broker) + "/replay";
  EXPECT_EQ(http(broker.admin(), "POST", target).status / 100, 2);
  expect_problem(http(broker.admin(), "POST", target), Code::CASE_BUSY);
}

TEST_F(ErrorCodes, STALE_VERSION) {
  Broker& broker = start();
  const std::string id = make_case(broker);
  const auto edit = [&] {
    return http(broker.admin(), "PATCH", "/api/v1/hospital/cases/" + id, R"({"body":"other"})",
                {{"If-Match", "\"0\""}});
  };
  EXPECT_EQ(edit().status, 200);
  expect_problem(edit(), Code::STALE_VERSION);
  expect_exit(broker.cli({"hospital", "edit", id, "--body-file", "-", "--if-version", "0"}, "x"), Code::STALE_VERSION);
}

TEST_F(ErrorCodes, VERSION_NEEDED) {
  Broker& broker = start();
  const std::string target = "/api/v1/hospital/cases/" + make_case(broker);
  expect_problem(http(broker.admin(), "PATCH", target, R"({"body":"other"})"), Code::VERSION_NEEDED);
}

TEST_F(ErrorCodes, INVALID_BODY) {
  Broker& broker = start();
  const std::string id = make_case(broker);
  const std::string edit = R"({"body":"no JSON","content_type":"application/json"})";
  expect_problem(http(broker.admin(), "PATCH", "/api/v1/hospital/cases/" + id, edit, {{"If-Match", "\"0\""}}),
                 Code::INVALID_BODY);
}

TEST_F(ErrorCodes, MESSAGE_GONE) {
  Broker& broker = start();
  const std::string id = make_case(broker);
  EXPECT_EQ(broker.cli({"hospital", "replay", id}).exit, 0);
  EXPECT_EQ(broker.cli({"consume", "q", "--count", "1", "--", "true"}).exit, 0);
  const auto body = [&] { return http(broker.admin(), "GET", "/api/v1/hospital/cases/" + id + "/body"); };
  EXPECT_TRUE(eventually([&] { return body().status != 200; })) << "it is trimmed in time";
  expect_problem(body(), Code::MESSAGE_GONE);
}

TEST_F(ErrorCodes, NO_CONSUMER) {
  Broker& broker = start();
  const std::string target = "/api/v1/hospital/cases/" + make_case(broker) + "/replay";
  expect_problem(http(broker.admin(), "POST", target, R"({"after_version":">=2"})"), Code::NO_CONSUMER);
}

TEST_F(ErrorCodes, MASKED) {
  Broker& broker = start({"hospital.masked_paths=/card"});
  const std::string id = make_case(broker);
  expect_problem(http(broker.admin(), "GET", "/api/v1/hospital/cases/" + id + "/body"), Code::MASKED);
}

TEST_F(ErrorCodes, DESTINATION_NEEDED) {
  Broker& broker = start();
  const std::string target = "/api/v1/hospital/cases/" + make_case(broker) + "/replay";
  EXPECT_EQ(broker.cli({"queue", "delete", "q", "--force"}).exit, 0);
  expect_problem(http(broker.admin(), "POST", target), Code::DESTINATION_NEEDED);
}

TEST_F(ErrorCodes, METHOD_NOT_ALLOWED) {
  const HttpAnswer answer = http(start().admin(), "DELETE", "/api/v1/queues");
  expect_problem(answer, Code::METHOD_NOT_ALLOWED);
  EXPECT_EQ(answer.headers.at("allow"), "GET, HEAD");
}

TEST_F(ErrorCodes, UNSUPPORTED_MEDIA_TYPE) {
  expect_problem(http(start().admin(), "PUT", "/api/v1/queues/n", "{}", {{"Content-Type", "text/plain"}}),
                 Code::UNSUPPORTED_MEDIA_TYPE);
}

TEST_F(ErrorCodes, FORBIDDEN_ORIGIN) {
  // Whoever may listen beyond loopback is not thereby known by every name.
  const Broker& broker = start({"broker.allow_unauthenticated=true"});
  for (const auto& [field, value] : {std::pair{"Origin", "http://evil.example"}, std::pair{"Host", "evil.example"}}) {
    expect_problem(http(broker.admin(), "GET", "/api/v1/queues", "", {{field, value}}), Code::FORBIDDEN_ORIGIN);
  }
}

}  // namespace
}  // namespace lazaret::testing

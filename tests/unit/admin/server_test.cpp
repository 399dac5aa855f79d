// Queues, messages and the rules that hold for all requests.
#include <boost/asio.hpp>
#include <boost/json.hpp>

#include "unit/admin/served_broker.h"

namespace lazaret::admin {
namespace {

using Refusal = std::pair<int, std::string>;

TEST_F(ServedBroker, AQueueIsCreatedEnsuredChangedAndDeleted) {
  auto answer = ask("PUT", "/api/v1/queues/orders", R"({"max_attempts": 3, "backoff_initial": "250ms"})");
  EXPECT_EQ(answer.status, 201) << answer.body;
  EXPECT_EQ(answer.json().at("max_attempts"), 3);
  EXPECT_EQ(answer.json().at("lease_duration"), "30s");
  EXPECT_EQ(ask("PUT", "/api/v1/queues/orders", R"({"max_attempts": 3, "backoff_initial": "250ms"})").status, 200);
  EXPECT_EQ(ask("PUT", "/api/v1/queues/orders", "{}").status, 200) << "only what is named is compared";

  answer = ask("PUT", "/api/v1/queues/orders", R"({"max_attempts": "unlimited", "backoff_initial": "250ms"})");
  EXPECT_EQ(answer.status, 409);
  EXPECT_EQ(answer.json().at("code"), "OPTIONS_MISMATCH");
  EXPECT_NE(answer.body.find("max_attempts is 3, asked for"), std::string::npos) << answer.body;

  answer = ask("PATCH", "/api/v1/queues/orders", R"({"max_attempts": "unlimited"})");
  EXPECT_EQ(answer.status, 200) << answer.body;
  EXPECT_EQ(answer.json().at("max_attempts"), "unlimited");
  EXPECT_EQ(answer.json().at("backoff_initial"), "250ms");
  EXPECT_EQ(ask("GET", "/api/v1/queues/orders").json().at("max_attempts"), "unlimited");

  EXPECT_EQ(ask("DELETE", "/api/v1/queues/orders").status, 204);
  EXPECT_EQ(refused("GET", "/api/v1/queues/orders"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("DELETE", "/api/v1/queues/orders"), Refusal(404, "NOT_FOUND"));
}

TEST_F(ServedBroker, WhatIsWrongWithAQueueIsNamed) {
  EXPECT_EQ(refused("PUT", "/api/v1/queues/a%20b", "{}"), Refusal(400, "INVALID_NAME"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", R"({"max_attempt": 3})"), Refusal(400, "INVALID_OPTION"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", R"({"max_attempts": 0})"), Refusal(400, "INVALID_OPTION"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", R"({"durability": "lax"})"), Refusal(400, "INVALID_OPTION"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", "{"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", R"({"colocate_with": "none"})"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("PATCH", "/api/v1/queues/q", "{}"), Refusal(404, "NOT_FOUND"));
}

TEST_F(ServedBroker, AListHasPages) {
  for (const char* name : {"a", "b", "c"}) ASSERT_EQ(ask("PUT", "/api/v1/queues/" + std::string(name)).status, 201);
  auto page = ask("GET", "/api/v1/queues?limit=2").json();
  ASSERT_EQ(page.at("items").as_array().size(), 2u);
  EXPECT_EQ(page.at("items").at(1).at("name"), "b");
  page = ask("GET", "/api/v1/queues?limit=2&cursor=" + std::string(page.at("cursor").as_string())).json();
  ASSERT_EQ(page.at("items").as_array().size(), 1u);
  EXPECT_EQ(page.at("items").at(0).at("name"), "c");
  EXPECT_TRUE(page.at("cursor").is_null());
  EXPECT_EQ(refused("GET", "/api/v1/queues?limit=0"), Refusal(400, "BAD_REQUEST"));
  EXPECT_EQ(refused("GET", "/api/v1/queues?size=2"), Refusal(400, "BAD_REQUEST"));
}

TEST_F(ServedBroker, MessagesArePublishedPeekedAndPurged) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  for (int i = 0; i < 3; ++i) {
    const std::string message = R"({"key": "k", "body": "b)" + std::to_string(i) + R"("})";
    const auto answer = ask("POST", "/api/v1/queues/orders/messages", message);
    ASSERT_EQ(answer.status, 201) << answer.body;
    EXPECT_EQ(answer.json().at("offset"), i);
    EXPECT_EQ(answer.json().at("id").as_string().size(), 36u);
  }
  auto page = ask("GET", "/api/v1/queues/orders/messages?count=2").json();
  ASSERT_EQ(page.at("items").as_array().size(), 2u);
  EXPECT_EQ(page.at("items").at(0).at("body"), "b0");
  EXPECT_EQ(page.at("items").at(0).at("state"), "ready");
  EXPECT_EQ(page.at("cursor"), "2");
  page = ask("GET", "/api/v1/queues/orders/messages?from=2").json();
  ASSERT_EQ(page.at("items").as_array().size(), 1u);
  EXPECT_EQ(page.at("items").at(0).at("offset"), 2);
  EXPECT_TRUE(page.at("cursor").is_null());
  EXPECT_TRUE(ask("GET", "/api/v1/queues/orders/messages?state=leased").json().at("items").as_array().empty());

  auto queue = ask("GET", "/api/v1/queues/orders").json();
  EXPECT_EQ(queue.at("ready"), 3);
  EXPECT_TRUE(queue.at("oldest_ready_at").is_string());
  EXPECT_EQ(refused("DELETE", "/api/v1/queues/orders"), Refusal(409, "NOT_EMPTY"));
  EXPECT_EQ(ask("POST", "/api/v1/queues/orders/purge", "{}").json().at("purged"), 3);
  EXPECT_EQ(ask("GET", "/api/v1/queues/orders").json().at("purged_total"), 3);
  EXPECT_EQ(ask("DELETE", "/api/v1/queues/orders?force=true").status, 204);
}

TEST_F(ServedBroker, AMessageThatIsTooLargeIsRefusedWithTheLimit) {
  ServerConfig config;
  config.host = "127.0.0.1";
  config.max_message_bytes = 1000;
  serve(config);
  ASSERT_EQ(ask("PUT", "/api/v1/queues/q").status, 201);
  const auto publish = [this](std::size_t bytes) {
    return ask("POST", "/api/v1/queues/q/messages", R"({"body": ")" + std::string(bytes, 'x') + R"("})");
  };
  EXPECT_EQ(publish(1000).status, 201);
  const auto answer = publish(1001);
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.json().at("code"), "MESSAGE_TOO_LARGE");
  EXPECT_EQ(answer.json().at("limit"), "max_message_bytes");
  EXPECT_EQ(answer.json().at("value"), 1000);
  EXPECT_EQ(publish(100'000).json().at("code"), "MESSAGE_TOO_LARGE");  // not even read
  EXPECT_EQ(refused("POST", "/api/v1/queues/q/messages", R"({"key": ")" + std::string(2000, 'k') + R"("})"),
            Refusal(413, "HEADERS_TOO_LARGE"));
}

TEST_F(ServedBroker, PathsMethodsAndMediaTypesAreChecked) {
  EXPECT_EQ(refused("GET", "/api/v1/nothing"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("GET", "/api/v1/queues/"), Refusal(404, "NOT_FOUND"));
  EXPECT_EQ(refused("POST", "/api/v1/queues/q", "{}"), Refusal(405, "METHOD_NOT_ALLOWED"));
  EXPECT_EQ(ask("POST", "/api/v1/queues/q", "{}").headers.at("allow"), "PUT, GET, HEAD, PATCH, DELETE");
  EXPECT_EQ(refused("OPTIONS", "/metrics"), Refusal(405, "METHOD_NOT_ALLOWED"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", "{}", {{"Content-Type", "text/plain"}}),
            Refusal(415, "UNSUPPORTED_MEDIA_TYPE"));
  EXPECT_EQ(refused("DELETE", "/api/v1/queues/q", "", {{"Content-Type", ""}}), Refusal(415, "UNSUPPORTED_MEDIA_TYPE"));
  EXPECT_EQ(ask("PUT", "/api/v1/queues/q", "{}", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status, 201);
  EXPECT_EQ(refused("GET", "/metrics", "{}"), Refusal(400, "BAD_REQUEST"));
}

TEST_F(ServedBroker, OtherPeoplesPagesAreRefused) {
  EXPECT_EQ(refused("GET", "/healthz", "", {{"Host", "evil.example"}}), Refusal(403, "FORBIDDEN_ORIGIN"));
  EXPECT_EQ(refused("PUT", "/api/v1/queues/q", "{}", {{"Origin", "http://evil.example"}}),
            Refusal(403, "FORBIDDEN_ORIGIN"));
  EXPECT_EQ(ask("GET", "/healthz", "", {{"Origin", "http://" + server().address()}}).status, 200);
}

TEST_F(ServedBroker, HealthStatusMetricsAndDescriptionAnswer) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/orders").status, 201);
  EXPECT_EQ(ask("GET", "/healthz").json().at("status"), "ok");
  EXPECT_EQ(ask("GET", "/readyz").status, 200);
  EXPECT_EQ(ask("GET", "/api/v1/status").json().at("version"), "1.2.3");
  EXPECT_EQ(ask("GET", "/openapi.json").json().at("openapi"), "3.1.0");
  const auto metrics = ask("GET", "/metrics");
  EXPECT_NE(metrics.body.find("\nlazaret_queue_ready{queue=\"orders\"} 0\n"), std::string::npos) << metrics.body;
  const auto head = ask("HEAD", "/healthz");
  EXPECT_EQ(head.status, 200);
  EXPECT_NE(head.headers.at("content-length"), "0");
  EXPECT_EQ(head.headers.at("x-content-type-options"), "nosniff");
  const auto report = ask("POST", "/api/v1/checks", "{}");
  EXPECT_EQ(report.status, 200);
  EXPECT_EQ(report.json().at("ok"), true) << report.body;
  engine().drain();
  EXPECT_EQ(refused("GET", "/readyz"), Refusal(503, "SHUTTING_DOWN"));
}

TEST_F(ServedBroker, AConnectionIsKeptAliveAndBytesThatAreNotHttpAreRefused) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  const std::string address = server().address();
  const auto colon = address.rfind(':');
  asio::connect(socket, asio::ip::tcp::resolver(io).resolve(address.substr(0, colon), address.substr(colon + 1)));
  const std::string get = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
  asio::write(socket, asio::buffer(get + get + "\x01\x02 nonsense\r\n\r\n"));
  std::string all;
  boost::system::error_code end;
  asio::read(socket, asio::dynamic_buffer(all), end);
  EXPECT_EQ(end, asio::error::eof);
  EXPECT_NE(all.find("200 OK", all.find("200 OK") + 1), std::string::npos) << all;
  EXPECT_NE(all.find("BAD_REQUEST"), std::string::npos) << all;
}

TEST_F(ServedBroker, AnAddressInUseIsAnError) {
  ServerConfig config;
  config.host = "127.0.0.1";
  config.port = static_cast<std::uint16_t>(std::stoi(server().address().substr(server().address().rfind(':') + 1)));
  EXPECT_EQ(Server::start(config, engine(), replays(), alerts()).code(), base::Code::BAD_CONFIGURATION);
}

TEST_F(ServedBroker, StopEndsIdleConnectionsAtOnce) {
  namespace asio = boost::asio;
  asio::io_context io;
  asio::ip::tcp::socket socket(io);
  const std::string address = server().address();
  const auto colon = address.rfind(':');
  asio::connect(socket, asio::ip::tcp::resolver(io).resolve(address.substr(0, colon), address.substr(colon + 1)));
  const auto before = std::chrono::steady_clock::now();
  server().stop();
  server().stop();
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(1));
}

}  // namespace
}  // namespace lazaret::admin

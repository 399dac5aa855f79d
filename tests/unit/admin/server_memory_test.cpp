// What requests and answers may take of the broker's memory.
#include <memory>
#include <vector>

#include <boost/asio.hpp>
#include <boost/json.hpp>

#include "base/text_encoding.h"
#include "unit/admin/served_broker.h"

namespace lazaret::admin {
namespace {

namespace asio = boost::asio;

/// A peer that asks and reads no more of the answer than its first line.
class SlowReader {
 public:
  SlowReader(const std::string& address, const std::string& target) {
    const auto colon = address.rfind(':');
    asio::connect(socket_, asio::ip::tcp::resolver(io_).resolve(address.substr(0, colon), address.substr(colon + 1)));
    asio::write(socket_, asio::buffer("GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
    std::string line(12, ' ');
    asio::read(socket_, asio::buffer(line));
    status_ = std::stoi(line.substr(9));
  }
  int status() const { return status_; }
  /// Reads the rest.
  void finish() {
    std::vector<char> some(1u << 20);
    boost::system::error_code end;
    while (!end) socket_.read_some(asio::buffer(some), end);
  }

 private:
  asio::io_context io_;
  asio::ip::tcp::socket socket_{io_};
  int status_ = 0;
};

std::string control_characters(std::size_t bytes) {
  return R"({"body_base64": ")" + base::to_base64(std::string(bytes, '\x01')) + R"("})";
}

TEST_F(ServedBroker, AnswersThatNobodyReadsHaveABudget) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/q").status, 201);
  ASSERT_EQ(ask("POST", "/api/v1/queues/q/messages", control_characters(6u << 20)).status, 201);
  const std::string target = "/api/v1/queues/q/messages";
  std::vector<std::unique_ptr<SlowReader>> readers;  // 36 MB each, and the budget is 128 MiB
  for (int i = 0; i < 5; ++i) readers.push_back(std::make_unique<SlowReader>(server().address(), target));
  for (int i = 0; i < 5; ++i) EXPECT_EQ(readers[i]->status(), i < 3 ? 200 : 503) << i;
  EXPECT_EQ(refused("GET", target).second, "RESOURCE_EXHAUSTED");
  EXPECT_EQ(ask("GET", "/healthz").status, 200) << "small answers are always given";
  for (const auto& reader : readers) reader->finish();
  EXPECT_EQ(ask("GET", target).status, 200);
}

TEST_F(ServedBroker, OnlyAMessageMayBeLarge) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/q").status, 201);
  const auto answer = ask("POST", "/api/v1/queues/q/purge", "{" + std::string(2u << 20, ' ') + "}");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.json().at("limit"), "body_bytes");
  EXPECT_EQ(answer.json().at("value"), 1 << 20);
  EXPECT_EQ(ask("POST", "/api/v1/queues/q/messages", control_characters(16u << 20)).status, 201) << "the largest";
}

TEST_F(ServedBroker, ARequestOfTooManyValuesIsNotHeldInMemory) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/q").status, 201);
  std::string many = R"({"headers": {"a": [)";
  while (many.size() < 16u << 20) many += "[],";
  const auto answer = ask("POST", "/api/v1/queues/q/messages", many + "1]}}");
  EXPECT_EQ(answer.status, 413);
  EXPECT_EQ(answer.json().at("value"), 256) << "only headers can be so many";
  EXPECT_NE(answer.body.find("too many values"), std::string::npos) << answer.body;
  const auto deep = ask("POST", "/api/v1/queues/q/messages", std::string(1000, '[') + std::string(1000, ']'));
  EXPECT_NE(deep.body.find("BAD_REQUEST"), std::string::npos) << deep.body;
}

TEST_F(ServedBroker, AnAnswerLargerThanTheBudgetIsGivenAlone) {
  ServerConfig config;
  config.host = "127.0.0.1";
  config.max_message_bytes = 32u << 20;
  serve(config);
  ASSERT_EQ(ask("PUT", "/api/v1/queues/q").status, 201);
  ASSERT_EQ(ask("POST", "/api/v1/queues/q/messages", control_characters(24u << 20)).status, 201);
  const auto answer = ask("GET", "/api/v1/queues/q/messages");
  EXPECT_EQ(answer.status, 200);
  EXPECT_GT(answer.body.size(), 6u * (24u << 20));
}

TEST_F(ServedBroker, APageOfMessagesIsBoundedAsItIsWritten) {
  ASSERT_EQ(ask("PUT", "/api/v1/queues/q").status, 201);
  for (int i = 0; i < 6; ++i) {
    ASSERT_EQ(ask("POST", "/api/v1/queues/q/messages", control_characters(1u << 20)).status, 201);
  }
  std::string from = "0";
  std::size_t seen = 0;
  while (true) {
    const auto answer = ask("GET", "/api/v1/queues/q/messages?from=" + from);
    ASSERT_EQ(answer.status, 200) << answer.body;
    EXPECT_LT(answer.body.size(), (16u << 20) + 1000);
    const auto page = answer.json();
    for (const auto& item : page.at("items").as_array()) EXPECT_EQ(item.at("offset"), seen++);
    if (page.at("cursor").is_null()) break;
    from = page.at("cursor").as_string().c_str();
  }
  EXPECT_EQ(seen, 6u);
}

}  // namespace
}  // namespace lazaret::admin

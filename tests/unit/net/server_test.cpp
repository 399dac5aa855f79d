// The server's own life: it lets go of every connection when it stops.
#include "net/server.h"

#include <gtest/gtest.h>

#include "fuzz/small_broker.h"
#include "integration/support/wire_client.h"

namespace lazaret::net {
namespace {

std::unique_ptr<Server> listening(engine::Engine& engine) {
  ServerConfig config;
  config.io_threads = 1;
  auto server = Server::listen(std::move(config), engine);
  EXPECT_TRUE(server.ok());
  return std::move(*server);
}

/// Connections that are accepted just when the server stops have sessions that nobody told to stop. Which moment of
/// that one meets is up to the threads, so it is tried several times.
TEST(Server, LetsGoOfConnectionsThatCameWhileItStopped) {
  fuzz::SmallBroker broker;
  for (int round = 0; round < 10; ++round) {
    std::unique_ptr<Server> server = listening(broker.engine());
    const std::string address = server->address();
    const auto port = static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
    std::vector<testing::WireClient> clients;
    for (int i = 0; i < 3; ++i) clients.emplace_back(port);
    server->serve("");
    server->stop();
    server.reset();
    for (testing::WireClient& client : clients) ASSERT_NO_THROW((void)client.read_end(std::chrono::seconds(5)));
  }
}

}  // namespace
}  // namespace lazaret::net

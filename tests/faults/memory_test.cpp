// Memory: a backlog far larger than the budget, with bodies of 1 MiB, to readers that do not keep up.
#include <gtest/gtest.h>

#include <algorithm>
#include <boost/asio/use_future.hpp>
#include <future>
#include <iostream>
#include <memory>
#include <vector>

#include "faults/resident_bound.h"
#include "integration/support/api.h"
#include "integration/support/broker.h"
#include "integration/support/wire_client.h"
#include "lazaret/lazaret.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;
using testing::Broker;
using testing::QueueView;
using testing::WireClient;

constexpr std::uint64_t kBudget = 256u << 20;
constexpr std::size_t kBody = 1u << 20;

class Memory : public ::testing::Test {
 protected:
  /// What the daemon has resident now; the highest of all looks is kept.
  void look() {
    const auto status = testing::api(broker_, "/status");
    highest_ = std::max(highest_, status.at("process").at("resident_bytes").to_number<std::uint64_t>());
  }

  void publish(Client& client, std::size_t messages) {
    std::vector<std::future<Receipt>> under_way;
    for (std::size_t i = 0; i < messages; ++i) {
      under_way.push_back(client.async_publish("q", {.body = std::string(kBody, 'x')}, asio::use_future));
      if (under_way.size() < 32) continue;
      for (auto& receipt : under_way) receipt.get();
      under_way.clear();
      look();
    }
    for (auto& receipt : under_way) receipt.get();
  }

  std::unique_ptr<WireClient> open_reader() {
    auto reader = std::make_unique<WireClient>(broker_);
    reader->say_hello();
    wire::OpenConsumer open;
    open.request = reader->next_request();
    open.consumer = 1;
    open.queue = "q";
    open.credit_messages = 1000;
    open.credit_bytes = 128u << 20;
    reader->send(wire::encode(open));
    return reader;
  }

  // Memtables, block cache, and what the configuration's reference says of the rest.
  Broker broker_{{.settings = {"storage.memtable_bytes=33554432", "storage.block_cache_bytes=16777216",
                               "storage.disk_reserve_bytes=0", "storage.disk_reserve_percent=0"},
                  .arguments = {}}};
  std::uint64_t highest_ = 0;
};

TEST_F(Memory, ABacklogBeyondTheBudgetToSlowReadersStaysWithinIt) {
  const std::size_t backlog = std::getenv("LAZARET_LONG") != nullptr ? 2048 : 384;
  Client client = Client::connect(broker_.url(), {.name = "memory", .timeout = 60s});
  client.ensure({.name = "q"});
  publish(client, backlog);
  // Four that read little by little, and two that never do.
  std::vector<std::unique_ptr<WireClient>> slow;
  std::vector<std::unique_ptr<WireClient>> dead;
  for (int i = 0; i < 4; ++i) slow.push_back(open_reader());
  for (int i = 0; i < 2; ++i) dead.push_back(open_reader());
  std::size_t read = 0;
  for (int round = 0; round < 60; ++round) {
    for (const auto& reader : slow) {
      if (const auto frame = reader->poll(10ms); frame) ++read;
    }
    look();
  }
  EXPECT_GT(read, 60u);
  // Somebody who keeps up is served beside them.
  std::atomic<std::size_t> served{0};
  {
    auto consumer = client.consume("q", [&](Delivery&) { ++served; }, {.concurrency = 4});
    EXPECT_TRUE(testing::eventually(
        [&] {
          look();
          return served >= backlog / 3;
        },
        60s));
  }
  std::cout << "at most " << (highest_ >> 20) << " MiB resident, backlog " << backlog << " MiB\n";
  EXPECT_LT(highest_, of_this_build(kBudget));
  EXPECT_EQ(QueueView(broker_, "q").wrong_sums(), "");
}

}  // namespace
}  // namespace lazaret::faults

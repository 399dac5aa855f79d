// A test of a service outside the tree, with a broker of its own in memory: five attempts, hours apart, and a case.
#include <lazaret/lazaret.h>
#include <lazaret/testing.h>

#include <iostream>
#include <stdexcept>
namespace lz = lazaret;
using namespace std::chrono_literals;

int main() {
  lz::testing::InMemoryBroker broker;
  auto client = lz::Client::connect(broker.url(), {.name = "billing"});
  client.ensure({.name = "orders", .max_attempts = 5, .backoff_initial = 1h, .backoff_max = 1h});
  auto consumer = client.consume("orders", [](lz::Delivery&) { throw std::runtime_error("no such order"); });
  client.publish("orders", {.body = "{\"order\": 1}"});
  broker.advance(24h);
  for (const auto& one : broker.cases("orders")) std::cout << one.attempts << " " << one.error << std::endl;
}

// Publish/subscribe: something has happened, and several services want to know. Each has a subscription of the topic,
// gets every message, and is neither slowed nor harmed by the others. While a service is away its messages wait for it.
//
//   lazaret_example_publish_subscribe [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure_topic({.name = "orders"});
  client.ensure_subscription({.name = "billing", .topic = "orders"});

  client.publish("orders", {.body = "order 1", .type = "order.placed"});

  // A service that comes later begins with what is published from now on, or, if it says so, with the oldest message
  // that some other subscription still needs.
  client.ensure_subscription({.name = "statistics", .topic = "orders", .start = "earliest"});
  client.publish("orders", {.body = "order 2", .type = "order.placed"});

  std::latch done(4);
  const auto service = [&](const std::string& what) {
    return [&, what](lz::Delivery& delivery) {
      std::cout << what + " " + delivery.message().body.str() + "\n";
      done.count_down();
    };
  };
  // Consumers of one subscription share its messages, as on a queue.
  auto billing = client.consume("billing", service("billed"));
  auto statistics = client.consume("statistics", service("counted"));
  done.wait();
  billing.close(std::chrono::seconds(10));
  statistics.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

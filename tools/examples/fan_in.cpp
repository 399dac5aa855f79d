// One subscription of several topics: whoever sends letters does not care which event it was, only that none is missed.
//
//   lazaret_example_fan_in [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  for (const char* topic : {"orders.events", "payments.events", "parcels.events"}) client.ensure_topic({.name = topic});
  client.ensure_subscription({.name = "letters", .topics = {"orders.events", "payments.events", "parcels.events"}});

  std::latch written(4);
  auto letters = client.consume("letters", [&](lz::Delivery& delivery) {
    const lz::Message& event = delivery.message();
    std::cout << "write about " + event.body.str() + ", " + std::to_string(event.offset) + " of " + event.source + "\n";
    written.count_down();
  });

  client.publish("orders.events", {.body = "an order"});
  client.publish("payments.events", {.body = "a payment"});
  client.publish("parcels.events", {.body = "a parcel"});
  client.publish("orders.events", {.body = "another order"});
  written.wait();
  letters.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

// Only some of it: a subscription that takes a part of its topic, and one for whoever merely looks on, which goes with
// its consumer.
//
//   lazaret_example_only_some [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure_topic({.name = "shop.events"});
  client.ensure_subscription(
      {.name = "eu-shipping", .topic = "shop.events", .filter = "order.*.paid header.region=eu"});
  client.ensure_subscription({.name = "looking-on", .topic = "shop.events", .ephemeral = true});

  std::latch shipped(1);
  auto shipping = client.consume("eu-shipping", [&](lz::Delivery& delivery) {
    std::cout << "ship " + delivery.message().body.str() + "\n";
    shipped.count_down();
  });
  std::latch seen(3);
  auto screen = client.consume("looking-on", [&](lz::Delivery& delivery) {
    std::cout << "saw " + delivery.message().type + "\n";
    seen.count_down();
  });

  client.publish("shop.events", {.body = "tea", .type = "order.web.placed", .headers = {{"region", "eu"}}});
  client.publish("shop.events", {.body = "tea", .type = "order.web.paid", .headers = {{"region", "eu"}}});
  client.publish("shop.events", {.body = "rice", .type = "order.app.paid", .headers = {{"region", "asia"}}});
  shipped.wait();
  seen.wait();
  shipping.close(std::chrono::seconds(10));
  screen.close(std::chrono::seconds(10));  // half a minute later looking-on is gone
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

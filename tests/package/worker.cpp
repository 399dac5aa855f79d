// The ten lines of the README: a service outside the tree, built against the installed package.
#include <lazaret/lazaret.h>

#include <future>
#include <iostream>
namespace lz = lazaret;

int main(int argc, char** argv) {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "billing"});
  client.ensure({.name = "orders", .max_attempts = 5});
  std::promise<std::string> done;
  auto consumer = client.consume("orders", [&](lz::Delivery& d) { done.set_value(d.message().body.str()); });
  client.publish("orders", {.body = "{\"order\": 1}", .type = "order.created"});
  std::cout << done.get_future().get() << std::endl;
  return client.close(std::chrono::seconds(5)).abandoned == 0 ? 0 : 1;
}

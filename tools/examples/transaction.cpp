// Transaction: take an order, and publish an invoice and a parcel with its ack: all three happen, or none, also when
// the worker or the broker dies in the middle, and on whatever shards the queues are.
//
//   lazaret_example_transaction [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;
using namespace std::chrono_literals;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  for (const char* queue : {"carts", "invoices", "parcels"}) client.ensure({.name = queue});

  // Without a verdict: two carts in one write.
  client.publish_all({{"carts", {.body = "tea"}}, {"carts", {.body = "coffee"}}});

  auto clerk = client.consume("carts", [](lz::Delivery& delivery) {
    const std::string what = delivery.message().body.str();
    return lz::Verdict::done()
        .publish("invoices", {.body = "an invoice for " + what})
        .publish("parcels", {.body = "a parcel of " + what});
  });

  std::latch done(4);
  const auto print = [&](lz::Delivery& delivery) {
    std::cout << "made " + delivery.message().body.str() + "\n";
    done.count_down();
  };
  auto invoices = client.consume("invoices", print);
  auto parcels = client.consume("parcels", print);
  done.wait();
  for (auto* consumer : {&clerk, &invoices, &parcels}) consumer->close(10s);
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

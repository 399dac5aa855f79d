// Work queue: one service leaves work for another and goes on. The work waits on the broker's disk until it is done.
//
//   lazaret_example_work_queue [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "invoices"});

  // The service that has work: when publish returns, the message is on the disk.
  for (const char* order : {"order 1", "order 2", "order 3"}) {
    const lz::Receipt receipt = client.publish("invoices", {.body = order, .type = "invoice.wanted"});
    std::cout << "left " + std::string(order) + " at offset " + std::to_string(receipt.offset) + "\n";
  }

  // The service that does it, a process of its own in real life. When the handler returns, the message is done; if it
  // throws, or its process dies, the message is tried again.
  std::latch done(3);
  auto worker = client.consume("invoices", [&](lz::Delivery& delivery) {
    std::cout << "printed the invoice of " + delivery.message().body.str() + "\n";
    done.count_down();
  });
  done.wait();
  worker.close(std::chrono::seconds(10));  // until the broker has confirmed that they are done
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

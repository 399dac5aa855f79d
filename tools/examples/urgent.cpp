// Urgent: what has a higher priority goes before whatever else waits, also when it came last.
//
//   lazaret_example_urgent [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "calls"});
  client.publish("calls", {.body = "a question"});
  client.publish("calls", {.body = "another question"});
  client.publish("calls", {.body = "a leak", .priority = 5});
  client.publish("calls", {.body = "a fire", .priority = 9});

  std::latch done(4);
  auto consumer = client.consume("calls", [&](lz::Delivery& delivery) {
    std::cout << delivery.message().body.str() + "\n";
    done.count_down();
  });
  done.wait();
  consumer.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

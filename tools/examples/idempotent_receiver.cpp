// Idempotent receiver: every message comes at least once, and where doing it twice would hurt, the handler is wrapped.
// It remembers what it has handled, also over restarts, and acks what comes again.
//
//   lazaret_example_idempotent_receiver URL FILE        # FILE is where it remembers
#include <lazaret/idempotent.h>
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;
using namespace std::chrono_literals;

int main(int argc, char** argv) try {
  if (argc != 3) {
    std::cerr << "usage: lazaret_example_idempotent_receiver URL FILE\n";
    return 64;
  }
  auto client = lz::Client::connect(argv[1], {.name = "example"});
  client.ensure({.name = "charges"});

  // Twice the same: the publisher had died before it heard that the first was stored, and made up for it. What it keeps
  // over its death is the id; within one process the library recognises its own repetitions.
  const auto id = lz::MessageId::parse("0190b5a0-0000-7000-8000-000000000001");
  auto again = lz::Client::connect(argv[1], {.name = "example, started again"});
  client.publish("charges", {.body = "card 1", .id = *id});
  again.publish("charges", {.body = "card 1", .id = *id});
  client.publish("charges", {.body = "card 2"});

  std::size_t settled = 0;
  std::latch all_acked(1);
  auto worker = client.consume(
      "charges",
      lz::idempotent(lz::ids_in_file(argv[2]),
                     [](lz::Delivery& delivery) { std::cout << "charged " + delivery.message().body.str() + "\n"; }),
      {.on_settled = [&](std::size_t count) {
        settled += count;
        if (settled == 3) all_acked.count_down();
      }});
  all_acked.wait();
  worker.close(10s);
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

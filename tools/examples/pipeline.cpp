// Pipeline: each step takes from one queue and publishes to the next before it acks. Whoever dies between the two does
// the step once more, so nothing is lost, and something may come twice: the next message has an id that follows from
// the first, and the last step handles each id once. That needs no transaction.
//
//   lazaret_example_pipeline [URL]
#include <lazaret/idempotent.h>
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;
using namespace std::chrono_literals;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "scans"});
  client.ensure({.name = "texts"});
  for (const char* page : {"page 1", "page 2", "page 3"}) client.publish("scans", {.body = page});

  auto reader = client.consume("scans", [&](lz::Delivery& delivery) {
    const lz::Message& scan = delivery.message();
    // A handler has a thread of its own, so it may wait for the confirm. If that fails it throws, and so does the step.
    client.publish("texts", {.body = "the words of " + scan.body.str(),
                             .correlation_id = scan.correlation_id,
                             .causation_id = scan.id.to_string(),
                             .id = scan.id});
  });

  std::latch done(3);
  auto writer = client.consume("texts", lz::idempotent(lz::ids_in_memory(), [&](lz::Delivery& delivery) {
                                 std::cout << "stored " + delivery.message().body.str() + "\n";
                                 done.count_down();
                               }));
  done.wait();
  reader.close(10s);
  writer.close(10s);
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

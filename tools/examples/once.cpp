// Once, whoever sends it: a webhook is called twice, by two processes, and its message is stored once, since both give
// it the same id and the queue goes by that.
//
//   lazaret_example_once [URL]
#include <lazaret/lazaret.h>

#include <iostream>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  const std::string url = argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350";
  auto first = lz::Client::connect(url, {.name = "webhook-1"});
  auto second = lz::Client::connect(url, {.name = "webhook-2"});
  first.ensure({.name = "payments", .deduplicate_for = std::chrono::hours(1)});

  // What the payment provider calls its event; each process makes the same of it.
  const lz::MessageId event = lz::MessageId::make();
  for (auto* client : {&first, &second}) {
    const lz::Receipt receipt = client->publish("payments", {.body = "paid", .id = event});
    std::cout << (receipt.duplicate ? "was there already\n" : "stored\n");
  }
  std::cout << std::to_string(first.show("payments").ready) + " message\n";
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

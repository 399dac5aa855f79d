// Large bodies: the publisher's client compresses them, the consumer's opens them, and between the two everybody sees
// that they are compressed.
//
//   lazaret_example_compressed [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350",
                                    {.name = "example", .compress_from = 4096});  // smaller ones go as they are
  client.ensure({.name = "books"});
  client.publish("books", {.body = std::string(100'000, 'a')});
  const lz::Message stored = client.peek("books").messages.at(0).message;
  std::cout << "stored as " + stored.content_encoding + (stored.body.size() < 1000 ? ", small\n" : ", large\n");

  std::latch done(1);
  auto reader = client.consume("books", [&](lz::Delivery& delivery) {
    std::cout << "read " + std::to_string(delivery.message().body.size()) + " bytes\n";
    done.count_down();
  });
  done.wait();
  reader.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

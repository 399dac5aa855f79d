// Ordering keys: what concerns one account is done one after the other, in the order of publishing, also when something
// fails and is tried again. Accounts do not wait for each other.
//
//   lazaret_example_ordering_keys [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "ledger", .backoff_initial = std::chrono::milliseconds(50), .order_by_key = true});
  for (const char* what : {"open", "pay", "close"}) {
    for (const char* account : {"account-7", "account-8"}) client.publish("ledger", {.body = what, .key = account});
  }
  std::latch done(6);
  auto consumer = client.consume("ledger",
                                 [&](lz::Delivery& delivery) {
                                   const lz::Message& message = delivery.message();
                                   // The bank was not there for a moment: "close" waits for "pay".
                                   if (message.body.view() == "pay" && delivery.attempt() == 1)
                                     return lz::Verdict::fail("the bank is away");
                                   std::cout << message.key + ": " + message.body.str() + "\n";
                                   done.count_down();
                                   return lz::Verdict::done();
                                 },
                                 {.concurrency = 4});
  done.wait();
  consumer.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

// Later, and not for ever: a message that is delivered after a while, and one that is of no use any more when its time
// is over.
//
//   lazaret_example_later [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>
#include <thread>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "reminders"});
  client.publish("reminders", {.body = "drink your tea", .delay = std::chrono::milliseconds(300)});
  client.publish("reminders", {.body = "put on the kettle"});
  client.publish("reminders", {.body = "a bid that nobody took", .ttl = std::chrono::milliseconds(1)});
  // Its time is over before anybody looks.
  while (client.show("reminders").expired_total == 0) std::this_thread::sleep_for(std::chrono::milliseconds(20));

  std::latch done(2);
  auto consumer = client.consume("reminders", [&](lz::Delivery& delivery) {
    std::cout << delivery.message().body.str() + "\n";
    done.count_down();
  });
  done.wait();
  consumer.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

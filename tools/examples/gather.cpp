// Several answers: from everybody, or from whoever is first. The rest are told that nobody waits for them any more.
//
//   lazaret_example_gather [URL]
#include <lazaret/lazaret.h>

#include <boost/asio/use_future.hpp>
#include <iostream>
#include <vector>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  for (const char* shop : {"shop.north", "shop.south", "shop.closed"}) client.ensure({.name = shop});
  std::vector<lz::Consumer> shops;
  for (const std::string shop : {"shop.north", "shop.south"}) {
    shops.push_back(client.consume(shop, [shop](lz::Delivery& delivery) {
      return lz::Verdict::answer({.body = delivery.message().body.str() + " at " + shop});
    }));
  }
  auto asker = client.within(std::chrono::seconds(20));

  // All of them, in the order in which they were asked.
  for (const lz::Reply& reply : asker.gather({{"shop.north", {.body = "tea"}}, {"shop.south", {.body = "tea"}}})) {
    std::cout << "all: " + reply.message.body.str() + "\n";
  }
  // One is enough: nobody works at shop.closed, and its request is taken back.
  for (const lz::Reply& reply :
       asker.gather({{"shop.closed", {.body = "rice"}}, {"shop.north", {.body = "rice"}}}, 1)) {
    const bool answered = reply.outcome == lz::Outcome::answered;
    std::cout << "first: " + (answered ? reply.message.body.str() : std::string("nothing")) + "\n";
  }
  // Something else is done until the answer is needed.
  auto later = asker.async_request("shop.south", {.body = "milk"}, boost::asio::use_future);
  std::cout << "meanwhile\n";
  std::cout << "async: " + later.get().message.body.str() + "\n";
  for (lz::Consumer& shop : shops) shop.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

// Competing consumers: work comes faster than one worker does it, so several take from the same queue. Each message
// goes to one of them, the next one to whoever has the fewest in hand.
//
//   lazaret_example_competing_consumers [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>
#include <utility>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  const std::string url = argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350";
  auto shop = lz::Client::connect(url, {.name = "shop"});
  shop.ensure({.name = "thumbnails"});

  constexpr int kPictures = 20;
  std::latch done(kPictures);
  std::latch both_work(2);  // so that one that is quick does not do it all
  const auto worker = [&](const std::string& name) {
    return [&, name, first = true](lz::Delivery& delivery) mutable {
      if (std::exchange(first, false)) both_work.arrive_and_wait();
      std::cout << name + " made " + delivery.message().body.str() + "\n";
      done.count_down();
    };
  };
  // Two processes in real life. `prefetch` is how much may wait at a worker: little where work is slow, so that it is
  // with whoever comes to it first; `concurrency` is how many handlers a worker runs at the same time.
  auto one = lz::Client::connect(url, {.name = "worker-1"});
  auto two = lz::Client::connect(url, {.name = "worker-2"});
  auto first = one.consume("thumbnails", worker("worker-1"), {.concurrency = 1, .prefetch = 1});
  auto second = two.consume("thumbnails", worker("worker-2"), {.concurrency = 1, .prefetch = 1});

  for (int i = 1; i <= kPictures; ++i) shop.publish("thumbnails", {.body = "picture " + std::to_string(i)});
  done.wait();
  first.close(std::chrono::seconds(10));
  second.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

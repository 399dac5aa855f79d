// Ask together: note an order, and ask two suppliers for what it needs, with no message in hand: all three are on the
// broker's disk, or none, on whatever shards the queues are. The replies come to a queue, days later too, each with
// what was left with the broker for it; so whoever has asked may be gone by then.
//
//   lazaret_example_ask_together [URL]
#include <lazaret/lazaret.h>

#include <iostream>
#include <latch>

namespace lz = lazaret;
using namespace std::chrono_literals;

namespace {

/// What one of them is asked, and what comes back with its reply.
lz::DurableAsk question(const std::string& supplier, const std::string& order, const std::string& what) {
  return {.ask = {.to = supplier, .message = {.body = "what does " + what + " cost?"}, .within = 72h},
          .reply_queue = "offers",
          .context = {{"order", order}, {"what", what}}};
}

}  // namespace

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  for (const char* queue : {"books", "tea-house", "roastery", "offers"}) client.ensure({.name = queue});

  client.publish_all({{"books", {.body = "order 17"}}},
                     {question("tea-house", "17", "tea"), question("roastery", "17", "coffee")});

  auto tea = client.consume("tea-house", [](lz::Delivery&) { return lz::Verdict::answer({.body = "3 euros"}); });
  auto coffee = client.consume("roastery", [](lz::Delivery&) { return lz::Verdict::decline("there is none"); });

  std::latch done(3);
  auto books = client.consume("books", [&](lz::Delivery& delivery) {
    std::cout << "noted " + delivery.message().body.str() + "\n";
    done.count_down();
  });
  auto offers = client.consume("offers", [&](lz::Delivery& delivery) {
    const auto reply = delivery.reply();
    if (!reply || !reply->final) return;  // something else, or a note on the way
    const bool answered = reply->outcome == lz::Outcome::answered;
    std::cout << reply->context.at(1).second + " for order " + reply->context.at(0).second + ": " +
                     (answered ? reply->message.body.str() : reply->reason) + "\n";
    done.count_down();
  });
  done.wait();
  for (auto* consumer : {&tea, &coffee, &books, &offers}) consumer->close(10s);
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

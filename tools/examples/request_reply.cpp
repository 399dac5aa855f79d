// Request–reply: the answer is needed to go on. The reply is a value that says how it ended: answered, declined (which
// is no failure), failed, or timed out, and then how far it got.
//
//   lazaret_example_request_reply [URL]
#include <lazaret/lazaret.h>

#include <iostream>

namespace lz = lazaret;

namespace {

void print(const std::string& what, const lz::Reply& reply) {
  switch (reply.outcome) {
    case lz::Outcome::answered: std::cout << what + " costs " + reply.message.body.str() + "\n"; break;
    case lz::Outcome::declined: std::cout << what + ": " + reply.reason + "\n"; break;
    case lz::Outcome::failed: std::cout << what + " failed, as case " + reply.case_id + "\n"; break;
    case lz::Outcome::timed_out: std::cout << what + ": nobody answered in time\n"; break;
  }
}

}  // namespace

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "prices"});
  auto prices = client.consume("prices", [](lz::Delivery& delivery) {
    const std::string what = delivery.message().body.str();
    if (what == "tea") return lz::Verdict::answer({.body = "3 euros"});
    return lz::Verdict::decline("we do not sell " + what);  // an answer: no case, no retry
  });
  auto asker = client.within(std::chrono::seconds(20));
  print("tea", asker.request("prices", {.body = "tea"}));
  print("gold", asker.request("prices", {.body = "gold"}));
  prices.close(std::chrono::seconds(10));
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

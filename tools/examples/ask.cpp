// Work of days: a request outlives whoever asked it. Four processes, none of which waits for another, each of which may
// be another instance tomorrow:
//
//   lazaret_example_ask URL ask            asks for an approval; the reply is to go to the queue "approved"
//   lazaret_example_ask URL work FILE      takes the request, and keeps the right to answer it as a line of text
//   lazaret_example_ask URL answer FILE    answers, days later
//   lazaret_example_ask URL take           takes the reply, with what the asker left with the broker for it
//   lazaret_example_ask URL order          takes an order, and asks for its approval: in one write with the ack
#include <lazaret/lazaret.h>

#include <condition_variable>
#include <fstream>
#include <iostream>
#include <mutex>

namespace lz = lazaret;

namespace {

/// Where the main thread waits for its handler.
class Done {
 public:
  void set() {
    const std::lock_guard lock(mutex_);
    done_ = true;
    changed_.notify_all();
  }
  void wait() {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(30), [this] { return done_; });
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
};

void ask(lz::Client& client) {
  const lz::Receipt receipt =
      client.ask({.to = "approvals", .message = {.body = "may we buy tea?"}, .within = std::chrono::hours(72)},
                 "approved", {{"order", "17"}});
  std::cout << "asked at offset " << receipt.offset << "\n";
}

void order(lz::Client& client) {
  for (const char* queue : {"orders", "books"}) client.ensure({.name = queue});
  client.publish("orders", {.body = "18"});
  Done done;
  lz::ConsumeOptions options;
  options.on_settled = [&](std::size_t) { done.set(); };
  auto consumer = client.consume(
      "orders",
      [](lz::Delivery& delivery) {
        const std::string number = delivery.message().body.str();
        return lz::Verdict::done()
            .publish("books", {.body = "order " + number + " waits for its approval"})
            .ask({.to = "approvals", .message = {.body = "may we buy coffee?"}, .within = std::chrono::hours(72)},
                 "approved", {{"order", number}});
      },
      options);
  done.wait();
  consumer.close(std::chrono::seconds(10));
  std::cout << "the order is taken, noted and asked about\n";
}

void work(lz::Client& client, const std::string& file) {
  Done done;
  auto consumer = client.consume("approvals", [&](lz::Delivery& delivery) {
    std::ofstream(file) << delivery.reply_later().to_string() << "\n";  // before the ack, which is the return
    std::cout << "somebody has to think about: " + delivery.message().body.str() + "\n";
    done.set();
  });
  done.wait();
  consumer.close(std::chrono::seconds(10));
}

void answer(lz::Client& client, const std::string& file) {
  std::string line;
  std::getline(std::ifstream(file) >> std::ws, line);
  const auto ticket = lz::ReplyTicket::parse(line);
  if (!ticket) throw std::runtime_error(file + " has no ticket");
  const bool first = client.answer(*ticket, lz::Verdict::answer({.body = "yes"}));
  std::cout << (first ? "answered\n" : "somebody was faster\n");
}

void take(lz::Client& client) {
  Done done;
  auto consumer = client.consume("approved", [&](lz::Delivery& delivery) {
    const auto reply = delivery.reply();
    if (!reply || !reply->final) return;  // something else, or a note on the way
    std::cout << "order " + reply->context.at(0).second + ": ";
    std::cout << (reply->outcome == lz::Outcome::answered ? reply->message.body.str()
                                                          : std::string(lz::name_of(reply->outcome)))
              << "\n";
    done.set();
  });
  done.wait();
  consumer.close(std::chrono::seconds(10));
}

}  // namespace

int main(int argc, char** argv) try {
  const std::string part = argc > 2 ? argv[2] : "ask";
  const std::string file = argc > 3 ? argv[3] : "ticket";
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example-" + part});
  client.ensure({.name = "approvals"});
  client.ensure({.name = "approved"});
  if (part == "ask") ask(client);
  if (part == "work") work(client, file);
  if (part == "answer") answer(client, file);
  if (part == "take") take(client);
  if (part == "order") order(client);
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
} catch (const std::exception& error) {
  std::cerr << error.what() << "\n";
  return 1;
}

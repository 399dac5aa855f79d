// A long answer: the responder says how far it is, takes a ticket, acks, and answers when it is done. Whoever asked
// waits. Between processes, and for days: ask.cpp.
//
//   lazaret_example_progress [URL]
#include <lazaret/lazaret.h>

#include <boost/asio/use_future.hpp>
#include <future>
#include <iostream>

namespace lz = lazaret;

int main(int argc, char** argv) try {
  auto client = lz::Client::connect(argc > 1 ? argv[1] : "lazaret://127.0.0.1:7350", {.name = "example"});
  client.ensure({.name = "reports"});
  std::promise<lz::ReplyTicket> taken;
  auto reports = client.consume("reports", [&](lz::Delivery& delivery) {
    delivery.progress({.body = "counting"});
    taken.set_value(delivery.reply_later());  // to be kept on a disk, where it takes days: it can be written as text
  });                                         // the ack is the return: no lease runs while the work goes on

  auto asker = client.within(std::chrono::seconds(20)).on_progress([](const lz::Reply& note) {
    std::cout << "on the way: " + note.message.body.str() + "\n";
  });
  auto reply = asker.async_request("reports", {.body = "sales"}, boost::asio::use_future);
  const lz::ReplyTicket ticket = taken.get_future().get();
  reports.close(std::chrono::seconds(10));
  client.answer(ticket, lz::Verdict::answer({.body = "42 of them"}));
  std::cout << "answered: " + reply.get().message.body.str() + "\n";
} catch (const lz::Error& error) {
  std::cerr << error.problem.code + ": " + error.problem.text + "\n";
  return 1;
}

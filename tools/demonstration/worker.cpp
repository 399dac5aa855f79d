// A worker of the demonstration: an ordinary service on the client library, with a bug. It writes a line to a ledger
// when it begins a webhook and another when it has done it, so that the story can count what really happened.
//
//   lazaret_demo_worker URL QUEUE LEDGER [KIND]     with KIND the bug is there: that kind of event kills the process
#include <fcntl.h>
#include <lazaret/lazaret.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <iostream>
#include <stdexcept>
#include <thread>

namespace lz = lazaret;

namespace {

/// Whole lines, in one write: several workers share the ledger.
class Ledger {
 public:
  explicit Ledger(const char* path) : file_(::open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644)) {
    if (file_ < 0) throw std::runtime_error(std::string("cannot open the ledger ") + path);
  }
  void write(const std::string& what, const lz::Delivery& delivery) const {
    const lz::Message& message = delivery.message();
    const std::string line = what + " " + message.id.to_string() + " " + message.type + " " +
                             std::to_string(delivery.attempt()) + " " + std::to_string(::getpid()) + "\n";
    if (::write(file_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  }

 private:
  int file_;
};

/// What a service does with a webhook: looks at every byte of it, and waits for a database of some milliseconds.
void process(const lz::Message& message) {
  if (std::count(message.body.view().begin(), message.body.view().end(), '{') == 0) {
    throw std::runtime_error("a webhook is a JSON object");
  }
  std::this_thread::sleep_until(std::chrono::steady_clock::now() + std::chrono::milliseconds(4));
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::cerr << "usage: lazaret_demo_worker URL QUEUE LEDGER [KIND]\n";
    return 64;
  }
  const Ledger ledger(argv[3]);
  const std::string deadly = argc > 4 ? argv[4] : "";
  try {
    auto client =
        lz::Client::connect(argv[1], {.name = "webhook-worker", .version = deadly.empty() ? "1.0.1" : "1.0.0"});
    auto consumer = client.consume(argv[2],
                                   [&](lz::Delivery& delivery) {
                                     ledger.write("began", delivery);
                                     if (!deadly.empty() && delivery.message().type == deadly)
                                       std::raise(SIGKILL);  // the bug
                                     process(delivery.message());
                                     ledger.write("done", delivery);
                                   },
                                   {.prefetch = 50});
    return lz::run_until_signal(client).abandoned == 0 ? 0 : 1;
  } catch (const lz::Error& error) {
    std::cerr << "worker: " << error.what() << "\n";
    return 69;
  }
}

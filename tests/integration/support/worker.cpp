// A consumer in a process of its own, for tests that kill it or let it kill itself.
//
//   lazaret_test_worker --url URL --queue Q --file F [--name N] [--concurrency N] [--prefetch N] [--handler-ms N]
//                       [--kill-on BODY] [--no-started yes] [--deaf yes]
//
// Appends a line to F, in one write, when it is ready, when a handler begins and when it ends:
//
//   ready PID
//   started PID NANOSECONDS ATTEMPT ISOLATED BODY
//   finished PID NANOSECONDS ATTEMPT ISOLATED BODY
//
// (BODY: its first 40 bytes; the clock is the machine's monotonic one.) A message whose body is that of --kill-on kills
// the process after its line. Ends on SIGTERM; a deaf handler does not hear that it should stop.
#include <fcntl.h>
#include <unistd.h>

#include <chrono>
#include <condition_variable>
#include <csignal>
#include <iostream>
#include <map>
#include <mutex>
#include <string>

#include "lazaret/lazaret.h"

namespace {

using namespace lazaret;

class Arguments {
 public:
  Arguments(int argc, char** argv) {
    for (int i = 1; i < argc; ++i) {
      const std::string name = argv[i];
      const bool flag = name == "--no-started";
      values_[name] = flag || i + 1 == argc ? "1" : argv[++i];
    }
  }
  std::string text(const std::string& name, const std::string& otherwise = "") const {
    const auto it = values_.find(name);
    return it == values_.end() ? otherwise : it->second;
  }
  int number(const std::string& name, int otherwise) const {
    const auto it = values_.find(name);
    return it == values_.end() ? otherwise : std::stoi(it->second);
  }

 private:
  std::map<std::string, std::string> values_;
};

class Journal {
 public:
  explicit Journal(const std::string& path)
      : fd_(open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644)) {}
  void ready() { write_line("ready " + std::to_string(getpid()) + "\n"); }
  void add(const char* what, const Delivery& delivery) {
    const auto now = std::chrono::steady_clock::now().time_since_epoch().count();
    write_line(std::string(what) + " " + std::to_string(getpid()) + " " + std::to_string(now) + " " +
               std::to_string(delivery.attempt()) + " " + (delivery.isolated() ? "1 " : "0 ") +
               std::string(delivery.message().body.view().substr(0, 40)) + "\n");
  }

 private:
  void write_line(const std::string& line) {
    if (write(fd_, line.data(), line.size()) != static_cast<ssize_t>(line.size())) std::abort();
  }
  int fd_;
};

/// Lasts `time`, or until the delivery is not to be handled any more.
void work_for(milliseconds time, const std::stop_token& stop) {
  std::mutex mutex;
  std::condition_variable_any never;
  std::unique_lock lock(mutex);
  never.wait_for(lock, stop, time, [] { return false; });
}

int run(const Arguments& arguments) {
  Journal journal(arguments.text("--file"));
  const std::string poison = arguments.text("--kill-on");
  const bool deaf = !arguments.text("--deaf").empty();
  const milliseconds time(arguments.number("--handler-ms", 0));
  Options options;
  options.name = arguments.text("--name", "worker");
  options.announce_started = arguments.text("--no-started").empty();
  Client client = Client::connect(arguments.text("--url"), options);
  ConsumeOptions consuming;
  consuming.concurrency = arguments.number("--concurrency", 1);
  consuming.prefetch = arguments.number("--prefetch", 32);
  const Consumer consumer = client.consume(
      arguments.text("--queue"),
      [&](Delivery& delivery) {
        journal.add("started", delivery);
        if (!poison.empty() && delivery.message().body.view() == poison) std::raise(SIGKILL);
        if (time.count() > 0) work_for(time, deaf ? std::stop_token() : delivery.stop_token());
        journal.add("finished", delivery);
      },
      consuming);
  journal.ready();
  run_until_signal(client);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(Arguments(argc, argv));
  } catch (const std::exception& error) {
    std::cerr << "lazaret_test_worker: " << error.what() << "\n";
    return 1;
  }
}

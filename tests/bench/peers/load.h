// The load that `lazaret bench` makes, for other brokers: the same modes, the same definition of done, the same fields.
// A thread for each connection, blocking sockets, many messages to a system call: what a client can cost least.
//
// A peer is a class `Peer` that makes and removes the queue of a run, with two connections:
//
//   static void Peer::make(const Load&);    // and removes one that is there
//   static void Peer::remove(const Load&);
//   struct Peer::Sender {
//     explicit Sender(const Load&);
//     void publish(std::string_view body);
//     int confirms(int most_ms);  // negative: microseconds
//   };
//   struct Peer::Taker {
//     explicit Taker(const Load&);
//     int take(int most_ms);
//   };
//
// `publish` may buffer; `confirms` sends what is buffered and says how many publishes were confirmed since the last
// call.
// `take` takes what has come, acks each message by itself, and says how many acks the broker has confirmed since the
// last call (or, for a broker that confirms none, were sent).
#pragma once

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace peers {

using Clock = std::chrono::steady_clock;

struct Load {
  std::string mode;
  int port = 0;
  int pid = 0;
  std::string queue = "bench";
  int size = 256;
  int producers = 4;
  int consumers = 4;
  int window = 256;
  std::uint64_t count = 0;
  double seconds = 3;
  double rate = 2000;
};

inline Load load_from(int argc, char** argv) {
  Load load;
  for (int i = 1; i + 1 < argc; i += 2) {
    const std::string_view name(argv[i]);
    const char* value = argv[i + 1];
    if (name == "--mode") load.mode = value;
    if (name == "--port") load.port = std::atoi(value);
    if (name == "--pid") load.pid = std::atoi(value);
    if (name == "--queue") load.queue = value;
    if (name == "--size") load.size = std::atoi(value);
    if (name == "--producers") load.producers = std::atoi(value);
    if (name == "--consumers") load.consumers = std::atoi(value);
    if (name == "--window") load.window = std::atoi(value);
    if (name == "--count") load.count = std::strtoull(value, nullptr, 10);
    if (name == "--seconds") load.seconds = std::atof(value);
    if (name == "--rate") load.rate = std::atof(value);
  }
  return load;
}

/// CPU seconds and bytes written to the disk, of the broker's process.
struct Usage {
  double cpu = 0;
  double written = 0;
};
inline Usage usage_of(int pid) {
  Usage usage;
  std::ifstream stat("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(stat, text);
  double user = 0, system = 0;
  // The name, in brackets, may have spaces; the times are the 14th and 15th field.
  std::sscanf(text.c_str() + text.rfind(')'), ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lf %lf", &user, &system);
  usage.cpu = (user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
  std::ifstream io("/proc/" + std::to_string(pid) + "/io");
  for (std::string name; io >> name;) {
    if (name == "write_bytes:") io >> usage.written;
  }
  return usage;
}

struct Shared {
  std::atomic<std::uint64_t> confirmed{0};
  std::atomic<std::uint64_t> settled{0};
  std::atomic<std::uint64_t> wanted{UINT64_MAX};  // settled by then: the end
  std::atomic<std::int64_t> last_confirm{0};
  std::atomic<std::int64_t> last_ack{0};
  std::atomic<bool> failed{false};
  std::vector<double> latencies;  // of the one sender
};

inline std::int64_t now_ns() { return Clock::now().time_since_epoch().count(); }

/// Ends what has stood still for 20 s.
class Patience {
 public:
  explicit Patience(const char* what) : what_(what) {}
  void check(bool moved) {
    const std::int64_t now = now_ns();
    if (moved) last_ = now;
    if (now - last_ >= 20'000'000'000) throw std::runtime_error(std::string(what_) + " for 20 s");
  }

 private:
  const char* what_;
  std::int64_t last_ = now_ns();
};

template <class Peer>
void send_closed_loop(const Load& load, std::uint64_t share, Shared& shared) {
  typename Peer::Sender sender(load);
  const std::string body(static_cast<std::size_t>(load.size), 'x');
  const auto end =
      Clock::now() + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(load.seconds));
  std::uint64_t sent = 0, confirmed = 0;
  Patience patience("no confirm");
  for (;;) {
    const bool more = share > 0 ? sent < share : Clock::now() < end;
    if (!more && confirmed == sent) return;
    while (more && sent - confirmed < static_cast<std::uint64_t>(load.window) && (share == 0 || sent < share)) {
      sender.publish(body);
      ++sent;
    }
    const int count = sender.confirms(20'000);
    patience.check(count > 0);
    confirmed += static_cast<std::uint64_t>(count);
    shared.confirmed += static_cast<std::uint64_t>(count);
    shared.last_confirm = now_ns();
  }
}

/// Sends at its times whatever the broker does; a confirm counts from the time at which its message should have left.
template <class Peer>
void send_open_loop(const Load& load, Shared& shared) {
  typename Peer::Sender sender(load);
  const double gap = 1e9 / load.rate;
  const std::int64_t start = now_ns();
  const std::int64_t measured_from = start + 1'000'000'000;
  const auto total = static_cast<std::uint64_t>((load.seconds + 1) * load.rate);
  const auto due = [&](std::uint64_t i) { return start + static_cast<std::int64_t>(gap * static_cast<double>(i)); };
  std::string body(static_cast<std::size_t>(std::max(load.size, 8)), 'x');
  std::uint64_t sent = 0, confirmed = 0;
  Patience patience("no confirm");
  while (confirmed < total) {
    for (std::int64_t now = now_ns(); sent < total && due(sent) <= now; ++sent) sender.publish(body);
    const std::int64_t wait = sent < total ? std::max<std::int64_t>(due(sent) - now_ns(), 0) : 20'000'000'000;
    const int count = sender.confirms(-static_cast<int>(std::min<std::int64_t>(wait / 1000, 20'000'000)));
    patience.check(count > 0);
    const std::int64_t now = now_ns();
    for (int i = 0; i < count; ++i, ++confirmed) {
      if (due(confirmed) >= measured_from) {
        shared.latencies.push_back(static_cast<double>(now - due(confirmed)) / 1000);
      }
    }
    shared.confirmed += static_cast<std::uint64_t>(count);
    shared.last_confirm = now;
  }
}

/// The connection stays open until nobody takes: what it has not acked yet must not go to the others.
template <class Peer>
void take_all(const Load& load, Shared& shared, std::unique_ptr<typename Peer::Taker>& taker) {
  taker = std::make_unique<typename Peer::Taker>(load);
  Patience patience("nothing to take");
  for (std::uint64_t seen = 0; shared.settled < shared.wanted && !shared.failed;) {
    const int count = taker->take(20);
    if (count > 0) {
      shared.settled += static_cast<std::uint64_t>(count);
      shared.last_ack = now_ns();
    }
    patience.check(shared.settled != seen);  // others may take everything
    seen = shared.settled;
  }
}

template <class Run>
std::thread guarded(Shared& shared, Run run) {
  return std::thread([&shared, run] {
    try {
      run();
    } catch (const std::exception& error) {
      std::fprintf(stderr, "%s\n", error.what());
      shared.failed = true;
    }
  });
}

inline void print_quantiles(std::vector<double> us) {
  std::sort(us.begin(), us.end());
  const auto at = [&](double q) {
    const auto rank = static_cast<std::size_t>(std::ceil(q * static_cast<double>(us.size())));
    return us.empty() ? 0 : std::llround(us[std::max<std::size_t>(rank, 1) - 1]);
  };
  std::printf(",\"confirm_p50_us\":%lld,\"confirm_p99_us\":%lld,\"confirm_p999_us\":%lld", at(.5), at(.99), at(.999));
}

/// `count` messages; how many were confirmed.
template <class Peer>
std::uint64_t fill(const Load& load) {
  Shared shared;
  std::vector<std::thread> threads;
  const std::uint64_t share = load.count / static_cast<std::uint64_t>(load.producers);
  for (int i = 0; i < load.producers; ++i) {
    threads.push_back(guarded(shared, [&] { send_closed_loop<Peer>(load, share, shared); }));
  }
  for (std::thread& thread : threads) thread.join();
  if (shared.failed) throw std::runtime_error("the queue could not be filled");
  return shared.confirmed;
}

/// The whole of a program: one run, one line of JSON. `drain` takes so many messages as `fill` left; `consume` is both.
template <class Peer>
int run(int argc, char** argv) {
  const Load load = load_from(argc, argv);
  const bool drains = load.mode == "consume" || load.mode == "drain";
  const bool fills = load.mode == "consume" || load.mode == "fill";
  const bool sends = !drains;
  const bool takes = load.mode != "pubconfirm";
  const bool latency = load.mode == "latency";
  if (load.mode != "drain") Peer::make(load);
  const std::uint64_t filled = fills ? fill<Peer>(load) : load.count;
  if (load.mode == "fill") {
    std::printf("{\"mode\":\"fill\",\"queue\":\"%s\",\"n\":%llu}\n", load.queue.c_str(),
                static_cast<unsigned long long>(filled));
    return 0;
  }
  Shared shared;
  if (drains) shared.wanted = filled;
  const Usage before = usage_of(load.pid);
  const std::int64_t begin = now_ns();
  std::vector<std::unique_ptr<typename Peer::Taker>> connections(takes ? latency ? 1 : load.consumers : 0);
  std::vector<std::thread> senders, takers;
  for (auto& connection : connections) {
    takers.push_back(guarded(shared, [&] { take_all<Peer>(load, shared, connection); }));
  }
  for (int i = 0; sends && i < (latency ? 1 : load.producers); ++i) {
    senders.push_back(guarded(shared, [&] {
      if (latency) return send_open_loop<Peer>(load, shared);
      send_closed_loop<Peer>(load, load.count / static_cast<std::uint64_t>(load.producers), shared);
    }));
  }
  for (std::thread& thread : senders) thread.join();
  if (sends) shared.wanted = shared.confirmed.load();
  for (std::thread& thread : takers) thread.join();
  const Usage after = usage_of(load.pid);
  const std::int64_t end = takes ? shared.last_ack.load() : shared.last_confirm.load();
  const double seconds = static_cast<double>(end - begin) / 1e9;
  const auto n = static_cast<double>(takes ? shared.settled.load() : shared.confirmed.load());
  const double cpu = after.cpu - before.cpu;
  std::printf(
      "{\"mode\":\"%s\",\"size\":%d,\"n\":%.0f,\"seconds\":%.3f,\"rate\":%.0f,\"broker_cpu_s\":%.2f,"
      "\"msgs_per_broker_cpu_s\":%.0f,\"disk_write_MB\":%.1f",
      load.mode.c_str(), load.size, n, seconds, n / seconds, cpu, cpu > 0 ? n / cpu : 0,
      (after.written - before.written) / 1e6);
  if (latency) print_quantiles(std::move(shared.latencies));
  std::printf("}\n");
  connections.clear();
  Peer::remove(load);
  return shared.failed ? 1 : 0;
}

}  // namespace peers

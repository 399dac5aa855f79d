// How long a start takes: with an empty store, and with a backlog after kill -9.
#include <atomic>
#include <cmath>
#include <thread>

#include "bench_broker.h"
#include "bench_run.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// Milliseconds from the connection to the first message in a handler.
double first_delivery_ms(const std::string& url, const std::string& queue) {
  const auto begin = Clock::now();
  Options named;
  named.name = "bench";
  Client client = Client::connect(url, named);
  std::atomic<std::int64_t> at{0};
  ConsumeOptions options;
  options.prefetch = 1;
  Consumer consumer = client.consume(
      queue,
      [&](Delivery&) {
        std::int64_t none = 0;
        at.compare_exchange_strong(none, Clock::now().time_since_epoch().count());
        return Verdict::release();
      },
      std::move(options));
  while (at == 0) std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(1));
  consumer.close(std::chrono::seconds(1));
  return std::chrono::duration<double, std::milli>(SteadyTime(SteadyTime::duration(at.load())) - begin).count();
}

}  // namespace

boost::json::object run_recovery_bench(const BenchOptions& options) {
  const ScratchDir scratch(options.scratch_dir);
  OwnBroker empty(options.daemon, scratch.path() + "/empty");
  empty.start();
  empty.kill9();
  const double empty_ms = empty.start();
  const double idle_mb = empty.resident_mb();
  empty.kill9();

  OwnBroker full(options.daemon, scratch.path() + "/full");
  full.start();
  LoadOptions load = options.load;
  load.url = full.url();
  load.queues = {"backlog"};
  load.count = load.count == 0 ? 1'000'000 : load.count;
  {
    Options named;
    named.name = "bench";
    Client client = Client::connect(load.url, named);
    QueueSpec spec;
    spec.name = load.queues.front();
    if (!load.durability.empty()) spec.durability = load.durability;
    client.create(spec);
    PublishLoad(load).run();
  }
  const double backlog_mb = full.resident_mb();
  full.kill9();
  const double full_ms = full.start();
  boost::json::object out{{"mode", "recovery"},
                          {"size", load.size},
                          {"n", load.count},
                          {"ready_empty_ms", std::llround(empty_ms)},
                          {"ready_ms", std::llround(full_ms)},
                          {"rss_idle_MB", idle_mb},
                          {"rss_backlog_MB", backlog_mb},
                          {"rss_after_restart_MB", full.resident_mb()}};
  const double first_ms = first_delivery_ms(full.url(), load.queues.front());
  out["first_delivery_ms"] = std::llround(first_ms);
  out["served_ms"] = std::llround(full_ms + first_ms);  // from the start of the process to the first message
  return out;
}

}  // namespace lazaret::cli

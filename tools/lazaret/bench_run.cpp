#include "bench_run.h"

#include <cmath>
#include <stdexcept>

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// How many messages `consume` and `fill` fill their queue with unless --count says.
constexpr std::uint64_t kConsumeCount = 300'000;

double seconds_between(SteadyTime from, SteadyTime to) { return std::chrono::duration<double>(to - from).count(); }
double rounded(double value, double unit) { return std::round(value / unit) * unit; }

/// A queue of the run's own, deleted at its end; but what `fill` has created, `drain` deletes.
class BenchQueue {
 public:
  BenchQueue(Client& client, const BenchOptions& options)
      : client_(client), name_(options.load.queue), stays_(options.mode == "fill") {
    if (!name_.empty()) return;
    name_ = "bench." + MessageId::make().to_string();
    QueueSpec spec;
    spec.name = name_;
    if (!options.load.durability.empty()) spec.durability = options.load.durability;
    client_.create(spec);
  }
  ~BenchQueue() {
    if (stays_) return;
    try {
      client_.remove(name_, true);
    } catch (const Error&) {  // the broker is gone: so is the run
    }
  }
  BenchQueue(const BenchQueue&) = delete;
  const std::string& name() const { return name_; }

 private:
  Client& client_;
  std::string name_;
  bool stays_;
};

Span run_pubconfirm(const LoadOptions& load) {
  PublishLoad publish(load);
  publish.run();
  return {publish.first_send(), publish.last_confirm(), publish.confirmed()};
}

Span run_consume(const LoadOptions& load, std::uint64_t filled) {
  const SteadyTime begin = Clock::now();
  ConsumeLoad consume(load);
  consume.wait_for(filled);
  return {begin, consume.last_ack(), filled};
}

Span run_end_to_end(const LoadOptions& load) {
  ConsumeLoad consume(load);
  PublishLoad publish(load);
  publish.run();
  consume.wait_for(publish.confirmed());
  return {publish.first_send(), consume.last_ack(), publish.confirmed()};
}

/// What `consume` drains, published before the clock starts.
std::uint64_t fill(LoadOptions load) {
  load.count = load.count == 0 ? kConsumeCount : load.count;
  PublishLoad publish(load);
  publish.run();
  return publish.confirmed();
}

void report_span(const Span& span, const BrokerUsage& before, const BrokerUsage& after, double own_cpu,
                 boost::json::object& out) {
  const double seconds = seconds_between(span.begin, span.end);
  const double cpu = after.cpu_seconds - before.cpu_seconds;
  out["n"] = span.messages;
  out["seconds"] = rounded(seconds, 0.001);
  out["rate"] = std::llround(static_cast<double>(span.messages) / seconds);
  out["broker_cpu_s"] = rounded(cpu, 0.01);
  out["client_cpu_s"] = rounded(own_cpu, 0.01);
  out["msgs_per_broker_cpu_s"] = cpu > 0 ? std::llround(static_cast<double>(span.messages) / cpu) : 0;
  out["disk_write_MB"] = rounded(static_cast<double>(after.disk_write_bytes - before.disk_write_bytes) / 1e6, 0.1);
}

}  // namespace

boost::json::object run_bench(const BenchOptions& options) {
  if (options.mode == "recovery") return run_recovery_bench(options);
  LoadOptions load = options.load;
  Options client_options;
  client_options.name = "bench";
  Client client = Client::connect(load.url, client_options);
  const std::string admin = options.admin.empty() ? client.admin_address() : options.admin;
  const BenchQueue queue(client, options);
  load.queue = queue.name();

  boost::json::object out{{"mode", options.mode}, {"size", load.size}};
  const bool is_latency = options.mode == "latency";
  const bool only_fills = options.mode == "fill";
  const bool drains = options.mode == "consume" || options.mode == "drain";
  if (!drains) out["producers"] = is_latency ? 1 : load.producers;
  if (options.mode != "pubconfirm" && !only_fills) out["consumers"] = is_latency ? 1 : load.consumers;
  out["window"] = load.window;
  const std::uint64_t filled = options.mode == "consume" || only_fills ? fill(load) : load.count;
  if (only_fills) {
    out["queue"] = load.queue;
    out["n"] = filled;
    return out;
  }
  BrokerUsage before;
  double own_before = 0;
  const auto measuring = [&] {
    before = broker_usage(admin);
    own_before = own_cpu_seconds();
  };
  measuring();
  Span span;
  if (options.mode == "pubconfirm") {
    span = run_pubconfirm(load);
  } else if (drains) {
    span = run_consume(load, filled);
  } else if (options.mode == "e2e") {
    span = run_end_to_end(load);
  } else {
    span = run_latency(load, options.rate, measuring, out);
  }
  const double own = own_cpu_seconds() - own_before;
  report_span(span, before, broker_usage(admin), own, out);
  return out;
}

}  // namespace lazaret::cli

#include "bench_run.h"

#include <cmath>
#include <functional>
#include <optional>
#include <thread>

#include "output.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// How many messages `consume` and `fill` fill their queue with unless --count says.
constexpr std::uint64_t kConsumeCount = 300'000;
/// A broker that wrote less than this for so long has nothing left to do.
constexpr std::uint64_t kQuietBytes = 1'000'000;
constexpr auto kQuietFor = std::chrono::milliseconds(500);

double seconds_between(SteadyTime from, SteadyTime to) { return std::chrono::duration<double>(to - from).count(); }
double rounded(double value, double unit) { return std::round(value / unit) * unit; }

/// What is loaded: queues of the run's own, or a topic and its subscriptions, deleted at its end, or a queue that is
/// there and stays. What `fill` creates, `drain` deletes.
class BenchQueues {
 public:
  BenchQueues(Client& client, const BenchOptions& options)
      : client_(client),
        goes_(options.mode == "drain" || (options.mode != "fill" && options.conditions.queue.empty())),
        names_{options.conditions.queue} {
    if (!options.conditions.queue.empty()) {
      client_.show(options.conditions.queue);  // throws when it is not there
      return;
    }
    names_.clear();
    if (!options.load.durability.empty()) durability_ = options.load.durability;
    const std::string prefix = "bench." + MessageId::make().to_string();
    if (options.conditions.subscriptions > 0) {
      create_topic(prefix, options.conditions.subscriptions);
    } else {
      create_queues(prefix, options.conditions.queues);
    }
  }
  ~BenchQueues() {
    if (!goes_) return;
    try {
      for (const std::string& name : subscriptions_) client_.remove(name, true);
      for (const std::string& name : names_) client_.remove(name, true);
    } catch (const Error&) {  // the broker is gone: so is the run
    }
  }
  BenchQueues(const BenchQueues&) = delete;
  /// Where messages go.
  const std::vector<std::string>& names() const { return names_; }
  /// Where they are taken from: of a topic's subscriptions only one.
  std::vector<std::string> sources() const {
    return subscriptions_.empty() ? names_ : std::vector<std::string>{subscriptions_.front()};
  }
  std::uint64_t ready() const {
    std::uint64_t sum = 0;
    for (const std::string& name : names_) sum += client_.show(name).ready;
    return sum;
  }

 private:
  void create_queues(const std::string& prefix, int count) {
    for (int i = 0; i < count; ++i) {
      QueueSpec spec;
      spec.name = count == 1 ? prefix : prefix + "." + std::to_string(i);
      spec.durability = durability_;
      client_.create(spec);
      names_.push_back(spec.name);
    }
  }
  void create_topic(const std::string& name, int subscriptions) {
    TopicSpec topic;
    topic.name = name;
    topic.durability = durability_;
    client_.create_topic(topic);
    names_.push_back(name);
    for (int i = 0; i < subscriptions; ++i) {
      SubscriptionSpec spec;
      spec.name = name + "." + std::to_string(i);
      spec.topic = name;
      client_.create_subscription(spec);
      subscriptions_.push_back(spec.name);
    }
  }

  Client& client_;
  const bool goes_;
  std::optional<std::string> durability_;
  std::vector<std::string> names_;
  std::vector<std::string> subscriptions_;
};

Span run_pubconfirm(const LoadOptions& load) {
  PublishLoad publish(load);
  publish.run();
  return {publish.first_send(), publish.last_confirm(), publish.confirmed()};
}

/// From `begin` until all of `published` are settled but for what `lagging` consumers may have.
Span settle_all(const ConsumeLoad& consume, std::uint64_t published, const LaggingConsumers& lagging,
                SteadyTime begin) {
  if (published <= lagging.may_hold()) {
    fail(base::Code::USAGE, "of " + std::to_string(published) + " messages slow and dead consumers may have all");
  }
  consume.wait_for(published - lagging.may_hold());
  const std::uint64_t settled = consume.settled();
  return {begin, consume.last_ack(), settled};
}

Span run_consume(const LoadOptions& load, const Conditions& conditions, std::uint64_t filled) {
  const LaggingConsumers lagging(load, conditions);
  const SteadyTime begin = Clock::now();
  const ConsumeLoad consume(load);
  return settle_all(consume, filled, lagging, begin);
}

/// As many are settled as are published: with a backlog, older ones, which consumers begin on at once.
Span run_end_to_end(const LoadOptions& load, const std::vector<std::string>& sources, const Conditions& conditions) {
  LoadOptions taken = load;
  taken.queues = sources;
  const LaggingConsumers lagging(taken, conditions);
  const SteadyTime begin = Clock::now();
  const ConsumeLoad consume(taken);
  PublishLoad publish(load);
  publish.run();
  return settle_all(consume, publish.confirmed(), lagging, conditions.backlog > 0 ? begin : publish.first_send());
}

void fill(LoadOptions load, std::uint64_t count) {
  if (count == 0) return;
  load.count = count;
  PublishLoad(load).run();
}

/// What was filled in is on the disk, and what the broker does with it behind that is done.
void wait_until_quiet(const std::string& admin) {
  std::uint64_t written = broker_usage(admin).disk_write_bytes;
  for (auto changed = Clock::now(); Clock::now() - changed < kQuietFor;) {
    std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(100));
    const std::uint64_t now = broker_usage(admin).disk_write_bytes;
    if (now - written > kQuietBytes) changed = Clock::now();
    written = now;
  }
}

/// What is there before the clock starts, and stays until the run is over.
class Beside {
 public:
  Beside(const LoadOptions& load, const Conditions& conditions, const std::string& admin, boost::json::object& out) {
    if (conditions.holes > 0) {
      fill(load, conditions.holes * conditions.hole_every);
      holes_.emplace(load.url, load.queues.front(), conditions);
    }
    if (conditions.idle > 0) {
      const std::uint64_t before = broker_usage(admin).resident_bytes;
      idle_.emplace(load.url, conditions.idle);
      const std::uint64_t after = broker_usage(admin).resident_bytes;
      out["idle_MB"] = rounded((static_cast<double>(after) - static_cast<double>(before)) / 1e6, 0.1);
    }
  }

 private:
  std::optional<HoleKeepers> holes_;
  std::optional<IdleConnections> idle_;
};

void report_conditions(const Conditions& conditions, boost::json::object& out) {
  if (conditions.queues != 1) out["queues"] = conditions.queues;
  if (conditions.subscriptions > 0) out["subscriptions"] = conditions.subscriptions;
  if (conditions.backlog > 0) out["backlog"] = conditions.backlog;
  if (conditions.idle > 0) out["idle"] = conditions.idle;
  if (conditions.holes > 0) out["holes"] = conditions.holes;
  if (conditions.slow > 0) out["slow"] = conditions.slow;
  if (conditions.dead > 0) out["dead"] = conditions.dead;
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
  const auto a_message = [&](std::uint64_t from, std::uint64_t to) {
    return span.messages > 0 ? static_cast<double>(to - from) / static_cast<double>(span.messages) : 0.0;
  };
  out["syncs_per_msg"] = rounded(a_message(before.syncs, after.syncs), 0.0001);
  out["log_bytes_per_msg"] = rounded(a_message(before.log_bytes, after.log_bytes), 0.1);
}

/// Fills the queues with what the mode needs there; how many messages `consume` is to take.
std::uint64_t prepare_queues(const BenchOptions& options, const LoadOptions& load, const BenchQueues& queues) {
  if (options.mode == "drain") return load.count;
  if (options.mode == "consume" || options.mode == "fill") {
    const std::uint64_t count = load.count == 0 ? kConsumeCount : load.count;
    fill(load, count);
    return count;
  }
  const std::uint64_t backlog = options.conditions.backlog;
  const std::uint64_t ready = backlog == 0 ? 0 : queues.ready();
  if (ready < backlog) fill(load, backlog - ready);
  return 0;
}

Span run_load(const BenchOptions& options, const LoadOptions& load, const BenchQueues& queues, std::uint64_t filled,
              const std::function<void()>& measuring, boost::json::object& out) {
  if (options.mode == "pubconfirm") return run_pubconfirm(load);
  if (options.mode == "consume" || options.mode == "drain") return run_consume(load, options.conditions, filled);
  if (options.mode == "e2e") return run_end_to_end(load, queues.sources(), options.conditions);
  return run_latency(load, options.rate, measuring, out);
}

}  // namespace

boost::json::object run_bench(const BenchOptions& options) {
  if (options.mode == "recovery") return run_recovery_bench(options);
  if (options.mode == "hospital") return run_hospital_bench(options);
  LoadOptions load = options.load;
  Options client_options;
  client_options.name = "bench";
  Client client = Client::connect(load.url, client_options);
  const std::string admin = options.admin.empty() ? client.admin_address() : options.admin;
  const BenchQueues queues(client, options);
  load.queues = queues.names();

  boost::json::object out{{"mode", options.mode}, {"size", load.size}};
  const bool is_latency = options.mode == "latency";
  const bool only_fills = options.mode == "fill";
  const bool publishes = options.mode != "consume" && options.mode != "drain";
  if (publishes) out["producers"] = is_latency ? 1 : load.producers;
  if (options.mode != "pubconfirm" && !only_fills) out["consumers"] = is_latency ? 1 : load.consumers;
  out["window"] = load.window;
  report_conditions(options.conditions, out);
  const Beside beside(load, options.conditions, admin, out);
  const std::uint64_t filled = prepare_queues(options, load, queues);
  if (only_fills) {
    out["queue"] = load.queues.front();
    out["n"] = filled;
    return out;
  }
  if (options.conditions.backlog > 0) wait_until_quiet(admin);
  BrokerUsage before;
  double own_before = 0;
  const auto measuring = [&] {
    before = broker_usage(admin);
    own_before = own_cpu_seconds();
  };
  measuring();
  const Span span = run_load(options, load, queues, filled, measuring, out);
  const double own = own_cpu_seconds() - own_before;
  report_span(span, before, broker_usage(admin), own, out);
  return out;
}

}  // namespace lazaret::cli

// How a hospital of many cases holds up: how fast they come in and go out, what it takes to look at them, what they
// cost in memory and on the disk, and what a replay job takes from live traffic.
#include <algorithm>
#include <atomic>
#include <boost/json/object.hpp>
#include <cmath>
#include <stdexcept>
#include <thread>

#include "bench_broker.h"
#include "bench_run.h"
#include "http_client.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kFailing = "failing";
constexpr const char* kLive = "live";
constexpr std::uint64_t kCases = 100'000;
/// What is asked so often, of which the median and the worst are told.
constexpr int kQuestions = 20;
/// Live traffic is measured so often without and with a job beside it, in turn.
constexpr int kTurns = 3;
/// The most that a job may be asked for: nothing but the broker is in its way.
constexpr std::uint64_t kUnboundedRate = 100'000;
constexpr auto kStuck = std::chrono::seconds(60);

double hundredths(double value) { return std::round(value * 100) / 100; }
double seconds_since(SteadyTime from) { return std::chrono::duration<double>(Clock::now() - from).count(); }
double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.at(values.size() / 2);
}

/// Errors of so many causes, in turn: what varies within a cause is a number, as in errors that people meet.
Verdict failure(std::uint64_t number, std::uint64_t groups) {
  std::string table;
  for (std::uint64_t group = number % groups + 26; group > 0; group /= 26) {
    table += static_cast<char>('a' + group % 26);
  }
  return Verdict::reject("no table " + table + ", row " + std::to_string(number), "Failed");
}

void create_queue(Client& client, const std::string& name, const LoadOptions& load) {
  QueueSpec spec;
  spec.name = name;
  if (!load.durability.empty()) spec.durability = load.durability;
  if (name == kFailing) spec.max_attempts = 1;  // a breaker would keep most of them out of the hospital
  client.create(spec);
}

/// Publishes so many, and rejects them all: what is timed is from the first delivery to the last verdict on the disk.
void admit(LoadOptions load, std::uint64_t groups, boost::json::object& out) {
  load.queues = {kFailing};
  PublishLoad(load).run();
  std::atomic<std::uint64_t> next{0};
  const SteadyTime begin = Clock::now();
  const ConsumeLoad consume(load, [&](Delivery&) { return failure(next++, groups); });
  consume.wait_for(load.count);
  out["admission_rate"] =
      std::llround(static_cast<double>(load.count) / std::chrono::duration<double>(consume.last_ack() - begin).count());
}

class Questions {
 public:
  Questions(HttpClient& http, boost::json::object& out) : http_(http), out_(out) {}

  /// The median and the worst of kQuestions.
  json::value ask(const std::string& name, const std::string& target) {
    std::vector<double> took;
    json::value answer;
    for (int i = 0; i < kQuestions; ++i) {
      const SteadyTime begin = Clock::now();
      answer = http_.get(target);
      took.push_back(seconds_since(begin) * 1000);
    }
    out_[name + "_ms"] = hundredths(median(took));
    out_[name + "_max_ms"] = hundredths(*std::max_element(took.begin(), took.end()));
    return answer;
  }

 private:
  HttpClient& http_;
  boost::json::object& out_;
};

/// What an operator asks first, each as the page and `lazaret hospital` ask it.
void look(HttpClient& http, boost::json::object& out) {
  Questions questions(http, out);
  const json::value groups = questions.ask("groups_page", target({"hospital", "groups"}, {{"limit", "100"}}));
  const std::string group(groups.at("items").at(0).at("id").as_string());
  const auto cases = [](const std::string& filter) {
    return target({"hospital", "cases"}, {{"filter", filter}, {"limit", "100"}});
  };
  const std::string of_queue = std::string("queue=") + kFailing;
  const json::value page = questions.ask("cases_page", cases(of_queue + " state=admitted"));
  questions.ask("group_cases_page", cases("group=" + group));
  questions.ask("error_text_page", cases(of_queue + " error~\"no table\""));
  questions.ask("no_such_key_page", cases(of_queue + " key=nobody"));
  questions.ask("count", target({"hospital", "cases", "count"}, {{"filter", of_queue + " state=admitted"}}));
  const std::string id(page.at("items").at(0).at("id").as_string());
  questions.ask("one_case", target({"hospital", "cases", id}));
}

std::uint64_t number(const json::object& object, std::string_view name) {
  return object.at(name).to_number<std::uint64_t>();
}

/// A replay job of every case that is left.
class Job {
 public:
  Job(HttpClient& http, json::object options) : http_(http) {
    options["filter"] = std::string("queue=") + kFailing;
    options["canary"] = 0;
    const json::value created = http.request("POST", target({"hospital", "replays"}), options).body;
    id_ = created.at("id").is_string() ? std::string(created.at("id").as_string())
                                       : std::to_string(created.at("id").to_number<std::uint64_t>());
  }
  json::object show() { return http_.get(target({"hospital", "replays", id_})).as_object(); }
  void change(const char* verb) { http_.request("POST", target({"hospital", "replays", id_, verb})); }
  /// Until its state is none of these. Throws when nothing moves any more.
  json::object wait_while(std::initializer_list<std::string_view> states) {
    std::uint64_t left = ~0ull;
    SteadyTime moved = Clock::now();
    for (;;) {
      json::object job = show();
      const std::string_view state = job.at("state").as_string();
      if (std::find(states.begin(), states.end(), state) == states.end()) return job;
      const std::uint64_t now = number(job.at("outcomes").as_object(), "none") + number(job, "total");
      if (now != left) moved = Clock::now();
      left = now;
      if (Clock::now() - moved > kStuck) throw std::runtime_error("replay job " + id_ + " does not move");
      std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(10));
    }
  }

 private:
  HttpClient& http_;
  std::string id_;
};

double live_rate(LoadOptions load) {
  load.queues = {kLive};
  load.count = 0;
  const ConsumeLoad consume(load);
  PublishLoad publish(load);
  publish.run();
  consume.wait_for(publish.confirmed());
  return static_cast<double>(publish.confirmed()) /
         std::chrono::duration<double>(consume.last_ack() - publish.first_send()).count();
}

/// Live traffic on another queue, without a job and with one at the default rate, in turn.
void measure_beside(HttpClient& http, const LoadOptions& load, boost::json::object& out) {
  LoadOptions cured = load;
  cured.queues = {kFailing};
  const ConsumeLoad consume(cured);
  Job job(http, {});
  job.wait_while({"choosing"});
  job.change("pause");
  live_rate(load);  // warms up
  std::vector<double> alone;
  std::vector<double> beside;
  for (int turn = 0; turn < kTurns; ++turn) {
    alone.push_back(live_rate(load));
    job.change("resume");
    beside.push_back(live_rate(load));
    job.change("pause");
  }
  job.change("cancel");
  out["live_rate"] = std::llround(median(alone));
  out["live_rate_beside_job"] = std::llround(median(beside));
  out["live_ratio"] = hundredths(median(beside) / median(alone));
  consume.wait_for(number(job.show().at("outcomes").as_object(), "discharged"));
}

/// All that is left, as fast as it goes.
void replay_all(HttpClient& http, const LoadOptions& load, boost::json::object& out) {
  LoadOptions cured = load;
  cured.queues = {kFailing};
  const ConsumeLoad consume(cured);
  const SteadyTime begin = Clock::now();
  Job job(http, {{"rate", kUnboundedRate}, {"concurrency", kUnboundedRate}});
  job.wait_while({"choosing"});
  const SteadyTime chosen = Clock::now();
  const json::object ended = job.wait_while({"canary", "running", "finishing"});
  const std::uint64_t cases = number(ended, "total");
  out["choose_s"] = hundredths(std::chrono::duration<double>(chosen - begin).count());
  out["replayed"] = number(ended.at("outcomes").as_object(), "discharged");
  out["replay_rate"] = std::llround(static_cast<double>(cases) / seconds_since(chosen));
}

struct Footprint {
  double memory_mb = 0;
  std::uint64_t disk_bytes = 0;
};
Footprint footprint(HttpClient& http) {
  const json::value status = http.get(target({"status"}));
  const json::object& store = status.at("store").as_object();
  return {static_cast<double>(number(status.at("process").as_object(), "resident_bytes")) / 1e6,
          number(store, "data_bytes") + number(store, "memtable_bytes")};
}

}  // namespace

boost::json::object run_hospital_bench(const BenchOptions& options) {
  const ScratchDir scratch(options.scratch_dir);
  OwnBroker broker(options.daemon, scratch.path() + "/hospital");
  broker.start();
  LoadOptions load = options.load;
  load.url = broker.url();
  load.count = load.count == 0 ? kCases : load.count;
  {
    Options named;
    named.name = "bench";
    Client client = Client::connect(load.url, named);
    create_queue(client, kFailing, load);
    create_queue(client, kLive, load);
  }
  HttpClient http(broker.admin());
  boost::json::object out{{"mode", "hospital"}, {"size", load.size}, {"cases", load.count}, {"groups", options.groups}};
  const Footprint before = footprint(http);
  admit(load, options.groups, out);
  const Footprint after = footprint(http);
  out["disk_bytes_per_case"] = (after.disk_bytes - before.disk_bytes) / load.count;
  out["rss_MB"] = hundredths(after.memory_mb);
  look(http, out);
  measure_beside(http, load, out);
  replay_all(http, load, out);
  out["rss_end_MB"] = hundredths(footprint(http).memory_mb);
  return out;
}

}  // namespace lazaret::cli

#include "bench.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <map>
#include <memory>
#include <set>

#include "bench_run.h"
#include "commands.h"
#include "output.h"

namespace lazaret::cli {
namespace {

void print(const boost::json::object& result, bool json) {
  if (json) {
    print_json(result);
    return;
  }
  std::size_t width = 0;
  for (const auto& [name, value] : result) width = std::max(width, name.size());
  for (const auto& [name, value] : result) {
    const std::string label(name);
    std::cout << label << std::string(width + 2 - label.size(), ' ')
              << (value.is_string() ? std::string(value.as_string()) : to_text(value)) << "\n";
  }
  std::cout << std::flush;
}

/// An option that is given must be one that the mode has.
void check_mode(const CLI::App& bench, const std::string& mode) {
  const std::map<std::string, std::set<std::string>> modes{
      {"--queue", {"pubconfirm", "consume", "e2e", "drain"}},
      {"--queues", {"pubconfirm", "consume", "e2e", "latency"}},
      {"--subscriptions", {"pubconfirm", "e2e"}},
      {"--backlog", {"pubconfirm", "e2e"}},
      {"--idle", {"pubconfirm", "consume", "e2e", "latency"}},
      {"--holes", {"consume", "e2e"}},
      {"--slow", {"consume", "e2e"}},
      {"--dead", {"consume", "e2e"}},
      {"--groups", {"hospital"}},
      {"--daemon", {"recovery", "hospital"}},
      {"--scratch-dir", {"recovery", "hospital"}},
  };
  for (const auto& [option, has] : modes) {
    if (bench.count(option) > 0 && !has.contains(mode)) fail(base::Code::USAGE, mode + " has no " + option);
  }
  if (mode == "drain" && (bench.count("--queue") == 0 || bench.count("--count") == 0)) {
    fail(base::Code::USAGE, "--mode drain needs --queue and --count, as fill printed them");
  }
}

void add_load_options(CLI::App& bench, LoadOptions& load) {
  bench.add_option("--size", load.size, "Bytes of a body")->check(CLI::Range(0, 16 << 20))->capture_default_str();
  bench.add_option("--producers", load.producers, "Publishing connections (latency and recovery have one)")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bench.add_option("--consumers", load.consumers, "Consuming connections (latency and recovery have one)")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bench.add_option("--window", load.window, "Unconfirmed publishes of a producer, prefetch of a consumer")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  bench
      .add_option("--count", load.count,
                  "Messages in all (default: by time; consume and fill 300000, recovery 1000000, hospital 100000)")
      ->check(at_least_one());
  bench.add_option("--seconds", load.seconds, "How long it publishes; latency: after a second of warming up")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  bench.add_option("--durability", load.durability, "Of the run's own queues (default: the broker's)")
      ->check(CLI::IsMember({"fsync", "relaxed"}));
}

/// What should make no difference (tests/bench/README.md, "Flat").
void add_conditions(CLI::App& bench, Conditions& conditions) {
  CLI::Option* queue = bench.add_option("--queue", conditions.queue,
                                        "A queue that is there and stays (drain: goes), not one of the run's own");
  CLI::Option* queues = bench.add_option("--queues", conditions.queues, "Queues that messages go to in turn")
                            ->check(CLI::Range(1, 1000))
                            ->capture_default_str()
                            ->excludes(queue);
  CLI::Option* backlog =
      bench
          .add_option("--backlog", conditions.backlog,
                      "pubconfirm, e2e: messages that are ready before it begins; e2e then settles those")
          ->check(at_least_one());
  CLI::Option* subscriptions =
      bench
          .add_option(
              "--subscriptions", conditions.subscriptions,
              "pubconfirm, e2e: subscriptions of the topic that it publishes to then; one of them is consumed in e2e")
          ->check(CLI::Range(1, 1000))
          ->excludes(queue)
          ->excludes(queues)
          ->excludes(backlog);
  bench.add_option("--idle", conditions.idle, "Connections beside it that only answer heartbeats; idle_MB: their cost")
      ->check(CLI::Range(1, 1'000'000));
  CLI::Option* holes =
      bench
          .add_option("--holes", conditions.holes, "consume, e2e: messages before it that are kept and never settled,")
          ->check(CLI::Range(1, 1'000'000))
          ->excludes(queue)
          ->excludes(queues)
          ->excludes(backlog)
          ->excludes(subscriptions);
  bench.add_option("--hole-every", conditions.hole_every, "each the last of so many")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str()
      ->needs(holes);
  bench.add_option("--slow", conditions.slow, "consume, e2e: more consumers, which take a second for each message")
      ->check(CLI::Range(1, 1000));
  bench.add_option("--dead", conditions.dead, "consume, e2e: more consumers, which stop reading their sockets")
      ->check(CLI::Range(1, 1000));
}

}  // namespace

void add_bench_command(CLI::App& app, const Connection& connection, int& exit_status) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* const bench = app.add_subcommand("bench", "Measure: counts durable confirms and durable acks only");
  bench
      ->add_option("--mode", options->mode,
                   "pubconfirm, consume (its halves are fill and drain), e2e, latency, or recovery and hospital (start "
                   "brokers of their own)")
      ->required()
      ->check(CLI::IsMember({"pubconfirm", "consume", "fill", "drain", "e2e", "latency", "recovery", "hospital"}));
  add_load_options(*bench, options->load);
  add_conditions(*bench, options->conditions);
  bench->add_option("--rate", options->rate, "latency: messages a second")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  bench->add_option("--groups", options->groups, "hospital: causes of what fails")
      ->check(CLI::Range(1, 1'000'000))
      ->capture_default_str();
  bench->add_option("--daemon", options->daemon,
                    "recovery, hospital: the lazaretd to start (default: the one beside lazaret)");
  bench->add_option("--scratch-dir", options->scratch_dir,
                    "recovery, hospital: where its data goes (default: the temporary directory)");
  bench->callback([bench, options, &connection, &exit_status] {
    check_mode(*bench, options->mode);
    options->load.url = connection.url();
    const bool has_own = options->mode == "recovery" || options->mode == "hospital";
    if (!has_own) options->admin = connection.admin_address();
    print(run_bench(*options), connection.json);
    exit_status = 0;
  });
}

}  // namespace lazaret::cli

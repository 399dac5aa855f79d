#include "bench.h"

#include <CLI/CLI.hpp>
#include <iostream>
#include <memory>

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

}  // namespace

void add_bench_command(CLI::App& app, const Connection& connection, int& exit_status) {
  const auto options = std::make_shared<BenchOptions>();
  CLI::App* bench = app.add_subcommand("bench", "Measure: counts durable confirms and durable acks only");
  bench
      ->add_option("--mode", options->mode,
                   "pubconfirm, consume (its halves are fill and drain), e2e, latency, or recovery (starts brokers of "
                   "its own)")
      ->required()
      ->check(CLI::IsMember({"pubconfirm", "consume", "fill", "drain", "e2e", "latency", "recovery"}));
  LoadOptions& load = options->load;
  bench->add_option("--queue", load.queue, "drain: the queue that fill has left; deleted afterwards");
  bench->add_option("--size", load.size, "Bytes of a body")->check(CLI::Range(0, 16 << 20))->capture_default_str();
  bench->add_option("--producers", load.producers, "Publishing connections (latency and recovery have one)")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bench->add_option("--consumers", load.consumers, "Consuming connections (latency and recovery have one)")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  bench->add_option("--window", load.window, "Unconfirmed publishes of a producer, prefetch of a consumer")
      ->check(CLI::Range(1, 65536))
      ->capture_default_str();
  bench
      ->add_option("--count", load.count,
                   "Messages in all (default: by time; consume and fill 300000, recovery 1000000)")
      ->check(at_least_one());
  bench->add_option("--seconds", load.seconds, "How long it publishes; latency: after a second of warming up")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  bench->add_option("--durability", load.durability, "Of the run's own queue (default: the broker's)")
      ->check(CLI::IsMember({"fsync", "relaxed"}));
  bench->add_option("--rate", options->rate, "latency: messages a second")
      ->check(CLI::Range(0.001, 1e6))
      ->capture_default_str();
  bench->add_option("--daemon", options->daemon, "recovery: the lazaretd to start (default: the one beside lazaret)");
  bench->add_option("--scratch-dir", options->scratch_dir,
                    "recovery: where its data goes (default: the temporary directory)");
  bench->callback([options, &connection, &exit_status] {
    const bool drains = options->mode == "drain";
    if (drains != !options->load.queue.empty() || (drains && options->load.count == 0)) {
      fail(base::Code::USAGE, "--mode drain needs --queue and --count, as fill printed them; --queue is of no other");
    }
    options->load.url = connection.url();
    if (options->mode != "recovery") options->admin = connection.admin_address();
    print(run_bench(*options), connection.json);
    exit_status = 0;
  });
}

}  // namespace lazaret::cli

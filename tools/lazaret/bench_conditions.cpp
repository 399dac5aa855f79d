#include "bench_conditions.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <stdexcept>

#include "model/limits.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;
namespace limits = model::limits;

/// Connections that are opened at a time.
constexpr int kOpening = 200;
constexpr std::uint64_t kHoleKeepers = 4;
constexpr auto kStuck = std::chrono::seconds(30);
constexpr auto kSlow = std::chrono::seconds(1);
/// Longer than any run.
constexpr auto kNever = std::chrono::hours(1000);

/// `progress` gives a number that grows until it is `goal`.
void wait_until(std::uint64_t goal, const std::function<std::uint64_t()>& progress, const std::string& what) {
  std::uint64_t seen = 0;
  auto moved = Clock::now();
  for (std::uint64_t now = progress(); now < goal; now = progress()) {
    if (now != seen) {
      seen = now;
      moved = Clock::now();
    } else if (Clock::now() - moved > kStuck) {
      throw std::runtime_error("nothing moves: " + std::to_string(seen) + " of " + std::to_string(goal) + " " + what);
    }
    std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(2));
  }
}

/// Connections are files: as many as we may have.
void raise_file_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

asio::awaitable<void> pause_for(Clock::duration time) {
  asio::steady_timer timer(co_await asio::this_coro::executor, time);
  co_await timer.async_wait(asio::use_awaitable);
}

}  // namespace

BesideThread::~BesideThread() {
  io_.stop();
  thread_.join();
  // Clients that were on it say goodbye, also those that were silent; handlers that pause for ever are not waited for.
  work_.reset();
  io_.restart();
  io_.run_for(std::chrono::seconds(1));
}

IdleConnections::IdleConnections(const std::string& url, int count) {
  if (count > 0) raise_file_limit();
  for (int open = 0; open < count;) {
    const int batch = std::min(kOpening, count - open);
    for (int i = 0; i < batch; ++i) clients_.push_back(bench_client(thread_.executor(), url, "bench-idle"));
    const auto connected = [&] {
      const auto is_connected = [](const Client& client) { return client.connected(); };
      return static_cast<std::uint64_t>(std::count_if(clients_.end() - batch, clients_.end(), is_connected));
    };
    wait_until(static_cast<std::uint64_t>(batch), connected, "idle connections (broker.max_connections, ulimit -n)");
    open += batch;
  }
}

HoleKeepers::HoleKeepers(const std::string& url, const std::string& queue, const Conditions& conditions) {
  const std::uint64_t keepers = std::max(std::min(kHoleKeepers, conditions.holes),
                                         (conditions.holes + limits::kCreditMessages - 1) / limits::kCreditMessages);
  for (std::uint64_t i = 0; i < keepers; ++i) {
    const std::uint64_t share = conditions.holes / keepers + (i < conditions.holes % keepers ? 1 : 0);
    add(url, queue, share, conditions.hole_every);
  }
  const std::uint64_t others = conditions.holes * (conditions.hole_every - 1);
  wait_until(
      conditions.holes + others, [this] { return kept_ + settled_; }, "messages kept or settled");
}

void HoleKeepers::add(const std::string& url, const std::string& queue, std::uint64_t holes, std::uint64_t every) {
  clients_.push_back(bench_client(thread_.executor(), url, "bench-keeper"));
  ConsumeOptions consume;
  consume.run_on = thread_.executor();
  consume.prefetch = static_cast<int>(holes);
  consume.prefetch_bytes = limits::kCreditBytes;
  consume.concurrency = consume.prefetch;
  consume.longest = kNever;
  consume.on_settled = [this](std::size_t count) { settled_ += count; };
  const auto handle = [this, every](Delivery& delivery) -> asio::awaitable<void> {
    if (delivery.message().offset % every != every - 1) co_return;
    ++kept_;
    co_await pause_for(kNever);
  };
  consumers_.push_back(clients_.back().consume(queue, handle, std::move(consume)));
}

LaggingConsumers::LaggingConsumers(const LoadOptions& load, const Conditions& conditions) {
  for (int i = 0; i < conditions.slow; ++i) add_slow(load);
  for (int i = 0; i < conditions.dead; ++i) add_dead(load);
}

void LaggingConsumers::add_slow(const LoadOptions& load) {
  clients_.push_back(bench_client(slow_.executor(), load.url, "bench-slow"));
  ConsumeOptions consume;
  consume.run_on = slow_.executor();
  consume.prefetch = load.window;
  consume.prefetch_bytes = 64u << 20;
  may_hold_ += 2 * static_cast<std::uint64_t>(load.window);  // it gets some more for those that it has settled
  const auto handle = [](Delivery&) { return pause_for(kSlow); };
  consumers_.push_back(clients_.back().consume(load.queues.front(), handle, std::move(consume)));
}

void LaggingConsumers::add_dead(const LoadOptions& load) {
  BesideThread& thread = *dead_.emplace_back(std::make_unique<BesideThread>());
  clients_.push_back(bench_client(thread.executor(), load.url, "bench-dead"));
  ConsumeOptions consume;
  consume.run_on = thread.executor();
  consume.prefetch = limits::kCreditMessages;
  consume.prefetch_bytes = 64u << 20;
  may_hold_ += limits::kCreditMessages;
  const auto handle = [&thread](Delivery&) { thread.stop(); };
  consumers_.push_back(clients_.back().consume(load.queues.front(), handle, std::move(consume)));
}

}  // namespace lazaret::cli

#include "bench_load.h"

#include <algorithm>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/use_future.hpp>
#include <condition_variable>
#include <mutex>
#include <stdexcept>
#include <thread>

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kStuck = std::chrono::seconds(20);

}  // namespace

Client bench_client(asio::any_io_executor executor, const std::string& url, const std::string& name) {
  Options client;
  client.name = name;
  client.timeout = std::chrono::seconds(60);
  return Client(std::move(executor), url, client);
}

// --- Threads ---------------------------------------------------------------------------------------------------------

struct LoadThreads::Loop {
  asio::io_context io{1};
  asio::executor_work_guard<asio::io_context::executor_type> work{io.get_executor()};
  std::thread thread{[this] { io.run(); }};
};

LoadThreads::LoadThreads() {
  const unsigned count = std::clamp(std::thread::hardware_concurrency(), 1u, 4u);
  for (unsigned i = 0; i < count; ++i) loops_.push_back(std::make_unique<Loop>());
}

LoadThreads::~LoadThreads() {
  for (const auto& loop : loops_) {
    loop->work.reset();
    loop->io.stop();
    loop->thread.join();
  }
}

asio::any_io_executor LoadThreads::next() { return loops_[next_++ % loops_.size()]->io.get_executor(); }

// --- Publishing ------------------------------------------------------------------------------------------------------

/// One connection. Completions run on its thread, where each sends the next message.
struct PublishLoad::Producer {
  Producer(asio::any_io_executor executor, const LoadOptions& options_, std::uint64_t share_, std::size_t first_queue)
      : options(options_),
        share(share_),
        queue(first_queue),
        client(bench_client(std::move(executor), options_.url, "bench-producer")),
        body(std::string(static_cast<std::size_t>(options_.size), 'x')) {}

  void start(SteadyTime until_) {
    until = until_;
    for (int i = 0; i < options.window; ++i) send_next();
  }

  /// Counts one more; false when all are sent or the time is over.
  bool take_turn() {
    if (share == 0) {
      if (Clock::now() >= until) return false;
      ++sent;
      return true;
    }
    std::uint64_t so_far = sent.load();
    while (so_far < share && !sent.compare_exchange_weak(so_far, so_far + 1)) {
    }
    return so_far < share;
  }

  void send_next() {
    if (!take_turn()) return;
    Message message;
    message.body = body;
    const std::string& to = options.queues[queue++ % options.queues.size()];
    client.async_publish(to, std::move(message), [this](error_code code, const Receipt& receipt) {
      if (code) return fail(receipt.problem ? receipt.problem->text : code.message());
      last_ns = Clock::now().time_since_epoch().count();
      ++confirmed;
      send_next();
      if (confirmed == sent) notify();
    });
  }

  void fail(const std::string& why) {
    {
      const std::lock_guard lock(mutex);
      if (failure.empty()) failure = why;
    }
    changed.notify_all();
  }
  void notify() {
    { const std::lock_guard lock(mutex); }
    changed.notify_all();
  }

  void wait() {
    std::unique_lock lock(mutex);
    changed.wait(lock, [this] { return !failure.empty() || confirmed == sent; });
    if (!failure.empty()) throw std::runtime_error("a publish failed: " + failure);
  }

  const LoadOptions& options;
  const std::uint64_t share;
  std::atomic<std::size_t> queue;  // the place of the next one, counted on
  SteadyTime until;
  std::atomic<std::uint64_t> sent{0};
  std::atomic<std::uint64_t> confirmed{0};
  std::atomic<std::int64_t> last_ns{0};
  std::mutex mutex;
  std::condition_variable changed;
  std::string failure;  // GUARDED_BY(mutex)
  Client client;        // last: its thread ends before what it uses
  Body body;
};

PublishLoad::PublishLoad(const LoadOptions& options) : options_(options) {
  const auto producers = static_cast<std::uint64_t>(options.producers);
  for (std::uint64_t i = 0; i < producers; ++i) {
    const std::uint64_t share = options.count / producers + (i < options.count % producers ? 1 : 0);
    // Each begins somewhere else, so that together they do not go through the queues in step.
    const std::size_t first_queue = options.queues.size() * i / producers;
    producers_.push_back(std::make_unique<Producer>(threads_.next(), options_, share, first_queue));
  }
}

PublishLoad::~PublishLoad() {
  for (const auto& producer : producers_) {
    producer->client.async_close(std::chrono::seconds(5), asio::use_future).wait();
  }
}

void PublishLoad::run() {
  first_send_ = Clock::now();
  const auto until =
      first_send_ + std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(options_.seconds));
  for (const auto& producer : producers_) {
    if (options_.count == 0 || producer->share > 0) producer->start(until);
  }
  for (const auto& producer : producers_) producer->wait();
}

std::uint64_t PublishLoad::confirmed() const {
  std::uint64_t sum = 0;
  for (const auto& producer : producers_) sum += producer->confirmed;
  return sum;
}

SteadyTime PublishLoad::last_confirm() const {
  std::int64_t last = 0;
  for (const auto& producer : producers_) last = std::max(last, producer->last_ns.load());
  return SteadyTime(SteadyTime::duration(last));
}

// --- Consuming -------------------------------------------------------------------------------------------------------

ConsumeLoad::ConsumeLoad(const LoadOptions& options, Treatment treatment) : treatment_(std::move(treatment)) {
  std::vector<asio::any_io_executor> executors;
  for (int i = 0; i < options.consumers; ++i) {
    executors.push_back(threads_.next());
    clients_.push_back(bench_client(executors.back(), options.url, "bench-consumer"));
  }
  const std::size_t consumers = std::max(clients_.size(), options.queues.size());
  for (std::size_t i = 0; i < consumers; ++i) {
    const std::size_t client = i % clients_.size();
    add_consumer(clients_[client], executors[client], options.queues[i % options.queues.size()], options.window);
  }
}

void ConsumeLoad::add_consumer(Client& client, const asio::any_io_executor& executor, const std::string& queue,
                               int prefetch) {
  ConsumeOptions consume;
  consume.run_on = executor;
  consume.prefetch = prefetch;
  consume.prefetch_bytes = 64u << 20;
  consume.on_settled = [this](std::size_t count) {
    settled_ += count;
    last_ack_ns_ = Clock::now().time_since_epoch().count();
  };
  if (treatment_) {
    consumers_.push_back(client.consume(queue, treatment_, std::move(consume)));
    return;
  }
  consumers_.push_back(client.consume(
      queue, [](Delivery&) {}, std::move(consume)));
}

ConsumeLoad::~ConsumeLoad() { close(); }

void ConsumeLoad::wait_for(std::uint64_t count) const {
  std::uint64_t seen = 0;
  auto moved = Clock::now();
  while (settled() < count) {
    std::this_thread::sleep_until(Clock::now() + std::chrono::milliseconds(2));
    if (settled() != seen) {
      seen = settled();
      moved = Clock::now();
    } else if (Clock::now() - moved > kStuck) {
      throw std::runtime_error("nothing was settled for 20 s: " + std::to_string(seen) + " of " +
                               std::to_string(count));
    }
  }
}

void ConsumeLoad::close() {
  for (Consumer& consumer : consumers_) consumer.async_close(std::chrono::seconds(5), asio::use_future).wait();
  consumers_.clear();
  for (Client& client : clients_) client.async_close(std::chrono::seconds(5), asio::use_future).wait();
  clients_.clear();
}

}  // namespace lazaret::cli

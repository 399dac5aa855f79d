// The open loop: messages leave at their intended times whatever the broker does, and a late confirm counts from then.
#include <condition_variable>
#include <cstring>
#include <future>
#include <mutex>
#include <stdexcept>
#include <thread>

#include "bench_run.h"

namespace lazaret::cli {
namespace {

using Clock = std::chrono::steady_clock;

/// The first second is not measured.
constexpr auto kWarmUp = std::chrono::seconds(1);
constexpr auto kLastAnswers = std::chrono::seconds(20);

/// What both ends record. Confirms and deliveries come on different threads.
struct Record {
  std::mutex mutex;
  std::condition_variable changed;
  Latencies confirm;            // GUARDED_BY(mutex)
  Latencies deliver;            // GUARDED_BY(mutex)
  std::uint64_t confirmed = 0;  // GUARDED_BY(mutex)
  SteadyTime last_confirm;      // GUARDED_BY(mutex)
  std::uint64_t delivered = 0;  // GUARDED_BY(mutex)
  std::string failure;          // GUARDED_BY(mutex)
};

std::string stamped_body(int size, SteadyTime intended) {
  std::string body(std::max<std::size_t>(static_cast<std::size_t>(size), sizeof(std::int64_t)), 'x');
  const std::int64_t ns = intended.time_since_epoch().count();
  std::memcpy(body.data(), &ns, sizeof ns);
  return body;
}

SteadyTime stamp_of(std::string_view body) {
  std::int64_t ns = 0;
  std::memcpy(&ns, body.data(), sizeof ns);
  return SteadyTime(SteadyTime::duration(ns));
}

void send(Client& client, const LoadOptions& load, SteadyTime intended, SteadyTime measured_from, Record& record) {
  Message message;
  message.body = stamped_body(load.size, intended);
  client.async_publish(load.queue, std::move(message),
                       [&record, intended, measured_from](error_code code, const Receipt& receipt) {
                         const auto now = Clock::now();
                         const std::lock_guard lock(record.mutex);
                         if (code) record.failure = receipt.problem ? receipt.problem->text : code.message();
                         if (intended >= measured_from) record.confirm.add(now - intended);
                         ++record.confirmed;
                         record.last_confirm = now;
                         record.changed.notify_all();
                       });
}

}  // namespace

Span run_latency(const LoadOptions& load, double rate, const std::function<void()>& measuring,
                 boost::json::object& out) {
  Record record;
  const auto start = Clock::now() + std::chrono::milliseconds(50);
  const auto measured_from = start + kWarmUp;
  const auto gap = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
  const auto total = static_cast<std::uint64_t>((load.seconds + 1) * rate);

  Options named;
  named.name = "bench";
  Client publisher = Client::connect(load.url, named);
  Client taker = Client::connect(load.url, named);
  ConsumeOptions consume;
  consume.prefetch = load.window;
  Consumer consumer = taker.consume(
      load.queue,
      [&](Delivery& delivery) {
        const auto now = Clock::now();
        const SteadyTime intended = stamp_of(delivery.message().body);
        const std::lock_guard lock(record.mutex);
        if (intended >= measured_from) record.deliver.add(now - intended);
        ++record.delivered;
        record.changed.notify_all();
      },
      std::move(consume));

  std::future<void> looking;  // on a thread of its own: asking the broker must not delay a send
  SteadyTime first_send;
  for (std::uint64_t i = 0; i < total; ++i) {
    const auto intended = start + gap * static_cast<std::int64_t>(i);
    std::this_thread::sleep_until(intended);
    if (intended >= measured_from && !looking.valid()) {
      looking = std::async(std::launch::async, measuring);
      first_send = Clock::now();
    }
    send(publisher, load, intended, measured_from, record);
  }
  {
    std::unique_lock lock(record.mutex);
    const bool all = record.changed.wait_for(lock, kLastAnswers, [&] {
      return !record.failure.empty() || (record.confirmed == total && record.delivered >= total);
    });
    if (!record.failure.empty()) throw std::runtime_error("a publish failed: " + record.failure);
    if (!all) throw std::runtime_error("not everything was confirmed and delivered 20 s after the end");
  }
  consumer.close(std::chrono::seconds(5));
  if (!looking.valid())
    throw std::runtime_error("nothing was sent after the warm-up: --seconds or --rate is too small");
  looking.get();
  out["offered"] = rate;
  record.confirm.report("confirm", out);
  record.deliver.report("deliver", out);
  const std::lock_guard lock(record.mutex);
  return {first_send, record.last_confirm, record.confirm.count()};
}

}  // namespace lazaret::cli

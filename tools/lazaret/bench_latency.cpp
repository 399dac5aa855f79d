// The open loop: messages leave at their intended times whatever the broker does, and a late confirm counts from then.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/use_future.hpp>
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

void send(Client& client, const LoadOptions& load, const std::string& queue, SteadyTime intended,
          SteadyTime measured_from, Record& record) {
  Message message;
  message.body = stamped_body(load.size, intended);
  client.async_publish(queue, std::move(message),
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

/// When what is sent when.
struct Schedule {
  SteadyTime start;
  SteadyTime measured_from;
  Clock::duration gap;
  std::uint64_t total = 0;
  SteadyTime at(std::uint64_t i) const { return start + gap * static_cast<std::int64_t>(i); }
};

/// Sends on the thread that serves the connection, as an event loop would. Gives the time of the first send that is
/// measured.
asio::awaitable<SteadyTime> send_all(Client& client, const LoadOptions& load, const Schedule& schedule, Record& record,
                                     const std::function<void()>& begin_measuring) {
  asio::steady_timer timer(co_await asio::this_coro::executor);
  SteadyTime first_send{};
  for (std::uint64_t i = 0; i < schedule.total; ++i) {
    const auto intended = schedule.at(i);
    if (Clock::now() < intended) {
      timer.expires_at(intended);
      co_await timer.async_wait(asio::use_awaitable);
    }
    if (intended >= schedule.measured_from && first_send == SteadyTime{}) {
      begin_measuring();
      first_send = Clock::now();
    }
    send(client, load, load.queues[i % load.queues.size()], intended, schedule.measured_from, record);
  }
  co_return first_send;
}

}  // namespace

Span run_latency(const LoadOptions& load, double rate, const std::function<void()>& measuring,
                 boost::json::object& out) {
  Record record;
  Schedule schedule;
  schedule.start = Clock::now() + std::chrono::milliseconds(50);
  schedule.measured_from = schedule.start + kWarmUp;
  schedule.gap = std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(1 / rate));
  schedule.total = static_cast<std::uint64_t>((load.seconds + 1) * rate);

  LoadThreads threads;
  const asio::any_io_executor sending = threads.next();
  const asio::any_io_executor taking = threads.next();
  Options named;
  named.name = "bench";
  Client publisher(sending, load.url, named);
  Client taker(taking, load.url, named);
  const auto take = [&](Delivery& delivery) {
    const auto now = Clock::now();
    const SteadyTime intended = stamp_of(delivery.message().body);
    const std::lock_guard lock(record.mutex);
    if (intended >= schedule.measured_from) record.deliver.add(now - intended);
    ++record.delivered;
    record.changed.notify_all();
  };
  std::vector<Consumer> consumers;
  for (const std::string& queue : load.queues) {
    ConsumeOptions consume;
    consume.prefetch = load.window;
    consume.run_on = taking;
    consumers.push_back(taker.consume(queue, take, std::move(consume)));
  }

  std::future<void> looking;  // on a thread of its own: asking the broker must not delay a send
  const SteadyTime first_send = asio::co_spawn(sending,
                                               send_all(publisher, load, schedule, record,
                                                        [&] { looking = std::async(std::launch::async, measuring); }),
                                               asio::use_future)
                                    .get();
  {
    std::unique_lock lock(record.mutex);
    const bool all = record.changed.wait_for(lock, kLastAnswers, [&] {
      return !record.failure.empty() || (record.confirmed == schedule.total && record.delivered >= schedule.total);
    });
    if (!record.failure.empty()) throw std::runtime_error("a publish failed: " + record.failure);
    if (!all) throw std::runtime_error("not everything was confirmed and delivered 20 s after the end");
  }
  for (Consumer& consumer : consumers) consumer.async_close(std::chrono::seconds(5), asio::use_future).wait();
  taker.async_close(std::chrono::seconds(5), asio::use_future).wait();
  publisher.async_close(std::chrono::seconds(5), asio::use_future).wait();
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

#include "crash/actors.h"

#include <array>
#include <boost/asio/use_future.hpp>
#include <chrono>
#include <future>

#include "crash/wire_connection.h"
#include "integration/support/process.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;

constexpr int kBatch = 24;

constexpr std::uint32_t kMendedAfter = 3;

/// By weight: most messages are good.
constexpr std::string_view kKinds = "gggggggggggggggggggggggggggggggggggggggffffbrllhk";

}  // namespace

Verdict verdict_on(const std::string& body, std::uint32_t attempt, bool redelivered) {
  switch (body.front()) {
    case 'f': return attempt == 1 ? Verdict::fail : Verdict::ack;
    case 'b': return Verdict::fail;
    case 'r': return Verdict::reject;
    case 'h': return attempt > kMendedAfter ? Verdict::ack : Verdict::fail;
    case 'l': return redelivered ? Verdict::ack : Verdict::release;
    default: return Verdict::ack;
  }
}

lazaret::Verdict library_verdict(Verdict verdict) {
  switch (verdict) {
    case Verdict::fail: return lazaret::Verdict::fail("as its body says");
    case Verdict::reject: return lazaret::Verdict::reject("as its body says");
    case Verdict::release: return lazaret::Verdict::release();
    default: return lazaret::Verdict::done();
  }
}

Event begin_on(History& history, const std::string& queue, const Delivery& delivery, const std::string& who) {
  const Message& message = delivery.message();
  Event event{What::delivered,
              queue,
              message.body.str(),
              place_of(message.source, message.offset),
              static_cast<std::uint32_t>(delivery.attempt()),
              0,
              Verdict::none,
              who,
              delivery.redelivered()};
  event.at_us = now_us();
  history.add(event);
  event.what = What::begun;
  history.add(event);
  return event;
}

std::string body_of(std::mt19937_64& random, const std::string& who, std::uint64_t number, std::size_t longest) {
  return std::string(1, kKinds[random() % kKinds.size()]) + "-" + who + "-" + std::to_string(number) + "-" +
         std::string(random() % longest, 'x');
}

// --- Publishers -----------------------------------------------------------------------------------------------------

PublisherActor::PublisherActor(Stage& stage, std::string name, std::uint64_t seed)
    : stage_(stage),
      name_(std::move(name)),
      random_(seed),
      client_(Client::connect(stage.broker.url(), {.name = name_, .timeout = 60s})),
      thread_([this] { run(); }) {}

void PublisherActor::run() {
  while (stage_.wild) {
    publish_batch();
    testing::pause_for(milliseconds(random_() % stage_.pace_ms));
  }
}

void PublisherActor::publish_batch() {
  const std::string queue = stage_.queues[random_() % stage_.queues.size()];
  struct Sent {
    std::string body;
    std::future<Receipt> receipt;
  };
  std::vector<Sent> batch;
  for (int i = 0; i < kBatch; ++i) {
    Sent& sent = batch.emplace_back(Sent{body_of(random_, name_, ++number_, stage_.longest_body), {}});
    stage_.history.add({What::published, queue, sent.body, 0, 0, 0, Verdict::none, name_});
    ++stage_.unconfirmed;
    Message message;
    message.body = sent.body;
    message.type = "crash";
    sent.receipt = client_.async_publish(queue, std::move(message), asio::use_future);
  }
  for (Sent& sent : batch) {
    // The library publishes again whatever a connection took with it, as long as its deadline allows.
    try {
      const Receipt receipt = sent.receipt.get();
      stage_.history.add({What::confirmed, queue, sent.body, receipt.offset, 0, 0, Verdict::none, name_});
    } catch (const boost::system::system_error&) {
      // Whether it was stored is not known; the checker takes both.
    }
    --stage_.unconfirmed;
  }
}

// --- Workers on the client library ----------------------------------------------------------------------------------

LibraryWorker::LibraryWorker(Stage& stage, const std::string& name)
    : stage_(stage),
      name_(name),
      client_(Client::connect(stage.broker.url(), {.name = name, .timeout = 60s, .drain = 10s})) {
  for (const std::string& queue : stage.queues) {
    consumers_.push_back(client_.consume(queue, [this, queue](Delivery& delivery) { return handle(delivery, queue); },
                                         {.concurrency = 2, .prefetch = 16}));
  }
}

lazaret::Verdict LibraryWorker::handle(Delivery& delivery, const std::string& queue) {
  Event event = begin_on(stage_.history, queue, delivery, name_);
  const auto slow = stage_.slow.find(queue);
  testing::pause_for(slow != stage_.slow.end() ? slow->second : milliseconds(std::hash<std::string>()(event.body) % 4));
  event.what = What::sent;
  event.verdict =
      stage_.failing.contains(queue) ? Verdict::fail : verdict_on(event.body, event.attempt, delivery.redelivered());
  stage_.history.add(event);
  return library_verdict(event.verdict);
}

// --- Workers on the bare protocol -----------------------------------------------------------------------------------

WireWorker::WireWorker(Stage& stage, std::string name, std::uint64_t seed)
    : stage_(stage), name_(std::move(name)), random_(seed), thread_([this] { run(); }) {}

void WireWorker::run() {
  while (!stage_.over) {
    try {
      WireConnection connection(stage_, name_, random_());
      connection.run();
    } catch (const std::exception&) {
      testing::pause_for(milliseconds(10 + random_() % 40));  // no broker, or not this one any more
    }
  }
}

}  // namespace lazaret::crash

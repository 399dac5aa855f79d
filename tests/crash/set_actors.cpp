#include "crash/set_actors.h"

#include <gtest/gtest.h>

#include <boost/asio/use_future.hpp>
#include <functional>
#include <future>

#include "integration/support/process.h"

namespace lazaret::crash {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kMostPairs = 3;

/// Each set has an order of its own, which is nobody's promise between sets: it is its own publisher.
Event published(const std::string& queue, const std::string& body, const std::string& set, const std::string& cause) {
  Event event{What::published, queue, body, 0, 0, 0, Verdict::none, set};
  event.set = set;
  event.cause = cause;
  event.at_us = now_us();
  return event;
}

Addressed addressed(const Event& event) {
  Message message;
  message.body = event.body;
  message.type = "mix.set";
  return {event.queue, std::move(message)};
}

}  // namespace

SetPublisher::SetPublisher(Stage& stage, Pair to, std::string name, std::uint64_t seed)
    : stage_(stage), to_(std::move(to)), name_(std::move(name)), random_(seed), thread_([this] { run(); }) {}

void SetPublisher::run() {
  while (stage_.wild) {
    try {
      Client client = Client::connect(stage_.broker.url(), {.name = name_, .timeout = 60s, .drain = 0s});
      for (std::uint64_t i = random_() % 20; i > 0 && stage_.wild; --i) publish_one(client, false);
      if (stage_.wild) publish_one(client, true);
    } catch (const boost::system::system_error& error) {
      // No broker, for the moment; whether it has the set is not known.
      EXPECT_FALSE(error.code() == retry::pointless) << error.what();
      testing::pause_for(20ms);
    }
  }
}

void SetPublisher::publish_one(Client& client, bool dies) {
  const std::string set = name_ + "-" + std::to_string(++sets_);
  std::vector<Event> events;
  for (std::uint64_t pairs = 1 + random_() % kMostPairs; pairs > 0; --pairs) {
    for (const std::string& queue : {to_.left, to_.right}) {
      events.push_back(published(queue, body_of(random_, name_, ++number_, stage_.longest_body), set, ""));
    }
  }
  std::vector<Addressed> messages;
  for (const Event& event : events) {
    stage_.history.add(event);
    messages.push_back(addressed(event));
  }
  std::future<Receipt> told = client.async_publish_all(std::move(messages), boost::asio::use_future);
  if (dies) {
    testing::pause_for(milliseconds(random_() % 3));
    return;
  }
  const Receipt receipt = told.get();
  Event confirmed = events.front();
  confirmed.what = What::confirmed;
  confirmed.offset = receipt.offset;
  stage_.history.add(confirmed);
  testing::pause_for(milliseconds(random_() % stage_.pace_ms));
}

// --- Along with an ack ----------------------------------------------------------------------------------------------

Forwarder::Forwarder(Stage& stage, std::string from, Pair to, std::string name)
    : stage_(stage),
      from_(std::move(from)),
      to_(std::move(to)),
      name_(std::move(name)),
      client_(Client::connect(stage.broker.url(), {.name = name_, .timeout = 60s, .drain = 10s})),
      consumer_(client_.consume(from_, [this](Delivery& delivery) { return handle(delivery); },
                                {.concurrency = 3, .prefetch = 16})) {}

lazaret::Verdict Forwarder::handle(Delivery& delivery) {
  Event event = begin_on(stage_.history, from_, delivery, name_);
  testing::pause_for(milliseconds(std::hash<std::string>()(event.body) % 4));
  event.verdict = verdict_on(event.body, event.attempt, delivery.redelivered());
  lazaret::Verdict verdict = event.verdict == Verdict::ack ? forward(event.body) : library_verdict(event.verdict);
  event.what = What::sent;
  stage_.history.add(event);
  return verdict;
}

/// What is published stands in the history before the verdict can go out.
lazaret::Verdict Forwarder::forward(const std::string& cause) {
  const std::uint64_t number = ++number_;
  const std::string set = name_ + "-" + std::to_string(number);
  std::mt19937_64 random(std::hash<std::string>()(set));
  lazaret::Verdict verdict = lazaret::Verdict::done();
  for (const std::string& queue : {to_.left, to_.right}) {
    const std::string body = body_of(random, name_ + "-" + queue, number, stage_.longest_body);
    const Event event = published(queue, body, set, cause);
    stage_.history.add(event);
    Addressed message = addressed(event);
    verdict = std::move(verdict).publish(std::move(message.to), std::move(message.message));
  }
  return verdict;
}

}  // namespace lazaret::crash

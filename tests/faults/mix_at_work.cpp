#include "faults/mix_at_work.h"

#include <algorithm>

#include "base/crc32c.h"
#include "faults/worker_outbox.h"
#include "wire/envelope.h"

namespace lazaret::faults {
namespace {

using namespace std::chrono_literals;

constexpr std::uint64_t kBatch = 8;
/// What waits to be worked off on any place that is read, before the publisher pauses.
constexpr std::uint64_t kBacklog = 300;
/// What the place that is not read holds at the end.
constexpr std::uint64_t kUnreadMost = 2'000;
constexpr std::size_t kAskedAtOnce = 8;
constexpr auto kPatience = 60s;

std::int64_t now_us() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(now).count();
}

const Place& place_of_log(const std::string& log) {
  return *std::find_if(kPlaces.begin(), kPlaces.end(), [&](const Place& place) { return place.log == log; });
}

}  // namespace

MixSnapshot between(MixSnapshot before, const MixSnapshot& after) {
  for (auto& [name, told] : before) told = between(std::move(told), after.at(name));
  return before;
}

MixSnapshot MixLedger::snapshot() const {
  MixSnapshot snapshot;
  for (const auto& [name, ledger] : ledgers_) snapshot[name] = ledger.snapshot();
  return snapshot;
}

std::shared_ptr<model::Message> message_of(const Place& place, std::uint64_t number) {
  wire::Envelope envelope;
  if (place.is_asked) envelope.id = id_of_request(number);
  if (place.is_keyed) envelope.key = std::to_string(number % kKeys);
  auto message = std::make_shared<model::Message>();
  message->envelope = base::SharedBytes::of(wire::encode_envelope(envelope));
  std::string body = body_of(number);
  message->body_crc = base::crc32c(body);
  message->body = base::SharedBytes::of(std::move(body));
  return message;
}

model::MessageId id_of_request(std::uint64_t number) {
  model::MessageId id;
  for (std::size_t i = 0; i < 8; ++i) id.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

model::Request request_of(const engine::QueueRef& queue, std::uint64_t number) {
  model::Request request;
  request.subscription = queue->subscription;
  request.id = id_of_request(number);
  request.time_left = 10min;
  request.message = message_of(place_of_log("asked"), number);
  return request;
}

MixAtWork::MixAtWork(std::unique_ptr<model::Store> store, MixLedger& ledger) : ledger_(ledger), on_(std::move(store)) {
  for (const char* name : {"topic", "side", "silent"}) {
    model::CreateQueue topic;
    topic.name = name;
    topic.kind = model::Kind::topic;
    queues_[name] = on_.create(topic);
  }
  for (const Place& place : kPlaces) create(place);
}

void MixAtWork::create(const Place& place) {
  model::CreateQueue create;
  create.name = place.name;
  if (std::string_view(place.log) == "topic") {
    create.kind = model::Kind::subscription;
    create.topic = place.log;
  }
  if (place.is_gathered) {
    create.kind = model::Kind::subscription;
    create.topics = {place.log, "silent"};
  }
  create.options.order_by_key = place.is_keyed;
  if (place.refuses || place.drops) create.options.max_messages = kFull;
  if (place.drops) create.options.overflow = model::Overflow::drop_oldest;
  queues_[place.name] = on_.create(create);
}

void MixAtWork::start(std::uint64_t seed) {
  std::uint8_t number = 0;
  for (const Place& place : kPlaces) {
    if (!place.is_read) continue;
    Manner manner;
    // One that is kept for long keeps its key, and its requester, waiting.
    manner.holds = !place.is_keyed && !place.is_asked;
    if (place.refuses || place.drops) manner.pause = 2ms;
    auto worker = std::make_shared<WorkerOutbox>(ledger_[place.name], ++number);
    worker->consume(on_.engine(), queues_.at(place.name), manner);
    workers_[place.name] = std::move(worker);
  }
  publisher_ = std::thread([this, seed] { publish(std::mt19937_64(seed)); });
  requester_ = std::thread([this, seed] { ask(std::mt19937_64(seed + 1)); });
  operator_ = std::thread([this, seed] { operate(std::mt19937_64(seed + 2)); });
}

void MixAtWork::stop() {
  over_ = true;
  for (std::thread* thread : {&publisher_, &requester_, &operator_}) {
    if (thread->joinable()) thread->join();
  }
  for (const auto& [name, worker] : workers_) worker->close();
  workers_.clear();
}

template <class Change>
void MixAtWork::change(const std::string& log, std::uint64_t number, Change change) {
  for (const Place& place : kPlaces) {
    if (place.log == log) ledger_[place.name].change(number, change);
  }
}

void MixAtWork::publish(std::mt19937_64 random) {
  const std::vector<std::string> logs{"keyed", "later", "topic", "refuses", "drops", "side"};
  while (!over_) {
    const std::string& log = logs[random() % logs.size()];
    const std::uint64_t so_far = published_[log];
    const bool is_behind = std::any_of(kPlaces.begin(), kPlaces.end(), [&](const Place& place) {
      if (place.log != log || place.refuses || place.drops) return false;
      return place.is_read ? workers_.at(place.name)->behind(so_far) > kBacklog : so_far > kUnreadMost;
    });
    if (is_behind) {
      std::this_thread::sleep_for(1ms);
    } else {
      publish_batch(log, random);
    }
  }
}

void MixAtWork::publish_batch(const std::string& log, std::mt19937_64& random) {
  const Place& place = place_of_log(log);
  model::Publish publish;
  publish.log = queues_.at(log)->log;
  publish.producer = the_producer();
  const std::uint64_t first = published_[log] + 1;
  const std::uint64_t count = 1 + random() % kBatch;
  for (std::uint64_t number = first; number < first + count; ++number) {
    auto message = message_of(place, number);
    if (place.is_later) {
      message->due.us =
          now_us() + (number % kFarOf == 0 ? 3'600'000'000 : static_cast<std::int64_t>(random() % 150'000));
    }
    change(log, number, [&](Told& told) {
      told.sequence = number;
      told.due_us = message->due.us;
    });
    publish.items.push_back({number, std::move(message)});
  }
  published_[log] += count;
  const auto published = on_.ask<model::Published>(queues_.at(log)->shard, std::move(publish));
  for (std::size_t i = 0; i < published.results.size(); ++i) {
    const model::PublishResult& result = published.results[i];
    change(log, first + i, [&](Told& told) {
      told.refused = result.code == base::Code::RESOURCE_EXHAUSTED;
      if (result.code != base::Code::OK) return;
      told.confirmed = true;
      told.offset = result.offset.value;
    });
  }
}

/// Some requests at a time, until all of them have ended.
void MixAtWork::ask(std::mt19937_64 random) {
  Ledger& ledger = ledger_["asked"];
  for (std::uint64_t number = 0; !over_;) {
    std::vector<std::pair<std::uint64_t, std::future<model::Replied>>> asked;
    for (std::size_t i = 0; i < 1 + random() % kAskedAtOnce; ++i) {
      ledger.change(++number, [](Told&) {});
      const engine::QueueRef& queue = queues_.at("asked");
      asked.emplace_back(number, on_.begin<model::Replied>(queue->shard, request_of(queue, number)));
    }
    for (auto& [one, reply] : asked) {
      if (reply.wait_for(kPatience) != std::future_status::ready) return;  // that it never ended is found in its image
      const model::Replied replied = reply.get();
      ledger.change(one, [&](Told& told) {
        told.has_ended = true;
        if (replied.message != nullptr) told.reply = std::string(replied.message->body.view());
      });
    }
  }
}

/// Replays and discards cases of one subscription.
void MixAtWork::operate(std::mt19937_64 random) {
  while (!over_) {
    std::this_thread::sleep_for(5ms);
    const auto admitted = on_.cases(queues_.at("one"), model::CaseState::admitted);
    for (std::size_t i = 0; i < admitted.size() && i < 2; ++i) {
      const model::CaseRecord& one = admitted[random() % admitted.size()];
      const std::uint64_t number = one.id.offset.value + 1;  // the publisher is alone: offset 0 is number 1
      if (random() % 3 == 0) {
        ledger_["one"].change(number, [](Told& told) { told.end_asked = true; });
        const auto done = on_.ask<model::CaseDone>(one.id.shard, model::DiscardCaseCommand{{}, one.id, "no use"});
        if (done.status.ok()) ledger_["one"].change(number, [](Told& told) { told.ended = true; });
      } else {
        on_.ask<model::CaseDone>(one.id.shard,
                                 model::ReplayCaseCommand{{}, one.id, one.attempt_count, one.summary.priority});
      }
    }
  }
}

}  // namespace lazaret::faults

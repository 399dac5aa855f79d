// What publishers and workers do in a random run, and how the broker dies.
#include <algorithm>

#include "model/limits.h"
#include "simulation/random_run.h"

namespace lazaret::simulation {

using base::Code;
using model::VerdictKind;

namespace {

/// Few, so that they meet; of a message the same whenever it is sent. Some have none.
std::string key_of(std::uint64_t sequence) {
  constexpr std::uint64_t kKeys = 6;
  return sequence % (kKeys + 2) < kKeys ? "key " + std::to_string(sequence % (kKeys + 2)) : "";
}

/// Sixteen characters; of each body another.
std::string id_of(std::string body) {
  body.resize(16, '.');
  return body;
}

/// "a", "b@2", "c@1", …
std::string type_of(std::uint64_t sequence) {
  const std::string type(1, static_cast<char>('a' + sequence % 3));
  return sequence % 2 == 0 ? type : type + "@" + std::to_string(1 + sequence / 2 % 2);
}

}  // namespace

void RandomRun::act() {
  const std::uint64_t dice = random_.below(1000);
  if (dice < 220) return publish(*any(publishers_));
  if (dice < 280) return ask(*any(askers_));
  if (dice < 300) return publish_again(*any(publishers_));
  if (dice < 820) return work(*any(workers_));
  if (dice < 840) return insist(*any(workers_));
  if (dice < 860) return change_consumer(*any(workers_));
  if (dice < 910) return leave(*any(workers_));
  if (dice < 985) return operate();
  crash();
}

// --- Publishers -----------------------------------------------------------------------------------------------------

void RandomRun::publish(Publisher& publisher) {
  if (!world_.has_queue(publisher.queue)) return;
  // Sequences may leave gaps; a wide one pushes the window on.
  if (chance(2)) publisher.next += model::limits::kDedupWindow;
  std::vector<std::uint64_t> sequences;
  for (std::uint64_t i = 1 + random_.below(6); i > 0; --i) {
    auto& message = publisher.unconfirmed[publisher.next];
    message.body = "body " + std::to_string(++bodies_);
    // Some wait for seconds, a few longer; some are of no use after a while.
    if (chance(15)) message.delay = std::chrono::milliseconds(random_.below(chance(20) ? 60'000 : 3'000));
    if (with_priorities_ && chance(30)) message.priority = static_cast<std::uint8_t>(1 + 4 * random_.below(3));
    if (chance(10)) message.ttl = std::chrono::milliseconds(1 + random_.below(5'000));
    sequences.push_back(publisher.next++);
  }
  if (sequences.size() == 1 && chance(30)) publisher.unconfirmed[sequences[0]].along = some_destinations();
  send(publisher, sequences);
}

/// Queues and topics, on any shard.
std::vector<std::string> RandomRun::some_destinations() {
  static constexpr std::array kPlaces{"orders", "letters", "parcels", "news"};
  std::vector<std::string> some;
  for (std::uint64_t i = 1 + random_.below(3); i > 0; --i) some.emplace_back(kPlaces[random_.below(kPlaces.size())]);
  return some;
}

/// With a sequence of long ago, or one that was used for something else; or asks which was the last.
void RandomRun::publish_again(Publisher& publisher) {
  if (!world_.has_queue(publisher.queue)) return;
  const model::QueueRecord& queue = world_.queue(publisher.queue);
  if (chance(40)) {
    world_.submit(queue.shard,
                  model::OpenProducer{{publisher.session, ++publisher.last_request}, queue.log, publisher.producer});
    return;
  }
  if (publisher.next == 1 || publisher.unconfirmed.contains(publisher.next - 1)) return;
  model::Publish publish;
  publish.origin = {publisher.session, ++publisher.last_request};
  publish.log = queue.log;
  publish.producer = publisher.producer;
  auto message = std::make_shared<model::Message>();
  message->body_crc = 99;
  message->body = base::SharedBytes::of("never " + std::to_string(++bodies_));
  const std::uint64_t window = model::limits::kDedupWindow;
  const bool too_old = publisher.next > window + 1;
  publish.items.push_back({too_old ? publisher.next - window - 1 : publisher.next - 1, std::move(message)});
  world_.submit(queue.shard, std::move(publish));
}

void RandomRun::send(Publisher& publisher, const std::vector<std::uint64_t>& sequences) {
  const model::QueueRecord& queue = world_.queue(publisher.queue);
  model::Publish publish;
  publish.origin = {publisher.session, ++publisher.last_request};
  publish.log = queue.log;
  publish.producer = publisher.producer;
  for (const std::uint64_t sequence : sequences) {
    auto message = std::make_shared<model::Message>();
    message->body_crc = static_cast<std::uint32_t>(sequence);
    const auto& unconfirmed = publisher.unconfirmed.at(sequence);
    message->envelope =
        base::SharedBytes::of(key_of(sequence) + "|" + type_of(sequence) + "#" + id_of(unconfirmed.body));
    message->body = base::SharedBytes::of(unconfirmed.body);
    message->priority = unconfirmed.priority;
    if (unconfirmed.delay.count() > 0) message->due = world_.now() + unconfirmed.delay;
    if (unconfirmed.ttl.count() > 0) message->expires_at = world_.now() + unconfirmed.delay + unconfirmed.ttl;
    publish.items.push_back({sequence, std::move(message)});
    if (!unconfirmed.along.empty() && sequences.size() == 1) {
      publish.outgoing = world_.outgoing(unconfirmed.along, "tx of " + unconfirmed.body);
    }
  }
  publisher.under_way[publisher.last_request] = sequences;
  world_.submit(queue.shard, std::move(publish));
}

/// Everything that was neither confirmed nor is under way.
void RandomRun::send_again(Publisher& publisher) {
  std::set<std::uint64_t> under_way;
  for (const auto& [request, sequences] : publisher.under_way) under_way.insert(sequences.begin(), sequences.end());
  std::vector<std::uint64_t> again;
  for (const auto& [sequence, message] : publisher.unconfirmed) {
    if (!under_way.contains(sequence)) again.push_back(sequence);
  }
  if (again.empty() || !world_.has_queue(publisher.queue)) return;
  for (const std::uint64_t sequence : again) {
    if (!publisher.unconfirmed.at(sequence).along.empty()) send(publisher, {sequence});
  }
  std::erase_if(again, [&](std::uint64_t sequence) { return !publisher.unconfirmed.at(sequence).along.empty(); });
  if (!again.empty()) send(publisher, again);
}

void RandomRun::confirmed(Publisher& publisher, const model::Published& published) {
  const auto request = publisher.under_way.extract(published.request);
  if (!request) return;
  for (std::size_t i = 0; i < published.results.size(); ++i) {
    const Code code = published.results[i].code;
    const std::uint64_t sequence = request.mapped()[i];
    // A sequence that has fallen out of the window is as lost to its publisher as a refused one.
    if (code == Code::OK || code == Code::SEQUENCE_TOO_OLD) publisher.unconfirmed.erase(sequence);
    if (code == Code::SEQUENCE_REUSED)
      witness_.find("sequence " + std::to_string(sequence) + " is said to be used (2)");
  }
}

// --- Workers --------------------------------------------------------------------------------------------------------

void RandomRun::work(Worker& worker) {
  Client& client = *worker.client;
  if (!client.connected()) return;
  const std::vector<std::uint64_t> held = client.held();
  if (held.empty()) return;
  const std::uint64_t offset = held[random_.below(held.size())];
  const std::uint64_t dice = random_.below(100);
  // A handler that ends has begun.
  if (!client.delivery(offset).begun && dice < 90) {
    client.start(offset);
    if (chance(30)) return;
  }
  if (dice < 50) return answer(worker, offset);
  if (dice < 70)
    return client.nack(offset, "it failed", chance(50) ? std::optional<base::Duration>(300ms) : std::nullopt);
  if (dice < 75) return client.reject(offset);
  if (dice < 85) return client.extend(offset);
  if (dice < 90) return client.release(offset);
  client.not_begun(offset);
}

/// On something that it has settled, or lost, before.
void RandomRun::insist(Worker& worker) {
  Client& client = *worker.client;
  if (!client.connected() || client.deliveries().empty()) return;
  const auto& [offset, delivery] = any(client.deliveries());
  if (delivery.held) return;
  static constexpr std::array kinds{VerdictKind::ack, VerdictKind::fail, VerdictKind::reject, VerdictKind::extend,
                                    VerdictKind::release};
  const VerdictKind kind = kinds[random_.below(kinds.size())];
  if (kind == VerdictKind::fail) return client.nack(offset);
  client.settle(kind, offset);
}

void RandomRun::change_consumer(Worker& worker) {
  Client& client = *worker.client;
  if (!client.connected() || !world_.has_queue(worker.queue)) return;
  if (!client.consumes(worker.number)) {
    worker.number += 10;  // another consumer: what the closed one has begun is still its own
    return equip(worker);
  }
  if (chance(60)) return client.add_credit(1 + random_.below(3), worker.number);
  client.close_consumer(worker.number);
}

void RandomRun::leave(Worker& worker) {
  Client& client = *worker.client;
  if (!client.connected() || worker.is_companion) return;
  if (chance(20)) return client.quiet(chance(50));
  worker.returns_at = world_.now() + base::Duration(static_cast<std::int64_t>(random_.below(8'000'000)));
  const std::uint64_t dice = random_.below(100);
  worker.as_another = dice < 70;
  if (dice < 20) return client.goodbye();
  if (dice < 70) return client.die();
  client.vanish();
}

void RandomRun::come_back() {
  for (const auto& worker : workers_) {
    Client& client = *worker->client;
    if (client.connected() || worker->is_companion || worker->returns_at > world_.now()) continue;
    worker->returns_at = base::Instant::never();
    worker->sure_from = world_.now() + 200ms;
    if (worker->companion != nullptr) worker->companion->sure_from = worker->sure_from;
    if (worker->as_another) {
      client.restart();
      client.connect();
      equip(*worker);
      if (worker->companion != nullptr) equip(*worker->companion);
    } else {
      client.reconnect();
    }
  }
}

// --- The broker -----------------------------------------------------------------------------------------------------

void RandomRun::crash() {
  ++crashes_;
  if (chance(25)) {
    world_.post_all(core::Drain{});
    world_.run_for(100ms);
    // Somebody comes too late.
    for (const auto& worker : workers_) {
      if (worker->client->connected() && chance(30)) equip(*worker);
    }
    world_.stop_broker();
  } else {
    world_.kill_broker(random_.below(4));
  }
  for (const auto& worker : workers_) {
    if (worker->is_companion) continue;
    if (worker->client->connected()) {
      worker->client->disconnected();
      worker->as_another = chance(20);
    }
    // Clients try at least every 2 s.
    worker->returns_at = std::min(worker->returns_at,
                                  world_.now() + base::Duration(static_cast<std::int64_t>(random_.below(2'000'000))));
  }
  for (const auto& asker : askers_) {
    if (asker->client->connected()) asker->client->disconnected();
  }
  world_.start_broker();
  // Most of what waits is on the disk only now.
  const std::string& name = any(names_);
  if (chance(20) && world_.has_queue(name)) world_.purge(name, true);
  for (const auto& publisher : publishers_) {
    open(*publisher);
    publisher->under_way.clear();
    send_again(*publisher);
  }
}

}  // namespace lazaret::simulation
